"""Starts the dashboard on this machine and prints its address."""

from __future__ import annotations

import argparse
import contextlib
import errno
import socket
import sys
from collections.abc import Sequence

from dashboard.hosts import check_loopback
from orin_core.errors import BadRequest
from orin_core.settings import Settings, load


def check_address(settings: Settings) -> None:
    """Refuses an address that cannot be listened on, before anything is loaded.

    Raises:
        BadRequest: others could connect, or the port is taken.
    """
    check_loopback(settings.address, setting="ORIN_ADDRESS", port=settings.port)
    family = socket.AF_INET6 if ":" in settings.address else socket.AF_INET
    with contextlib.closing(socket.socket(family, socket.SOCK_STREAM)) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.address, settings.port))
        except OSError as error:
            what = "is taken" if error.errno == errno.EADDRINUSE else f"cannot be used: {error.strerror}"
            raise BadRequest(
                f"Port {settings.port} of {settings.address} {what}.", "Choose another one with ORIN_PORT."
            ) from error


_SETTINGS = """\
It is set by environment variables:
  ORIN_PORT       where it listens (8501)
  ORIN_ADDRESS    a loopback address (127.0.0.1): there is no login
  ORIN_TELEMETRY  auto, tegrastats, host or simulated (auto)
  ORIN_DATA_DIR   holds runs and sweeps (data/ of the checkout)
  ORIN_STATE_DIR  the board's lock, one per machine
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the server until it is told to end; returns the exit code.

    Args:
        argv: the arguments; those of this process where it is None.
    """
    parser = argparse.ArgumentParser(
        prog="python -m dashboard",
        description=__doc__,
        epilog=_SETTINGS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.parse_args(argv)
    try:
        settings = load()
        check_address(settings)
    except BadRequest as error:
        print(str(error), file=sys.stderr)
        return error.exit_code
    # Streamlit takes a second to load; a taken port is told before that.
    from dashboard.app import app

    host = f"[{settings.address}]" if ":" in settings.address else settings.address
    print(f"Orin dashboard: http://{host}:{settings.port}", flush=True)
    with contextlib.suppress(KeyboardInterrupt):  # Ctrl-C is how it is told to end
        app.run(
            config={
                "server.address": settings.address,
                "server.port": settings.port,
                "server.headless": True,
                "server.fileWatcherType": "none",
                "browser.gatherUsageStats": False,
                "logger.hideWelcomeMessage": True,
            }
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
