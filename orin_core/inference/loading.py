"""Builds transformers models: from safetensors, or from a configuration with random weights."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch

from orin_core import catalog
from orin_core.errors import BadRequest, OrinError
from orin_core.inference.preprocessing import Processing, processing_of
from orin_core.spec import ModelSpec

CALM_PX = 32
"""Edge of the images that batch norms of random weights are set by, pixels: that of the synthetic ones."""


def load_model(auto_class: Any, spec: ModelSpec, seed: int) -> tuple[torch.nn.Module, Any, Processing]:
    """Returns a model in fp32, on the CPU, ready to infer, its image processor, and what that does.

    Only safetensors are read and no code of a repository is run.

    Args:
        auto_class: transformers class that knows the task, such as ``AutoModelForDepthEstimation``.
        spec: which model.
        seed: of random weights.

    Raises:
        OrinError: the files do not make a model of this task.
    """
    with _reading(spec):
        model = _random(auto_class, spec, seed) if spec.path is None else _saved(auto_class, spec.path)
        processor = _processor(spec)
    processing = processing_of(processor)
    if spec.path is None:
        calm(model.eval(), model, processing.apply, seed)
    return model.eval().requires_grad_(False), processor, processing


def load_text_model(auto_class: Any, spec: ModelSpec) -> Any:
    """Returns a language model in fp32, on the CPU, ready to infer; only from safetensors, as ``load_model``.

    Args:
        auto_class: transformers class that knows the task.
        spec: which model; its weights lie in a folder.

    Raises:
        OrinError: the files do not make a model of this task.
    """
    with _reading(spec):
        return _saved(auto_class, str(spec.path)).eval().requires_grad_(False)


def load_tokenizer(spec: ModelSpec) -> Any:
    """Returns the tokenizer of a language model.

    Raises:
        OrinError: its files do not make one.
    """
    from transformers import AutoTokenizer

    with _reading(spec):
        return AutoTokenizer.from_pretrained(spec.path, local_files_only=True, trust_remote_code=False)


@contextlib.contextmanager
def _reading(spec: ModelSpec) -> Iterator[None]:
    """Says what is wrong with the files of a model that are read meanwhile.

    Raises:
        OrinError: they are gone, or do not fit together.
    """
    if spec.path and not Path(spec.path).is_dir():
        raise BadRequest(f"There is no folder {spec.path} any more.", "Fetch the model again, or name another one.")
    try:
        yield
    except (OSError, ValueError, KeyError, TypeError, ImportError, RuntimeError) as error:
        # What transformers raises on files that do not fit together.
        raise OrinError(
            f"{spec.label} cannot be loaded: {str(error).strip().splitlines()[0] if str(error).strip() else error!r}",
            "Fetch or save the model anew; worker.log has the details.",
        ) from error


def calm(
    model: torch.nn.Module,
    forward: Callable[[torch.Tensor], Any],
    prepare: Callable[[torch.Tensor], torch.Tensor],
    seed: int,
) -> None:
    """Sets random weights so that values stay of order one, as in a trained model, in place.

    As they are made, values double with every block of a deep ResNet and leave the range of half
    precision, or vanish in a YOLO and in the head of a depth model: nothing that such a model
    says could be compared. Batch norms get the mean and variance that made-up images have there;
    without any the convolutions get Kaiming's variance.

    Args:
        model: with random weights.
        forward: runs it on images in float32.
        prepare: from uint8 images to what it takes.
        seed: of the images.
    """
    norms = [part for part in model.modules() if isinstance(part, torch.nn.BatchNorm2d)]
    if not norms:
        for part in model.modules():
            if isinstance(part, (torch.nn.Conv2d, torch.nn.ConvTranspose2d)):
                torch.nn.init.kaiming_normal_(part.weight, nonlinearity="relu")
        return
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the plain mean of what it sees
        norm.train()
    with torch.no_grad():
        forward(prepare(_made_up(seed)))
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
        norm.eval()


def _made_up(seed: int) -> torch.Tensor:
    """Returns two images of noise and two of smooth patches: uint8, shape (4, 3, CALM_PX, CALM_PX)."""
    made = torch.Generator().manual_seed(seed)
    noise = torch.rand(2, 3, CALM_PX, CALM_PX, generator=made)
    patches = torch.nn.functional.interpolate(torch.rand(2, 3, 4, 4, generator=made), size=CALM_PX, mode="bilinear")
    return (torch.cat([noise, patches]) * 255).to(torch.uint8)


def parameters_of(model: torch.nn.Module) -> int:
    """Returns the number of parameters, buffers left out."""
    return sum(parameter.numel() for parameter in model.parameters())


def _saved(auto_class: Any, path: str) -> torch.nn.Module:
    model: torch.nn.Module = auto_class.from_pretrained(
        path, use_safetensors=True, local_files_only=True, trust_remote_code=False, dtype=torch.float32
    )
    return model


def _random(auto_class: Any, spec: ModelSpec, seed: int) -> torch.nn.Module:
    torch.manual_seed(seed)
    model: torch.nn.Module = auto_class.from_config(model_config(spec), trust_remote_code=False, dtype=torch.float32)
    return model


def model_config(spec: ModelSpec) -> Any:
    """Returns the configuration of a model: the catalogue's, else that of its folder or cached repository."""
    from transformers import AutoConfig

    row = catalog.model_row(spec.model_id)
    if row and row.config:
        return AutoConfig.for_model(**row.config)
    return AutoConfig.from_pretrained(
        spec.path or spec.model_id, revision=spec.revision, local_files_only=True, trust_remote_code=False
    )


def _processor(spec: ModelSpec) -> Any:
    import transformers

    row = catalog.model_row(spec.model_id)
    if spec.path is None and row and row.processor:
        kind = getattr(transformers, row.processor["image_processor_type"])
        return kind.from_dict(dict(row.processor))
    auto: Any = transformers.AutoImageProcessor
    return auto.from_pretrained(
        spec.path or spec.model_id, revision=spec.revision, local_files_only=True, trust_remote_code=False
    )
