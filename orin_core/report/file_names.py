"""Names of models and rows as they stand in the names of files."""

from __future__ import annotations

import re

_SEAM = "-"


def file_part(text: str, *, most: int, empty: str) -> str:
    """Returns a text as part of a file name: letters, digits and ``.+-``, ending at a word.

    Args:
        text: any.
        most: so many characters it may have.
        empty: what stands for a text of which nothing is left.
    """
    whole = re.sub(r"[^A-Za-z0-9.+-]+", _SEAM, text).strip("-.")
    cut = whole[:most]
    if len(whole) > most and whole[most] != _SEAM and _SEAM in cut:
        cut = cut.rpartition(_SEAM)[0]
    return cut.strip("-.") or empty
