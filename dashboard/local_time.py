"""Times of day where the viewer is: the browser tells its time zone."""

from __future__ import annotations

import datetime
import zoneinfo

import streamlit as st


def now() -> datetime.datetime:
    """Returns the time of day where the viewer is, else where the server is."""
    return here(datetime.datetime.now(datetime.timezone.utc))


def here(moment: datetime.datetime) -> datetime.datetime:
    """Returns a moment as the clock of the viewer shows it, else that of the server.

    Args:
        moment: with its time zone.
    """
    try:
        return moment.astimezone(zoneinfo.ZoneInfo(str(st.context.timezone)))
    except (zoneinfo.ZoneInfoNotFoundError, ValueError):
        return moment.astimezone()


def clock(moment: datetime.datetime) -> str:
    """Returns a time of day, with its day where that is not today's.

    Args:
        moment: where the viewer is.
    """
    return f"{moment:%H:%M}" if moment.date() == now().date() else f"{moment:%H:%M on %a %d %b}"
