"""What a results table is made of: columns, rows, tables. Values only; ``table.build`` fills them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping

from orin_core.analysis.agreement_words import Agreement
from orin_core.analysis.diagnosis import Diagnosis
from orin_core.analysis.verdict import Status
from orin_core.report.figures import COLUMNS, Column, digits
from orin_core.report.published import PublishedRow

CUT_BY_HAND = "cut by hand"
"""Label of a log whose cut a person moved."""
SEAM = " · "
"""Between the parts of a row's first cell."""
MODE_ORDER = ("MAXN", "50W", "30W", "15W")
"""The order of the published tables, and of the board's own modes from fast to slow."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class AgainstReference:
    """What a row of another method gains over the reference row of its model and mode.

    Args:
        agreement: how far its results agree; None where that was not recorded.
        precision: of the reference row; empty where there is none.
        speed_up: its speed over that of the reference; None where the two are not held against each other.
        why: why not, a clause; empty where they are, or where there is no reference row.
    """

    agreement: Agreement | None
    precision: str = ""
    speed_up: float | None = None
    why: str = ""

    @property
    def speed_text(self) -> str:
        """The speed-up with what it is over; empty where there is none."""
        return "" if self.speed_up is None else f"{digits(self.speed_up, 2)} x reference {self.precision}".rstrip()

    @property
    def why_text(self) -> str:
        """Why there is no speed-up; empty where there is one, no reference, or the agreement says it already."""
        told = self.agreement is not None and not (self.agreement.ok and self.agreement.images)
        return "" if not self.why or told else f"no speed-up: {self.why}"

    @property
    def agreement_text(self) -> str:
        """How far its results agree, and loudly where they do not; empty where nobody knows."""
        if self.agreement is None:
            return ""
        return self.agreement.short if self.agreement.ok else f"DISAGREES: {self.agreement.short}"

    @property
    def text(self) -> str:
        """Both in one line; never the speed-up alone, and where there is none why."""
        return "; ".join(part for part in (self.speed_text or self.why_text, self.agreement_text) if part)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line of a results table: the runs of one model in one power mode, all else equal.

    Figures are None where they are not known, were refused, or nobody ran the mode.

    Args:
        model: catalogue name or as given; None for an imported log of an unnamed model.
        power_mode: short name of the mode; None where nobody knows it.
        test: first cell of the row: the mode, and in what this row differs from the others of its model.
        average_fps: images/s, end to end.
        average_gpu_pct: mean GR3D load, %.
        average_ram_mb: mean RAM in use on the whole board, MB.
        total_inference_time_s: length of measure, s.
        power_draw_w: mean power, W.
        energy_per_item_j: gross energy, J per image.
        items_per_joule: images per J.
        tokens_per_s: of text generation, whose FPS is None; None for images.
        ttft_ms_p50: of text generation, median time to the first token, ms.
        items: images measured, of the newest run; None where not known.
        status: verdict on the runs used; None where nobody ran the mode.
        refused: whether its figures cannot be true and are left empty.
        validity: its badge; empty where nobody ran the mode.
        sentence: the verdict in one sentence.
        reasons: why the verdict is not VALID.
        spoiled: why an imported row ranks nobody and is not offered to a mission, one sentence each.
        labels: what a reader must know first: simulated, demo, imported, random weights, synthetic images.
        run_ids: runs whose figures are used, newest first.
        left_out: how many other runs of this row there are.
        values: per figure the value of each run used.
        intervals: per figure the 95 % interval, where one can be had.
        interval_basis: ``repeats``, ``blocks`` or empty.
        settings: what must agree for two rows to be compared, by key.
        setting_texts: the same for people, by name; empty where not known.
        facts: what else was found, for the environment table, by name; empty where not known.
        rails: the rails that power is the sum of.
        ambients_c: temperatures around the board as typed in, of those of its runs that know one, °C.
        cpu_ceiling_mhz: highest CPU clock seen, else its cap, MHz.
        diagnosis: what limited the newest run and what to try; empty where nothing is known.
        published: the published row of the same model and mode, where the work is the same.
        differences: ours against published in %, by figure.
        not_compared: why there are no differences; empty where there are.
        remarks: what was left empty or out and why, each what follows the row's name.
        commits: commits of this program that its runs were made with; an empty one where it is not known.
        agreement: how far the results of the newest run agree with the reference method; None where nobody looked.
        against: what it gains over the reference; None for the reference itself and for rows without a method.
    """

    model: str | None
    power_mode: str | None
    test: str
    average_fps: float | None = None
    average_gpu_pct: float | None = None
    average_ram_mb: float | None = None
    total_inference_time_s: float | None = None
    power_draw_w: float | None = None
    energy_per_item_j: float | None = None
    items_per_joule: float | None = None
    tokens_per_s: float | None = None
    ttft_ms_p50: float | None = None
    items: int | None = None
    status: Status | None = None
    refused: bool = False
    validity: str = ""
    sentence: str = ""
    reasons: tuple[str, ...] = ()
    spoiled: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    run_ids: tuple[str, ...] = ()
    left_out: int = 0
    values: Mapping[str, tuple[float, ...]] = dataclasses.field(default_factory=dict)
    intervals: Mapping[str, tuple[float, float]] = dataclasses.field(default_factory=dict)
    interval_basis: str = ""
    settings: Mapping[str, str | None] = dataclasses.field(default_factory=dict)
    setting_texts: Mapping[str, str] = dataclasses.field(default_factory=dict)
    facts: Mapping[str, str] = dataclasses.field(default_factory=dict)
    rails: tuple[str, ...] = ()
    ambients_c: tuple[float, ...] = ()
    cpu_ceiling_mhz: float | None = None
    diagnosis: str = ""
    published: PublishedRow | None = None
    differences: Mapping[str, float] = dataclasses.field(default_factory=dict)
    not_compared: str = ""
    remarks: tuple[str, ...] = ()
    commits: tuple[str, ...] = ()
    agreement: Agreement | None = None
    against: AgainstReference | None = None

    @property
    def n_runs(self) -> int:
        """Number of runs behind the figures."""
        return len(self.run_ids)

    @property
    def run_id(self) -> str | None:
        """The newest run of the row, which stands for it in plots; None where nobody ran the mode."""
        return self.run_ids[0] if self.run_ids else None

    def figure(self, field: str) -> float | None:
        """Returns one figure by its field name."""
        value: float | None = getattr(self, field)
        return value

    def cell(self, column: Column) -> str:
        """Returns a figure as the tables show it, with its interval; empty where there is none."""
        value = self.figure(column.field)
        if value is None:
            return ""
        if (interval := self.intervals.get(column.field)) is None:
            return column.text(value)
        return f"{column.text(value)} ± {(interval[1] - interval[0]) / 2:.{column.decimals_of(value)}f}"

    def behind(self, column: Column) -> str:
        """Returns how many of the row's runs a figure rests on, ``2 of 3``; empty where it is all of them, or none."""
        count = len(self.values.get(column.field, ()))
        return f"{count} of {self.n_runs}" if 0 < count < self.n_runs else ""

    def labels_beside_test(self) -> tuple[str, ...]:
        """Returns the labels that the first cell does not say already."""
        return tuple(label for label in self.labels if label.partition(",")[0].lower() not in self.test.lower())

    def against_text(self) -> str:
        """Returns what it gains over the reference, the agreement beside it; empty where neither is known."""
        return self.against.text if self.against else ""

    def runs_text(self) -> str:
        """Returns how many runs stand behind the figures and what the interval comes from."""
        if not self.run_ids:
            return ""
        basis = {"repeats": "95 % over repeats", "blocks": "95 % over blocks of one run"}.get(self.interval_basis, "")
        return f"{self.n_runs}, {basis}" if basis else str(self.n_runs)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Best:
    """The row of most images per joule among rows that may be ranked.

    Args:
        power_mode: its mode.
        test: first cell of the row; several rows may be of one mode, and of equal figures.
        items_per_joule: images per J.
        energy_per_item_j: J per image.
        certain: whether it stands apart from every other row of its group.
        sentence: which it is, against what, and how far that can be trusted.
        setting: what the rows of the group have in common and other groups of the model have not; may be empty.
    """

    power_mode: str
    test: str
    items_per_joule: float
    energy_per_item_j: float
    certain: bool
    sentence: str
    setting: str = ""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ModelTable:
    """The results of one model.

    Args:
        model: catalogue name or as given; None for imported logs of an unnamed model.
        label: its display name.
        slug: its name in file names.
        model_id: hub id, where it is one of the catalogue's.
        caption: which board the rows are from, and which the published ones.
        common: settings that all rows share, one line.
        rows: in the order of the modes; a mode that nobody ran has a row where there is a published one.
        best: of our rows, the largest group first; None where nothing can be ranked.
        rankings: one per group of rows that can be compared.
        published_best: of the published rows; None where there are none.
        diagnosis: what limits the model, from its modes together; None where too few were run.
        published_diagnosis: the same from the published rows.
        notes: what a reader must know of single rows, in their order.
    """

    model: str | None
    label: str
    slug: str
    model_id: str | None
    caption: str
    common: str
    rows: tuple[Row, ...]
    best: Best | None
    rankings: tuple[Best, ...]
    published_best: Best | None
    diagnosis: Diagnosis | None
    published_diagnosis: Diagnosis | None
    notes: tuple[str, ...]

    @property
    def has_runs(self) -> bool:
        """Whether any row is ours."""
        return any(row.run_ids for row in self.rows)

    @property
    def has_methods(self) -> bool:
        """Whether any row is held against the reference method."""
        return any(row.against is not None for row in self.rows)

    @property
    def is_text(self) -> bool:
        """Whether its items are prompts, so that speed is in tokens."""
        return any((row.tokens_per_s or (row.published and row.published.tokens_per_s)) for row in self.rows)

    @property
    def columns(self) -> tuple[Column, ...]:
        """The figures that it shows: those of text generation only where it has any."""
        return tuple(column for column in COLUMNS if self.is_text or not column.of_text)

    def heading(self, text: str) -> str:
        """Returns a heading with its items called what they are: prompts in place of images."""
        return text.replace("Image", "Prompt") if self.is_text else text

    def beside(self, row: Row) -> PublishedRow | None:
        """Returns the published row that is shown with one of ours.

        It is repeated only where there is a difference to show: of rows that are not compared with it, the first
        has it where no other has.
        """
        if row.published is None or not row.not_compared:
            return row.published
        same = [one for one in self.rows if one.published == row.published]
        shown = next((one for one in same if not one.not_compared), same[0])
        return row.published if shown.test == row.test else None

    def facts(self) -> dict[str, dict[str, str]]:
        """Returns settings and facts by name, each by the test of its row; for the environment table."""
        found: dict[str, dict[str, str]] = {}
        for row in self.rows:
            for name, text in {**row.setting_texts, **row.facts}.items():
                found.setdefault(name, {})[row.test] = text
        return {name: texts for name, texts in found.items() if any(texts.values())}


def columns_of(rows: Iterable[Row | None]) -> tuple[Column, ...]:
    """Returns the figures to show of rows of any models: those of text generation only where one has them."""
    has_text = any(row is not None and row.tokens_per_s is not None for row in rows)
    return tuple(column for column in COLUMNS if has_text or not column.of_text)


def mode_rank(power_mode: str | None) -> tuple[int, str]:
    """Returns the sort key of a mode: the board's order, then others by name, unknown last."""
    if power_mode is None:
        return (len(MODE_ORDER) + 1, "")
    known = power_mode in MODE_ORDER
    return (MODE_ORDER.index(power_mode), "") if known else (len(MODE_ORDER), power_mode)
