"""Where prompts come from, and what is said of those that cannot be read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from orin_core.assets.prompt_file import read_prompts
from orin_core.errors import BadRequest
from orin_core.inference.feed import Feed
from orin_core.inference.prompts import SYNTHETIC_TOKENS, open_prompts
from orin_core.inference.sources import Source
from orin_core.methods import NEW_TOKENS
from orin_core.resolve import resolve_dataset, resolve_model
from tests.support_models import save_tiny_text

pytestmark = pytest.mark.torch

CONTEXT = 128


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_text(tmp_path_factory.mktemp("models") / "tiny", context=CONTEXT)


def opened(folder: Path, dataset: str, *, seed: int = 0, **options: Any) -> Source:
    return open_prompts(resolve_dataset(dataset, **options), resolve_model(str(folder)), seed)


def text_of(folder: Path, source: Source, index: int) -> str:
    from transformers import AutoTokenizer

    return str(AutoTokenizer.from_pretrained(folder).decode(source.read(index).tolist()))


def test_prompts_come_from_lines_objects_and_tables(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "prepared")
    (tmp_path / "a.txt").write_text("One?\n\n  \nTwo?\n", encoding="utf-8")
    rows = [{"id": "7", "text": "not this", "question": "One?"}, {"id": "8", "text": "nor this", "question": "Two?"}]
    (tmp_path / "b.jsonl").write_text("\n".join(map(json.dumps, rows)))
    columns = {"id": [7, 8], "text": ["not", "this"], "prompt": ["One?", "Two?"]}
    parquet.write_table(pa.table(columns), tmp_path / "c.parquet")
    parquet.write_table(pa.table({"n": [1, 2], "said": ["One?", "Two?"]}), tmp_path / "d.parquet")
    datasets.Dataset.from_dict({"instruction": ["One?", "Two?"], "text": ["x", "y"]}).save_to_disk(tmp_path / "saved")
    for name in ("a.txt", "b.jsonl", "c.parquet", "d.parquet", "saved"):
        source = opened(folder, str(tmp_path / name))
        assert (len(source), source.kind) == (2, "local"), name
        assert [text_of(folder, source, index) for index in (0, 1)] == ["One?", "Two?"], name
        assert source.read(0).dtype == np.int64


def test_a_template_makes_a_question_of_a_prompt(tmp_path: Path) -> None:
    own = save_tiny_text(tmp_path / "own")
    (tmp_path / "a.txt").write_text("One?")
    tokenizer = json.loads((own / "tokenizer.json").read_text())
    begins = [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}]
    known = {"<s>": {"id": "<s>", "ids": [0], "tokens": ["<s>"]}}
    tokenizer["post_processor"] = {
        "type": "TemplateProcessing",
        "single": begins,
        "pair": begins,
        "special_tokens": known,
    }
    (own / "tokenizer.json").write_text(json.dumps(tokenizer))
    assert text_of(own, opened(own, str(tmp_path / "a.txt")), 0) == "<s>One?"
    (own / "chat_template.jinja").write_text(
        "{% for one in messages %}<s>[{{ one.role }}]{{ one.content }}{% endfor %}"
        "{% if add_generation_prompt %}[me]{% endif %}"
    )
    # Its special tokens are the template's own, and not there twice.
    assert text_of(own, opened(own, str(tmp_path / "a.txt")), 0) == "<s>[user]One?[me]"


def test_made_up_prompts_are_the_same_for_a_seed_and_hold_no_special_tokens(folder: Path) -> None:
    one, again, other = (opened(folder, "no-robots", images="synthetic", seed=seed) for seed in (3, 3, 4))
    assert (len(one), one.kind) == (500, "synthetic")
    for index in (0, 499):
        ids = one.read(index)
        assert ids.shape == (SYNTHETIC_TOKENS,)
        assert np.array_equal(ids, again.read(index))
        assert not np.array_equal(ids, other.read(index))
    # <s> and </s> are 0 and 1.
    seen = np.concatenate([one.read(index) for index in range(500)])
    assert (seen.min(), seen.max()) == (2, 257)


def test_a_prompt_that_is_empty_or_too_long_fails_alone(folder: Path, tmp_path: Path) -> None:
    room = CONTEXT - NEW_TOKENS
    rows = [{"prompt": "x" * room}, {"prompt": "x" * (room + 1)}, {"prompt": None}, {"prompt": " "}, {"prompt": "y"}]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))
    failed: list[tuple[str, str]] = []
    source = opened(folder, str(tmp_path / "a.jsonl"))
    feed = Feed(source, 2, lambda name, reason: failed.append((name, reason)), prefetch=False)
    with feed.batches(2) as batches:
        (batch,) = batches
    assert batch.groups[0].pixels.shape == (2, room)
    assert failed == [
        ("prompt 1", f"it has {room + 1} tokens, and the model takes {room} before its answer"),
        ("prompt 2", "it is no text"),
        ("prompt 3", "it is no text"),
    ]


def test_what_holds_no_prompts_is_told(folder: Path, tmp_path: Path) -> None:
    import datasets

    for name, content, message in (
        ("empty.txt", "\n \n", "holds no prompts"),
        ("empty.jsonl", "", "holds no prompts"),
        ("cut.jsonl", '{"prompt": "x"}\n{"prom', "cannot be read"),
        ("list.jsonl", "[1, 2]", "a line is no JSON object"),
        ("numbers.jsonl", '{"a": 1}', "has no column of text"),
    ):
        (tmp_path / name).write_text(content)
        with pytest.raises(BadRequest, match=message):
            resolve_dataset(str(tmp_path / name))
    (tmp_path / "latin.txt").write_bytes("caf\u00e9".encode("latin-1"))
    with pytest.raises(BadRequest, match="cannot be read") as raised:
        resolve_dataset(str(tmp_path / "latin.txt"))
    assert "UTF-8" in raised.value.hint
    datasets.Dataset.from_dict({"label": [1, 2]}).save_to_disk(tmp_path / "saved")
    with pytest.raises(BadRequest, match="saved has no prompts") as raised:
        opened(folder, str(tmp_path / "saved"))
    assert raised.value.hint == "Its columns are label."


@pytest.mark.parametrize("name", ["a.txt", "a.jsonl"])
def test_only_an_end_of_line_ends_a_prompt(tmp_path: Path, name: str) -> None:
    prompts = ["one\u2028line", "two\x85and", "three\x0cmore"]
    lines = prompts if name == "a.txt" else [json.dumps({"prompt": text}, ensure_ascii=False) for text in prompts]
    # As an editor of Windows writes it: a mark of UTF-8 first, CRLF at the ends.
    (tmp_path / name).write_bytes(b"\xef\xbb\xbf" + "\r\n".join(lines).encode())
    assert read_prompts(tmp_path / name) == prompts
