// A convolution small enough to read: input and kernel to edit, both outputs and their difference as numbers.
// Pointing at an output value, or reaching it by keyboard, shows the window it comes from and its sum.

const SETTLE_MS = 350;

export default function ({ data, parentElement, setTriggerValue }) {
  const view = once(parentElement, () => {
    const root = parentElement.querySelector(".root");
    const equation = element("div", "equation", root);
    const readout = element("p", "readout", root);
    readout.setAttribute("aria-live", "polite");
    return { equation, readout, digest: null, timer: 0, at: [0, 0], lit: [] };
  });

  const short = (value) => Number(value.toPrecision(4)).toString().replace("-", "−");
  const tiny = (value) => (value === 0 ? "0" : value.toExponential(1).replace("e+", "e").replaceAll("-", "−"));
  const signed = (value) => (value < 0 ? `(${short(value)})` : short(value));
  const [top, , left] = data.padding;
  const [rows, columns] = data.size;

  function grid(title, values, text, make) {
    const figure = element("figure", "", view.equation);
    element("figcaption", "", figure).textContent = title;
    const table = element("table", "", figure);
    const letters = Math.max(...values.flat().map((value) => text(value).length));
    table.style.setProperty("--letters", letters);
    table.setAttribute("aria-label", title);
    return values.map((row, y) => {
      const line = element("tr", "", table);
      return row.map((value, x) => {
        const cell = element("td", "", line);
        make(cell, value, y, x);
        return cell;
      });
    });
  }

  function sign(text, words) {
    const made = element("span", "sign", view.equation);
    made.textContent = text;
    made.setAttribute("role", "img");
    made.setAttribute("aria-label", words);
  }

  const field = (cell, value, label) => numberField(cell, short(value).replace("−", "-"), label, settle);

  function plain(cell, text, className = "cell") {
    element("div", className, cell).textContent = text;
  }

  function settle() {
    clearTimeout(view.timer);
    view.timer = setTimeout(() => {
      const [given, kernel] = [view.fields.input, view.fields.kernel]
        .map((fields) => fields.map((line) => line.map((each) => readNumber(each.value))));
      if (![...given, ...kernel].flat().includes(null)) setTriggerValue("edit", { input: given, kernel });
    }, SETTLE_MS);
  }

  function tint(cell, value, most) {
    const share = most > 0 ? Math.min(1, Math.abs(value) / most) : 0;
    cell.firstChild.style.backgroundColor = `rgb(${value < 0 ? "66 120 214" : "222 146 38"} / ${0.34 * share})`;
  }

  // The window of the picture that an output value comes from, and its sum written out.
  function point(y, x) {
    view.at = [y, x];
    view.lit.forEach((cell) => cell.classList.remove("lit"));
    view.lit = [view.cells.hand[y][x], view.cells.pytorch[y][x], view.cells.difference[y][x]];
    const terms = [];
    data.kernel.forEach((line, i) => line.forEach((_, j) => {
      const [row, column] = [y * data.stride[0] + i * data.dilation[0], x * data.stride[1] + j * data.dilation[1]];
      const weight = data.flipped ? data.kernel[data.kernel.length - 1 - i][line.length - 1 - j] : data.kernel[i][j];
      view.lit.push(view.cells.input[row][column]);
      terms.push([data.padded[row][column], weight]);
    }));
    view.lit.forEach((cell) => cell.classList.add("lit"));
    const shown = terms.length > 9 ? terms.filter(([, weight]) => weight !== 0) : terms;
    const sum = shown.map(([value, weight]) => `${signed(value)}·${signed(weight)}`).join(" + ") || "0";
    const bias = data.bias ? ` + ${signed(data.bias)} (bias)` : "";
    view.readout.textContent = `Row ${y}, column ${x}: ${sum}${bias} = ${short(data.hand[y][x])}`;
  }

  function build() {
    view.equation.replaceChildren();
    view.lit = [];
    view.cells = {};
    view.fields = { input: [], kernel: [] };
    view.cells.input = grid("Input", data.padded, short, (cell, value, y, x) => {
      const inside = y >= top && y < top + rows && x >= left && x < left + columns;
      if (inside) field(cell, value, `Input, row ${y - top}, column ${x - left}`);
      else { cell.className = "outside"; plain(cell, short(value)); }
    });
    view.fields.input = view.cells.input.slice(top, top + rows)
      .map((line) => line.slice(left, left + columns).map((cell) => cell.querySelector("input")));
    sign("∗", "convolved with");
    const kernel = grid(data.flipped ? "Kernel, turned when laid on" : "Kernel", data.kernel, short,
      (cell, value, y, x) => field(cell, value, `Kernel, row ${y}, column ${x}`));
    view.fields.kernel = kernel.map((line) => line.map((cell) => cell.querySelector("input")));
    sign("=", "is");
    const most = Math.max(...data.hand.flat().map(Math.abs));
    view.cells.hand = grid(data.title, data.hand, short, (cell, value, y, x) => {
      const button = element("button", "cell", cell);
      button.type = "button";
      button.textContent = short(value);
      button.tabIndex = y + x === 0 ? 0 : -1;
      button.setAttribute("aria-label", `By hand, row ${y}, column ${x}: ${short(value)}`);
      tint(cell, value, most);
      cell.onpointerenter = () => point(y, x);
      button.onfocus = () => point(y, x);
      button.onkeydown = (event) => move(event, y, x);
    });
    view.cells.pytorch = grid("PyTorch", data.pytorch, short, (cell, value, y, x) => {
      plain(cell, short(value));
      tint(cell, value, most);
      cell.onpointerenter = () => point(y, x);
    });
    const apart = Math.max(0, ...data.difference.flat().map(Math.abs));
    view.cells.difference = grid(apart ? `Difference, up to ±${tiny(apart)}` : "Difference", data.difference, tiny, (cell, value, y, x) => {
      plain(cell, tiny(value));
      tint(cell, value, apart);
      cell.onpointerenter = () => point(y, x);
    });
    point(Math.min(view.at[0], data.hand.length - 1), Math.min(view.at[1], data.hand[0].length - 1));
  }

  function move(event, y, x) {
    const [down, right] = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key] ?? [0, 0];
    const next = view.cells.hand[y + down]?.[x + right]?.firstChild;
    if ((!down && !right) || !next) return;
    event.preventDefault();
    view.cells.hand[y][x].firstChild.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  }

  // While somebody types, the fields are theirs: only the results change.
  function refresh() {
    const focused = parentElement.querySelector(".root").getRootNode().activeElement;
    const label = focused?.getAttribute("aria-label");
    const [start, end] = [focused?.selectionStart, focused?.selectionEnd];
    const typed = focused?.value;
    build();
    if (!label) return;
    const again = [...view.equation.querySelectorAll("input, button")].find((each) => each.getAttribute("aria-label") === label);
    if (!again) return;
    if (typed !== undefined && again.tagName === "INPUT") again.value = typed;
    again.focus();
    if (again.tagName === "INPUT") again.setSelectionRange(start, end);
  }

  if (view.digest !== data.digest) {
    view.digest = data.digest;
    refresh();
  }
}
