"""The page script: configuration, navigation, the one error box."""

from __future__ import annotations

import functools

import streamlit as st

from dashboard import live, runs, state
from orin_core.errors import OrinError
from orin_core.runs import launcher

_STYLE = """
<style>
.stMainBlockContainer { padding: 4rem 1.5rem 1rem; max-width: none; }
[data-testid="stSidebarUserContent"] { padding: 0 1.1rem 1rem; }
[data-testid="stSidebarHeader"] { height: 2.6rem; margin: 0; padding: 0.3rem 1.1rem; }
[data-testid="stSidebarUserContent"] [data-testid="stVerticalBlock"] { gap: 0.55rem; }
.orin-figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(130px, 1fr)); gap: 10px; }
.orin-figure { padding: 8px 12px; border: 1px solid color-mix(in srgb, currentColor 18%, transparent);
  border-radius: 8px; font-size: 12px; white-space: nowrap; }
.orin-figure div { opacity: 0.75; overflow: hidden; text-overflow: ellipsis; }
.orin-figure b { font-size: 24px; font-weight: 650; font-variant-numeric: tabular-nums; margin-right: 2px; }
</style>
"""


@functools.cache
def _recover_once() -> tuple[str, ...]:
    """Puts in order what a killed run left behind, once per server; returns what was done."""
    return launcher.recover(state.settings())


def _error_box() -> None:
    """Shows the last refusal: what is wrong and what can be done."""
    message, hint = st.session_state.pop(state.KEY_ERROR, ("", ""))
    if message:
        st.error(f"**{message}** {hint}".strip())


def _keep_form() -> None:
    """Keeps what was chosen while another page is shown: Streamlit forgets a widget that is not drawn."""
    for key in list(st.session_state):
        if isinstance(key, str) and key.startswith("form_"):
            st.session_state[key] = st.session_state[key]


def main() -> None:
    """Shows the page that the address names."""
    st.set_page_config(page_title="Orin dashboard", page_icon="📈", layout="wide")
    st.html(_STYLE)
    _keep_form()
    chosen = st.navigation(
        [
            st.Page(live.page, title="Live", url_path="live", default=True),
            st.Page(runs.page, title="Runs", url_path="runs"),
        ],
        position="top",
    )
    box = st.container()
    try:
        for notice in _recover_once():
            st.toast(notice)
        chosen.run()
    except OrinError as error:
        st.session_state[state.KEY_ERROR] = (error.message, error.hint)
    with box:
        _error_box()


main()
