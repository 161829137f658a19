"""One run in detail: what it says of itself, its notes, what was found, its logs."""

from __future__ import annotations

import io
import os
import shutil
import zipfile
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from dashboard import run_detail, run_facts_view, sweep_report
from dashboard.words import plain
from orin_core.runs import launcher, store
from orin_core.runs.notes import NOTES, read_notes, write_notes
from orin_core.runs.processes import ProcessId
from orin_core.settings import Settings
from orin_core.spec import MAX_NOTES
from orin_core.sweeps import spec as specs
from orin_core.sweeps import state as sweeps
from orin_core.sweeps.state import CellProgress, CellState
from tests.unit.dashboard.conftest import RUN_ID, Folder
from tests.unit.dashboard.test_runs_page import HOSTILE, ended, html_of, models, runs_page


def test_run_that_goes_on_offers_neither_delete_nor_repeat(
    singletons: Settings, folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launcher, "active", lambda settings: folder.recording)
    app = runs_page(run=RUN_ID)
    assert not {"runs_delete", "run_again"} & {button.key for button in app.button}
    assert any("is going on" in box.value for box in app.info)


def test_page_of_a_run_hears_of_its_end(singletons: Settings, folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    mounted: list[dict[str, Any]] = []
    monkeypatch.setattr(run_detail, "live_chart", lambda **arguments: mounted.append(arguments))
    monkeypatch.setattr(launcher, "active", lambda settings: folder.recording)
    app = runs_page(run=RUN_ID)
    ended(folder)
    monkeypatch.setattr(launcher, "active", lambda settings: None)
    app.run()
    assert [(one["active"], one["follow"]) for one in mounted] == [(RUN_ID, True), (None, False)]
    assert not any("is going on" in box.value for box in app.info)


def test_run_that_was_killed_says_so(singletons: Settings, folder: Folder) -> None:
    folder.status(state="running")
    assert any("was interrupted" in box.value for box in runs_page(run=RUN_ID).warning)
    me = ProcessId.of(os.getpid())
    assert me is not None
    folder.status(state="running", runner_pid=me.pid, runner_start=me.start)
    app = runs_page(run=RUN_ID)
    assert not app.warning
    assert any("not on the board of this dashboard" in box.value for box in app.info)
    (folder.path / store.STATUS).unlink()
    assert any("was interrupted" in box.value for box in runs_page(run=RUN_ID).warning)


def test_notes_are_edited_on_the_page(singletons: Settings, folder: Folder) -> None:
    ended(folder)
    app = runs_page(run=RUN_ID)
    [area] = app.text_area
    area.set_value("Lid open.").run()
    assert not (folder.path / NOTES).exists()
    assert any("Not saved yet" in caption.value for caption in app.caption)
    app.button(key="run_notes_save").click().run()
    assert read_notes(folder.recording) == "Lid open."
    assert not any("Not saved yet" in caption.value for caption in app.caption)
    write_notes(folder.recording, "Of another tab.")
    assert runs_page(run=RUN_ID).text_area[0].value == "Of another tab."


def test_tab_where_nobody_typed_shows_the_newest_notes(singletons: Settings, folder: Folder) -> None:
    ended(folder)
    app = runs_page(run=RUN_ID)
    write_notes(folder.recording, "Of another tab.")
    app.run()
    assert app.text_area[0].value == "Of another tab."
    assert not any("Not saved yet" in caption.value for caption in app.caption)
    app.button(key="run_notes_save").click().run()
    assert read_notes(folder.recording) == "Of another tab."


@pytest.mark.parametrize("choice", ["run_notes_mine", "run_notes_theirs"])
def test_notes_that_two_tabs_changed_are_not_overwritten_unasked(
    singletons: Settings, folder: Folder, choice: str
) -> None:
    ended(folder)
    app = runs_page(run=RUN_ID)
    app.text_area[0].set_value("Mine.").run()
    write_notes(folder.recording, "Theirs.")
    app.button(key="run_notes_save").click().run()
    assert read_notes(folder.recording) == "Theirs."
    assert any("They now say: Theirs." in box.value for box in app.warning)
    app.button(key=choice).click().run()
    kept = {"run_notes_mine": "Mine.", "run_notes_theirs": "Theirs."}[choice]
    assert (read_notes(folder.recording), app.text_area[0].value) == (kept, kept)
    assert not app.warning


@pytest.mark.parametrize("asked", ["Lid open. \n", "x" * (MAX_NOTES + 10)])
def test_notes_that_nobody_touched_are_not_called_unsaved(singletons: Settings, folder: Folder, asked: str) -> None:
    ended(folder)
    store.write_json(folder.path / store.SPEC, {"model": "m", "dataset": "d", "notes": asked})
    assert not any("Not saved yet" in caption.value for caption in runs_page(run=RUN_ID).caption)


def test_environment_events_and_logs_are_shown_as_text(singletons: Settings, folder: Folder) -> None:
    ended(folder)
    worker = {"torch": "2.4.0", "odd": HOSTILE}
    found = {"board": HOSTILE, "page_open": True, "l4t": None, "notes": "kept elsewhere", "strange_key": [1, 2]}
    store.write_json(folder.path / store.ENVIRONMENT, {**found, "worker": worker, "power_limits": {"gpu_mhz": 1300}})
    folder.recorder.event("notice", folder.recorder.t0_s + 2.5, notice="x", message=HOSTILE)
    (folder.path / store.WORKER_LOG).write_text(HOSTILE + "\x1b[31m")
    (folder.path / run_facts_view.RUNNER_LOG).write_text("Traceback")
    app = runs_page(run=RUN_ID)
    text = html_of(app)
    assert "<img src=x" not in text
    for cell in ("&lt;img src=x", "<td>yes</td>", "<td>–</td>", "<td>Torch</td><td>2.4.0</td>", "gpu mhz: 1300"):
        assert cell in text, cell
    assert "<td>Strange key</td><td>1, 2</td>" in text
    assert "kept elsewhere" not in text
    assert "<td>2.5 s</td><td>notice</td>" in text
    assert [block.value for block in app.code] == [HOSTILE + "�[31m", "Traceback"]


def test_damaged_run_is_still_shown(singletons: Settings, folder: Folder) -> None:
    for name in (store.SPEC, store.ENVIRONMENT, store.SUMMARY, store.EVENTS, NOTES):
        (folder.path / name).write_text("[]\n{")
    app = runs_page(run=RUN_ID)
    assert not app.error
    assert "run_again" not in {button.key for button in app.button}
    assert models(runs_page()) == [""]


def test_tail_takes_whole_lines_from_the_end(folder: Folder) -> None:
    path = folder.path / "a.log"
    path.write_text("".join(f"line {number}\n" for number in range(1000)))
    text = run_facts_view.tail(path, 100)
    assert text.splitlines()[-1] == "line 999"
    assert all(line.startswith("line ") for line in text.splitlines())
    assert len(text) <= 100
    assert run_facts_view.tail(folder.path / "none.log") == ""


def navigated() -> None:
    import streamlit as st

    from dashboard import links, runs

    pages = [
        st.Page(runs.page, title="Runs", default=True),
        st.Page(lambda: None, title="Sweeps", url_path="sweeps"),
    ]
    links.keep({"sweep": pages[1]})
    st.navigation(pages).run()


def test_cell_leads_to_its_sweep_and_the_sweep_to_its_report(singletons: Settings, folder: Folder) -> None:
    asked = specs.from_json({"name": "night", "models": ["resnet-152"], "datasets": ["cifar100"]})
    sweep = sweeps.make(asked, singletons, ["001"])
    store.write_json(folder.path / store.SPEC, {**folder.recording.spec(), "sweep": sweep.sweep_id, "cell": "001"})
    ended(folder)
    app = AppTest.from_function(navigated, default_timeout=60)
    app.query_params["run"] = RUN_ID
    app.run()
    assert not app.exception
    [link] = app.get("page_link")
    assert (link.proto.label, link.proto.query_string) == (
        "Cell 001 of sweep night",
        f"sweep={sweep.sweep_id}",
    )
    [table] = [box.value for box in app.markdown if "| **Run** |" in box.value]
    assert f"| Sweep | {plain(sweep.sweep_id)} |" in table
    assert "| Cell | 001 |" in table

    offer = AppTest.from_function(offered, args=(sweep.sweep_id,)).run()
    assert not offer.get("download_button"), "nothing is done yet"
    done = CellProgress(state=CellState.DONE, run_id=RUN_ID)
    sweep.write(sweep.progress().with_cell("001", done))
    assert [button.proto.label for button in offer.run().get("download_button")] == ["Download report (zip)"]
    with zipfile.ZipFile(io.BytesIO(sweep_report.report_zip(sweep.sweep_id, singletons.runs_dir))) as archive:
        names = set(archive.namelist())
        assert {"report.md", "report.html", "report.csv", "repeats.csv"} <= names
        assert sweep.sweep_id in archive.read("report.md").decode()

    shutil.rmtree(sweep.folder)
    app = AppTest.from_function(navigated, default_timeout=60)
    app.query_params["run"] = RUN_ID
    assert not app.run().get("page_link"), "it would lead to nothing"


def offered(sweep_id: str) -> None:
    from dashboard import state, sweep_report
    from orin_core.sweeps.state import find_sweep

    sweep = find_sweep(state.settings(), sweep_id)
    sweep_report.offer(sweep, sweep.progress())
