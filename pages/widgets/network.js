// A network as a row of boxes: height and width are the map's rows and columns, depth its channels. The front
// of each box is one of its maps. Choosing a box shows its numbers and its maps.

const FACE = 112; // pixels of the picture's longer side
const THIN = 9;
const MOST_SLICES = 9;
const SVG = "http://www.w3.org/2000/svg";
const STEPS = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
const SETTLE_MS = 500;
const HEADINGS = ["Layer", "Output", "Weights", "Multiplications", "One value sees"];

function shape(name, attributes, parent) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (parent) parent.append(made);
  return made;
}

const counted = (value) => value.toLocaleString("en-US");
const sizes = (part) => part.shape.map(counted).join(" × ");
// Weaker than in proportion, so that a map of 4 × 4 behind one of 128 × 128 is still a box.
const drawnSide = (side, largest) => Math.max(THIN, FACE * (side / largest) ** 0.6);
const drawnDepth = (channels) => 3 + 4.6 * Math.sqrt(channels);

function box(part, largest) {
  const [channels, rows, columns] = part.shape;
  const [high, wide, deep] = [drawnSide(rows, largest), drawnSide(columns, largest), drawnDepth(channels)];
  const [right, up] = [0.74 * deep, 0.42 * deep];
  const svg = frame(wide + right, high + up);
  const side = (points) => shape("polygon", { class: "side", points: points.map(([x, y]) => `${x + 1},${y + 1}`).join(" ") }, svg);
  side([[0, up], [right, 0], [wide + right, 0], [wide, up]]);
  side([[wide, up], [wide + right, 0], [wide + right, high], [wide, high + up]]);
  const slices = Math.min(channels, MOST_SLICES);
  for (let i = 1; i < slices; i++) {
    const [x, y] = [1 + (right * i) / slices, 1 + up - (up * i) / slices];
    shape("polyline", { class: "slice", points: `${x},${y} ${x + wide},${y} ${x + wide},${y + high}` }, svg);
  }
  if (part.face) shape("image", { href: part.face, x: 1, y: up + 1, width: wide, height: high, preserveAspectRatio: "none" }, svg);
  shape("rect", { class: "front", x: 1, y: up + 1, width: wide, height: high }, svg);
  return svg;
}

// Numbers in a row: a column of cells, of which a few stand for many.
function column(part) {
  const cells = Math.min(part.shape[0], 12);
  const svg = frame(THIN + 4, cells * THIN);
  for (let i = 0; i < cells; i++) shape("rect", { class: "cell", x: 1, y: 1 + i * THIN, width: THIN + 4, height: THIN }, svg);
  return svg;
}

function frame(width, height) {
  const svg = shape("svg", { viewBox: `0 0 ${width + 2} ${height + 2}`, "aria-hidden": "true" });
  svg.style.width = `calc(${width + 2}px * var(--unit))`;
  return svg;
}

function spokenPart(part) {
  const weights = part.parameters ? `${counted(part.parameters)} weights, ` : "";
  return `${part.name}: ${part.title}, ${part.shape.map(counted).join(" by ")}, ${weights}one value sees ${part.sees}`;
}

export default function ({ data, parentElement, setTriggerValue }) {
  const view = once(parentElement, () => scaffold(parentElement.querySelector(".root")));
  view.report = (name) => settle(view, SETTLE_MS, () => setTriggerValue("pick", name), name);
  const drawn = view.data?.digest === data.digest;
  view.data = data;
  view.note.textContent = data.note;
  view.root.classList.toggle("stale", Boolean(data.note));
  if (!drawn) drawNetwork(view);
  const kept = data.parts.some((part) => part.name === view.chosen);
  if (!kept || accepted(view, data.selected)) view.chosen = data.selected;
  choose(view, view.chosen);
}

function scaffold(root) {
  const view = { root };
  view.note = element("p", "stalenote", root);
  view.flow = element("div", "flow", root);
  view.flow.setAttribute("role", "radiogroup");
  view.totals = element("p", "totals", root);
  view.detail = element("section", "detail", root);
  view.detail.setAttribute("aria-live", "polite");
  const folded = element("details", "", root);
  element("summary", "", folded).textContent = "The whole network as a table";
  view.table = element("table", "", element("div", "scroller", folded));
  view.flow.onkeydown = (event) => moved(view, event);
  return view;
}

function drawNetwork(view) {
  const { data, flow } = view;
  flow.replaceChildren();
  flow.setAttribute("aria-label", data.label);
  view.buttons = new Map();
  const largest = Math.max(...data.parts[0].shape.slice(1));
  let group = null;
  for (const part of data.parts) {
    if (!group || group.title !== part.group) group = drawGroup(flow, part.group);
    view.buttons.set(part.name, drawPart(view, group.items, part, largest));
  }
  view.totals.textContent = data.totals;
  drawTable(view.table, data.parts);
}

function drawGroup(flow, title) {
  const group = element("div", "group", flow);
  element("div", "title", group).textContent = title;
  return { title, items: element("div", "items", group) };
}

function drawPart(view, parent, part, largest) {
  const button = element("button", `part ${part.kind}`, parent);
  button.type = "button";
  button.setAttribute("role", "radio");
  button.setAttribute("aria-label", spokenPart(part));
  button.append(part.shape.length === 3 ? box(part, largest) : column(part));
  element("strong", "", button).textContent = part.name;
  element("span", "", button).textContent = sizes(part);
  element("span", "weights", button).textContent = part.parameters ? `${counted(part.parameters)} weights` : "no weights";
  button.onclick = () => picked(view, part.name);
  return button;
}

function drawTable(table, parts) {
  table.replaceChildren();
  const row = (tag, texts, parent) => {
    const line = element("tr", "", parent);
    texts.forEach((text, i) => {
      const cell = element(i ? tag : "th", "", line);
      cell.textContent = text;
      if (tag === "th" || !i) cell.scope = tag === "th" ? "col" : "row";
    });
  };
  row("th", HEADINGS, element("thead", "", table));
  const body = element("tbody", "", table);
  for (const part of parts) row("td", [part.name, sizes(part), counted(part.parameters), counted(part.macs), part.sees], body);
}

function picked(view, name) {
  choose(view, name);
  view.report(name);
}

function moved(view, event) {
  const names = view.data.parts.map((part) => part.name);
  const at = names.indexOf(view.chosen);
  const to = event.key === "Home" ? 0 : event.key === "End" ? names.length - 1 : at + (STEPS[event.key] ?? 0);
  if (to === at || !names[to]) return;
  event.preventDefault();
  picked(view, names[to]);
  view.buttons.get(names[to]).focus();
}

function choose(view, name) {
  view.chosen = name;
  for (const [each, button] of view.buttons) {
    button.setAttribute("aria-checked", String(each === name));
    button.tabIndex = each === name ? 0 : -1;
  }
  const part = view.data.parts.find((each) => each.name === name);
  const drawn = `${view.data.digest} ${name}`;
  if (view.shown === drawn) return;
  view.shown = drawn;
  drawDetail(view.detail, part);
}

function drawDetail(place, part) {
  place.replaceChildren();
  const words = element("div", "words", place);
  element("h3", "", words).textContent = `${part.name} · ${part.title}`;
  const list = element("dl", "", words);
  for (const line of [...part.workings, `one value sees: ${part.sees}`]) {
    const [term, ...rest] = line.split(": ");
    element("dt", "", list).textContent = term;
    element("dd", "", list).textContent = rest.join(": ");
  }
  if (part.kernels) picture(words, part.kernels, "kernels");
  const maps = element("div", "maps", place);
  if (part.sheet) picture(maps, part.sheet, "sheet");
  if (part.scores) drawScores(maps, part.scores);
  if (part.legend) showLegend(element("div", "legend", maps), part.legend);
}

function picture(parent, { url, caption }, kind) {
  const figure = element("figure", kind, parent);
  element("figcaption", "", figure).textContent = caption;
  const image = element("img", "", figure);
  image.src = url;
  image.alt = caption;
}

// One bar for each class, to the right where positive.
function drawScores(parent, { caption, values }) {
  element("p", "caption", parent).textContent = caption;
  const most = Math.max(1e-12, ...values.map(Math.abs));
  const list = element("ol", "scores", parent);
  values.forEach((value, i) => {
    const line = element("li", value < 0 ? "negative" : "", list);
    element("span", "", line).textContent = `class ${i}`;
    element("i", "", element("span", "bar", line)).style.width = `${(50 * Math.abs(value)) / most}%`;
    element("span", "score", line).textContent = number(value);
  });
}
