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
/* Without its server Streamlit lays a dialog over the page, again and again. What we say of it must stay readable, so
   the dialog becomes a note in the corner; it stays open, since it is what a screen reader is led to. */
body:has([data-testid="stApp"]:not([data-test-connection-state="CONNECTED"])) [data-testid="stDialog"] {
  background: none !important; backdrop-filter: none !important; pointer-events: none; overflow: visible !important;
  align-items: flex-end !important; justify-content: flex-end !important; }
body:has([data-testid="stApp"]:not([data-test-connection-state="CONNECTED"])) [data-testid="stDialog"] > * {
  pointer-events: auto; width: auto !important; max-width: 330px !important; min-width: 0 !important;
  margin: 0 !important; }
body:has([data-testid="stApp"]:not([data-test-connection-state="CONNECTED"])) [data-testid="stDialog"] section {
  font-size: 13px; }
body:has([data-testid="stApp"]:not([data-test-connection-state="CONNECTED"])) [data-testid="stDialog"] h2 {
  font-size: 15px; padding: 0.6rem 1rem 0; }
</style>
"""
"""``home.py`` puts it into every page; ``light-dark`` follows the theme, which Streamlit tells in ``color-scheme``."""
