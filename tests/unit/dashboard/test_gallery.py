"""The gallery's routes, its place on the page, and the demo view."""

from __future__ import annotations

import base64

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient
from streamlit.testing.v1 import AppTest

from dashboard import demo, gallery_api
from orin_core.runs import gallery, store
from orin_core.settings import Settings
from tests.support import jpeg_bytes
from tests.unit.dashboard.conftest import RUN_ID, Folder, held
from tests.unit.dashboard.pages import HOME, SUMMARY

JPEG = jpeg_bytes()
HOSTILE = '<img src=x onerror=alert(1)> "tabby" & co'


def filled(folder: Folder, *, title: str = "tabby 0.93", kind: str = "classification") -> None:
    one = {"jpeg": base64.b64encode(JPEG).decode(), "title": title, "kind": kind}
    other = one if kind == "depth" else {**one, "title": f"{title} too"}
    assert gallery.keep(folder.path, {"pictures": [one, other], "classes": 1000})[0] == 2


@pytest.fixture
def gallery_client(singletons: Settings) -> TestClient:
    return TestClient(Starlette(routes=gallery_api.routes()), base_url="http://127.0.0.1")


def test_the_list_and_the_pictures_are_given_out(gallery_client: TestClient, folder: Folder) -> None:
    address = f"/api/runs/{RUN_ID}/gallery"
    assert gallery_client.get(f"{address}.json").json() == []
    filled(folder)
    answer = gallery_client.get(f"{address}.json")
    assert answer.json() == [
        {"file": "0.jpg", "title": "tabby 0.93", "kind": "classification"},
        {"file": "1.jpg", "title": "tabby 0.93 too", "kind": "classification"},
    ]
    assert answer.headers["cache-control"] == "no-store"
    picture = gallery_client.get(f"{address}/1.jpg")
    assert picture.content == JPEG
    assert picture.headers["content-type"] == "image/jpeg"
    assert picture.headers["x-content-type-options"] == "nosniff"
    assert "immutable" in picture.headers["cache-control"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"{RUN_ID}/gallery/2.jpg", 404),
        (f"{RUN_ID}/gallery/gallery.json", 404),
        (f"{RUN_ID}/gallery/..%2Fspec.json", 404),
        ("20260102T030405Z_a_b_c_ffff/gallery/0.jpg", 404),
        ("20260102T030405Z_a_b_c_ffff/gallery.json", 404),
        ("nonsense/gallery/0.jpg", 400),
        ("nonsense/gallery.json", 400),
    ],
)
def test_what_is_no_picture_is_refused(gallery_client: TestClient, folder: Folder, path: str, status: int) -> None:
    filled(folder)
    assert gallery_client.get(f"/api/runs/{path}").status_code == status
    assert gallery_client.post(f"/api/runs/{RUN_ID}/gallery/0.jpg").status_code == 405


def html_of(app: AppTest) -> str:
    return "\n".join(str(element.proto.body) for element in app.get("html"))


def ended(folder: Folder) -> None:
    folder.ticks(0, 3)
    folder.status(state="done", phase="cooldown")
    store.write_json(folder.path / store.SUMMARY, SUMMARY)


def demo_page(run: str | None = None) -> AppTest:
    app = AppTest.from_file(str(HOME), default_timeout=60)
    app.query_params["view"] = "demo"
    if run:
        app.query_params["run"] = run
    return app.run()


def test_the_demo_view_of_a_run_that_ended_has_verdict_and_pictures(folder: Folder) -> None:
    ended(folder)
    filled(folder, title=HOSTILE)
    store.write_json(folder.path / store.ENVIRONMENT, {"weights": "random", "images": "synthetic"})
    app = demo_page(RUN_ID)
    assert not app.exception
    shown = html_of(app)
    assert f"/api/runs/{RUN_ID}/gallery/1.jpg" in shown
    assert "<img src=x" not in shown
    assert "&lt;img src=x" in shown
    assert "Random weights: what the model says means nothing." in shown
    assert "data-verdict=" in shown
    assert "leave demo view" in shown
    assert f'href="/?run={RUN_ID}"' in shown
    assert not app.sidebar.button


def test_the_demo_view_of_the_idle_board_says_what_to_do(singletons: Settings) -> None:
    app = demo_page()
    assert not app.exception
    assert any("idle" in text.value for text in app.markdown)
    assert "leave demo view" in html_of(app)


def test_the_demo_view_follows_a_run_and_its_pictures(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    held(monkeypatch, folder.recording)
    folder.status(phase="load")
    app = demo_page()
    assert not app.exception
    assert app.query_params["run"] in (RUN_ID, [RUN_ID])
    assert any("come here" in text.value for text in app.caption)
    filled(folder)
    folder.status(phase="measure")
    app.run()
    assert f"/api/runs/{RUN_ID}/gallery/0.jpg" in html_of(app)


def test_what_is_said_of_all_alike_is_said_once(folder: Folder) -> None:
    ended(folder)
    filled(folder, title="relative depth", kind="depth")
    shown = html_of(demo_page(RUN_ID))
    assert "<figcaption>" not in shown
    assert "Relative depth. Bright is near" in shown
    assert 'alt="relative depth"' in shown


def test_an_audience_that_waits_sees_the_pictures_of_an_earlier_run(folder: Folder) -> None:
    ended(folder)
    filled(folder)
    app = demo_page()
    assert any("From an earlier run:** resnet" in text.value for text in app.markdown)
    assert f"/api/runs/{RUN_ID}/gallery/0.jpg" in html_of(app)


def test_a_run_whose_pictures_never_came_says_so(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    held(monkeypatch, folder.recording)
    folder.status(phase="measure")
    assert any("no pictures" in text.value for text in demo_page().caption)


def test_a_run_without_pictures_shows_nothing() -> None:
    def script() -> None:
        from pathlib import Path

        from dashboard import gallery
        from orin_core.runs.recording import Recording

        gallery.show(Recording(folder=Path("/nowhere")))

    app = AppTest.from_function(script, default_timeout=60).run()
    assert not app.exception
    assert not app.get("html")


def test_links_to_the_view() -> None:
    assert demo.link(None) == "/?view=demo"
    assert demo.link(RUN_ID) == f"/?view=demo&run={RUN_ID}"
