"""The naive reference: one ``re.search`` per field, as one writes it first. A yardstick, not used by the product."""

from __future__ import annotations

import re

from orin_core.board.sample import CoreSample, EngineSample, RailSample, Sample


def _number(pattern: str, line: str) -> int | None:
    match = re.search(pattern, line)
    return int(match.group(1)) if match else None


def _cores(line: str) -> tuple[CoreSample | None, ...]:
    match = re.search(r"CPU \[(.*?)\]", line)
    cores: list[CoreSample | None] = []
    for text in match.group(1).split(",") if match else ():
        core = re.search(r"(\d+)%@(\d+)", text)
        cores.append(CoreSample(load_pct=int(core.group(1)), freq_mhz=int(core.group(2))) if core else None)
    return tuple(cores)


def _gpu_clocks(line: str) -> tuple[int, ...]:
    match = re.search(r"GR3D_FREQ \d+%@\[?([\d,]+)", line)
    return tuple(int(clock) for clock in match.group(1).split(",")) if match else ()


def _engines(line: str) -> dict[str, EngineSample]:
    engines: dict[str, EngineSample] = {}
    for name in ("NVENC", "NVDEC", "NVJPG", "NVJPG1", "VIC", "OFA", "NVDLA0", "NVDLA1", "PVA0_FREQ", "APE"):
        match = re.search(rf"\b{name}\s+(?:off|(?:(\d+)%@)?(\d+))", line)
        if match:
            load, clock = match.groups()
            engines[name] = EngineSample(pct=int(load) if load else None, freq_mhz=int(clock) if clock else None)
    return engines


def parse_line(line: str) -> Sample:
    """Returns the sample of one line of the shape that ``lines.orin_lines`` makes."""
    stamp = re.search(r"^\d\d-\d\d-\d{4} \d\d:\d\d:\d\d", line)
    lfb_mb = _number(r"lfb \d+x(\d+)MB", line)
    return Sample(
        stamp=stamp.group(0) if stamp else None,
        ram_used_mb=_number(r"RAM (\d+)/", line),
        ram_total_mb=_number(r"RAM \d+/(\d+)MB", line),
        lfb_blocks=_number(r"lfb (\d+)x", line),
        lfb_block_mb=None if lfb_mb is None else float(lfb_mb),
        swap_used_mb=_number(r"SWAP (\d+)/", line),
        swap_total_mb=_number(r"SWAP \d+/(\d+)MB", line),
        swap_cached_mb=_number(r"cached (\d+)MB", line),
        cores=_cores(line),
        emc_pct=_number(r"EMC_FREQ (\d+)%", line),
        emc_freq_mhz=_number(r"EMC_FREQ \d+%@(\d+)", line),
        gr3d_pct=_number(r"GR3D_FREQ (\d+)%", line),
        gr3d_freq_mhz=_gpu_clocks(line),
        temps_c={name: float(value) for name, value in re.findall(r"(\w+)@(-?[\d.]+)C", line)},
        power_mw={
            name: RailSample(current_mw=int(current), average_mw=int(average))
            for name, current, average in re.findall(r"(\w+) (\d+)mW/(\d+)mW", line)
        },
        engines=_engines(line),
    )
