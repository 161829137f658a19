"""Text generation with a small model: answers alone and in batches, the first token, agreement."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from orin_core.inference import agreement, generation, pictures
from orin_core.inference.feed import PADDING, Feed, batch_of
from orin_core.inference.methods import put_through
from orin_core.inference.precision import dtype_of
from orin_core.inference.process import Events
from orin_core.inference.prompts import open_prompts
from orin_core.inference.results import Answer, Candidates
from orin_core.inference.sources import Source
from orin_core.inference.workload import Workload, load_workload
from orin_core.methods import NEW_TOKENS, Method, Precision
from orin_core.resolve import resolve_dataset, resolve_model
from orin_core.spec import RunSpec, Task
from tests.support_inference import CPU, looped, method_of, told
from tests.support_models import save_tiny_text

pytestmark = pytest.mark.torch

PROMPTS = ("Who are you?", "Hi", "What is the capital of France, and since when?", "Count to ten.", "Why?")


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Thousands of tiny products: on a busy machine threads wait for each other longer than they compute."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_text(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture
def source(folder: Path, tmp_path: Path) -> Source:
    (tmp_path / "prompts.txt").write_text("\n".join(PROMPTS))
    return open_prompts(resolve_dataset(str(tmp_path / "prompts.txt")), resolve_model(str(folder)), 0)


def fresh(folder: Path) -> Workload:
    return load_workload(resolve_model(str(folder)), CPU, 0)


def answers(workload: Workload, source: Source, method: Method = Method.REFERENCE) -> list[Answer]:
    """What a method says, prompt by prompt for the reference and all at once for others."""
    items = [source.read(index) for index in range(len(source))]
    size = 1 if method is Method.REFERENCE else len(items)
    opened = method_of(workload, method, batch_size=size)
    batches = [items[first : first + size] for first in range(0, len(items), size)]
    with torch.inference_mode():
        return [answer for batch in batches for answer in put_through(opened, batch_of(batch)).results]


def test_shorter_prompts_are_padded_on_their_left_and_answered_as_if_alone(folder: Path, source: Source) -> None:
    batch = batch_of([source.read(index) for index in range(len(source))])
    (group,) = batch.groups
    assert [len(row[row != PADDING]) for row in group.pixels] == [len(text) for text in PROMPTS]
    assert (group.pixels[:, -1] != PADDING).all()
    alone = answers(fresh(folder), source)
    together = answers(fresh(folder), source, Method.BATCHED)
    for one, other in zip(alone, together, strict=True):
        assert np.array_equal(one.tokens, other.tokens)
        assert one.text == other.text
        assert np.array_equal(one.prompt, other.prompt)
    assert len({one.text for one in alone}) == len(PROMPTS), "each prompt has an answer of its own"


def test_the_reference_tells_what_came_close(folder: Path, source: Source) -> None:
    workload = fresh(folder)
    answer = answers(workload, source)[0]
    assert answer.candidates is not None
    with torch.inference_mode():
        logits = workload.model(torch.from_numpy(answer.prompt)[None]).logits[0, -1]
    ids, behind = answer.candidates.ids, answer.candidates.behind
    assert np.array_equal(ids[:, 0], answer.tokens)
    expected = (logits.max() - logits[ids[0]]) / (logits.max() - logits.min())
    assert behind[0] == pytest.approx(expected.numpy(), abs=1e-5)
    assert behind[0, 1] > 0


def test_every_answer_has_its_length_whatever_the_model_would_like(
    folder: Path, source: Source, tmp_path: Path
) -> None:
    first = answers(fresh(folder), source)[0]
    own = save_tiny_text(tmp_path / "own")
    end = int(first.tokens[5])
    wishes = {
        "eos_token_id": [1, end],
        "do_sample": True,
        "temperature": 2.0,
        "repetition_penalty": 2.0,
        "max_length": 8,
    }
    (own / "generation_config.json").write_text(json.dumps(wishes))
    again = answers(fresh(own), source)[0]
    assert np.array_equal(first.tokens, again.tokens)
    assert len(again.tokens) == NEW_TOKENS
    place = first.tokens.tolist().index(end)
    assert first.text.startswith(again.text.rstrip("\ufffd")), "shown up to the token that ends it"
    assert len(again.text) <= 2 * place


def test_the_first_token_is_timed_when_the_device_has_come_to_it(
    folder: Path, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    workload = fresh(folder)
    calls: list[Any] = []
    waited_after: list[int] = []
    workload.model.register_forward_hook(lambda *_: calls.append(1))
    monkeypatch.setattr(generation, "synchronise", lambda device: waited_after.append(len(calls)))
    with torch.inference_mode():
        taken = put_through(method_of(workload, batch_size=2), batch_of([source.read(0), source.read(1)]))
    assert (waited_after, len(calls)) == ([1], NEW_TOKENS)
    assert taken.first_token_s is not None
    assert 0 < taken.first_token_s < taken.forward_s
    assert taken.tokens == 2 * NEW_TOKENS


def test_an_answer_is_shown_under_its_prompt_in_plain_letters(folder: Path, source: Source) -> None:
    workload: Any = fresh(folder)
    answer = answers(workload, source)[0]
    answer = dataclasses.replace(answer, text="It\n is \x00<b>me</b>\x1b[0m, " + "and so on, " * 200)
    said = workload.said(answer, height_px=1, width_px=12)
    assert (said.kind, said.prompt) == ("text", PROMPTS[0])
    assert said.title.startswith("It is <b>me</b> [0m, and so on")
    drawn = pictures.draw(source.read(0), said)
    assert drawn.size == (pictures.EDGE_PX, 240)
    assert drawn.tobytes() != pictures.draw(source.read(0), dataclasses.replace(said, prompt="Who else?")).tobytes()
    assert drawn.tobytes() != pictures.draw(source.read(0), dataclasses.replace(said, answer="Me.")).tobytes()
    assert (np.asarray(drawn)[-8:] == 255).all(), "what is too long ends in time"


def test_measure_counts_prompts_tokens_and_first_tokens(folder: Path, source: Source, tmp_path: Path) -> None:
    workload = fresh(folder)
    spec = RunSpec(model="m", dataset="d", items=5, batch_size=2, warmup_min_s=0, warmup_max_s=0)
    with (tmp_path / "events").open("wb") as stream, torch.inference_mode():
        events = Events(stream.fileno())
        method = method_of(workload, batch_size=2)
        feed = Feed(source, 2, events.item_failed)
        looped(spec, method=method, workload=workload, supply=feed, events=events)
        events.close()
    heard = told(tmp_path / "events")
    (done,) = [event for event in heard if event["event"] == "done"]
    assert (done["items"], done["results"], done["tokens"]) == (5, 5, 5 * NEW_TOKENS)
    rows = [row for event in heard if event["event"] == "batches" for row in event["rows"] if row[2] == "measure"]
    assert 0 < done["ttft_ms_p50"] <= max(row[5] for row in rows)
    assert {event["event"] for event in heard} >= {"model_only", "synchronised"}


@pytest.mark.parametrize("precision", [Precision.FP32, Precision.FP16, Precision.BF16])
def test_rounding_agrees_with_the_reference_and_another_model_does_not(
    folder: Path, source: Source, tmp_path: Path, precision: Precision
) -> None:
    items = [source.read(index) for index in range(len(source))]
    known = agreement.Known(images=items, results=answers(fresh(folder), source), seconds=0.0)

    def found(workload: Workload) -> dict[str, Any]:
        method = method_of(workload, precision=precision, batch_size=3)
        with torch.inference_mode():
            figures = agreement.held_against(
                known, method=method, batch_size=3, task=Task.TEXT_GENERATION, precision=precision
            )
        assert figures is not None
        assert next(workload.model.parameters()).dtype == dtype_of(precision)
        return figures

    same = found(fresh(folder))
    assert (same["metric"], same["ok"], same["images"]) == ("tokens", True, len(PROMPTS)), same
    assert same["tokens"] > len(PROMPTS) * NEW_TOKENS / 4, "most of what was said is compared"
    other = found(fresh(save_tiny_text(tmp_path / "other", seed=1)))
    assert (other["ok"], other["value"] < 0.5) == (False, True), other


def _answer(*tokens: int, behind: float = 0.01) -> Answer:
    """An answer whose choices each had token + 1 close behind them."""
    ids = np.array([[token, token + 1] for token in tokens])
    shares = np.array([[0.0, behind] for _ in tokens], dtype=np.float32)
    row = np.array(tokens)
    return Answer(prompt=row[:1], tokens=row, text="", candidates=Candidates(ids=ids, behind=shares))


def test_answers_are_compared_until_they_part_over_a_near_tie() -> None:
    reference = _answer(10, 20, 30, 40)
    assert agreement.tokens([reference], [_answer(10, 20, 30, 40)], 0.02) == (1.0, 4)
    assert agreement.tokens([reference], [_answer(10, 21, 99, 98)], 0.02) == (1.0, 1)
    assert agreement.tokens([reference], [_answer(10, 21, 99, 98)], 0.001) == (0.25, 4)
    # What was no candidate at all is no near-tie, and what comes after it is wrong as well.
    assert agreement.tokens([reference] * 2, [_answer(10, 20, 99, 40), reference], 0.02) == (0.75, 8)
    assert agreement.tokens([reference], [_answer(11, 1, 1, 1)], 0.02) == (1.0, 0)
