// What the components share: numbers from the server, colours, and the way from a map to the picture.

const mounted = new WeakMap();

// The export runs again with every change of data or theme: what was built is found again here.
function once(parentElement, build) {
  if (!mounted.has(parentElement)) mounted.set(parentElement, build());
  return mounted.get(parentElement);
}

function bytes(base64) {
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
}

function floats(base64) {
  return new Float32Array(bytes(base64).buffer);
}

function element(tag, className, parent) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (parent) parent.append(made);
  return made;
}

function number(value) {
  if (value === null || Number.isNaN(value)) return "not a number";
  if (!Number.isFinite(value)) return value > 0 ? "infinity" : "−infinity";
  return Number(value.toPrecision(4)).toString().replace("-", "−");
}

const LARGEST_TYPED = 1e6;
const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

// What somebody typed, as the server reads it: no spaces, a hyphen for minus, a decimal point.
function tidied(text) {
  return text.replace(/\s/g, "").replaceAll("−", "-").replace(",", ".");
}

// A typed number or fraction such as 1/9; null where it is none.
function readNumber(text) {
  const parts = tidied(text).split("/");
  if (parts.length > 2 || !parts.every((part) => DECIMAL.test(part))) return null;
  const value = parts.length === 2 ? Number(parts[0]) / Number(parts[1]) : Number(parts[0]);
  return Math.abs(value) <= LARGEST_TYPED ? value + 0 : null;
}

// A field for a number in a table's cell. Up, down and Enter go to the field above or below; left and right
// stay the text cursor's. `take` gets the number as it is typed, null where it is none.
function numberField(cell, text, label, take) {
  const field = element("input", "", cell);
  Object.assign(field, { type: "text", inputMode: "text", autocomplete: "off", maxLength: 12, value: text });
  field.setAttribute("aria-label", label);
  field.onfocus = () => field.select();
  field.oninput = () => {
    const value = readNumber(field.value);
    field.classList.toggle("wrong", value === null);
    field.setAttribute("aria-invalid", String(value === null));
    take(value, field);
  };
  field.onkeydown = (event) => {
    const step = { ArrowUp: "previousElementSibling", ArrowDown: "nextElementSibling", Enter: "nextElementSibling" }[event.key];
    if (!step) return;
    cell.parentElement[step]?.children[cell.cellIndex]?.querySelector("input")?.focus();
    event.preventDefault();
  };
  return field;
}

// One map drawn in its own resolution, from palette entries; the browser enlarges the canvas.
function paint(canvas, entries, height, width, palette) {
  canvas.width = width;
  canvas.height = height;
  canvas.style.aspectRatio = `${width} / ${height}`;
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, height);
  entries.forEach((entry, at) => image.data.set(palette.subarray(4 * entry, 4 * entry + 4), 4 * at));
  context.putImageData(image, 0, 0);
}

// The row and column of the highest value; of several, the one nearest to the middle.
function strongest(values, height, width) {
  const fromMiddle = (at) =>
    Math.hypot(Math.floor(at / width) - (height - 1) / 2, (at % width) - (width - 1) / 2);
  let best = 0;
  for (let at = 1; at < values.length; at++) {
    const higher = values[at] > values[best] || Number.isNaN(values[best]);
    if (higher || (values[at] === values[best] && fromMiddle(at) < fromMiddle(best))) best = at;
  }
  return [Math.floor(best / width), best % width];
}

// The part of the picture, in shares of its height and width, that a map's position depends on.
function seen(geometry, row, column) {
  const { rows, columns, input, crop } = geometry;
  const [top, bottom] = rows[row] ?? [0, input[0]];
  const [left, right] = columns[column] ?? [0, input[1]];
  const high = crop[2] - crop[0];
  const wide = crop[3] - crop[1];
  return [
    crop[0] + (top / input[0]) * high,
    crop[1] + (left / input[1]) * wide,
    crop[0] + (bottom / input[0]) * high,
    crop[1] + (right / input[1]) * wide,
  ];
}

function place(box, [top, left, bottom, right]) {
  box.style.top = `${100 * top}%`;
  box.style.left = `${100 * left}%`;
  box.style.height = `${100 * (bottom - top)}%`;
  box.style.width = `${100 * (right - left)}%`;
}

// The picture with what the network's crop leaves out dimmed, and a box on it.
function pictureFrame(parent) {
  const frame = element("div", "picture", parent);
  const image = element("img", "", frame);
  const crop = element("div", "crop", frame);
  const box = element("div", "box", frame);
  return {
    frame,
    box,
    show(geometry, picture) {
      box.hidden = !geometry.known;
      if (image.src !== picture.url) image.src = picture.url;
      image.alt = picture.alt;
      frame.style.aspectRatio = `${picture.width} / ${picture.height}`;
      place(crop, geometry.crop);
    },
  };
}

// What was sent last, for a while: the server's answers to earlier choices must not undo a later one.
const ECHO_MS = 4000;

function settle(view, wait, send, value) {
  clearTimeout(view.timer);
  view.sent = { value: JSON.stringify(value), until: performance.now() + wait + ECHO_MS };
  view.timer = setTimeout(send, wait);
}

// Whether the server's value is to be shown: nothing of ours is under way, or this is it.
function accepted(view, value) {
  if (!view.sent || performance.now() > view.sent.until || view.sent.value === JSON.stringify(value)) {
    view.sent = null;
    return true;
  }
  return false;
}

// The map's row and column under the pointer.
function under(event, target, height, width) {
  const rect = target.getBoundingClientRect();
  const clamp = (value, count) => Math.max(0, Math.min(count - 1, Math.floor(value * count)));
  return [
    clamp((event.clientY - rect.top) / rect.height, height),
    clamp((event.clientX - rect.left) / rect.width, width),
  ];
}

// What the colours mean: a bar with its values, and a sentence.
function showLegend(place, legend) {
  place.replaceChildren();
  const bar = element("div", "scale", place);
  bar.style.backgroundImage = legend.image;
  const ticks = element("div", "ticks", place);
  for (const tick of legend.ticks) element("span", "", ticks).textContent = tick;
  const note = element("p", "note", place);
  note.textContent = legend.note;
  for (const special of legend.specials) {
    const swatch = element("span", "swatch", note);
    swatch.style.background = special.color;
    note.append(`${special.name}: ${special.positions} positions`);
  }
}
