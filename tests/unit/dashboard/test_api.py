from __future__ import annotations

import asyncio
import concurrent.futures
import csv
import dataclasses
import io
import time
from pathlib import Path
from typing import Any

import plotly
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from dashboard import feed
from dashboard.hosts import HostCheck, allowed, host_name
from orin_core.board.sample import CoreSample, Tick
from orin_core.runs import store
from orin_core.settings import Settings
from tests.unit.dashboard.conftest import RUN_ID, Folder, held, live, sample


def test_rows_follow_the_cursor_and_equal_the_csv(
    client: TestClient, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    held(monkeypatch, folder.recording)
    folder.ticks(0, 7)
    first = live(client, RUN_ID)
    assert first["reset"] is True
    assert first["active"] == RUN_ID
    folder.ticks(7, 5)
    second = live(client, RUN_ID, since=first["cursor"], tag=first["tag"])
    assert "reset" not in second
    assert "meta" not in second
    rows = first["rows"] + second["rows"]
    columns = first["meta"]["columns"]
    expected = [
        [float(record[name]) if record[name] else None for name in columns]
        for record in csv.DictReader(io.StringIO(folder.text()))
    ]
    assert rows == expected
    assert live(client, RUN_ID, since=second["cursor"])["rows"] == []


def test_half_written_line_waits_for_its_end(
    client: TestClient, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    held(monkeypatch, folder.recording)
    folder.ticks(0, 3)
    line = folder.text().splitlines()[-1].replace("2,3000", "3,4000", 1)
    with folder.recording.csv_path.open("a") as stream:
        stream.write(line[:40])
        stream.flush()
        first = live(client, RUN_ID)
        assert len(first["rows"]) == 3
        assert client.get(f"/api/runs/{RUN_ID}/run.csv").text.count("\n") == 4
        stream.write(line[40:] + "\n")
    assert len(live(client, RUN_ID, since=first["cursor"])["rows"]) == 1


def test_long_run_is_thinned_but_its_newest_minutes_are_whole(client: TestClient, folder: Folder) -> None:
    folder.ticks(0, 2000)
    answer = live(client, RUN_ID, points=400)
    assert len(answer["rows"]) <= 402
    assert [row[0] for row in answer["rows"][-120:]] == [float(second) for second in range(1881, 2001)]
    assert answer["thinned"] is True
    short = live(client, RUN_ID, points=400, span=60)
    assert len(short["rows"]) == 61
    assert "thinned" not in short


def test_what_the_reader_went_through_is_told_for_a_minute(
    client: TestClient, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    held(monkeypatch, folder.recording)
    folder.ticks(0, 2)
    now_s = time.monotonic() - folder.recorder.t0_s
    old = {"kind": "died", "message": "It died long ago.", "elapsed_s": now_s - 90}
    new = {"kind": "restarted", "message": "It is back.", "elapsed_s": now_s}
    other = {"kind": "recovered", "message": "Put in order.", "elapsed_s": now_s}
    folder.status(notices=[old, other])
    assert live(client, RUN_ID)["meta"]["recent"] == ""
    folder.status(notices=[old, new, other])
    assert live(client, RUN_ID)["meta"]["recent"] == "It is back."


def core_ticks(folder: Folder, first: int, count: int, load_pct: int) -> None:
    cores = (CoreSample(load_pct=7, freq_mhz=2201), CoreSample(load_pct=load_pct, freq_mhz=2201))
    for index in range(first, first + count):
        tick = Tick(
            t_s=folder.recorder.t0_s + index + 1, sample=dataclasses.replace(sample(index), cores=cores), raw=None
        )
        folder.recorder.tick(tick, phase="idle", items=None, fps=None)


def test_loads_of_cores_come_where_they_are_asked_for(client: TestClient, folder: Folder) -> None:
    core_ticks(folder, 0, 3, 93)
    narrow, wide = live(client, RUN_ID), live(client, RUN_ID, cores=1)
    assert [name for name in wide["meta"]["columns"] if name not in narrow["meta"]["columns"]] == [
        "CPU 0 Load (%)",
        "CPU 1 Load (%)",
    ]
    place = wide["meta"]["columns"].index("CPU 1 Load (%)")
    assert [row[place] for row in wide["rows"]] == [93] * 3
    assert len(narrow["rows"][0]) == len(narrow["meta"]["columns"]) == len(wide["rows"][0]) - 2
    core_ticks(folder, 3, 1, 94)
    assert [row[place] for row in live(client, RUN_ID, cores=1, since=wide["cursor"])["rows"]] == [94]
    # Folded out or away meanwhile: rows of another width do not fit those that the browser has.
    assert live(client, RUN_ID, cores=1, since=narrow["cursor"])["reset"] is True
    assert live(client, RUN_ID, since=wide["cursor"])["reset"] is True


def test_zoom_gets_every_row_between_two_times(client: TestClient, folder: Folder) -> None:
    folder.ticks(0, 3000)
    query = {"points": 200, "from": 1000, "to": 1100.5}
    zoomed = live(client, RUN_ID, **query)
    assert [row[0] for row in zoomed["rows"]] == list(range(1000, 1101))
    assert {"cursor", "reset", "thinned"}.isdisjoint(zoomed)
    assert "meta" not in live(client, RUN_ID, **query, tag=zoomed["tag"])
    wide = live(client, RUN_ID, points=200, **{"from": 500})
    assert (wide["rows"][0][0], wide["rows"][-1][0], wide["thinned"]) == (500, 3000, True)
    assert len(wide["rows"]) <= 201
    assert live(client, RUN_ID, **{"from": 9000, "to": 9001})["rows"] == []


def test_a_run_of_before_the_latency_column_is_shown_without_it(client: TestClient, folder: Folder) -> None:
    folder.ticks(0, 2)
    new = live(client, RUN_ID)["meta"]["columns"]
    records = list(csv.DictReader(io.StringIO(folder.text())))
    old = Folder(folder.path.parent, RUN_ID.replace("0a1b", "0a1c"))
    with old.recorder, old.recording.csv_path.open("w", newline="") as stream:
        names = [name for name in records[0] if name != "Latency (ms)"]
        writer = csv.DictWriter(stream, names, extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(records)
    answer = live(client, old.recording.run_id)
    assert answer["meta"]["columns"] == [name for name in new if name != "Latency (ms)"]
    assert [row[0] for row in answer["rows"]] == [1, 2]


def test_steady_refresh_is_small_with_much_behind_it(
    client: TestClient, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    held(monkeypatch, folder.recording)
    folder.ticks(0, 2000, step_s=0.1)
    first = live(client, RUN_ID)
    folder.ticks(2000, 10, step_s=0.1)
    answer = client.get("/api/live", params={"run": RUN_ID, "since": first["cursor"], "tag": first["tag"]})
    assert len(answer.json()["rows"]) == 10
    assert len(answer.content) < 1500


def test_gap_is_an_empty_row(client: TestClient, folder: Folder) -> None:
    folder.ticks(0, 3)
    folder.ticks(9, 2)
    rows = live(client, RUN_ID)["rows"]
    assert [row[0] for row in rows] == [1, 2, 3, 6.5, 10, 11]
    assert rows[3][1:] == [None] * (len(rows[3]) - 1)


def test_old_cursor_starts_over(client: TestClient, folder: Folder) -> None:
    folder.ticks(0, 3)
    for cursor in ("r:99", "i4:1", "nonsense", "r:-1", "r:" + "9" * 5000):
        assert live(client, RUN_ID, since=cursor)["reset"] is True


def test_run_that_nobody_holds_is_interrupted(
    client: TestClient, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.ticks(0, 1)
    folder.recorder.event("phase", folder.recorder.t0_s, phase="idle")
    folder.recorder.event("phase", folder.recorder.t0_s + 4, phase="load")
    meta = live(client, RUN_ID)["meta"]
    assert meta["state"] == "interrupted"
    assert meta["phases"] == [["idle", 0.0], ["load", 4.0]]
    held(monkeypatch, folder.recording)
    assert live(client, RUN_ID)["meta"]["state"] == "running"
    folder.status(state="done")
    done = live(client, RUN_ID)
    assert done["meta"]["state"] == "done"
    assert done["age_s"] is None


def test_garbled_event_costs_only_itself(client: TestClient, folder: Folder) -> None:
    folder.ticks(0, 1)
    folder.recorder.event("phase", folder.recorder.t0_s, phase="idle")
    with (folder.path / store.EVENTS).open("a") as stream:
        stream.write('{"kind": "pha\0\n[1]\n{"kind": "phase"}\n{"kind": "end", "elapsed_s": null}\n')
    folder.recorder.event("phase", folder.recorder.t0_s + 4, phase="load")
    assert live(client, RUN_ID)["meta"]["phases"] == [["idle", 0.0], ["load", 4.0]]


def test_run_in_another_folder_is_found_while_it_is_on_and_after(
    client: TestClient, singletons: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Folder(tmp_path / "elsewhere")
    with made.recorder:
        made.ticks(0, 3)
        assert client.get(f"/api/live?run={RUN_ID}").status_code == 404
        held(monkeypatch, made.recording)
        assert len(live(client, RUN_ID)["rows"]) == 3
        held(monkeypatch, None)
        assert len(live(client, RUN_ID)["rows"]) == 3
        assert client.get(f"/api/runs/{RUN_ID}/run.csv").text == made.text()


def test_answer_tells_no_pids_and_no_folders(client: TestClient, folder: Folder) -> None:
    folder.status(runner_pid=4711, worker_pid=4712)
    folder.ticks(0, 1)
    text = client.get("/api/live", params={"run": RUN_ID}).text
    assert "471" not in text
    assert str(folder.path.parent) not in text


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("run=..%2F..%2Fetc", 400),
        ("run=20260102T030405Z_a_b_c_ffff", 404),
        ("run=idle&points=1e99", 400),
        ("run=idle&span=-1", 400),
        ("run=idle&span=nan", 400),
        ("run=idle&from=x", 400),
        ("run=idle&to=nan", 400),
        ("run=idle&from=9&to=8", 400),
    ],
)
def test_bad_question_is_refused(client: TestClient, query: str, status: int) -> None:
    answer = client.get(f"/api/live?{query}")
    assert answer.status_code == status
    assert answer.json()["message"]


def test_csv_is_whole_and_named(client: TestClient, folder: Folder) -> None:
    assert client.get(f"/api/runs/{RUN_ID}/run.csv").text == ""
    folder.ticks(0, 900)
    answer = client.get(f"/api/runs/{RUN_ID}/run.csv")
    assert answer.text == folder.text()
    assert answer.headers["content-disposition"] == f'attachment; filename="{RUN_ID}.csv"'
    assert answer.headers["content-type"].startswith("text/csv")


def test_routes_are_get_only(client: TestClient) -> None:
    for path in ("/api/live", f"/api/runs/{RUN_ID}/run.csv", "/api/plotly.min.js"):
        assert client.post(path).status_code == 405


def test_plotly_comes_from_the_wheel_and_is_kept(client: TestClient) -> None:
    answer = client.get(f"/api/plotly.min.js?v={plotly.__version__}")
    assert "plotly.js" in answer.text[:300]
    assert "immutable" in answer.headers["cache-control"]
    for other in ("", "?v=0.0.1"):
        assert client.get(f"/api/plotly.min.js{other}").headers["cache-control"] == "no-cache"


def test_cache_is_bounded(singletons: Settings) -> None:
    now = [0.0]
    cache = feed.FeedCache(max_runs=2, clock=lambda: now[0])
    recordings = []
    for index in range(5):
        made = Folder(singletons.runs_dir, f"20260102T03040{index}Z_a_b_c_0a1b")
        with made.recorder:
            recordings.append(made.recording)
    # As many tabs as have asked lately: none evicts another's.
    kept = [cache.get(recording) for recording in recordings]
    assert [cache.get(recording) for recording in recordings] == kept
    now[0] += feed.ASKED_S
    for recording in recordings[:3]:
        cache.get(recording)
    now[0] += 1
    cache.get(recordings[0])
    assert len(cache) == 3
    now[0] += feed.ASKED_S
    assert cache.get(recordings[0]) is kept[0]
    assert len(cache) == 2


@pytest.mark.parametrize(
    ("header", "address", "fits"),
    [
        ("127.0.0.1:8501", "127.0.0.1", True),
        ("localhost", "127.0.0.1", True),
        ("[::1]:8501", "::1", True),
        ("rebound.example:8501", "127.0.0.1", False),
        ("10.0.0.7:8501", "127.0.0.1", False),
        ("127.0.0.1.rebound.example", "127.0.0.1", False),
        ("", "127.0.0.1", False),
        ("127.0.0.2:8501", "127.0.0.2", True),
    ],
)
def test_hosts(header: str, address: str, fits: bool) -> None:
    assert allowed(host_name(header), address) is fits


def test_foreign_host_is_refused_by_every_route(client: TestClient) -> None:
    assert client.get("/api/live", headers={"Host": "rebound.example"}).status_code == 403
    with client.websocket_connect("/echo", headers={"Host": "127.0.0.1:8501"}) as socket:
        assert socket.receive_text() == "hello"
    with (
        pytest.raises(WebSocketDisconnect) as refused,
        client.websocket_connect("/echo", headers={"Host": "rebound.example"}),
    ):
        pass
    assert refused.value.code == 1008


@pytest.mark.parametrize("address", [None, "0.0.0.0", "::", "10.0.0.7", "board.example"])
def test_server_of_others_does_not_start(address: str | None) -> None:
    middleware = [Middleware(HostCheck, address=lambda: address, port=lambda: 8501)]
    messages: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "lifespan.startup"}

    async def send(message: Any) -> None:
        messages.append(message)

    async def start() -> None:
        await Starlette(middleware=middleware)({"type": "lifespan"}, receive, send)

    # In a thread of its own: the browser tests leave a running loop in this one.
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        pool.submit(asyncio.run, start()).result()
    [answer] = messages
    assert answer["type"] == "lifespan.startup.failed"
    assert "no login" in answer["message"]
    assert len(answer["message"].splitlines()) == 1
