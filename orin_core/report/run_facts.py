"""One finished run as the report reads it: what is damaged in its files is left out by name, and the rest stands."""

from __future__ import annotations

import contextlib
import dataclasses
import re
from collections.abc import Callable, Mapping
from typing import Any

from orin_core.analysis.verdict import Verdict, from_json, judge
from orin_core.catalog import model_row
from orin_core.report.figures import COLUMNS, number_or_none
from orin_core.report.published import mode_label
from orin_core.runs.judged import judged_summary
from orin_core.runs.recording import Recording
from orin_core.runs.rows_check import lost_rows

_BROKEN = {"failed": "failed", "stopped": "was stopped", "interrupted": "was interrupted"}
_MODULES_GB = (4, 8, 16, 32, 64, 128)
_RELEASE = re.compile(r"\bR(\d+)\b.*?REVISION:\s*([\d.]+)")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """One finished run.

    Args:
        run_id: name of its folder; sorts by time.
        summary: as in ``summary.json``, without what is damaged.
        environment: as in ``environment.json``, without what is damaged.
        verdict: of the summary; judged anew where an old one has none.
        log: name and checksum of the log that it came from; None but for an imported run without a model.
        cut_by_hand: what of its cut a person moved, a clause that follows "the cut"; empty where the rule cut it.
        damaged: what its files hold in a shape that nobody can read, by key.
        lost_rows: what became of its rows since the summary was made, a clause; empty where they are there.
    """

    run_id: str
    summary: Mapping[str, Any]
    environment: Mapping[str, Any]
    verdict: Verdict
    log: str | None = None
    cut_by_hand: str = ""
    damaged: tuple[str, ...] = ()
    lost_rows: str = ""

    @property
    def model(self) -> str | None:
        """Catalogue name where it is one of the catalogue's, else as given."""
        name = self.summary.get("model")
        row = model_row(name) if name else None
        return row.name if row else name or None

    @property
    def power_mode(self) -> str | None:
        """Short name of the mode."""
        mode = self.summary.get("power_mode")
        return mode_label(mode) if mode else None

    @property
    def broken(self) -> str:
        """How a run ended that did not reach its end, such as ``was stopped``; empty for one that did."""
        return _BROKEN.get(str(self.summary.get("state")), "") if origin_of(self) == "run" else ""

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

    def found(self, part: str, key: str) -> Any:
        """Returns one value of a part of the environment, such as ``worker``; None where there is no such part."""
        values = self.environment.get(part)
        return values.get(key) if isinstance(values, Mapping) else None


def run_facts(run: Recording | Mapping[str, Any]) -> RunFacts | None:
    """Returns a finished run; None where it has no summary yet.

    Args:
        run: a run folder, or a summary as in ``summary.json`` that may carry ``environment.json``
            under the key ``environment``, the name of its log under ``log``, and the event ``imported`` under
            its name.
    """
    if isinstance(run, Recording):
        summary: Mapping[str, Any] | None = judged_summary(run)
        environment: Any = run.environment()
        run_id = run.run_id
    else:
        summary, environment, run_id = run, run.get("environment"), str(run.get("run_id") or "")
    if summary is None:
        return None
    whole, damaged = _whole(summary, _SUMMARY_SHAPES)
    around, damaged_around = _whole(environment, _ENVIRONMENT_SHAPES)
    intervals = whole.get("intervals_95") or {}
    whole["intervals_95"] = {key: ends for key, ends in intervals.items() if _is_interval(ends)}
    damaged += [key for key in summary.get("damaged") or () if key not in damaged]
    damaged += [f"intervals_95 of {key}" for key in intervals if key not in whole["intervals_95"]]
    found = RunFacts(
        run_id=run_id,
        summary=whole,
        environment=around,
        verdict=verdict_of(whole),
        damaged=(*damaged, *damaged_around),
        lost_rows=lost_rows(run, whole) if isinstance(run, Recording) else "",
    )
    if origin_of(found) != "imported":
        return found
    event = _imported(run)
    log = None if found.model is not None else _log(run, event) or run_id
    return dataclasses.replace(found, log=log, cut_by_hand=_cut_by_hand(event))


def verdict_of(summary: Mapping[str, Any]) -> Verdict:
    """Returns the verdict of a summary; judged now where an older version wrote none, or it is damaged."""
    with contextlib.suppress(KeyError, ValueError, TypeError):
        return from_json(summary["verdict"])
    return judge(summary)


def _imported(run: Recording | Mapping[str, Any]) -> Mapping[str, Any]:
    """Returns the event that tells where an imported run came from; empty where there is none."""
    found: Any = None
    if not isinstance(run, Recording):
        found = run.get("imported")
    else:
        with contextlib.suppress(OSError):
            found = next((event for event in run.events() if event["kind"] == "imported"), None)
    return found if isinstance(found, Mapping) else {}


def _log(run: Recording | Mapping[str, Any], event: Mapping[str, Any]) -> str | None:
    if not isinstance(run, Recording):
        return text_or_none(run.get("log"))
    name, digest = text_or_none(run.spec().get("file")), text_or_none(event.get("sha256")) or ""
    return " ".join(part for part in (name, digest[:8]) if part) or None


def _cut_by_hand(event: Mapping[str, Any]) -> str:
    if event.get("cut") != "by hand":
        return ""
    proposed, kept = _span(event, "proposed_start_s", "proposed_end_s"), _span(event, "start_s", "end_s")
    parts = [f"{proposed} proposed" if proposed else "none proposed", f"{kept} kept" if kept else ""]
    return f"was {'moved' if proposed else 'made'} by hand: {', '.join(part for part in parts if part)}"


def _span(event: Mapping[str, Any], first: str, last: str) -> str:
    start_s, end_s = number_or_none(event.get(first)), number_or_none(event.get(last))
    return "" if start_s is None or end_s is None else f"{round(start_s, 1):.6g} to {round(end_s, 1):.6g} s"


# -- shapes ---------------------------------------------------------------------------------------


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_number(value: Any) -> bool:
    return number_or_none(value) is not None


def _is_texts(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and all(isinstance(one, str) for one in value)


def _is_mapping(value: Any) -> bool:
    return isinstance(value, Mapping)


def _is_diagnosis(value: Any) -> bool:
    if not isinstance(value, Mapping):
        return False
    advice = value.get("advice")
    return isinstance(value.get("sentence"), (str, type(None))) and (advice is None or _is_texts(advice))


def _is_verdict(value: Any) -> bool:
    with contextlib.suppress(KeyError, ValueError, TypeError):
        from_json(value)
        return True
    return False


def _is_interval(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and len(value) == 2 and all(map(_is_number, value)) and value[0] <= value[1]


_Shapes = Mapping[str, Callable[[Any], bool]]
_TEXTS = "model dataset power_mode origin source profile state weights images method scope precision device device_type"
_NUMBERS = "items batch_size batch_size_asked in_flight ram_total_mb cpu_ceiling_mhz cpu_freq_cap_mhz"
_SUMMARY_SHAPES: _Shapes = {
    **dict.fromkeys(_TEXTS.split(), _is_text),
    **dict.fromkeys(_NUMBERS.split(), _is_number),
    **{column.summary_key: _is_number for column in COLUMNS},
    "intervals_95": _is_mapping,
    "power_rails": _is_texts,
    "diagnosis": _is_diagnosis,
    "verdict": _is_verdict,
}
_ENVIRONMENT_SHAPES: _Shapes = {
    **dict.fromkeys(("board", "l4t", "kernel", "version", "git_commit", "origin"), _is_text),
    **dict.fromkeys(("worker", "fan", "model_spec"), _is_mapping),
    "ram_total_mb": _is_number,
}


def _whole(document: Any, shapes: _Shapes) -> tuple[dict[str, Any], list[str]]:
    """Returns a document without the keys whose values have another shape, and which those are."""
    if not isinstance(document, Mapping):
        return {}, [] if document is None else ["environment"]
    broken = [key for key, fits in shapes.items() if document.get(key) is not None and not fits(document[key])]
    return {key: value for key, value in document.items() if key not in broken}, broken


# -- what several parts of the report read ---------------------------------------------------------


def text_or_none(value: Any) -> str | None:
    """Returns a value as one line of text, None where it is absent or empty."""
    return None if value is None or value == "" else " ".join(str(value).split())


def model_label(model: str | None) -> str:
    """Returns the display name of a model; empty for one that nobody named."""
    row = model_row(model) if model else None
    return row.label if row else (model or "").rstrip("/").split("/")[-1]


def origin_of(run: RunFacts) -> str:
    """Returns ``run``, ``replay`` or ``imported``; folders of before it was recorded say it by their source."""
    origin = run.summary.get("origin") or run.environment.get("origin")
    return str(origin) if origin else "replay" if run.summary.get("source") == "replay" else "run"


def module_gb(run: RunFacts) -> int | None:
    """Returns the RAM of the module, GB: the next size that is sold above what the board calls its total."""
    total_mb = number_or_none(run.summary.get("ram_total_mb") or run.environment.get("ram_total_mb"))
    return next((size for size in _MODULES_GB if total_mb <= size * 1024), None) if total_mb else None


def l4t(run: RunFacts) -> str | None:
    """Returns the L4T release, ``36.4.0`` for the long line of the release file."""
    text = text_or_none(run.environment.get("l4t"))
    found = _RELEASE.search(text) if text else None
    return f"{found[1]}.{found[2]}" if found else text
