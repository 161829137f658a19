"""How prompts go through a language model: one at a time, or a whole batch in one call."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import torch

from orin_core.inference.feed import Batch
from orin_core.inference.methods import Setting, Taken
from orin_core.inference.precision import dtype_of
from orin_core.inference.workload import TextWorkload
from orin_core.methods import NEW_TOKENS


class TextBatched:
    """The default method: prompts tokenised ahead, those of a batch written behind in one call.

    Shorter prompts are padded on their left and masked. A call looks at every token on the host
    before it goes on to the next, so a second batch in flight would wait.
    """

    in_flight = 1
    prefetch = True
    keeps_logits = False

    def __init__(self, setting: Setting) -> None:
        workload: Any = setting.workload
        self._workload: TextWorkload = workload
        self._stream = setting.stream
        self._workload.model.to(dtype_of(setting.precision))
        self.facts: Mapping[str, Any] = {"memory_format": "contiguous", "new_tokens": NEW_TOKENS}
        self._taken: Taken | None = None

    def resize(self, batch_size: int) -> None:
        self._taken = None

    def hand_in(self, batch: Batch) -> None:
        start_s = time.perf_counter()
        (prompts,) = self.bare(batch)
        begin = self._stream.mark()
        written = self._workload.forward(prompts, keep_logits=self.keeps_logits)
        end = self._stream.mark()
        answers = self._workload.answers(prompts, written)
        end.wait()
        self._taken = Taken(
            results=answers,
            forward_s=begin.until_s(end),
            shapes=frozenset({tuple(prompts.shape[1:])}),
            tokens=sum(len(answer.tokens) for answer in answers),
            first_token_s=written.first_s - start_s,
        )

    def take(self) -> Taken:
        taken, self._taken = self._taken, None
        assert taken is not None, "nothing was handed in"
        return taken

    def bare(self, batch: Batch) -> list[torch.Tensor]:
        return [self._stream.upload(group.pixels) for group in batch.groups]

    def forward(self, pixels: torch.Tensor) -> Any:
        return self._workload.forward(pixels)


class TextReference(TextBatched):
    """One prompt after the other, each tokenised when its turn comes; what came close to being chosen is kept."""

    prefetch = False
    keeps_logits = True
