// What the chart takes from the page that it lies in: Plotly, and the colours of its theme.

let plotlyPromise = null;
let plotlyFailed = false;

/** Fetches Plotly where it is not there; one that did not come is fetched again by the next call. */
function loadPlotly(url) {
  plotlyPromise ??= new Promise((resolve, reject) => {
    const script = element("script");
    script.src = url;
    script.onload = () => resolve();
    script.onerror = () => {
      plotlyPromise = null;
      plotlyFailed = true;
      script.remove();
      reject(new Error("Plotly did not load"));
    };
    document.head.append(script);
  });
  return plotlyPromise;
}

function isDark(color) {
  const hex = /^#([0-9a-f]{3,8})$/i.exec(color)?.[1];
  const pairs = hex && (hex.length < 6 ? [...hex].map((digit) => digit + digit) : hex.match(/../g));
  const parts = pairs ? pairs.map((pair) => parseInt(pair, 16)) : (color.match(/[\d.]+/g) || [255, 255, 255]).map(Number);
  return 0.299 * parts[0] + 0.587 * parts[1] + 0.114 * parts[2] < 128;
}

/** Colours as values, since Plotly knows no CSS variables; marks the root as dark or light on the way. */
function themeOf(root) {
  const style = getComputedStyle(root);
  const value = (name, otherwise) => style.getPropertyValue(name).trim() || otherwise;
  const background = value("--st-background-color", "#ffffff");
  const dark = isDark(background);
  root.classList.toggle("orin-dark", dark);
  return {
    dark,
    background,
    text: value("--st-text-color", style.color),
    accent: value("--st-primary-color", "#0072B2"),
    font: value("--st-font", style.fontFamily) || "sans-serif",
    muted: dark ? "#9AA7B2" : "#5B6771",
    grid: dark ? "rgba(154,167,178,0.16)" : "rgba(91,103,113,0.16)",
  };
}

/** Names the present theme, for as little work as can be. */
function themeKey(root) {
  const style = getComputedStyle(root);
  return `${style.getPropertyValue("--st-background-color")} ${style.getPropertyValue("--st-text-color")}`;
}

function channels(color) {
  const hex = /^#([0-9a-f]{6})/i.exec(color)?.[1];
  return hex ? hex.match(/../g).map((pair) => parseInt(pair, 16)) : (color.match(/[\d.]+/g) || [255, 255, 255]).slice(0, 3).map(Number);
}

/** Each colour laid thinly over the background, opaque. */
function areaColors(palette, theme) {
  const under = channels(theme.background);
  const share = theme.dark ? 0.4 : 0.35;
  return Object.fromEntries(Object.entries(palette).map(([name, color]) => {
    const mixed = channels(color).map((value, i) => Math.round(share * value + (1 - share) * under[i]));
    return [name, `rgb(${mixed})`];
  }));
}
