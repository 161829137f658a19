"""What doctor looks at on the board: module, modes, clocks, rights, who holds it."""

from __future__ import annotations

import functools
import os
import shutil

from orin_core.board import nvpmodel, power
from orin_core.board.clocks import ClockState, clock_state
from orin_core.board.identity import identity
from orin_core.board.paths import is_jetson
from orin_core.diagnosis import programs
from orin_core.diagnosis.check import Finding, Look, State
from orin_core.diagnosis.subject import Subject
from orin_core.diagnosis.sudo_rights import free_commands
from orin_core.runs import store
from orin_core.runs.lock import read_holder
from orin_core.runs.recording import list_runs

GROUP = "Board"
NO_MODES = "Power modes and clocks do not belong to this telemetry source."


def looks(subject: Subject) -> list[Look]:
    """Returns the checks of the board, in the order in which they are shown."""
    found = {
        "board": _board,
        "power mode": _power_mode,
        "jetson_clocks": _clocks,
        "permission to switch": _permission,
        "board free": _free,
        "earlier runs": _earlier_runs,
    }
    return [Look(group=GROUP, name=name, find=functools.partial(find, subject)) for name, find in found.items()]


def _board(subject: Subject) -> Finding:
    board = identity(subject.root)
    if subject.simulated:
        return (
            State.WARNING,
            "SIMULATED BOARD: a simulated AGX Orin 64 GB; its telemetry is invented.",
            "On a Jetson, see docs/jetson.md; with an NVIDIA desktop GPU, ORIN_TELEMETRY=host.",
        )
    if not is_jetson(subject.root):
        return State.OK, "This machine is no Jetson; it is measured as a workstation."
    if board.model is None or board.l4t is None:
        missing = "model" if board.model is None else "L4T release"
        return (
            State.WARNING,
            f"{board.model or 'A Jetson'}, {board.l4t or 'release unknown'}: it does not tell its {missing}.",
            "In a container, mount /etc/nv_tegra_release and /proc/device-tree read-only.",
        )
    return State.OK, f"{board.model}, L4T {board.l4t.lstrip('# ')}."


def _power_mode(subject: Subject) -> Finding:
    if subject.paths is None and subject.error is None:
        return State.OK, NO_MODES
    paths = subject.board()
    modes = power.list_modes(paths)
    if not modes:
        return (
            State.WARNING,
            f"{paths.conf} lists no power modes.",
            "Runs go on in the mode that is; check that the file is there and readable.",
        )
    listed = ", ".join(f"{mode.label} ({mode.mode_id})" for mode in modes)
    mode = power.current_mode(paths)
    if mode is None:
        return State.WARNING, f"Which mode is set cannot be read. The board has {listed}.", f"Look at {paths.status}."
    if mode.mode_id not in {known.mode_id for known in modes}:
        return (
            State.WARNING,
            f"Mode {mode.mode_id} is set, which the conf does not list: {listed}.",
            "Set one of these.",
        )
    wrong = power.mismatches(paths, mode)
    if wrong:
        return (
            State.PROBLEM,
            f"{mode.label} is set, but sysfs shows other limits: it is not in force.",
            f"Set it again: {nvpmodel.set_command(paths, mode)}; in a container, on the host.",
            tuple(wrong),
        )
    return State.OK, f"{mode.label}, verified in sysfs. The board has {listed}."


def _clocks(subject: Subject) -> Finding:
    if subject.paths is None and subject.error is None:
        return State.OK, NO_MODES
    clocks = clock_state(subject.board())
    if clocks is ClockState.ON:
        return State.OK, "On: clocks are held at the mode's caps."
    if clocks is ClockState.OFF:
        return State.OK, "Off: clocks follow the load, so a small model may run below the caps."
    return State.WARNING, "Unknown: the clocks' ranges cannot be read.", "Runs record it as unknown."


def _permission(subject: Subject) -> Finding:
    if subject.paths is None and subject.error is None:
        return State.OK, NO_MODES
    paths = subject.board()
    how = "Allow exactly these commands: python -m orin_core doctor --sudoers"
    if paths.simulated:
        return State.OK, "The simulated board needs no right."
    if not paths.nvpmodel:
        return State.WARNING, "There is no nvpmodel, so modes cannot be set.", "In a container, set them on the host."
    if os.geteuid() == 0:
        return State.OK, "This user is root and may set every mode."
    if shutil.which("sudo") is None:
        return State.WARNING, "This user may not set modes, and there is no sudo.", "Set modes as root by hand."
    modes = power.list_modes(paths)
    commands = {mode.label: f"{paths.nvpmodel[0]} -m {mode.mode_id}" for mode in modes}
    allowed = free_commands(programs.sudo_listing() or "", commands.values())
    lacking = [label for label, command in commands.items() if command not in allowed]
    if not allowed:
        return State.WARNING, "This user may not set power modes; all else works.", how
    if lacking:
        return State.WARNING, f"This user may not set {', '.join(lacking)}.", how
    return State.OK, "This user may set every mode through sudo, without a password."


def _free(subject: Subject) -> Finding:
    holder = read_holder(subject.settings.state_dir)
    if holder is None or not holder.alive():
        return State.OK, "No run holds the board."
    name = holder.folder.name if holder.folder else None
    if holder.runner is None or not holder.runner.alive():
        return (
            State.WARNING,
            f"The runner of {name or 'a run'} is dead and its worker still runs.",
            "The next start ends it and restores the mode.",
        )
    if name is None:
        return State.WARNING, "The board is held by a run or a kit-check that is at work.", "Wait for its end."
    return (
        State.WARNING,
        f"Run {name} holds the board.",
        f"Wait for its end, or stop it: python -m orin_core stop {name}",
    )


def _earlier_runs(subject: Subject) -> Finding:
    holder = read_holder(subject.settings.state_dir)
    held = holder.folder if holder and holder.alive() else None
    runs = list_runs(subject.settings.runs_dir)
    broken = [run.run_id for run in runs if run.folder != held and not (run.folder / store.SUMMARY).exists()]
    if broken:
        return (
            State.WARNING,
            f"{len(broken)} of {len(runs)} runs were interrupted and have no summary.",
            "The next start finalises them; nothing is deleted.",
            tuple(broken[:5]),
        )
    return State.OK, f"{len(runs)} runs, none without its summary." if runs else "There are no runs yet."
