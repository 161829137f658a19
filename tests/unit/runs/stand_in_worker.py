"""A program in place of the worker: says what a run of the batched method says, without torch and in no time."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

BATCHES = 8


def send(event: str, **fields: Any) -> None:
    """Sends one event as the worker does."""
    print(json.dumps({"event": event, "t_s": round(time.monotonic(), 6), **fields}), flush=True)


def main() -> None:
    run = json.loads(sys.stdin.readline())["run"]
    send("environment", device="cpu", device_name="stand-in")
    send("notice", notice="smaller-batch", message="Memory ran out: batch 64 was halved to 32.")
    agreement = {"metric": "top1", "value": 0.5625, "threshold": 1.0, "ok": False, "images": 16, "seconds": 0.1}
    send("agreement", **agreement, method=run["method"], precision=run["precision"])
    way = {"method": run["method"], "precision": run["precision"], "scope": "preloaded"}
    send("loaded", **way, batch_size=32, batch_size_asked=run["batch_size"], method_facts={"batch_norm_folded": True})
    start_s = time.monotonic()
    send("phase", phase="measure")
    rows: list[list[Any]] = []
    for place in range(BATCHES):
        time.sleep(0.05)
        end_s = time.monotonic()
        rows.append([start_s if not place else rows[-1][1], end_s, "measure", 32, 40.0, 90.0])
    send("batches", rows=rows, items_done=32 * BATCHES, failed_items=0)
    send(
        "done", t_start_s=start_s, t_end_s=rows[-1][1], items=32 * BATCHES, failed_items=0, stopped=False,
        final_sync_s=0.0, results=32 * BATCHES, input_shapes=1, in_flight=2,
    )  # fmt: skip


if __name__ == "__main__":
    main()
