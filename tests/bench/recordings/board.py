"""What the made-up recordings were made on: power modes, models, and what the GPU can do at best."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Mode:
    """A power mode of an AGX Orin.

    **Source**: nvpmodel conf of the module; FPS and W of the two kinds from the published SCALES table.
    """

    mode_id: int
    name: str
    cores: int
    cpu_mhz: int
    gpu_mhz: int
    multiprocessors: int
    tpc_mask: int
    host_gr3d_pct: float  # of a ResNet-152 that one core feeds
    host_w: float
    gpu_w: float  # of a saturated GPU


MAXN = Mode(
    mode_id=0,
    name="MAXN",
    cores=12,
    cpu_mhz=2201,
    gpu_mhz=1300,
    multiprocessors=16,
    tpc_mask=0,
    host_gr3d_pct=59.0,
    host_w=14.8,
    gpu_w=47.0,
)
W50 = Mode(
    mode_id=3,
    name="MODE_50W",
    cores=12,
    cpu_mhz=1497,
    gpu_mhz=816,
    multiprocessors=16,
    tpc_mask=0,
    host_gr3d_pct=52.4,
    host_w=12.2,
    gpu_w=27.8,
)
W30 = Mode(
    mode_id=2,
    name="MODE_30W",
    cores=8,
    cpu_mhz=1728,
    gpu_mhz=612,
    multiprocessors=8,
    tpc_mask=240,
    host_gr3d_pct=61.3,
    host_w=12.7,
    gpu_w=15.1,
)
W15 = Mode(
    mode_id=1,
    name="MODE_15W",
    cores=4,
    cpu_mhz=1113,
    gpu_mhz=408,
    multiprocessors=6,
    tpc_mask=248,
    host_gr3d_pct=72.4,
    host_w=10.2,
    gpu_w=11.9,
)
MODES = (MAXN, W50, W30, W15)
BOARD_CORES = 12


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A model with its work per image and the host's share of it.

    Args:
        name: catalogue name.
        dataset: what it is fed.
        flop: operations per image, multiply and add counted apart.
        fps_per_cpu_mhz: end to end where one core feeds it, images/s per MHz of that core.
        ram_mb: RAM of the whole board while it runs.
    """

    name: str
    dataset: str
    flop: float
    fps_per_cpu_mhz: float
    ram_mb: int


RESNET = Model(name="resnet-152", dataset="cifar100", flop=23.03e9, fps_per_cpu_mhz=0.0098, ram_mb=7905)
DEPTH = Model(name="depth-anything-v2-base", dataset="cifar100", flop=380.7e9, fps_per_cpu_mhz=0.0012, ram_mb=4728)
YOLO = Model(name="yolov8n", dataset="synthetic", flop=8.74e9, fps_per_cpu_mhz=0.021, ram_mb=5210)

_PER_CLOCK = {"fp16": 2048, "tf32": 1024, "fp32": 256}
"""Dense operations of one multiprocessor per clock.

**Source**: NVIDIA's Ampere tensor core (FP16), half of it for TF32, an eighth for FP32 without tensor cores.
"""


def best_fps(mode: Mode, model: Model, arithmetic: str) -> float:
    """Returns images/s that the GPU's arithmetic allows at most in a mode; ``fp16``, ``tf32`` or ``fp32``."""
    return mode.multiprocessors * _PER_CLOCK[arithmetic] * mode.gpu_mhz * 1e6 / model.flop
