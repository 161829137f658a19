"""Everything that touches the board: telemetry and power modes."""
