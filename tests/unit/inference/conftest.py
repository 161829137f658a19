"""Tests of the room that imports torch; where it is not installed they are not even read."""

from __future__ import annotations

import importlib.util
import os
import tempfile
from pathlib import Path

_MARKED = "pytestmark = pytest.mark.torch"

collect_ignore = (
    [path.name for path in Path(__file__).parent.glob("test_*.py") if _MARKED in path.read_text(encoding="utf-8")]
    if importlib.util.find_spec("torch") is None
    else []
)

# ultralytics looks for the network, and writes settings, when it is imported.
os.environ.setdefault("YOLO_OFFLINE", "1")
os.environ.setdefault("YOLO_CONFIG_DIR", tempfile.mkdtemp(prefix="orin-yolo-"))
