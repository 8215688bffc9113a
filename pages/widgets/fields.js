// How the region that one position depends on grows, layer by layer: boxes on the picture, and beyond it.

const SETTLE_MS = 400;
const NUDGE = 1 / 32;
const SVG = "http://www.w3.org/2000/svg";

function drawn(tag, attributes, parent) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  parent.append(made);
  return made;
}

export default function ({ data, parentElement, setTriggerValue }) {
  const view = once(parentElement, () => {
    const root = parentElement.querySelector(".root");
    const sides = element("div", "sides", root);
    const svg = drawn("svg", { class: "stage", tabindex: 0, role: "application", preserveAspectRatio: "xMidYMid meet" }, sides);
    const panel = element("div", "panel", sides);
    const label = element("label", "", panel);
    label.textContent = "Layer";
    const slider = element("input", "", label);
    Object.assign(slider, { type: "range", min: 0, step: 1 });
    const ends = element("div", "ends", panel);
    for (const text of ["first layer", "last layer"]) element("span", "", ends).textContent = text;
    const steps = element("div", "buttons", panel);
    const [back, next] = ["Layer before", "Next layer"].map((text) => {
      const made = element("button", "", steps);
      made.type = "button";
      made.textContent = text;
      return made;
    });
    const name = element("h4", "", panel);
    const extent = element("p", "extent", panel);
    const readout = element("p", "readout", panel);
    readout.setAttribute("aria-live", "polite");
    return { svg, slider, back, next, name, extent, readout, timer: 0, digest: null };
  });
  const [height, width] = data.size;
  const last = data.layers.length - 1;

  // The position of a layer's map whose middle lies nearest to the point.
  const position = (layer) => [0, 1].map((axis) => {
    const count = layer.positions[axis];
    return Math.max(0, Math.min(count - 1, Math.floor(view.point[axis] * count)));
  });

  function boxOf(layer) {
    if (layer.whole) return [0, 0, height, width];
    const [row, column] = position(layer);
    const [[top, bottom], [left, right]] = [layer.rows[row], layer.columns[column]];
    return [top, left, bottom, right];
  }

  // The view holds the picture and the box, so that a field beyond the picture is seen as such.
  function frame([top, left, bottom, right]) {
    const edges = [Math.min(0, left), Math.min(0, top), Math.max(width, right), Math.max(height, bottom)];
    const margin = 0.02 * Math.max(edges[2] - edges[0], edges[3] - edges[1]);
    const [x, y] = [edges[0] - margin, edges[1] - margin];
    return [x, y, edges[2] + margin - x, edges[3] + margin - y];
  }

  function draw() {
    const layer = data.layers[view.layer];
    const box = boxOf(layer);
    const [x, y, wide, high] = frame(box);
    const unit = Math.max(wide, high) / 420;
    view.svg.setAttribute("viewBox", `${x} ${y} ${wide} ${high}`);
    view.svg.replaceChildren();
    drawn("image", { href: data.url, x: 0, y: 0, width, height, preserveAspectRatio: "none" }, view.svg);
    data.layers.slice(0, view.layer + 1).forEach((each, at) => {
      const [top, left, bottom, right] = boxOf(each);
      const shape = { x: left, y: top, width: Math.max(right - left, 3 * unit), height: Math.max(bottom - top, 3 * unit) };
      const now = at === view.layer;
      drawn("rect", { ...shape, class: "under", "stroke-width": (now ? 6 : 2.6) * unit }, view.svg);
      drawn("rect", { ...shape, class: now ? "now" : "before", "stroke-width": (now ? 3.4 : 1.2) * unit }, view.svg);
    });
    drawn("rect", { x: 0, y: 0, width, height, class: "edge", "stroke-width": unit, "stroke-dasharray": `${5 * unit} ${4 * unit}` }, view.svg);
    tell(layer, box);
  }

  function tell(layer, [top, left, bottom, right]) {
    const at = `${view.layer + 1} of ${last + 1}`;
    view.slider.setAttribute("aria-valuetext", `${layer.name}, ${layer.words}`);
    view.name.textContent = layer.name;
    view.extent.textContent = layer.words;
    const where = `Rows ${number(top)} to ${number(bottom - 1)}, columns ${number(left)} to ${number(right - 1)} of the picture`;
    const beyond = top < 0 || left < 0 || bottom > height || right > width ? "; what lies beyond its edge is padding" : "";
    view.readout.textContent = layer.whole
      ? `Layer ${at}. ${layer.note}`
      : `Layer ${at}, position ${position(layer).join(", ")} of ${layer.positions.join(" × ")}. ${where}${beyond}. ${layer.note}`;
    view.back.setAttribute("aria-disabled", String(view.layer === 0));
    view.next.setAttribute("aria-disabled", String(view.layer === last));
  }

  function changed() {
    draw();
    const chosen = { layer: view.layer, point: view.point.map((share) => Math.round(share * 100)) };
    settle(view, SETTLE_MS, () => setTriggerValue("settled", chosen), chosen);
  }

  function go(layer) {
    view.layer = Math.max(0, Math.min(last, layer));
    view.slider.value = view.layer;
    changed();
  }

  function point(row, column) {
    view.point = [row, column].map((share) => Math.max(0, Math.min(0.99, share)));
    changed();
  }

  view.slider.max = last;
  view.slider.oninput = () => go(Number(view.slider.value));
  view.back.onclick = () => go(view.layer - 1);
  view.next.onclick = () => go(view.layer + 1);
  view.svg.onpointerdown = (event) => {
    const place = new DOMPoint(event.clientX, event.clientY).matrixTransform(view.svg.getScreenCTM().inverse());
    point(place.y / height, place.x / width);
  };
  view.svg.onkeydown = (event) => {
    const move = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    if (!move) return;
    event.preventDefault();
    point(view.point[0] + move[0] * NUDGE, view.point[1] + move[1] * NUDGE);
  };
  view.svg.setAttribute("aria-label", `${data.alt} Boxes show what one position sees; the arrow keys move the position`);

  const taken = accepted(view, { layer: data.layer, point: data.point });
  const fresh = view.digest !== data.digest;
  if (taken || fresh) {
    view.digest = data.digest;
    if (taken || view.layer === undefined) {
      view.layer = data.layer;
      // Nothing moves by the rounding to hundredths that the link needs.
      if (!view.point || view.point.some((share, axis) => Math.round(share * 100) !== data.point[axis])) {
        view.point = data.point.map((share) => share / 100);
      }
    }
    view.layer = Math.min(view.layer, last);
    view.slider.value = view.layer;
    draw();
  }
}
