"""The published way: one image at a time, its own pre-processing, its result fetched at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from orin_core.inference.methods import Setting
from orin_core.inference.methods.hooked import Hooked
from orin_core.inference.workload import Image


class Reference(Hooked):
    """The way that every other method is compared with; the model is as it was loaded."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting, setting.workload.published())

    def called(self, images: Sequence[Image]) -> list[Any]:
        return [self._library([image])[0] for image in images]
