// What the browser itself says of a page: contrast of its text, its controls, what moves. Put into the page by audits.py.
(() => {
  if (window.orinAudit) return;
  const brush = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d", { willReadFrequently: true });
  const colours = new Map();
  const LARGE_PX = 24;
  const LARGE_BOLD_PX = 18.66;
  const CONTROLS = 'a[href],button,input:not([type="hidden"]),select,textarea,summary,[tabindex],[contenteditable="true"]';
  const FOCUS_MARKS = ["outlineStyle", "outlineWidth", "outlineColor", "boxShadow", "borderTopColor", "borderBottomColor",
    "borderBottomWidth", "backgroundColor", "color", "textDecorationLine", "fill", "stroke"];

  /** Any CSS colour as red, green, blue, all times alpha, and alpha; 0 to 1. */
  function paint(text) {
    if (!colours.has(text)) {
      brush.clearRect(0, 0, 1, 1);
      brush.fillStyle = "#000";
      brush.fillStyle = text;
      brush.fillRect(0, 0, 1, 1);
      const [red, green, blue, alpha] = [...brush.getImageData(0, 0, 1, 1).data].map((part) => part / 255);
      colours.set(text, [red * alpha, green * alpha, blue * alpha, alpha]);
    }
    return colours.get(text);
  }

  const over = (top, under) => top.map((part, index) => part + under[index] * (1 - top[3]));
  const faded = (layer, opacity) => layer.map((part) => part * opacity);
  const parentOf = (node) => node.parentElement ?? (node.getRootNode() instanceof ShadowRoot ? node.getRootNode().host : null);
  const hex = (layer) => `#${layer.slice(0, 3).map((part) => Math.round(part * 255).toString(16).padStart(2, "0")).join("")}`;

  function luminance(layer) {
    const [red, green, blue] = layer.map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  }

  /** The box that Plotly draws behind an annotation: no ancestor of its text. */
  function boxBehind(element) {
    const box = element.closest("g.annotation-text-g")?.querySelector("rect.bg");
    if (!box) return [0, 0, 0, 0];
    const style = getComputedStyle(box);
    return faded(paint(style.fill), Number(style.fillOpacity) * Number(style.opacity));
  }

  /** What a text and what lies behind it come to on screen: every ancestor's background and opacity, then the canvas. */
  function onScreen(element, ink) {
    let back = boxBehind(element);
    let text = over(ink, back);
    let opacity = 1;
    for (let node = element; node; node = parentOf(node)) {
      const style = getComputedStyle(node);
      const own = paint(style.backgroundColor);
      const share = Number(style.opacity);
      [text, back] = [faded(over(text, own), share), faded(over(back, own), share)];
      opacity *= share;
    }
    const canvas = [1, 1, 1, 1];
    return { text: over(text, canvas), back: over(back, canvas), opacity };
  }

  function where(element) {
    const near = element.closest("[data-testid]")?.dataset.testid ?? "";
    const names = [...element.classList].filter((name) => !/^(st-emotion|st-[a-z0-9]{2}$|e[a-z0-9]{8})/.test(name)).slice(0, 3);
    return `${near ? `${near} ` : ""}${element.tagName.toLowerCase()}${names.map((name) => `.${name}`).join("")}`;
  }

  /** Whether nobody can see it: not rendered, or kept for screen readers in a box of a pixel. */
  function unseen(element) {
    if (!element.checkVisibility({ checkVisibilityCSS: true })) return true;
    for (let node = element; node; node = parentOf(node)) {
      const style = getComputedStyle(node);
      const box = node.getBoundingClientRect();
      if (style.overflow === "hidden" && (box.width <= 2 || box.height <= 2) && style.position === "absolute") return true;
      if (/inset\(50%|rect\(0px(,)? 0px/.test(style.clipPath + style.clip)) return true;
    }
    return false;
  }

  function ofDisabled(element) {
    if (element.closest(':disabled,a[disabled],[aria-disabled="true"]') || element.closest("label")?.control?.disabled) return true;
    const widget = element.closest('[data-testid="stElementContainer"]');
    if (element.closest("button:enabled")) return false;
    return Boolean(widget?.querySelector(":disabled") && !widget.querySelector("input:enabled,textarea:enabled"));
  }

  function* texts(root) {
    for (const walker = document.createTreeWalker(root, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT); walker.nextNode(); ) {
      const node = walker.currentNode;
      if (node.shadowRoot) yield* texts(node.shadowRoot);
      if (node.nodeType === Node.TEXT_NODE && node.data.trim() && node.parentElement) {
        const range = document.createRange();
        range.selectNodeContents(node);
        if ([...range.getClientRects()].some((box) => box.width > 1 && box.height > 1)) yield [node.parentElement, node.data.trim(), null];
      } else if (node.matches?.("input,textarea") && !["checkbox", "radio", "file", "range"].includes(node.type)) {
        if (node.value) yield [node, node.value, null];
        else if (node.placeholder) yield [node, node.placeholder, getComputedStyle(node, "::placeholder")];
      }
    }
  }

  /** Visible texts whose contrast is too low; `skip` is a selector of what is greyed on purpose. */
  function contrast(skip) {
    const found = new Map();
    let seen = 0;
    for (const [element, text, pseudo] of texts(document.body)) {
      if (/^(SCRIPT|STYLE|NOSCRIPT|OPTION|TITLE)$/i.test(element.tagName) || unseen(element) || ofDisabled(element)) continue;
      if (skip && element.closest(skip)) continue;
      const style = getComputedStyle(element);
      const isSvg = element instanceof SVGElement;
      let ink = paint(isSvg ? style.fill : (pseudo ?? style).color);
      if (isSvg) ink = faded(ink, Number(style.fillOpacity));
      if (pseudo) ink = faded(ink, Number(pseudo.opacity));
      const { text: front, back, opacity } = onScreen(element, ink);
      if (opacity < 0.05 || ink[3] < 0.05) continue;
      seen += 1;
      const [high, low] = [luminance(front), luminance(back)].sort((a, b) => b - a);
      const ratio = (high + 0.05) / (low + 0.05);
      const size = parseFloat(style.fontSize);
      // An icon of Streamlit's font is a letter to the browser and a drawing to people.
      const needed = element.dataset?.testid === "stIconMaterial" || size >= LARGE_PX || (size >= LARGE_BOLD_PX && Number(style.fontWeight) >= 700) ? 3 : 4.5;
      // Rounded as people read it: 4.496 is no fault.
      if (Math.round(ratio * 100) / 100 >= needed) continue;
      const key = `${where(element)} ${hex(front)} on ${hex(back)}`;
      if (!found.has(key)) found.set(key, `${key}: ${ratio.toFixed(2)} < ${needed}, "${text.slice(0, 40)}"`);
    }
    return { seen, faults: [...found.values()] };
  }

  function* elements(root) {
    for (const element of root.querySelectorAll("*")) {
      yield element;
      if (element.shadowRoot) yield* elements(element.shadowRoot);
    }
  }

  function reachable() {
    return [...elements(document)].filter((element) => element.matches(CONTROLS) && element.tabIndex >= 0 && !element.disabled
      && !element.closest("[inert]") && element.checkVisibility({ checkVisibilityCSS: true }));
  }

  /** How a control looks: itself, what it is drawn by, and its nearest ancestors. */
  function look(element) {
    const nodes = [element, ...(element.closest("label")?.querySelectorAll("*") ?? [])];
    for (let node = parentOf(element), count = 0; node && count < 4; node = parentOf(node), count += 1) nodes.push(node);
    const styles = nodes.map((node) => getComputedStyle(node));
    styles.push(getComputedStyle(element, "::before"), getComputedStyle(element, "::after"));
    return styles.map((style) => FOCUS_MARKS.map((mark) => (mark.startsWith("outline") && style.outlineStyle === "none" ? "" : style[mark])).join()).join("\n");
  }

  function activeElement() {
    let active = document.activeElement;
    while (active?.shadowRoot?.activeElement) active = active.shadowRoot.activeElement;
    return active;
  }

  /** Remembers every control that Tab should reach, and how it looks without focus. */
  function startTabbing() {
    activeElement()?.blur();
    window.orinTabbed = reachable().map((element) => ({ element, look: look(element), reached: false, marked: false }));
    return window.orinTabbed.length;
  }

  /** Notes where the focus is; returns its number, -1 where it is on none of the controls. */
  function noteFocus() {
    const active = activeElement();
    const place = window.orinTabbed.findIndex(({ element }) => element === active);
    if (place >= 0) {
      const known = window.orinTabbed[place];
      known.reached = true;
      known.marked ||= look(active) !== known.look;
    }
    return place;
  }

  function describe(element) {
    const name = element.getAttribute("aria-label") || element.innerText?.trim() || element.labels?.[0]?.innerText || element.placeholder || "";
    return `${where(element)} "${name.slice(0, 40)}"`;
  }

  /** Gives the focus to the reached one of each toolbar in turn, whose others are reached by arrow keys; returns how many they are. */
  function enterToolbar(place) {
    const known = window.orinTabbed[place];
    const bar = known.reached && known.element.closest('[role="toolbar"]');
    if (!bar) return 0;
    known.element.focus();
    return window.orinTabbed.filter(({ element, reached }) => !reached && bar.contains(element)).length;
  }

  /** Controls that were not reached; one radio button speaks for its group, and what has gone meanwhile for nobody. */
  function unreached() {
    const groupOf = (element) => element.closest('[role="radiogroup"]') ?? (element.type === "radio" ? element.name : null);
    const groups = new Set(window.orinTabbed.filter(({ reached }) => reached).map(({ element }) => groupOf(element)));
    return window.orinTabbed.filter(({ element, reached }) => !reached && element.isConnected && !element.disabled
      && !(groupOf(element) && groups.has(groupOf(element)))).map(({ element }) => describe(element));
  }

  /** Numbers of the controls that were reached and looked as they do without focus. */
  function unmarked() {
    return window.orinTabbed.flatMap(({ element, reached, marked }, place) => (reached && !marked && element.isConnected ? [place] : []));
  }

  /** Wider than the window, or than the pane that scrolls. */
  function sideways() {
    const panes = [document.documentElement, ...document.querySelectorAll('[data-testid="stMain"],[data-testid="stSidebarContent"]')];
    const faults = panes.filter((pane) => pane.clientWidth && pane.scrollWidth > pane.clientWidth + 1)
      .map((pane) => `${where(pane)}: ${pane.scrollWidth} px in ${pane.clientWidth} px`);
    if (document.documentElement.scrollWidth > window.innerWidth) faults.push(`page: ${document.documentElement.scrollWidth} px in ${window.innerWidth} px`);
    return faults;
  }

  /** What of ours still moves where people asked for no motion. */
  function motion() {
    const ours = (element) => element?.closest?.('[class*="orin"]');
    const running = document.getAnimations().filter((one) => one.playState === "running" && ours(one.effect?.target)).map((one) => `runs: ${where(one.effect.target)}`);
    const styled = [...elements(document)].filter((element) => ours(element)).flatMap((element) => {
      const style = getComputedStyle(element);
      const moves = style.animationName !== "none" || style.transitionDuration.split(",").some((text) => parseFloat(text) > 0);
      return moves ? [`moves: ${where(element)} ${style.animationName} ${style.transitionProperty} ${style.transitionDuration}`] : [];
    });
    return [...new Set([...running, ...styled])];
  }

  /** The lines of every chart: which pane, name, colour, dash; whether the chart has labels at its line ends. */
  function lines() {
    return [...document.querySelectorAll(".js-plotly-plot")].flatMap((plot, chart) => (plot._fullData ?? [])
      .filter((trace) => trace.visible === true && trace.type === "scatter" && trace.mode.includes("lines") && trace.line.width > 0)
      .map((trace) => ({ chart, pane: trace.yaxis, name: trace.name, colour: hex(paint(trace.line.color)), dash: trace.line.dash,
        labelled: Boolean(plot.closest(".orin")?.querySelector(".orin-line-label")) })));
  }

  window.orinAudit = { contrast, startTabbing, noteFocus, enterToolbar, unreached, unmarked, describe, sideways, motion, lines };
})();
