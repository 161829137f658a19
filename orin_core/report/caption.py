"""The words around a results table: which board, what all rows share, what single rows must say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from orin_core.analysis.verdict import Status
from orin_core.report import published
from orin_core.report.agreement import SETTING_BY_KEY, TORCH
from orin_core.report.figures import first_sentence, number_or_none
from orin_core.report.rows import Row
from orin_core.report.run_facts import RunFacts, l4t, module_gb, origin_of

PUBLISHED_MODULE_GB = 32
WRONG_MARK = "†"
"""Stands beside a published figure that is known to be wrong."""
_COMMON = (
    "dataset",
    "method",
    "provider",
    "batch",
    "precision",
    "scope",
    "device",
    "weights",
    "images",
    "clocks",
    "fan",
)


def boards(runs: Sequence[RunFacts], *, published: bool) -> str:
    """Returns which board the rows are from and which the published ones, with the difference in words.

    Args:
        runs: the newest of every row.
        published: whether there are published rows to set beside them.
    """
    real = [run for run in runs if not run.summary.get("simulated")]
    parts = []
    if not runs:
        parts.append("No run of ours yet.")
    elif real:
        parts.append(f"Our rows: {'; '.join(dict.fromkeys(map(_board, real)))}.")
    if len(real) < len(runs):
        parts.append("Simulated rows: no board at all; the telemetry is invented and the FPS is that of the host.")
    if published:
        parts.append(f"Published rows: {PUBLISHED_BOARD}.")
        sizes = sorted({size for run in real if (size := module_gb(run)) not in (None, PUBLISHED_MODULE_GB)})
        if sizes:
            parts.append(
                f"The modules differ ({' and '.join(f'{size} GB' for size in sizes)} against {PUBLISHED_MODULE_GB} GB):"
                " RAM in use is the whole board's, and a difference in any figure may be the module's."
            )
        elif any(module_gb(run) is None for run in real):
            parts.append("RAM total of ours was not recorded, so nobody can tell whether the modules are the same.")
    return " ".join(parts)


PUBLISHED_BOARD = published.BOARD


def _board(run: RunFacts) -> str:
    name = run.environment.get("board")
    if not name:
        name = "board not named in the log" if origin_of(run) == "imported" else "board not known"
    parts = [str(name)]
    size_gb = module_gb(run)
    named = bool(size_gb) and f"{size_gb} GB module" in parts[0]  # an imported log's board is named by its RAM
    if size_gb and not named:
        total_mb = number_or_none(run.summary.get("ram_total_mb") or run.environment.get("ram_total_mb"))
        parts.append(f"{size_gb} GB module ({total_mb:.0f} MB of RAM in all)")
    elif not size_gb:
        parts.append("RAM total not recorded")
    if release := l4t(run):
        parts.append(f"L4T {release}")
    return ", ".join(parts)


def common(rows: Sequence[Row]) -> str:
    """Returns what all our rows share, one line; empty where there are none."""
    parts = []
    for key in _COMMON:
        values = {row.settings.get(key) for row in rows}
        if len(values) == 1 and (text := values.pop()) not in (None, TORCH):
            parts.append(f"{SETTING_BY_KEY[key].name.lower() if key != 'clocks' else 'jetson_clocks'} {text}")
    rails = {row.rails for row in rows if row.rails}
    if len(rails) == 1:
        names = rails.pop()
        parts.append(f"power is {'that of ' if len(names) == 1 else 'the sum of '}{', '.join(names)}")
    return f"All our rows: {', '.join(parts)}." if parts else ""


def notes(rows: Sequence[Row], *, empty: int) -> tuple[str, ...]:
    """Returns what a reader must know of single rows, in their order.

    Args:
        rows: of one model.
        empty: runs of it that have no figures at all, and so no row.
    """
    found: list[str] = []
    for row in rows:
        if row.status not in (None, Status.VALID):
            words = [row.sentence, *(reason for reason in row.reasons if reason != row.sentence)]
            badge = "" if words[0].upper().startswith(row.validity) else f"{row.validity}. "
            found.append(f"{row.test}: {badge}{' '.join(words)}")
        elif row.reasons:
            found.append(f"{row.test}: {' '.join(row.reasons)}")
        if row.left_out:
            runs = "1 other run is" if row.left_out == 1 else f"{row.left_out} other runs are"
            which = "only VALID ones count" if row.status is Status.VALID else "the newest of the best ones counts"
            found.append(f"{row.test}: {runs} not used: {which}.")
        if row.spoiled:
            whys = "; ".join(map(first_sentence, row.spoiled))
            found.append(f"{row.test}: not ranked and not offered to a mission: {whys}.")
        found += [f"{row.test}: {remark}" for remark in row.remarks]
        if row.agreement is not None and row.agreement.ok:  # else it is a reason of the verdict
            found.append(f"{row.test}: {row.agreement.sentence}.")
        if row.against is not None and row.against.why:
            found.append(f"{row.test}: no speed-up over the reference: {row.against.why}.")
        if row.not_compared:
            found.append(f"{row.test}: no difference to the published row: {row.not_compared}.")
    found += _commits(rows)
    if empty:
        found.append(f"{empty} {'run' if empty == 1 else 'runs'} without any figure: failed or stopped before measure.")
    rails = list(dict.fromkeys(row.rails for row in rows if row.rails))
    if len(rails) > 1:
        found.append("Power is not the same sum in all rows: " + "; ".join(", ".join(names) for names in rails) + ".")
    return (*found, *_of_published(rows))


def _of_published(rows: Sequence[Row]) -> list[str]:
    found = []
    for one in {row.published.power_mode: row.published for row in rows if row.published}.values():
        if one.known_error:
            found.append(f"Published {one.power_mode}: what is marked {WRONG_MARK} is wrong. {one.known_error}")
        if one.corrected:
            found.append(f"Published {one.power_mode} was corrected: {one.corrected}")
        if one.note:
            found.append(f"Published {one.power_mode}: {one.note}")
    return found


def _commits(rows: Sequence[Row]) -> list[str]:
    """Names the commits of the program where they differ: one version may hold several."""
    by_test = {row.test: [commit or "not known" for commit in row.commits] for row in rows if row.commits}
    if len({commit for commits in by_test.values() for commit in commits}) < 2:
        return []
    texts = "; ".join(f"{test}: {', '.join(commits)}" for test, commits in by_test.items())
    return [f"The runs were made with several commits of this program. {texts}."]


# -- what else was found --------------------------------------------------------------------------


def cpu_ceiling_mhz(run: RunFacts) -> float | None:
    """Returns the highest CPU clock seen in measure, else the cap that was set, MHz."""
    return number_or_none(run.summary.get("cpu_ceiling_mhz")) or number_or_none(run.summary.get("cpu_freq_cap_mhz"))


_FACTS: tuple[tuple[str, Callable[[RunFacts], Any], str], ...] = (
    ("Profile as asked", lambda run: run.summary.get("profile"), "{}"),
    ("Images measured", lambda run: run.summary.get("items"), "{:,.0f}"),
    ("FPS model only", lambda run: run.summary.get("fps_model"), "{:.2f}"),
    ("Latency, median", lambda run: run.summary.get("latency_ms_p50"), "{:.1f} ms"),
    ("Latency, 90 %", lambda run: run.summary.get("latency_ms_p90"), "{:.1f} ms"),
    ("GPU load (GR3D), median", lambda run: run.summary.get("gr3d_pct_median"), "{:.0f} %"),
    ("GPU clock, mean", lambda run: run.summary.get("gr3d_freq_mhz_mean"), "{:.0f} MHz"),
    ("GPU clock cap", lambda run: run.summary.get("gr3d_freq_cap_mhz"), "{:.0f} MHz"),
    ("Busiest core, mean", lambda run: run.summary.get("busiest_core_pct_mean"), "{:.0f} %"),
    ("CPU clock, highest", cpu_ceiling_mhz, "{:.0f} MHz"),
    ("Cores online", lambda run: run.summary.get("cores_online"), "{:.0f}"),
    ("RAM over idle", lambda run: run.summary.get("ram_rise_mb"), "{:.0f} MB"),
    ("Hottest", lambda run: run.summary.get("tj_c_max"), "{:.1f} °C"),
    ("Throttled", lambda run: _percent(run.summary.get("throttled_share")), "{:.1f} %"),
    ("Ticks", lambda run: run.summary.get("ticks"), "{:.0f}"),
    ("Ambient, as typed in", lambda run: run.environment.get("ambient_c"), "{:g} °C"),
    ("Commit", lambda run: run.environment.get("git_commit"), "{:.12}"),
    ("Notes, as typed in", lambda run: run.environment.get("notes"), "{}"),
    ("Run", lambda run: run.run_id, "{}"),
)


def facts(run: RunFacts) -> dict[str, str]:
    """Returns what else was found, as text by name; empty where it is not known."""
    found = {}
    for name, read, pattern in _FACTS:
        value = read(run)
        try:
            found[name] = "" if value in (None, "") else pattern.format(value)
        except (ValueError, TypeError):  # another type than this version writes
            found[name] = str(value)
    return found


def _percent(share: Any) -> float | None:
    value = number_or_none(share)
    return None if value is None else 100 * value
