// The live chart: asks /api/live for the rows after its cursor and draws them. One instance per page.

const POINTS = 1500;
const WINDOWS = [["2 min", 120], ["10 min", 600], ["whole", 0]];
const FETCH_LIMIT_MS = 6000;
const STALE_INTERVALS = 3;
const LEAST_MS = 30_000;
// Midnight, so that a time axis shows the time since the start; not 1970, since Plotly takes four digits for a year.
const RUN_ORIGIN_MS = Date.UTC(2000, 0, 1);
const instances = new WeakMap();

class LiveChart {
  constructor(parent) {
    this.userRange = null;
    this.hoverMs = null;
    this.revision = 0;
    this.failures = 0;
    this.timer = null;
    this.build(parent);
    this.onVisible = () => {
      if (!this.root.isConnected) document.removeEventListener("visibilitychange", this.onVisible);
      else if (!document.hidden) this.poll();
    };
    document.addEventListener("visibilitychange", this.onVisible);
    new ResizeObserver(() => this.draw()).observe(this.root);
  }

  build(parent) {
    this.root = element("div", "orin");
    this.head = makeHead((span) => this.setSpan(span));
    this.tiles = makeTiles();
    this.chart = element("div", "orin-chart");
    this.plot = element("div", "orin-plot");
    this.labels = element("div", "orin-labels");
    this.labels.setAttribute("aria-hidden", "true");
    this.empty = element("div", "orin-empty", "Waiting for the first tick …");
    this.chart.append(this.plot, this.labels, this.empty);
    this.root.append(this.head.box, this.tiles.box, this.chart);
    parent.append(this.root);
  }

  /** Takes what the page says: which run, and which run it believes to hold the board. */
  update({ data, setTriggerValue }) {
    this.trigger = setTriggerValue;
    this.follow = data.follow;
    this.known = data.active;
    this.plotlyUrl = data.plotly;
    const changed = data.run !== this.run;
    if (changed) {
      this.run = data.run;
      this.clear();
    }
    // Only where the page asks for another one: a window that somebody chose is kept over reruns.
    if (changed || data.span !== this.askedSpan) {
      this.askedSpan = data.span;
      this.setSpan(data.span);
    }
  }

  get isRun() {
    return this.run !== "idle";
  }

  clear() {
    this.generation = (this.generation || 0) + 1;
    Object.assign(this, { cursor: "", tag: "", meta: null, last: null, panes: [], columns: null, userRange: null, hoverMs: null });
    this.dropRows();
    this.draw();
  }

  dropRows() {
    this.x = [];
    this.series = new Map((this.columns || []).map((name) => [name, []]));
    this.plots = new Map(this.panes.flatMap((pane) => pane.lines.map((item) => [item.column, []])));
  }

  setSpan(span) {
    this.span = span;
    this.userRange = null;
    this.cursor = "";
    this.poll();
  }

  schedule(delayMs) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.poll(), delayMs);
  }

  async poll() {
    clearTimeout(this.timer);
    // The node has left the document: this instance is over. A hidden tab asks for nothing.
    if (!this.root.isConnected || document.hidden) return;
    const generation = this.generation;
    const ask = (this.asked = (this.asked || 0) + 1);
    const query = new URLSearchParams({ run: this.run, since: this.cursor, tag: this.tag, span: this.span, points: POINTS });
    try {
      const [response] = await Promise.all([
        fetch(`/api/live?${query}`, { cache: "no-store", signal: AbortSignal.timeout(FETCH_LIMIT_MS) }),
        loadPlotly(this.plotlyUrl),
      ]);
      const answer = await response.json();
      if (generation !== this.generation || ask !== this.asked) return;
      this.failures = 0;
      if (response.ok) this.take(answer);
      else this.refused = answer;
    } catch (error) {
      if (generation !== this.generation || ask !== this.asked) return;
      this.failures += 1;
    }
    this.draw();
    this.schedule(this.delayMs());
  }

  /** A little after the next tick is due, at most a second away. */
  delayMs() {
    if (this.failures) return Math.min(5000, 500 * 2 ** Math.min(4, this.failures - 1));
    const age = this.last?.age_s;
    const interval = this.meta?.interval_s ?? 1;
    if (this.isRun && this.ended) return this.follow ? 1500 : 600_000;
    if (age === null || age === undefined || interval < 1 || age > interval) return 1000;
    return Math.min(1000, Math.max(250, (interval - age) * 1000 + 60));
  }

  get ended() {
    return Boolean(this.meta && this.isRun && this.meta.state !== "running");
  }

  take(answer) {
    this.last = answer;
    this.receivedMs = performance.now();
    this.refused = null;
    this.tag = answer.tag;
    if (answer.meta) this.takeMeta(answer.meta);
    if (answer.reset) this.dropRows();
    for (const row of answer.rows) this.addRow(row);
    this.cursor = this.x.length > 2 * POINTS ? "" : answer.cursor;
    const state = answer.active;
    if (this.follow && state !== this.known && (state !== this.told || performance.now() - this.toldMs > 5000)) {
      [this.told, this.toldMs] = [state, performance.now()];
      this.trigger("changed", state || "idle");
    }
  }

  takeMeta(meta) {
    const columns = meta.columns.join("\n");
    this.meta = meta;
    if (columns === (this.columns || []).join("\n")) return;
    this.columns = meta.columns;
    this.panes = panesFor(meta.columns, this.isRun);
    this.dropRows();
  }

  /** Left end of the time axis: runs count from their start, the idle board shows the time of day. */
  get origin() {
    if (this.isRun || !this.meta?.utc0_ms) return RUN_ORIGIN_MS;
    return this.meta.utc0_ms - new Date(this.meta.utc0_ms).getTimezoneOffset() * 60_000;
  }

  addRow(row) {
    this.x.push(this.origin + Math.round(row[0] * 1000));
    this.columns.forEach((name, index) => this.series.get(name).push(row[index]));
    for (const pane of this.panes) {
      for (const { column, scale } of pane.lines) {
        const list = this.series.get(column);
        const value = list[list.length - 1];
        this.plots.get(column).push(value === null ? null : scale(value));
      }
    }
  }

  /** Seconds since the last tick, as of now; null where none is expected. */
  ageS() {
    const age = this.last?.age_s;
    return age === null || age === undefined ? null : age + (performance.now() - this.receivedMs) / 1000;
  }

  silence() {
    if (this.failures > 1) return "disconnected";
    if (this.meta?.error) return "no telemetry";
    const age = this.ageS();
    if (age === null || age <= STALE_INTERVALS * Math.max(this.meta.interval_s, 1)) return null;
    return `no data for ${age.toFixed(0)} s`;
  }

  xRange() {
    if (this.userRange) return this.userRange;
    const end = this.x[this.x.length - 1];
    const age = this.ended || this.failures ? 0 : Math.min(this.ageS() ?? 0, 3600) * 1000;
    const now = Math.max(end, end + age - (this.meta?.interval_s ?? 1) * 1000);
    // Filled from the left at first, so that a short run is not lost in an empty window.
    const start = this.span ? Math.max(this.x[0], now - this.span * 1000) : this.x[0];
    return [start, Math.max(now, start + LEAST_MS)];
  }

  ranges(first) {
    const ramTotal = (this.series.get("Total RAM (MB)") || []).at(-1) || null;
    return this.panes.map((pane) => {
      let top = null;
      for (const { column } of pane.lines) {
        const list = this.plots.get(column);
        for (let i = first; i < list.length; i += 1) if (list[i] !== null && (top === null || list[i] > top)) top = list[i];
      }
      return pane.range(top, { ramTotal, throttleC: this.meta.throttle_c });
    });
  }

  draw() {
    if (!this.root.isConnected) return;
    const theme = themeOf(this.root);
    const palette = theme.dark ? PALETTE.dark : PALETTE.light;
    const silence = this.silence();
    showHead(this.head, this, silence);
    // At the end of a run the board is idle again: its figures are those of the summary, not of the last tick.
    this.tiles.box.hidden = this.ended;
    showTiles(this.tiles.tiles, this.x, this.series, this.meta || {}, silence, palette, this.isRun);
    this.chart.classList.toggle("orin-stale", Boolean(silence));
    const ready = window.Plotly && this.panes.length && this.x.length;
    this.empty.hidden = Boolean(ready);
    setText(this.empty, this.meta?.error ? `${this.meta.error} ${this.meta.hint || ""}` : this.ended ? "This run has no rows." : this.meta?.message || "Waiting for the first tick …");
    if (!ready) {
      this.labels.replaceChildren();
      if (window.Plotly && this.plot.data) window.Plotly.purge(this.plot);
      return;
    }
    this.drawFigure(theme, palette);
  }

  drawFigure(theme, palette) {
    this.plot.dataset.originMs = String(this.origin);
    const width = Math.max(320, Math.floor(this.chart.clientWidth));
    const above = this.chart.getBoundingClientRect().top + (this.root.closest('[data-testid="stMain"]')?.scrollTop ?? 0);
    const height = Math.min(900, Math.max(40 + 104 * this.panes.length, window.innerHeight - above - 28));
    const xRange = this.xRange();
    const first = Math.max(0, lastAtOrBelow(this.x, xRange[0]));
    const phases = this.isRun ? this.meta.phases || [] : [];
    const endMs = this.origin + 1000 * (this.meta.end_s ?? Infinity);
    this.view = {
      panes: this.panes, ranges: this.ranges(first), xRange, phases, endMs: Math.min(endMs, this.x[this.x.length - 1]), origin: this.origin,
      wall: !this.isRun, throttleC: this.meta.throttle_c, width, height, revision: (this.revision += 1),
    };
    const config = { displayModeBar: false, doubleClick: false, responsive: false };
    window.Plotly.react(this.plot, traces(this.panes, this.x, this.plots, palette), figureLayout(this.view, theme, palette), config);
    if (!this.listening) this.listen();
    this.drawLabels();
  }

  listen() {
    this.listening = true;
    this.plot.on("plotly_relayout", (change) => {
      const [low, high] = [change["xaxis.range[0]"], change["xaxis.range[1]"]];
      if (low === undefined) return;
      // Plotly answers in its own text form of UTC.
      this.userRange = [low, high].map((value) => (typeof value === "number" ? value : Date.parse(`${value.replace(" ", "T")}Z`)));
      this.draw();
    });
    this.plot.on("plotly_doubleclick", () => this.live());
    this.plot.on("plotly_hover", (event) => {
      const point = event.points[0];
      this.hoverMs = this.x[point.pointIndex];
      this.drawLabels();
    });
    this.plot.on("plotly_unhover", () => {
      this.hoverMs = null;
      this.drawLabels();
    });
  }

  live() {
    this.userRange = null;
    this.draw();
  }

  drawLabels() {
    const palette = this.root.classList.contains("orin-dark") ? PALETTE.dark : PALETTE.light;
    this.labels.replaceChildren(...lineLabels(this.view, this.x, this.plots, this.hoverMs, palette));
  }
}

export default function render(component) {
  const { parentElement } = component;
  let instance = instances.get(parentElement);
  if (!instance || !instance.root.isConnected) {
    parentElement.querySelectorAll(":scope > .orin").forEach((node) => node.remove());
    instance = new LiveChart(parentElement);
    instances.set(parentElement, instance);
  }
  instance.update(component);
}
