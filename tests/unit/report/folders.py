"""Run folders as the runner leaves them, written from the built summaries."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

HEADER = "Index,Used RAM (MB),Used GR3D (%),Elapsed (s),Phase,Power (W)"
T0_S = 5000.0


def write_run(runs_dir: Path, summary: dict[str, Any], *, rows: int = 120, step_s: float = 1.0) -> Path:
    """Writes one run: idle for a quarter, measure for a half, cooldown for a quarter."""
    folder = runs_dir / str(summary["run_id"])
    folder.mkdir(parents=True)
    own = {key: value for key, value in summary.items() if key != "environment"}
    (folder / "summary.json").write_text(json.dumps(own))
    (folder / "environment.json").write_text(json.dumps(summary["environment"]))
    (folder / "status.json").write_text(json.dumps({"t0_s": T0_S}))
    start, end = rows // 4, 3 * rows // 4
    lines = [HEADER]
    for row in range(rows):
        phase = "measure" if start <= row < end else "idle" if row < start else "cooldown"
        busy = phase == "measure"
        load, power_w = (60 + row % 7, 14.8) if busy else (0, 8.0)
        lines.append(f"{row},{7000 + (900 if busy else 0)},{load},{row * step_s:.3f},{phase},{power_w}")
    (folder / "run.csv").write_text("\n".join(lines) + "\n")
    done = {"kind": "done", "t_s": T0_S + end * step_s, "elapsed_s": end * step_s}
    done |= {"t_start_s": T0_S + start * step_s, "t_end_s": T0_S + end * step_s, "items": 10, "failed_items": 0}
    (folder / "events.jsonl").write_text(json.dumps(done) + "\n")
    return folder
