"""Whether memory ran out, and how much of it is left."""

from __future__ import annotations

import gc

import psutil
import torch

from orin_core.inference.process import OUT_OF_MEMORY


def ran_out(error: BaseException) -> bool:
    """Returns whether an error says that memory, of the host or the device, ran out."""
    if isinstance(error, MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error).lower() for words in OUT_OF_MEMORY)


def free_mb() -> float:
    """Returns the memory of the host that can be had without swapping, MB."""
    return float(psutil.virtual_memory().available) / 1e6


def give_back() -> None:
    """Frees what nobody holds any more, on the device as well."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
