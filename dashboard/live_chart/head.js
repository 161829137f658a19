// What is on: title, badges, window, progress, and the one line that says when something is wrong.

const LIGHTER = "lighter view";
const PAGE_TITLE = "Orin dashboard";
const STATES = { running: "running", done: "done", stopped: "stopped", failed: "failed", interrupted: "interrupted", idle: "idle board" };

function makeHead(actions) {
  const box = element("div", "orin-head");
  const row = element("div", "orin-row");
  const head = {
    box,
    state: element("span", "orin-state"),
    title: element("span", "orin-title"),
    badges: element("span", "orin-badges"),
    alert: element("div", "orin-alert"),
    // The seconds of a silence are seen but not heard: a screen reader would speak without end.
    heard: element("span"),
    seen: element("span"),
    progress: element("div", "orin-progress"),
    steps: element("div", "orin-steps"),
    bar: element("div", "orin-bar"),
    fill: element("div", "orin-fill"),
    text: element("div", "orin-progress-text"),
  };
  head.heard.setAttribute("role", "status");
  head.alert.append(head.heard, head.seen);
  head.bar.setAttribute("role", "progressbar");
  head.bar.setAttribute("aria-label", "progress of measure");
  head.bar.setAttribute("aria-valuemin", "0");
  head.bar.setAttribute("aria-valuemax", "100");
  head.bar.append(head.fill);
  const line = element("div", "orin-progress-line");
  line.append(head.steps, head.text);
  head.progress.append(line, head.bar);
  head.tools = makeTools(actions);
  const left = element("div", "orin-what");
  left.append(head.state, head.title, head.badges);
  row.append(left, head.tools.box);
  box.append(row, head.progress, head.alert);
  return head;
}

/** A model or data set of one's own is a path; its folder's name is enough here. */
function shortName(name) {
  return name ? name.replace(/\/+$/, "").split("/").pop() : name;
}

function titleOf(meta, isRun) {
  if (!isRun) return [meta.power_mode].filter(Boolean).join(" · ");
  return [shortName(meta.model), shortName(meta.dataset), meta.power_mode].filter(Boolean).join(" · ") || meta.source || "";
}

function badgesOf(meta) {
  const found = [];
  if (meta.simulated) found.push("SIMULATED BOARD");
  if (meta.imported) found.push("IMPORTED LOG");
  if (meta.source === "replay") found.push("replay");
  if (meta.weights === "random") found.push("random weights");
  if (meta.images === "synthetic") found.push("synthetic images");
  return found;
}

function progressText(last, meta) {
  const parts = [];
  if (last.step && meta.state === "running") parts.push(last.step);
  if (last.items_done || last.items_total) {
    const done = last.items_total ? `${count(last.items_done)} of ${count(last.items_total)}` : count(last.items_done);
    parts.push(`${done} ${ofItems("images", meta)}`);
  }
  if (last.measure_s !== null && last.measure_total_s) parts.push(`${clock(Math.min(last.measure_s, last.measure_total_s))} of ${clock(last.measure_total_s)}`);
  if (last.rate_fps) parts.push(`${last.rate_fps.toFixed(last.rate_fps < 10 ? 2 : 1)} images/s`);
  if (last.failed_items) parts.push(`${count(last.failed_items)} could not be read`);
  if (meta.state === "running" && last.time_left_s !== null && ["warmup", "measure"].includes(meta.phase)) parts.push(`${clock(last.time_left_s)} left`);
  return parts.join(" · ");
}

function shareDone(last, meta) {
  if (meta.state === "done") return 1;
  if (last.items_total) return Math.min(1, last.items_done / last.items_total);
  if (last.measure_total_s) return Math.min(1, (last.measure_s || 0) / last.measure_total_s);
  return 0;
}

function showSteps(box, meta) {
  const seen = new Set((meta.phases || []).map(([phase]) => phase));
  // A log holds what it holds: no other phase of it will ever come.
  const phases = meta.imported ? [...seen] : meta.source === "replay" ? ["replay"] : ["idle", "load", "warmup", "measure", "cooldown"];
  const key = `${phases} ${meta.phase} ${meta.state} ${[...seen]}`;
  if (box.dataset.key === key) return;
  box.dataset.key = key;
  box.replaceChildren(...phases.map((phase) => {
    const last = phase === meta.phase;
    // A run that failed or was stopped did not come to the end of its last phase.
    const cut = last && ["failed", "stopped", "interrupted"].includes(meta.state);
    const step = element("span", "orin-step", cut ? `✕ ${PHASE_NAMES[phase]}` : PHASE_NAMES[phase]);
    const now = last && meta.state === "running";
    step.classList.toggle("orin-now", now);
    step.classList.toggle("orin-past", seen.has(phase) && !now && !cut);
    if (now) step.setAttribute("aria-current", "step");
    return step;
  }));
}

/** What is wrong, in words that stay the same while it lasts, and what changes each second of it. */
function alertOf(chart, silence) {
  if (chart.failures > 1) return ["Disconnected: the dashboard's server does not answer. Trying again; a run goes on without it."];
  if (chart.refused) return [`${chart.refused.message} ${chart.refused.hint || ""}`];
  if (chart.meta?.error) return [`${chart.meta.error} ${chart.meta.hint || ""}`];
  const notice = chart.meta?.recent || chart.meta?.notices?.at(-1)?.message;
  if (silence) return [`The board is silent.${notice ? ` ${notice}` : ""}`, ` (${silence})`];
  return [chart.meta?.recent ?? ""];
}

/** "running 62 % · resnet-152 - Orin dashboard". A hidden tab asks for nothing, so it speaks of what was. */
function tabTitle(chart, hidden) {
  const { meta, last, isRun } = chart;
  const parts = [];
  if (chart.failures > 1) parts.push("disconnected");
  else if (meta && isRun) {
    const running = meta.state === "running";
    const share = running && meta.phase === "measure" && last ? ` ${Math.floor(shareDone(last, meta) * 100)} %` : "";
    const step = running && meta.phase !== "measure" ? `: ${PHASE_NAMES[meta.phase] || meta.phase || "starting"}` : "";
    parts.push(`${hidden && running ? "was " : ""}${STATES[meta.state] ?? meta.state}${share}${step}`);
    if (meta.model) parts.push(shortName(meta.model));
  } else if (meta) parts.push(STATES.idle);
  return [parts.join(" · "), PAGE_TITLE].filter(Boolean).join(" - ");
}

function showBadges(box, badges) {
  if (box.dataset.key === badges.join()) return;
  box.dataset.key = badges.join();
  box.replaceChildren(...badges.map((text) => {
    const badge = element("span", text === "SIMULATED BOARD" ? "orin-badge orin-badge-loud" : "orin-badge", text);
    if (text === LIGHTER) badge.title = `Every ${LIGHT_MS / 1000} s, fewer points and lines, no heat map: for a browser on the machine that is measured. light=0 in the address shows all.`;
    return badge;
  }));
}

function showHead(head, chart, silence) {
  const { meta, last, isRun } = chart;
  const state = chart.failures > 1 ? "disconnected" : meta ? meta.state : "";
  setText(head.state, STATES[state] ?? state);
  head.state.dataset.state = silence && state === "running" ? "silent" : state;
  setText(head.title, meta ? titleOf(meta, isRun) : "");
  showBadges(head.badges, [...(meta ? badgesOf(meta) : []), ...(chart.light ? [LIGHTER] : [])]);
  head.progress.hidden = !isRun || !meta;
  if (isRun && meta && last) {
    showSteps(head.steps, meta);
    setText(head.text, progressText(last, meta));
    const share = shareDone(last, meta);
    head.fill.style.width = `${(share * 100).toFixed(1)}%`;
    head.bar.setAttribute("aria-valuenow", String(Math.round(share * 100)));
  }
  showTools(head.tools, chart);
  const [heard, seen = ""] = alertOf(chart, silence);
  head.alert.hidden = !heard;
  setText(head.heard, heard);
  setText(head.seen, seen);
  const title = tabTitle(chart, document.hidden);
  head.tabTitle = title;
  if (document.title !== title) document.title = title;
}
