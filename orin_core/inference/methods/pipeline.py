"""The library's own high-level call, as people deploy it."""

from __future__ import annotations

from orin_core.inference.methods import Setting
from orin_core.inference.methods.hooked import Hooked


class Pipeline(Hooked):
    """``transformers.pipeline`` or ``YOLO.predict`` on a list as long as the batch."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting, setting.workload.high_level(setting.precision))
