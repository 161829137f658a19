// Labels at the line ends; while an instant is chosen (pointer or arrow keys) they read the values there.

/** Where the labels of a pane's lines go, in px from the top; those that matter less give way where there is no room. */
function labelPlaces(entries, top, bottom, step) {
  const room = Math.max(1, Math.floor((bottom - top) / step) + 1);
  const kept = [...entries].sort((a, b) => a.rank - b.rank).slice(0, room).sort((a, b) => a.y - b.y);
  let previous = top - step;
  for (const entry of kept) previous = entry.place = Math.max(entry.y, previous + step);
  let limit = bottom + step;
  for (const entry of kept.reverse()) limit = entry.place = Math.min(entry.place, limit - step);
  return kept;
}

/** Values of a pane's lines at a row, with the height of each line there. */
function entriesOf(view, index, row) {
  const { panes, ranges, rows, geometry } = view;
  let sum = 0;
  return panes[index].lines.flatMap((item) => {
    const raw = rows.value(item.column, row);
    if (raw === null) return [];
    const value = item.scale(raw);
    const level = item.stack ? sum + value / 2 : value;
    if (item.stack) sum += value;
    return [{ item, value, rank: item.rank, y: geometry.y(index, level, item.second ? ranges[index].second : ranges[index].first) }];
  });
}

function labelNode({ item, value, place }, left, palette) {
  const node = element("div", "orin-line-label");
  Object.assign(node.style, { top: `${place.toFixed(1)}px`, left });
  node.style.setProperty("--orin-color", palette[item.color]);
  node.dataset.dash = item.stack ? "area" : item.dash;
  node.append(element("b", "", item.name), ` ${value.toFixed(item.digits)}`);
  return node;
}

/** The row that labels read: the newest in sight, or that at the chosen instant. */
function labelledRow(view, hoverMs) {
  return lastAtOrBelow(view.rows.x, hoverMs ?? view.xRange[1]);
}

/** Elements of the labels and, at a chosen instant, its line and time. */
function lineLabels(view, hoverMs, palette) {
  const { geometry, scale } = view;
  const row = labelledRow(view, hoverMs);
  const left = `${geometry.right + 6}px`;
  const nodes = view.panes.flatMap((pane, index) => {
    const [top, bottom] = geometry.pane(index);
    return labelPlaces(entriesOf(view, index, row), top + 4, bottom - 2, 13 * scale).map((entry) => labelNode(entry, left, palette));
  });
  if (hoverMs !== null) {
    nodes.push(boxAt("orin-crosshair", geometry.x(hoverMs), geometry.top, 0, geometry.bottom - geometry.top));
    // Of a thinned row each value is an extreme of its neighbourhood: they are not of one instant.
    const time = textAt("orin-hover-time", `${view.thinned ? "~ " : ""}${timeText(hoverMs, view.origin, view.wall)}`, geometry.right + 6, 10);
    nodes.push(time);
  }
  return nodes;
}

/** The same in words, for those who hear the page. */
function readingText(view, hoverMs) {
  const row = labelledRow(view, hoverMs);
  const parts = view.panes.flatMap((pane, index) =>
    entriesOf(view, index, row).filter(({ item }) => item.rank < 2).map(({ item, value }) => `${item.name} ${value.toFixed(item.digits)} ${item.unit}`));
  return `${view.thinned ? "about " : ""}${timeText(hoverMs, view.origin, view.wall)}: ${parts.join(", ") || "no data"}`;
}
