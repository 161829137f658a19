"""The runner: ``python -m orin_core.runs.runner``, one process per run.

It reads one JSON request from standard input, takes the board, sets the power mode, makes the
run folder and answers one JSON line; from then on it is a session of its own that outlives
whoever started it. SIGTERM or SIGINT stops the run; a second one is less patient.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

from orin_core.errors import BoardBusy, OrinError, RunFailed
from orin_core.runs.prepare import Prepared, prepare
from orin_core.runs.run_loop import RunLoop
from orin_core.spec import run_spec_from_json


def _answer(document: dict[str, Any]) -> bool:
    """Tells whoever started this runner how it went, once; False where nobody waits for it any more."""
    try:
        os.write(1, (json.dumps(document) + "\n").encode())
    except BrokenPipeError:
        heard = False
    else:
        heard = True
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 1)
    os.dup2(null, 0)
    os.close(null)
    return heard


def _refusal(error: OrinError) -> dict[str, Any]:
    busy = isinstance(error, BoardBusy)
    return {
        "answer": "busy" if busy else "refused",
        "kind": type(error).__name__,
        "message": error.message,
        "hint": error.hint,
        "run_id": error.run_id if isinstance(error, BoardBusy) else None,
    }


def main() -> None:
    """Reads the request, detaches, and runs."""
    request = json.load(sys.stdin)
    if os.fork():
        # Whoever started the runner reaps this process; the run belongs to the other one.
        os._exit(0)
    os.setsid()
    try:
        spec = run_spec_from_json(request["spec"])
        with prepare(spec, Path(request["runs_dir"]), Path(request["state_dir"])) as prepared:
            _run(prepared)
    except OrinError as error:
        _answer(_refusal(error))
        raise SystemExit(error.exit_code) from error
    except OSError as error:
        _answer(_refusal(RunFailed(f"The run cannot be started: {error}.")))
        raise SystemExit(RunFailed.exit_code) from error


def _run(prepared: Prepared) -> None:
    folder = prepared.make_folder()
    try:
        loop = RunLoop(prepared, folder, prepared.lock)
    except OSError:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    started = {"answer": "started", "run_id": folder.name, "folder": str(folder)}
    if not _answer({**started, "notices": list(prepared.notices)}):
        # Whoever asked for it left before it began, by a second Ctrl-C for example.
        loop.stop()
    errors = os.open(folder / "runner.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(errors, 2)
    os.close(errors)
    loop.run()


if __name__ == "__main__":
    main()
