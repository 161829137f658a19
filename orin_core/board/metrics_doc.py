"""``python -m orin_core.board.metrics_doc > docs/metrics.md``: the table of metrics, for people."""

from __future__ import annotations

import dataclasses

from orin_core.board.sample import METRICS

_INTRODUCTION = """\
# Metrics

Generated from `orin_core/board/sample.py` by `python -m orin_core.board.metrics_doc > docs/metrics.md`.

What a board does not tell is absent: an empty cell in a table, a gap in a chart, null in JSON. It is never 0 or -1.
Release means JetPack; what needs root of tegrastats is read from sysfs where it is readable there. On a workstation
the host probe fills the same columns from psutil and NVML as far as they go.

"""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """Metrics of which a board has any number.

    Args:
        label: as shown to people.
        unit: as shown to people.
        column: column in ``run.csv`` with the member as ``N``; None where there is none.
        key: where it is in the JSON of ``parse``; None where it is not in a line.
        source: where the values come from.
        releases: the JetPack releases that have it, and on what condition.
    """

    label: str
    unit: str
    column: str | None
    key: str | None
    source: str
    releases: str


FAMILIES: tuple[Family, ...] = (
    Family(
        label="Load of a core",
        unit="%",
        column="CPU N Load (%)",
        key="cores[N].load_pct",
        source="tegrastats `CPU [...]`; a core that prints `off` is absent",
        releases="3 to 7",
    ),
    Family(
        label="Clock of a core",
        unit="MHz",
        column="CPU N Frequency (MHz)",
        key="cores[N].freq_mhz",
        source="tegrastats `CPU [...]`",
        releases="3 to 7",
    ),
    Family(
        label="Clock of a GPU cluster",
        unit="MHz",
        column=None,
        key="gr3d_freq_mhz[N]",
        source="tegrastats `GR3D_FREQ ..@[a,b]`; without it sysfs, `devfreq/*/cur_freq`",
        releases="one clock 3 to 5, one per cluster 6 and 7; printed as root only",
    ),
    Family(
        label="Temperature of a sensor",
        unit="°C",
        column="N Temperature (C)",
        key="temps_c.N",
        source="tegrastats `name@..C`; a line without any: sysfs, `thermal_zone*`. -256 is a sensor that is off",
        releases="3 to 7; names differ, `gpu` goes while the GPU sleeps, 7 prints the maximum too (left out)",
    ),
    Family(
        label="Power of a rail",
        unit="mW",
        column="N Current (mW)",
        key="power_mw.N.current",
        source="tegrastats `NAME a/b`; a board that prints none: sysfs, INA3221. `NC` is left out",
        releases="3 to 7, on boards with a power monitor; from sysfs where it is readable without root",
    ),
    Family(
        label="Mean power of a rail since tegrastats started",
        unit="mW",
        column="N Average (mW)",
        key="power_mw.N.average",
        source="tegrastats `NAME a/b`; never used for the mean of a run",
        releases="3 to 7, on boards with a power monitor",
    ),
    Family(
        label="Load of an engine",
        unit="%",
        column=None,
        key="engines.N.pct",
        source="tegrastats `NVENC 79%@166`; `off` is told apart from absent",
        releases="3 to 7 as root",
    ),
    Family(
        label="Clock of an engine",
        unit="MHz",
        column=None,
        key="engines.N.freq_mhz",
        source="tegrastats `NVENC 79%@166`, `APE 174`",
        releases="3 to 7 as root",
    ),
    Family(
        label="Throttling",
        unit="0/1",
        column="Throttled",
        key=None,
        source="sysfs, `cooling_device*/cur_state` of throttling devices",
        releases="4 to 7; names of the devices differ",
    ),
    Family(
        label="Over-current events since boot",
        unit="",
        column=None,
        key=None,
        source="sysfs, hwmon `soctherm_oc`, `oc*_event_cnt`",
        releases="5 to 7, on Orin",
    ),
    Family(
        label="Fan",
        unit="%, rpm",
        column=None,
        key=None,
        source="sysfs, hwmon `pwmfan`, and its tachometer where there is one; 4: `devices/pwm-fan`",
        releases="4 to 7, on boards with a fan",
    ),
    Family(
        label="jetson_clocks",
        unit="on, off, unknown",
        column=None,
        key=None,
        source="sysfs: lowest clock equals highest on every core that is on and on the GPU",
        releases="4 to 7",
    ),
)


def _table(rows: list[tuple[str, ...]]) -> str:
    lines = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join([lines[0], "|" + "---|" * len(rows[0]), *lines[1:], ""])


def _code(text: str | None) -> str:
    return "" if text is None else f"`{text}`"


def metrics_doc() -> str:
    """Returns the text of ``docs/metrics.md``."""
    scalars = [("metric", "unit", "field", "column of run.csv", "source", "JetPack releases")]
    scalars += [(m.label, m.unit, _code(m.field), _code(m.column), m.source, m.releases) for m in METRICS]
    families = [("family", "unit", "key of a parsed line", "column of run.csv", "source", "JetPack releases")]
    families += [(f.label, f.unit, _code(f.key), _code(f.column), f.source, f.releases) for f in FAMILIES]
    return (
        f"{_INTRODUCTION}## One value a tick\n\n{_table(list(scalars))}\n"
        f"## Families\n\n`N` is the number or the name as printed.\n\n{_table(list(families))}"
    )


if __name__ == "__main__":
    print(metrics_doc(), end="")
