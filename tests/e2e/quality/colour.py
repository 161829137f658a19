"""Whether two colours can be told apart, also by eyes that lack one kind of cone. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import combinations
from typing import Any

Triple = tuple[float, float, float]
Matrix = tuple[Triple, Triple, Triple]

MIN_DELTA_E = 9.0
"""Least CIEDE2000 distance of two lines of one pane that differ by colour alone.

About 2 is what a trained eye sees between two large patches side by side; thin lines apart from each
other need several times that.
"""
MIN_DELTA_E_LABELLED = 5.0
"""The same where each line carries its name at its end, which is a second sign."""

# Source: Machado, Oliveira, Fernandes, "A Physiologically-based Model for Simulation of Color Vision
# Deficiency", IEEE TVCG 15 (2009), severity 1.0; for linear RGB.
EYES: dict[str, Matrix] = {
    "all cones": ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
    "protanopia": (
        (0.152286, 1.052583, -0.204868),
        (0.114503, 0.786281, 0.099216),
        (-0.003882, -0.048116, 1.051998),
    ),
    "deuteranopia": (
        (0.367322, 0.860646, -0.227968),
        (0.280085, 0.672501, 0.047413),
        (-0.011820, 0.042940, 0.968881),
    ),
}
# Source: IEC 61966-2-1, sRGB to CIE XYZ under D65.
_TO_XYZ: Matrix = (
    (0.4124564, 0.3575761, 0.1804375),
    (0.2126729, 0.7151522, 0.0721750),
    (0.0193339, 0.1191920, 0.9503041),
)
_WHITE: Triple = (0.95047, 1.0, 1.08883)


def _times(matrix: Matrix, vector: Triple) -> Triple:
    one, two, three = (sum(a * b for a, b in zip(row, vector, strict=True)) for row in matrix)
    return one, two, three


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4


def lab(colour: str, eye: str = "all cones") -> Triple:
    """Returns CIE L*a*b* of ``#rrggbb`` as an eye sees it."""
    red, green, blue = (_linear(int(colour[place : place + 2], 16) / 255) for place in (1, 3, 5))
    seen = _times(EYES[eye], (red, green, blue))
    clipped = (min(1.0, max(0.0, seen[0])), min(1.0, max(0.0, seen[1])), min(1.0, max(0.0, seen[2])))
    x, y, z = (
        ratio ** (1 / 3) if ratio > 216 / 24389 else (24389 / 27 * ratio + 16) / 116
        for ratio in (value / white for value, white in zip(_times(_TO_XYZ, clipped), _WHITE, strict=True))
    )
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def delta_e(first: Triple, second: Triple) -> float:
    """Returns the CIEDE2000 distance of two colours in L*a*b*.

    **Source**: Sharma, Wu, Dalal, "The CIEDE2000 Color-Difference Formula", Color Research and Application 30 (2005).
    """
    (l1, a1, b1), (l2, a2, b2) = first, second
    mean_c7 = ((math.hypot(a1, b1) + math.hypot(a2, b2)) / 2) ** 7
    g = 0.5 * (1 - math.sqrt(mean_c7 / (mean_c7 + 25.0**7)))
    a1, a2 = (1 + g) * a1, (1 + g) * a2
    c1, c2 = math.hypot(a1, b1), math.hypot(a2, b2)
    h1, h2 = math.degrees(math.atan2(b1, a1)) % 360, math.degrees(math.atan2(b2, a2)) % 360
    turn = 0.0 if c1 * c2 == 0 else (h2 - h1 + 180) % 360 - 180
    mean_l, mean_c = (l1 + l2) / 2, (c1 + c2) / 2
    mean_h = h1 + h2 if c1 * c2 == 0 else (h1 + turn / 2) % 360
    t = (
        1
        - 0.17 * math.cos(math.radians(mean_h - 30))
        + 0.24 * math.cos(math.radians(2 * mean_h))
        + 0.32 * math.cos(math.radians(3 * mean_h + 6))
        - 0.20 * math.cos(math.radians(4 * mean_h - 63))
    )
    s_l = 1 + 0.015 * (mean_l - 50) ** 2 / math.sqrt(20 + (mean_l - 50) ** 2)
    s_c, s_h = 1 + 0.045 * mean_c, 1 + 0.015 * mean_c * t
    bend = 60 * math.exp(-(((mean_h - 275) / 25) ** 2))
    r_t = -2 * math.sqrt(mean_c**7 / (mean_c**7 + 25.0**7)) * math.sin(math.radians(bend))
    part_l, part_c = (l2 - l1) / s_l, (c2 - c1) / s_c
    part_h = 2 * math.sqrt(c1 * c2) * math.sin(math.radians(turn / 2)) / s_h
    return math.sqrt(part_l**2 + part_c**2 + part_h**2 + r_t * part_c * part_h)


def distance(first: str, second: str) -> tuple[float, str]:
    """Returns the least distance of two colours over all eyes, and whose eye that is."""
    return min((delta_e(lab(first, eye), lab(second, eye)), eye) for eye in EYES)


def alike(lines: Iterable[dict[str, Any]]) -> list[str]:
    """Returns the pairs of lines of one pane that cannot be told apart.

    Two lines differ by their dash, or by colour for every eye. Lines that share colour and dash on purpose
    (sensors that matter less) need their name at the line's end.

    Args:
        lines: ``chart``, ``pane``, ``name``, ``colour``, ``dash`` and ``labelled`` of each.
    """
    faults = []
    for one, two in combinations(lines, 2):
        if (one["chart"], one["pane"], one["dash"]) != (two["chart"], two["pane"], two["dash"]):
            continue
        if one["colour"] == two["colour"]:
            if not (one["labelled"] and two["labelled"]):
                faults.append(f"{one['name']} and {two['name']}: both {one['colour']}, and no name at the line")
            continue
        far, eye = distance(one["colour"], two["colour"])
        least = MIN_DELTA_E_LABELLED if one["labelled"] and two["labelled"] else MIN_DELTA_E
        if far < least:
            names = f"{one['name']} {one['colour']} and {two['name']} {two['colour']}"
            faults.append(f"{names}: {far:.1f} < {least:g} for {eye}")
    return faults
