// A picture that is shifted by slider, drag or keys, and one feature map: of the shifted picture, as it should
// be, and the difference. The picture follows at once; the maps come from the server when the shift has settled.

const SETTLE_MS = 250;

export default function ({ data, parentElement, setTriggerValue }) {
  const view = once(parentElement, () => {
    const root = parentElement.querySelector(".root");
    const label = element("label", "", root);
    const name = element("span", "", label);
    const slider = element("input", "", label);
    Object.assign(slider, { type: "range", step: 1 });
    const frames = element("div", "frames", root);
    const figures = [0, 1, 2, 3].map((index) => {
      const figure = element("figure", index ? "" : "moved", frames);
      const caption = element("figcaption", "", figure);
      const stage = element("div", "map", figure);
      const canvas = element("canvas", "", stage);
      const cursor = index ? element("div", "cursor", stage) : null;
      return { caption, stage, canvas, cursor };
    });
    for (const index of [0, 1]) {
      figures[index].stage.tabIndex = 0;
      figures[index].stage.setAttribute("role", "application");
    }
    for (const index of [2, 3]) figures[index].stage.setAttribute("role", "img");
    const readout = element("p", "readout", root);
    readout.setAttribute("aria-live", "polite");
    const legends = element("div", "legends", root);
    return { name, slider, figures, frames, readout, legends: [0, 1].map(() => element("div", "legend", legends)), timer: 0 };
  });
  const [high, wide] = data.size;
  const [, height, width] = data.maps.shape;
  const [moved] = view.figures;
  const rowwise = data.axis === "rows";

  // Where the pixel that is shown at `at` comes from; null where nothing is known.
  function origin(at, side) {
    const from = at - view.shift;
    if (from >= 0 && from < side) return from;
    if (data.border === "circular") return (from + side) % side;
    if (data.border === "replicate") return from < 0 ? 0 : side - 1;
    if (data.border === "reflect") return from < 0 ? -from : 2 * side - 2 - from;
    return null;
  }

  function drawPicture() {
    const pixels = view.pixels;
    if (!pixels) return;
    const { canvas } = moved;
    [canvas.height, canvas.width] = [high, wide];
    canvas.style.aspectRatio = `${wide} / ${high}`;
    const context = canvas.getContext("2d");
    const image = context.createImageData(wide, high);
    const from = new Uint32Array(pixels.data.buffer);
    const to = new Uint32Array(image.data.buffer);
    const [red, green, blue] = data.fill;
    const empty = ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
    for (let row = 0; row < high; row++) {
      const top = rowwise ? origin(row, high) : row;
      for (let column = 0; column < wide; column++) {
        const left = rowwise ? column : origin(column, wide);
        to[row * wide + column] = top === null || left === null ? empty : from[top * wide + left];
      }
    }
    context.putImageData(image, 0, 0);
  }

  function load() {
    view.url = data.url;
    const image = new Image();
    image.onload = () => {
      const canvas = document.createElement("canvas");
      [canvas.height, canvas.width] = [high, wide];
      const context = canvas.getContext("2d");
      context.drawImage(image, 0, 0, wide, high);
      view.pixels = context.getImageData(0, 0, wide, high);
      view.drawPicture();
    };
    image.src = data.url;
  }

  function told() {
    const way = rowwise ? ["up", "down"] : ["left", "right"];
    const count = Math.abs(view.shift);
    return count ? `${count} pixel${count > 1 ? "s" : ""} to the ${way[view.shift > 0 ? 1 : 0]}`.replace("to the up", "up").replace("to the down", "down") : "not shifted";
  }

  function show() {
    view.slider.value = view.shift;
    view.name.textContent = `Shift: ${told()}`;
    view.slider.setAttribute("aria-valuetext", told());
    // Until the server has answered, the maps belong to another shift.
    view.frames.classList.toggle("waiting", view.shift !== data.shift);
    drawPicture();
  }

  function move(shift) {
    view.shift = Math.max(-data.limit, Math.min(data.limit, shift));
    show();
    settle(view, SETTLE_MS, () => setTriggerValue("settled", view.shift), view.shift);
  }

  const arrow = (key) => ({ ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] })[key];

  function point(row, column) {
    view.at = [row, column];
    const at = row * width + column;
    for (const { cursor } of view.figures.slice(1)) {
      place(cursor, [row / height, column / width, (row + 1) / height, (column + 1) / width]);
    }
    const [is, should] = [view.values[at], view.values[height * width + at]];
    view.readout.textContent = Number.isNaN(should)
      ? `Row ${row}, column ${column}: ${number(is)}; nothing was there to move here`
      : `Row ${row}, column ${column}: it is ${number(is)}, and should be ${number(should)}`;
  }

  function drawMaps() {
    const size = height * width;
    view.values = floats(data.maps.values);
    const [maps, apart] = [bytes(data.maps.entries), bytes(data.difference.entries)];
    paint(view.figures[1].canvas, maps.subarray(0, size), height, width, bytes(data.maps.palette));
    paint(view.figures[2].canvas, maps.subarray(size), height, width, bytes(data.maps.palette));
    paint(view.figures[3].canvas, apart, height, width, bytes(data.difference.palette));
    data.legends.forEach((legend, index) => showLegend(view.legends[index], legend));
    const [row, column] = view.at ?? [height >> 1, width >> 1];
    point(Math.min(row, height - 1), Math.min(column, width - 1));
  }

  view.drawPicture = drawPicture;
  data.titles.forEach((title, index) => {
    view.figures[index].caption.textContent = title;
    const help = ["; the arrow keys shift it", "; the arrow keys read out values", "", ""][index];
    view.figures[index].stage.setAttribute("aria-label", title + help);
  });
  Object.assign(view.slider, { min: -data.limit, max: data.limit });
  view.slider.oninput = () => move(Number(view.slider.value));
  moved.stage.style.touchAction = rowwise ? "pan-x" : "pan-y";
  moved.stage.onpointerdown = (event) => {
    if (event.button) return;
    view.drag = { from: rowwise ? event.clientY : event.clientX, shift: view.shift };
    moved.stage.setPointerCapture(event.pointerId);
  };
  moved.stage.onpointermove = (event) => {
    if (!view.drag) return;
    const rect = moved.canvas.getBoundingClientRect();
    const share = rowwise ? (event.clientY - view.drag.from) / rect.height : (event.clientX - view.drag.from) / rect.width;
    move(view.drag.shift + Math.round(share * (rowwise ? high : wide)));
  };
  moved.stage.onpointerup = moved.stage.onpointercancel = () => { view.drag = null; };
  moved.stage.onkeydown = (event) => {
    const step = arrow(event.key)?.[rowwise ? 0 : 1];
    if (!step) return;
    event.preventDefault();
    move(view.shift + step);
  };
  for (const { stage, canvas } of view.figures.slice(1)) {
    stage.onpointermove = stage.onpointerdown = (event) => point(...under(event, canvas, height, width));
  }
  view.figures[1].stage.onkeydown = (event) => {
    const step = arrow(event.key);
    if (!step) return;
    event.preventDefault();
    const clamp = (value, count) => Math.max(0, Math.min(count - 1, value));
    point(clamp(view.at[0] + step[0], height), clamp(view.at[1] + step[1], width));
  };

  if (accepted(view, data.shift) || view.shift === undefined) view.shift = data.shift;
  if (view.url !== data.url) load();
  if (view.digest !== data.digest) {
    view.digest = data.digest;
    drawMaps();
  }
  show();
}
