// Columns of the CSV -> panes with lines -> a Plotly figure. Knows no DOM.

// Okabe-Ito, the darker or the lighter of each pair for the background it stands on.
const PALETTE = {
  light: { blue: "#0072B2", green: "#009E73", purple: "#AA4499", red: "#D55E00", orange: "#E69F00", sky: "#56B4E9", grey: "#7A8791" },
  dark: { blue: "#56B4E9", green: "#2CC295", purple: "#CC79A7", red: "#F07A3C", orange: "#E69F00", sky: "#8CCBF2", grey: "#8A97A3" },
};
const SENSOR_COLORS = { tj: "red", gpu: "orange", cpu: "sky" };
const RAIL_COLORS = ["blue", "green", "purple", "red", "sky"];
const TEMPERATURE = / Temperature \(C\)$/;
const RAIL = / Current \(mW\)$/;
const HOTTEST = "Hottest Temperature (C)";
const PHASE_NAMES = { idle: "idle", load: "load", warmup: "warm-up", measure: "measure", cooldown: "cool-down", replay: "replay" };

function railName(column) {
  return column.replace(RAIL, "").replace(/^(VDDQ?|VIN)_/, "").replaceAll("_", " ");
}

function line(column, name, color, more) {
  return { column, name, color, digits: 0, scale: (value) => value, width: 1.6, dash: "solid", rank: 0, ...more };
}

function temperatureLines(columns) {
  const sensors = columns.filter((name) => TEMPERATURE.test(name) && name !== HOTTEST);
  const lines = sensors.map((column) => {
    const name = column.replace(TEMPERATURE, "");
    const color = SENSOR_COLORS[name.toLowerCase()];
    return line(column, name, color || "grey", { digits: 1, width: color ? 1.8 : 1, rank: color ? 1 : 2 });
  });
  if (!sensors.some((name) => /^tj /i.test(name)) && columns.includes(HOTTEST)) {
    lines.push(line(HOTTEST, "hottest", "red", { digits: 1, width: 1.8 }));
  }
  // Muted lines first: what matters is drawn over them.
  return lines.sort((a, b) => b.rank - a.rank);
}

function powerLines(columns) {
  const watts = (value) => value / 1000;
  const rails = columns.filter((name) => RAIL.test(name)).map((column, index) =>
    line(column, railName(column), RAIL_COLORS[index % RAIL_COLORS.length], { digits: 1, scale: watts, width: 1.1, rank: 1 }));
  return [...rails, line("Power (W)", "total", "orange", { digits: 1, width: 2 })];
}

/** The panes that a set of columns has something for, top to bottom. */
function panesFor(columns, isRun) {
  const gib = (value) => value / 1024;
  const panes = [
    { title: "GPU load", unit: "%", range: () => [0, 105], ticks: [0, 50, 100], lines: [
      line("EMC (%)", "EMC", "grey", { dash: "dot", width: 1.3, rank: 1 }),
      line("Used GR3D (%)", "GR3D", "blue", { width: 1.8 }),
    ] },
    { title: "Throughput", unit: "FPS", range: (top) => [0, nice((top ?? 1) * 1.15)], hidden: !isRun, lines: [
      line("FPS", "FPS", "green", { digits: 1, width: 1.8 }),
    ] },
    { title: "Memory", unit: "GiB", range: (top, extra) => [0, extra.ramTotal ? gib(extra.ramTotal) : nice((top ?? 1) * 1.2)], lines: [
      line("Used SWAP (MB)", "swap", "grey", { digits: 1, scale: gib, dash: "dot", width: 1.2, rank: 1 }),
      line("Used RAM (MB)", "RAM", "purple", { digits: 1, scale: gib, width: 1.8 }),
    ] },
    { title: "Temperature", unit: "°C", range: (top, extra) => [20, Math.max(extra.throttleC ? extra.throttleC + 6 : 100, (top ?? 0) + 4)],
      throttle: true, ticks: [40, 60, 80, 100], lines: temperatureLines(columns) },
    { title: "Power", unit: "W", range: (top) => [0, nice((top ?? 1) * 1.1)], lines: powerLines(columns) },
  ];
  for (const pane of panes) pane.lines = pane.lines.filter((item) => columns.includes(item.column));
  return panes.filter((pane) => pane.lines.length && !pane.hidden);
}

/** Vertical share of each pane, top pane first. */
function domains(number) {
  const gap = 0.055;
  const height = (1 - gap * (number - 1)) / number;
  return Array.from({ length: number }, (_, i) => {
    const top = 1 - i * (height + gap);
    return [Math.max(0, top - height), top];
  });
}

function yAxisName(index) {
  return index ? `yaxis${index + 1}` : "yaxis";
}

function traces(panes, x, plots, palette) {
  return panes.flatMap((pane, index) => pane.lines.map((item) => ({
    type: "scatter", mode: "lines", name: item.name, meta: item.column, x, y: plots.get(item.column),
    xaxis: "x", yaxis: index ? `y${index + 1}` : "y", connectgaps: false, hoverinfo: "none",
    line: { color: palette[item.color], width: item.width, dash: item.dash },
  })));
}

function phaseMarks(phases, endMs, range, origin, theme, pixelsPerMs) {
  const shapes = [];
  const annotations = [];
  let free = -Infinity;
  phases.forEach(([phase, startS], index) => {
    const start = origin + startS * 1000;
    const end = index + 1 < phases.length ? origin + phases[index + 1][1] * 1000 : endMs;
    if (phase === "measure" && end > range[0] && start < range[1]) {
      shapes.push({ type: "rect", xref: "x", yref: "paper", x0: Math.max(start, range[0]), x1: Math.min(end, range[1]), y0: 0, y1: 1,
        fillcolor: theme.accent, opacity: 0.05, line: { width: 0 }, layer: "below" });
    }
    if (end <= range[0] || start > range[1]) return;
    if (index && start >= range[0]) {
      shapes.push({ type: "line", xref: "x", yref: "paper", x0: start, x1: start, y0: 0, y1: 1,
        line: { color: theme.muted, width: 1, dash: "dash" } });
    }
    const text = PHASE_NAMES[phase] || phase;
    const seen = Math.max(start, range[0]);
    const place = (seen - range[0]) * pixelsPerMs;
    if (place < free || end - start <= 0) return;
    free = place + 7 * text.length + 12;
    annotations.push({ text, xref: "x", yref: "paper", x: seen, y: 1, xanchor: "left", yanchor: "bottom", yshift: 18,
      showarrow: false, font: { size: 11, color: theme.muted } });
  });
  return { shapes, annotations };
}

function throttleMarks(pane, index, range, throttleC, theme, palette) {
  if (!pane.throttle || !throttleC) return { shapes: [], annotations: [] };
  const ref = index ? `y${index + 1}` : "y";
  return {
    shapes: [
      { type: "rect", xref: "paper", yref: ref, x0: 0, x1: 1, y0: throttleC, y1: range[1], fillcolor: palette.red, opacity: 0.16, line: { width: 0 }, layer: "below" },
      { type: "line", xref: "paper", yref: ref, x0: 0, x1: 1, y0: throttleC, y1: throttleC, line: { color: palette.red, width: 1, dash: "dot" } },
    ],
    annotations: [{ text: `throttles at ${throttleC.toFixed(0)} °C`, xref: "paper", yref: ref, x: 0, y: throttleC, xanchor: "left", yanchor: "top",
      showarrow: false, font: { size: 10, color: theme.muted } }],
  };
}

const MARGIN = { l: 44, r: 104, t: 38, b: 26 };

/** The layout for what is on screen now. `view` has panes, ranges, xRange, phases, endMs, origin, throttleC, width, height. */
function figureLayout(view, theme, palette) {
  const shares = domains(view.panes.length);
  const axis = { gridcolor: theme.grid, zeroline: false, linecolor: theme.grid, tickfont: { size: 11, color: theme.muted }, fixedrange: true };
  const pixelsPerMs = (view.width - MARGIN.l - MARGIN.r) / Math.max(1, view.xRange[1] - view.xRange[0]);
  const marks = phaseMarks(view.phases, view.endMs, view.xRange, view.origin, theme, pixelsPerMs);
  const layout = {
    width: view.width, height: view.height, margin: MARGIN, showlegend: false, hovermode: "x", dragmode: "zoom", datarevision: view.revision,
    paper_bgcolor: theme.background, plot_bgcolor: "rgba(0,0,0,0)", font: { family: theme.font, color: theme.text },
    hoverdistance: -1, spikedistance: -1,
    xaxis: { ...axis, fixedrange: false, type: "date", range: view.xRange.slice(), anchor: view.panes.length > 1 ? `y${view.panes.length}` : "y",
      tickformat: view.wall ? "%H:%M:%S" : view.xRange[1] - view.origin >= 3600e3 ? "%-H:%M:%S" : "%M:%S", nticks: Math.max(4, Math.floor(view.width / 130)),
      showspikes: true, spikemode: "across", spikesnap: "hovered data", spikethickness: 1, spikedash: "solid", spikecolor: theme.muted },
    shapes: marks.shapes, annotations: marks.annotations,
  };
  view.panes.forEach((pane, index) => {
    const range = view.ranges[index];
    layout[yAxisName(index)] = { ...axis, domain: shares[index], range, ...(pane.ticks ? { tickvals: pane.ticks } : { nticks: 4 }) };
    const throttle = throttleMarks(pane, index, range, view.throttleC, theme, palette);
    layout.shapes.push(...throttle.shapes);
    layout.annotations.push(...throttle.annotations, {
      text: `<b>${pane.title}</b>  <span style="color:${theme.muted}">${pane.unit}</span>`, xref: "paper", yref: "paper", x: 0, y: shares[index][1],
      xanchor: "left", yanchor: "bottom", yshift: 0, showarrow: false, font: { size: 12, color: theme.text }, bgcolor: theme.background, borderpad: 1,
    });
  });
  return layout;
}
