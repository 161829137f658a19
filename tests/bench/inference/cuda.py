"""What only a CUDA device can tell; nothing here is printed without one."""

from __future__ import annotations

import statistics
import time
from pathlib import Path

import torch

from orin_core.inference.workload import Workload
from orin_core.methods import Method, Precision
from tests.bench.inference.engine import Engine
from tests.bench.inference.models import opened, source_of
from tests.bench.inference.pairs import ratio_row, ratios
from tests.bench.inference.public import beside_timm
from tests.bench.rows import Row

MODELS = ("resnet-152", "depth-anything-v2-base", "yolov8n")
BATCH = 64
SCOPES = ((True, 0.97), (False, 0.90))
GRAPH_SHARE = 0.5
FASTEST_SHARE = 0.9
PUBLIC_SHARE = 1.0
PRODUCT = 8192
LOOK_S = 2.0
"""About how long one side of a pair lasts."""


def rows(images: Path) -> list[Row]:
    """Returns the rows of the first CUDA device."""
    found = [_product()]
    for model in MODELS:
        found += _model(model, images)
    return [*found, *_graph_alone(images), beside_timm(images, Precision.FP16, BATCH, 20, least=PUBLIC_SHARE)]


def _product() -> Row:
    """A large product of matrices: the dense speed that this device reaches, which no table need tell."""
    one = torch.randn(PRODUCT, PRODUCT, device="cuda", dtype=torch.float16)
    seconds = []
    for _ in range(20):
        torch.cuda.synchronize()
        start_s = time.perf_counter()
        _ = one @ one
        torch.cuda.synchronize()
        seconds.append(time.perf_counter() - start_s)
    tflops = 2 * PRODUCT**3 / statistics.median(seconds) / 1e12
    how = f"{torch.cuda.get_device_name()}, product of two {PRODUCT}x{PRODUCT} matrices in fp16, median of 20"
    return Row(name="dense fp16 that this device reaches", value=tflops, unit="TFLOP/s", how=how)


def _model(name: str, images: Path) -> list[Row]:
    source, found = source_of(images), []
    for preload, target in SCOPES:
        engine = Engine(opened(name), source, precision=Precision.FP16, batch_size=BATCH, preload=preload)
        batches = _batches(engine)
        share = _of_the_bare_loop(engine, batches)
        scope = "preloaded" if preload else "full"
        how = f"fp16, batch {BATCH}, scope {scope}"
        found.append(ratio_row(f"{name}: end to end / model only, {scope}", share, how, least=target))
        if preload:
            fps = engine.bare_fps(batches)
            used = fps * (engine.flop_per_item or 0.0) / 1e12
            found.append(Row(name=f"{name}: model only", value=fps, unit="images/s", how=f"{how}; {used:.1f} TFLOP/s"))
            found += _ways(name, engine, batches, images)
    reference = Engine(opened(name), source, Method.REFERENCE, batch_size=1)
    gain = ratios(lambda: engine.end_to_end(batches).fps, lambda: reference.end_to_end(BATCH).fps)
    found.append(ratio_row(f"{name}: batched fp16 / reference fp32", gain, "images/s end to end, scope full"))
    return found


def _of_the_bare_loop(engine: Engine, batches: int) -> list[float]:
    return ratios(lambda: engine.end_to_end(batches).fps, lambda: engine.bare_fps(batches))


def _ways(name: str, batched: Engine, batches: int, images: Path) -> list[Row]:
    """The bare loop against a recorded graph and a compiled model."""
    graph = Engine(
        opened(name), source_of(images), Method.GRAPH, precision=Precision.FP16, batch_size=BATCH, preload=True
    )
    found = [
        ratio_row(
            f"{name}: bare batched / graph",
            ratios(lambda: batched.bare_fps(batches), lambda: graph.bare_fps(batches)),
            f"fp16, batch {BATCH}",
        )
    ]
    try:
        compiled = _compiled(opened(name), images)
    except Exception as error:  # any of a compiler's own, on a machine where it does not work  # noqa: BLE001
        said = f"torch.compile does not work here: {str(error).splitlines()[0][:120]}"
        return [*found, Row(name=f"{name}: torch.compile", value=0, unit="", how=said, decimals=0)]
    best = max((batched, graph), key=lambda engine: engine.bare_fps(batches))
    share = ratios(lambda: best.bare_fps(batches), lambda: compiled.bare_fps(batches))
    how = f"fp16, batch {BATCH}; its compilation is outside the clock"
    return [*found, ratio_row(f"{name}: best method / torch.compile", share, how, least=FASTEST_SHARE)]


def _compiled(workload: Workload, images: Path) -> Engine:
    workload.model.compile()
    return Engine(workload, source_of(images), precision=Precision.FP16, batch_size=BATCH, preload=True)


def _graph_alone(images: Path) -> list[Row]:
    source = source_of(images)
    graph, eager = (
        Engine(opened("resnet-152"), source, method, precision=Precision.FP16, batch_size=1, preload=True)
        for method in (Method.GRAPH, Method.BATCHED)
    )
    share = ratios(lambda: eager.bare_fps(200), lambda: graph.bare_fps(200))
    how = "latency of one image, fp16, preloaded, model only"
    return [ratio_row("ResNet-152: latency graph / eager", share, how, most=GRAPH_SHARE)]


def _batches(engine: Engine) -> int:
    engine.bare_fps(3)
    return max(3, round(LOOK_S * engine.bare_fps(3) / BATCH))
