// A small picture to paint on, the map that one kernel makes of it, and one output value before and after.
// Everything is worked out here; the server gets the painting once it has settled, and checks the number.

const SETTLE_MS = 500;
const MARK = 8; // marks are drawn this much finer than the picture's pixels
const BLOB = 5;

export default function ({ data, parentElement, setTriggerValue }) {
  const view = once(parentElement, () => build(parentElement.querySelector(".root")));
  const { side } = data;
  const [high, wide] = [data.kernel.length, data.kernel[0].length];
  const [rows, columns] = [side - high + 1, side - wide + 1];
  const size = rows * columns;

  function build(root) {
    const boards = element("div", "boards", root);
    const board = (name, title) => {
      const figure = element("figure", name, boards);
      element("figcaption", "", figure).textContent = title;
      const stage = element("div", "stage", figure);
      stage.tabIndex = 0;
      stage.setAttribute("role", "application");
      const canvas = element("canvas", "", stage);
      const marks = element("canvas", "marks", stage);
      return { figure, stage, canvas, marks };
    };
    const picture = board("input", "The picture: paint on it");
    picture.region = element("div", "region", picture.stage);
    picture.cursor = element("div", "cursor", picture.stage);
    picture.cursor.hidden = true;
    picture.told = element("p", "told", picture.figure);
    picture.told.setAttribute("aria-live", "polite");
    const panel = element("div", "panel", boards);
    const map = board("output", "The feature map: pick an output");
    map.picked = element("div", "picked", map.stage);
    map.legend = element("div", "legend", map.figure);
    return { picture, map, panel: fill(panel), timer: 0, digest: null, cursor: [0, 0], blobs: 20 };
  }

  function fill(panel) {
    const title = element("h4", "", panel);
    const pair = element("div", "pair", panel);
    const value = (name) => {
      const box = element("div", "value", pair);
      element("span", "", box).textContent = name;
      return element("strong", "", box);
    };
    const before = value("before");
    const arrow = element("span", "arrow", pair);
    arrow.textContent = "→";
    arrow.setAttribute("aria-hidden", "true");
    const after = value("after");
    const verdict = element("span", "verdict", pair);
    const readout = element("p", "readout", panel);
    readout.setAttribute("aria-live", "polite");
    const buttons = element("div", "buttons", panel);
    const button = (text) => {
      const made = element("button", "", buttons);
      made.type = "button";
      made.textContent = text;
      return made;
    };
    const [outside, inside, clear] = ["Paint outside", "Paint inside", "Clear the paint"].map(button);
    const caption = element("p", "told", panel);
    const table = element("table", "", panel);
    return { title, before, after, verdict, readout, outside, inside, clear, caption, table };
  }

  const within = (row, column, [top, left] = view.spot) =>
    row >= top && row < top + high && column >= left && column < left + wide;
  const flipped = (level) => (level < 128 ? 255 : 0);
  const current = () => view.levels.map((level, at) => (view.mask[at] ? flipped(level) : level));

  function convolved(levels) {
    const map = new Float64Array(size);
    for (let at = 0; at < size; at++) {
      const [row, column] = [Math.floor(at / columns), at % columns];
      let sum = 0;
      data.kernel.forEach((line, i) => line.forEach((weight, j) => {
        sum += weight * levels[(row + i) * side + column + j];
      }));
      map[at] = sum;
    }
    return map;
  }

  const differs = (one, other) => Math.abs(one - other) > 1e-9 * Math.max(1, Math.abs(one));

  function entry(value) {
    const { low, high: top, steps } = data.scale;
    const middle = Math.floor(steps / 2);
    const at = low < 0 ? (value * middle) / top + middle + 0.5 : (value * (steps - 1)) / top + 0.5;
    return Math.max(0, Math.min(steps - 1, Math.floor(at)));
  }

  // A line around what is marked, drawn on its inner side.
  function outline(canvas, height, width, marked, colour) {
    [canvas.height, canvas.width] = [height * MARK, width * MARK];
    const context = canvas.getContext("2d");
    context.fillStyle = colour;
    const is = (row, column) => row >= 0 && row < height && column >= 0 && column < width && marked[row * width + column];
    const line = MARK / 4;
    marked.forEach((on, at) => {
      if (!on) return;
      const [row, column] = [Math.floor(at / width), at % width];
      const [y, x] = [row * MARK, column * MARK];
      if (!is(row - 1, column)) context.fillRect(x, y, MARK, line);
      if (!is(row + 1, column)) context.fillRect(x, y + MARK - line, MARK, line);
      if (!is(row, column - 1)) context.fillRect(x, y, line, MARK);
      if (!is(row, column + 1)) context.fillRect(x + MARK - line, y, line, MARK);
    });
  }

  function draw() {
    const levels = current();
    view.after = convolved(levels);
    const colour = (name) => getComputedStyle(view.picture.figure).getPropertyValue(name);
    const grey = new Uint8Array(1024).map((_, at) => (at % 4 === 3 ? 255 : Math.floor(at / 4)));
    paint(view.picture.canvas, levels, side, side, grey);
    outline(view.picture.marks, side, side, view.mask, colour("--paint"));
    paint(view.map.canvas, [...view.after].map(entry), rows, columns, bytes(data.palette));
    const touched = [...view.after].map((value, at) => differs(value, view.before[at]));
    outline(view.map.marks, rows, columns, touched, colour("--paint"));
    view.touched = touched.filter(Boolean).length;
    tell(levels);
  }

  function tell(levels) {
    const [row, column] = view.spot;
    const at = row * columns + column;
    const { panel } = view;
    place(view.picture.region, [row / side, column / side, (row + high) / side, (column + wide) / side]);
    place(view.map.picked, [row / rows, column / columns, (row + 1) / rows, (column + 1) / columns]);
    const changed = differs(view.before[at], view.after[at]);
    panel.title.textContent = `Output at row ${row}, column ${column}`;
    panel.before.textContent = number(view.before[at]);
    panel.after.textContent = number(view.after[at]);
    const by = view.after[at] - view.before[at];
    panel.verdict.textContent = changed ? `changed by ${by > 0 ? "+" : ""}${number(by)}` : "unchanged";
    panel.verdict.classList.toggle("changed", changed);
    panel.readout.textContent = sentence(changed);
    cells(levels);
  }

  function sentence(changed) {
    const painted = view.mask.reduce((sum, on) => sum + on, 0);
    let inside = 0;
    view.mask.forEach((on, at) => { inside += on && within(Math.floor(at / side), at % side) ? 1 : 0; });
    if (!painted) return `It looks at ${high} × ${wide} pixels, the blue region. Nothing is painted yet.`;
    const count = painted - inside;
    const what = `Painted: ${count} pixel${count === 1 ? "" : "s"} outside its region, ${inside} inside. `;
    const all = ` In the whole map ${view.touched} of ${size} outputs changed.`;
    if (!inside) return `${what}It cannot see any of them.${all}`;
    if (changed) return `${what}It notices.${all}`;
    return `${what}It sees them, but the kernel weighs them with 0, or their changes cancel.${all}`;
  }

  // What the output looks at, pixel by pixel; each can be pressed.
  function cells(levels) {
    const [top, left] = view.spot;
    const { table } = view.panel;
    const shape = `${high}x${wide}`;
    if (table.dataset.shape !== shape) {
      table.replaceChildren();
      data.kernel.forEach((line) => {
        const tr = element("tr", "", table);
        line.forEach(() => element("button", "cell", element("td", "", tr)));
      });
      table.dataset.shape = shape;
    }
    table.setAttribute("aria-label", "The region's pixels, each with the kernel's weight");
    [...table.querySelectorAll("button")].forEach((button, index) => {
      const [i, j] = [Math.floor(index / wide), index % wide];
      const at = (top + i) * side + left + j;
      const weight = number(data.kernel[i][j]);
      button.type = "button";
      button.replaceChildren();
      element("b", "", button).textContent = levels[at];
      element("i", "", button).textContent = `× ${number(Number(data.kernel[i][j].toPrecision(2)))}`;
      button.classList.toggle("painted", Boolean(view.mask[at]));
      button.setAttribute("aria-pressed", String(Boolean(view.mask[at])));
      button.setAttribute("aria-label", `Pixel at row ${top + i}, column ${left + j}: ${levels[at]}, times ${weight}`);
      button.onclick = () => { view.mask[at] = view.mask[at] ? 0 : 1; changed(); };
    });
    view.panel.caption.textContent = "Its region, as numbers (0 is black, 255 white). Press one to paint it:";
  }

  function encoded() {
    const packed = new Uint8Array(Math.ceil(view.mask.length / 8));
    view.mask.forEach((on, at) => { if (on) packed[at >> 3] |= 128 >> (at & 7); });
    let end = packed.length;
    while (end && !packed[end - 1]) end--;
    const text = btoa(String.fromCharCode(...packed.subarray(0, end)));
    return text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  }

  function decoded(text) {
    const packed = text ? bytes(text.replaceAll("-", "+").replaceAll("_", "/")) : [];
    return Array.from({ length: side * side }, (_, at) => ((packed[at >> 3] ?? 0) >> (7 - (at & 7))) & 1);
  }

  function changed() {
    draw();
    const chosen = { spot: view.spot, paint: encoded() };
    settle(view, SETTLE_MS, () => setTriggerValue("settled", chosen), chosen);
  }

  const clamp = (value, count) => Math.max(0, Math.min(count - 1, value));
  const arrow = (key) => ({ ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] })[key];

  function pick(row, column) {
    view.spot = [clamp(row, rows), clamp(column, columns)];
    changed();
  }

  // A straight stroke between two places, so that a fast pointer leaves no gaps.
  function stroke(from, to) {
    const steps = Math.max(1, Math.abs(to[0] - from[0]), Math.abs(to[1] - from[1]));
    for (let step = 0; step <= steps; step++) {
      const [row, column] = [0, 1].map((axis) => Math.round(from[axis] + ((to[axis] - from[axis]) * step) / steps));
      view.mask[row * side + column] = view.erasing ? 0 : 1;
    }
    changed();
  }

  function paintInside() {
    const [top, left] = view.spot;
    const free = data.kernel.flatMap((line, i) => line.map((weight, j) => [Math.abs(weight), (top + i) * side + left + j]))
      .filter(([, at]) => !view.mask[at]).sort((one, other) => other[0] - one[0]);
    if (!free.length) return;
    view.mask[free[0][1]] = 1;
    changed();
  }

  function paintOutside() {
    for (let attempt = 0; attempt < 500; attempt++) {
      view.blobs = (view.blobs * 16807) % 2147483647; // Park and Miller's random numbers
      const [row, column] = [view.blobs >> 8, view.blobs >> 18].map((draws) => draws % (side - BLOB));
      const places = Array.from({ length: BLOB * BLOB }, (_, at) => [row + Math.floor(at / BLOB), column + (at % BLOB)]);
      if (places.some(([y, x]) => within(y, x) || view.mask[y * side + x])) continue;
      places.forEach(([y, x]) => { view.mask[y * side + x] = 1; });
      changed();
      return;
    }
  }

  function showCursor(visible) {
    const [row, column] = view.cursor;
    view.picture.cursor.hidden = !visible;
    place(view.picture.cursor, [row / side, column / side, (row + 1) / side, (column + 1) / side]);
    const where = within(row, column) ? "inside the region" : "outside the region";
    const state = view.mask[row * side + column] ? "painted" : "not painted";
    view.picture.told.textContent = visible ? `Row ${row}, column ${column}: ${where}, ${state}. Space paints.` : hint;
  }
  const hint = "Drag or tap to paint. With the keyboard: arrow keys, then Space.";

  function listen() {
    const { picture, map, panel } = view;
    const spot = (event) => under(event, picture.canvas, side, side);
    picture.stage.onpointerdown = (event) => {
      if (event.button) return;
      view.from = spot(event);
      view.erasing = Boolean(view.mask[view.from[0] * side + view.from[1]]);
      view.pressed = true;
      // A finger may be about to scroll: it paints when it moves sideways or lifts.
      if (event.pointerType === "touch") return;
      picture.stage.setPointerCapture(event.pointerId);
      stroke(view.from, view.from);
    };
    picture.stage.onpointermove = (event) => {
      if (!view.pressed) return;
      const to = spot(event);
      stroke(view.from, to);
      view.from = to;
    };
    picture.stage.onpointerup = (event) => {
      if (view.pressed && event.pointerType === "touch") stroke(view.from, spot(event));
      view.pressed = false;
    };
    picture.stage.onpointercancel = () => { view.pressed = false; };
    picture.stage.onkeydown = (event) => {
      const move = arrow(event.key);
      const presses = event.key === " " || event.key === "Enter";
      if (!move && !presses) return;
      event.preventDefault();
      if (move) view.cursor = view.cursor.map((value, axis) => clamp(value + move[axis], side));
      const at = view.cursor[0] * side + view.cursor[1];
      if (presses) { view.mask[at] = view.mask[at] ? 0 : 1; changed(); }
      showCursor(true);
    };
    picture.stage.onfocus = () => { if (picture.stage.matches(":focus-visible")) showCursor(true); };
    picture.stage.onblur = () => showCursor(false);
    map.stage.onpointerdown = (event) => {
      if (event.pointerType !== "touch") map.stage.setPointerCapture(event.pointerId);
      pick(...under(event, map.canvas, rows, columns));
    };
    map.stage.onpointermove = (event) => { if (event.buttons) pick(...under(event, map.canvas, rows, columns)); };
    map.stage.onkeydown = (event) => {
      const move = arrow(event.key);
      if (!move) return;
      event.preventDefault();
      pick(view.spot[0] + move[0], view.spot[1] + move[1]);
    };
    panel.inside.onclick = paintInside;
    panel.outside.onclick = paintOutside;
    panel.clear.onclick = () => { view.mask.fill(0); changed(); };
  }

  listen();
  const fresh = view.digest !== data.digest;
  if (fresh) {
    view.digest = data.digest;
    view.levels = [...bytes(data.levels)];
    view.before = convolved(view.levels);
    const [from, to] = [data.spot, [high, wide]];
    if (!view.mask) view.cursor = from.map((value, axis) => clamp(value + Math.floor(to[axis] / 2), side));
  }
  const taken = accepted(view, { spot: data.spot, paint: data.paint });
  if (taken || fresh) {
    // What was painted meanwhile stays; only a spot may no longer exist under a larger kernel.
    if (taken || !view.mask) [view.spot, view.mask] = [data.spot, decoded(data.paint)];
    view.spot = [clamp(view.spot[0], rows), clamp(view.spot[1], columns)];
    draw();
    showCursor(!view.picture.cursor.hidden);
  }
  view.picture.stage.setAttribute("aria-label", `The picture, ${side} × ${side} pixels: arrow keys move, Space paints`);
  view.map.stage.setAttribute("aria-label", `The feature map of ${data.title}, ${rows} × ${columns}: arrow keys pick an output`);
  showLegend(view.map.legend, data.legend);
}
