from __future__ import annotations

import io
import os
import shutil
import tempfile
import zipfile
from pathlib import Path

import pandas as pd
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from dashboard import api, state
from orin_core.runs import store
from orin_core.runs.exports import FORMATS
from orin_core.runs.lock import BoardLock, Holder
from orin_core.runs.processes import ProcessId
from orin_core.settings import Settings
from tests.unit.dashboard.conftest import RUN_ID, Folder


@pytest.fixture
def client(singletons: Settings) -> TestClient:
    return TestClient(Starlette(routes=api.routes()), base_url="http://127.0.0.1")


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.mark.parametrize(
    ("file_format", "name", "kind"),
    [
        ("csv", f"{RUN_ID}.csv", "text/csv"),
        ("scales", f"{RUN_ID}_scales.csv", "text/csv"),
        ("parquet", f"{RUN_ID}.parquet", "application/vnd.apache.parquet"),
        ("zip", f"{RUN_ID}.zip", "application/zip"),
    ],
)
def test_every_format_comes_as_a_named_file(
    file_format: str, name: str, kind: str, client: TestClient, folder: Folder, temporary: Path
) -> None:
    folder.ticks(0, 6)
    answer = client.get(f"/api/runs/{RUN_ID}/export/{file_format}")
    assert answer.status_code == 200
    assert answer.headers["content-disposition"] == f'attachment; filename="{name}"'
    assert answer.headers["content-type"].startswith(kind)
    assert answer.headers["cache-control"] == "no-store"
    assert int(answer.headers["content-length"]) == len(answer.content)
    assert list(temporary.iterdir()) == [], "the file has gone with the answer"


def test_what_comes_is_what_the_run_holds(client: TestClient, folder: Folder) -> None:
    folder.ticks(0, 6)

    def get(file_format: str) -> bytes:
        return client.get(f"/api/runs/{RUN_ID}/export/{file_format}").content

    assert get("csv").decode() == folder.text()
    assert list(pd.read_parquet(io.BytesIO(get("parquet")))["Used RAM (MB)"]) == [3000 + index for index in range(6)]
    assert len(pd.read_csv(io.BytesIO(get("scales")), skiprows=1)) == 6
    with zipfile.ZipFile(io.BytesIO(get("zip"))) as archive:
        assert archive.read(f"{RUN_ID}/run.csv").decode() == folder.text()
        assert not [name for name in archive.namelist() if Path(name).name.startswith(".")]


def test_half_written_row_is_not_sent(client: TestClient, folder: Folder) -> None:
    folder.ticks(0, 3)
    whole = folder.text()
    with folder.recording.csv_path.open("a") as stream:
        stream.write("3,4000,30")
        stream.flush()
        assert client.get(f"/api/runs/{RUN_ID}/export/csv").text == whole


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        (f"/api/runs/{RUN_ID}/export/xlsx", 400, "no format 'xlsx'"),
        (f"/api/runs/{RUN_ID[:-4]}ffff/export/csv", 404, "is not here (any more)"),
        ("/api/runs/..%2F..%2Fetc/export/csv", 404, ""),
        ("/api/runs/etc/export/csv", 400, "no run id"),
    ],
)
def test_refusals(path: str, status: int, words: str, client: TestClient, folder: Folder) -> None:
    folder.ticks(0, 1)
    answer = client.get(path)
    assert (answer.status_code, words in answer.text) == (status, True)
    assert client.post(f"/api/runs/{RUN_ID}/export/csv").status_code == 405


@pytest.mark.parametrize("file_format", FORMATS)
def test_run_without_rows(file_format: str, client: TestClient, folder: Folder) -> None:
    answer = client.get(f"/api/runs/{RUN_ID}/export/{file_format}")
    if file_format == "zip":
        assert answer.status_code == 200
    else:
        assert answer.status_code == 404
        assert answer.json()["message"] == "This run has no rows yet."


def test_damaged_rows_are_told(client: TestClient, folder: Folder, temporary: Path) -> None:
    folder.ticks(0, 2)
    path = folder.path / store.RUN_CSV
    path.write_text(path.read_text().replace(",3001,", ",many,"))
    answer = client.get(f"/api/runs/{RUN_ID}/export/parquet")
    assert answer.status_code == 500
    assert "no number" in answer.json()["message"]
    assert list(temporary.iterdir()) == []


def test_link_to_a_run_that_has_gone_answers_with_a_page(client: TestClient, folder: Folder) -> None:
    folder.ticks(0, 2)
    shutil.rmtree(folder.path)
    path = f"/api/runs/{RUN_ID}/export/parquet"
    answer = client.get(path, headers={"accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/html")
    assert "content-disposition" not in answer.headers
    assert f"Run {RUN_ID} is not here (any more)." in answer.text
    assert 'href="/runs"' in answer.text
    assert client.get(path).json()["message"].endswith("is not here (any more)."), "a program gets JSON"


def test_links_lead_nowhere(client: TestClient, folder: Folder, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("index,elapsed_s\n1,2\n")
    (folder.path / store.RUN_CSV).unlink()
    (folder.path / store.RUN_CSV).symlink_to(secret)
    for address in ("run.csv", "export/csv", "export/scales", "export/parquet"):
        assert client.get(f"/api/runs/{RUN_ID}/{address}").status_code == 404, address


def test_lock_file_cannot_name_any_folder(
    client: TestClient, singletons: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every user of the machine may write it, so a folder in it must be of the runner's user, or of ours."""
    me = ProcessId.of(os.getpid())
    run_id, linked = RUN_ID.replace("0a1b", "0a1c"), RUN_ID.replace("0a1b", "0a1d")
    (tmp_path / "elsewhere").mkdir()
    made = Folder(tmp_path / "elsewhere", run_id)
    (tmp_path / "elsewhere" / linked).symlink_to(made.path)

    def answer(folder: Path) -> int:
        lock.write(Holder(folder=folder, runner=me, worker=None))
        return client.get(f"/api/runs/{folder.name}/run.csv").status_code

    with made.recorder, BoardLock(singletons.state_dir) as lock:
        made.ticks(0, 1)
        assert answer(tmp_path / "elsewhere" / linked) == 404
        with monkeypatch.context() as patch:
            patch.setattr(os, "getuid", lambda: os.geteuid() + 1)
            assert answer(made.path) == 200, "of the runner's user"
        state.reset()
        strange = os.stat_result([0o40755, 0, 0, 1, os.geteuid() + 2, 0, 0, 0, 0, 0])
        with monkeypatch.context() as patch:
            patch.setattr(Path, "lstat", lambda path: strange)
            assert answer(made.path) == 404, "of a third one"
        assert answer(made.path) == 200, "of ours"


def test_page_of_a_refusal_shows_foreign_text_as_it_is(client: TestClient) -> None:
    answer = client.get("/api/runs/%3Cimg%20src%3Dx%3E/export/csv", headers={"accept": "text/html"})
    assert answer.status_code == 400
    assert "<img" not in answer.text
