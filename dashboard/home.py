"""The page script: configuration, navigation, the one error box."""

from __future__ import annotations

import streamlit as st

from dashboard import access_style, compare, demo, imports, links, live, report, runs, state, sweep, system
from dashboard.words import plain, refusal
from orin_core.errors import OrinError

_STYLE = """
<style>
.stMainBlockContainer { padding: 4rem 1.5rem 1rem; max-width: none; }
[data-testid="stSidebarContent"] { padding: 0 1.1rem; }
[data-testid="stSidebarUserContent"] { padding: 0 0 1rem; }
[data-testid="stSidebarUserContent"] [data-testid="stCaptionContainer"] p { line-height: 1.35; }
[data-testid="stSidebarHeader"] { height: 2.6rem; margin: 0; padding: 0.3rem 0; }
[data-testid="stSidebarUserContent"] [data-testid="stVerticalBlock"] { gap: 0.55rem; }
.orin-figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(130px, 1fr)); gap: 10px; }
@media (max-width: 1000px) { .orin-figures { grid-template-columns: repeat(3, 1fr); } }
.orin-figure { padding: 8px 12px; border: 1px solid color-mix(in srgb, currentColor 18%, transparent);
  border-radius: 8px; font-size: 12px; white-space: nowrap; }
.orin-figure div { opacity: 0.75; overflow: hidden; text-overflow: ellipsis; }
.orin-figure b { font-size: 24px; font-weight: 650; font-variant-numeric: tabular-nums; margin-right: 2px; }
.orin-figures[data-refused] b { text-decoration: line-through; opacity: 0.5; }
.orin-links { display: flex; flex-wrap: wrap; align-items: center; gap: 8px; font-size: 13px; }
.orin-links span { opacity: 0.75; }
.orin-link { padding: 3px 10px; border-radius: 6px; text-decoration: none; color: inherit !important;
  border: 1px solid color-mix(in srgb, currentColor 25%, transparent); }
.orin-link:hover { border-color: currentColor; }
</style>
"""


def _tell_recovery() -> None:
    """Says once per tab what was put in order; a failure to do so must not keep the page away."""
    if st.session_state.get(state.KEY_RECOVERY_TOLD):
        return
    try:
        for notice in state.recovered():
            st.toast(plain(notice))
    except OrinError as error:
        st.session_state[state.KEY_ERROR] = (error.message, error.hint)
    except OSError as error:
        st.session_state[state.KEY_ERROR] = (
            f"What an earlier run left behind could not be put in order: {error.strerror or error}.",
            f"Can {error.filename or state.settings().state_dir} be read and written?",
        )
    st.session_state[state.KEY_RECOVERY_TOLD] = True


def _error_box() -> None:
    """Shows the last refusal: what is wrong and what can be done."""
    message, hint = st.session_state.pop(state.KEY_ERROR, ("", ""))
    if message:
        st.error(refusal(message, hint))


def _keep_form() -> None:
    """Keeps what was chosen while another page is shown: Streamlit forgets a widget that is not drawn."""
    for key in list(st.session_state):
        if isinstance(key, str) and key.startswith("form_"):
            st.session_state[key] = st.session_state[key]


def main() -> None:
    """Shows the page that the address names."""
    st.set_page_config(page_title="Orin dashboard", page_icon="📈", layout="wide")
    st.html(_STYLE + access_style.STYLE)
    _keep_form()
    pages = {
        "live": st.Page(live.page, title="Live", url_path="live", default=True),
        "runs": st.Page(runs.page, title="Runs", url_path="runs"),
        "compare": st.Page(compare.page, title="Compare", url_path="compare"),
        "sweep": st.Page(sweep.page, title="Sweeps", url_path="sweeps"),
        "report": st.Page(report.page, title="Report", url_path="report"),
        "import": st.Page(imports.page, title="Import", url_path="import"),
        "system": st.Page(system.page, title="System", url_path="system"),
    }
    links.keep(pages)
    chosen = st.navigation(list(pages.values()), position="hidden" if demo.asked() else "top")
    box = st.container()
    try:
        _tell_recovery()
        # The demo view is the live page, large.
        if demo.asked() and chosen is pages["live"]:
            demo.page()
        else:
            chosen.run()
    except OrinError as error:
        st.session_state[state.KEY_ERROR] = (error.message, error.hint)
    with box:
        _error_box()


main()
