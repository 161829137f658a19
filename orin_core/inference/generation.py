"""Text generation: so many tokens behind each prompt, the likeliest one each time.

An item is a prompt. Every answer has ``NEW_TOKENS`` tokens, whatever the model would like:
the token that ends an answer is a token like any other, so that all runs do the same work.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from typing import Any

import torch
from transformers import AutoModelForCausalLM, GenerationConfig, StoppingCriteria, StoppingCriteriaList

from orin_core.inference.device import synchronise
from orin_core.inference.feed import PADDING
from orin_core.inference.loading import load_text_model, load_tokenizer, parameters_of
from orin_core.inference.pictures import Said
from orin_core.inference.results import Answer, Candidates
from orin_core.methods import NEW_TOKENS
from orin_core.spec import ModelSpec

MAX_CANDIDATES = 8
"""Tokens that are kept of every choice of the reference: what is not among them was no near-tie."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What one model call wrote.

    Args:
        tokens: int64, shape (prompts, NEW_TOKENS), on the device.
        first_s: when the device had come to the first of them, s of ``time.perf_counter``.
        logits: of every choice of a single prompt, shape (NEW_TOKENS, vocabulary); None where nobody asked.
    """

    tokens: torch.Tensor
    first_s: float
    logits: torch.Tensor | None


class Generation:
    """A causal language model of transformers; ``orin_core.inference.methods.text`` has its methods."""

    def __init__(self, spec: ModelSpec, device: torch.device, seed: int) -> None:
        model = load_text_model(AutoModelForCausalLM, spec)
        self.parameters = parameters_of(model)
        self._tokenizer = load_tokenizer(spec)
        ends: Any = model.generation_config.eos_token_id
        self._ends = frozenset(ends if isinstance(ends, list) else [ends])
        # In place of the model's own, which may sample, penalise what was said before, or stop early.
        greedy: Any = GenerationConfig
        model.generation_config = greedy(do_sample=False, max_new_tokens=NEW_TOKENS, pad_token_id=0)
        self.model: Any = model.to(device)
        self._device = device

    def forward(self, prompts: torch.Tensor, *, keep_logits: bool = False) -> Written:
        """Writes behind each prompt.

        Args:
            prompts: int64, shape (prompts, tokens), on the device; ``PADDING`` before shorter ones.
            keep_logits: whether those of a single prompt are returned as well.
        """
        clock = _FirstToken(self._device)
        found = self.model.generate(
            input_ids=prompts.clamp(min=0),
            attention_mask=(prompts != PADDING).long(),
            stopping_criteria=StoppingCriteriaList([clock]),
            return_dict_in_generate=True,
            output_logits=keep_logits,
        )
        tokens = found.sequences[:, prompts.shape[1] :]
        return Written(tokens=tokens, first_s=clock.time_s, logits=torch.cat(found.logits) if keep_logits else None)

    def answers(self, prompts: torch.Tensor, written: Written) -> list[Answer]:
        """Returns what was written as text, fetched to the host.

        Args:
            prompts: as ``forward`` took them.
            written: what it returned.
        """
        rows, asked = written.tokens.cpu(), prompts.cpu()
        texts = self._tokenizer.batch_decode([self._until_end(row) for row in rows.tolist()], skip_special_tokens=True)
        candidates = None if written.logits is None else _candidates(written.logits)
        return [
            Answer(prompt=prompt[prompt != PADDING].numpy(), tokens=row.numpy(), text=text, candidates=candidates)
            for prompt, row, text in zip(asked, rows, texts, strict=True)
        ]

    def _until_end(self, tokens: Sequence[int]) -> list[int]:
        end = next((place for place, token in enumerate(tokens) if token in self._ends), len(tokens))
        return list(tokens[:end])

    def said(self, result: Answer, *, height_px: int, width_px: int) -> Said:
        """Returns prompt and answer for people; a prompt has no size in pixels."""
        prompt = _printable(self._tokenizer.decode(result.prompt.tolist(), skip_special_tokens=True))
        answer = _printable(result.text)
        return Said(kind="text", title=answer or "nothing", prompt=prompt, answer=answer)


class _FirstToken(StoppingCriteria):
    """Stops nothing; notes when the device had come to the first token."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self.time_s = 0.0

    def __call__(self, input_ids: torch.Tensor, scores: Any, **_: Any) -> Any:
        if not self.time_s:
            synchronise(self._device)
            self.time_s = time.perf_counter()
        return torch.zeros(len(input_ids), dtype=torch.bool, device=input_ids.device)


def _printable(text: str) -> str:
    """Returns a text in one line, without what a page could take for more than letters."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def _candidates(logits: torch.Tensor) -> Candidates:
    """Returns the best tokens of each choice, and how far each lies behind the best as share of all logits' span."""
    logits = logits.float()
    best, ids = logits.topk(min(MAX_CANDIDATES, logits.shape[-1]), dim=-1)
    span = (best[:, :1] - logits.amin(dim=-1, keepdim=True)).clamp(min=torch.finfo(torch.float32).tiny)
    return Candidates(ids=ids.cpu().numpy(), behind=((best[:, :1] - best) / span).cpu().numpy())
