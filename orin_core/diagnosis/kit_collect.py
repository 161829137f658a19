"""What kit-check collects of the board itself: files, lines of tegrastats, costs, power modes."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from orin_core.board import power
from orin_core.board.nvpmodel_conf import Conf, parse_conf
from orin_core.board.paths import BoardPaths
from orin_core.board.programs import run_program
from orin_core.board.sample import Sample
from orin_core.board.sysfs import Sysfs
from orin_core.board.tegrastats import parse_line
from orin_core.diagnosis import kit_compare, programs
from orin_core.diagnosis.kit_bundle import Bundle
from orin_core.diagnosis.kit_compare import Comparison
from orin_core.diagnosis.sudo_rights import free_commands
from orin_core.errors import OrinError
from orin_core.runs.mode_hold import ModeHold

COST_TICKS = 200
_PATIENCE_S = 10.0
Say = Callable[[str], None]


class Kit:
    """One board as it is collected.

    Args:
        bundle: takes the files.
        paths: the board.
        root: root of the file system, for device tree and release.
        lines: how many lines of tegrastats each time.
        interval_ms: time between them.
    """

    def __init__(self, *, bundle: Bundle, paths: BoardPaths, root: Path, lines: int, interval_ms: int) -> None:
        self.comparisons: list[Comparison] = []
        self.cost: dict[str, float] = {}
        self._bundle = bundle
        self._paths = paths
        self._root = root
        self._lines = lines
        self._interval_ms = interval_ms

    def read_only(self) -> dict[str, Any]:
        """Collects what can be had without a change; returns facts for the manifest."""
        bundle, paths = self._bundle, self._paths
        bundle.add_file("root/etc/nvpmodel.conf", paths.conf, what="power modes", source="/etc/nvpmodel.conf")
        status = "/var/lib/nvpmodel/status"
        bundle.add_file(f"root{status}", paths.status, what="mode that was set last", source=status)
        if not paths.simulated:  # what this machine says of itself is not the simulated board's
            for name in ("proc/device-tree/model", "proc/device-tree/compatible", "etc/nv_tegra_release"):
                bundle.add_file(f"root/{name}", self._root / name, what="identity", source=f"/{name}")
        conf = self._conf()
        bundle.add_sysfs("root/sys", paths.sysfs, conf)
        self._query()
        self.comparisons += kit_compare.compare_modes(conf, paths) + kit_compare.compare_sysfs(paths)
        lines = self._tegrastats("tegrastats", compare=True)
        self.cost = sysfs_cost(paths.sysfs, next(iter(lines), ""))
        mode = power.current_mode(paths)
        return {"sysfs_cost": self.cost, "mode": mode.name if mode else None}

    def modes(self, state_dir: Path, say: Say) -> dict[str, Any]:
        """Sets one mode after the other, collects it, and puts the first one back.

        Args:
            state_dir: remembers the mode that was found, should this be killed.
            say: tells how far it is.
        """
        conf = self._conf()
        start_mask = power.effective_limits(self._paths).tpc_pg_mask
        found: dict[int, str] = {}
        said: list[dict[str, Any]] = []
        for mode in power.list_modes(self._paths):
            hold = ModeHold(self._paths, state_dir)
            started_s = time.monotonic()
            message = ""
            try:
                hold.take(str(mode.mode_id))
                found[mode.mode_id] = "reached"
                took_s = round(time.monotonic() - started_s, 3)
                say(f"{mode.label}: in force after {took_s:g} s.")
                folder = f"modes/{mode.mode_id}"
                self._bundle.add_sysfs(f"{folder}/sys", self._paths.sysfs, conf)
                self._tegrastats(f"{folder}/tegrastats", compare=False)
            except OrinError as error:
                took_s = round(time.monotonic() - started_s, 3)
                # Without the hint: it holds paths of this machine.
                found[mode.mode_id], message = type(error).__name__, error.message
                say(f"{mode.label}: {error.message}")
            finally:
                problem = hold.restore()
            if problem:
                say(problem)
            entry = {"id": mode.mode_id, "name": mode.name, "outcome": found[mode.mode_id], "took_s": took_s}
            said.append({**entry, "message": message, "restored": problem is None})
        self.comparisons += kit_compare.compare_switches(start_mask, conf, found)
        return {"modes": said}

    def _conf(self) -> Conf:
        try:
            return parse_conf(self._paths.conf.read_text(encoding="utf-8", errors="replace"))
        except OSError:
            return parse_conf("")

    def _query(self) -> None:
        source, what = "nvpmodel -q", "answer of nvpmodel"
        if not self._paths.nvpmodel:
            self._bundle.lacks(what, source, "there is no nvpmodel")
            return
        try:
            _, output = run_program([*self._paths.nvpmodel, "-q"], _PATIENCE_S)
        except OSError as error:
            self._bundle.lacks(what, source, str(error.strerror))
            return
        self._bundle.add("nvpmodel-q.txt", output.encode(), what=what, source=source)

    def _tegrastats(self, folder: str, *, compare: bool) -> list[str]:
        """Collects lines as this user and, where sudo allows it without a password, as root."""
        arguments = ["--interval", str(self._interval_ms)]
        argv = [*self._paths.tegrastats, *arguments]
        commands = {_who(self._paths): argv}
        if "user" in commands and not self._paths.simulated:
            if free_commands(programs.sudo_listing() or "", [" ".join(argv)]):
                commands["root"] = ["sudo", "-n", *argv]
            else:
                self._bundle.lacks("tegrastats as root", "sudo tegrastats", "not allowed without a password")
        source = " ".join(["tegrastats", *arguments])
        limit_s = 2 * self._lines * self._interval_ms / 1000 + _PATIENCE_S
        first: list[str] = []
        for who, command in commands.items():
            try:
                lines = programs.capture_lines(command, self._lines, limit_s)
            except OSError as error:
                self._bundle.lacks(f"tegrastats as {who}", source, str(error.strerror))
                continue
            text = "".join(f"{line}\n" for line in lines)
            self._bundle.add(f"{folder}/{who}.txt", text.encode(), what=f"tegrastats as {who}", source=source)
            if compare:
                self.comparisons += kit_compare.compare_lines(lines, who)
            first = first or lines
        return first


def _who(paths: BoardPaths) -> str:
    """As whom tegrastats prints: the simulated board decides that itself."""
    if paths.simulated:
        try:
            board = json.loads((paths.conf.parent / "board.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            board = {}
        return "root" if board.get("root", True) else "user"
    return "root" if os.geteuid() == 0 else "user"


def sysfs_cost(root: Path, line: str, ticks: int = COST_TICKS) -> dict[str, float]:
    """Measures what the reads of sysfs cost beside one line of tegrastats.

    Args:
        root: root of sysfs.
        line: as printed; an empty one lets everything be read from sysfs.
        ticks: how often it is done.

    Returns:
        ``tick_us`` and ``tick_cpu_us``: wall time and processor time of one tick's reads beside the
        line, µs; ``all_us``: wall time where the line says nothing.
    """
    found: dict[str, float] = {"ticks": ticks}
    for name, sample in (("tick", parse_line(line) or Sample()), ("all", Sample())):
        sysfs = Sysfs(root)
        sysfs.complete(sample)
        sysfs.throttled()
        wall_s, cpu_s = time.perf_counter(), time.process_time()
        for _ in range(ticks):
            sysfs.complete(sample)
            sysfs.throttled()
        found[f"{name}_us"] = round((time.perf_counter() - wall_s) / ticks * 1e6, 1)
        found[f"{name}_cpu_us"] = round((time.process_time() - cpu_s) / ticks * 1e6, 1)
    return found
