"""The board of a sweep: what is sent of it and when, and what it says in every state."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from starlette.testclient import TestClient

from dashboard import state as keys
from dashboard import sweep_matrix, sweep_now
from orin_core.runs import launcher
from orin_core.runs.recording import Recording
from orin_core.settings import Settings
from orin_core.sweeps import queue, state
from orin_core.sweeps.state import Attempt, CellProgress, CellState, Sweep, SweepState, Wanted
from tests.unit.dashboard.test_sweep_page import board, button_keys, make, mounted, myself, page, set_cells, texts
from tests.unit.report import built
from tests.unit.report.folders import write_run

FPS = "average_fps"
PARTS = {"page", "head", "end", "status", "matrix"}


def ask(client: TestClient, sweep: Sweep | None, tag: str = "", what: str = FPS) -> dict[str, Any]:
    query = httpx.QueryParams({**({"id": sweep.sweep_id} if sweep else {}), "show": what, "tag": tag})
    answer = client.get(f"/api/sweep?{query}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def running(run_id: str | None = None) -> CellProgress:
    return CellProgress(
        state=CellState.RUNNING, attempts=(Attempt(run_id=run_id, begun_utc="2026-03-01T00:00:00.000Z"),)
    )


def test_browser_gets_what_has_changed_and_nothing_else(singletons: Settings, client: TestClient) -> None:
    sweep = make(singletons)
    set_cells(sweep, SweepState.RUNNING, "Cooling down: 47.5 °C.", _001=running(), **myself())
    first = ask(client, sweep)
    assert first.keys() == {"tag", "now_unix_s", *PARTS}
    assert ask(client, sweep, first["tag"]).keys() == {"tag", "now_unix_s"}

    set_cells(sweep, SweepState.RUNNING, "Cooling down: 46.5 °C.", _001=running(), **myself())
    second = ask(client, sweep, first["tag"])
    assert second.keys() == {"tag", "now_unix_s", "status"}
    assert second["status"]["text"] == "Waits: Cooling down: 46.5 °C."
    assert second["status"]["told"] == first["status"]["told"] == "The sweep is running. Cooling down"

    set_cells(sweep, SweepState.RUNNING, "Cooling down: 46.5 °C.", _001=CellProgress(state=CellState.DONE), **myself())
    assert ask(client, sweep, second["tag"]).keys() == {"tag", "now_unix_s", "head", "matrix"}
    sweep.want(Wanted.PAUSE)
    assert {"page", "head"} <= ask(client, sweep, second["tag"]).keys(), "its buttons are others"
    set_cells(sweep, SweepState.STOPPED, "The sweep was stopped.")
    assert ask(client, sweep)["status"]["told"] == "The sweep was stopped.", "said once"
    for garbled in ("x", "1.2.3.4.5.6", "." * 4, "é" * 100):
        assert ask(client, sweep, garbled).keys() == first.keys()


def test_answer_is_made_once_for_all_tabs(singletons: Settings) -> None:
    sweep = make(singletons)
    one = sweep_now.look(singletons, sweep.sweep_id, FPS)
    assert sweep_now.look(singletons, sweep.sweep_id, FPS) is one
    set_cells(sweep, SweepState.PAUSED)
    assert sweep_now.look(singletons, sweep.sweep_id, FPS) is not one


def test_page_is_run_again_for_whatever_stands_beside_the_board(
    singletons: Settings, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    signs = [ask(client, None)["page"]["sign"]]

    def changed(sweep: Sweep | None) -> bool:
        signs.append(ask(client, sweep)["page"]["sign"])
        return bool(signs[-1] != signs[-2])

    assert not changed(None)
    sweep = make(singletons)
    assert changed(None), "the first sweep"
    signs.append(ask(client, sweep)["page"]["sign"])
    assert not changed(sweep)
    with queue.conducting(singletons):
        assert changed(sweep), "somebody works on the queue"
    assert changed(sweep), "nobody does any more"
    other = make(singletons, "other")
    assert changed(sweep), "another one in the queue"
    set_cells(other, SweepState.PAUSED)
    other.want(Wanted.PAUSE)
    assert changed(sweep), "another one stands elsewhere"
    queue.move(singletons, other.sweep_id, 1)
    assert changed(sweep), "another order"
    folder = write_run(singletons.runs_dir, built.run(1))
    (folder / "spec.json").write_text("{}")
    monkeypatch.setattr(launcher, "active", lambda settings: Recording(folder=folder))
    assert changed(sweep), "a single run on the board"
    set_cells(sweep, SweepState.RUNNING, _001=running(folder.name), **myself())
    assert changed(sweep), "a cell of it has begun"
    shutil.rmtree(other.folder)
    assert changed(sweep), "another one is deleted"


def test_route_takes_only_ids_and_figures_that_there_may_be(singletons: Settings, client: TestClient) -> None:
    for query in ("id=../../etc", "id=x", f"show={'x' * 2000}"):
        answer = client.get(f"/api/sweep?{query}")
        assert (answer.status_code, answer.json()["message"]) == (400, "There is no such sweep.")
    gone = make(singletons)
    shutil.rmtree(gone.folder)
    assert ask(client, gone).keys() == {"tag", "now_unix_s", "page"}
    assert client.post("/api/sweep").status_code == 405


def dead(settings: Settings, sweep: Sweep) -> None:
    set_cells(sweep, SweepState.RUNNING, _001=running("20260301T000000Z_x_y_MAXN_0001"))


def held_back(settings: Settings, sweep: Sweep) -> None:
    sweep.want(Wanted.PAUSE)


def stopping(settings: Settings, sweep: Sweep) -> None:
    set_cells(sweep, SweepState.RUNNING, _001=running(), **myself())
    sweep.want(Wanted.STOP)


def paused(settings: Settings, sweep: Sweep) -> None:
    set_cells(sweep, SweepState.PAUSED, "Paused.", _001=CellProgress(state=CellState.DONE))
    sweep.want(Wanted.PAUSE)


def failed(settings: Settings, sweep: Sweep) -> None:
    set_cells(sweep, SweepState.FAILED, "Cell 001 failed: no <model>.", _001=CellProgress(state=CellState.FAILED))


@pytest.mark.parametrize(
    ("put", "badge", "says", "offers"),
    [
        (dead, "interrupted", "Was at: resnet-152 · MAXN</div>", {"sweep_resume", "sweep_stop"}),
        (held_back, "held back", "0 of 2 runs done", {"sweep_resume", "sweep_stop"}),
        (stopping, "stopping", "It stops as soon as its run has ended", set()),
        (paused, "paused", "1 of 2 runs done", {"sweep_resume", "sweep_stop"}),
        (failed, "failed", "no \\<model\\>", {"sweep_resume"}),
    ],
)
def test_state_has_its_word_and_its_buttons(
    singletons: Settings, put: Callable[[Settings, Sweep], None], badge: str, says: str, offers: set[str]
) -> None:
    put(singletons, make(singletons))
    app = page()
    told = texts(app)
    assert f">{badge}</span>" in told
    assert says in told
    assert button_keys(app) & {"sweep_resume", "sweep_pause", "sweep_stop"} == offers


def test_sweep_after_a_power_cut_is_not_shown_as_if_it_went_on(
    singletons: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep = make(singletons)
    dead(singletons, sweep)
    app = page()
    assert "running when its process ended" in texts(app)
    assert 'data-state="interrupted"' in texts(app)
    assert board(app)["end"]["runs"] is False
    assert "orin_live_chart" not in mounted(app)
    # Its run has outlived the process that works on the queue.
    folder = singletons.runs_dir / "20260301T000000Z_x_y_MAXN_0001"
    folder.mkdir(parents=True)
    monkeypatch.setattr(launcher, "active", lambda settings: Recording(folder=folder))
    app = page()
    assert f'Now: resnet-152 · MAXN <a href="/?run={folder.name}"' in texts(app)
    assert "▶ running now" in texts(app)
    assert mounted(app)["orin_live_chart"]["run"] == folder.name


def test_chart_of_the_present_run_is_there_until_it_is_folded_away(singletons: Settings) -> None:
    sweep = make(singletons)
    run_id = "20260301T000000Z_x_y_MAXN_0001"
    # A clock that was put back: the run that goes on is not the newest one.
    earlier = Attempt(run_id="20260401T000000Z_x_y_50W_0002", outcome="done", begun_utc="2026-04-01T00:00:00.000Z")
    done = CellProgress(state=CellState.DONE, run_id=earlier.run_id, attempts=(earlier,))
    set_cells(sweep, SweepState.RUNNING, _001=running(run_id), _002=done, **myself())
    app = page()
    assert mounted(app)["orin_live_chart"]["run"] == run_id
    app.checkbox(key=keys.FORM_SWEEP_CHART).uncheck().run()
    assert "orin_live_chart" not in mounted(app)
    assert app.query_params["chart"] in ("0", ["0"])
    assert "orin_live_chart" not in mounted(page(chart="0"))


def test_end_is_a_number_that_the_browser_counts_down_from(singletons: Settings) -> None:
    sweep = make(singletons, repeats=2)
    done = CellProgress(
        state=CellState.DONE,
        attempts=(
            Attempt(
                run_id="a", outcome="done", begun_utc="2026-03-01T00:00:00.000Z", ended_utc="2026-03-01T00:01:30.000Z"
            ),
        ),
    )
    assert board(page())["end"] == {"runs": False, "behind_s": None, "cell_end_unix_s": None}
    set_cells(sweep, SweepState.RUNNING, _001=done, **myself())
    assert board(page())["end"] == {"runs": True, "behind_s": 270, "cell_end_unix_s": None}
    set_cells(sweep, SweepState.PAUSED, _001=done)
    sweep.want(Wanted.PAUSE)
    assert board(page())["end"] == {"runs": False, "behind_s": 270, "cell_end_unix_s": None}
    set_cells(sweep, SweepState.STOPPED, _001=done)
    assert board(page())["end"] is None


@pytest.mark.parametrize("simulated", [True, False])
def test_warning_of_the_simulated_board_goes_by_the_sweep(singletons: Settings, simulated: bool) -> None:
    sweep = make(singletons, repeats=2)
    assert "nothing in it is ranked" in texts(page()), "so far by the board of this machine"
    for number, cell_id in ((1, "_001"), (2, "_003")):
        source = "simulated" if simulated else "tegrastats"
        summary = built.run(
            number,
            power_w=10.0 + number,
            status="simulated" if simulated else "valid",
            simulated=simulated,
            source=source,
        )
        write_run(singletons.runs_dir, summary)
        done: dict[str, Any] = {cell_id: CellProgress(state=CellState.DONE, run_id=str(summary["run_id"]))}
        set_cells(sweep, SweepState.PAUSED, **done)
    told = texts(page(show="power_draw_w"))
    assert ("nothing in it is ranked" in told) is simulated
    assert ('td data-state="pending" data-step' in told) is not simulated, "invented watts are ranked as little"


def test_damaged_and_deleted_sweeps_cost_no_page(singletons: Settings) -> None:
    kept, sweep = make(singletons, "kept"), make(singletons, "damaged")
    (sweep.folder / state.SPEC).write_text('{"models": 3}')
    app = page(sweep=sweep.sweep_id)
    assert app.error
    assert board(app).keys() == {"sweep", "show", "tag", "now_unix_s", "page"}, "the board goes on looking"
    app.button(key=f"sweep_out_{sweep.sweep_id}").click().run()
    assert queue.order(singletons) == [kept.sweep_id]
    # Mended by hand, it is shown again; deleted while it is open, another one is.
    shutil.copy(kept.folder / state.SPEC, sweep.folder / state.SPEC)
    app.run()
    assert board(app)["sweep"] == sweep.sweep_id
    shutil.rmtree(sweep.folder)
    app.run()
    assert not app.exception
    assert f"There is no sweep {sweep.sweep_id}" in texts(app).replace("\\", "")
    assert board(app)["sweep"] == kept.sweep_id


def test_link_of_a_run_is_named_by_its_cell(singletons: Settings) -> None:
    sweep = make(singletons, batch_sizes=[1, 2])
    set_cells(
        sweep, SweepState.PAUSED, _001=CellProgress(state=CellState.DONE, run_id="20260301T000000Z_x_y_MAXN_0001")
    )
    table = sweep_now.look(singletons, sweep.sweep_id, sweep_matrix.VALIDITY).parts["matrix"]
    assert 'aria-label="open run: ResNet-152, batch 1, MAXN"' in table
