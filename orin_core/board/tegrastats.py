"""One line of tegrastats text to a Sample, and back to a row; pure.

Fields come and go from line to line, so nothing is read by position. The first line of a shape is
scanned field by field; the shape then becomes one compiled expression that reads the following
lines of the same shape in one match. Both ways fill the same :class:`_Shape`, so they cannot differ.

A value is taken only when its field is complete up to the next blank: of a cut or garbled field
nothing is kept except a part that ends in itself (``4%`` of ``4%@21``).

**Source**: lines printed by JetPack 3 to 7 on TX1 to Thor; see ``docs/data-format.md``.
"""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Sequence
from typing import Any

from orin_core.board.sample import CoreSample, EngineSample, RailSample, Sample

# Numbers are bounded: int() refuses a garbled run of thousands of digits.
_INT = "([0-9]{1,9})"
_TEMP = r"(-?[0-9]{1,4}(?:\.[0-9]{1,6})?)C(?:/[-0-9.]*C?)?"
_RAIL = rf"{_INT}(mW|)/{_INT}\{{unit}}(?:/[0-9]*m?W?)?"
_LOAD = r"(?:([0-9]{1,9})%)?(?:@(\S*))?"
# Only these print a bare clock; a rail cut after its first number looks the same.
_ENGINE = r"(?:APE|NVENC|NVDEC|NVJPG|NVDLA|NVCSI|MSENC|VIC|OFA|PVA|SE|VI|ISP|DLA)[0-9]*(?:_FREQ|_LOAD)?"

_FIXED = {
    "stamp": r"([0-9]{2}-[0-9]{2}-[0-9]{4}\s+[0-9]{2}:[0-9]{2}:[0-9]{2})",
    "ram": rf"RAM\s+{_INT}/{_INT}MB(?:\s*\(lfb\s+{_INT}x{_INT}(MB|kB)\))?",
    "swap": rf"SWAP\s+{_INT}/{_INT}MB(?:\s*\(cached\s+{_INT}MB\))?",
    "cpu": r"CPU\s+\[(\S*)\]",
    "emc": rf"EMC_FREQ\s+(?:off|(?=[0-9@]){_LOAD})",
    "gr3d": rf"GR3D_FREQ\s+(?:off|(?=[0-9@]){_LOAD})",
    "skip": (
        r"(?:IRAM\s+[0-9]+/[0-9]+[kM]B(?:\s*\(lfb\s+[0-9]+[kM]B\))?"
        r"|GR3D2_FREQ\s+\S+|MTS\s+fg\s+[0-9]+%\s+bg\s+[0-9]+%|NC\s+[0-9]+(?:mW)?/\S+)"
    ),
}
"""Fields that occur once; the groups are their values. EMC and GR3D never have a clock without ``@``."""

_NAMED = {
    "temp": ("[A-Za-z][A-Za-z0-9_.-]*", "@", _TEMP),
    "rail": ("(?!RAM|SWAP|IRAM)[A-Za-z][A-Za-z0-9_.+-]*", r"\s+", _RAIL),
    "off": (_ENGINE, r"\s+", "off"),
    "engine": (_ENGINE, r"\s+", rf"(?=[0-9@]){_LOAD}"),
    "bare": (_ENGINE, r"\s+", _INT),
}
"""Families of fields: pattern of the name, what parts it from the value, pattern of the value."""

_RAIL_UNIT_GROUP = 1  # within the rail's value: current, unit, average


def _scanner() -> re.Pattern[str]:
    parts = [f"(?P<{kind}>{pattern})" for kind, pattern in _FIXED.items()]
    for kind, (name, separator, value) in _NAMED.items():
        named = value.replace("(mW|)", "(?P<unit>mW|)").replace(r"\{unit}", "(?P=unit)")
        parts.append(f"(?P<{kind}>(?P<{kind}_name>{name}){separator}{named})")
    return re.compile(rf"(?<!\S)(?:{'|'.join(parts)})(?!\S)", re.ASCII)


_SCANNER = _scanner()
_FIRST_GROUP = {kind: _SCANNER.groupindex[kind] + 1 for kind in _FIXED}
_FIRST_GROUP |= {kind: _SCANNER.groupindex[f"{kind}_name"] + 1 for kind in _NAMED}


def _group_count(pattern: str) -> int:
    return re.compile(pattern.replace(r"\{unit}", "")).groups


_GROUPS = {kind: _group_count(pattern) for kind, pattern in _FIXED.items()}
_GROUPS |= {kind: _group_count(value) for kind, (_, _, value) in _NAMED.items()}
_ANCHORS = {"ram", "swap", "cpu", "emc", "gr3d"}


@dataclasses.dataclass(slots=True)
class _Shape:
    """Which field's values lie where in the flat sequence of a line's values."""

    at: dict[str, int] = dataclasses.field(default_factory=dict)
    temps: list[tuple[str, int]] = dataclasses.field(default_factory=list)
    rails: list[tuple[str, int]] = dataclasses.field(default_factory=list)
    engines: list[tuple[str, str, int]] = dataclasses.field(default_factory=list)
    size: int = 0

    def add(self, kind: str, name: str | None) -> str:
        """Adds the next field and returns the expression that reads it."""
        first = self.size
        self.size += _GROUPS[kind]
        if name is None:
            self.at.setdefault(kind, first)
            return _FIXED[kind]
        if kind == "temp":
            self.temps.append((name, first))
        elif kind == "rail":
            self.rails.append((name, first))
        else:
            self.engines.append((kind, name, first))
        _, separator, value = _NAMED[kind]
        # Groups of a compiled expression count from 1.
        return re.escape(name) + separator + value.replace("{unit}", str(first + _RAIL_UNIT_GROUP + 1))


@functools.lru_cache(maxsize=8192)
def _core(text: str) -> CoreSample | str | None:
    """One element of the CPU list: a core, None for a core that is off, the text where it is neither."""
    if text == "off":
        return None
    match = re.fullmatch(rf"{_INT}%(?:@{_INT})?", text)
    if match is None:
        return text
    return CoreSample(load_pct=int(match[1]), freq_mhz=_int(match[2]))


def _cores(text: str) -> tuple[CoreSample | None, ...]:
    cores = tuple(map(_core, text.split(",")))
    # One unreadable core leaves the number of cores in doubt, so none is kept.
    return () if str in map(type, cores) else cores  # type: ignore[return-value]


@functools.lru_cache(maxsize=1024)
def _clocks_mhz(text: str | None) -> tuple[int, ...]:
    """Clocks of ``1300`` or ``[305,305]``; empty where the text is neither."""
    if text is None or not re.fullmatch(rf"{_INT}|\[{_INT}(?:,{_INT})*\]", text):
        return ()
    return tuple(int(part) for part in text.strip("[]").split(","))


def _clock_mhz(text: str | None) -> int | None:
    clocks = _clocks_mhz(text)
    return clocks[0] if len(clocks) == 1 else None


def _int(text: str | None) -> int | None:
    return None if text is None else int(text)


_ENGINE_OFF = EngineSample(pct=None, freq_mhz=None)


def _engine(kind: str, values: Sequence[Any], first: int) -> EngineSample | None:
    if kind == "bare":
        return EngineSample(pct=None, freq_mhz=int(values[first]))
    pct, freq_mhz = _int(values[first]), _clock_mhz(values[first + 1])
    return None if pct is None and freq_mhz is None else EngineSample(pct=pct, freq_mhz=freq_mhz)


def _temps(shape: _Shape, values: Sequence[Any]) -> tuple[dict[str, float], tuple[str, ...]]:
    temps: dict[str, float] = {}
    off: list[str] = []
    for name, at in shape.temps:
        value = float(values[at])
        if value > -256:
            temps.setdefault(name, value)
        else:
            off.append(name)
    return temps, tuple(off)


_NOTHING: tuple[Any, ...] = (None,) * max(_GROUPS.values())


def _rails(shape: _Shape, values: Sequence[Any]) -> dict[str, RailSample]:
    rails: dict[str, RailSample] = {}
    for name, at in shape.rails:
        if name not in rails:  # of a field that is printed twice the first is kept
            rails[name] = RailSample(current_mw=int(values[at]), average_mw=int(values[at + 2]))
    return rails


def _engines(shape: _Shape, values: Sequence[Any]) -> dict[str, EngineSample]:
    engines: dict[str, EngineSample] = {}
    for kind, name, at in shape.engines:
        if name in engines:
            continue
        engine = _ENGINE_OFF if kind == "off" else _engine(kind, values, at)
        if engine is not None:
            engines[name] = engine
    return engines


def _sample(shape: _Shape, groups: Sequence[Any]) -> Sample:
    # A field that was not printed is read from the blanks behind the last value.
    values = (*groups, *_NOTHING)
    first_of, nowhere = shape.at.get, len(groups)
    ram, swap = first_of("ram", nowhere), first_of("swap", nowhere)
    emc, gr3d = first_of("emc", nowhere), first_of("gr3d", nowhere)
    cpu, block = values[first_of("cpu", nowhere)], values[ram + 3]
    temps_c, temps_off = _temps(shape, values)
    return Sample(
        stamp=values[first_of("stamp", nowhere)],
        ram_used_mb=_int(values[ram]),
        ram_total_mb=_int(values[ram + 1]),
        lfb_blocks=_int(values[ram + 2]),
        lfb_block_mb=None if block is None else int(block) / (1024 if values[ram + 4] == "kB" else 1),
        swap_used_mb=_int(values[swap]),
        swap_total_mb=_int(values[swap + 1]),
        swap_cached_mb=_int(values[swap + 2]),
        cores=() if cpu is None else _cores(cpu),
        emc_pct=_int(values[emc]),
        emc_freq_mhz=_clock_mhz(values[emc + 1]),
        gr3d_pct=_int(values[gr3d]),
        gr3d_freq_mhz=_clocks_mhz(values[gr3d + 1]),
        temps_c=temps_c,
        temps_off=temps_off,
        power_mw=_rails(shape, values),
        engines=_engines(shape, values),
    )


_EMPTY = Sample()
_KNOWN_SHAPES: list[tuple[re.Pattern[str], _Shape]] = []
_KNOWN_SHAPES_MAX = 8  # a board alternates between a few: GPU asleep or not, engines on or off


def _scan(text: str) -> Sample | None:
    """Reads a line field by field; a line without anything unknown becomes a known shape."""
    shape = _Shape()
    values: list[Any] = []
    expressions: list[str] = []
    end = 0
    clean = True
    for match in _SCANNER.finditer(text):
        kind = str(match.lastgroup)
        first = _FIRST_GROUP[kind]
        expressions.append(shape.add(kind, match[f"{kind}_name"] if kind in _NAMED else None))
        values.extend(match[group] for group in range(first, first + _GROUPS[kind]))
        clean = clean and not text[end : match.start()].strip()
        end = match.end()
    if not _ANCHORS & shape.at.keys():
        return None
    sample = _sample(shape, values)
    if sample == _EMPTY:
        return None
    if clean and not text[end:].strip():
        # Replaced as a whole: another thread may be reading the old list.
        pattern = re.compile(r"\s+".join(expressions), re.ASCII)
        _KNOWN_SHAPES[:] = [(pattern, shape), *_KNOWN_SHAPES[: _KNOWN_SHAPES_MAX - 1]]
        return sample
    return dataclasses.replace(sample, read_in_part=True)


def parse_line(text: str, *, complete: bool = True) -> Sample | None:
    """Returns what a line says, None where it is no tegrastats line (a date line, garbage).

    Never raises. A field that is cut or garbled is absent in the result.

    Args:
        text: one line, with or without its line end.
        complete: False for a line that did not end in a line end: its last word may be cut
            anywhere (``1300`` may be the start of ``13000``) and is not read.
    """
    if not complete and text and not text[-1].isspace():
        text = text[: -len(text.split()[-1])]
    text = text.strip()
    for index, (pattern, shape) in enumerate(_KNOWN_SHAPES):
        match = pattern.fullmatch(text)
        if match is not None:
            if index > 0:
                rest = [known for known in _KNOWN_SHAPES if known[1] is not shape]
                _KNOWN_SHAPES[:] = [(pattern, shape), *rest][:_KNOWN_SHAPES_MAX]
            return _sample(shape, match.groups())
    return _scan(text)


def _plain_number(value: float | None) -> float | int | None:
    return int(value) if value is not None and value == int(value) else value


def to_row(sample: Sample, line: int) -> dict[str, Any]:
    """Returns one line's values as a JSON object.

    Args:
        sample: what the line says.
        line: number of the line in its log, from 1.

    Returns:
        Every scalar field by name (None where absent); ``cores`` a list with None for a core
        that is off; ``gr3d_freq_mhz`` a list; ``temps_c`` with None for a sensor that is off;
        ``power_mw`` with ``current`` and ``average``; ``engines`` with ``"off"`` for one that is off.
    """
    temps: dict[str, float | int | None] = {name: _plain_number(value) for name, value in sample.temps_c.items()}
    return {
        "line": line,
        "stamp": sample.stamp,
        "ram_used_mb": sample.ram_used_mb,
        "ram_total_mb": sample.ram_total_mb,
        "lfb_blocks": sample.lfb_blocks,
        "lfb_block_mb": _plain_number(sample.lfb_block_mb),
        "swap_used_mb": sample.swap_used_mb,
        "swap_total_mb": sample.swap_total_mb,
        "swap_cached_mb": sample.swap_cached_mb,
        "cores": [core and {"load_pct": core.load_pct, "freq_mhz": core.freq_mhz} for core in sample.cores] or None,
        "emc_pct": sample.emc_pct,
        "emc_freq_mhz": sample.emc_freq_mhz,
        "gr3d_pct": sample.gr3d_pct,
        "gr3d_freq_mhz": list(sample.gr3d_freq_mhz) or None,
        "temps_c": temps | dict.fromkeys(name for name in sample.temps_off if name not in temps),
        "power_mw": {
            name: {"current": rail.current_mw, "average": rail.average_mw} for name, rail in sample.power_mw.items()
        },
        "engines": {
            name: "off" if engine.is_off else {"pct": engine.pct, "freq_mhz": engine.freq_mhz}
            for name, engine in sample.engines.items()
        },
    }
