"""Which board this is, from a tree as a board has it."""

from __future__ import annotations

from pathlib import Path

from orin_core.board.identity import BoardIdentity, identity


def test_a_board_names_itself(tmp_path: Path) -> None:
    files = {
        "proc/device-tree/model": "NVIDIA Jetson AGX Orin Developer Kit\0",
        "etc/nv_tegra_release": "# R36 (release), REVISION: 4.0, GCID: 1, BOARD: generic\n# more\n",
        "proc/sys/kernel/random/boot_id": "c0ffee\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert identity(tmp_path) == BoardIdentity(
        model="NVIDIA Jetson AGX Orin Developer Kit",
        l4t="# R36 (release), REVISION: 4.0, GCID: 1, BOARD: generic",
        boot_id="c0ffee",
    )


def test_what_is_not_there_is_none(tmp_path: Path) -> None:
    assert identity(tmp_path) == BoardIdentity(model=None, l4t=None, boot_id=None)
