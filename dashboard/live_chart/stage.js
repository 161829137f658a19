// The figure and what lies under and over it; the pointer and the keys that move in it.

const LABEL = "Charts over time";
const KEYS_SAID = "Space pauses, arrow keys read values and with Shift move along, plus and minus zoom, Escape goes back to live.";
const KEYS = { " ": "pause", Escape: "live", ArrowLeft: "before", ArrowRight: "after", "+": "in", "-": "out" };
const PAN_SHARE = 0.25;

class Stage {
  constructor(chart) {
    this.owner = chart;
    this.hoverMs = null;
    this.revision = 0;
    this.box = element("div", "orin-chart");
    this.under = element("div", "orin-under");
    this.plot = element("div", "orin-plot");
    this.over = element("div", "orin-over");
    this.labels = element("div", "orin-labels");
    this.events = new EventMarks();
    this.paused = { box: element("div", "orin-paused"), since: element("span"), count: element("span") };
    this.partial = element("div", "orin-partial", "Older rows are being read …");
    this.reading = element("div", "orin-heard");
    this.empty = element("div", "orin-empty", "Waiting for the first tick …");
    this.box.setAttribute("role", "group");
    for (const node of [this.under, this.over, this.labels]) node.setAttribute("aria-hidden", "true");
    this.reading.setAttribute("role", "status");
    this.paused.box.append(this.paused.since, this.paused.count);
    this.box.append(this.under, this.plot, this.over, this.labels, this.events.box, this.paused.box, this.partial, this.reading, this.empty);
    this.box.addEventListener("keydown", (event) => this.onKey(event));
    this.plot.addEventListener("pointermove", (event) => this.onPointer(event));
    this.plot.addEventListener("pointerleave", () => this.read(null));
  }

  /** What the figure is drawn from; null where there is nothing to draw. */
  viewOf(chart) {
    const rows = chart.source();
    if (!window.Plotly || !chart.panes.length || !rows.length) return null;
    const scale = chart.demo ? 1.45 : 1;
    const xRange = chart.xRange();
    const wider = chart.stillRange ? xRange[1] - xRange[0] : 0;
    const first = Math.max(0, lastAtOrBelow(rows.x, xRange[0] - wider));
    const last = Math.min(rows.length - 1, Math.max(first, lastAtOrBelow(rows.x, xRange[1] + wider) + 1));
    const endS = chart.meta.end_s ?? null;
    return {
      rows, first, last, xRange, scale, panes: chart.panes, origin: chart.origin, wall: !chart.isRun, fixed: chart.demo, intervalMs: 1000 * chart.meta.interval_s,
      phases: chart.isRun ? chart.meta.phases || [] : [], throttleC: chart.meta.throttle_c, ramIdleMb: chart.isRun ? chart.meta.ram_idle_mb ?? null : null,
      endMs: rows.endMs, phaseEndMs: endS === null ? -Infinity : chart.origin + 1000 * endS, margin: marginOf(scale), ...this.size(chart, scale),
    };
  }

  /** Size of the figure; looked up only after something around it has changed, since it makes the browser lay out the page. */
  size(chart, scale) {
    if (!this.known || this.known.panes !== chart.panes) {
      const above = this.box.getBoundingClientRect().top + (this.box.closest('[data-testid="stMain"]')?.scrollTop ?? 0);
      const weight = chart.panes.reduce((sum, pane) => sum + pane.weight, 0);
      // So low that on 1280x720 the time axis is in sight; a window with more room has higher panes.
      const least = 58 + 40 * weight + 22 * chart.panes.length;
      const room = window.innerHeight - above - (chart.demo || chart.light ? 28 : 64);
      this.known = { panes: chart.panes, width: Math.max(320, Math.floor(this.box.clientWidth)), height: Math.round(Math.min(1100 * scale, Math.max(least, room))) };
    }
    return { width: this.known.width, height: this.known.height };
  }

  forgetSize() {
    this.known = null;
  }

  draw(chart, theme, palette, silence) {
    this.box.classList.toggle("orin-stale", Boolean(silence));
    this.showKeys(chart.demo);
    this.showPause(chart);
    this.partial.hidden = !chart.last?.partial;
    const view = this.viewOf(chart);
    this.empty.hidden = Boolean(view);
    if (!view) {
      this.clear(chart);
      return null;
    }
    // While paused new rows change nothing; the window, the size and the theme still do.
    const key = [chart.paused ? "paused" : `${view.rows.version} ${chart.tag}`, view.xRange, view.width, view.height, theme.dark, theme.background, chart.coresOpen].join();
    if (key === this.drawnKey && view.panes === this.view?.panes && view.rows === this.view.rows) return this.view;
    this.drawnKey = key;
    this.drawFigure(chart, view, theme, palette);
    return this.view;
  }

  drawFigure(chart, view, theme, palette) {
    const drawn = drawnOf(view.rows, view.panes, view.first, view.last, chart.points);
    const ramTotal = view.rows.last("Total RAM (MB)");
    view.ranges = rangesOf(view.panes, drawn, { ramTotal, ramIdle: view.ramIdleMb, throttleC: view.throttleC });
    view.geometry = geometryOf(view);
    view.revision = this.revision += 1;
    this.view = view;
    this.palette = palette;
    const config = { displayModeBar: false, doubleClick: false, responsive: false };
    const colors = { palette, areas: areaColors(palette, theme) };
    window.Plotly.react(this.plot, traces(view.panes, drawn, colors, view.scale), figureLayout(view, theme), config);
    this.plot.dataset.originMs = String(view.origin);
    this.plot.dataset.rows = String(view.rows.length);
    if (!this.listening) this.listen();
    const marks = marksOf(view);
    this.under.replaceChildren(...marks.under);
    this.over.replaceChildren(...marks.over);
    this.events.show(chart.meta.events || [], view);
    this.drawLabels();
  }

  clear(chart) {
    const { meta } = chart;
    const waiting = plotlyFailed ? "The chart could not be loaded. Trying again …" : "Drawing the chart …";
    setText(this.empty, !window.Plotly && chart.rows.length ? waiting : meta?.error ? `${meta.error} ${meta.hint || ""}` : chart.ended ? "This run has no rows." : meta?.message || "Waiting for the first tick …");
    for (const node of [this.under, this.over, this.labels]) node.replaceChildren();
    this.events.show([], null);
    this.end();
    Object.assign(this, { view: null, drawnKey: null, hoverMs: null, listening: false });
  }

  end() {
    if (window.Plotly && this.plot.data) window.Plotly.purge(this.plot);
  }

  /** On a projector there is nothing to press, so nothing to stop at. */
  showKeys(demo) {
    const label = demo ? LABEL : `${LABEL}. ${KEYS_SAID}`;
    if (this.box.getAttribute("aria-label") === label) return;
    this.box.setAttribute("aria-label", label);
    this.box.tabIndex = demo ? -1 : 0;
  }

  showPause(chart) {
    const { paused } = chart;
    const { box, since, count } = this.paused;
    box.hidden = !paused;
    if (Boolean(paused) !== Boolean(this.pauseSaid)) {
      // Said once: the number beside it changes with every tick.
      setText(this.reading, paused ? `Paused at ${paused.text}.` : "Goes on.");
      this.pauseSaid = paused;
    }
    if (!paused) return;
    const number = chart.ticks - paused.ticks;
    setText(since, `Paused at ${paused.text}. `);
    setText(count, `${number} new ${number === 1 ? "tick is" : "ticks are"} kept; Resume shows them.`);
  }

  listen() {
    this.listening = true;
    this.plot.on("plotly_relayout", (change) => {
      const [low, high] = [change["xaxis.range[0]"], change["xaxis.range[1]"]];
      if (low !== undefined) this.owner.zoomTo([Number(low), Number(high)]);
    });
    this.plot.on("plotly_doubleclick", () => this.owner.live());
  }

  onPointer(event) {
    if (!this.view || this.asked) return;
    // One reading per frame is enough, however many moves a mouse reports.
    this.asked = requestAnimationFrame(() => {
      this.asked = null;
      if (!this.view) return;
      const { geometry, rows } = this.view;
      const px = event.clientX - this.plot.getBoundingClientRect().left;
      if (px < geometry.left || px > geometry.right) this.read(null);
      else this.readRow(nearest(rows.x, geometry.ms(px)));
    });
  }

  readRow(index) {
    this.read(this.view.rows.x[index] ?? null);
  }

  read(ms) {
    if (ms === this.hoverMs) return;
    this.hoverMs = ms;
    this.drawLabels();
  }

  drawLabels() {
    if (!this.view) return;
    const [low, high] = this.view.xRange;
    if (this.hoverMs !== null && (this.hoverMs < low || this.hoverMs > high)) this.hoverMs = null;
    this.view.thinned = this.view.rows.isThinned(labelledRow(this.view, this.hoverMs), this.view.intervalMs);
    this.labels.replaceChildren(...lineLabels(this.view, this.hoverMs, this.palette));
  }

  onKey(event) {
    const action = KEYS[event.key];
    if (event.target !== this.box || !action || !this.view || event.ctrlKey || event.metaKey || event.altKey || this.owner.demo) return;
    event.preventDefault();
    if (action === "pause") this.owner.togglePause();
    else if (action === "live") this.owner.live();
    else if (event.shiftKey && (action === "before" || action === "after")) this.owner.zoomTo(moved(this.view.xRange, action === "after" ? PAN_SHARE : -PAN_SHARE));
    else if (action === "in" || action === "out") this.owner.zoomTo(zoomed(this.view.xRange, action === "in" ? 0.5 : 2, this.hoverMs));
    else this.step(action === "after" ? 1 : -1);
  }

  step(by) {
    const { rows, xRange } = this.view;
    const from = this.hoverMs === null ? lastAtOrBelow(rows.x, xRange[1]) + (by > 0 ? 0 : 1) : lastAtOrBelow(rows.x, this.hoverMs);
    const index = from + by;
    if (index < 0 || index >= rows.length || rows.x[index] < xRange[0] || rows.x[index] > xRange[1]) return;
    this.readRow(index);
    setText(this.reading, readingText(this.view, this.hoverMs));
  }
}

function nearest(x, ms) {
  const index = lastAtOrBelow(x, ms);
  if (index < 0) return 0;
  return index + 1 < x.length && x[index + 1] - ms < ms - x[index] ? index + 1 : index;
}

/** A range moved by a share of its width. */
function moved([low, high], share) {
  return [low, high].map((ms) => ms + share * (high - low));
}

/** A range moved, and where it is too wide cut, to lie between two limits. */
function within([low, high], [least, most]) {
  const width = Math.min(high - low, most - least);
  const start = Math.min(Math.max(low, least), most - width);
  return [start, start + width];
}

/** A range made narrower or wider about an instant, or about its middle. */
function zoomed([low, high], factor, about) {
  const middle = about ?? (low + high) / 2;
  const share = (middle - low) / (high - low);
  const width = Math.max(2000, (high - low) * factor);
  return [middle - share * width, middle + (1 - share) * width];
}
