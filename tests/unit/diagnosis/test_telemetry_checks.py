from __future__ import annotations

import dataclasses
from pathlib import Path

from orin_core.board.simulator.state import State as Board
from orin_core.diagnosis import telemetry_checks
from orin_core.diagnosis.check import State
from orin_core.diagnosis.subject import Subject
from orin_core.settings import Settings
from tests.unit.diagnosis.conftest import named


def test_root_has_every_figure(simulated: Subject) -> None:
    checks = telemetry_checks.checks(simulated, limit_s=60)
    assert named(checks, "source").state is State.OK
    fields = named(checks, "fields")
    assert (fields.state, fields.message[:16]) == (State.OK, "14 of 14 figures")


def test_what_a_user_does_not_get_is_named_with_its_reason(simulated: Subject, board: Board) -> None:
    board.write_json("board.json", {"seed": 0, "root": False})
    (board.sys / "class/hwmon/hwmon0/name").write_text("other")
    fields = named(telemetry_checks.checks(simulated, limit_s=60), "fields")
    assert fields.state is State.WARNING
    text = "\n".join(fields.details)
    assert "EMC is absent: tegrastats `EMC_FREQ`; JetPack 3 to 7 as root" in text
    assert "GPU clock is absent" not in text, "sysfs has it"
    assert "over-current counters: no soctherm_oc in" in text
    assert fields.message.startswith("12 of 14 figures")


def test_sensor_that_cannot_be_read_leaves_the_figures_well(simulated: Subject, board: Board) -> None:
    (board.sys / "class/hwmon/hwmon1/name").write_text("other")
    fields = named(telemetry_checks.checks(simulated, limit_s=60), "fields")
    assert fields.state is State.OK
    assert [detail.partition(":")[0] for detail in fields.details] == ["fan"]


def test_tegrastats_that_prints_nothing_is_a_problem(simulated: Subject, board: Board) -> None:
    board.write_json("faults.json", {"tegrastats": {"stall_after": 0}})
    (check,) = telemetry_checks.checks(simulated, limit_s=1)
    assert (check.name, check.state) == ("source", State.PROBLEM)
    assert "gave 0 of 2 ticks" in check.message


def test_what_tegrastats_complains_of_is_shown(simulated: Subject, board: Board) -> None:
    board.write_json("faults.json", {"tegrastats": {"die_after": 0}})
    (check,) = telemetry_checks.checks(simulated, limit_s=3)
    assert any("ended with exit code 1" in detail for detail in check.details)


def test_source_that_is_none(settings: Settings, tmp_path: Path) -> None:
    (check,) = telemetry_checks.checks(Subject.of(dataclasses.replace(settings, telemetry="tea")))
    assert (check.state, "tea" in check.message) == (State.PROBLEM, True)
    log = tmp_path / "a.log"
    log.write_text("")
    (check,) = telemetry_checks.checks(Subject.of(dataclasses.replace(settings, telemetry=f"replay:{log}")))
    assert (check.state, "replayed" in check.message) == (State.OK, True)


def test_host_source_has_no_rails_unless_there_is_a_gpu(settings: Settings) -> None:
    subject = Subject.of(dataclasses.replace(settings, telemetry="host"))
    assert subject.paths is None
    checks = telemetry_checks.checks(subject, limit_s=60)
    assert named(checks, "source").state is State.OK
    assert any("EMC is absent" in detail for detail in named(checks, "fields").details)
