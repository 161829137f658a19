"""Whether a stretch of a log has become a run before from another file: the same experiment as text and as CSV."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from orin_core.analysis.log_series import Floats
from orin_core.analysis.old_logs import OldLog
from orin_core.analysis.stretches import Stretch
from orin_core.runs import columns
from orin_core.runs.import_records import SOURCE
from orin_core.runs.recording import Recording, list_runs
from orin_core.runs.whole_lines import open_plain
from orin_core.spec import Phase

_LENGTH_S, _LENGTH_SHARE = 3.0, 0.02
"""The two cuts of one experiment may differ by a few ticks, and by the period: a CSV of the published logs counts whole
seconds where the ticks of the log come every 1.011 s.
"""
_SHIFT_TICKS = 3
_GR3D_PCT, _RAM_SHARE = 1.0, 0.002
"""So far two values of one tick lie apart: some CSVs hold rounded loads, and RAM in GB."""
_SAME_SHARE = 0.97
"""So many of the ticks must agree; a converter may drop one."""
_AWAY_TICKS, _OWN_SHARE = 10, 0.5
"""Where so many ticks agree with others of the same run, so much later, agreement with another run tells nothing.

**Source**: own choice; in the published depth logs, the steadiest there are, it is at most 0.35.
"""
_LEAST_TICKS = 20
_ROW_TICKS = 5
GR3D, RAM = "Used GR3D (%)", "Used RAM (MB)"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Alike:
    """A run whose rows are those of a stretch of another file.

    Args:
        recording: its folder.
        file: name of the file that it came from.
    """

    recording: Recording
    file: str

    @property
    def note(self) -> str:
        """What to say of it."""
        return (
            f"Holds the same rows as {self.recording.run_id}, which was imported from {self.file}: "
            "it is the same experiment, which a mean over both would count twice."
        )


def alike(runs_dir: Path, log: OldLog, stretch: Stretch) -> Alike | None:
    """Returns the imported run of another file that holds the same rows as a stretch; None where there is none.

    Args:
        runs_dir: folder of run folders.
        log: the log.
        stretch: one run of it.
    """
    inside = slice(stretch.start_index, stretch.end_index + 1)
    mine = np.column_stack([log.series.gr3d_pct[inside], log.series.ram_mb[inside]]).astype(np.float64)
    if len(mine) < _LEAST_TICKS or not np.isfinite(mine[:, 0]).any():
        return None
    for recording in list_runs(runs_dir):
        spec = recording.spec()
        if spec.get("origin") != SOURCE or spec.get("sha256") == log.sha256:
            continue
        seconds = (recording.summary() or {}).get("total_inference_time_s")
        may_differ_s = max(_LENGTH_S, _LENGTH_SHARE * stretch.seconds)
        if isinstance(seconds, (int, float)) and abs(seconds - stretch.seconds) > may_differ_s:
            continue
        if _same(mine, _measured(recording)):
            return Alike(recording=recording, file=str(spec.get("file") or "another file"))
    return None


def _measured(recording: Recording) -> Floats:
    """Returns GR3D (%) and RAM (MB) of the ticks of measure, float64, shape (ticks, 2); NaN where absent."""
    wanted = (columns.PHASE, GR3D, RAM)
    try:
        with open_plain(recording.csv_path) as stream:
            frame = pd.read_csv(stream, usecols=lambda name: name in wanted, on_bad_lines="skip")
    except (OSError, ValueError):
        return np.empty((0, 2))
    if columns.PHASE not in frame:
        return np.empty((0, 2))
    rows = frame[frame[columns.PHASE] == Phase.MEASURE.value].reindex(columns=[GR3D, RAM])
    found: Floats = rows.apply(pd.to_numeric, errors="coerce").to_numpy(dtype=np.float64)
    return found


def _same(mine: Floats, theirs: Floats) -> bool:
    """Returns whether two runs are tick for tick the same; one may be a few ticks late, or lose one on the way."""
    if min(len(mine), len(theirs)) < _LEAST_TICKS or abs(len(mine) - len(theirs)) > 2 * _SHIFT_TICKS:
        return False
    # A load that hardly changes is alike at any two times, and so in any two runs.
    if _share(mine, mine[_AWAY_TICKS:]) > _OWN_SHARE:
        return False
    return _share(mine, theirs) >= _SAME_SHARE


def _share(first: Floats, second: Floats) -> float:
    """Returns the share of the ticks of the shorter run that lie in rows of ticks that the other has as well."""
    found = np.zeros(len(first), dtype=bool)
    for shift in range(-_SHIFT_TICKS, _SHIFT_TICKS + 1):
        near = np.zeros(len(first), dtype=bool)
        mine, theirs = first[max(shift, 0) :], second[max(-shift, 0) :]
        count = min(len(mine), len(theirs))
        near[max(shift, 0) :][:count] = _near(mine[:count], theirs[:count])
        # Single ticks agree by chance; several in a row do not.
        whole = np.convolve(near, np.ones(_ROW_TICKS), "valid") == _ROW_TICKS
        found |= np.convolve(whole, np.ones(_ROW_TICKS), "full") > 0
    return float(found.sum()) / min(len(first), len(second))


def _near(first: Floats, second: Floats) -> npt.NDArray[np.bool_]:
    """Returns of each tick whether two runs say the same of it."""
    apart = np.column_stack([np.full(len(first), _GR3D_PCT), _RAM_SHARE * np.abs(second[:, 1])])
    unknown = ~np.isfinite(first) & ~np.isfinite(second)
    near: npt.NDArray[np.bool_] = np.all((np.abs(first - second) <= apart) | unknown, axis=1)
    return near
