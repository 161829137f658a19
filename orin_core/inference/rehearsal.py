"""The first batch, before the clock starts: what does not work fails here, and a batch that is too large shrinks."""

from __future__ import annotations

import dataclasses
import logging

import torch

from orin_core.errors import OrinError
from orin_core.inference import memory
from orin_core.inference.feed import Supply
from orin_core.inference.methods import Method
from orin_core.inference.operations import counted_forward
from orin_core.inference.process import Events
from orin_core.inference.workload import Workload

_LOG = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """What the first batch told.

    Args:
        batch_size: images in a batch, as many as fit.
        input_shape: of what the model gets: images, colours, height, width.
        flop_per_item: operations of one image, multiply and add counted apart; None where they
            could not be counted, and of text.
        bare: the batch prepared, on the device, a tensor for each shape: for the bare loop.
    """

    batch_size: int
    input_shape: list[int]
    flop_per_item: float | None
    bare: list[torch.Tensor]


def rehearse(*, method: Method, workload: Workload, supply: Supply, events: Events, consent: bool) -> Rehearsal:
    """Puts the first batch through as often as batches are in flight, counts its operations and keeps it prepared.

    Args:
        method: how batches go through the model.
        workload: the model.
        supply: images; its batches are as small as the device needs them afterwards.
        events: where a smaller batch is told.
        consent: whether the batch may be halved where memory runs out.

    Raises:
        OrinError: no image can be read, or memory is too small for the batch and it may not be halved.
    """
    asked = supply.batch_size
    while True:
        try:
            found = _once(method, workload, supply)
            break
        except (RuntimeError, MemoryError) as error:
            if not memory.ran_out(error):
                raise
            _LOG.warning("a batch of %d does not fit: %r", supply.batch_size, error)
            # The error holds the frames, and these hold tensors; it is gone behind this block.
            _refuse_to_shrink(supply.batch_size, consent=consent)
        supply.batch_size //= 2
        method.resize(supply.batch_size)
        memory.give_back()
    if found.batch_size != asked:
        events.send(
            "notice",
            notice="smaller_batch",
            message=f"A batch of {asked} images does not fit into memory; {found.batch_size} are used.",
        )
    return found


def _refuse_to_shrink(batch_size: int, *, consent: bool) -> None:
    if batch_size == 1:
        raise OrinError(
            "There is not enough memory for this model, even with one image at a time.",
            "Close other programs, or use a smaller model or a lower precision.",
        )
    if not consent:
        raise OrinError(
            f"There is not enough memory for this model and a batch of {batch_size}.",
            "Ask for a smaller batch size, or allow a smaller batch where memory runs out.",
        )


def _once(method: Method, workload: Workload, supply: Supply) -> Rehearsal:
    batch = supply.first()
    # First, so that what fits here fits beside it later: the loop holds it all the while.
    bare = method.bare(batch)
    for _ in range(method.in_flight):
        method.hand_in(batch)
    for _ in range(method.in_flight):
        method.take()
    return Rehearsal(
        batch_size=supply.batch_size,
        input_shape=[int(length) for length in bare[0].shape],
        flop_per_item=_flop_per_item(workload, bare),
        bare=bare,
    )


def _flop_per_item(workload: Workload, bare: list[torch.Tensor]) -> float | None:
    """Counts one image of each shape in torch's model, whoever computes, and weighs by how many have that shape."""
    if not bare[0].is_floating_point():
        return None  # a prompt: each token of its answer reads all weights, which bounds it, and not the operations
    total, images = 0.0, 0
    dtype = next((weight.dtype for weight in workload.model.parameters()), torch.float32)
    for pixels in bare:
        _, flop = counted_forward(workload.forward, pixels[:1].to(dtype))
        if flop is None:
            return None
        total += flop * len(pixels)
        images += len(pixels)
    return total / images
