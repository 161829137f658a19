"""A program in place of the worker that only describes: it says what a test wants, and notes each question."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from orin_core.abilities import Abilities
from orin_core.settings import load
from orin_core.spec import to_json

SAYS, ASKED = "says.json", "asked"


class Describer:
    """What the program says, and how often it was asked.

    Args:
        folder: the state folder of the test, where both sides find it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def says(self, device: Abilities) -> None:
        """Writes down what it says from now on; before that it ends without a word."""
        (self._folder / SAYS).write_text(json.dumps({"torch": "2.0", "abilities": to_json(device)}))

    @property
    def asked(self) -> int:
        """How often it was asked."""
        path = self._folder / ASKED
        return len(path.read_text()) if path.exists() else 0


def main() -> None:
    assert sys.argv[1:] == ["--describe"]
    folder = load().state_dir
    with (folder / ASKED).open("a") as asked:
        asked.write("x")
    if (folder / SAYS).exists():
        print((folder / SAYS).read_text())


if __name__ == "__main__":
    main()
