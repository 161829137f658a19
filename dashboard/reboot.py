"""Offers the reboot that a power mode needs. Nothing is sent before a person has said so twice."""

from __future__ import annotations

import streamlit as st

from dashboard import board, state
from dashboard.words import plain, refusal
from orin_core.errors import OrinError, PowerModeNeedsReboot


def remember(error: PowerModeNeedsReboot, mode: str) -> None:
    """Keeps for this tab that a mode needs a reboot.

    Args:
        error: what the launcher said.
        mode: name of the mode that was asked for.
    """
    st.session_state[state.KEY_REBOOT] = (mode, error.message, error.hint)
    st.session_state.pop(state.KEY_CONFIRM_REBOOT, None)


def forget() -> None:
    """Takes the offer back."""
    st.session_state.pop(state.KEY_REBOOT, None)
    st.session_state.pop(state.KEY_CONFIRM_REBOOT, None)


def offer() -> None:
    """Shows why a reboot is needed and a button for it; pressing that asks once more."""
    if state.KEY_REBOOT not in st.session_state:
        return
    mode, message, hint = st.session_state[state.KEY_REBOOT]
    with st.container(border=True):
        st.warning(refusal(message, hint))
        if not st.session_state.get(state.KEY_CONFIRM_REBOOT):
            if st.button(f"Reboot into {plain(mode)} …", key="reboot"):
                st.session_state[state.KEY_CONFIRM_REBOOT] = True
                st.rerun()
            if st.button("Not now", key="reboot_dismiss"):
                forget()
                st.rerun()
            return
        st.error("**The board reboots at once; every running program ends.**")
        if st.button(f"Reboot into {plain(mode)} now", type="primary", key="reboot_yes"):
            _reboot(mode)
            st.rerun()
        if st.button("Do not reboot", key="reboot_no"):
            forget()
            st.rerun()


def _reboot(mode: str) -> None:
    forget()
    try:
        with st.spinner(f"Rebooting into {plain(mode)} …"), state.idle_board().held_off():
            simulated = board.reboot_into(state.settings(), mode)
    except OrinError as error:
        st.session_state[state.KEY_ERROR] = (error.message, error.hint)
        return
    said = f"The simulated board was rebooted into {mode}." if simulated else f"The board reboots into {mode} now."
    st.session_state[state.KEY_NOTICES] = (f"{said} Then press Start again.",)
