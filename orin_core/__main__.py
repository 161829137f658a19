"""The command line: ``python -m orin_core``."""

from __future__ import annotations

from orin_core.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
