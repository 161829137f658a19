"""One cell for a batch scheduler: ``run --spec cell.json --out DIR``, idempotent, with exit codes that say what to do.

Exit codes: 0 done, now or earlier; 75 try again later (the board is held, or the run was interrupted); 78 the power
mode was not reached on this board; else as for any run: 2 bad request, 4 failed.

**Source**: 75 and 78 are ``EX_TEMPFAIL`` and ``EX_CONFIG`` of sysexits(3).
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from orin_core.errors import BadRequest, BoardBusy, PowerModeError
from orin_core.runs.recording import Recording, list_runs
from orin_core.spec import RunSpec, RunState, run_spec_from_json, to_json
from orin_core.sweeps.outcome import mode_kept

EXIT_TRY_AGAIN = os.EX_TEMPFAIL
EXIT_MODE_NOT_REACHED = os.EX_CONFIG


def read_spec(path: Path) -> RunSpec:
    """Returns the run of a file.

    Raises:
        BadRequest: it cannot be read, is no JSON, or no run.
    """
    try:
        return run_spec_from_json(json.loads(path.read_text(encoding="utf-8"))).validated()
    except OSError as error:
        raise BadRequest(
            f"{path} cannot be read: {error.strerror}.", "Name a file with a run, as a spec.json."
        ) from error
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"{path} is no JSON: {error}.", "Use a spec.json as an example.") from error


def done_before(spec: RunSpec, folder: Path) -> Recording | None:
    """Returns the finished run of the same spec in its power mode in a folder; None where there is none."""
    wanted = to_json(spec)
    for recording in list_runs(folder):
        summary = recording.summary()
        done = summary and summary.get("state") == RunState.DONE.value and mode_kept(summary)
        if done and recording.spec() == wanted:
            return recording
    return None


def exit_code_of(error: Exception) -> int | None:
    """Returns the exit code that an error has for a scheduler; None where it is that of any run."""
    if isinstance(error, BoardBusy):
        return EXIT_TRY_AGAIN
    return EXIT_MODE_NOT_REACHED if isinstance(error, PowerModeError) else None


def exit_code(summary: dict[str, Any], usual: int) -> int:
    """Returns the exit code of a run that has ended, for a scheduler."""
    if not mode_kept(summary):
        return EXIT_MODE_NOT_REACHED
    return EXIT_TRY_AGAIN if summary.get("state") == RunState.INTERRUPTED.value else usual
