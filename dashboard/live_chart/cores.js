// Load of each CPU core over time as a heat map; it folds away, and only while it is open its columns are asked for.

// Dark to light through blue and ochre: order is told by lightness alone, so that every eye reads it.
const HEAT = [[0, 32, 77], [61, 78, 108], [124, 123, 120], [188, 175, 111], [255, 234, 70]];
const CORE_ROW_PX = 11;

function heatColor(share) {
  const place = Math.min(1, Math.max(0, share)) * (HEAT.length - 1);
  const index = Math.min(HEAT.length - 2, Math.floor(place));
  return HEAT[index].map((low, i) => Math.round(low + (HEAT[index + 1][i] - low) * (place - index)));
}

const HEAT_TABLE = Array.from({ length: 101 }, (_, load) => heatColor(load / 100));

function makeCores(onToggle) {
  const cores = {
    box: element("div", "orin-cores"),
    button: element("button", "orin-fold", "CPU cores"),
    body: element("div", "orin-cores-body"),
    canvas: element("canvas", "orin-heat"),
    names: element("div", "orin-heat-names"),
    legend: element("div", "orin-heat-legend"),
    note: element("div", "orin-heat-note"),
  };
  cores.button.type = "button";
  cores.button.setAttribute("aria-expanded", "false");
  cores.button.addEventListener("click", onToggle);
  cores.canvas.setAttribute("role", "img");
  const ramp = element("span", "orin-heat-ramp");
  ramp.style.background = `linear-gradient(90deg, ${HEAT.map((rgb) => `rgb(${rgb})`).join(", ")})`;
  cores.legend.append("0 ", ramp, " 100 %");
  cores.body.append(cores.canvas, cores.names, cores.legend, cores.note);
  cores.box.append(cores.button, cores.body);
  return cores;
}

/** One pixel per px of width and core: the greatest load of the ticks that fall into it; nothing where there is no tick. */
function heatImage(image, rows, columns, view) {
  const { geometry, first, last } = view;
  const width = image.width;
  image.data.fill(0);
  columns.forEach((column, core) => {
    const list = rows.series.get(column);
    const best = new Int16Array(width).fill(-1);
    for (let i = Math.max(1, first); i <= last; i += 1) {
      if (list[i] === null || rows.isGap(i - 1)) continue;
      const from = Math.max(0, Math.floor(geometry.x(rows.x[i - 1]) - geometry.left));
      const to = Math.min(width, Math.max(from + 1, Math.floor(geometry.x(rows.x[i]) - geometry.left)));
      const load = Math.round(list[i]);
      for (let px = from; px < to; px += 1) if (load > best[px]) best[px] = load;
    }
    best.forEach((load, px) => {
      if (load < 0) return;
      const [r, g, b] = HEAT_TABLE[Math.min(100, load)];
      image.data.set([r, g, b, 255], 4 * (core * width + px));
    });
  });
}

function showCores(cores, chart) {
  const { view } = chart;
  cores.box.hidden = chart.demo || chart.light || !chart.rows.length;
  cores.button.setAttribute("aria-expanded", String(chart.coresOpen));
  cores.body.hidden = !chart.coresOpen;
  if (cores.box.hidden || !chart.coresOpen || !view) return;
  const columns = chart.rows.columns.filter((name) => CORE.test(name));
  const known = columns.filter((name) => view.rows.series.has(name));
  cores.note.hidden = known.length > 0;
  setText(cores.note, !chart.meta ? "" : columns.length ? "The loads of the cores are being asked for …" : "This source says nothing of the cores.");
  for (const node of [cores.canvas, cores.names, cores.legend]) node.hidden = !known.length;
  if (!known.length) return;
  const width = Math.max(1, Math.round(view.geometry.right - view.geometry.left));
  if (cores.canvas.width !== width || cores.canvas.height !== known.length) Object.assign(cores.canvas, { width, height: known.length });
  Object.assign(cores.canvas.style, { marginLeft: `${view.geometry.left}px`, width: `${width}px`, height: `${CORE_ROW_PX * known.length}px` });
  const context = cores.canvas.getContext("2d");
  const image = context.createImageData(width, known.length);
  heatImage(image, view.rows, known, view);
  context.putImageData(image, 0, 0);
  nameCores(cores, known, view);
}

function nameCores(cores, columns, view) {
  const loads = columns.map((name) => view.rows.last(name)).filter((load) => load !== null);
  const said = loads.length ? `Load of ${columns.length} CPU cores over time; newest: busiest ${Math.max(...loads)} %, ${loads.length} on.` : "Load of the CPU cores over time.";
  if (cores.canvas.getAttribute("aria-label") !== said) cores.canvas.setAttribute("aria-label", said);
  if (cores.names.dataset.key === columns.join()) return;
  cores.names.dataset.key = columns.join();
  cores.names.replaceChildren(...columns.flatMap((name, index) => {
    if (index % 2) return [];
    return [textAt("orin-heat-name", CORE.exec(name)[1], 0, index * CORE_ROW_PX - 1)];
  }));
  cores.names.style.width = `${view.geometry.left - 6}px`;
}
