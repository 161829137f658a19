"""Where inference runs, and the facts about it that belong to a run."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import platform
import re
from pathlib import Path
from typing import Any

import torch

from orin_core.abilities import Abilities
from orin_core.inference.vision_ops import ensure_vision_ops

_ONNX_PACKAGES = ("onnx", "onnxruntime")
"""What the method ``onnx`` needs and an installation may lack: on a Jetson one of them is the board's own."""
_TF32_CAPABILITY = (8, 0)
"""**Source**: CUDA programming guide: TF32 needs tensor cores of compute capability 8.0."""


def pick_device() -> torch.device:
    """Returns the first CUDA device, else the CPU."""
    return torch.device("cuda", 0) if torch.cuda.is_available() else torch.device("cpu")


def device_name(device: torch.device) -> str:
    """Returns the device's name as its maker spells it, for people.

    **Source**: the CUDA driver; for a CPU the first ``model name`` of ``/proc/cpuinfo``, which
    Arm kernels leave out, else the machine's architecture.
    """
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        text = ""
    found = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return found[1].strip() if found else platform.machine()


def synchronise(device: torch.device) -> None:
    """Waits until the device has done all that it was given; a CPU always has."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def tf32_allowed(device: torch.device) -> bool:
    """Returns whether fp32 convolutions may be computed in TF32."""
    return device.type == "cuda" and bool(torch.backends.cudnn.allow_tf32)


def abilities(device: torch.device, *, onnx: bool) -> Abilities:
    """Returns what a device can do.

    Args:
        device: where inference runs.
        onnx: whether ONNX Runtime is asked what it has; importing it takes a moment.
    """
    cuda = device.type == "cuda"
    lacks = tuple(name for name in _ONNX_PACKAGES if importlib.util.find_spec(name) is None)
    return Abilities(
        cuda=cuda,
        tf32=cuda and torch.cuda.get_device_capability(device) >= _TF32_CAPABILITY,
        bf16=not cuda or torch.cuda.is_bf16_supported(),
        onnx_lacks=lacks,
        providers=_providers() if onnx and not lacks else None,
    )


def _providers() -> tuple[str, ...] | None:
    try:
        import onnxruntime
    except ImportError:
        # Whoever opens a model with it is told why.
        return None
    return tuple(onnxruntime.get_available_providers())


def environment_facts() -> dict[str, Any]:
    """Returns versions and device, as the ``environment`` event and ``doctor`` show them.

    ``cuda`` is the CUDA release that torch was built for, None for a CPU build; memory in MB.
    """
    vision_ops = ensure_vision_ops()
    device = pick_device()
    facts: dict[str, Any] = {
        "torch": torch.__version__,
        "torchvision": _version("torchvision"),
        "torchvision_ops": vision_ops,
        "transformers": _version("transformers"),
        "ultralytics": _version("ultralytics"),
        "datasets": _version("datasets"),
        "cuda": torch.version.cuda,
        "cuda_available": device.type == "cuda",
        "device": device.type,
        "device_name": device_name(device),
        "threads": torch.get_num_threads(),
    }
    if device.type == "cuda":
        properties = torch.cuda.get_device_properties(device)
        facts["compute_capability"] = f"{properties.major}.{properties.minor}"
        facts["device_memory_mb"] = round(properties.total_memory / 1e6)
        facts["cudnn"] = torch.backends.cudnn.version()  # type: ignore[no-untyped-call]
        facts["multiprocessors"] = properties.multi_processor_count
    return facts


def _version(distribution: str) -> str | None:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None
