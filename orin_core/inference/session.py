"""One run of the worker, from loading to the last batch."""

from __future__ import annotations

import time
from typing import Any

import torch

from orin_core.inference import agreement, memory, outputs
from orin_core.inference.device import pick_device, tf32_allowed
from orin_core.inference.feed import Feed, Supply
from orin_core.inference.loop import Loop
from orin_core.inference.methods import Method, Setting, check_here, open_method
from orin_core.inference.precision import allow_tf32
from orin_core.inference.preload import Preloaded
from orin_core.inference.process import Events, Stop
from orin_core.inference.rehearsal import Rehearsal, rehearse
from orin_core.inference.sources import Source, is_endless, open_source
from orin_core.inference.stream import open_stream
from orin_core.inference.workload import load_workload
from orin_core.methods import Method as Name
from orin_core.methods import Precision
from orin_core.spec import Task, WorkerSpec


class Session:
    """Loads model and images, sees whether the method agrees with the reference, and measures.

    Args:
        spec: what to run.
        events: where it is told.
        stop: asked in between.
        start_s: when loading began, s of the monotonic clock.

    Raises:
        OrinError: something cannot be loaded, or this machine cannot do what was asked.
    """

    def __init__(self, spec: WorkerSpec, events: Events, stop: Stop, start_s: float) -> None:
        self._spec = spec
        self._events = events
        self._stop = stop
        self._start_s = start_s
        self._name, self._precision = Name(spec.run.method), Precision(spec.run.precision)
        self._device = pick_device()
        check_here(self._name, self._precision, self._device, spec.model.task)
        if self._device.type == "cpu":
            memory.keep_freed()
        self._source = _open(spec)
        self._workload = load_workload(spec.model, self._device, spec.run.seed)
        self._stream = open_stream(self._device)

    def run(self) -> None:
        """Goes through all of it, or until it is asked to stop.

        Raises:
            OrinError: no image can be read, or memory is too small.
        """
        run = self._spec.run
        known = self._reference()
        allow_tf32(self._precision is Precision.TF32)
        method = open_method(self._name, self._setting(self._precision, run.batch_size))
        supply, preloaded = self._supply(method)
        if self._stop.asked:
            return  # the first batch may bring an export or an engine, which take minutes
        rehearsal = rehearse(
            method=method, workload=self._workload, supply=supply, events=self._events, consent=run.smaller_batch
        )
        if missing := method.facts.get("provider_missing"):
            said = f"ONNX Runtime uses {method.facts['provider']}; missing or not working here: {', '.join(missing)}."
            self._events.send("notice", notice="provider_missing", message=said)
        not_loading_s = known.seconds if known else 0.0
        if preloaded:
            not_loading_s += preloaded["preload_s"]
        load_s = time.monotonic() - self._start_s - not_loading_s
        self._events.send("loaded", **self._facts(method, rehearsal), **preloaded, load_s=round(load_s, 3))
        if known and not self._stop.asked:
            self._agreement(known, method, rehearsal.batch_size)
        if not self._stop.asked:
            outputs.send(
                workload=self._workload, method=method, source=self._source, events=self._events, stop=self._stop
            )
        Loop(
            spec=run,
            method=method,
            supply=supply,
            bare=rehearsal.bare,
            device=self._device,
            events=self._events,
            stop=self._stop,
        ).run()

    def _setting(self, precision: Precision, batch_size: int) -> Setting:
        return Setting(
            workload=self._workload,
            device=self._device,
            stream=self._stream,
            precision=precision,
            batch_size=batch_size,
            source=self._source,
        )

    def _reference(self) -> agreement.Known | None:
        """Returns what the reference says, as long as the model is as it was loaded; None where it runs itself."""
        if self._name is Name.REFERENCE:
            return None
        allow_tf32(False)
        reference = open_method(Name.REFERENCE, self._setting(Precision.FP32, 1))
        try:
            return agreement.known(reference, self._source, self._stop)
        finally:
            del reference
            memory.give_back()

    def _supply(self, method: Method) -> tuple[Supply, dict[str, Any]]:
        """Returns where batches come from, and what is to be said about images in memory."""
        run, pinned = self._spec.run, self._device.type == "cuda"
        if not run.preload:
            failed = self._events.item_failed
            feed = Feed(self._source, run.batch_size, failed, prefetch=method.prefetch, pinned=pinned)
            return feed, {}
        images = Preloaded(
            self._source, run.batch_size, self._events.item_failed, items=run.items, pinned=pinned, stop=self._stop
        )
        facts = {
            "preload_s": round(images.seconds, 3),
            "preload_mb": round(images.size_mb, 1),
            "preload_items": images.items,
        }
        return images, facts

    def _facts(self, method: Method, rehearsal: Rehearsal) -> dict[str, Any]:
        run = self._spec.run
        return {
            "parameters": self._workload.parameters,
            "weights": self._spec.model.weights,
            "dataset_source": self._source.kind,
            "dataset_items": None if is_endless(self._source) else len(self._source),
            "input_shape": rehearsal.input_shape,
            "flop_per_item": rehearsal.flop_per_item,
            "method": run.method,
            "method_facts": dict(method.facts),
            "precision": run.precision,
            "scope": "preloaded" if run.preload else "full",
            "batch_size": rehearsal.batch_size,
            "batch_size_asked": run.batch_size,
            "tf32_allowed": tf32_allowed(self._device),
            "device": self._device.type,
            "threads": torch.get_num_threads(),
        }

    def _agreement(self, known: agreement.Known, method: Method, batch_size: int) -> None:
        found = agreement.held_against(
            known, method=method, batch_size=batch_size, task=self._spec.model.task, precision=self._precision
        )
        if found is not None:
            self._events.send("agreement", method=self._name.value, **found)


def _open(spec: WorkerSpec) -> Source:
    """Returns the images of a run, or its prompts."""
    if spec.model.task is not Task.TEXT_GENERATION:
        return open_source(spec.dataset, spec.run.seed)
    # Slow to import, and needed for this task alone.
    from orin_core.inference.prompts import open_prompts

    return open_prompts(spec.dataset, spec.model, spec.run.seed)
