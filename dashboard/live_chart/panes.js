// Columns of the CSV -> panes with lines. Knows no DOM and no Plotly.

// Okabe-Ito, the darker or the lighter of each pair for the background it stands on.
const PALETTE = {
  light: { blue: "#0072B2", green: "#009E73", purple: "#AA4499", red: "#D55E00", orange: "#E69F00", sky: "#56B4E9", grey: "#7A8791" },
  dark: { blue: "#56B4E9", green: "#2CC295", purple: "#CC79A7", red: "#F07A3C", orange: "#E69F00", sky: "#8CCBF2", grey: "#8A97A3" },
};
const SENSORS = { tj: { color: "red" }, gpu: { color: "orange" }, cpu: { color: "sky", dash: "dash" } };
const MUTED_DASHES = ["dot", "dashdot", "longdash"];
const RAIL_COLORS = ["blue", "green", "purple", "red", "sky"];
const TEMPERATURE = / Temperature \(C\)$/;
const RAIL = / Current \(mW\)$/;
const CORE = /^CPU (\d+) Load \(%\)$/;
/** Rails that carry the whole board: they are the total, not a part of it. */
const TOTAL_RAIL = /^(VDD_IN|POM_5V_IN|VDD_SYS) /;
const HOTTEST = "Hottest Temperature (C)";
const PHASE_NAMES = { idle: "idle", load: "load", warmup: "warm-up", measure: "measure", cooldown: "cool-down", download: "download", replay: "replay" };
const GIB = (value) => value / 1024;
/** A clock that rests at 0 still gets a scale of clocks. */
const LEAST_MHZ = 400;
const WATTS = (value) => value / 1000;

function railName(column) {
  return column.replace(RAIL, "").replace(/^(VDDQ?|VIN)_/, "").replaceAll("_", " ");
}

function line(column, name, color, more) {
  return { column, name, color, digits: 0, unit: "", scale: (value) => value, width: 1.6, dash: "solid", rank: 0, ...more };
}

function temperatureLines(columns, light) {
  const hottest = line(HOTTEST, "hottest", "red", { digits: 1, width: 1.8, unit: "°C" });
  if (light && columns.includes(HOTTEST)) return [hottest];
  const sensors = columns.filter((name) => TEMPERATURE.test(name) && name !== HOTTEST);
  let muted = 0;
  const lines = sensors.map((column) => {
    const name = column.replace(TEMPERATURE, "");
    const known = SENSORS[name.toLowerCase()];
    if (known) return line(column, name, known.color, { digits: 1, width: 1.8, rank: 1, unit: "°C", dash: known.dash || "solid" });
    return line(column, name, "grey", { digits: 1, width: 1, rank: 2, unit: "°C", dash: MUTED_DASHES[(muted += 1) % MUTED_DASHES.length] });
  });
  if (!sensors.some((name) => /^tj /i.test(name)) && columns.includes(HOTTEST)) lines.push(hottest);
  // Muted lines first: what matters is drawn over them.
  return lines.sort((a, b) => b.rank - a.rank);
}

function powerLines(columns) {
  const rails = columns.filter((name) => RAIL.test(name) && !TOTAL_RAIL.test(name)).map((column, index) =>
    line(column, railName(column), RAIL_COLORS[index % RAIL_COLORS.length], { digits: 1, scale: WATTS, width: 0.8, rank: 1, stack: true, unit: "W" }));
  return [...rails, line("Power (W)", "total", "orange", { digits: 1, width: 2, unit: "W" })];
}

/** What each pane shows, top to bottom. `range` gets the greatest value in sight. */
function allPanes(columns, shows) {
  return [
    { key: "gpu", title: "GPU load", unit: "%", weight: 1, range: () => [0, 105], ticks: [0, 50, 100], lines: [
      line("EMC (%)", "EMC", "grey", { dash: "dot", width: 1.3, rank: 1, unit: "%" }),
      line("Used GR3D (%)", "GR3D", "blue", { width: 1.8, unit: "%" }),
    ] },
    { key: "clock", title: "GPU clock", unit: "MHz", weight: 0.5, few: true, hidden: shows.light || shows.low, range: (top) => [0, nice(Math.max(top ?? 0, LEAST_MHZ) * 1.1)], lines: [
      line("GR3D Frequency (MHz)", "clock", "sky", { width: 1.6, unit: "MHz" }),
    ] },
    { key: "throughput", title: "Throughput", unit: "FPS", weight: 1, hidden: !shows.fps, range: (top) => [0, nice((top ?? 1) * 1.15)],
      second: { title: "latency", unit: "ms", range: (top) => [0, nice((top ?? 1) * 1.5)] }, lines: [
        line("Latency (ms)", "latency", "purple", { digits: 1, width: 1.2, dash: "dash", rank: 1, second: true, unit: "ms" }),
        line("FPS", "FPS", "green", { digits: 1, width: 1.8, unit: "images/s" }),
      ] },
    { key: "memory", title: "Memory", unit: "GiB", weight: 0.9, range: (top, extra) => [0, memoryTop(top, extra)], lines: [
      line("Used SWAP (MB)", "swap", "grey", { digits: 1, scale: GIB, dash: "dot", width: 1.2, rank: 1, unit: "GiB" }),
      line("Used RAM (MB)", "RAM", "purple", { digits: 1, scale: GIB, width: 1.8, unit: "GiB" }),
    ] },
    { key: "temperature", title: "Temperature", unit: "°C", weight: 1.2, throttle: true, ticks: [40, 60, 80, 100],
      range: (top, extra) => [20, Math.max(extra.throttleC ? extra.throttleC + 6 : 100, (top ?? 0) + 4)], lines: temperatureLines(columns, shows.light) },
    { key: "power", title: "Power", unit: "W", weight: 1.2, range: (top) => [0, nice((top ?? 1) * 1.1)], lines: powerLines(columns) },
  ];
}

/** Close enough above what is used for a rise to be seen, never above what is there. */
function memoryTop(top, extra) {
  const wanted = nice(Math.max(top ?? 1, GIB(extra.ramIdle || 0)) * 1.25);
  return extra.ramTotal ? Math.min(wanted, GIB(extra.ramTotal)) : wanted;
}

/** The panes that a set of columns has something for; `light`: with one line each, since every line and axis costs. */
function panesFor(columns, shows) {
  const panes = allPanes(columns, shows);
  for (const pane of panes) {
    pane.lines = pane.lines.filter((item) => columns.includes(item.column));
    if (shows.light && pane.lines.length) pane.lines = [pane.lines[pane.lines.length - 1]];
    if (!pane.lines.some((item) => item.second)) pane.second = null;
  }
  return panes.filter((pane) => pane.lines.length && !pane.hidden);
}

/** Vertical share of each pane, top pane first, as [bottom, top] of 1. */
function domains(panes) {
  const gap = 0.05;
  const unit = (1 - gap * (panes.length - 1)) / panes.reduce((sum, pane) => sum + pane.weight, 0);
  let top = 1;
  return panes.map((pane) => {
    const share = [Math.max(0, top - pane.weight * unit), top];
    top = share[0] - gap;
    return share;
  });
}

/** Top of a pane's lines within what is drawn: the stack counts as a whole. */
function topOf(lines, drawn) {
  let top = null;
  for (const item of lines) {
    for (const value of (item.stack ? drawn.stacked : drawn.y).get(item.column)) {
      if (value !== null && (top === null || value > top)) top = value;
    }
  }
  return top;
}

/** Range of each pane's axis and of its second one (null where it has none). */
function rangesOf(panes, drawn, extra) {
  return panes.map((pane) => ({
    first: pane.range(topOf(pane.lines.filter((item) => !item.second), drawn), extra),
    second: pane.second && pane.second.range(topOf(pane.lines.filter((item) => item.second), drawn), extra),
  }));
}

/** What is drawn of some rows: times, values per column, and the rails' running sums. */
function drawnOf(rows, panes, first, last, limit) {
  const buckets = rows.buckets(first, last, limit);
  const drawn = { x: rows.drawnX(first, last, buckets), y: new Map(), stacked: new Map() };
  for (const pane of panes) {
    for (const item of pane.lines) if (!item.stack) drawn.y.set(item.column, rows.drawnY(item.column, first, last, buckets, item.scale));
    stack(drawn.stacked, rows, pane.lines.filter((item) => item.stack), first, last, buckets);
  }
  return drawn;
}

/**
 * Adds the running sums of some rails. Of a bucket the two instants are drawn at which the whole is least and greatest:
 * the extremes of single rails belong to different instants, and their sum was never there.
 */
function stack(stacked, rows, rails, first, last, buckets) {
  let sums = null;
  for (const item of rails) {
    const [under, list] = [sums, rows.list(item.column)];
    sums = new Array(last + 1).fill(null);
    for (let i = first; i <= last; i += 1) {
      if (list[i] !== null && (!under || under[i] !== null)) sums[i] = item.scale(list[i]) + (under ? under[i] : 0);
    }
    stacked.set(item.column, sums);
  }
  const places = buckets && sums && extremes(sums, buckets);
  for (const { column } of rails) {
    const list = stacked.get(column);
    stacked.set(column, places ? places.map((place) => list[place]) : list.slice(first));
  }
}
