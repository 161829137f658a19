// A window that stands still, zoomed or paused: its rows, and as many at each side, as fine as they are on disk.

const DETAIL_DELAY_MS = 150;

async function fetchDetail(chart) {
  const { generation, stillRange: range, columns, origin } = chart;
  if (!range || !chart.meta || !chart.root.isConnected) return;
  const width = range[1] - range[0];
  const [fromS, toS] = [range[0] - width, range[1] + width].map((ms) => Math.max(0, (ms - origin) / 1000));
  try {
    const response = await ask(chart, { from: fromS.toFixed(3), to: toS.toFixed(3), points: 3 * chart.points });
    const answer = await response.json();
    // Whatever came in between has its own answer under way, or needs none.
    if (!response.ok || generation !== chart.generation || range !== chart.stillRange || columns !== chart.columns) return;
    chart.detail = detailOf(chart, answer, origin + toS * 1000) ?? chart.detail;
    chart.draw();
  } catch (error) {
    // The coarser rows stay on screen; the next poll tells whether the server is gone.
  }
}

/** The rows of an answer, and those that have come in since; null where it holds none. */
function detailOf(chart, answer, toMs) {
  const detail = new Rows(chart.columns);
  for (const row of answer.rows || []) if (row.length === chart.columns.length) detail.add(row, chart.origin);
  if (!detail.length) return null;
  detail.thinned = Boolean(answer.thinned);
  detail.grows = !chart.paused && toMs >= chart.rows.endMs;
  if (detail.grows) for (let i = lastAtOrBelow(chart.rows.x, detail.endMs) + 1; i < chart.rows.length; i += 1) detail.copyFrom(chart.rows, i);
  return detail;
}
