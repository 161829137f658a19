"""Whether memory ran out, how much of it is left, and what becomes of what is freed."""

from __future__ import annotations

import ctypes
import gc

import psutil
import torch

from orin_core.inference.process import OUT_OF_MEMORY

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4
_TOP_PAD_MB = 64
_NEVER = 2**31 - 1


def keep_freed() -> None:
    """Lets the C library keep what is freed, for the next batch, instead of giving it back to the kernel.

    A large tensor on a CPU is otherwise mapped anew each time and cleared page by page: for
    YOLOv8n and batches of 16 that is 27 000 page faults and a third of the CPU time for each image.

    **Source**: mallopt(3).
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return  # another C library than glibc
    mallopt(_M_MMAP_MAX, 0)
    mallopt(_M_TRIM_THRESHOLD, _NEVER)
    mallopt(_M_TOP_PAD, _TOP_PAD_MB * 1024 * 1024)


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
