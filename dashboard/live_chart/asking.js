// What the chart asks the server, and when.

const FETCH_LIMIT_MS = 6000;
const SERVER_ERROR = "Trying again; a run goes on without it. What happened is in the server's log.";

async function ask(chart, more) {
  const query = new URLSearchParams({ run: chart.run, tag: chart.tag, points: chart.points, ...(chart.coresOpen ? { cores: 1 } : {}), ...more });
  return fetch(`/api/live?${query}`, { cache: "no-store", signal: AbortSignal.timeout(FETCH_LIMIT_MS) });
}

/** The next answer, as its document or as what was refused and why; null where the server says nothing, or nothing whole. */
async function answered(chart) {
  try {
    const response = await ask(chart, { since: chart.cursor, span: chart.span });
    if (response.ok) return { document: await response.json() };
    // An error that nobody expected has no document.
    const said = await response.json().catch(() => null);
    return { refused: said ?? { message: `The dashboard's server answers with an error (${response.status}).`, hint: SERVER_ERROR } };
  } catch (error) {
    return null;
  }
}

/** A little after the next tick is due, at most a second away. */
function delayMs(chart) {
  if (chart.failures) return Math.min(5000, 500 * 2 ** Math.min(4, chart.failures - 1));
  // Of a long run the newest rows come first; the others are being read.
  if (chart.last?.partial) return 1000;
  if (chart.isRun && chart.ended) return chart.follow ? 1500 : 600_000;
  if (chart.light) return LIGHT_MS;
  const age = chart.last?.age_s;
  const interval = chart.meta?.interval_s ?? 1;
  if (age === null || age === undefined || interval < 1 || age > interval) return 1000;
  return Math.min(1000, Math.max(250, (interval - age) * 1000 + 60));
}
