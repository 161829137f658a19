"""The rows that a mission may be planned with: ours and published ones, and which of them cannot be weighed."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from orin_core.analysis.verdict import Status
from orin_core.report.against import way_of
from orin_core.report.figures import first_sentence
from orin_core.report.published import PublishedRow
from orin_core.report.row_build import PUBLISHED_DATASET
from orin_core.report.rows import CUT_BY_HAND, ModelTable, Row

_REFUSED = {
    Status.INVALID: "its runs are INVALID: the protocol was not kept",
    Status.IMPLAUSIBLE: "its figures are IMPLAUSIBLE and refused",
    Status.DEMO: "its runs are demos, too short to plan with",
    Status.REPLAY: "it is a replayed log, not a run",
}
PUBLISHED_WAY = "reference fp32 batch 1"
"""**Source**: the published document names neither batch nor precision. The pipeline that it says it used takes one
image at a time by default, and torch computes in FP32 by default.
"""
Group = tuple[bool, bool, bool, str, str, str]
_Apart = tuple[bool, bool, bool, bool, str, bool, str]
_LEAST, _MOST = 1e-6, 1e6
"""FPS, W and J per image lie far inside; beyond them arithmetic runs over."""
_SIMULATED = "it ran on the simulated board, whose figures follow no power mode"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One way to run a model: a power mode with its figures.

    Args:
        label: how the row is named to people, for example ``50W, published``.
        power_mode: short name of the mode; None where nobody knows it.
        fps: images/s, end to end; None where unknown.
        power_w: mean power of the board, W; None where unknown.
        energy_per_item_j: J per image; None where unknown.
        status: verdict on its runs; None for a published row.
        simulated: whether the board was simulated.
        published: whether it is a published row.
        random_weights: whether the weights were random.
        synthetic_images: whether the images were synthetic.
        camera_images: whether a camera gave them, whose own rate bounds FPS and so what an image costs.
        dataset: name of its data set; empty where nobody knows it. Its images decide what decoding costs.
        scope: what the clock went over; rows of different scope are not weighed against each other.
        way: how images went through the model: method and, where one ran it, provider, precision, batch, so far as they
            are known. Rows of different ways are not weighed against each other either.
        known_error: why the figures are known to be wrong; None where they are not.
        spoiled: why its means tell nothing, though it may be shown; empty where they do.
        unnamed: whether nobody said which model ran, so that its rows may be of several.
        remarks: what else a reader must know of it, a few words each.
    """

    label: str
    power_mode: str | None
    fps: float | None
    power_w: float | None
    energy_per_item_j: float | None
    status: Status | None = None
    simulated: bool = False
    published: bool = False
    random_weights: bool = False
    synthetic_images: bool = False
    camera_images: bool = False
    dataset: str = PUBLISHED_DATASET
    scope: str = "full"
    way: str = ""
    known_error: str | None = None
    spoiled: str = ""
    unnamed: bool = False
    remarks: tuple[str, ...] = ()

    @property
    def group(self) -> Group:
        """What rows must share to be weighed against each other."""
        return (self.random_weights, self.synthetic_images, self.camera_images, self.dataset, self.scope, self.way)

    @property
    def group_text(self) -> str:
        """The same for people; empty for real weights and the published images at full scope, the way not known."""
        parts = [
            "random weights" if self.random_weights else "",
            "synthetic images" if self.synthetic_images else "",
            "camera images" if self.camera_images else "",
            "" if self.dataset == PUBLISHED_DATASET else f"data set {self.dataset or 'not known'}",
            "" if self.scope == "full" else f"scope {self.scope}",
            self.way,
        ]
        return ", ".join(part for part in parts if part)

    @property
    def marks(self) -> tuple[str, ...]:
        """What a reader must know of an offered row."""
        marks = ["not measured here"] if self.published else []
        marks += ["imported, not verified"] if self.status is Status.IMPORTED else []
        return (*marks, *([self.group_text] if self.group_text else []), *self.remarks)


def candidates(table: ModelTable) -> tuple[Candidate, ...]:
    """Returns what the rows of a results table offer: ours first, then the published ones, in the table's order."""
    ours = [of_row(row) for row in table.rows if row.run_ids]
    published = dict.fromkeys(row.published for row in table.rows if row.published is not None)
    return (*ours, *map(of_published, published))


def of_row(row: Row) -> Candidate:
    """Returns a row of a results table, ours, as a candidate."""
    return Candidate(
        label=row.test,
        power_mode=row.power_mode,
        fps=row.average_fps,
        power_w=row.power_draw_w,
        energy_per_item_j=row.energy_per_item_j,
        status=row.status,
        simulated=row.status is Status.SIMULATED or row.settings.get("telemetry") == "simulated board",
        random_weights=row.settings.get("weights") == "random",
        synthetic_images=row.settings.get("images") == "synthetic",
        camera_images=row.settings.get("images") == "camera",
        dataset=row.settings.get("dataset") or "",
        scope=row.settings.get("scope") or "full",
        way=way_of(row),
        spoiled="; ".join(map(first_sentence, row.spoiled)),
        unnamed=row.model is None,
        remarks=_remarks(row),
    )


def _remarks(row: Row) -> tuple[str, ...]:
    """Repeats that a formal result lacks, a cut by hand, and what a log lacks for a run that can be trusted."""
    repeats = [label for label in row.labels if label.endswith(" repeats") or label == CUT_BY_HAND]
    told = row.reasons if row.status is Status.IMPORTED else ()
    return (*repeats, *(first_sentence(reason) for reason in told))


def of_published(row: PublishedRow) -> Candidate:
    """Returns a published row as a candidate."""
    return Candidate(
        label=f"{row.power_mode}, published",
        power_mode=row.power_mode,
        fps=row.average_fps,
        power_w=row.power_draw_w,
        energy_per_item_j=row.energy_per_item_j,
        published=True,
        way=PUBLISHED_WAY,
        known_error=row.known_error,
    )


def groups(rows: Iterable[Candidate]) -> tuple[tuple[Candidate, ...], ...]:
    """Returns rows apart by what may be weighed together, the group nearest to a real run first.

    Of groups that are as near, one with rows of ours comes before one that was only published, and then the one of most
    modes.
    """
    found: dict[Group, list[Candidate]] = {}
    for row in rows:
        found.setdefault(row.group, []).append(row)
    return tuple(tuple(group) for group in sorted(found.values(), key=_distance))


def refusal(row: Candidate) -> str | None:
    """Returns why a row cannot be weighed at all, a clause that follows its label; None where it can."""
    if row.simulated or row.status is Status.SIMULATED:
        return _SIMULATED
    if row.status in _REFUSED:
        return _REFUSED[row.status]
    if row.known_error is not None:
        return f"its figures are known to be wrong ({row.known_error.rstrip('.')})"
    if row.unnamed:
        return "nobody said which model ran"
    if row.spoiled:
        return f"its figures tell nothing: {row.spoiled.rstrip('.')}"
    figures = {"FPS": row.fps, "power": row.power_w, "energy per image": row.energy_per_item_j}
    unknown = [name for name, value in figures.items() if value is None or value <= 0]
    if unknown:
        return f"not known: {', '.join(unknown)}"
    absurd = [name for name, value in figures.items() if value is not None and not _LEAST <= value <= _MOST]
    return f"cannot be true: {', '.join(absurd)}" if absurd else None


def _distance(group: list[Candidate]) -> tuple[int, _Apart, bool, int, str]:
    random_weights, synthetic_images, camera_images, dataset, scope, way = group[0].group
    only_published = all(row.published for row in group)
    modes = len({row.power_mode for row in group})
    invented = random_weights + synthetic_images
    other_data, other_scope = dataset != PUBLISHED_DATASET, scope != "full"
    apart = (random_weights, synthetic_images, camera_images, other_data, dataset, other_scope, scope)
    return (invented, apart, only_published, -modes, way)
