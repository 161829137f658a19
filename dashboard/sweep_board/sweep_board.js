// The board of a sweep: asks /api/sweep how it stands, and puts in place only what has changed. One instance per page.

const FETCH_LIMIT_MS = 6000;
const SILENT_POLLS = 3;
const PAGE_TITLE = "Orin dashboard";
const PARTS = ["head", "end", "status", "matrix"];
const instances = new WeakMap();

function element(tag, className) {
  const node = document.createElement(tag);
  node.className = className;
  return node;
}

function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** 45 -> "45 s", 700 -> "12 min", 11000 -> "3 h 03 min". */
function lengthText(seconds) {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, "0")} min`;
}

/** A time of day where the viewer is, with its day where that is another one. */
function clockText(unixS) {
  const moment = new Date(unixS * 1000);
  const time = moment.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
  const day = moment.toLocaleDateString("en-GB", { weekday: "short", day: "numeric", month: "short" });
  return moment.toDateString() === new Date().toDateString() ? time : `${time} on ${day}`;
}

/** Puts HTML in place and leaves the keyboard's focus, and how far the table is scrolled, where they were. */
function replace(node, html) {
  const held = node.contains(document.activeElement) ? document.activeElement : null;
  const link = held?.getAttribute("href");
  const scrolled = node.querySelector(".orin-scroll")?.scrollLeft ?? 0;
  node.innerHTML = html;
  const region = node.querySelector(".orin-scroll");
  if (region) region.scrollLeft = scrolled;
  if (held) (link ? [...node.querySelectorAll("a")].find((one) => one.getAttribute("href") === link) : region)?.focus();
}

class SweepBoard {
  constructor(parent) {
    this.root = element("div", "orin-sweep");
    this.lost = element("div", "orin-sweep-lost");
    this.lost.hidden = true;
    this.lost.setAttribute("role", "alert");
    this.head = element("div", "orin-sweep-head");
    this.waits = element("div", "orin-sweep-waits");
    this.matrix = element("div", "orin-sweep-matrix");
    // Apart from what is replaced, so that a screen reader is told once of each change.
    this.told = element("div", "orin-sweep-told");
    this.told.setAttribute("role", "status");
    this.root.append(this.lost, this.head, this.waits, this.matrix, this.told);
    this.root.addEventListener("click", (event) => this.choose(event));
    // For tests: a refresh can be asked for.
    this.root.sweepBoard = this;
    parent.append(this.root);
    this.failures = 0;
    this.over = new AbortController();
    document.addEventListener("visibilitychange", () => document.hidden || this.poll(), { signal: this.over.signal });
    this.watch = setInterval(() => this.look(), 1000);
  }

  /** Takes what the page says: which sweep, and how it stood when the page was drawn. */
  update({ data, setTriggerValue }) {
    this.trigger = setTriggerValue;
    if (data.sweep !== this.sweep || data.show !== this.show) {
      Object.assign(this, { sweep: data.sweep, show: data.show, tag: "", generation: (this.generation || 0) + 1 });
      PARTS.forEach((name) => delete this[`${name}Part`]);
    }
    // A sweep that cannot be read any more has no board.
    if (!data.head) this.clear();
    this.known = data.page.sign;
    this.take(data);
    this.wait();
  }

  clear() {
    [this.head, this.matrix].forEach((node) => node.replaceChildren());
    PARTS.forEach((name) => delete this[`${name}Part`]);
    Object.assign(this, { headNow: null, endsAt: null, statusNow: null });
  }

  wait() {
    clearTimeout(this.timer);
    const delayMs = this.failures ? Math.min(5000, 500 * 2 ** Math.min(4, this.failures - 1)) : this.paceS * 1000;
    this.timer = setTimeout(() => this.poll(), delayMs);
  }

  async poll() {
    clearTimeout(this.timer);
    // The node has left the document: this instance is over. A hidden tab asks for nothing.
    if (!this.root.isConnected || document.hidden) return;
    const generation = this.generation;
    const ask = (this.asked = (this.asked || 0) + 1);
    const answer = await this.answered();
    if (generation !== this.generation || ask !== this.asked) return;
    this.failures = answer.tag ? 0 : this.failures + 1;
    this.refused = answer.refused;
    if (answer.tag) this.take(answer);
    this.draw();
    this.wait();
  }

  async answered() {
    const query = new URLSearchParams({ ...(this.sweep ? { id: this.sweep } : {}), show: this.show, tag: this.tag });
    try {
      const response = await fetch(`/api/sweep?${query}`, { cache: "no-store", signal: AbortSignal.timeout(FETCH_LIMIT_MS) });
      return response.ok ? await response.json() : { refused: response.status };
    } catch (error) {
      return {};
    }
  }

  /** Takes the parts that are new. */
  take(answer) {
    this.tag = answer.tag;
    this.aheadS = answer.now_unix_s - Date.now() / 1000;
    if (answer.page) [this.sign, this.paceS] = [answer.page.sign, answer.page.pace_s];
    for (const name of PARTS) {
      const part = JSON.stringify(answer[name]);
      if (!(name in answer) || part === this[`${name}Part`]) continue;
      this[`${name}Part`] = part;
      this[name === "end" ? "endsAt" : `${name}Now`] = answer[name];
      if (name === "head") replace(this.head, answer.head.html);
      if (name === "matrix") replace(this.matrix, answer.matrix);
    }
    this.draw();
    // Another page is due: the script is run again, once for each, and again where that was lost.
    const due = this.sign !== this.known && (this.sign !== this.asking || performance.now() - this.askedMs > 5000);
    if (!due) return;
    [this.asking, this.askedMs] = [this.sign, performance.now()];
    this.trigger("changed", this.sign);
  }

  draw() {
    const silent = this.failures >= SILENT_POLLS;
    this.root.toggleAttribute("data-silent", silent);
    this.lost.hidden = !silent;
    const wrong = this.refused ? `The dashboard's server answers with an error (${this.refused}); what happened is in its log.` : "Disconnected: the dashboard's server does not answer.";
    if (silent) setText(this.lost, `${wrong} What is shown is of before; a sweep goes on without it.`);
    setText(this.waits, this.statusNow?.text ?? "");
    setText(this.told, this.statusNow?.told ?? "");
    const end = this.head.querySelector(".orin-sweep-end");
    if (end) setText(end, silent ? "" : this.endText());
    this.title(silent);
  }

  /** " · about 12 min to go, ends at about 14:05"; counted here, so that nothing need be sent for it. */
  endText() {
    const end = this.endsAt;
    if (!end) return "";
    if (end.behind_s === null) return " · its end is known once a cell is over";
    const nowS = Date.now() / 1000 + this.aheadS;
    const leftS = end.behind_s + Math.max(0, (end.cell_end_unix_s ?? nowS) - nowS);
    const length = `about ${lengthText(leftS)} to go`;
    return ` · ${end.runs ? `${length}, ends at about ${clockText(nowS - this.aheadS + leftS)}` : length}`;
  }

  /** The live chart beside it tells more of the run that goes on. */
  title(silent) {
    if (!this.headNow || document.querySelector(".orin")) return;
    this.tabTitle = `${silent ? "disconnected" : this.headNow.title} - ${PAGE_TITLE}`;
    if (document.title !== this.tabTitle) document.title = this.tabTitle;
  }

  look() {
    if (!this.root.isConnected) this.end();
    else if (!document.hidden) this.draw();
  }

  /** A run is shown by this tab's own page, so that what was filled in elsewhere stays; without a server the link leads on. */
  choose(event) {
    const link = event.target.closest("a[href]");
    if (!link || this.failures || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    const place = new URL(link.href);
    this.trigger("chosen", `${place.pathname === "/" ? "live" : "run"} ${place.searchParams.get("run")}`);
  }

  /** Another page is shown: nothing of this instance stays behind. */
  end() {
    this.over.abort();
    clearInterval(this.watch);
    clearTimeout(this.timer);
    if (document.title === this.tabTitle) document.title = PAGE_TITLE;
  }
}

export default function render(component) {
  const { parentElement } = component;
  let instance = instances.get(parentElement);
  if (!instance || !instance.root.isConnected) {
    parentElement.querySelectorAll(":scope > .orin-sweep").forEach((node) => node.remove());
    instance = new SweepBoard(parentElement);
    instances.set(parentElement, instance);
  }
  instance.update(component);
}
