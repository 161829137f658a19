"""The HTML report in a real browser that has no network."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Request, expect

from orin_core.report.write import write_report
from tests.e2e.conftest import ARTIFACTS
from tests.unit.report.built import report_runs
from tests.unit.report.folders import write_run

pytestmark = pytest.mark.browser


def test_the_file_needs_nothing_but_itself(browser: Browser, tmp_path: Path) -> None:
    for one in report_runs():
        write_run(tmp_path / "runs", one)
    (path,) = write_report(tmp_path / "runs", tmp_path / "out", formats=["html"])
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_offline(True)
    page = context.new_page()
    problems: list[str] = []

    def on_request(request: Request) -> None:
        if not request.url.startswith(("data:", path.as_uri())):
            problems.append(f"request to {request.url}")

    page.on("request", on_request)
    page.on("pageerror", lambda error: problems.append(f"page error: {error}"))
    page.on("console", lambda message: problems.append(f"console: {message.text}"))
    page.on("dialog", lambda dialog: problems.append(f"dialog: {dialog.message}"))
    page.goto(path.as_uri())

    expect(page.get_by_role("heading", name="ResNet-152", exact=True)).to_be_visible()
    first = page.locator("#resnet-152 .results tbody tr").first
    expect(first).to_contain_text("MAXN")
    expect(first).to_contain_text("VALID")
    refused = page.locator('tr[data-status="refused"]')
    expect(refused).to_contain_text("IMPLAUSIBLE")
    assert refused.locator("td b").count() == 0

    images = page.locator("img")
    assert images.count() >= 20
    assert page.evaluate("[...document.images].every((one) => one.complete && one.naturalWidth > 600)")
    # The name of a local model that looks like markup made none.
    assert page.locator("img:not([src^='data:image/png'])").count() == 0
    assert page.evaluate("document.scripts.length") == 0

    backgrounds = set()
    ARTIFACTS.mkdir(exist_ok=True)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        backgrounds.add(page.evaluate("getComputedStyle(document.body).backgroundColor"))
        page.screenshot(path=ARTIFACTS / f"report-html-{scheme}.png", full_page=True)
    assert len(backgrounds) == 2
    for width in (1280, 420):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), width
    page.emulate_media(media="print")
    page.pdf(path=ARTIFACTS / "report-html.pdf", prefer_css_page_size=True, print_background=True)
    context.close()
    assert not problems, problems
