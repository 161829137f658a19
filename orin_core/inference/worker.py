"""The worker: ``python -m orin_core.inference.worker``, the one process that imports torch.

It reads a ``WorkerSpec`` as one JSON line from standard input, runs the model, and writes one
JSON event per line to standard output (``docs/architecture.md``). A later line ``stop``, or
SIGTERM, finishes the batch and exits 0; the end of file on standard input ends it at once.
It never downloads. With ``--describe`` it prints one JSON object: versions, the device, and what that can do.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import time
import traceback

from orin_core.errors import BadRequest, OrinError
from orin_core.inference.process import (
    OUT_OF_MEMORY,
    Commands,
    Events,
    Stop,
    die_with_parent,
    prepare_libraries,
    take_streams,
)
from orin_core.methods import Precision
from orin_core.spec import WorkerSpec, to_json, worker_spec_from_json

EXIT_DONE = 0
EXIT_FAILED = 4


def describe(fd: int) -> int:
    """Writes versions and device to a descriptor and returns the exit code."""
    prepare_libraries()
    try:
        from orin_core.inference.device import abilities, environment_facts, pick_device

        facts = {**environment_facts(), "abilities": to_json(abilities(pick_device(), onnx=True))}
    except (ImportError, OSError, RuntimeError) as error:
        # What an import of torch raises on a machine where it does not fit.
        facts = {"torch": None, "problem": f"torch cannot be used here: {error}"}
    os.write(fd, json.dumps(facts).encode() + b"\n")
    return EXIT_DONE if facts["torch"] else EXIT_FAILED


def _read_spec(line: str) -> WorkerSpec:
    try:
        return worker_spec_from_json(json.loads(line))
    except ValueError as error:
        raise BadRequest(f"The first line is no JSON: {error}.") from error


def _work(spec: WorkerSpec, events: Events, stop: Stop) -> None:
    import torch

    from orin_core.inference.device import environment_facts
    from orin_core.inference.session import Session

    start_s = time.monotonic()
    events.send("environment", **environment_facts())
    with torch.inference_mode():
        Session(spec, events, stop, start_s).run()


def _failure(error: Exception) -> tuple[str, str]:
    if isinstance(error, OrinError):
        return error.message, error.hint
    if isinstance(error, MemoryError) or any(words in str(error).lower() for words in OUT_OF_MEMORY):
        return "There is not enough memory for this model and batch.", "Try a smaller batch or a lower precision."
    return f"Inference failed: {error!r}"[:500], "See worker.log in the run folder."


def main() -> int:
    """Runs one spec and returns the exit code."""
    die_with_parent()
    commands_fd, events_fd = take_streams()
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    if "--describe" in sys.argv[1:]:
        return describe(events_fd)
    stop = Stop()
    stop.on_signals()
    events = Events(events_fd)
    commands = Commands(commands_fd)
    line = commands.line()
    if line is None:
        return EXIT_FAILED
    commands.obey(stop)
    try:
        spec = _read_spec(line)
        if spec.lock_fd is not None:
            # Held open so that the board is taken while this process lives; children get none of it.
            os.set_inheritable(spec.lock_fd, False)
        prepare_libraries(tf32=spec.run.precision == Precision.TF32.value)
        _work(spec, events, stop)
        return EXIT_DONE
    except Exception as error:  # boundary: the runner is told why  # noqa: BLE001
        traceback.print_exc()
        message, hint = _failure(error)
        events.send("error", message=message, hint=hint)
        return EXIT_FAILED
    finally:
        events.close()


if __name__ == "__main__":
    code = main()
    sys.stderr.flush()
    # Past the end of main nothing is worth the seconds that taking torch apart can last.
    os._exit(code)
