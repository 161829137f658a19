"""A camera as a data set: ``camera:0``, a device or a video file. Nothing is opened here."""

from __future__ import annotations

import os
from pathlib import Path

from orin_core.assets.libraries import missing_for_camera
from orin_core.errors import BadRequest
from orin_core.spec import CAMERA, IMAGES, DatasetSpec
from orin_core.user_paths import expanded

_DEV = Path("/dev")


def camera_name(name: str) -> str:
    """Returns the name of a camera as seen from any folder.

    Raises:
        BadRequest: it is a path in the home folder of nobody.
    """
    what = name.removeprefix(CAMERA).strip()
    return f"{CAMERA}{what}" if what.isdecimal() or not what else f"{CAMERA}{expanded(what).absolute()}"


def camera_dataset(name: str, dev: Path = _DEV) -> DatasetSpec:
    """Returns the data set that a camera is; it has no end, so its ``items`` are None.

    Args:
        name: ``camera:0`` (``/dev/video0``), ``camera:/dev/video0`` or ``camera:/path/to/video.mp4``.
        dev: where devices are.

    Raises:
        BadRequest: there is no such camera or file, it may not be read, or OpenCV does not work here.
    """
    name = camera_name(name)
    what = name.removeprefix(CAMERA)
    path = dev / f"video{int(what)}" if what.isdecimal() else Path(what)
    if not what or not path.exists():
        there = ", ".join(sorted(f"camera:{one.name.removeprefix('video')}" for one in dev.glob("video[0-9]*")))
        missing = f"There is no {path}." if what else "No camera was named."
        raise BadRequest(missing, f"There is {there}." if there else "Connect one; it becomes /dev/video0.")
    if path.is_dir():
        raise BadRequest(f"{path} is a folder.", "Name a device or a video file after camera:.")
    if not os.access(path, os.R_OK):
        raise BadRequest(f"{path} may not be read.", "Join the group of cameras: sudo usermod -aG video $USER.")
    if missing := missing_for_camera():
        raise BadRequest(f"A camera cannot be used here: {missing}", "Image folders and data sets are not affected.")
    label = f"camera {what}" if what.isdecimal() else path.stem
    return DatasetSpec(name=name, label=label, kind="camera", dataset_id=what, holds=IMAGES)
