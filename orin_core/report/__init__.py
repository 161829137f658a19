"""Runs beside each other and beside published figures: tables, reports, the choice of a mode for a mission."""
