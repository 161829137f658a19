"""From recorded rows to numbers; pure."""
