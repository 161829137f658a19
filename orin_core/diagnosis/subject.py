"""What is looked at: one machine with its board."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from orin_core.board.paths import BoardPaths
from orin_core.board.probes import Telemetry, board_paths, resolve_telemetry
from orin_core.errors import BadRequest, OrinError
from orin_core.settings import Settings


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One machine with its board.

    Args:
        settings: where things lie, and which telemetry was asked for.
        root: root of the file system.
        telemetry: the source that this comes to; None where there is none.
        paths: the board; None where the source has none (host, replay).
        error: why there is no telemetry or no board; None where there is.
    """

    settings: Settings
    root: Path = Path("/")
    telemetry: Telemetry | None = None
    paths: BoardPaths | None = None
    error: OrinError | None = None

    @classmethod
    def of(cls, settings: Settings, root: Path = Path("/")) -> Subject:
        """Returns this machine as the settings see it; what is missing is kept as its error."""
        telemetry = None
        try:
            telemetry = resolve_telemetry(settings.telemetry, root=root)
            paths = board_paths(telemetry.kind, settings.state_dir)
        except OrinError as error:
            return cls(settings=settings, root=root, telemetry=telemetry, error=error)
        except OSError as error:
            wrong = BadRequest(
                f"The simulated board cannot be made in {settings.state_dir}: {error.strerror}.",
                "Set ORIN_STATE_DIR to a folder that this user can write.",
            )
            return cls(settings=settings, root=root, telemetry=telemetry, error=wrong)
        return cls(settings=settings, root=root, telemetry=telemetry, paths=paths)

    @property
    def simulated(self) -> bool:
        """Whether the board is the simulated one."""
        return self.paths is not None and self.paths.simulated

    def board(self) -> BoardPaths:
        """Returns the board.

        Raises:
            OrinError: there is none.
        """
        if self.paths is not None:
            return self.paths
        if self.error is not None:
            raise self.error
        raise BadRequest("This telemetry source has no board.", "Use tegrastats on a Jetson, or simulated.")
