"""Made-up tegrastats lines of an AGX Orin 64 GB, JetPack 6, read as root."""

from __future__ import annotations

import random
import re

ENGINES = "NVENC off NVDEC off NVJPG off NVJPG1 off VIC off OFA off NVDLA0 off NVDLA1 off PVA0_FREQ off APE 174"


def orin_lines(count: int, seed: int = 0) -> list[str]:
    """Returns ``count`` lines whose numbers follow from the seed, 12 cores and 3 rails each."""
    rng = random.Random(seed)
    lines = []
    for second in range(count):
        cores = ",".join(f"{rng.randint(0, 100)}%@{rng.choice((729, 1190, 2201))}" for _ in range(12))
        temps = " ".join(
            f"{name}@{rng.randint(30_000, 80_000) / 1000:g}C" for name in ("cpu", "soc2", "soc0", "gpu", "tj", "soc1")
        )
        rails = " ".join(
            f"{name} {rng.randint(400, 20_000)}mW/{rng.randint(400, 20_000)}mW"
            for name in ("VDD_GPU_SOC", "VDD_CPU_CV", "VIN_SYS_5V0")
        )
        clock = rng.randint(305, 1300)
        lines.append(
            f"03-01-2026 {second // 3600 % 24:02d}:{second // 60 % 60:02d}:{second % 60:02d} "
            f"RAM {rng.randint(2000, 60_000)}/62840MB (lfb {rng.randint(1, 9999)}x4MB) "
            f"SWAP {rng.randint(0, 31_000)}/31420MB (cached {rng.randint(0, 99)}MB) CPU [{cores}] "
            f"EMC_FREQ {rng.randint(0, 100)}%@3199 GR3D_FREQ {rng.randint(0, 99)}%@[{clock},{clock}] "
            f"{ENGINES} {temps} {rails}"
        )
    return lines


def user_lines(count: int, seed: int = 0) -> list[str]:
    """Returns the lines that a user without root gets: no EMC, no GPU clock, no engines."""
    as_root = (line.replace(f"{ENGINES} ", "") for line in orin_lines(count, seed))
    return [re.sub(r"EMC_FREQ \S+ |(?<=%)@\[\d+,\d+\]", "", line) for line in as_root]
