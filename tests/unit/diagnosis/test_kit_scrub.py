from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orin_core.diagnosis.kit_scrub import Scrubber

SCRUBBER = Scrubber(hosts=["kit-07.lab.example"], users=["ada", "nvidia"], serials=["1420922055555"])
LINE = "11-24-2026 20:23:11 RAM 3396/30698MB (lfb 3x4MB) CPU [41%@1113,off] GR3D_FREQ 57% cpu@43.968C VDD_IN 2532/2698"


@pytest.mark.parametrize(
    ("text", "scrubbed"),
    [
        ("at KIT-07 and kit-07.lab.example", "at HOST and HOST"),
        ("of ada, adage stays", "of USER, adage stays"),
        ("nvidia,tegra234", "nvidia,tegra234"),
        ("/" + "home/nvidia/models", "/" + "home/USER/models"),
        ("sn_1420922055555.txt", "sn_SERIAL.txt"),
        ("link 48:B0:2d:ee:ff:01 up", "link MAC up"),
        ("48-b0-2d-ee-ff-01", "MAC"),
        ("oc-48:b0:2d:ee:ff:01_x", "oc-MAC_x"),
        ("on 192.168.1.20:8501.", "on ADDRESS:8501."),
        ("eth0_10.0.0.5_up", "eth0_ADDRESS_up"),
        ("inet6 fe80::4ab0:2dff:feee:ff01/64", "inet6 ADDRESS/64"),
        (
            "http://127.0.0.1:8501 torchvision::nms 5.15.148-tegra",
            "http://127.0.0.1:8501 torchvision::nms 5.15.148-tegra",
        ),
        ("boot 6c1d9e5e-0f8e-4d3c-9d2b-0123456789ab", "boot UUID"),
        ("Serial Number: X12-9", "Serial Number: SERIAL"),
        ('{"serial": "X12"}', '{"serial": "SERIAL"}'),
        ("# R36 (release), REVISION: 4.0, DATE: Fri Sep 13 04:36:44 UTC 2024", None),
        (LINE, None),
    ],
)
def test_what_names_a_board_or_a_person_is_replaced(text: str, scrubbed: str | None) -> None:
    assert SCRUBBER.text(text) == (text if scrubbed is None else scrubbed)


def test_names_of_a_machine_are_read_from_its_files(tmp_path: Path) -> None:
    for name, text in {
        "etc/hostname": "bench-3\n",
        "etc/passwd": "root:x:0:0::/r:/bin/sh\ngrace:x:1001:1001::/h:/bin/sh\ndaemon:x:1:1::/:/bin/false\n",
        "proc/device-tree/serial-number": "1421155550001\0",
        "sys/class/net/eth0/address": "48:b0:2d:01:02:03\n",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    scrubber = Scrubber.of_machine(tmp_path)
    assert scrubber.text("bench-3 grace daemon 1421155550001 48b02d010203") == "HOST USER daemon SERIAL SERIAL"


def test_bytes_that_are_no_text_stay() -> None:
    assert SCRUBBER.data(b"\xff\x00 ada \xfe") == b"\xff\x00 USER \xfe"
    assert Scrubber().data(b"ada") == b"ada"


@given(st.text(alphabet="abc 019.:-_/\n", max_size=60))
def test_scrubbing_twice_changes_nothing_more(text: str) -> None:
    once = SCRUBBER.text(text)
    assert SCRUBBER.text(once) == once
