// Labels at the line ends; while the pointer is over the chart they read the values at its instant.

/** Where the labels of a pane's lines go, in px from the top; those that matter less give way where there is no room. */
function labelPlaces(entries, top, bottom) {
  const step = 13;
  const room = Math.max(1, Math.floor((bottom - top) / step) + 1);
  const kept = [...entries].sort((a, b) => a.rank - b.rank).slice(0, room).sort((a, b) => a.y - b.y);
  let previous = top - step;
  for (const entry of kept) previous = entry.place = Math.max(entry.y, previous + step);
  let limit = bottom + step;
  for (const entry of kept.reverse()) limit = entry.place = Math.min(entry.place, limit - step);
  return kept;
}

/** DOM nodes of the labels. `hoverMs` is the instant under the pointer, null where there is none. */
function lineLabels(view, x, plots, hoverMs, palette) {
  const { panes, ranges, width, height, xRange } = view;
  const row = lastAtOrBelow(x, hoverMs ?? xRange[1]);
  const inner = height - MARGIN.t - MARGIN.b;
  const left = `${width - MARGIN.r + 6}px`;
  const nodes = panes.flatMap((pane, index) => {
    const [low, high] = ranges[index];
    const [top, bottom] = [...domains(panes.length)[index]].reverse().map((share) => MARGIN.t + (1 - share) * inner);
    const entries = pane.lines.flatMap((item) => {
      const value = plots.get(item.column)[row] ?? null;
      if (value === null) return [];
      const share = (Math.min(high, Math.max(low, value)) - low) / (high - low);
      return [{ item, value, rank: item.rank, y: bottom - share * (bottom - top) }];
    });
    return labelPlaces(entries, top + 4, bottom - 2).map(({ item, value, place }) => {
      const node = element("div", "orin-line-label");
      node.style.top = `${place.toFixed(1)}px`;
      node.style.left = left;
      node.style.setProperty("--orin-color", palette[item.color]);
      node.append(element("b", "", item.name), ` ${value.toFixed(item.digits)}`);
      return node;
    });
  });
  if (hoverMs !== null) {
    const text = view.wall ? new Date(hoverMs).toISOString().slice(11, 19) : clock((hoverMs - view.origin) / 1000);
    const at = element("div", "orin-hover-time", text);
    at.style.left = left;
    nodes.push(at);
  }
  return nodes;
}
