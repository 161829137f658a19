"""The style sheet of the HTML report: light and dark, screen and paper; the colours of the page."""

from __future__ import annotations

STYLE = """
:root { color-scheme: light dark; --back: #ffffff; --soft: #f3f5f7; --ink: #1b2126; --muted: #5b6771; --line: #d5dbe0;
  --accent: #0072b2; --good: #00735a; --bad: #a84300; --loud: #9a4a00; }
@media (prefers-color-scheme: dark) { :root { --back: #11161b; --soft: #1a2128; --ink: #e6eaed; --muted: #9aa7b2;
  --line: #2e3842; --accent: #56b4e9; --good: #37b795; --bad: #f0894a; --loud: #ffb454; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1280px; padding: 24px 28px 48px; background: var(--back); color: var(--ink);
  font: 15px/1.45 system-ui, "Segoe UI", "DejaVu Sans", sans-serif; }
h1 { font-size: 26px; margin: 0 0 4px; }
h2 { font-size: 21px; margin: 40px 0 10px; padding-top: 14px; border-top: 2px solid var(--line); }
h3 { font-size: 16px; margin: 26px 0 8px; }
p { margin: 6px 0; }
ul { margin: 6px 0; padding-left: 20px; max-width: 105ch; }
li { margin: 3px 0; overflow-wrap: anywhere; }
.muted, .theirs, figcaption { color: var(--muted); }
.loud { color: var(--loud); font-weight: 600; }
nav a { color: var(--accent); margin-right: 16px; }
.said { margin: 0 0 16px; display: grid; gap: 8px; }
.said div { border-left: 4px solid var(--accent); background: var(--soft); padding: 8px 14px; }
.said dt { font-size: 12.5px; font-weight: 600; color: var(--muted); }
.said dd { margin: 0; overflow-wrap: anywhere; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
.results { width: 100%; }
.caption { color: var(--muted); font-size: 13.5px; margin: 0 0 10px; overflow-wrap: anywhere; }
th, td { padding: 7px 8px; border-bottom: 1px solid var(--line); text-align: right; vertical-align: top; }
thead th { font-size: 12.5px; color: var(--muted); vertical-align: bottom; border-bottom: 2px solid var(--line); }
th:first-child, td:last-child, .results thead th:last-child { text-align: left; }
tbody th { font-weight: 400; min-width: 100px; max-width: 240px; overflow-wrap: anywhere; }
td b { font-weight: 650; }
td small, td .theirs { display: block; white-space: nowrap; }
td small, th small { font-size: 11.5px; color: var(--muted); }
td .theirs { font-size: 12px; }
td.against { min-width: 92px; }
td.against small { white-space: normal; }
.label { display: block; width: fit-content; white-space: nowrap; font-size: 11.5px; font-weight: 600;
  color: var(--loud); }
.badge { font-size: 12px; font-weight: 700; padding: 2px 8px; border-radius: 4px; border: 1px solid currentColor;
  white-space: nowrap; color: var(--muted); }
.badge.good { color: var(--good); }
.badge.bad { color: var(--bad); }
tr[data-status="invalid"] b, tr[data-status="demo"] b, tr[data-status="simulated"] b { font-weight: 400; }
.environment th, .environment td { text-align: left; font-size: 13.5px; padding: 4px 10px; overflow-wrap: anywhere; }
.environment tbody th { color: var(--muted); white-space: nowrap; }
.graphs { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(460px, 100%), 1fr)); gap: 14px; }
figure { margin: 0; }
figure img { width: 100%; height: auto; border: 1px solid var(--line); border-radius: 4px; background: #ffffff; }
figcaption { font-size: 12.5px; margin-top: 2px; overflow-wrap: anywhere; }
@media print {
  :root { --back: #ffffff; --soft: #f3f5f7; --ink: #000000; --muted: #444444; --line: #bbbbbb; --accent: #0072b2;
    --good: #00583f; --bad: #8a3600; --loud: #7a3a00; }
  body { max-width: none; padding: 0; font-size: 10pt; }
  nav { display: none; }
  section.model { break-before: page; }
  section.model:first-of-type { break-before: auto; }
  tr, figure, .said div { break-inside: avoid; }
  .scroll { overflow: visible; }
  th, td { padding: 3px 5px; font-size: 8pt; }
  td .theirs, td small { font-size: 7pt; }
  .graphs { grid-template-columns: 1fr 1fr; }
}
@page { size: A4 landscape; margin: 12mm; }
"""
