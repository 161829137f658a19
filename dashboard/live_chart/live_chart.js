// The live chart: asks /api/live for the rows after its cursor and keeps them. One instance per page.

const POINTS = 1500;
const LIGHT_POINTS = 300;
const LIGHT_MS = 4000;
const STALE_INTERVALS = 3;
const LEAST_MS = 30_000;
// The same as in live_chart.css.
const LOW_PX = 800;
// Midnight, so that a time since the start and a time of day are written the same way.
const RUN_ORIGIN_MS = Date.UTC(2000, 0, 1);
const instances = new WeakMap();

class LiveChart {
  constructor(parent) {
    Object.assign(this, { userRange: null, detail: null, paused: null, coresOpen: false, ticks: 0, failures: 0, undrawn: null });
    this.rows = new Rows([]);
    this.build(parent);
    this.over = new AbortController();
    const { signal } = this.over;
    document.addEventListener("visibilitychange", () => (document.hidden ? showHead(this.head, this, this.silence()) : this.poll()), { signal });
    // The figure is as high as the window has room for, which the observer of its width does not see.
    window.addEventListener("resize", () => this.resized(), { signal });
    this.observer = new ResizeObserver(() => this.resized());
    this.observer.observe(this.root);
    this.watch = setInterval(() => this.look(), 1000);
  }

  build(parent) {
    this.root = element("div", "orin");
    this.head = makeHead({ chooseSpan: (span) => this.chooseSpan(span), live: () => this.live(), togglePause: () => this.togglePause() });
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
    this.knownSweep = data.sweep ?? null;
    this.plotlyUrl = data.plotly;
    this.demo = Boolean(data.demo);
    this.root.classList.toggle("orin-demo", this.demo);
    const changed = data.run !== this.run;
    if (changed) {
      this.run = data.run;
      this.clear();
    }
    // Only where the page asks for another one, as at the end of a run: what somebody chose is kept, and so are zoom and pause.
    if (changed || data.span !== this.askedSpan) {
      this.askedSpan = data.span;
      if (!this.chosen) this.setSpan(data.span);
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

  /** A projector of few lines, where nobody scrolls: its large type leaves no room for every pane. */
  get low() {
    return this.demo && window.innerHeight <= LOW_PX;
  }

  get points() {
    return this.light ? LIGHT_POINTS : POINTS;
  }

  clear() {
    this.generation = (this.generation || 0) + 1;
    Object.assign(this, { cursor: "", tag: "", meta: null, last: null, refused: null, panes: [], seenFps: false });
    Object.assign(this, { userRange: null, detail: null, paused: null, chosen: false });
    this.rows = new Rows([]);
    this.draw();
  }

  setSpan(span) {
    Object.assign(this, { span, cursor: "" });
    this.poll();
  }

  chooseSpan(span) {
    Object.assign(this, { userRange: null, detail: null, paused: null, chosen: true });
    this.setSpan(span);
  }

  toggleCores() {
    this.coresOpen = !this.coresOpen;
    this.cursor = "";
    showCores(this.cores, this);
    this.poll();
  }

  /** The window that stands still, zoomed to or paused; null where it follows the newest rows. */
  get stillRange() {
    return this.userRange ?? this.paused?.range ?? null;
  }

  togglePause() {
    if (this.paused) {
      this.paused = null;
      if (this.userRange) fetchDetail(this);
      else this.detail = null;
    } else if (!this.ended && this.stage.view) {
      const rows = this.source();
      this.paused = { range: this.xRange(), endMs: this.liveRange()[1], ticks: this.ticks, text: timeText(this.rows.endMs, this.origin, !this.isRun) };
      // The other rows go on: they are dropped and come anew while these are looked at.
      this.detail = rows.copy();
    }
    this.draw();
  }

  live() {
    Object.assign(this, { userRange: null, detail: null, paused: null });
    this.draw();
  }

  zoomTo(range) {
    this.userRange = within(range, [this.origin, this.paused?.endMs ?? this.liveRange()[1]]);
    this.draw();
    clearTimeout(this.detailTimer);
    this.detailTimer = setTimeout(() => fetchDetail(this), DETAIL_DELAY_MS);
  }

  async poll() {
    clearTimeout(this.timer);
    // The node has left the document: this instance is over. A hidden tab asks for nothing.
    if (!this.root.isConnected || document.hidden) return;
    const generation = this.generation;
    const ask = (this.asked = (this.asked || 0) + 1);
    const answer = await answered(this);
    if (generation !== this.generation || ask !== this.asked) return;
    try {
      this.failures = answer ? 0 : this.failures + 1;
      this.attempt(() => this.receive(answer));
      this.draw();
      this.wantPlotly();
    } finally {
      // Whatever is wrong with this answer, the next one may do without it.
      this.timer = setTimeout(() => this.poll(), delayMs(this));
    }
  }

  /** Plotly's script alone runs for half a second: the figures of the run are painted before it. */
  wantPlotly() {
    if (window.Plotly) return;
    const drawn = () => this.draw();
    requestAnimationFrame(() => setTimeout(() => loadPlotly(this.plotlyUrl).then(drawn, drawn), 0));
  }

  receive(answer) {
    if (answer?.document) this.take(answer.document);
    else if (answer) this.refused = answer.refused;
  }

  /** Rows to draw from: of a window that stands still, those that were kept or fetched for it. */
  source() {
    return (this.stillRange && this.detail) || this.rows;
  }

  take(answer) {
    const completed = this.last?.partial && !answer.partial;
    this.last = answer;
    this.receivedMs = performance.now();
    this.refused = this.undrawn;
    this.tag = answer.tag;
    const before = this.points;
    if (answer.meta) this.takeMeta(answer.meta);
    if (answer.reset) {
      this.rows.clear();
      this.rows.thinned = Boolean(answer.thinned);
    }
    for (const row of answer.rows) this.addRow(row, answer.reset);
    this.arrange();
    // Rows of a whole window are not added to what is zoomed to, and what grows has an end.
    if (completed || (this.detail?.grows && (answer.reset || this.detail.length > 12 * this.points))) fetchDetail(this);
    if (this.span && !this.userRange) this.rows.dropBefore(this.rows.endMs - this.span * 1000 - 5000);
    this.cursor = this.rows.length > 2 * this.points || before !== this.points ? "" : answer.cursor;
    // A page without single runs does not follow the time between two runs of a sweep.
    const sweep = this.knownSweep === null ? null : answer.sweep;
    const state = answer.active || (sweep && `sweep ${sweep}`) || null;
    const known = this.known || (this.knownSweep && `sweep ${this.knownSweep}`) || null;
    if (this.follow && state !== known && (state !== this.told || performance.now() - this.toldMs > 5000)) {
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
    this.panesKey = null;
    // What is held of a window that stands still lacks a column; it stays in sight until the other rows are there.
    if (this.detail) this.detail.grows = false;
    fetchDetail(this);
  }

  addRow(row, again) {
    this.rows.add(row, this.origin);
    if (again) return;
    this.ticks += 1;
    if (this.detail?.grows) this.detail.copyFrom(this.rows, this.rows.length - 1);
  }

  /** Chooses the panes anew where what there is to show has changed. */
  arrange() {
    this.seenFps ||= this.rows.has("FPS");
    const fps = this.isRun && (this.seenFps || (!this.ended && this.meta.source !== "replay"));
    const key = `${fps} ${this.light} ${this.low}\n${this.columns}`;
    if (key === this.panesKey) return;
    this.panesKey = key;
    this.panes = panesFor(this.columns, { fps, light: this.light, low: this.low });
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
    return this.stillRange ?? this.liveRange();
  }

  /** The window that ends with the newest rows. */
  liveRange() {
    const { x, endMs } = this.rows.length ? this.rows : this.source();
    const age = this.ended || this.failures ? 0 : Math.min(this.ageS() ?? 0, 3600) * 1000;
    const silent = age > 1000 * STALE_INTERVALS * Math.max(this.meta?.interval_s ?? 1, 1);
    const now = silent ? endMs + age : endMs;
    // Filled from the left at first, so that a short run is not lost in an empty window.
    const start = this.span ? Math.max(x[0], now - this.span * 1000) : x[0];
    return [start, Math.max(now, start + LEAST_MS)];
  }

  /** Once a second: says a silence also while an answer is under way, and follows a change of theme. */
  look() {
    if (!this.root.isConnected) this.end();
    else if (!document.hidden && (this.silence() !== this.shownSilence || themeKey(this.root) !== this.shownTheme)) this.draw();
  }

  /** Another page is shown: nothing of this instance stays behind. */
  end() {
    this.over.abort();
    this.observer.disconnect();
    clearInterval(this.watch);
    clearTimeout(this.timer);
    clearTimeout(this.detailTimer);
    this.stage.end();
    // The tab must not speak of this page.
    if (document.title === this.head.tabTitle) document.title = PAGE_TITLE;
  }

  resized() {
    this.stage.forgetSize();
    if (this.meta) this.arrange();
    this.draw();
  }

  draw() {
    if (!this.root.isConnected) return;
    this.attempt(() => {
      this.show();
      this.undrawn = null;
    });
  }

  /** Says where a value that nobody expected cannot be drawn. */
  attempt(action) {
    try {
      action();
    } catch (error) {
      console.error(error);
      this.undrawn = this.refused = { message: "What the server sent could not be drawn.", hint: String(error) };
      showHead(this.head, this, null);
    }
  }

  show() {
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
