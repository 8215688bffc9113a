// A training as it was at every report: the first layer's filters beside the twin's, and the curves. A slider
// goes back to earlier reports; left at its end, it follows the training.

const PLOT = { width: 420, height: 220, left: 44, right: 96, top: 14, bottom: 30 };
const PLAY_MS = 180;
const SVG = "http://www.w3.org/2000/svg";

function shape(name, attributes, parent) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (parent) parent.append(made);
  return made;
}

export default function ({ data, parentElement }) {
  const view = once(parentElement, () => scaffold(parentElement.querySelector(".root")));
  const last = data.steps.length - 1;
  const other = view.data?.run !== data.run;
  const following = other || !view.data || view.at >= view.data.steps.length - 1;
  if (other) stop(view);
  if (view.data?.digest === data.digest) return;
  view.data = data;
  view.slider.max = last;
  view.palette = bytes(data.palette);
  if (other) view.groups = drawGroups(view, data);
  view.plots = drawPlots(view, data);
  // While it runs, what a screen reader hears is the progress above; here only what somebody moved to.
  view.readout.setAttribute("aria-live", "off");
  goTo(view, following ? last : view.at);
}

function scaffold(root) {
  const view = { root, at: 0, timer: 0 };
  view.filters = element("div", "filters", root);
  view.controls = element("div", "controls", root);
  view.play = element("button", "", view.controls);
  view.play.type = "button";
  view.play.onclick = () => (view.timer ? stop(view) : play(view));
  const frame = element("label", "", view.controls);
  element("span", "", frame).textContent = "Step";
  view.slider = element("input", "", frame);
  Object.assign(view.slider, { type: "range", min: 0, step: 1, value: 0 });
  view.slider.oninput = () => {
    stop(view);
    view.readout.setAttribute("aria-live", "polite");
    goTo(view, Number(view.slider.value));
  };
  view.readout = element("p", "readout", root);
  view.charts = element("div", "charts", root);
  stop(view);
  return view;
}

function drawGroups(view, data) {
  view.filters.replaceChildren();
  return data.groups.map((group) => {
    const figure = element("figure", "", view.filters);
    element("figcaption", "", figure).textContent = group.title;
    const row = element("div", "row", figure);
    const [, count] = group.shape;
    return Array.from({ length: count }, () => {
      const tile = element("div", "tile", row);
      tile.setAttribute("role", "img");
      const canvas = element("canvas", "", tile);
      return { tile, canvas, mark: element("span", "", tile) };
    });
  });
}

function goTo(view, at) {
  const { data } = view;
  view.at = Math.max(0, Math.min(at, data.steps.length - 1));
  view.slider.value = view.at;
  view.slider.setAttribute("aria-valuetext", `step ${data.steps[view.at]} of ${data.total}`);
  view.readout.textContent = data.readouts[view.at];
  data.groups.forEach((group, i) => drawFilters(view, group, view.groups[i]));
  for (const { cursor, x } of view.plots) {
    const place = x(data.steps[view.at]);
    cursor.setAttribute("x1", place);
    cursor.setAttribute("x2", place);
  }
}

function drawFilters(view, group, tiles) {
  const [reports, count, rows, columns] = group.shape;
  const report = Math.min(view.at, reports - 1);
  const entries = bytes(group.entries);
  tiles.forEach(({ tile, canvas, mark }, i) => {
    const start = (report * count + i) * rows * columns;
    paint(canvas, entries.subarray(start, start + rows * columns), rows, columns, view.palette);
    const edge = group.edges[report][i];
    tile.classList.toggle("edge", edge);
    mark.textContent = edge ? "✓ edge" : "";
    tile.setAttribute("aria-label", `Filter ${i}, ${edge ? "passes for an edge detector" : "no edge detector"}`);
  });
}

function drawPlots(view, data) {
  view.charts.replaceChildren();
  return data.charts.map((chart) => plot(element("figure", "", view.charts), chart, data));
}

function plot(figure, chart, { steps, total }) {
  element("figcaption", "", figure).textContent = chart.title;
  const svg = shape("svg", { viewBox: `0 0 ${PLOT.width} ${PLOT.height}`, role: "img", "aria-label": chart.told }, figure);
  const inner = [PLOT.width - PLOT.left - PLOT.right, PLOT.height - PLOT.top - PLOT.bottom];
  const x = (step) => PLOT.left + (inner[0] * step) / total;
  const y = (value) => PLOT.top + inner[1] * (1 - Math.min(value, chart.high) / chart.high);
  for (const { value, text } of chart.ticks) {
    shape("line", { class: "grid", x1: PLOT.left, x2: x(total), y1: y(value), y2: y(value) }, svg);
    shape("text", { x: PLOT.left - 6, y: y(value) + 4, "text-anchor": "end" }, svg).textContent = text;
  }
  for (const step of [0, total / 2, total]) {
    shape("text", { x: x(step), y: PLOT.height - 12, "text-anchor": "middle" }, svg).textContent = step;
  }
  shape("text", { x: x(total) + 8, y: PLOT.height - 12 }, svg).textContent = "steps";
  const cursor = shape("line", { class: "cursor", y1: PLOT.top, y2: PLOT.top + inner[1] }, svg);
  const labels = chart.lines.map((line) => {
    const points = line.values.map((value, i) => `${x(steps[i])},${y(value)}`).join(" ");
    shape("polyline", { class: `line ${line.kind}`, points }, svg);
    return { ...line, y: y(line.values.at(-1)) };
  });
  if (chart.level) {
    const { value, name } = chart.level;
    shape("line", { class: "line level", x1: PLOT.left, x2: x(total), y1: y(value), y2: y(value) }, svg);
    labels.push({ name, kind: "level", y: y(value) });
  }
  apart(labels).forEach((label) => {
    shape("text", { class: `name ${label.kind}`, x: x(total) + 8, y: label.at + 4 }, svg).textContent = label.name;
  });
  return { cursor, x };
}

// Labels at the lines' ends, moved down where they would lie on each other.
function apart(labels) {
  const sorted = [...labels].sort((one, other) => one.y - other.y);
  let least = PLOT.top;
  for (const label of sorted) {
    label.at = Math.max(label.y, least);
    least = label.at + 15;
  }
  const over = Math.max(0, least - 15 - (PLOT.height - PLOT.bottom));
  sorted.forEach((label, i) => { label.at -= over * ((i + 1) / sorted.length); });
  return sorted;
}

function play(view) {
  view.readout.setAttribute("aria-live", "off");
  if (view.at >= view.data.steps.length - 1) goTo(view, 0);
  view.play.textContent = "❚❚ Pause";
  view.timer = setInterval(() => {
    goTo(view, view.at + 1);
    if (view.at >= view.data.steps.length - 1) stop(view);
  }, PLAY_MS);
}

function stop(view) {
  clearInterval(view.timer);
  view.timer = 0;
  view.play.textContent = "▶ Watch again";
}
