"""What the measuring loop costs: against the model alone, by method, and with a model that does nothing."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from orin_core.inference.process import prepare_libraries
from tests.bench.inference.beside import telemetry
from tests.bench.rows import Row
from tests.support import write_images

IMAGES = 256
SIZE_PX = 32
"""As CIFAR-100 has them."""

LOOP_US_BATCH, LOOP_US_IMAGE = 50.0, 5.0
FULL_ON_CPU = 0.98
PREDICT_SHARE = 0.5
RESNET_BATCH, RESNET_BATCHES, RESNET_PAIRS = 32, 1, 40
"""So many pairs: of a batch of 4 s the loop takes some 15 ms, far less than two batches differ on a shared machine."""
DETECTOR_BATCH, DETECTOR_BATCHES = 16, 1


def run() -> list[Row]:
    """Returns the rows; those of CUDA where a device is at hand.

    Raises:
        RuntimeError: two ways that are timed against each other do not give the same results.
    """
    prepare_libraries()
    from orin_core.inference.vision_ops import ensure_vision_ops

    ensure_vision_ops()
    with tempfile.TemporaryDirectory(prefix="orin-bench-") as name:
        folder = Path(name)
        images = write_images(folder / "images", IMAGES, size_px=SIZE_PX)
        rows = _versions()
        with telemetry(folder / "beside"):
            rows += [*_nothing(), *_resnet(images), *_detector(images)]
            import torch

            if torch.cuda.is_available():
                from tests.bench.inference import cuda

                rows += cuda.rows(images)
    return rows


def _versions() -> list[Row]:
    from orin_core.inference.device import environment_facts

    facts = environment_facts()
    how = f"{facts['device_name']}; torch {facts['torch']}, transformers {facts['transformers']}, ultralytics "
    return [Row(name="threads", value=facts["threads"], unit="", how=how + str(facts["ultralytics"]), decimals=0)]


def _nothing() -> list[Row]:
    """The loop with a model that does nothing, preloaded: two batch sizes tell a batch's cost from an image's."""
    from tests.bench.inference.engine import Engine
    from tests.bench.inference.nothing import Blank, Nothing

    sizes, batches, passes = (1, 64), 400, 11
    engines = {size: Engine(Nothing(), Blank(1024), batch_size=size, preload=True) for size in sizes}
    us: dict[int, list[float]] = {size: [] for size in sizes}
    for _ in range(passes):
        for size in sizes:
            us[size].append(engines[size].end_to_end(batches).seconds / batches * 1e6)
    low, high = (statistics.median(us[size]) for size in sizes)
    image_us = (high - low) / (sizes[1] - sizes[0])
    how = f"median of {passes} passes of {batches} batches each of {sizes[0]} and {sizes[1]} images in turn, preloaded"
    return [
        _under("loop, model that does nothing: a batch", low - image_us, LOOP_US_BATCH, "us", how),
        _under("loop, model that does nothing: an image", image_us, LOOP_US_IMAGE, "us", how),
    ]


def _resnet(images: Path) -> list[Row]:
    from orin_core.methods import Method, Precision
    from tests.bench.inference.engine import Engine
    from tests.bench.inference.models import opened, source_of
    from tests.bench.inference.pairs import ratio_row, ratios
    from tests.bench.inference.public import beside_timm

    source = source_of(images)
    batched = Engine(opened("resnet-152"), source, batch_size=RESNET_BATCH)
    share = ratios(
        lambda: batched.end_to_end(RESNET_BATCHES).fps, lambda: batched.bare_fps(RESNET_BATCHES), RESNET_PAIRS
    )
    reference = Engine(opened("resnet-152"), source, Method.REFERENCE, batch_size=1)
    gain = ratios(lambda: batched.end_to_end(1).fps, lambda: reference.end_to_end(RESNET_BATCH // 2).fps)
    how = f"batch {RESNET_BATCH}, fp32, {SIZE_PX}x{SIZE_PX} images as PNG and JPEG"
    return [
        ratio_row("ResNet-152: end to end / model only", share, f"scope full, {how}", least=FULL_ON_CPU),
        ratio_row("ResNet-152: batched / reference", gain, f"images/s end to end, scope full, {how} against batch 1"),
        beside_timm(images, Precision.FP32, RESNET_BATCH, 1),
    ]


def _detector(images: Path) -> list[Row]:
    from orin_core.methods import Method
    from tests.bench.inference.engine import Engine
    from tests.bench.inference.models import OnDevice, opened, source_of
    from tests.bench.inference.pairs import ratio_row, ratios

    source, workload = source_of(images), opened("yolov8n")
    on_device = OnDevice(workload)
    direct = Engine(workload, source, batch_size=DETECTOR_BATCH)
    predict = Engine(opened("yolov8n"), source, Method.REFERENCE, batch_size=1)
    overlap = _overlap(direct, predict)
    spent: dict[str, list[float]] = {"direct": [], "predict": []}

    def host_ms(name: str, engine: Engine, batches: int) -> float:
        before_s = on_device.seconds
        timed = engine.end_to_end(batches)
        other_s = timed.forward_s + on_device.seconds - before_s
        spent[name].append((timed.seconds - other_s) / timed.items * 1000)
        return spent[name][-1]

    share = ratios(
        lambda: host_ms("direct", direct, DETECTOR_BATCHES),
        lambda: host_ms("predict", predict, DETECTOR_BATCH * DETECTOR_BATCHES),
    )
    gain = ratios(lambda: direct.end_to_end(1).fps, lambda: predict.end_to_end(DETECTOR_BATCH).fps)
    single = Engine(opened("yolov8n"), source, batch_size=1)
    alone = ratios(lambda: single.end_to_end(DETECTOR_BATCH).fps, lambda: predict.end_to_end(DETECTOR_BATCH).fps)
    how = "time of a CPU that is not the device's work: batched prepares and reduces there, predict() on the host"
    return [
        Row(
            name="YOLOv8n: host cost of predict()", value=statistics.median(spent["predict"]), unit="ms/image", how=how
        ),
        Row(
            name="YOLOv8n: host cost of batched",
            value=statistics.median(spent["direct"]),
            unit="ms/image",
            how=f"{how}, batch {DETECTOR_BATCH}; mean overlap of the boxes {overlap:.4f}",
        ),
        ratio_row(
            "YOLOv8n: host cost batched / predict()", share, "ms/image outside forward calls", most=PREDICT_SHARE
        ),
        ratio_row("YOLOv8n: batched / reference", gain, f"images/s end to end, batch {DETECTOR_BATCH} against 1"),
        ratio_row("YOLOv8n: batched / reference, one by one", alone, "images/s end to end, batch 1 against 1"),
    ]


def _overlap(one: Any, other: Any) -> float:
    """Returns the mean overlap of the boxes of two engines on the same images.

    Raises:
        RuntimeError: they do not find the same, or find nothing.
    """
    import torch

    from orin_core.inference import agreement
    from orin_core.inference.feed import batch_of
    from orin_core.inference.methods import put_through
    from orin_core.methods import Precision

    pixels = _not_resized(8)
    with torch.inference_mode():
        expected: Sequence[Any] = [put_through(other.method, batch_of([image])).results[0] for image in pixels]
        found = put_through(one.method, batch_of(pixels)).results
    limit = agreement.LIMITS[Precision.FP32]
    overlap = agreement.box_iou(expected, found, limit.tolerance)
    if overlap < limit.box_iou or not any(len(boxes) for boxes in expected):
        raise RuntimeError(f"The boxes are not the same: overlap {overlap:.4f}, {[len(boxes) for boxes in expected]}.")
    return overlap


def _not_resized(count: int) -> list[Any]:
    """Returns smooth images as large as the detector takes them.

    OpenCV and torch differ by a level in a resize, and what random weights say hangs on that.
    """
    import torch

    noise = torch.rand(count, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    smooth = torch.nn.functional.interpolate(noise, size=(640, 640), mode="bilinear")
    return list((smooth * 255).byte().numpy())


def _under(name: str, value: float, target: float, unit: str, how: str) -> Row:
    how = f"target <= {target:g} {unit}: {'PASS' if value <= target else 'FAIL'}; {how}"
    return Row(name=name, value=value, unit=unit, how=how, decimals=2)
