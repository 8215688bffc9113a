// A kernel to edit: its numbers in fields, its rows and columns to choose. Numbers are sent when they have settled.

const SETTLE_MS = 400;
const MOST_SIDE = 11;

export default function ({ data, parentElement, setTriggerValue }) {
  const view = once(parentElement, () => {
    const root = parentElement.querySelector(".root");
    return { sizes: element("div", "sizes", root), place: element("div", "", root), root, digest: null, texts: null };
  });
  const size = () => [view.texts.length, view.texts[0].length];
  const valid = () => view.texts.flat().every((text) => readNumber(text) !== null);

  function changed() {
    if (valid()) settle(view, SETTLE_MS, () => setTriggerValue("edit", view.texts), view.texts);
    else clearTimeout(view.timer);
  }

  function resize(rows, columns) {
    view.texts = Array.from({ length: rows }, (_, y) => Array.from({ length: columns }, (_, x) => view.texts[y]?.[x] ?? "0"));
    build();
    changed();
  }

  function select(label, value, take) {
    const frame = element("label", "", view.sizes);
    element("span", "", frame).textContent = label;
    const made = element("select", "", frame);
    for (let side = 1; side <= MOST_SIDE; side++) Object.assign(element("option", "", made), { value: String(side), textContent: String(side) });
    made.value = String(value);
    made.onchange = () => {
      take(Number(made.value));
      [...view.sizes.querySelectorAll("select")].find((each) => each.name === label).focus();
    };
    made.name = label;
  }

  function build() {
    view.sizes.replaceChildren();
    view.place.replaceChildren();
    const values = view.texts.map((row) => row.map(readNumber));
    const small = Math.max(...size()) <= MOST_SIDE;
    if (!small) {
      drawGrid(view.place, { title: `${size().join("×")} weights`, kind: "kernel", rows: values });
      element("p", "note", view.place).textContent = `${size()[0]}×${size()[1]} weights: too many to edit, so they are drawn as colours, amber above zero and blue below.`;
      return;
    }
    const figure = element("figure", "grid kernel", view.place);
    element("figcaption", "", figure).textContent = `${size().join("×")} weights`;
    const table = element("table", size()[1] > 7 ? "many" : "", element("div", "scroller", figure));
    table.setAttribute("aria-label", "Kernel");
    table.style.setProperty("--letters", Math.max(...view.texts.flat().map((text) => text.length)));
    const most = largest(values);
    view.texts.forEach((row, y) => {
      const line = element("tr", "", table);
      row.forEach((text, x) => {
        const cell = element("td", "", line);
        const field = numberField(cell, text, `Kernel, row ${y}, column ${x}`, (value) => {
          view.texts[y][x] = tidied(field.value);
          if (value !== null) cell.style.backgroundColor = shade(value, most);
          changed();
        });
        cell.style.backgroundColor = shade(values[y][x], most);
      });
    });
    select("rows", size()[0], (rows) => resize(rows, size()[1]));
    select("columns", size()[1], (columns) => resize(size()[0], columns));
  }

  if (view.digest === data.digest || !accepted(view, data.texts)) return;
  view.digest = data.digest;
  view.texts = data.texts.map((row) => [...row]);
  if (!same(view)) build();
}

// Whether the fields already show these numbers: then they stay, and with them the cursor.
function same(view) {
  const fields = [...view.place.querySelectorAll("tr")].map((line) => [...line.querySelectorAll("input")].map((field) => tidied(field.value)));
  return JSON.stringify(fields) === JSON.stringify(view.texts);
}
