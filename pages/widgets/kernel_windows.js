// One axis of a convolution with all its windows at once: the row of pixels and zeros, a bar for each window, and
// each output under the middle of its window. Several rows side by side are read out together.

export default function ({ data, parentElement }) {
  const view = once(parentElement, () => ({ root: parentElement.querySelector(".root"), digest: null, at: 0 }));
  if (view.digest === data.digest) return;
  view.digest = data.digest;
  const focused = view.root.getRootNode().activeElement?.classList.contains("out");
  view.root.replaceChildren();
  const place = element("div", "rows", view.root);
  const panels = data.panels.map((panel) => drawAxis(place, panel, point));

  function point(index, focus) {
    view.at = index;
    panels.forEach((panel) => panel.light(Math.min(index, panel.count - 1)));
    if (focus) focus.focus();
  }

  point(Math.min(view.at, Math.max(...panels.map((panel) => panel.count)) - 1));
  if (focused) panels[0].outputs[Math.min(view.at, panels[0].count - 1)].focus();
}

function drawAxis(place, panel, point) {
  const { size, before, after, windows } = panel;
  const columns = size + before + after;
  const figure = element("figure", "axis", place);
  element("figcaption", "", figure).textContent = panel.title;
  const scroller = element("div", "scroller", figure);
  const grid = element("div", "grid", scroller);
  grid.style.setProperty("--columns", columns);
  grid.setAttribute("role", "group");
  grid.setAttribute("aria-label", panel.title);
  const cells = Array.from({ length: columns }, (_, column) => {
    const pixel = column - before;
    const outside = pixel < 0 || pixel >= size;
    const cell = set(grid, outside ? "cell zero" : "cell", 2 * column, 2, 1);
    cell.textContent = outside ? "0" : number(panel.row[pixel]);
    return cell;
  });
  const bars = windows.map((taps, index) => {
    const [first, last] = [taps[0] + before, taps.at(-1) + before];
    const bar = set(grid, "bar", 2 * first, 2 * (last - first + 1), index + 2);
    bar.setAttribute("aria-hidden", "true");
    bar.style.setProperty("--reach", last - first + 1);
    taps.forEach((tap) => element("span", "tap", bar).style.setProperty("--at", tap + before - first));
    bar.onpointerenter = () => point(index);
    return bar;
  });
  const outputs = windows.map((taps, index) => {
    const middle = taps[0] + taps.at(-1) + 2 * before; // in half columns: an even window has its middle between two
    const out = set(grid, "out", middle, 2, windows.length + 2, "button");
    Object.assign(out, { type: "button", textContent: number(panel.outputs[index]) });
    out.setAttribute("aria-label", `${panel.title}: output ${index + 1} of ${windows.length} is ${out.textContent}`);
    out.onpointerenter = () => point(index);
    out.onfocus = () => point(index);
    out.onkeydown = (event) => {
      const next = outputs[index + ({ ArrowLeft: -1, ArrowRight: 1 }[event.key] ?? 0)];
      if (!next || next === out) return;
      event.preventDefault();
      point(index, next);
    };
    return out;
  });
  const readout = element("p", "readout", figure);
  readout.setAttribute("aria-live", "polite");
  const value = (pixel) => (pixel < 0 || pixel >= size ? "0" : number(panel.row[pixel]));
  const told = (pixel) => (pixel < 0 || pixel >= size ? "0 (padding)" : value(pixel));

  function light(index) {
    const taps = windows[index];
    cells.forEach((cell, column) => cell.classList.toggle("lit", taps.includes(column - before)));
    bars.forEach((bar, each) => bar.classList.toggle("lit", each === index));
    outputs.forEach((out, each) => {
      out.classList.toggle("lit", each === index);
      out.tabIndex = each === index ? 0 : -1;
    });
    const terms = taps.map((pixel, tap) => `${value(pixel)}·${number(panel.taps[tap])}`).join(" + ");
    readout.textContent = `Window ${index + 1} of ${windows.length} lies over ${taps.map(told).join(", ")}: ${terms} = ${number(panel.outputs[index])}`;
  }

  return { light, outputs, count: windows.length };
}

function set(grid, className, column, wide, row, tag = "div") {
  const made = element(tag, className, grid);
  made.style.gridColumn = `${column + 1} / span ${wide}`;
  made.style.gridRow = String(row);
  return made;
}
