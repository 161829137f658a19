// The live chart: asks /api/live for the rows after its cursor and keeps them. One instance per page.

const POINTS = 1500;
const LIGHT_POINTS = 600;
const LIGHT_MS = 2000;
const FETCH_LIMIT_MS = 6000;
const STALE_INTERVALS = 3;
const LEAST_MS = 30_000;
// Midnight, so that a time since the start and a time of day are written the same way.
const RUN_ORIGIN_MS = Date.UTC(2000, 0, 1);
const instances = new WeakMap();

class LiveChart {
  constructor(parent) {
    Object.assign(this, { userRange: null, detail: null, paused: null, coresOpen: false, ticks: 0, failures: 0, timer: null, panes: [] });
    this.rows = new Rows([]);
    this.build(parent);
    this.onVisible = () => {
      if (!this.root.isConnected) document.removeEventListener("visibilitychange", this.onVisible);
      else if (document.hidden) showHead(this.head, this, this.silence());
      else this.poll();
    };
    document.addEventListener("visibilitychange", this.onVisible);
    new ResizeObserver(() => this.resized()).observe(this.root);
    this.watch = setInterval(() => this.look(), 1000);
  }

  build(parent) {
    this.root = element("div", "orin");
    this.head = makeHead({ setSpan: (span) => this.setSpan(span), live: () => this.live(), togglePause: () => this.togglePause() });
    this.tiles = makeTiles();
    this.stage = new Stage(this);
    this.cores = makeCores(() => this.toggleCores());
    this.root.append(this.head.box, this.tiles.box, this.stage.box, this.cores.box);
    // For tests and the bench: what is held can be looked at, and a refresh be asked for.
    this.root.liveChart = this;
    parent.append(this.root);
  }

  /** Takes what the page says: which run, and which run it believes to hold the board. */
  update({ data, setTriggerValue }) {
    this.trigger = setTriggerValue;
    this.follow = data.follow;
    this.known = data.active;
    this.plotlyUrl = data.plotly;
    this.demo = Boolean(data.demo);
    this.root.classList.toggle("orin-demo", this.demo);
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

  get ended() {
    return Boolean(this.meta && this.isRun && this.meta.state !== "running");
  }

  /** Fewer points and refreshes, for a browser that shares the machine with the run; the address has the last word. */
  get light() {
    const asked = new URLSearchParams(window.location.search).get("light");
    return asked === "1" || (asked !== "0" && Boolean(this.meta?.light));
  }

  get points() {
    return this.light ? LIGHT_POINTS : POINTS;
  }

  clear() {
    this.generation = (this.generation || 0) + 1;
    Object.assign(this, { cursor: "", tag: "", meta: null, last: null, refused: null, panes: [], seenFps: false });
    Object.assign(this, { userRange: null, detail: null, paused: null });
    this.rows = new Rows([]);
    this.draw();
  }

  setSpan(span) {
    Object.assign(this, { span, userRange: null, detail: null, paused: null, cursor: "" });
    this.poll();
  }

  toggleCores() {
    this.coresOpen = !this.coresOpen;
    Object.assign(this, { cursor: "", detail: null });
    showCores(this.cores, this);
    this.poll();
    if (this.userRange) fetchDetail(this);
  }

  togglePause() {
    if (this.ended || !this.stage.view) return;
    const range = this.xRange();
    this.paused = this.paused ? null : { range, ticks: this.ticks, text: timeText(this.rows.endMs, this.origin, !this.isRun) };
    this.draw();
  }

  live() {
    Object.assign(this, { userRange: null, detail: null, paused: null });
    this.draw();
  }

  zoomTo(range) {
    this.userRange = range;
    this.draw();
    clearTimeout(this.detailTimer);
    this.detailTimer = setTimeout(() => fetchDetail(this), DETAIL_DELAY_MS);
  }

  schedule(delayMs) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.poll(), delayMs);
  }

  async ask(more) {
    const query = new URLSearchParams({ run: this.run, tag: this.tag, points: this.points, ...(this.coresOpen ? { cores: 1 } : {}), ...more });
    return fetch(`/api/live?${query}`, { cache: "no-store", signal: AbortSignal.timeout(FETCH_LIMIT_MS) });
  }

  async poll() {
    clearTimeout(this.timer);
    // The node has left the document: this instance is over. A hidden tab asks for nothing.
    if (!this.root.isConnected || document.hidden) return;
    const generation = this.generation;
    const ask = (this.asked = (this.asked || 0) + 1);
    const over = () => generation !== this.generation || ask !== this.asked;
    try {
      const [response] = await Promise.all([this.ask({ since: this.cursor, span: this.span }), loadPlotly(this.plotlyUrl)]);
      const answer = await response.json();
      if (over()) return;
      this.failures = 0;
      if (response.ok) this.take(answer);
      else this.refused = answer;
    } catch (error) {
      if (over()) return;
      this.failures += 1;
    }
    this.draw();
    this.schedule(this.delayMs());
  }

  /** Rows to draw from: while zoomed, those that were fetched for it. */
  source() {
    return (this.userRange && this.detail) || this.rows;
  }

  /** A little after the next tick is due, at most a second away. */
  delayMs() {
    if (this.failures) return Math.min(5000, 500 * 2 ** Math.min(4, this.failures - 1));
    // Of a long run the newest rows come first; the others are being read.
    if (this.last?.partial) return 1000;
    if (this.isRun && this.ended) return this.follow ? 1500 : 600_000;
    if (this.light) return LIGHT_MS;
    const age = this.last?.age_s;
    const interval = this.meta?.interval_s ?? 1;
    if (age === null || age === undefined || interval < 1 || age > interval) return 1000;
    return Math.min(1000, Math.max(250, (interval - age) * 1000 + 60));
  }

  take(answer) {
    const completed = this.last?.partial && !answer.partial;
    this.last = answer;
    this.receivedMs = performance.now();
    this.refused = null;
    this.tag = answer.tag;
    const before = this.points;
    if (answer.meta) this.takeMeta(answer.meta);
    if (answer.reset) this.rows.clear();
    for (const row of answer.rows) this.addRow(row, answer.reset);
    this.arrange();
    if (this.ended) this.paused = null;
    if (completed && this.userRange) fetchDetail(this);
    if (this.span && !this.userRange && !this.paused) this.rows.dropBefore(this.rows.endMs - this.span * 1000 - 5000);
    this.cursor = this.rows.length > 2 * this.points || before !== this.points ? "" : answer.cursor;
    const state = answer.active;
    if (this.follow && state !== this.known && (state !== this.told || performance.now() - this.toldMs > 5000)) {
      [this.told, this.toldMs] = [state, performance.now()];
      this.trigger("changed", state || "idle");
    }
  }

  takeMeta(meta) {
    const same = this.columns && this.rows.columns === this.columns && meta.columns.join("\n") === this.columns.join("\n");
    this.meta = meta;
    if (same) return;
    this.columns = meta.columns;
    this.rows = new Rows(meta.columns);
    Object.assign(this, { panesKey: null, detail: null });
  }

  addRow(row, again) {
    this.rows.add(row, this.origin);
    if (again) return;
    this.ticks += 1;
    if (this.detail?.grows) this.detail.copyFrom(this.rows, this.rows.length - 1);
    if (this.detail?.length > 12 * this.points) fetchDetail(this);
  }

  /** Chooses the panes anew where what there is to show has changed. */
  arrange() {
    this.seenFps ||= this.rows.has("FPS");
    const fps = this.isRun && (this.seenFps || (!this.ended && this.meta.source !== "replay"));
    const key = `${fps} ${this.light}\n${this.columns}`;
    if (key === this.panesKey) return;
    this.panesKey = key;
    this.panes = panesFor(this.columns, { fps, light: this.light });
  }

  /** Left end of the time axis: runs count from their start, the idle board shows the time of day. */
  get origin() {
    if (this.isRun || !this.meta?.utc0_ms) return RUN_ORIGIN_MS;
    return this.meta.utc0_ms - new Date(this.meta.utc0_ms).getTimezoneOffset() * 60_000;
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
    const refreshS = this.light ? LIGHT_MS / 1000 : 0;
    if (age === null || age <= STALE_INTERVALS * Math.max(this.meta.interval_s, 1) + refreshS) return null;
    return `no data for ${age.toFixed(0)} s`;
  }

  xRange() {
    if (this.userRange) return this.userRange;
    if (this.paused) return this.paused.range;
    const { endMs } = this.rows;
    const age = this.ended || this.failures ? 0 : Math.min(this.ageS() ?? 0, 3600) * 1000;
    const silent = age > 1000 * STALE_INTERVALS * Math.max(this.meta?.interval_s ?? 1, 1);
    const now = silent ? endMs + age : endMs;
    // Filled from the left at first, so that a short run is not lost in an empty window.
    const start = this.span ? Math.max(this.rows.x[0], now - this.span * 1000) : this.rows.x[0];
    return [start, Math.max(now, start + LEAST_MS)];
  }

  /** Once a second: says a silence also while an answer is under way, and follows a change of theme. */
  look() {
    if (!this.root.isConnected) {
      clearInterval(this.watch);
      // Another page is shown: its tab must not speak of this one.
      if (document.title === this.head.tabTitle) document.title = PAGE_TITLE;
    } else if (!document.hidden && (this.silence() !== this.shownSilence || themeKey(this.root) !== this.shownTheme)) this.draw();
  }

  resized() {
    this.stage.forgetSize();
    this.draw();
  }

  draw() {
    if (!this.root.isConnected) return;
    const theme = themeOf(this.root);
    const palette = theme.dark ? PALETTE.dark : PALETTE.light;
    const silence = this.silence();
    Object.assign(this, { shownSilence: silence, shownTheme: themeKey(this.root) });
    showHead(this.head, this, silence);
    // At the end of a run the board is idle again: its figures are those of the summary, not of the last tick.
    this.tiles.box.hidden = this.ended;
    showTiles(this.tiles.tiles, this.rows, this.meta || {}, silence, palette, this.isRun);
    this.view = this.stage.draw(this, theme, palette, silence);
    showCores(this.cores, this);
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
