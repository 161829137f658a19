"""What a task needs of this machine beyond Python packages, found out without importing any."""

from __future__ import annotations

import ctypes
import importlib.util

from orin_core.spec import Task

YOLO_LIBRARIES = ("libGL.so.1", "libgthread-2.0.so.0", "libxcb.so.1")
"""Shared libraries that opencv, and with it ultralytics, loads; slim images lack them."""


def _missing_for(package: str) -> str:
    if importlib.util.find_spec(package) is None:
        return f"the Python package {package} is not installed."
    lacking = next((name for name in YOLO_LIBRARIES if not _loads(name)), None)
    return f"{lacking} is missing (install libgl1 libglib2.0-0 libxcb1)." if lacking else ""


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def missing_for(task: Task) -> str:
    """Returns what this machine lacks for a task, one sentence; empty where nothing is missing."""
    return _missing_for("ultralytics") if task is Task.DETECTION else ""


def missing_for_camera() -> str:
    """Returns what this machine lacks to read a camera, one sentence; empty where nothing is missing."""
    return _missing_for("cv2")
