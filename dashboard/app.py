"""The application: the page script, the GET routes and the check of address and Host, however it is started."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import streamlit as st
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware

from dashboard import api, state
from dashboard.hosts import HostCheck
from dashboard.live_chart import PLOTLY_URL
from dashboard.promptness import Preload, send_at_once


@contextlib.asynccontextmanager
async def lifespan(_app: st.App) -> AsyncIterator[dict[str, Any] | None]:
    """Lets answers leave at once, and ends the idle board's probe with the server."""
    send_at_once(int(st.get_option("server.port")))
    yield None
    await run_in_threadpool(state.reset)


app = st.App(
    Path(__file__).resolve().with_name("home.py"),
    routes=api.routes(),
    middleware=[
        Middleware(
            HostCheck, address=lambda: st.get_option("server.address"), port=lambda: st.get_option("server.port")
        ),
        Middleware(Preload, paths=("/", "/live"), script=PLOTLY_URL),
    ],
    lifespan=lifespan,
)
