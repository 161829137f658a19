"""Settings from ``ORIN_*`` environment variables; nothing else reads the environment."""

from __future__ import annotations

import dataclasses
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from orin_core.errors import BadRequest
from orin_core.user_paths import absolute

PROJECT_ROOT = Path(__file__).resolve().parent.parent


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Where things lie and how the dashboard listens.

    Args:
        data_dir: ``ORIN_DATA_DIR``; holds ``runs/``, ``sweeps/``, ``models/`` and ``datasets/``.
        state_dir: ``ORIN_STATE_DIR``; the board's lock, one per machine; and the simulated board.
        telemetry: ``ORIN_TELEMETRY``; what ``--telemetry`` is when it is not given.
        address: ``ORIN_ADDRESS``; where the dashboard listens.
        port: ``ORIN_PORT``; 1 to 65535.
    """

    data_dir: Path
    state_dir: Path
    telemetry: str = "auto"
    address: str = "127.0.0.1"
    port: int = 8501

    @property
    def runs_dir(self) -> Path:
        """Folder of the run folders."""
        return self.data_dir / "runs"

    @property
    def sweeps_dir(self) -> Path:
        """Folder of the sweep folders."""
        return self.data_dir / "sweeps"


def default_state_dir() -> Path:
    """Returns the machine-wide folder of the board's lock: /run/lock, else the temporary folder."""
    lock_dir = Path("/run/lock")
    if lock_dir.is_dir() and os.access(lock_dir, os.W_OK):
        return lock_dir / "orin-dashboard"
    return Path(tempfile.gettempdir()) / "orin-dashboard"


def load(environ: Mapping[str, str] | None = None) -> Settings:
    """Returns the settings of this process.

    Args:
        environ: variables to read instead of the process's own.

    Raises:
        BadRequest: ``ORIN_PORT`` is no port, or a folder is in the home of nobody.
    """
    env = os.environ if environ is None else environ
    port_text = env.get("ORIN_PORT", "8501")
    if not port_text.isdecimal() or not 1 <= int(port_text) <= 65535:
        raise BadRequest(f"ORIN_PORT={port_text} is no port.", "Use a number from 1 to 65535.")
    return Settings(
        data_dir=absolute(Path(env.get("ORIN_DATA_DIR", PROJECT_ROOT / "data"))),
        state_dir=absolute(Path(env.get("ORIN_STATE_DIR", default_state_dir()))),
        telemetry=env.get("ORIN_TELEMETRY", "auto"),
        address=env.get("ORIN_ADDRESS", "127.0.0.1"),
        port=int(port_text),
    )


def child_environment(**extra: str) -> dict[str, str]:
    """Returns this process's environment with ``extra`` added, for a child program."""
    return {**os.environ, **extra}


def set_environment(*, always: Mapping[str, str], unless_set: Mapping[str, str]) -> None:
    """Sets variables of this process, for libraries that read theirs when they are imported."""
    os.environ.update(always)
    for key, value in unless_set.items():
        os.environ.setdefault(key, value)
