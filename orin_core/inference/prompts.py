"""Where prompts come from: one at a time, by number. Tokenising is to a prompt what decoding is to an image."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from orin_core.assets.prompt_file import columns_of_text, read_prompts, text_column
from orin_core.errors import BadRequest
from orin_core.inference.loading import load_tokenizer, model_config
from orin_core.inference.sources import Source, open_table
from orin_core.methods import NEW_TOKENS
from orin_core.spec import DatasetSpec, ModelSpec

Ids = npt.NDArray[np.int64]

SYNTHETIC_TOKENS = 32
"""Length of a made-up prompt, tokens: all alike, so that every model call has one shape."""


def open_prompts(spec: DatasetSpec, model: ModelSpec, seed: int) -> Source:
    """Returns the prompts of a data set as a model takes them.

    Args:
        spec: which prompts.
        model: whose tokenizer makes token ids of them.
        seed: of made-up prompts.

    Raises:
        BadRequest: the data set is not there any more, or holds no text.
        OrinError: the tokenizer cannot be loaded.
    """
    tokenizer, config = load_tokenizer(model), model_config(model)
    if spec.kind == "synthetic":
        return SyntheticPrompts(spec, usable_ids(tokenizer, config), seed)
    encode = Encoder(tokenizer, longest=getattr(config, "max_position_embeddings", None))
    if spec.kind == "text":
        texts = read_prompts(Path(spec.dataset_id))
        return Prompts("local", len(texts), texts.__getitem__, encode)
    table, column = _text_table(spec)
    return Prompts("cached" if spec.kind == "hub" else "local", len(table), lambda row: table[row][column], encode)


class Encoder:
    """Makes token ids of a prompt, as a question of a user where the tokenizer has a template for that.

    Args:
        tokenizer: the model's own.
        longest: positions that the model knows, prompt and answer together; None where it names none.
    """

    def __init__(self, tokenizer: Any, *, longest: int | None) -> None:
        self._tokenizer = tokenizer
        self._longest = None if longest is None else longest - NEW_TOKENS

    def __call__(self, text: str) -> Ids:
        """Returns the token ids of a prompt, shape (tokens,).

        Raises:
            ValueError: there are none, or more than the model takes.
        """
        templated = bool(self._tokenizer.chat_template)
        if templated:
            asked = [{"role": "user", "content": text}]
            text = self._tokenizer.apply_chat_template(asked, tokenize=False, add_generation_prompt=True)
        # A template writes the special tokens itself.
        ids = np.array(self._tokenizer(text, add_special_tokens=not templated)["input_ids"], dtype=np.int64)
        if not ids.size:
            raise ValueError("it has no tokens")
        if self._longest is not None and ids.size > self._longest:
            raise ValueError(f"it has {ids.size} tokens, and the model takes {self._longest} before its answer")
        return ids


class Prompts:
    """Texts by number, tokenised as they are read.

    Args:
        kind: ``local`` or ``cached``.
        count: how many there are.
        text: returns one of them.
        encode: makes token ids of it.
    """

    def __init__(self, kind: str, count: int, text: Callable[[int], Any], encode: Callable[[str], Ids]) -> None:
        self.kind = kind
        self._count = count
        self._text = text
        self._encode = encode

    def __len__(self) -> int:
        return self._count

    def name(self, index: int) -> str:
        return f"prompt {index}"

    def read(self, index: int) -> Ids:
        """Returns the token ids of a prompt, shape (tokens,).

        Raises:
            ValueError: it is no text, empty, or too long.
        """
        text = self._text(index)
        if not isinstance(text, str) or not text.strip():
            raise ValueError("it is no text")
        return self._encode(text)


class SyntheticPrompts:
    """Seeded token ids in place of prompts: the same for the same seed and the same tokenizer.

    Args:
        spec: how many.
        ids: that may occur, shape (ids,).
        seed: of the choice.
    """

    kind = "synthetic"

    def __init__(self, spec: DatasetSpec, ids: Ids, seed: int) -> None:
        self._ids = ids
        self._seed = seed
        self._items = spec.items or 0
        if self._items < 1:
            raise BadRequest(f"No number of made-up prompts is known for {spec.label}.")

    def __len__(self) -> int:
        return self._items

    def name(self, index: int) -> str:
        return f"made-up prompt {index}"

    def read(self, index: int) -> Ids:
        return np.random.default_rng((self._seed, index)).choice(self._ids, SYNTHETIC_TOKENS)


def usable_ids(tokenizer: Any, config: Any) -> Ids:
    """Returns the ids that a model knows and that are no special tokens, ascending."""
    known = np.arange(min(len(tokenizer), config.vocab_size), dtype=np.int64)
    return np.setdiff1d(known, np.array(tokenizer.all_special_ids, dtype=np.int64))


def _text_table(spec: DatasetSpec) -> tuple[Any, str]:
    table = open_table(spec)
    column = text_column(columns_of_text(table.features.arrow_schema))
    if column is None or not len(table):
        raise BadRequest(f"{spec.label} has no prompts.", f"Its columns are {', '.join(table.features)}.")
    return table.select_columns([column]), column
