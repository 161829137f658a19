"""The System page in a real browser."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import Server, Viewer
from tests.e2e.test_live import LONG_MS, settled

pytestmark = pytest.mark.browser


@pytest.mark.torch
def test_machine_is_checked_on_demand_and_kept_for_other_tabs(server: Server, viewer: Viewer) -> None:
    page = viewer.open(server.url)
    page.get_by_role("link", name="System").click()
    expect(page.get_by_text("Not yet confirmed on a Jetson")).to_be_visible(timeout=LONG_MS)
    expect(page.get_by_text("Nothing was checked yet.")).to_be_visible(timeout=LONG_MS)
    page.get_by_role("button", name="Check this machine").click()
    expect(page.locator(".orin-checks")).to_be_visible(timeout=LONG_MS)
    settled(page)
    for group in ("Board", "Telemetry", "Inference", "Machine"):
        expect(page.locator(".orin-checks th", has_text=group)).to_be_visible()
    row = page.locator(".orin-checks tr", has=page.get_by_text("power mode", exact=True))
    expect(row).to_contain_text("✔ ok")
    expect(row).to_contain_text("MAXN, verified in sysfs")
    port = page.locator(".orin-checks tr", has=page.get_by_text("port", exact=True))
    expect(port).to_contain_text(f"The dashboard listens on 127.0.0.1:{server.port}")
    assert page.locator('.orin-checks tr[data-state="problem"]').count() == 0
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    viewer.shot(page, "system")

    page.get_by_text("Let a user switch power modes").click()
    expect(page.get_by_text("nvpmodel -m 3").last).to_be_visible(timeout=LONG_MS)

    other = viewer.open(f"{server.url}/system")
    expect(other.locator(".orin-checks")).to_be_visible(timeout=LONG_MS)
    assert not [line for line in Path(f"/proc/{server.pid}/maps").read_text().splitlines() if "torch" in line]
