// What lies under and over the figure as elements of the page: phases, throttled stretches, limits, titles, events.

const MARK_SIGNS = { mode: "◆", reader: "↻", image: "✕", stop: "■", notice: "●" };
const MARK_NAMES = { mode: "power mode", reader: "telemetry", image: "image", stop: "stop", notice: "notice" };

/** Places in px of times and values, for a figure of this size and range. */
function geometryOf({ width, height, margin, xRange, panes }) {
  const [left, right, top, bottom] = [margin.l, width - margin.r, margin.t, height - margin.b];
  const shares = domains(panes);
  const pane = (index) => shares[index].map((share) => top + (1 - share) * (bottom - top)).reverse();
  return {
    left, right, top, bottom, pane,
    x: (ms) => left + ((ms - xRange[0]) / (xRange[1] - xRange[0])) * (right - left),
    ms: (px) => xRange[0] + ((px - left) / (right - left)) * (xRange[1] - xRange[0]),
    y: (index, value, [low, high]) => {
      const [paneTop, paneBottom] = pane(index);
      return paneBottom - ((Math.min(high, Math.max(low, value)) - low) / (high - low)) * (paneBottom - paneTop);
    },
  };
}

function boxAt(className, left, top, width, height) {
  const node = element("div", className);
  Object.assign(node.style, { left: `${left.toFixed(1)}px`, top: `${top.toFixed(1)}px`, width: `${width.toFixed(1)}px`, height: `${height.toFixed(1)}px` });
  return node;
}

function textAt(className, text, left, top) {
  const node = element("div", className, text);
  Object.assign(node.style, { left: `${left.toFixed(1)}px`, top: `${top.toFixed(1)}px` });
  return node;
}

/** The part of a stretch of time that is in sight, as [left, width] in px; null where none is. */
function inSight(geometry, startMs, endMs) {
  const [from, to] = [Math.max(geometry.left, geometry.x(startMs)), Math.min(geometry.right, geometry.x(endMs))];
  return to > from ? [from, to - from] : null;
}

function phaseMarks(view) {
  const { geometry, phases, origin, endMs, xRange } = view;
  const [under, over] = [[], []];
  let free = -Infinity;
  phases.forEach(([phase, startS], index) => {
    const start = origin + startS * 1000;
    const end = index + 1 < phases.length ? origin + phases[index + 1][1] * 1000 : Math.max(endMs, Math.min(view.phaseEndMs, xRange[1]));
    const place = inSight(geometry, start, end);
    if (!place) return;
    const [left, width] = place;
    const band = boxAt("orin-phase", left, geometry.top, width, geometry.bottom - geometry.top);
    band.dataset.phase = phase;
    if (index && start >= xRange[0]) band.classList.add("orin-phase-edge");
    under.push(band);
    const text = PHASE_NAMES[phase] || phase;
    // A short phase goes without its name, so that a longer one beside it has room.
    if (left < free || width < 7 * text.length * view.scale) return;
    free = left + 7 * text.length * view.scale + 12;
    if (free - 12 <= geometry.right + view.margin.r) over.push(textAt("orin-phase-name", text, left + 3, 0));
  });
  return { under, over };
}

/** Stretches in which the board said that it throttles, as [start, end] in ms; a tick speaks for the time since the one before. */
function throttledSpans(rows, first, last, leastMs) {
  const list = rows.series.get("Throttled");
  const found = [];
  if (!list) return found;
  for (let i = Math.max(1, first); i <= last; i += 1) {
    if (!list[i]) continue;
    const before = found[found.length - 1];
    if (before && rows.x[i - 1] - before[1] <= leastMs) before[1] = rows.x[i];
    else found.push([rows.x[i - 1], rows.x[i]]);
  }
  return found;
}

function throttledMarks(view) {
  const { geometry, rows, first, last, xRange } = view;
  const pixelMs = (xRange[1] - xRange[0]) / (geometry.right - geometry.left);
  const [under, over] = [[], []];
  let free = -Infinity;
  for (const [start, end] of throttledSpans(rows, first, last, 2 * pixelMs)) {
    const place = inSight(geometry, start, end);
    if (!place) continue;
    const [left, width] = place;
    under.push(boxAt("orin-throttled", left, geometry.top, Math.max(2, width), geometry.bottom - geometry.top));
    if (left < free) continue;
    free = left + 80 * view.scale;
    over.push(textAt("orin-throttled-name", "throttled", Math.min(left, geometry.right - 60 * view.scale), geometry.bottom - 15 * view.scale));
  }
  return { under, over };
}

function showsThrottle(view, index) {
  return Boolean(view.panes[index].throttle && view.throttleC && view.throttleC < view.ranges[index].first[1]);
}

/** Memory in use before the run, GiB, where that lies within the axis. */
function idleLevel(view, index) {
  const level = view.panes[index].key === "memory" && view.ramIdleMb ? GIB(view.ramIdleMb) : null;
  return level !== null && level < view.ranges[index].first[1] ? level : null;
}

/** The band above the throttle temperature and the level of memory that was in use before the run. */
function limitMarks(view) {
  const { geometry, panes, ranges } = view;
  const [under, over] = [[], []];
  const width = geometry.right - geometry.left;
  panes.forEach((pane, index) => {
    if (showsThrottle(view, index)) {
      const [top] = geometry.pane(index);
      under.push(boxAt("orin-limit", geometry.left, top, width, geometry.y(index, view.throttleC, ranges[index].first) - top));
    }
    const idle = idleLevel(view, index);
    if (idle !== null) over.push(boxAt("orin-level", geometry.left, geometry.y(index, idle, ranges[index].first), width, 0));
  });
  return { under, over };
}

function titleMarks(view) {
  return view.panes.map((pane, index) => {
    const node = textAt("orin-pane-title", "", view.geometry.left, view.geometry.pane(index)[0]);
    node.append(element("b", "", pane.title), element("span", "", pane.unit));
    if (pane.second) node.append(element("span", "", `· ${pane.second.title}, ${pane.second.unit} at the right`));
    if (showsThrottle(view, index)) node.append(element("span", "", `· throttles at ${view.throttleC.toFixed(0)}`));
    const idle = idleLevel(view, index);
    if (idle !== null) node.append(element("span", "", `· idle ${idle.toFixed(1)}`));
    return node;
  });
}

/** Between the panes nothing is shaded, so that titles stand on plain ground. */
function coverMarks({ geometry, panes }) {
  return panes.slice(1).map((pane, index) => {
    const [above, below] = [geometry.pane(index)[1], geometry.pane(index + 1)[0]];
    return boxAt("orin-cover", geometry.left - 1, above, geometry.right - geometry.left + 2, below - above);
  });
}

/** All marks of a view but the events. */
function marksOf(view) {
  const groups = [phaseMarks(view), throttledMarks(view), limitMarks(view)];
  return { under: [...groups.flatMap((group) => group.under), ...coverMarks(view)], over: [...groups.flatMap((group) => group.over), ...titleMarks(view)] };
}

/** Event marks: buttons that stay the same elements while they move, so that one keeps the focus. */
class EventMarks {
  constructor() {
    this.box = element("div", "orin-events");
    this.box.setAttribute("role", "group");
    this.box.setAttribute("aria-label", "events");
    this.nodes = new Map();
  }

  show(events, view) {
    const seen = new Set();
    for (const event of view ? events : []) {
      const [elapsedS, kind, text] = event;
      const ms = view.origin + elapsedS * 1000;
      if (ms < view.xRange[0] || ms > view.xRange[1]) continue;
      const key = `${elapsedS}|${kind}|${text}`;
      seen.add(key);
      this.place(this.nodes.get(key) || this.make(key, elapsedS, kind, text), view.geometry, view.geometry.x(ms));
    }
    for (const [key, node] of this.nodes) {
      if (seen.has(key)) continue;
      node.remove();
      this.nodes.delete(key);
    }
  }

  make(key, elapsedS, kind, text) {
    const node = element("button", "orin-mark");
    node.type = "button";
    node.dataset.kind = kind;
    const said = `${clock(elapsedS)} ${MARK_NAMES[kind] || kind}: ${text}`;
    node.setAttribute("aria-label", said);
    node.append(element("span", "orin-mark-sign", MARK_SIGNS[kind] || "●"), element("span", "orin-mark-text", said), element("i", "orin-mark-line"));
    this.nodes.set(key, node);
    this.box.append(node);
    return node;
  }

  place(node, geometry, px) {
    node.style.left = `${px.toFixed(1)}px`;
    node.style.setProperty("--orin-fall", `${(geometry.bottom - 26).toFixed(0)}px`);
    node.classList.toggle("orin-mark-right", px > (geometry.left + geometry.right) / 2);
  }
}
