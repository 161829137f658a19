"""What is asked of every page, each as a function that returns the faults it found, one sentence each."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from tests.e2e.quality import colour

_SOURCE = (Path(__file__).with_name("audit.js")).read_text(encoding="utf-8")
SIZES = ((1280, 720), (820, 1180))
"""A small laptop or projector, and a tablet held upright."""
SETTLE_S = 4.0
"""So long a fault may last that goes away by itself: a fade, a chart that is drawn anew at the next tick."""
_CONTROL_ROLES = {
    *("button", "link", "textbox", "searchbox", "combobox", "listbox", "checkbox", "radio", "switch", "slider"),
    *("spinbutton", "tab", "menuitem", "menuitemcheckbox", "menuitemradio", "progressbar", "treeitem"),
}
_GREYED = ".orin-stale .orin-plot, .orin-stale .orin-number"
"""What is greyed because it is not of now; the words that say so are not in it."""


def _ask(page: Page, call: str, *arguments: Any) -> Any:
    page.evaluate(_SOURCE)
    return page.evaluate(f"(given) => window.orinAudit.{call}(...given)", list(arguments))


def lasting(look: Callable[[], list[str]]) -> list[str]:
    """Returns the faults that are still there after :data:`SETTLE_S`; at once where there are none."""
    deadline_s = time.monotonic() + SETTLE_S
    while (faults := look()) and time.monotonic() < deadline_s:
        time.sleep(0.3)
    return faults


def contrast(page: Page, greyed: str = "") -> list[str]:
    """Texts below 4.5 to 1, large ones below 3 to 1.

    Args:
        page: the page.
        greyed: selector of what else is greyed on purpose.
    """
    found = _ask(page, "contrast", f"{_GREYED}, {greyed}" if greyed else _GREYED)
    assert found["seen"] > 5, "the page has no text: the audit sees nothing"
    faults: list[str] = found["faults"]
    return faults


def sideways(page: Page) -> list[str]:
    """What is wider than the window."""
    faults: list[str] = _ask(page, "sideways")
    return faults


def motion(page: Page) -> list[str]:
    """What of ours moves although the viewer asked for no motion."""
    page.emulate_media(reduced_motion="reduce")
    faults: list[str] = _ask(page, "motion")
    page.emulate_media(reduced_motion="no-preference")
    return faults


def lines(page: Page) -> list[str]:
    """Lines of one pane that cannot be told apart."""
    return colour.alike(_ask(page, "lines"))


def names(page: Page) -> list[str]:
    """Controls without a name in the accessibility tree, as a screen reader gets it."""
    session = page.context.new_cdp_session(page)
    try:
        session.send("Accessibility.enable")
        nodes: list[dict[str, Any]] = session.send("Accessibility.getFullAXTree")["nodes"]
        faults = []
        for node in nodes:
            role = node.get("role", {}).get("value")
            if node.get("ignored") or role not in _CONTROL_ROLES or node.get("name", {}).get("value", "").strip():
                continue
            found = session.send("DOM.describeNode", {"backendNodeId": node["backendDOMNodeId"]})["node"]
            faults.append(f"{role} without a name: {found['nodeName'].lower()} {found.get('attributes', [])[:12]}")
        session.send("Accessibility.disable")
    finally:
        session.detach()
    return faults


def keyboard(page: Page) -> list[str]:
    """Controls that Tab does not reach, or that do not show that they have the focus."""
    # Colours that fade in would be compared before they have changed.
    style = page.add_style_tag(
        content="*, *::before, *::after { transition: none !important; animation: none !important }"
    )
    page.mouse.move(0, 0)
    count = _ask(page, "startTabbing")
    assert count > 0, "the page has no controls: the audit sees nothing"
    seen: list[int] = []
    for _ in range(2 * count + 20):
        page.keyboard.press("Tab")
        place = page.evaluate("() => window.orinAudit.noteFocus()")
        # Round once: the first control again, after others.
        if place >= 0 and len(set(seen)) > 1 and place == seen[0]:
            break
        if place >= 0:
            seen.append(place)
    for place in range(count):
        for _ in range(page.evaluate("(place) => window.orinAudit.enterToolbar(place)", place)):
            page.keyboard.press("ArrowRight")
            page.evaluate("() => window.orinAudit.noteFocus()")
    faults = [f"Tab does not reach {what}" for what in page.evaluate("() => window.orinAudit.unreached()")]
    for place in page.evaluate("() => window.orinAudit.unmarked()"):
        if not _looks_focused(page, place):
            what = page.evaluate("(place) => window.orinAudit.describe(window.orinTabbed[place].element)", place)
            faults.append(f"the focus cannot be seen on {what}")
    style.evaluate("(node) => node.remove()")
    return faults


def _looks_focused(page: Page, place: int) -> bool:
    """Whether a control's pixels change with the focus, where its style does not say so: a canvas, a drawn sibling."""
    control = page.evaluate_handle("(place) => window.orinTabbed[place].element", place).as_element()
    if control is None:
        return False
    control.scroll_into_view_if_needed(timeout=5000)
    box = control.bounding_box()
    if box is None:
        return False
    clip = {
        "x": max(0.0, box["x"] - 8),
        "y": max(0.0, box["y"] - 8),
        "width": box["width"] + 16,
        "height": box["height"] + 16,
    }
    shots = []
    for call in ("blur", "focus"):
        control.evaluate(f"(node) => node.{call}()")
        shots.append(page.screenshot(clip=clip, caret="initial"))  # type: ignore[arg-type]
    return shots[0] != shots[1]
