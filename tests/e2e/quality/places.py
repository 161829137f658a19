"""The pages that are asked everything: where each is, when it is ready, what is opened first."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.e2e.test_import import drop, log_text
from tests.e2e.test_live import LONG_MS, PLOT, settled


def with_log(page: Page, folder: Path) -> None:
    path = folder / "depth log of October.txt"
    path.write_text(log_text((40, 240), (330, 480), seconds=560))
    drop(page, path)
    expect(page.locator(".orin-cut tr")).to_have_count(3, timeout=LONG_MS)


def with_checks(page: Page, folder: Path) -> None:
    page.get_by_role("button", name="Check this machine").click()
    expect(page.locator(".orin-checks")).to_be_visible(timeout=LONG_MS)


def with_all_open(page: Page, folder: Path) -> None:
    """Opens what is folded, so that it is looked at as well."""
    for summary in page.locator('[data-testid="stExpander"] summary').all():
        summary.click()
    settled(page)


@dataclasses.dataclass(frozen=True)
class Place:
    """A page: its address, what it shows when it is ready, and what is done to it first."""

    path: str
    ready: str
    prepare: Callable[[Page, Path], None] | None = None


PLACES = {
    "done": Place("/?run={first}", PLOT),
    "demo": Place("/?view=demo&run={first}", PLOT),
    "runs": Place("/runs", '[data-testid="stDataFrame"] canvas'),
    "detail": Place("/runs?run={first}", PLOT, with_all_open),
    "compare": Place("/compare?runs={all}", PLOT),
    "report": Place("/report?model=resnet-152", PLOT, with_all_open),
    "import": Place("/import", '[data-testid="stFileUploader"]'),
    "import-cut": Place("/import", '[data-testid="stFileUploader"]', with_log),
    "system": Place("/system", '[data-testid="stExpander"]'),
    "system-checked": Place("/system", '[data-testid="stExpander"]', with_checks),
}
