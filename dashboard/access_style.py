"""What Streamlit's own look leaves short, mended for every page: text of charts and chosen buttons, a visible focus."""

from __future__ import annotations

STYLE = """
<style>
/* Plotly's axis texts are a grey of 3.7 to 1; these have 5.9 on the light page and 7.4 on the dark one. */
[data-testid="stPlotlyChart"] svg text:not(.annotation-text) { fill: light-dark(#5b6771, #9aa7b2) !important; }
/* The word on a chosen button is of the primary colour, on a tint of the same. */
[data-testid$="Active"] p,
[data-testid="stButtonGroup"] :is([aria-checked="true"], [aria-pressed="true"], [data-selected]) p {
  color: light-dark(#005a8c, #8ccbf2) !important; }
/* Tables on a canvas and buttons without a border show no focus by themselves. */
[data-testid="stDataFrame"]:focus-within, [data-testid^="stBaseButton-borderless"]:focus-visible {
  outline: 2px solid light-dark(#0072b2, #56b4e9) !important; outline-offset: 1px; }
</style>
"""
"""``home.py`` puts it into every page; ``light-dark`` follows the theme, which Streamlit tells in ``color-scheme``."""
