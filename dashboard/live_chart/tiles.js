// The tiles: value, unit, change against 30 s ago, sparkline.

const TILES = [
  { key: "fps", label: "FPS", column: "FPS", unit: "images/s", digits: 1, color: "green", ofRun: true },
  { key: "gr3d", label: "GR3D", full: "GPU load (GR3D)", column: "Used GR3D (%)", unit: "%", digits: 0, color: "blue", range: [0, 100] },
  { key: "ram", label: "RAM", column: "Used RAM (MB)", unit: "GiB", digits: 1, scale: 1 / 1024, color: "purple" },
  { key: "temperature", label: "Hottest", full: "Hottest sensor", column: HOTTEST, unit: "°C", digits: 1, color: "red" },
  { key: "power", label: "Power", column: "Power (W)", unit: "W", digits: 1, color: "orange" },
  { key: "energy", label: "Energy", full: "Energy per image: power / live FPS", column: ENERGY, unit: "J/image", digits: 2, color: "sky", ofRun: true },
];
const COMPARE_MS = 30_000;
const SPARK_MS = 120_000;
const NEAR_THROTTLE_C = 5;

function makeTiles() {
  const box = element("div", "orin-tiles");
  const tiles = TILES.map((spec) => {
    const node = element("div", "orin-tile");
    node.dataset.tile = spec.key;
    node.setAttribute("role", "group");
    node.setAttribute("aria-label", spec.full || spec.label);
    if (spec.full) node.title = spec.full;
    const parts = {
      label: element("div", "orin-label", spec.label),
      number: element("span", "orin-number", ABSENT),
      unit: element("span", "orin-unit", spec.unit),
      change: element("div", "orin-change", " "),
      extra: element("span", "orin-extra", ""),
    };
    const head = element("div", "orin-tile-head");
    head.append(parts.label, parts.extra);
    const value = element("div", "orin-value");
    value.append(parts.number, parts.unit);
    const spark = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    spark.setAttribute("class", "orin-spark");
    spark.setAttribute("viewBox", "0 0 100 24");
    spark.setAttribute("preserveAspectRatio", "none");
    spark.setAttribute("aria-hidden", "true");
    const area = document.createElementNS(spark.namespaceURI, "path");
    const stroke = document.createElementNS(spark.namespaceURI, "path");
    area.setAttribute("class", "orin-spark-area");
    stroke.setAttribute("class", "orin-spark-line");
    spark.append(area, stroke);
    node.append(head, value, parts.change, spark);
    box.append(node);
    return { spec, node, parts, area, stroke };
  });
  return { box, tiles };
}

function sparkPaths(x, y, range) {
  const first = lastAtOrBelow(x, x[x.length - 1] - SPARK_MS) + 1;
  const values = y.slice(first);
  const known = values.filter((value) => value !== null);
  if (known.length < 2) return ["", ""];
  let [low, high] = range || [Math.min(...known), Math.max(...known)];
  const least = Math.abs(high) * 0.02 || 1;
  if (high - low < least) [low, high] = [low - least / 2, high + least / 2];
  const start = x[first];
  const span = Math.max(1, x[x.length - 1] - start);
  let path = "";
  let pen = "M";
  let area = "";
  let open = null;
  values.forEach((value, index) => {
    if (value === null) {
      if (open !== null) area += `L${open} 24Z`;
      [pen, open] = ["M", null];
      return;
    }
    const px = (((x[first + index] - start) / span) * 100).toFixed(2);
    const py = (22 - ((value - low) / (high - low)) * 20).toFixed(2);
    path += `${pen}${px} ${py}`;
    area += pen === "M" ? `M${px} 24L${px} ${py}` : `L${px} ${py}`;
    [pen, open] = ["L", px];
  });
  return [path, open === null ? area : `${area}L${open} 24Z`];
}

function changeText(x, y, spec) {
  const last = y[y.length - 1];
  const place = lastAtOrBelow(x, x[x.length - 1] - COMPARE_MS);
  const before = place < 0 ? null : y[place];
  if (last === null || before === null || before === undefined || x[x.length - 1] - x[place] > 1.5 * COMPARE_MS) return " ";
  const change = (last - before) * (spec.scale || 1);
  const text = Math.abs(change).toFixed(spec.digits || 1);
  if (Number(text) === 0) return "± 0 vs 30 s ago";
  return `${change > 0 ? "▲" : "▼"} ${text} vs 30 s ago`;
}

function tileExtra(spec, last, meta) {
  if (spec.key === "gr3d") {
    const mhz = last("GR3D Frequency (MHz)");
    return mhz === null ? "" : `${mhz} MHz`;
  }
  if (spec.key === "ram") {
    const [used, idle] = [last(spec.column), meta.ram_idle_mb];
    if (used === null || idle === null || idle === undefined) return "";
    return `${used < idle ? "−" : "+"}${Math.abs((used - idle) / 1024).toFixed(2)} over idle`;
  }
  if (spec.key === "temperature") return meta.throttle_c ? `limit ${meta.throttle_c.toFixed(0)} °C` : "";
  return "";
}

function unitText(spec, last, meta) {
  const total = spec.key === "ram" ? last("Total RAM (MB)") : null;
  return total === null ? ofItems(spec.unit, meta) : `of ${(total / 1024).toFixed(1)} ${spec.unit}`;
}

/** Shows in full what a tile tells, of the items that this run has. */
function showFullName(spec, node, meta) {
  const full = spec.full && ofItems(spec.full, meta);
  if (!full || node.title === full) return;
  node.title = full;
  node.setAttribute("aria-label", full);
}

/** Whether a board is hot, and a word for one that is or whose clocks are limited: by heat, current or power, which none tells apart. */
function heatOf(spec, value, last, meta) {
  if (spec.key !== "temperature" || value === null) return [false, ""];
  const hot = Boolean(meta.throttle_c) && value > meta.throttle_c - NEAR_THROTTLE_C;
  if (hot && value >= meta.throttle_c) return [hot, "at throttle limit"];
  return [hot, last("Throttled") ? "clocks limited" : hot ? "near throttling" : ""];
}

/** Shows the newest row; `silence` is a sentence while there is no present value, else null. */
function showTiles(tiles, rows, meta, silence, palette, isRun) {
  const last = (column) => rows.last(column);
  for (const { spec, node, parts, area, stroke } of tiles) {
    const y = rows.series.get(spec.column);
    const value = silence ? null : last(spec.column);
    setText(parts.number, fixed(value === null ? null : value * (spec.scale || 1), spec.digits));
    parts.number.dataset.value = value === null ? "" : String(value);
    setText(parts.unit, silence ? ofItems(spec.unit, meta) : unitText(spec, last, meta));
    showFullName(spec, node, meta);
    setText(parts.change, silence ?? (spec.ofRun && !isRun ? "no run" : y && rows.length ? changeText(rows.x, y, spec) : " "));
    const [hot, word] = heatOf(spec, value, last, meta);
    setText(parts.extra, silence ? "" : word || tileExtra(spec, last, meta));
    node.classList.toggle("orin-stale", Boolean(silence));
    node.classList.toggle("orin-hot", hot);
    node.style.setProperty("--orin-color", palette[spec.color]);
    const [path, filled] = y && rows.length ? sparkPaths(rows.x, y, spec.range) : ["", ""];
    stroke.setAttribute("d", path);
    area.setAttribute("d", filled);
  }
}
