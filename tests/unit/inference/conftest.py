"""Tests of the room that imports torch; where it is not installed they are not even read."""

from __future__ import annotations

import importlib.util
import os
import tempfile

collect_ignore = (
    [
        *(
            "test_agreement.py",
            "test_feed.py",
            "test_loop.py",
            "test_methods.py",
            "test_models.py",
            "test_onnx.py",
            "test_operations.py",
            "test_outputs.py",
            "test_preload.py",
            "test_preprocessing.py",
            "test_rehearsal.py",
            "test_sources.py",
        ),
        "test_vision_ops.py",
    ]
    if importlib.util.find_spec("torch") is None
    else []
)

# ultralytics looks for the network, and writes settings, when it is imported.
os.environ.setdefault("YOLO_OFFLINE", "1")
os.environ.setdefault("YOLO_CONFIG_DIR", tempfile.mkdtemp(prefix="orin-yolo-"))
