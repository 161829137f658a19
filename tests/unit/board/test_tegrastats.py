from __future__ import annotations

import json
import math
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orin_core.board import tegrastats
from orin_core.board.tegrastats import parse_line, to_row

FIXTURES = Path(__file__).parents[2] / "fixtures" / "board"
SHARED = Path(__file__).parents[4] / "shared" / "tegrastats"
LINES = (FIXTURES / "lines.txt").read_text().splitlines()
EXPECTED = [json.loads(line) for line in (FIXTURES / "expected.jsonl").read_text().splitlines()]


def leaves(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Every value of a row that is not absent, with the way to it."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, (*at, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from leaves(inner, (*at, index))
    elif value is not None:
        yield at, value


def row_of(text: str, *, complete: bool = True) -> dict[str, Any]:
    sample = parse_line(text, complete=complete)
    return {} if sample is None else to_row(sample, 1)


@pytest.mark.parametrize("known", [False, True], ids=["new shape", "known shape"])
@pytest.mark.parametrize("index", range(len(LINES)))
def test_golden_lines(index: int, known: bool) -> None:
    tegrastats._KNOWN_SHAPES.clear()
    if known:
        parse_line(LINES[index])
        assert tegrastats._KNOWN_SHAPES, "a clean line becomes a known shape"
    sample = parse_line(LINES[index])
    assert sample is not None
    assert to_row(sample, index + 1) == EXPECTED[index]


@pytest.mark.skipif(not SHARED.is_dir(), reason="no ../shared/tegrastats here")
def test_shared_lines() -> None:
    expected = [json.loads(line) for line in (SHARED / "expected.jsonl").read_text().splitlines()]
    lines = (SHARED / "lines.txt").read_text().splitlines()
    assert len(lines) == len(expected) > 80
    for number, (line, row) in enumerate(zip(lines, expected, strict=True), 1):
        sample = parse_line(line)
        assert sample is not None
        assert to_row(sample, number) == row


@pytest.mark.parametrize(
    "text",
    ["", " ", "\x00\x00", "Wed Oct 23 04:27:43 AM UTC 2024", "10-22-2024 20:11:09", "RAM", "tegrastats: not found",
     "10-22-2024 20:11:09 RA", "Segmentation fault (core dumped)"],
)  # fmt: skip
def test_what_is_no_line(text: str) -> None:
    assert parse_line(text) is None


@pytest.mark.parametrize("line", LINES)
def test_every_cut_without_line_end_keeps_or_drops_each_value(line: str) -> None:
    whole = dict(leaves(row_of(line)))
    for end in range(len(line)):
        for at, value in leaves(row_of(line[:end], complete=False)):
            assert whole.get(at) == value, (line[:end], at)


@pytest.mark.parametrize("line", LINES)
def test_every_cut_with_line_end_errs_only_in_a_bare_last_number(line: str) -> None:
    whole = dict(leaves(row_of(line)))
    for end in range(len(line)):
        cut = line[:end]
        wrong = [value for at, value in leaves(row_of(cut)) if whole.get(at) != value]
        if wrong:
            assert len(wrong) == 1
            assert cut.endswith(str(wrong[0])), cut


@given(st.sampled_from(LINES), st.randoms(use_true_random=False))
def test_any_order_of_fields_gives_the_same_values(line: str, order: random.Random) -> None:
    fields = [match.group() for match in tegrastats._SCANNER.finditer(line)]
    assert " ".join(fields).split() == line.split(), "every field of the line is known"
    order.shuffle(fields)
    assert row_of(" ".join(fields)) == row_of(line)


@given(st.sampled_from(LINES), st.data())
def test_other_digits_of_a_known_shape_are_read_as_of_a_new_one(line: str, data: st.DataObject) -> None:
    parse_line(line)
    other = "".join(str(data.draw(st.integers(0, 9))) if char.isdigit() else char for char in line)
    through_known_shape = row_of(other)
    tegrastats._KNOWN_SHAPES.clear()
    assert through_known_shape == row_of(other) != {}


@settings(max_examples=300)
@given(st.text(alphabet="RAMCPU GR3D_FREQEMC[]()@%/,.:-0123456789mWCoffx \t\u0661", max_size=300))
def test_garbage_never_raises(text: str) -> None:
    for complete in (True, False):
        for _, value in leaves(row_of(text, complete=complete)):
            assert not isinstance(value, float) or math.isfinite(value)


@given(st.sampled_from(LINES), st.data())
def test_a_garbled_line_takes_no_value_from_a_spoilt_field(line: str, data: st.DataObject) -> None:
    whole = dict(leaves(row_of(line)))
    garbled = list(line)
    for _ in range(data.draw(st.integers(1, 4))):
        garbled[data.draw(st.integers(0, len(line) - 1))] = data.draw(st.sampled_from("#~?\x00\ufffd"))
    for at, value in leaves(row_of("".join(garbled))):
        # A spoilt clock leaves the load beside it, as a spoilt list leaves the rest of the line.
        assert whole.get(at) == value


def test_numbers_too_long_for_int_are_absent() -> None:
    row = row_of(f"RAM 1/2MB CPU [{'9' * 5000}%@1] EMC_FREQ 1%@{'9' * 5000} GR3D_FREQ {'9' * 5000}%")
    assert row["ram_used_mb"] == 1
    assert row["cores"] is None
    assert row["emc_freq_mhz"] is None
    assert row["gr3d_pct"] is None


def test_of_two_lines_run_together_the_first_value_is_kept() -> None:
    row = row_of(f"{LINES[4]} {LINES[5]}")
    assert row["ram_used_mb"] == EXPECTED[4]["ram_used_mb"]
    assert row["power_mw"]["VDD_CPU_CV"] == EXPECTED[4]["power_mw"]["VDD_CPU_CV"]


def test_a_line_cut_inside_a_keyword_pair_makes_no_rail_of_it() -> None:
    assert row_of("RAM 1/2MB SWAP 3/4")["power_mw"] == {}
    assert row_of("RAM 1/2MB VDD_IN 2532")["engines"] == {}
    assert row_of("RAM 1/2MB VDD_GPU_SOC 2385mW/2385")["power_mw"] == {}
