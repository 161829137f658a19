"""Everything that is decided before a run leaves a trace: names, disk, board, mode."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import os
import platform
import re
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil

from orin_core import __version__, combination
from orin_core.abilities import Work
from orin_core.board import power
from orin_core.board.clocks import clock_state
from orin_core.board.identity import identity
from orin_core.board.paths import BoardPaths
from orin_core.board.probes import Probe, board_paths, open_probe, resolve_telemetry
from orin_core.board.sysfs import Sysfs
from orin_core.errors import BadRequest
from orin_core.methods import Method, Precision
from orin_core.resolve import resolve_dataset, resolve_model
from orin_core.runs import conditions, device_check, recovery, store
from orin_core.runs.lock import BoardLock, Holder, make_state_dir, read_holder
from orin_core.runs.mode_hold import ModeHold
from orin_core.runs.processes import ProcessId
from orin_core.settings import load
from orin_core.spec import DatasetSpec, ModelSpec, PowerMode, RunSpec, to_json

MIN_FREE_MB = 200
"""A run is refused on a disk with less: a day of rows, batches and raw lines takes about as much."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A run that is ready to start, with the board held and in its mode.

    Args:
        spec: what was asked, lengths decided.
        model: resolved model; None for a replay.
        dataset: resolved data set; None for a replay.
        probe: telemetry source, not started.
        paths: the board's files and programs; None where the source has no board.
        lock: the board.
        mode: gives the board back as it was found.
        power_mode: the mode in force; None where it is not known.
        runs_dir: folder of run folders.
        notices: what was put in order after an earlier run that was killed.
        environment: what was found, for ``environment.json``.
    """

    spec: RunSpec
    model: ModelSpec | None
    dataset: DatasetSpec | None
    probe: Probe
    paths: BoardPaths | None
    lock: BoardLock
    mode: ModeHold
    power_mode: PowerMode | None
    runs_dir: Path
    notices: tuple[str, ...]
    environment: dict[str, Any]

    def over_current(self) -> dict[str, int]:
        """Returns over-current alarms since boot by counter; empty where there are none to read."""
        return Sysfs(self.paths.sysfs).over_current() if self.paths else {}

    def make_folder(self) -> Path:
        """Makes the run folder with its spec and returns it.

        Raises:
            BadRequest: it cannot be made.
        """
        stamp = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
        parts = [
            _slug(self.model.name if self.model else "replay"),
            _slug(self.dataset.name if self.dataset else self.spec.telemetry.split(":", 1)[-1]),
            _slug(self.power_mode.label if self.power_mode else "unknown"),
        ]
        try:
            self.runs_dir.mkdir(parents=True, exist_ok=True)
            folder = self.runs_dir / "_".join([stamp, *parts, secrets.token_hex(2)])
            folder.mkdir()
        except OSError as error:
            raise BadRequest(
                f"{self.runs_dir} cannot be written: {error.strerror}.",
                "Choose another folder (--runs-dir, or ORIN_DATA_DIR).",
            ) from error
        try:
            store.write_json(folder / store.SPEC, to_json(self.spec))
        except OSError as error:
            shutil.rmtree(folder, ignore_errors=True)
            raise BadRequest(f"{folder} cannot be written: {error.strerror}.", "Free disk space.") from error
        return folder


def _slug(text: str) -> str:
    name = Path(text.rstrip("/")).name or text
    name = re.sub(r"\.(txt|log|csv)?(\.gz)?(@.*)?$", "", name)
    return re.sub(r"[^A-Za-z0-9.+-]+", "-", name).strip("-")[:32] or "unnamed"


def check_writable(runs_dir: Path) -> None:
    """Refuses a folder that cannot take a run, without making anything.

    Raises:
        BadRequest: the folder cannot be written, or its disk is nearly full.
    """
    existing = runs_dir
    while not existing.exists() and existing != existing.parent:
        existing = existing.parent
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        raise BadRequest(
            f"{runs_dir} is no folder that can be written.", "Choose another folder (--runs-dir, or ORIN_DATA_DIR)."
        )
    free_mb = shutil.disk_usage(existing).free // 1_000_000
    if free_mb < MIN_FREE_MB:
        raise BadRequest(
            f"Only {free_mb} MB are free in {runs_dir}; a run needs {MIN_FREE_MB} MB.",
            "Free disk space, or choose another folder (--runs-dir, or ORIN_DATA_DIR).",
        )


def _environment(
    spec: RunSpec,
    probe: Probe,
    paths: BoardPaths | None,
    model: ModelSpec | None,
    dataset: DatasetSpec | None,
    mode: PowerMode | None,
) -> dict[str, Any]:
    images = None
    if dataset:
        images = {"hub": "cached", "synthetic": "synthetic", "camera": "camera"}.get(dataset.kind, "local")
    return {
        "version": __version__,
        "source": probe.source,
        "simulated": probe.simulated,
        "model": model.name if model else None,
        "weights": model.weights if model else None,
        "dataset": dataset.name if dataset else None,
        "images": images,
        "power_mode": mode.name if mode else None,
        "power_mode_id": mode.mode_id if mode else None,
        "power_limits_asked": dataclasses.asdict(power.limits_of(paths, mode)) if paths and mode else None,
        "power_limits": dataclasses.asdict(power.effective_limits(paths)) if paths else None,
        "jetson_clocks": clock_state(paths).value if paths else None,
        "fan": dataclasses.asdict(fan) if (fan := Sysfs(paths.sysfs).fan() if paths else None) else None,
        "throttle_c": Sysfs(paths.sysfs).throttle_trip_c() if paths else None,
        "over_current": Sysfs(paths.sysfs).over_current() if paths else {},
        "model_spec": to_json(model) if model else None,
        "dataset_spec": to_json(dataset) if dataset else None,
        "python": platform.python_version(),
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "board": "simulated AGX Orin 64 GB" if probe.simulated else identity().model,
        "l4t": None if probe.simulated else identity().l4t,
        "boot_id": identity().boot_id,
        "kernel": platform.release(),
        **_conditions(spec, probe),
    }


def _conditions(spec: RunSpec, probe: Probe) -> dict[str, Any]:
    """Returns what belongs to a measurement besides board and model; for a replay nothing of this machine does."""
    of_this_machine = not spec.is_replay
    return {
        "origin": "replay" if spec.is_replay else "run",
        "git_commit": conditions.git_commit(),
        "page_open": conditions.page_open(load().port) if of_this_machine else None,
        "browser_on_board": conditions.browser_on_board() if of_this_machine else None,
        # The board's own is in its first tick.
        "ram_total_mb": psutil.virtual_memory().total // 2**20 if probe.source == "host" else None,
        "ambient_c": spec.ambient_c,
        "notes": spec.notes,
    }


def _check_device(spec: RunSpec, model: ModelSpec, state_dir: Path) -> None:
    """Refuses what the device cannot do; the board is held, so the worker may be asked.

    Raises:
        BadRequest: it cannot; says why.
    """
    work = Work(method=Method(spec.method), precision=Precision(spec.precision), task=model.task)
    (error,) = device_check.refusals([work], state_dir, may_ask=True)
    if error is not None:
        raise error


@contextlib.contextmanager
def prepare(spec: RunSpec, runs_dir: Path, state_dir: Path) -> Iterator[Prepared]:
    """Resolves, checks, takes the board and sets the mode; gives everything back at the end.

    Raises:
        BadRequest: a name, a value or a path is wrong, or the device cannot do what is asked.
        BoardBusy: another run holds the board.
        PowerModeError: the board does not go into the mode.
        ClocksError: the clocks cannot be locked.
        TelemetryError: this machine does not have the telemetry source.
    """
    spec = spec.validated()
    check_writable(runs_dir)
    model = dataset = None
    if not spec.is_replay:
        model = resolve_model(spec.model or "", weights=spec.weights)
        dataset = resolve_dataset(spec.dataset or "", images=spec.images)
        combination.check(model, dataset, method=spec.method, preload=spec.preload)
    make_state_dir(state_dir)
    telemetry = resolve_telemetry(spec.telemetry)
    probe = open_probe(telemetry, spec.interval_ms, state_dir)
    paths = board_paths(telemetry.kind, state_dir)
    ended = recovery.end_orphan(state_dir)
    with BoardLock(state_dir) as lock:
        last = read_holder(state_dir)
        lock.write(Holder(folder=None, runner=ProcessId.of(os.getpid()), worker=None))
        notices = ([ended] if ended else []) + recovery.recover(state_dir, runs_dir, last.folder if last else None)
        if model is not None:
            _check_device(spec, model, state_dir)
        mode = ModeHold(paths, state_dir)
        power_mode = mode.take(spec.power_mode, lock_clocks=spec.lock_clocks)
        try:
            environment = _environment(spec, probe, paths, model, dataset, power_mode)
            environment["power_mode_verified"] = mode.check().verified
            yield Prepared(
                spec=spec,
                model=model,
                dataset=dataset,
                probe=probe,
                paths=paths,
                lock=lock,
                mode=mode,
                power_mode=power_mode,
                runs_dir=runs_dir,
                notices=tuple(notices),
                environment=environment,
            )
        finally:
            mode.restore()
