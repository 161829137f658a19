"""What measuring costs: this process and every telemetry child."""

from __future__ import annotations

import subprocess
import sys
import time

from orin_core.runs.own_cpu import OwnCpu

BURN = """
import sys, time
while time.process_time() < float(sys.argv[1]):
    pass
print("burnt", flush=True)
sys.stdin.read()
"""


def _child(seconds: float) -> subprocess.Popen[str]:
    child = subprocess.Popen(
        [sys.executable, "-c", BURN, str(seconds)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout
    assert child.stdout.readline() == "burnt\n"
    return child


def test_children_count_beside_this_process_also_when_they_are_gone() -> None:
    own = OwnCpu()
    before_s = own.seconds
    assert before_s is not None
    for _ in range(2):
        with _child(0.5) as child:
            own.look(child.pid)
    own.look(None)
    after_s = own.seconds
    assert after_s is not None
    # The kernel counts in steps of 10 ms.
    assert 0.96 <= after_s - time.process_time() <= 1.5
    assert after_s > before_s


def test_a_child_that_cannot_be_read_makes_it_unknown_until_there_is_one_that_can() -> None:
    own = OwnCpu()
    with _child(0.0) as gone:
        pass
    own.look(gone.pid)
    assert own.seconds is None
    with _child(0.0) as child:
        own.look(child.pid)
    assert own.seconds is not None
