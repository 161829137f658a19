"""The commands ``report`` and ``mission``: the results table as files, and which mode to fly."""

from __future__ import annotations

import argparse
from pathlib import Path

from orin_core.errors import BadRequest
from orin_core.report import mission, table
from orin_core.report.mission_rows import candidates
from orin_core.report.rows import ModelTable
from orin_core.report.write import FORMATS, make_report
from orin_core.runs.recording import list_runs
from orin_core.settings import Settings
from orin_core.user_paths import absolute

EXIT_DONE = 0


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds both commands with their options."""
    report = commands.add_parser("report", help="write the results table with graphs: Markdown, HTML, CSV")
    _add_common(report)
    report.add_argument("--format", action="append", choices=FORMATS, help="one of them; again for more (default all)")
    report.add_argument("-o", "--output", type=Path, required=True, help="folder to write into")
    plan = commands.add_parser("mission", help="the cheapest power mode under a power cap and above an FPS floor")
    _add_common(plan)
    plan.add_argument("--power-cap-w", type=float, help="mean power that may not be passed, W")
    plan.add_argument("--fps-floor", type=float, help="images/s that are needed")
    plan.add_argument("--orbit-energy-wh", type=float, help="energy per orbit, Wh")
    plan.add_argument("--orbit-active-s", type=float, help="time per orbit in which the board may run, s")


def _add_common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", action="append", help="catalogue name or hub id; again for more (default all)")
    parser.add_argument("--runs-dir", type=Path, help="folder of run folders (default data/runs)")


def command(arguments: argparse.Namespace, config: Settings) -> int:
    """Runs the command and returns its exit code."""
    runs_dir = absolute(arguments.runs_dir or config.runs_dir)
    if arguments.runs_dir and not runs_dir.is_dir():
        raise BadRequest(f"There is no folder {runs_dir}.", "Name the folder of the run folders with --runs-dir.")
    if arguments.command == "mission":
        return _mission(arguments, runs_dir)
    out_dir = absolute(arguments.output)
    report = make_report(runs_dir, out_dir, models=arguments.model, formats=arguments.format or FORMATS)
    for path in report.paths:
        print(path)
    if not list_runs(runs_dir):
        print(f"No run in {runs_dir}: the report holds the published rows only.")
    elif report.without_runs:
        print(f"No run of {', '.join(report.without_runs)} in {runs_dir}: of it there are the published rows only.")
    if left := report.stale_words(out_dir):
        print(left)
    return EXIT_DONE


def _mission(arguments: argparse.Namespace, runs_dir: Path) -> int:
    for name in ("power_cap_w", "fps_floor", "orbit_energy_wh", "orbit_active_s"):
        value = getattr(arguments, name)
        if value is not None and not value > 0:
            raise BadRequest(f"--{name.replace('_', '-')} {value:g} cannot be met.", "Give a number above 0.")
        mission.check_limit(f"--{name.replace('_', '-')}", value)
    tables = table.build(list_runs(runs_dir), models=arguments.model)
    if not tables:
        raise BadRequest("There are no rows of this model, neither ours nor published.", "List them: runs --json.")
    print("\n\n".join(_answer(one, arguments) for one in tables))
    return EXIT_DONE


def _answer(one: ModelTable, arguments: argparse.Namespace) -> str:
    found = mission.options(
        candidates(one),
        power_cap_w=arguments.power_cap_w,
        fps_floor=arguments.fps_floor,
        orbit_energy_wh=arguments.orbit_energy_wh,
        orbit_active_s=arguments.orbit_active_s,
    )
    lines = [one.label, f"  {found.sentence}"]
    lines += [f"  {_option_line(option)}" for option in found.options]
    lines += [f"  not offered  {dropped.sentence}" for dropped in found.dropped]
    lines += [f"  NOTE  {note}" for note in found.notes]
    return "\n".join(lines)


def _option_line(option: mission.Option) -> str:
    row = option.candidate
    line = f"{row.label:20}  {row.fps:8.2f} FPS  {row.power_w:7.2f} W  {row.energy_per_item_j:8.3f} J/image"
    line += f"  {option.items_per_wh:8,.0f} images/Wh"
    if option.items_per_orbit is not None:
        line += f"  {option.items_per_orbit:,} images/orbit, limited by {option.limited_by}"
    return line + (f"  ({'; '.join(row.marks)})" if row.marks else "")
