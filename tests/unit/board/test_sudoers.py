from __future__ import annotations

import dataclasses
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from orin_core.board.paths import BoardPaths
from orin_core.board.simulator.state import State
from orin_core.board.sudoers import sudoers_text
from orin_core.errors import BadRequest

ROOTS_OWN = shutil.which("env", path="/usr/bin:/bin") or ""
VISUDO = shutil.which("visudo") or shutil.which("/usr/sbin/visudo")


def rules(text: str) -> list[str]:
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def real(board: State, program: str) -> BoardPaths:
    return dataclasses.replace(board.paths(), simulated=False, nvpmodel=(program,))


def test_one_exact_line_for_every_mode_of_the_conf(board: State) -> None:
    (board.folder / "nvpmodel.conf").write_text("<POWER_MODEL ID=7 NAME=MODE_60W>\n< POWER_MODEL ID=0 NAME=MAXN >\n")
    text = sudoers_text(real(board, ROOTS_OWN), "%orin")
    assert rules(text) == [
        f"%orin ALL=(root) NOPASSWD: {ROOTS_OWN} -m 0",
        f"%orin ALL=(root) NOPASSWD: {ROOTS_OWN} -m 7",
    ]
    assert "# 60W\n%orin" in text


def test_the_simulated_board_names_the_real_program(board: State) -> None:
    text = sudoers_text(board.paths(), "ada")
    assert rules(text) == [f"ada ALL=(root) NOPASSWD: /usr/sbin/nvpmodel -m {mode_id}" for mode_id in range(4)]
    assert "of the simulated board" in text.splitlines()[0]


@pytest.mark.parametrize("user", ["", "a b", "ALL=(ALL) x", "a\nb ALL=(ALL) NOPASSWD: ALL", "a,b", "#0", "%"])
def test_what_is_no_user_is_refused(board: State, user: str) -> None:
    with pytest.raises(BadRequest, match="no name of a user"):
        sudoers_text(board.paths(), user)


def test_a_program_that_others_can_replace_is_refused(board: State, tmp_path: Path) -> None:
    program = tmp_path / "nvpmodel"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o777)
    with pytest.raises(BadRequest, match="can be changed by others"):
        sudoers_text(real(board, str(program)), "ada")
    link = tmp_path / "bin"
    link.symlink_to(program)
    with pytest.raises(BadRequest, match="is a link"):
        sudoers_text(real(board, str(link)), "ada")
    for everybody in ("ALL", "%ALL"):
        with pytest.raises(BadRequest, match="no name of a user"):
            sudoers_text(real(board, str(program)), everybody)
    with pytest.raises(BadRequest, match="absolute"):
        sudoers_text(real(board, "bin/nvpmodel"), "ada")
    with pytest.raises(BadRequest, match="cannot be looked at"):
        sudoers_text(real(board, "/nonexistent/nvpmodel"), "ada")


def test_without_modes_there_is_nothing_to_allow(board: State) -> None:
    (board.folder / "nvpmodel.conf").unlink()
    with pytest.raises(BadRequest, match="lists no power modes"):
        sudoers_text(board.paths(), "ada")


@pytest.mark.skipif(VISUDO is None, reason="needs visudo (apt package sudo)")
@pytest.mark.parametrize("user", ["ada", "%orin", "a.b-c_d"])
def test_visudo_accepts_it(board: State, tmp_path: Path, user: str) -> None:
    file = tmp_path / "orin-dashboard"
    file.write_text(sudoers_text(board.paths(), user))
    file.chmod(0o440)
    checked = subprocess.run([str(VISUDO), "-c", "-f", str(file)], capture_output=True, text=True, timeout=60)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    file.chmod(0o640)
    file.write_text(re.sub("NOPASSWD", "NOPASSWORD WHATSOEVER", file.read_text()))
    assert subprocess.run([str(VISUDO), "-c", "-f", str(file)], capture_output=True, timeout=60).returncode != 0
