"""Whether the model, the data set and the method of a run go together."""

from __future__ import annotations

from orin_core import methods
from orin_core.errors import BadRequest
from orin_core.spec import IMAGES, PROMPTS, DatasetSpec, ModelSpec, Task


def wanted(task: Task) -> str:
    """Returns what a task takes: ``images`` or ``prompts``."""
    return PROMPTS if task is Task.TEXT_GENERATION else IMAGES


def check(model: ModelSpec, dataset: DatasetSpec, *, method: str, preload: bool) -> None:
    """Refuses a run whose parts mean nothing together; what nobody knows yet is found out when it is opened.

    Args:
        model: resolved model.
        dataset: resolved data set.
        method: value of a :class:`orin_core.methods.Method`.
        preload: whether items are decoded before the clock starts.

    Raises:
        BadRequest: they do not go together; says why.
    """
    if dataset.holds not in (None, wanted(model.task)):
        raise BadRequest(
            f"{model.label} takes {wanted(model.task)}, and {dataset.label} holds {dataset.holds}.",
            "Name a text file with one prompt a line, or no-robots."
            if wanted(model.task) == PROMPTS
            else "Name a folder of images, or cifar100.",
        )
    if model.task is Task.TEXT_GENERATION:
        methods.check_text(method, preload=preload)
