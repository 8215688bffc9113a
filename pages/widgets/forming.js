// Pictures side by side that are exchanged without a flicker while they form, and what they reach step by step.

const PLOT = { width: 420, height: 190, left: 48, right: 12, top: 22, bottom: 28 };
const SVG = "http://www.w3.org/2000/svg";

function shape(name, attributes, parent) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  parent?.append(made);
  return made;
}

export default function ({ data, parentElement }) {
  const view = once(parentElement, () => scaffold(parentElement.querySelector(".root")));
  if (view.digest === data.digest) return;
  view.digest = data.digest;
  view.figures.setAttribute("aria-label", data.label);
  drawFigures(view, data.figures);
  view.chart.hidden = !data.chart;
  if (data.chart) drawChart(view.chart, data.chart);
}

function scaffold(root) {
  const figures = element("div", "figures", root);
  figures.setAttribute("role", "group");
  return { figures, chart: element("figure", "chart", root), tiles: [], digest: "" };
}

function drawFigures(view, figures) {
  if (view.tiles.length !== figures.length) {
    view.figures.replaceChildren();
    view.tiles = figures.map(() => tile(view.figures));
  }
  view.figures.dataset.count = figures.length;
  figures.forEach(({ url, alt, title, note }, at) => {
    const shown = view.tiles[at];
    shown.title.textContent = title;
    shown.title.hidden = !title;
    shown.note.textContent = note;
    shown.image.alt = alt;
    exchange(shown, url);
  });
}

function tile(parent) {
  const figure = element("figure", "", parent);
  const title = element("figcaption", "title", figure);
  const image = element("img", "", figure);
  return { title, image, note: element("p", "value", figure), url: "" };
}

// The next picture takes the place of the last one when it can be shown at once.
function exchange(shown, url) {
  if (shown.url === url) return;
  shown.url = url;
  const next = new Image();
  const show = () => {
    if (shown.url === url) shown.image.src = url;
  };
  next.src = url;
  next.decode().then(show, show);
}

function drawChart(figure, chart) {
  figure.replaceChildren();
  element("figcaption", "title", figure).textContent = chart.title;
  const svg = shape("svg", { viewBox: `0 0 ${PLOT.width} ${PLOT.height}`, role: "img", "aria-label": chart.told }, figure);
  const wide = PLOT.width - PLOT.left - PLOT.right;
  const tall = PLOT.height - PLOT.top - PLOT.bottom;
  const x = (step) => PLOT.left + (wide * step) / Math.max(chart.total, 1);
  const y = (value) => PLOT.top + tall * (1 - (value - chart.low) / (chart.high - chart.low));
  for (const [value, text] of chart.ticks) {
    shape("line", { class: "grid", x1: PLOT.left, x2: x(chart.total), y1: y(value), y2: y(value) }, svg);
    shape("text", { x: PLOT.left - 6, y: y(value) + 4, "text-anchor": "end" }, svg).textContent = text;
  }
  for (const [step, anchor] of [[0, "start"], [chart.total, "end"]]) {
    const mark = shape("text", { x: x(step), y: PLOT.height - 10, "text-anchor": anchor }, svg);
    mark.textContent = step ? `${step} steps` : "0";
  }
  if (chart.level) drawLevel(svg, chart, x, y);
  for (const { kind, values, steps } of chart.lines) {
    const points = values.map((value, at) => `${x(steps[at])},${y(value)}`).join(" ");
    shape("polyline", { class: `line ${kind}`, points }, svg);
    if (values.length) shape("circle", { class: `end ${kind}`, cx: x(steps.at(-1)), cy: y(values.at(-1)), r: 3.2 }, svg);
  }
}

function drawLevel(svg, { level: [value, name], total, low, high }, x, y) {
  if (value < low || value > high) return;
  shape("line", { class: "line level", x1: x(0), x2: x(total), y1: y(value), y2: y(value) }, svg);
  // On the side of the line where there is room for the words.
  const above = y(value) - PLOT.top > 14 || y(value) > PLOT.height / 2;
  const text = shape("text", { class: "name", x: x(total), y: y(value) + (above ? -5 : 14), "text-anchor": "end" }, svg);
  text.textContent = name;
}
