// Panes and what is drawn of them -> Plotly's traces and layout. Knows no DOM.
// Plotly draws lines and axes only: marks, labels and the crosshair are elements of the page, hover is our own. So a
// refresh of 18 lines of 1500 points costs 50 to 60 ms of the main thread's CPU on two x86 cores, and no canvas of our own is needed.

const TICKS_S = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400];

function marginOf(scale) {
  return { l: Math.round(44 * scale), r: Math.round(112 * scale), t: 40, b: Math.round(26 * scale) };
}

/** Names of the axes of each pane, as Plotly numbers them. */
function axesOf(panes) {
  let number = 0;
  const next = () => ((number += 1) === 1 ? "y" : `y${number}`);
  return panes.map((pane) => ({ first: next(), second: pane.second ? next() : null }));
}

/** Times for the ticks: round ones, as many as there is room for. `wall` ticks carry the time of day. */
function timeTicks(range, origin, wall, room) {
  const span = (range[1] - range[0]) / 1000;
  const step = (TICKS_S.find((seconds) => span / seconds <= room) ?? Math.ceil(span / room / 86_400) * 86_400) * 1000;
  const base = wall ? 0 : origin;
  const places = [];
  for (let ms = base + Math.ceil((range[0] - base) / step) * step; ms <= range[1]; ms += step) places.push(ms);
  return { tickvals: places, ticktext: places.map((ms) => timeText(ms, origin, wall)) };
}

function timeText(ms, origin, wall) {
  return wall ? new Date(ms).toISOString().slice(11, 19) : clock((ms - origin) / 1000);
}

/** One closed area per stretch without a gap, from a running sum down to the axis. */
function areaOf(x, sums) {
  const [px, py] = [[], []];
  let open = false;
  sums.forEach((value, index) => {
    if (value === null) {
      if (open) {
        px.push(x[index - 1], null);
        py.push(0, null);
      }
      open = false;
      return;
    }
    if (!open) {
      px.push(x[index]);
      py.push(0);
    }
    open = true;
    px.push(x[index]);
    py.push(value);
  });
  if (open) {
    px.push(x[x.length - 1]);
    py.push(0);
  }
  return [px, py];
}

/** Areas are opaque: the greatest sum is drawn first and the smaller ones over it. */
function stackTraces(pane, axis, drawn, colors) {
  return pane.lines.filter((item) => item.stack).reverse().map((item) => {
    const [x, y] = areaOf(drawn.x, drawn.stacked.get(item.column));
    return {
      type: "scatter", mode: "lines", name: item.name, meta: `sum:${item.column}`, x, y, xaxis: "x", yaxis: axis, fill: "toself",
      fillcolor: colors.areas[item.color], hoverinfo: "skip", line: { color: colors.palette[item.color], width: item.width },
    };
  });
}

/** Whether a value has none beside it. Only then are points drawn, all of them: each is an element of its own. */
function standsAlone(values) {
  return values.some((value, index) => value !== null && (values[index - 1] ?? null) === null && (values[index + 1] ?? null) === null);
}

function traces(panes, drawn, colors, scale) {
  const axes = axesOf(panes);
  return panes.flatMap((pane, index) => [
    ...stackTraces(pane, axes[index].first, drawn, colors),
    ...pane.lines.filter((item) => !item.stack).map((item) => ({
      // A slow model ends a batch in few ticks only: such a value stands alone and is seen as a point.
      type: "scatter", mode: item.second && standsAlone(drawn.y.get(item.column)) ? "lines+markers" : "lines", marker: { size: 3 * scale },
      name: item.name, meta: item.column, x: drawn.x, y: drawn.y.get(item.column),
      xaxis: "x", yaxis: item.second ? axes[index].second : axes[index].first, connectgaps: false, hoverinfo: "skip",
      line: { color: colors.palette[item.color], width: item.width * scale, dash: item.dash },
    })),
  ]);
}

function axisKey(name) {
  return name.replace("y", "yaxis");
}

/** The layout for what is on screen now: axes only, since marks and text lie over the figure as elements of the page. */
function figureLayout(view, theme) {
  const { panes, ranges, margin, scale } = view;
  const [shares, axes] = [domains(panes), axesOf(panes)];
  const axis = { gridcolor: theme.grid, zeroline: false, linecolor: theme.grid, tickfont: { size: 11 * scale, color: theme.muted }, fixedrange: true, ticklabeloverflow: "allow" };
  const layout = {
    width: view.width, height: view.height, margin, showlegend: false, hovermode: false, dragmode: view.fixed ? false : "zoom", datarevision: view.revision,
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", font: { family: theme.font, color: theme.text },
    xaxis: { ...axis, fixedrange: Boolean(view.fixed), type: "linear", range: view.xRange.slice(), anchor: axes[axes.length - 1].first,
      ...timeTicks(view.xRange, view.origin, view.wall, Math.max(3, Math.floor((view.width - margin.l - margin.r) / (110 * scale)))) },
  };
  panes.forEach((pane, index) => {
    const { first, second } = axes[index];
    layout[axisKey(first)] = { ...axis, domain: shares[index], range: ranges[index].first, ...(pane.ticks ? { tickvals: pane.ticks } : { nticks: pane.few ? 3 : 4 }) };
    if (!second) return;
    layout[axisKey(second)] = { ...axis, overlaying: first, side: "right", range: ranges[index].second, tickvals: [ranges[index].second[1] / 2, ranges[index].second[1]], showgrid: false, ticklabelposition: "inside" };
  });
  return layout;
}
