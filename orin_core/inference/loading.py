"""Builds transformers models: from safetensors, or from a configuration with random weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from orin_core import catalog
from orin_core.errors import BadRequest, OrinError
from orin_core.inference.preprocessing import Processing, processing_of
from orin_core.spec import ModelSpec


def load_model(auto_class: Any, spec: ModelSpec, seed: int) -> tuple[torch.nn.Module, Processing]:
    """Returns a model in fp32, on the CPU, ready to infer, and its preprocessing.

    Only safetensors are read and no code of a repository is run.

    Args:
        auto_class: transformers class that knows the task, such as ``AutoModelForDepthEstimation``.
        spec: which model.
        seed: of random weights.

    Raises:
        OrinError: the files do not make a model of this task.
    """
    if spec.path and not Path(spec.path).is_dir():
        raise BadRequest(f"There is no folder {spec.path} any more.", "Fetch the model again, or name another one.")
    try:
        model = _random(auto_class, spec, seed) if spec.path is None else _saved(auto_class, spec.path)
        processor = _processor(spec)
    except (OSError, ValueError, KeyError, TypeError, ImportError, RuntimeError) as error:
        # What transformers raises on files that do not fit together.
        raise OrinError(
            f"{spec.label} cannot be loaded: {str(error).strip().splitlines()[0] if str(error).strip() else error!r}",
            "Fetch or save the model anew; worker.log has the details.",
        ) from error
    return model.eval().requires_grad_(False), processing_of(processor)


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
