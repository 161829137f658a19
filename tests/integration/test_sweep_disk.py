"""A disk that is full for a while holds a sweep up, and costs it no cell."""

from __future__ import annotations

import json
import shlex

import pytest

from tests.conftest import Home
from tests.integration.test_disk import may_mount, on_small_disk
from tests.support_sweep import SHORT, SweepHome

pytestmark = [
    pytest.mark.torch,
    pytest.mark.skipif(not may_mount(), reason="no file system can be mounted in a namespace here"),
]


def test_a_full_disk_is_waited_for(home: Home) -> None:
    run = {"weights": "random", "seconds": 2, **SHORT}
    file = SweepHome(home=home).file(repeats=2, run=run)
    script = f"""
        export ORIN_DATA_DIR=$disk/data
        id=$($orin sweep start {shlex.quote(str(file))} | tail -n 1)
        state=$disk/data/sweeps/$id/state.json
        until_said() {{ i=0; until grep -q "$1" $state; do i=$((i + 1)); test $i -lt 400; sleep 0.2; done; }}
        until_said '"run_id": "2'
        test -e $disk/data/sweeps/$id/.reserve
        # To the last byte: what the sweep says of it needs the room that was kept.
        head -c 400M /dev/zero > $disk/filler || true
        until_said 'MB are free'
        cat $state
        rm $disk/filler
        until_said '"state": "done",'
        i=0; until grep -q '"conductor_pid": null' $state; do i=$((i + 1)); test $i -lt 400; sleep 0.2; done
        cp -r $disk/data/sweeps/$id {shlex.quote(str(home.root))}/kept
    """
    done = on_small_disk(home, 260, script)
    assert done.returncode == 0, done.stderr
    progress = json.loads((home.root / "kept" / "state.json").read_text())
    assert (progress["state"], progress["message"]) == ("done", "")
    assert [one["state"] for one in progress["cells"].values()] == ["done", "done"]
    tried = [attempt for one in progress["cells"].values() for attempt in one["attempts"]]
    assert ("interrupted", True) in [(one["outcome"], "No space left" in one["message"]) for one in tried]
    assert not (home.root / "kept" / ".reserve").exists()
