"""What the worker owes to whoever started it: events out, commands in, and a prompt end."""

from __future__ import annotations

import collections
import ctypes
import json
import os
import signal
import threading
import time
from collections.abc import Sequence
from types import FrameType
from typing import Any

from orin_core import settings

ROWS_EVERY_S = 0.2
"""Time between two ``batches`` events: at most five a second."""

MAX_NAMED_FAILURES = 20
"""Images that are named one by one; the count goes on."""

OUT_OF_MEMORY = (
    "out of memory",
    "can't allocate memory",
    "not enough memory",
    "nvml_success == r",
    "status_alloc_failed",
)
"""What torch's allocators say; on a CPU it is a plain RuntimeError.

On a Jetson, whose NVML knows no memory, a failed allocation ends in an assertion about NVML instead, while the
message of the error is made. cuBLAS and cuDNN have a status of their own for what they allocate.

**Source**: torch ``c10/core/impl/alloc_cpu.cpp`` and ``c10/cuda/CUDACachingAllocator.cpp``; pytorch/pytorch#185240;
NVIDIA, cuBLAS and cuDNN, ``CUBLAS_STATUS_ALLOC_FAILED`` and ``CUDNN_STATUS_ALLOC_FAILED``.
"""

_PR_SET_PDEATHSIG = 1

Row = tuple[float, float, str, int, float, float]
"""start_s, end_s, phase, items, forward_ms, latency_ms."""


def take_streams() -> tuple[int, int]:
    """Keeps standard input and output for this protocol alone.

    What a library prints goes to standard error from now on, and nothing else reads commands.

    Returns:
        Descriptors for commands and for events.
    """
    commands, events = os.dup(0), os.dup(1)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    os.dup2(2, 1)
    return commands, events


def die_with_parent() -> None:
    """Asks the kernel for SIGKILL when the parent dies: a long call in C can hold back every thread.

    **Source**: prctl(2), PR_SET_PDEATHSIG.
    """
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)


def prepare_libraries(*, tf32: bool = False) -> None:
    """Keeps the libraries off the network, on all cores and off TF32; call it before any is imported.

    Args:
        tf32: whether the run asked for TF32. Without the variable TensorRT uses it whatever its caller says, and
            it is read once. **Source**: TensorRT 7 release notes; microsoft/onnxruntime#26029.
    """
    cores = str(len(os.sched_getaffinity(0)))
    settings.set_environment(
        always={
            "HF_HUB_OFFLINE": "1",
            "HF_DATASETS_OFFLINE": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
            "YOLO_OFFLINE": "1",
            "YOLO_AUTOINSTALL": "false",
            "YOLO_VERBOSE": "false",
            "YOLO_CONFIG_DIR": str(settings.load().state_dir / "ultralytics"),
            **({} if tf32 else {"NVIDIA_TF32_OVERRIDE": "0"}),
        },
        # ultralytics would set one thread.
        unless_set={"OMP_NUM_THREADS": cores},
    )


class Stop:
    """Whether the worker was asked to finish: by the line ``stop`` or by SIGTERM."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def ask(self) -> None:
        """Asks to finish the batch and leave."""
        self._event.set()

    @property
    def asked(self) -> bool:
        """Whether it was asked."""
        return self._event.is_set()

    def on_signals(self) -> None:
        """Takes SIGTERM as a stop; SIGINT is the runner's to decide about."""
        signal.signal(signal.SIGTERM, self._on_term)
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    def _on_term(self, number: int, frame: FrameType | None) -> None:
        self.ask()


class Commands:
    """The lines that the runner sends.

    Args:
        fd: where they come from.
    """

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._rest = b""

    def line(self) -> str | None:
        """Waits for the next line and returns it, None at the end of file."""
        while b"\n" not in self._rest:
            read = os.read(self._fd, 65536)
            if not read:
                return None
            self._rest += read
        line, self._rest = self._rest.split(b"\n", 1)
        return line.decode(errors="replace").strip()

    def obey(self, stop: Stop) -> None:
        """Reads on in a thread: ``stop`` asks, the end of file ends this process at once."""
        threading.Thread(target=self._obey, args=(stop,), name="commands", daemon=True).start()

    def _obey(self, stop: Stop) -> None:
        while (line := self.line()) is not None:
            if line == "stop":
                stop.ask()
        # Whoever started this worker is gone, and so is the reason to go on.
        os._exit(1)


class Events:
    """Sends events from a thread of its own, so that a reader that stalls never slows inference.

    Args:
        fd: where they go, one JSON object per line.
    """

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._lines: collections.deque[dict[str, Any]] = collections.deque()
        self._rows: list[Row] = []
        self._items_done = 0
        self._failed_items = 0
        self._closing = False
        self._change = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="events", daemon=True)
        self._thread.start()

    def send(self, event: str, **fields: Any) -> None:
        """Sends an event, after the rows of all batches before it; ``t_s`` is now unless given."""
        with self._change:
            self._pack_rows()
            self._lines.append({"event": event, "t_s": round(time.monotonic(), 6), **fields})
            self._change.notify()

    def row(self, row: Row, *, items_done: int) -> None:
        """Adds a batch to the next ``batches`` event.

        Args:
            row: times in s of the monotonic clock, forward and latency in ms.
            items_done: images of measure done by then.
        """
        with self._change:
            self._rows.append(row)
            self._items_done = items_done

    def item_failed(self, name: str, reason: str) -> None:
        """Counts an image that could not be read, and names it if it is one of the first."""
        self._failed_items += 1
        if self._failed_items <= MAX_NAMED_FAILURES:
            self.send("item_failed", name=name, reason=reason)

    def close(self) -> None:
        """Sends what is left and returns when it was taken."""
        with self._change:
            self._closing = True
            self._change.notify()
        self._thread.join()

    def _pack_rows(self) -> None:
        if self._rows:
            rows: Sequence[Row] = self._rows
            self._rows = []
            self._lines.append(
                {
                    "event": "batches",
                    "rows": [
                        [round(start_s, 6), round(end_s, 6), phase, items, round(forward_ms, 4), round(latency_ms, 4)]
                        for start_s, end_s, phase, items, forward_ms, latency_ms in rows
                    ],
                    "items_done": self._items_done,
                    "failed_items": self._failed_items,
                }
            )

    def _run(self) -> None:
        closing = False
        while not closing:
            with self._change:
                self._change.wait_for(lambda: self._lines or self._closing, timeout=ROWS_EVERY_S)
                closing = self._closing
                self._pack_rows()
                lines, self._lines = self._lines, collections.deque()
            data = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
            try:
                while data:
                    data = data[os.write(self._fd, data) :]
            except BrokenPipeError:
                # Nobody reads any more; the end of file on the other pipe ends this process.
                continue
