"""A tiny model and real image files, for runs that take seconds."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from tests.conftest import Home
from tests.support import write_images, write_tiny_model

SHORT = ("--idle-s", "1", "--warmup-min-s", "0", "--warmup-max-s", "0", "--cooldown-s", "0", "--interval-ms", "100")


@dataclasses.dataclass(frozen=True)
class Bench:
    """A home with a tiny model and a folder of images in it."""

    home: Home
    model: Path
    images: Path

    def arguments(self, *more: str) -> tuple[str, ...]:
        """Arguments of a short run of the tiny model."""
        names = ("--model", str(self.model), "--dataset", str(self.images), "--weights", "random")
        return ("run", *names, *SHORT, *more)


@pytest.fixture
def bench(home: Home, tmp_path: Path) -> Bench:
    """A tiny model and 24 image files."""
    return Bench(home=home, model=write_tiny_model(tmp_path / "tiny"), images=write_images(tmp_path / "images", 24))
