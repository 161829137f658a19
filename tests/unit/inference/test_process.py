"""The worker's pipes: what goes out is whole lines in order, whoever reads, and what comes in is obeyed."""

from __future__ import annotations

import json
import os
import threading
from typing import Any

import pytest

from orin_core.inference.process import MAX_NAMED_FAILURES, Commands, Events, prepare_libraries
from tests.conftest import wait_for


class Pipe:
    """Both ends of a pipe."""

    def __init__(self) -> None:
        self.out, self.into = os.pipe()

    def rest(self) -> list[dict[str, Any]]:
        """Closes the writing end and returns what was written."""
        os.close(self.into)
        with os.fdopen(self.out, "rb") as stream:
            return [json.loads(line) for line in stream]


@pytest.fixture
def pipe() -> Pipe:
    """A pipe that each test closes itself, since who closes what is part of what is tested."""
    return Pipe()


def _row(number: int, phase: str = "measure") -> tuple[float, float, str, int, float, float]:
    return (float(number), number + 0.5, phase, 2, 1.25, 2.5)


def test_rows_of_batches_come_before_the_event_that_follows_them(pipe: Pipe) -> None:
    events = Events(pipe.into)
    events.row(_row(1, "warmup"), items_done=0)
    events.send("phase", phase="measure", t_s=5.0)
    events.row(_row(2), items_done=2)
    events.row(_row(3), items_done=4)
    events.send("done", items=4)
    events.close()
    sent = pipe.rest()
    assert [event["event"] for event in sent if event["event"] != "batches"] == ["phase", "done"]
    assert sent[1] == {"event": "phase", "t_s": 5.0, "phase": "measure"}
    rows = [(event["event"], row[0]) for event in sent for row in event.get("rows", [[None]])]
    assert rows == [("batches", 1.0), ("phase", None), ("batches", 2.0), ("batches", 3.0), ("done", None)]
    assert sent[-2]["items_done"] == 4
    assert sent[0]["rows"][0] == [1.0, 1.5, "warmup", 2, 1.25, 2.5]


def test_rows_are_sent_in_groups_without_an_event_after_them(pipe: Pipe) -> None:
    events = Events(pipe.into)
    for number in range(50):
        events.row(_row(number), items_done=number)
    with os.fdopen(os.dup(pipe.out), "rb", buffering=0) as stream:
        first = json.loads(stream.readline())
    assert first["event"] == "batches"
    assert len(first["rows"]) >= 1
    events.close()
    rest = pipe.rest()
    assert len(first["rows"]) + sum(len(event["rows"]) for event in rest) == 50
    assert len(rest) <= 2


def test_a_reader_that_stalls_slows_nobody_and_loses_nothing(pipe: Pipe) -> None:
    events = Events(pipe.into)
    # Much more than a pipe holds; this thread gets through although nobody reads.
    for number in range(20_000):
        events.row(_row(number), items_done=number)
        if number % 1000 == 0:
            events.send("phase", phase="measure")

    def close() -> None:
        events.close()
        os.close(pipe.into)

    closing = threading.Thread(target=close)
    closing.start()
    with os.fdopen(pipe.out, "rb") as stream:
        sent = [json.loads(line) for line in stream]
    closing.join()
    starts = [row[0] for event in sent if event["event"] == "batches" for row in event["rows"]]
    assert starts == [float(number) for number in range(20_000)]
    assert sum(event["event"] == "phase" for event in sent) == 20


def test_a_reader_that_is_gone_does_no_harm(pipe: Pipe) -> None:
    os.close(pipe.out)
    events = Events(pipe.into)
    events.send("phase", phase="measure")
    events.close()
    os.close(pipe.into)


def test_the_first_broken_images_are_named_and_all_are_counted(pipe: Pipe) -> None:
    events = Events(pipe.into)
    for number in range(MAX_NAMED_FAILURES + 10):
        events.item_failed(f"{number}.png", "cut off")
    events.row(_row(1), items_done=2)
    events.close()
    sent = pipe.rest()
    named = [event["name"] for event in sent if event["event"] == "item_failed"]
    assert named == [f"{number}.png" for number in range(MAX_NAMED_FAILURES)]
    assert sent[-1]["failed_items"] == MAX_NAMED_FAILURES + 10


def test_commands_are_lines_however_they_arrive(pipe: Pipe) -> None:
    commands = Commands(pipe.out)
    os.write(pipe.into, b'{"a": 1}\nst')
    assert commands.line() == '{"a": 1}'
    found: list[str | None] = []
    thread = threading.Thread(target=lambda: found.extend([commands.line(), commands.line()]))
    thread.start()
    os.write(pipe.into, b"op\n")
    wait_for(lambda: found == [] or found[0] == "stop", "the second half of a line")
    os.close(pipe.into)
    thread.join()
    assert found == ["stop", None]
    os.close(pipe.out)


@pytest.mark.parametrize(("tf32", "variable"), [(False, "0"), (True, None)])
def test_tf32_is_off_in_every_library_unless_it_was_asked_for(
    tf32: bool, variable: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """TensorRT has no other switch that ONNX Runtime would pass on."""
    environment = {key: value for key, value in os.environ.items() if key != "NVIDIA_TF32_OVERRIDE"}
    monkeypatch.setattr(os, "environ", environment)
    prepare_libraries(tf32=tf32)
    assert environment.get("NVIDIA_TF32_OVERRIDE") == variable
