// Three ways to connect a row of inputs with a row of outputs; the weights of one output are named.

const SVG = "http://www.w3.org/2000/svg";
const [WIDE, HIGH, TOP, BOTTOM] = [280, 150, 26, 124];

function drawn(tag, attributes, parent) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  parent.append(made);
  return made;
}

export default function ({ data, parentElement }) {
  const view = once(parentElement, () => {
    const root = parentElement.querySelector(".root");
    const figures = element("div", "figures", root);
    const made = data.ways.map(() => {
      const figure = element("figure", "", figures);
      const title = element("figcaption", "", figure);
      const svg = drawn("svg", { viewBox: `0 0 ${WIDE} ${HIGH}`, role: "img" }, figure);
      const words = element("p", "words", figure);
      words.setAttribute("aria-live", "polite");
      return { title, svg, words };
    });
    const label = element("label", "", root);
    const name = element("span", "", label);
    const slider = element("input", "", label);
    Object.assign(slider, { type: "range", min: 1, step: 1, value: 3 });
    return { figures: made, name, slider };
  });
  const { inputs, outputs } = data;
  const across = (at, count) => WIDE / 2 + (at - (count - 1) / 2) * 36;

  function draw(figure, way) {
    const chosen = Number(view.slider.value) - 1;
    const { svg } = figure;
    svg.replaceChildren();
    const edges = way.weights.flatMap((row, output) => row.map((weight, at) => ({ output, input: way.reads[output][at], weight, tap: at })));
    const own = (edge) => edge.output === chosen;
    for (const edge of [...edges.filter((each) => !own(each)), ...edges.filter(own)]) {
      const line = { x1: across(edge.input, inputs), y1: BOTTOM - 11, x2: across(edge.output, outputs), y2: TOP + 10 };
      const kind = way.shared ? `tap${edge.tap % 3}` : "single";
      drawn("line", { ...line, class: `${own(edge) ? "own" : "other"} ${kind}` }, svg);
    }
    for (let at = 0; at < inputs; at++) {
      const lit = way.reads[chosen].includes(at);
      drawn("rect", { x: across(at, inputs) - 11, y: BOTTOM - 11, width: 22, height: 22, rx: 3, class: lit ? "input lit" : "input" }, svg);
    }
    for (let at = 0; at < outputs; at++) {
      const circle = drawn("circle", { cx: across(at, outputs), cy: TOP, r: 12, class: at === chosen ? "output lit" : "output" }, svg);
      circle.onpointerdown = () => { view.slider.value = at + 1; all(); };
    }
    figure.title.textContent = way.title;
    const names = way.weights[chosen].map((weight) => `w${weight}`);
    const told = names.length > 4 ? `${names[0]} to ${names.at(-1)}` : names.join(", ");
    figure.words.textContent = `Output ${chosen + 1} uses ${told}. ${way.count} different weights in all.`;
    svg.setAttribute("aria-label", `${way.title}: ${inputs} inputs, ${outputs} outputs, ${edges.length} connections, ${way.count} different weights`);
  }

  function all() {
    view.name.textContent = `Output ${view.slider.value} of ${outputs}`;
    data.ways.forEach((way, at) => draw(view.figures[at], way));
  }

  view.slider.max = outputs;
  view.slider.oninput = all;
  all();
}
