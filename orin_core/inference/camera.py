"""Images of a camera, or of a video file in its place, as they come."""

from __future__ import annotations

import queue
import sys
import threading
from typing import Any

import numpy as np
import numpy.typing as npt

from orin_core.errors import BadRequest, OrinError, RunFailed

STALL_S = 10.0
"""A camera that gives no image for so long has stalled."""
AHEAD = 2
"""Images that may wait; further ones wait in the driver, which drops the oldest."""


class CameraSource:
    """What a camera sees, one image after the other; a thread of its own waits for them.

    Args:
        device: its number, its device file, or a video file.

    Raises:
        BadRequest: it cannot be opened, or gives no first image.
    """

    kind = "camera"

    def __init__(self, device: str) -> None:
        self._device = device
        self._frames: queue.Queue[npt.NDArray[np.uint8] | None] = queue.Queue(maxsize=AHEAD)
        self._count = 0
        self._lock = threading.Lock()
        self._failure: OrinError | None = None
        threading.Thread(target=self._run, name="camera", daemon=True).start()
        try:
            self._first: npt.NDArray[np.uint8] | None = self._next()
        except RunFailed as error:
            raise BadRequest(
                f"The camera {device} gives no images.", "Is it used by another program? Does another player show it?"
            ) from error

    def __len__(self) -> int:
        return sys.maxsize

    def name(self, index: int) -> str:
        return f"frame {index}"

    def read(self, index: int) -> npt.NDArray[np.uint8]:
        """Returns the next image, whatever the number: RGB, uint8, 0 to 255, shape (3, height, width), contiguous.

        Raises:
            RunFailed: the camera ended, or has given none for :data:`STALL_S`.
        """
        with self._lock:
            frame, self._first = self._first, None
            if frame is None:
                frame = self._next()
        if frame.ndim == 2:
            frame = np.repeat(frame[:, :, None], 3, axis=2)
        return np.ascontiguousarray(frame[:, :, 2::-1].transpose(2, 0, 1))

    def _next(self) -> npt.NDArray[np.uint8]:
        if self._failure is not None:
            raise self._failure
        try:
            frame = self._frames.get(timeout=STALL_S)
        except queue.Empty:
            self._failure = RunFailed(
                f"The camera {self._device} has given no image for {STALL_S:g} s.",
                "Look at its cable; start again.",
            )
            raise self._failure from None
        if frame is None:
            self._failure = RunFailed(
                f"The camera {self._device} ended after {self._count} images.",
                "Look at its cable; for a video file, ask for fewer images or use a longer one.",
            )
            raise self._failure
        self._count += 1
        return frame

    def _run(self) -> None:
        capture = None
        try:
            # Here and not above: opening a device can hang as well as reading it.
            import cv2

            capture = cv2.VideoCapture(int(self._device) if self._device.isdecimal() else self._device)
            while (frame := _frame(capture)) is not None:
                self._frames.put(frame)
        finally:
            if capture is not None:
                capture.release()
            self._frames.put(None)


def _frame(capture: Any) -> npt.NDArray[np.uint8] | None:
    """Waits for the next image; None where there is none any more."""
    there, frame = capture.read()
    # Some drivers answer a time-out with "yes" and nothing.
    return frame if there and frame is not None and frame.size else None
