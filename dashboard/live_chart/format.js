// Numbers and times as text, and small pieces of DOM. Pure.

const ABSENT = "–";

function fixed(value, digits) {
  return value === null || value === undefined ? ABSENT : value.toFixed(digits);
}

/** 75 -> "1:15", 3675 -> "1:01:15". */
function clock(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  const pad = (number) => String(number).padStart(2, "0");
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  return hours ? `${hours}:${pad(minutes)}:${pad(whole % 60)}` : `${minutes}:${pad(whole % 60)}`;
}

function count(number) {
  return number.toLocaleString("en", { maximumFractionDigits: 0 });
}

/** Words of images, of the items that a run has: prompts where text is generated. */
function ofItems(text, meta) {
  return text.replace("image", meta.item || "image");
}

/** Next round number at or above a value. */
function nice(value) {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10].find((step) => step * power >= value * (1 - 1e-9)) * power;
}

/** Index of the last entry of an ascending list that is not above a limit; -1 where there is none. */
function lastAtOrBelow(list, limit) {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (list[middle] <= limit) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

function element(tag, className, text) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
}

/** Sets text only where it changed, so that the browser has nothing to do otherwise. */
function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}
