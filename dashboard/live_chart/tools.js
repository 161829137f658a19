// The buttons beside the title: window of time, back to live, pause, download.

const WINDOWS = [["2 min", 120], ["10 min", 600], ["whole", 0]];

function toolButton(text, action) {
  const button = element("button", "orin-window", text);
  button.type = "button";
  button.addEventListener("click", action);
  return button;
}

/** `actions` has chooseSpan, live and togglePause. */
function makeTools(actions) {
  const tools = {
    box: element("div", "orin-tools"),
    group: element("div", "orin-windows"),
    live: toolButton("back to live", () => actions.live()),
    windows: WINDOWS.map(([label, span]) => [toolButton(label, () => actions.chooseSpan(span)), span]),
    pause: toolButton("Pause", () => actions.togglePause()),
    csv: element("a", "orin-csv", "Download CSV"),
  };
  tools.group.setAttribute("role", "group");
  tools.group.setAttribute("aria-label", "window of time");
  tools.live.classList.add("orin-live");
  tools.group.append(tools.live, ...tools.windows.map(([button]) => button));
  tools.pause.classList.add("orin-pause");
  tools.pause.title = "Stops drawing and goes on collecting (space bar while the chart has the focus)";
  tools.csv.setAttribute("download", "");
  tools.box.append(tools.group, tools.pause, tools.csv);
  return tools;
}

function showTools(tools, chart) {
  tools.box.hidden = chart.demo;
  if (chart.demo) return;
  tools.csv.hidden = !chart.isRun;
  if (chart.isRun) tools.csv.href = `/api/runs/${chart.run}/run.csv`;
  for (const [button, span] of tools.windows) button.setAttribute("aria-pressed", String(span === chart.span && !chart.userRange));
  setText(tools.live, chart.ended ? "zoom out" : "back to live");
  tools.live.hidden = !chart.userRange;
  tools.pause.hidden = chart.ended && !chart.paused;
  tools.pause.setAttribute("aria-pressed", String(Boolean(chart.paused)));
  setText(tools.pause, chart.paused ? "Resume" : "Pause");
}
