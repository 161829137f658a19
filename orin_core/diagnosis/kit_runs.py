"""A run of each model for kit-check, started as any other run and kept in the tarball."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

from orin_core import catalog, resolve
from orin_core.diagnosis.kit_bundle import Bundle
from orin_core.errors import BadRequest, OrinError
from orin_core.runs import launcher
from orin_core.runs.recording import Recording
from orin_core.settings import Settings
from orin_core.spec import RunSpec

_LONGEST_PHASE_S = 10.0
Say = Callable[[str], None]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is run.

    Args:
        models: names or paths.
        dataset: name or folder.
        seconds: length of each measure, s.
    """

    models: tuple[str, ...]
    dataset: str
    seconds: float

    def spec(self, model: str, telemetry: str) -> RunSpec:
        """Returns the run of one model, in the mode that is set."""
        phase_s = min(_LONGEST_PHASE_S, self.seconds / 6)
        return RunSpec(
            model=resolve.absolute(model, catalog.model_row),
            dataset=resolve.absolute(self.dataset, catalog.dataset_row),
            seconds=self.seconds,
            telemetry=telemetry,
            idle_s=phase_s,
            warmup_min_s=phase_s,
            warmup_max_s=max(phase_s, self.seconds),
            cooldown_s=phase_s,
        )


def run_models(plan: Plan, settings: Settings, runs_dir: Path, bundle: Bundle, say: Say) -> list[dict[str, Any]]:
    """Runs one model after the other and adds the run folders; what cannot run is named with the reason.

    Args:
        plan: what is run.
        settings: where the board's lock lies.
        runs_dir: folder of the run folders, for this alone.
        bundle: takes the files.
        say: tells how far it is.
    """
    found = []
    for model in plan.models:
        say(f"{model}: measures for {plan.seconds:g} s.")
        try:
            started = launcher.start(plan.spec(model, settings.telemetry), settings, runs_dir=runs_dir)
        except OrinError as error:
            say(f"{model}: {error}")
            found.append({"model": model, "run_id": None, "state": "not run", "message": str(error)})
            continue
        summary = _wait(started.recording, settings)
        for path in sorted(started.folder.iterdir()):
            name = f"runs/{started.run_id}/{path.name}"
            bundle.add_file(name, path, what=f"a run of {Path(model).name}", source=name)
        state, message = summary.get("state", "killed"), summary.get("message", "The runner was killed.")
        fps = summary.get("fps_end_to_end")
        say(f"{model}: {state}{'' if fps is None else f', {fps:.2f} FPS'} {message}".rstrip())
        found.append(
            {"model": model, "run_id": started.run_id, "state": state, "message": message, "fps_end_to_end": fps}
        )
    return found


def _wait(recording: Recording, settings: Settings) -> dict[str, Any]:
    """Waits for the end of a run; Ctrl-C stops the run first."""
    try:
        return launcher.wait(recording, settings) or {}
    except KeyboardInterrupt:
        with contextlib.suppress(BadRequest):  # it had just ended
            launcher.stop(recording)
        launcher.wait(recording, settings)
        raise
