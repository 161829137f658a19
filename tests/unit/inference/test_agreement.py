"""How far two methods agree: the three metrics on results whose answer is known, and which images are asked about."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import torch

from orin_core.inference import agreement
from orin_core.inference.agreement import LIMITS, box_iou, depth_error, top1
from orin_core.inference.feed import Batch
from orin_core.inference.methods import Taken
from orin_core.inference.process import Stop
from orin_core.inference.results import ClassScore
from orin_core.methods import Precision
from orin_core.spec import Task

pytestmark = pytest.mark.torch


def _said(class_id: int, logits: list[float] | None = None) -> ClassScore:
    return ClassScore(class_id=class_id, score=0.5, logits=torch.tensor(logits) if logits else None)


def test_top1_counts_images_of_the_same_class_and_near_ties() -> None:
    logits = [0.0, 10.0, 9.9, 5.0]
    reference = [_said(1, logits)] * 4
    found = [_said(1), _said(2), _said(3), _said(0)]
    assert top1(reference, found, 0.02) == 0.5
    assert top1(reference, found, 0.001) == 0.25
    assert top1([_said(1)], [_said(2)], 0.5) == 0.0


def test_a_class_without_a_score_agrees_with_nothing() -> None:
    """The greatest of logits that are no numbers is the first of them: without a look at the score that is a class."""
    lost = ClassScore(class_id=0, score=float("nan"))
    assert top1([_said(0, [9.0, 1.0])], [lost], 0.02) == 0.0
    known = agreement.Known(images=[np.zeros((3, 4, 4), dtype=np.uint8)], results=[_said(0, [9.0, 1.0])], seconds=0.0)
    found = agreement.held_against(
        known, method=_Lost(), batch_size=1, task=Task.CLASSIFICATION, precision=Precision.FP16
    )
    assert found is not None
    assert (found["ok"], found["score_error"]) == (False, 1.0)


def test_depth_error_is_the_mean_difference_over_the_range() -> None:
    ramp = np.linspace(0, 4, 25, dtype=np.float32).reshape(5, 5)
    assert depth_error([ramp], [ramp]) == 0.0
    assert depth_error([ramp, ramp], [ramp, ramp + 0.2]) == pytest.approx(0.025)
    flat = np.zeros((5, 5), dtype=np.float32)
    assert (depth_error([flat], [flat]), depth_error([flat], [flat + 1e-3])) == (0.0, 1.0)
    assert depth_error([ramp], [np.full((5, 5), np.nan, dtype=np.float32)]) == 1.0
    assert depth_error([ramp], [ramp * 1e9]) == 1.0
    # A map of another size is compared as the pipeline resizes it.
    values = torch.nn.functional.interpolate(torch.from_numpy(ramp)[None, None], size=(9, 7), mode="bicubic")
    assert depth_error([ramp], [values[0, 0].numpy()]) == pytest.approx(0.0, abs=1e-7)


def _boxes(*rows: tuple[float, float, float, float, float, float]) -> Any:
    return np.array(rows, dtype=np.float32).reshape(-1, 6)


def test_box_iou_matches_the_best_pairs_of_one_class() -> None:
    one = _boxes((0, 0, 10, 10, 0.9, 1), (20, 20, 30, 30, 0.8, 2))
    half = _boxes((0, 0, 10, 8, 0.9, 1), (20, 20, 30, 30, 0.8, 2))
    none = _boxes()
    assert box_iou([none], [none], 0.01) == 1.0
    assert box_iou([one], [one], 0.01) == 1.0
    assert box_iou([one, none], [half, none], 0.01) == pytest.approx(0.9)
    assert box_iou([one], [none], 0.01) == 0.0
    other_class = one.copy()
    other_class[0, 5] = 7
    # One matched, one left over on either side.
    assert box_iou([one], [other_class], 0.01) == pytest.approx(1 / 3)


def test_only_images_with_boxes_on_them_count_as_compared() -> None:
    one, none = _boxes((0, 0, 10, 10, 0.9, 1)), _boxes()
    limits = LIMITS[Precision.FP32]
    told = [
        agreement._compared_boxes(*pair, limits) for pair in (([none], [none]), ([one, none, none], [one, one, none]))
    ]
    assert [(event["images"], event["ok"]) for event in told] == [(0, True), (2, False)]


def test_a_box_at_the_threshold_may_come_and_go() -> None:
    sure = (0.0, 0.0, 10.0, 10.0, 0.9, 1.0)
    weak = (20.0, 20.0, 30.0, 30.0, 0.255, 1.0)
    assert box_iou([_boxes(sure, weak)], [_boxes(sure)], 0.01) == 1.0
    assert box_iou([_boxes(sure, weak)], [_boxes(sure)], 0.001) == 0.5


class _Echo:
    """Says of an image the value of its first pixel."""

    in_flight, prefetch = 1, False

    def __init__(self) -> None:
        self.facts: Mapping[str, Any] = {}
        self.batches: list[int] = []
        self._taken: Taken | None = None

    def resize(self, batch_size: int) -> None:
        raise AssertionError("nobody asked for it")

    def hand_in(self, batch: Batch) -> None:
        self.batches.append(batch.items)
        results: list[Any] = [None] * batch.items
        for group in batch.groups:
            for position, pixels in zip(group.positions, group.pixels, strict=True):
                results[position] = _said(int(pixels[0, 0, 0]), [0.0] * 99)
        self._taken = Taken(results=results, forward_s=0.0, shapes=frozenset())

    def take(self) -> Taken:
        assert self._taken
        return self._taken

    def bare(self, batch: Batch) -> list[torch.Tensor]:
        raise AssertionError("nobody asked for it")

    def forward(self, pixels: torch.Tensor) -> Any:
        raise AssertionError("nobody asked for it")


class _Lost(_Echo):
    """Says of every image what a model does whose values left the range of their type."""

    def hand_in(self, batch: Batch) -> None:
        results = [ClassScore(class_id=0, score=float("nan"))] * batch.items
        self._taken = Taken(results=results, forward_s=0.0, shapes=frozenset())


class _Images:
    kind = "local"

    def __len__(self) -> int:
        return 40

    def name(self, index: int) -> str:
        return str(index)

    def read(self, index: int) -> Any:
        if index == 2:
            raise OSError("cut off")
        return np.full((3, 4, 4 + index % 2), index, dtype=np.uint8)


def test_the_first_sixteen_images_that_can_be_read_go_through_both_in_batches() -> None:
    known = agreement.known(_Echo(), _Images(), Stop())
    assert [one.class_id for one in known.results] == [0, 1, *range(3, 17)]
    method = _Echo()
    found = agreement.held_against(
        known, method=method, batch_size=6, task=Task.CLASSIFICATION, precision=Precision.FP16
    )
    assert method.batches == [6, 6, 4]
    assert found is not None
    assert found.pop("seconds") >= 0
    assert found == {
        "metric": "top1",
        "value": 1.0,
        "threshold": 1.0,
        "ok": True,
        "score_error": 0.0,
        "images": 16,
        "precision": "fp16",
    }


def test_a_slow_reference_sees_one_image_and_a_stop_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agreement, "PATIENCE_S", 0.0)
    assert len(agreement.known(_Echo(), _Images(), Stop()).images) == 1
    stop = Stop()
    stop.ask()
    known = agreement.known(_Echo(), _Images(), stop)
    assert (
        agreement.held_against(known, method=_Echo(), batch_size=1, task=Task.CLASSIFICATION, precision=Precision.FP32)
        is None
    )


def test_every_precision_has_limits_and_a_coarser_one_no_stricter() -> None:
    order = [LIMITS[one] for one in (Precision.FP32, Precision.FP16, Precision.BF16, Precision.INT8)]
    assert set(LIMITS) == set(Precision)
    for finer, coarser in itertools.pairwise(order):
        assert finer.tolerance <= coarser.tolerance
        assert finer.top1 >= coarser.top1
        assert finer.depth_error <= coarser.depth_error
        assert finer.box_iou >= coarser.box_iou
