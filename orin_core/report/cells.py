"""Which runs belong in one row of a results table, and which of them count.

A row holds runs that agree in everything but chance. What must agree is one table, :data:`SETTINGS`;
the same table decides which rows may be ranked against each other and how rows are told apart.
"""

from __future__ import annotations

import contextlib
import dataclasses
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from orin_core.analysis.verdict import Status, Verdict, from_json, judge
from orin_core.catalog import dataset_row, model_row
from orin_core.report.published import mode_label
from orin_core.report.rows import COLUMNS, number_or_none
from orin_core.runs.recording import Recording

_MODULES_GB = (4, 8, 16, 32, 64, 128)
_RELEASE = re.compile(r"\bR(\d+)\b.*?REVISION:\s*([\d.]+)")
_BEST_FIRST = (
    Status.VALID,
    Status.SIMULATED,
    Status.IMPORTED,
    Status.REPLAY,
    # A demo is only short; of an invalid run a fault is known.
    Status.DEMO,
    Status.INVALID,
    Status.IMPLAUSIBLE,
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """One finished run as the report reads it.

    Args:
        run_id: name of its folder; sorts by time.
        summary: as in ``summary.json``.
        environment: as in ``environment.json``.
        verdict: of the summary; judged anew where an old one has none.
    """

    run_id: str
    summary: Mapping[str, Any]
    environment: Mapping[str, Any]
    verdict: Verdict

    @property
    def model(self) -> str | None:
        """Catalogue name where it is one of the catalogue's, else as given."""
        name = self.summary.get("model")
        row = model_row(str(name)) if name else None
        return row.name if row else str(name) if name else None

    @property
    def power_mode(self) -> str | None:
        """Short name of the mode."""
        mode = self.summary.get("power_mode")
        return mode_label(str(mode)) if mode else None

    @property
    def has_figures(self) -> bool:
        """Whether there is anything to show."""
        return any(self.figure(column.summary_key) is not None for column in COLUMNS)

    def figure(self, key: str) -> float | None:
        """Returns a figure of the summary; images per joule also from an old one that has not counted it."""
        value = number_or_none(self.summary.get(key))
        if value is None and key == "items_per_joule":
            energy_j = number_or_none(self.summary.get("energy_per_item_j"))
            return 1 / energy_j if energy_j else None
        return value

    def worker(self, key: str) -> Any:
        """Returns what the worker found, None where it did not come so far."""
        found = self.environment.get("worker")
        return found.get(key) if isinstance(found, Mapping) else None


def run_facts(run: Recording | Mapping[str, Any]) -> RunFacts | None:
    """Returns a finished run; None where it has no summary yet.

    Args:
        run: a run folder, or a summary as in ``summary.json`` that may carry ``environment.json``
            under the key ``environment``.
    """
    if isinstance(run, Recording):
        found, environment, run_id = run.summary(), run.environment(), run.run_id
        if found is None:
            return None
        summary: Mapping[str, Any] = found
    else:
        summary, environment, run_id = run, run.get("environment") or {}, str(run.get("run_id") or "")
    return RunFacts(run_id=run_id, summary=summary, environment=environment, verdict=_verdict(summary))


def _verdict(summary: Mapping[str, Any]) -> Verdict:
    with contextlib.suppress(KeyError, ValueError, TypeError):  # of before verdicts, or of another version
        return from_json(summary["verdict"])
    return judge(summary)


# -- what must agree ------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One thing that must be equal for two runs to be compared.

    Args:
        key: its name in the code.
        name: its name for people.
        read: its value as text, None where it is not known.
        label: how a value reads in the first cell of a row.
    """

    key: str
    name: str
    read: Callable[[RunFacts], str | None]
    label: str = "{}"


def _of_summary(key: str) -> Callable[[RunFacts], str | None]:
    return lambda run: _text(run.summary.get(key))


def _of_environment(key: str) -> Callable[[RunFacts], str | None]:
    return lambda run: _text(run.environment.get(key))


def _text(value: Any) -> str | None:
    return None if value in (None, "") else " ".join(str(value).split())


def origin_of(run: RunFacts) -> str:
    """Returns ``run``, ``replay`` or ``imported``; folders of before it was recorded say it by their source."""
    origin = run.summary.get("origin") or run.environment.get("origin")
    return str(origin) if origin else "replay" if run.summary.get("source") == "replay" else "run"


def _telemetry(run: RunFacts) -> str | None:
    return "simulated board" if run.summary.get("simulated") else "board"


def _dataset(run: RunFacts) -> str | None:
    name = _text(run.summary.get("dataset"))
    row = dataset_row(name) if name else None
    return row.name if row else name


def _precision(run: RunFacts) -> str | None:
    precision = _text(run.summary.get("precision"))
    return f"{precision} (TF32 allowed)" if precision and run.summary.get("tf32_allowed") else precision


def module_gb(run: RunFacts) -> int | None:
    """Returns the RAM of the module, GB: the next size that is sold above what the board calls its total."""
    total_mb = number_or_none(run.summary.get("ram_total_mb") or run.environment.get("ram_total_mb"))
    return next((size for size in _MODULES_GB if total_mb <= size * 1024), None) if total_mb else None


def _module(run: RunFacts) -> str | None:
    size_gb = module_gb(run)
    return f"{size_gb} GB" if size_gb else None


def l4t(run: RunFacts) -> str | None:
    """Returns the L4T release, ``36.4.0`` for the long line of the release file."""
    text = _text(run.environment.get("l4t"))
    found = _RELEASE.search(text) if text else None
    return f"{found[1]}.{found[2]}" if found else text


def _revision(run: RunFacts) -> str | None:
    spec = run.environment.get("model_spec")
    revision = _text(spec.get("revision")) if isinstance(spec, Mapping) else None
    return revision[:7] if revision else None


def _fan(run: RunFacts) -> str | None:
    """Full or regulated: under regulation no two runs find the fan at the same speed."""
    fan = run.environment.get("fan")
    pwm_pct = number_or_none(fan.get("pwm_pct")) if isinstance(fan, Mapping) else None
    return None if pwm_pct is None else "at full speed" if pwm_pct >= 99 else "regulated"


SETTINGS = (
    Setting(key="origin", name="Origin", read=origin_of),
    Setting(key="telemetry", name="Telemetry", read=_telemetry),
    Setting(key="dataset", name="Data set", read=_dataset),
    Setting(key="images", name="Images", read=_of_summary("images"), label="{} images"),
    Setting(key="weights", name="Weights", read=_of_summary("weights"), label="{} weights"),
    Setting(key="batch", name="Batch", read=_of_summary("batch_size"), label="batch {}"),
    Setting(key="in_flight", name="Batches in flight", read=_of_summary("in_flight"), label="{} in flight"),
    Setting(key="precision", name="Precision", read=_precision),
    Setting(key="scope", name="Scope", read=_of_summary("scope"), label="scope {}"),
    Setting(key="device", name="Device", read=_of_summary("device"), label="on {}"),
    Setting(key="board", name="Board", read=_of_environment("board")),
    Setting(key="module", name="Module RAM", read=_module, label="{} module"),
    Setting(key="l4t", name="L4T", read=l4t, label="L4T {}"),
    Setting(key="kernel", name="Kernel", read=_of_environment("kernel"), label="kernel {}"),
    Setting(key="torch", name="torch", read=lambda run: _text(run.worker("torch")), label="torch {}"),
    Setting(key="revision", name="Model revision", read=_revision, label="revision {}"),
    Setting(key="clocks", name="jetson_clocks", read=_of_environment("jetson_clocks"), label="jetson_clocks {}"),
    Setting(key="fan", name="Fan", read=_fan, label="fan {}"),
)
SETTING_BY_KEY = {setting.key: setting for setting in SETTINGS}


def settings_of(run: RunFacts) -> dict[str, str | None]:
    """Returns every setting of a run by key, None where it is not known."""
    return {setting.key: setting.read(run) for setting in SETTINGS}


# -- cells ----------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """The runs of one row.

    Args:
        model: as in :class:`RunFacts`.
        power_mode: short name of the mode.
        settings: what they agree in, by key.
        used: the runs whose figures count, newest first; more than one only where they are VALID.
        left_out: how many others there are.
    """

    model: str | None
    power_mode: str | None
    settings: Mapping[str, str | None]
    used: tuple[RunFacts, ...]
    left_out: int

    @property
    def newest(self) -> RunFacts:
        """The run that stands for the row."""
        return self.used[0]


def cells_of(runs: Iterable[RunFacts]) -> list[Cell]:
    """Returns runs sorted into rows."""
    groups: dict[tuple[str | None, ...], list[RunFacts]] = {}
    for run in runs:
        groups.setdefault((run.model, run.power_mode, *settings_of(run).values()), []).append(run)
    return [_cell(group) for group in groups.values()]


def _cell(group: list[RunFacts]) -> Cell:
    newest_first = sorted(group, key=lambda run: run.run_id, reverse=True)
    best = min((run.verdict.status for run in group), key=_BEST_FIRST.index)
    candidates = [run for run in newest_first if run.verdict.status is best]
    used = tuple(candidates) if best is Status.VALID else (candidates[0],)
    first = used[0]
    return Cell(
        model=first.model,
        power_mode=first.power_mode,
        settings=settings_of(first),
        used=used,
        left_out=len(group) - len(used),
    )
