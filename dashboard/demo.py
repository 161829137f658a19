"""The demo view of the live page: the chart in large type beside what the model says, for a projector."""

from __future__ import annotations

import html
from pathlib import Path

import streamlit as st

from dashboard import gallery, state, summary_view
from dashboard.live_chart import live_chart
from dashboard.words import plain
from orin_core.errors import BadRequest
from orin_core.runs import gallery as pictures
from orin_core.runs.judged import judged_summary
from orin_core.runs.recording import Recording, list_runs

QUERY_VIEW = "view"
DEMO = "demo"

_KEY_CHART = "demo_chart"
_LOOKED_AT = 20
"""Runs that are looked through for pictures while the board is idle."""

# Of the verdict what can be read from afar; the run's own page has every reason.
_STYLE = """
<style>
[data-testid="stHeader"], [data-testid="stSidebar"], [data-testid="stSidebarCollapsedControl"] { display: none; }
.stMainBlockContainer { padding: 1rem 1.6rem 0.6rem; }
.st-key-demo_side .orin-figures { grid-template-columns: repeat(auto-fill, minmax(150px, 1fr)); }
.st-key-demo_side .orin-figure { font-size: 14px; }
.st-key-demo_side .orin-figure b { font-size: 32px; }
.st-key-demo_side .orin-verdict { font-size: 16px; }
.st-key-demo_side .orin-verdict b.badge { font-size: 16px; padding: 2px 12px; }
.st-key-demo_side .orin-verdict details, .st-key-demo_side .orin-verdict .small,
.st-key-demo_side .orin-verdict > ul > li:nth-child(n+3) { display: none; }
.st-key-demo_ended .orin-gallery { grid-template-columns: repeat(auto-fill, minmax(max(130px, 28%), 1fr)) !important; }
/* A projector of few lines: verdict, figures and pictures are in sight at once. */
@media (max-height: 800px) and (min-width: 900px) {
  .stMainBlockContainer { padding: 0.6rem 1.2rem 0.3rem; }
  .st-key-demo_side .orin-figures { grid-template-columns: repeat(3, 1fr); gap: 6px; }
  .st-key-demo_side .orin-figure { padding: 3px 8px; font-size: 12px; }
  .st-key-demo_side .orin-figure b { font-size: 22px; }
  .st-key-demo_side .orin-judged { gap: 6px; }
  .st-key-demo_side .orin-verdict { font-size: 14px; padding: 6px 10px; }
  .st-key-demo_side .orin-verdict b.badge { font-size: 13px; }
  .st-key-demo_side .orin-verdict > ul > li:nth-child(n+2) { display: none; }
  .st-key-demo_side .orin-verdict li { font-size: 12.5px; }
  .st-key-demo_side [data-testid="stCaptionContainer"] { font-size: 12px; }
  .st-key-demo_side .orin-gallery { grid-template-columns: repeat(3, 1fr) !important; gap: 6px; }
  .st-key-demo_side .orin-gallery-head { font-size: 16px; margin: 0 0 4px; }
  .st-key-demo_side .orin-gallery figcaption { font-size: 12px; padding: 2px 6px 3px; }
  .st-key-demo_side .orin-gallery-note { font-size: 12px; margin-top: 4px; }
}
.orin-demo-leave { display: flex; justify-content: flex-end; font-size: 13px; }
.orin-demo-leave a { color: inherit; opacity: 0.75; }
.orin-demo-leave a:hover, .orin-demo-leave a:focus-visible { opacity: 1; }
</style>
"""


def asked() -> bool:
    """Returns whether the address asks for the demo view."""
    return st.query_params.get(QUERY_VIEW) == DEMO


def link(run_id: str | None) -> str:
    """Returns the address of the demo view.

    Args:
        run_id: the run that is shown now; None for the idle board.
    """
    return f"/?{QUERY_VIEW}={DEMO}" + (f"&{state.QUERY_RUN}={run_id}" if run_id else "")


def page() -> None:
    """Shows the view: the run that holds the board, else the one that it followed to its end, else the idle board."""
    active = state.run_finder().active()
    shown = active or _followed()
    if active and st.query_params.get(state.QUERY_RUN) != active.run_id:
        st.query_params[state.QUERY_RUN] = active.run_id
    st.html(_STYLE)
    chart, side = st.columns([17, 8], gap="medium")
    with chart:
        live_chart(
            run=shown.run_id if shown else "idle",
            active=active.run_id if active else None,
            follow=True,
            key=_KEY_CHART,
            span_s=600 if active else 0 if shown else 120,
            demo=True,
        )
    with side, st.container(key="demo_side", gap="small"):
        _leave(shown)
        _side(shown, running=active is not None)


def _followed() -> Recording | None:
    run_id = st.query_params.get(state.QUERY_RUN)
    try:
        return state.run_finder().find(run_id) if run_id else None
    except BadRequest as error:
        st.session_state[state.KEY_ERROR] = (error.message, error.hint)
        return None


def _leave(shown: Recording | None) -> None:
    address = f"/?{state.QUERY_RUN}={html.escape(shown.run_id)}" if shown else "/"
    st.html(f'<div class="orin-demo-leave"><a href="{address}" target="_self">leave demo view</a></div>')


def _side(shown: Recording | None, *, running: bool) -> None:
    if shown is None:
        st.markdown("### The board is idle")
        st.markdown("Start a run on the Live page or the command line: it appears here by itself.")
        _earlier()
        return
    if running:
        gallery.follow(shown, large=True)
        return
    summary = judged_summary(shown)
    if summary:
        summary_view.show(summary)
    else:
        summary_view.ended(shown.status())
        st.caption(f"No figures yet of {plain(shown.run_id)}.")
    # Smaller, so that verdict, figures and pictures are in sight at once.
    with st.container(key="demo_ended"):
        gallery.show(shown, large=True)


def _earlier() -> None:
    """Shows the pictures of the newest run that has some, so that a waiting audience has something to look at."""
    recent = list_runs(state.settings().runs_dir)[:_LOOKED_AT]
    found = next((recording for recording in recent if pictures.count(recording)), None)
    if found is not None:
        spec = found.spec()
        names = " on ".join(Path(str(spec[key])).name for key in ("model", "dataset") if spec.get(key))
        st.markdown(f"**From an earlier run:** {plain(names)}")
        gallery.show(found, large=True)
