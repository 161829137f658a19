"""When a log was written: its date line, its stamps, and what they say together."""

from __future__ import annotations

import datetime
import re
from pathlib import Path

# **Source**: the line that `date` prints, as in the published logs: `Wed Oct 23 03:07:29 AM UTC 2024`.
DATE_LINE = re.compile(
    r"[A-Z][a-z]{2} ([A-Z][a-z]{2}) +([0-9]{1,2}) ([0-9]{2}:[0-9]{2}:[0-9]{2})( [AP]M)? (\S+) ([0-9]{4})", re.ASCII
)


def _stamp(text: str | None) -> datetime.datetime | None:
    try:
        moment = datetime.datetime.strptime(text or "", "%m-%d-%Y %H:%M:%S")  # noqa: DTZ007 - it has no zone
    except ValueError:
        return None
    return moment.replace(tzinfo=datetime.timezone.utc) if moment.year >= 1970 else None


def _date_utc(text: str | None) -> datetime.datetime | None:
    found = DATE_LINE.fullmatch(text or "")
    if not found or found[5] not in ("UTC", "GMT"):
        return None
    clock = "%I:%M:%S %p" if found[4] else "%H:%M:%S"
    written = f"{found[1]} {found[2]} {found[6]} {found[3]}{found[4] or ''}"
    try:
        moment = datetime.datetime.strptime(written, f"%b %d %Y {clock}").replace(tzinfo=datetime.timezone.utc)
    except ValueError:
        return None
    return moment if moment.year >= 1970 else None


def utc_of_row(text: str, t_s: float) -> datetime.datetime | None:
    """Returns UTC of time 0 of a log, None where a row of it does not tell.

    Args:
        text: ``UTC Time`` of a row, ISO text.
        t_s: time of that row, s.
    """
    try:
        moment = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
        moment = moment if moment.tzinfo else moment.replace(tzinfo=datetime.timezone.utc)
        start = moment.astimezone(datetime.timezone.utc) - datetime.timedelta(seconds=t_s)
    except (ValueError, OverflowError):
        return None
    return start if start.year >= 1970 else None


def utc_of_start(date_line: str | None, first_stamp: str | None, path: Path) -> tuple[datetime.datetime, str | None]:
    """Returns UTC of a log's beginning, and what to say where the log itself does not tell it.

    Args:
        date_line: what ``date`` printed before tegrastats began; None where that is not there.
        first_stamp: the first printed stamp, local time of an unknown zone.
        path: the file, whose own time is the last resort.
    """
    stamp = _stamp(first_stamp)
    dated = _date_utc(date_line)
    if dated is not None and stamp is not None:
        # The date line gives the zone of the stamps: the nearest quarter of an hour.
        zone_s = round((dated - stamp).total_seconds() / 900) * 900
        return stamp + datetime.timedelta(seconds=zone_s), None
    if dated is not None:
        return dated, None
    if stamp is not None:
        return (
            stamp,
            "The log has no date line in UTC: its stamps are local time of an unknown zone, taken as they are.",
        )
    modified = datetime.datetime.fromtimestamp(path.stat().st_mtime, datetime.timezone.utc)
    return modified, "The log has no date; the time of the file stands in its place."
