"""Power modes: list, read, find, set and verify them.

The modes come from the board's conf; what proves a mode is sysfs, since exit code, ``nvpmodel -q``
and the status file can all say yes with nothing applied (in a container, after a failed boot).
"""

from __future__ import annotations

import re
import time
from pathlib import Path

from orin_core.board import nvpmodel
from orin_core.board.nvpmodel_conf import Conf, Limits, ModeConf, parse_conf
from orin_core.board.paths import BoardPaths
from orin_core.board.sysfs import Sysfs
from orin_core.errors import PowerModeNotApplied, PowerModeUnknown
from orin_core.spec import PowerMode

SET_TIMEOUT_S = 20.0
SETTLE_S = 5.0
_POLL_S = 0.05

_CLOCK_TOLERANCE = 0.01  # the kernel rounds a cap to its own table of clocks


def _read_conf(paths: BoardPaths) -> Conf:
    try:
        return parse_conf(paths.conf.read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return Conf(modes=(), files={}, default_id=None)


def list_modes(paths: BoardPaths) -> tuple[PowerMode, ...]:
    """Returns the board's power modes in the order of its conf; empty where there is no conf."""
    return tuple(mode_conf.mode for mode_conf in _read_conf(paths).modes)


def current_mode(paths: BoardPaths) -> PowerMode | None:
    """Returns the mode that was set last, None where the board does not tell.

    What is in force is another question: see :func:`mismatches`.

    **Source**: ``/var/lib/nvpmodel/status`` (``pmode:0003``, older ``pmode:0002 fmode:quiet``),
    readable by all; else ``nvpmodel -q``, which prints ``NV Power Mode: MODE_30W`` and the id on
    the next bare line.
    """
    try:
        status = re.search(r"pmode:\s*([0-9]+)", paths.status.read_text(encoding="utf-8", errors="replace"))
    except OSError:
        status = None
    modes = {mode.mode_id: mode for mode in list_modes(paths)}
    if status is not None:
        mode_id = int(status[1])
        return modes.get(mode_id, PowerMode(mode_id=mode_id, name=f"MODE_{mode_id}"))
    return nvpmodel.query(paths)


def find_mode(text: str, modes: tuple[PowerMode, ...]) -> PowerMode:
    """Returns the mode that a person named.

    Args:
        text: an id (``2``), a name (``MODE_30W``) or a short name (``30W``), case ignored.
        modes: the board's modes.

    Raises:
        PowerModeUnknown: the board has no such mode; names those it has.
    """
    wanted = text.strip().lower()
    for mode in modes:
        if wanted in (str(mode.mode_id), mode.name.lower(), mode.label.lower()):
            return mode
    raise _unknown(text, modes)


def _unknown(text: str, modes: tuple[PowerMode, ...]) -> PowerModeUnknown:
    if not modes:
        return PowerModeUnknown(f"This board lists no power modes, so {text} cannot be set.", "Use power mode current.")
    names = ", ".join(f"{mode.name} ({mode.mode_id})" for mode in modes)
    return PowerModeUnknown(f"This board has no power mode {text}.", f"It has {names}.")


def _mode_conf(paths: BoardPaths, mode: PowerMode) -> tuple[Conf, ModeConf]:
    conf = _read_conf(paths)
    for mode_conf in conf.modes:
        if mode_conf.mode.mode_id == mode.mode_id:
            return conf, mode_conf
    raise _unknown(mode.name, tuple(known.mode for known in conf.modes))


def limits_of(paths: BoardPaths, mode: PowerMode) -> Limits:
    """Returns what the conf says that a mode allows.

    Raises:
        PowerModeUnknown: the conf has no such mode.
    """
    return _mode_conf(paths, mode)[1].limits()


def effective_limits(paths: BoardPaths) -> Limits:
    """Returns the limits that are in force now, read from sysfs."""
    sysfs = Sysfs(paths.sysfs)
    mask = _read_conf(paths).files.get(("TPC_POWER_GATING", "TPC_PG_MASK"))
    return Limits(
        cores_online=sysfs.cores_online(),
        cpu_max_mhz=sysfs.cpu_max_mhz(),
        gpu_max_mhz=sysfs.gpu_max_mhz(),
        tpc_pg_mask=None if mask is None else sysfs.read_int(_under(paths, mask), "TPC mask"),
    )


def _under(paths: BoardPaths, conf_path: str) -> Path:
    """Path of a file that the conf names, below the board's own root of sysfs."""
    return paths.sysfs / conf_path.removeprefix("/sys").lstrip("/")


def mismatches(paths: BoardPaths, mode: PowerMode) -> list[str]:
    """Returns what sysfs shows otherwise than the mode's conf says; empty means that it is in force.

    Compared are cores online, the clock caps of CPU and GPU, and the TPC mask, each in the file
    that the conf names. A file that is not there (clocks of a core that is off) is not compared;
    where nothing can be compared that itself is a mismatch.

    Raises:
        PowerModeUnknown: the conf has no such mode.
    """
    conf, mode_conf = _mode_conf(paths, mode)
    sysfs = Sysfs(paths.sysfs)
    found: list[str] = []
    compared = 0
    for (group, name), value in mode_conf.values.items():
        is_clock = name == "MAX_FREQ" and (group.startswith("CPU_") or group == "GPU")
        if not is_clock and group not in ("CPU_ONLINE", "TPC_POWER_GATING"):
            continue
        wanted = _top_clock(paths, conf, group) if is_clock and value <= 0 else value
        actual = _actual(paths, conf, sysfs, (group, name))
        if actual is None or wanted is None:
            continue
        compared += 1
        if abs(actual - wanted) > (wanted * _CLOCK_TOLERANCE if is_clock else 0):
            found.append(f"{group} {name} is {actual}, not {wanted}")
    return found if compared else [f"no limit of {mode.name} can be read under {paths.sysfs}"]


def _actual(paths: BoardPaths, conf: Conf, sysfs: Sysfs, parameter: tuple[str, str]) -> int | None:
    """Value in force of a parameter of the conf, None where its file is not there."""
    path = conf.files.get(parameter)
    actual = None if path is None else sysfs.read_int(_under(paths, path), " ".join(parameter))
    if actual is None and parameter == ("GPU", "MAX_FREQ"):
        # The class folder holds the same device where the conf's own path has moved.
        caps_hz = [sysfs.read_int(device / "max_freq", "GPU clock cap") for device in sysfs.gpu_devices()]
        actual = max((cap_hz for cap_hz in caps_hz if cap_hz is not None), default=None)
    return actual


def _top_clock(paths: BoardPaths, conf: Conf, group: str) -> int | None:
    """Highest clock of the hardware, in the unit of its table; None where there is no table."""
    path = conf.files.get((group, "FREQ_TABLE"))
    if path is None:
        return None
    try:
        text = _under(paths, path).read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    return max((int(part) for part in text.split() if part.isdecimal()), default=None)


def set_mode(
    paths: BoardPaths, mode: PowerMode, *, timeout_s: float = SET_TIMEOUT_S, settle_s: float = SETTLE_S
) -> None:
    """Puts the board into a mode and returns once sysfs shows it.

    nvpmodel gets an empty standard input, so its reboot question is never answered with yes.

    Args:
        paths: the board.
        mode: one of :func:`list_modes`.
        timeout_s: how long nvpmodel may take, s.
        settle_s: how long sysfs may take afterwards, s.

    Raises:
        PowerModeUnknown: the conf has no such mode.
        PowerModeNeedsReboot: nvpmodel asks for a reboot first.
        PowerModeNotPermitted: this user may not set modes.
        PowerModeRefused: nvpmodel is missing, failed, or did not answer in time.
        PowerModeNotApplied: nvpmodel reported success and sysfs shows other limits.
    """
    if current_mode(paths) == mode and not mismatches(paths, mode):
        return
    _mode_conf(paths, mode)
    nvpmodel.set_mode(paths, mode, timeout_s)
    deadline_s = time.monotonic() + settle_s
    while wrong := mismatches(paths, mode):
        if time.monotonic() > deadline_s:
            raise PowerModeNotApplied(
                f"nvpmodel reported {mode.name} as set, but {wrong[0]}.",
                f"In a container set the mode on the host: {nvpmodel.set_command(paths, mode)}",
            )
        time.sleep(_POLL_S)


def reboot_into(paths: BoardPaths, mode: PowerMode, *, timeout_s: float = SET_TIMEOUT_S) -> None:
    """Reboots the board into a mode, at once; only for a person who has just confirmed that.

    Args:
        paths: the board; the simulated one reboots alone, this machine goes on.
        mode: one of :func:`list_modes`.
        timeout_s: how long nvpmodel may take, s.

    Raises:
        PowerModeUnknown: the conf has no such mode.
        PowerModeNotPermitted: this user may not set modes.
        PowerModeRefused: nvpmodel is missing, failed, or did not answer in time.
    """
    _mode_conf(paths, mode)
    nvpmodel.reboot_into(paths, mode, timeout_s)
