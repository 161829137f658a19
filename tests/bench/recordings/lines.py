"""Lines as tegrastats of an AGX Orin prints them: JetPack 5 as a user, JetPack 6 as root."""

from __future__ import annotations

import datetime
from collections.abc import Iterable

from tests.bench.recordings.board import BOARD_CORES
from tests.bench.recordings.ticks import Reading

RAM_TOTAL_MB = 30698
_SWAP_TOTAL_MB = 15349
_ENGINES = "NVENC off NVDEC off NVJPG off NVJPG1 off VIC off OFA off NVDLA0 off NVDLA1 off PVA0_FREQ off APE 174"


class Printer:
    """Prints readings; it keeps the means of the rails since it started, as tegrastats does.

    Args:
        as_root: as root on JetPack 6, else as a user on JetPack 5.
    """

    def __init__(self, *, as_root: bool) -> None:
        self._as_root = as_root
        self._sums_mw: dict[str, int] = {}
        self._count = 0

    def fields(self, reading: Reading, wall_s: float) -> list[str]:
        """Returns the fields of one line in the printed order.

        Args:
            reading: what the sensors show.
            wall_s: what the wall clock shows, as Unix time of a zone without a name, s.
        """
        moment = datetime.datetime.fromtimestamp(wall_s, datetime.timezone.utc)
        cores = [f"{load}%@{clock}" for load, clock in reading.cores]
        cores += ["off"] * (BOARD_CORES - len(cores))
        gr3d = f"GR3D_FREQ {reading.gr3d_pct}%"
        if self._as_root:
            gr3d += f"@[{reading.gpu_mhz},{reading.gpu_mhz}]"
        return [
            f"{moment:%m-%d-%Y %H:%M:%S}",
            f"RAM {reading.ram_mb}/{RAM_TOTAL_MB}MB (lfb {reading.lfb}x4MB)",
            f"SWAP {reading.swap_mb}/{_SWAP_TOTAL_MB}MB (cached 0MB)",
            f"CPU [{','.join(cores)}]",
            *([f"EMC_FREQ {min(99, reading.gr3d_pct // 3)}%@3199"] if self._as_root else []),
            gr3d,
            *([_ENGINES] if self._as_root else []),
            *self._temperatures(reading),
            *self._rails(reading.rails_mw),
        ]

    def _temperatures(self, reading: Reading) -> Iterable[str]:
        tj_c = reading.tj_c
        if self._as_root:
            asleep = reading.gr3d_pct == 0
            gpu = [] if asleep else [f"gpu@{tj_c - 2:.3f}C"]
            return [f"cpu@{tj_c:.3f}C", f"soc2@{tj_c - 4:.3f}C", f"soc0@{tj_c - 3.5:.3f}C", *gpu, f"tj@{tj_c:.3f}C"]
        return [
            f"cpu@{tj_c:.3f}C",
            f"tboard@{tj_c - 12:.3f}C",
            f"soc2@{tj_c - 4:.3f}C",
            f"tdiode@{tj_c - 7:.3f}C",
            f"soc0@{tj_c - 3.5:.3f}C",
            f"tj@{tj_c:.3f}C",
            f"soc1@{tj_c - 4.25:.3f}C",
        ]

    def _rails(self, rails_mw: dict[str, int]) -> Iterable[str]:
        self._count += 1
        for name, value_mw in rails_mw.items():
            self._sums_mw[name] = self._sums_mw.get(name, 0) + value_mw
            yield f"{name} {value_mw}mW/{self._sums_mw[name] // self._count}mW"
