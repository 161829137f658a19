// The rows that the browser holds: one list per column, oldest first. Knows no DOM.

/** Computed here from two columns: J per image, blank where no image is counted. */
const ENERGY = "Energy per image (J)";

function energyOf(power, fps) {
  return power === null || power === undefined || !fps ? null : power / fps;
}

class Rows {
  constructor(columns) {
    this.columns = columns;
    this.clear();
  }

  clear() {
    this.x = [];
    this.series = new Map([...this.columns, ENERGY].map((name) => [name, []]));
    this.thinned = false;
    this.version = (this.version || 0) + 1;
  }

  get length() {
    return this.x.length;
  }

  get endMs() {
    return this.x[this.x.length - 1];
  }

  /** Adds one row as it came, its first value the elapsed time in s. */
  add(row, origin) {
    this.x.push(origin + Math.round(row[0] * 1000));
    this.columns.forEach((name, index) => this.series.get(name).push(row[index] ?? null));
    this.series.get(ENERGY).push(energyOf(this.last("Power (W)"), this.last("FPS")));
    this.version += 1;
  }

  /** Adds a row of another set with the same columns. */
  copyFrom(other, index) {
    this.x.push(other.x[index]);
    for (const [name, list] of this.series) list.push(other.series.get(name)[index]);
    this.version += 1;
  }

  /** These rows as they are now, whatever comes later. */
  copy() {
    const found = new Rows(this.columns);
    Object.assign(found, { x: this.x.slice(), thinned: this.thinned });
    for (const [name, list] of this.series) found.series.set(name, list.slice());
    return found;
  }

  /** Forgets what is older than an instant. */
  dropBefore(ms) {
    const number = lastAtOrBelow(this.x, ms);
    if (number <= 0) return;
    this.x.splice(0, number);
    for (const list of this.series.values()) list.splice(0, number);
  }

  /** Newest value of a column; null where it is blank or unknown. */
  last(column) {
    const list = this.series.get(column);
    return list && list.length ? list[list.length - 1] : null;
  }

  value(column, index) {
    return this.series.get(column)?.[index] ?? null;
  }

  /** Whether a column has a value anywhere. */
  has(column) {
    return Boolean(this.series.get(column)?.some((value) => value !== null));
  }

  /** A row without any value: ticks are missing here. */
  isGap(index) {
    for (let i = 1; i < this.columns.length; i += 1) {
      if (this.series.get(this.columns[i])[index] !== null) return false;
    }
    return true;
  }

  /** Whether a row has the extremes of several ticks. The newest rows of a thinned answer are single ticks: those follow each other closely. */
  isThinned(index, intervalMs) {
    if (!this.thinned) return false;
    const apart = (before) => this.x[before + 1] - this.x[before] > 1.5 * intervalMs;
    return apart(index - 1) || apart(index);
  }

  /** Rows to draw as [first, last] buckets, at most about `limit` / 2 of them; a gap is a bucket of its own. Null: each row. */
  buckets(first, last, limit) {
    const number = last - first + 1;
    if (number <= limit) return null;
    const step = Math.ceil((2 * number) / limit);
    const found = [];
    let start = first;
    for (let i = first; i <= last; i += 1) {
      if (this.isGap(i)) {
        if (i > start) found.push([start, i - 1]);
        found.push([i, i]);
        start = i + 1;
      } else if (i - start + 1 === step || i === last) {
        found.push([start, i]);
        start = i + 1;
      }
    }
    return found;
  }

  /** Times to draw, in ms. */
  drawnX(first, last, buckets) {
    if (!buckets) return this.x.slice(first, last + 1);
    return buckets.flatMap(([start, end]) => [this.x[start], this.x[end]]);
  }

  /** Values of a column to draw; a bucket keeps its least and its greatest in the order in which they came. */
  drawnY(column, first, last, buckets, scale) {
    const list = this.list(column);
    const scaled = (value) => (value === null ? null : scale(value));
    return buckets ? extremes(list, buckets).map((place) => scaled(list[place])) : list.slice(first, last + 1).map(scaled);
  }

  /** Values of a column, blank where these rows do not have it. */
  list(column) {
    return this.series.get(column) ?? new Array(this.length).fill(null);
  }
}

/** Where each bucket has its least and its greatest value, in the order in which they came. */
function extremes(list, buckets) {
  const found = new Array(2 * buckets.length);
  buckets.forEach(([start, end], index) => {
    let [low, high] = [start, start];
    for (let i = start; i <= end; i += 1) {
      const value = list[i];
      if (value === null) continue;
      if (list[low] === null || value < list[low]) low = i;
      if (list[high] === null || value > list[high]) high = i;
    }
    [found[2 * index], found[2 * index + 1]] = low < high ? [low, high] : [high, low];
  });
  return found;
}
