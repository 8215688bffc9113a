// A picture before and after a kernel: a line between the two to drag, and at any position the pixels under the
// kernel, the weights over them, and their sum.

const SETTLE_MS = 600;
const WRITTEN_TERMS = 9;

export default function ({ data, parentElement, setTriggerValue }) {
  const view = once(parentElement, () => buildFilter(parentElement.querySelector(".root")));
  const [channels, height, width] = data.size;
  const plane = height * width;
  const [down, across] = [data.kernel.length, data.kernel[0].length];
  const [above, before] = [(down - 1) >> 1, (across - 1) >> 1]; // an even kernel begins half a step early
  const whole = (value) => (Number(value.toFixed(3)) + 0).toString().replace("-", "−"); // in grey levels
  const bracketed = (text) => (/[-−/]/.test(text) ? `(${text.replaceAll("-", "−")})` : text);
  const clamp = (value, most) => Math.max(0, Math.min(most, value));

  // The pixel under a tap; beyond the edge the last one again, or nothing.
  function pixel(channel, row, column) {
    const [y, x] = [clamp(row, height - 1), clamp(column, width - 1)];
    const beyond = y !== row || x !== column;
    return beyond && data.edge === "zeros" ? 0 : view.before[channel * plane + y * width + x];
  }

  const patch = (channel) =>
    data.kernel.map((line, i) => line.map((_, j) => pixel(channel, view.at[0] + i - above, view.at[1] + j - before)));

  const summed = (rows) => rows.map((row, i) => row.reduce((sum, value, j) => sum + value * data.kernel[i][j], 0));

  function written(rows) {
    if (down * across <= WRITTEN_TERMS) {
      return rows.flatMap((row, i) => row.map((value, j) => `${value}·${bracketed(data.texts[i][j])}`)).join(" + ");
    }
    if (down <= MOST_NUMBERS) return `row by row ${summed(rows).map((sum) => bracketed(whole(sum))).join(" + ")}`;
    return `${down * across} products added up`;
  }

  function told(channel) {
    const at = channel * plane + view.at[0] * width + view.at[1];
    return `${data.channels[channel]} ${whole(view.values[at])}`;
  }

  function read() {
    const [row, column] = view.at;
    const rows = patch(view.channel);
    const sum = summed(rows).reduce((total, value) => total + value, 0);
    const at = view.channel * plane + row * width + column;
    place(view.box, [(row - above) / height, (column - before) / width, (row - above + down) / height, (column - before + across) / width]);
    view.equation.replaceChildren();
    const dashed = (i, j) => row + i - above !== clamp(row + i - above, height - 1) || column + j - before !== clamp(column + j - before, width - 1);
    const [first, second, third] = [0, 1, 2].map((channel) => (channels === 1 || channel === view.channel ? 1 : 0));
    const paper = (i, j) => {
      const value = rows[i][j];
      return [`rgb(${value * first} ${value * second} ${value * third})`, value * (0.3 * first + 0.59 * second + 0.11 * third) > 118 ? "#111" : "#fff"];
    };
    drawGrid(view.equation, { title: `Patch, ${data.channels[view.channel]}`, kind: "input", rows, texts: rows.map((line) => line.map(String)), colour: paper, dashed });
    operator(view.equation, "×", "times, cell by cell");
    drawGrid(view.equation, { title: "Kernel", kind: "kernel", rows: data.kernel, texts: data.texts });
    operator(view.equation, "→", "added up");
    drawGrid(view.equation, { title: "Sum", kind: "output", rows: [[sum]], texts: [[whole(sum)]], colour: () => ["transparent", ""] });
    const others = channels > 1 ? ` All three: ${data.channels.map((_, each) => told(each)).join(", ")}.` : "";
    view.readout.textContent = `Row ${row}, column ${column}, ${data.channels[view.channel]}: ${written(rows)} = ${whole(sum)}. ` +
      `conv2d gave ${whole(view.values[at])}; it is shown as ${view.after[at]} of 255.${others}`;
  }

  function split(value) {
    view.split = clamp(Math.round(value), 100);
    view.front.style.clipPath = `inset(0 0 0 ${view.split}%)`;
    view.handle.style.left = `${view.split}%`;
    view.handle.setAttribute("aria-valuenow", String(view.split));
    view.handle.setAttribute("aria-valuetext", `${view.split} % before, ${100 - view.split} % after`);
  }

  function point(row, column) {
    view.at = [clamp(row, height - 1), clamp(column, width - 1)];
    read();
  }

  const now = () => [view.split, ...view.at, view.channel];
  const chosen = () => settle(view, SETTLE_MS, () => setTriggerValue("view", now()), now());

  function draw(canvas, values) {
    canvas.width = width;
    canvas.height = height;
    const context = canvas.getContext("2d");
    const image = context.createImageData(width, height);
    for (let at = 0; at < plane; at++) {
      for (let channel = 0; channel < 3; channel++) image.data[4 * at + channel] = values[(channels === 1 ? 0 : channel * plane) + at];
      image.data[4 * at + 3] = 255;
    }
    context.putImageData(image, 0, 0);
  }

  if (view.digest !== data.digest) {
    view.digest = data.digest;
    [view.before, view.after, view.values] = [bytes(data.before), bytes(data.after), floats(data.values)];
    draw(view.back, view.before);
    draw(view.front, view.after);
    view.stage.parentElement.style.setProperty("--ratio", width / height);
    view.stage.classList.toggle("coarse", Math.max(width, height) < 96);
    drawChannels(view, data.channels, (channel) => { view.channel = channel; read(); chosen(); });
    view.fresh = true;
  }
  if (accepted(view, data.view)) {
    const [share, row, column, channel] = data.view;
    split(share);
    view.at = [row, column];
    view.channel = channel;
    view.fresh = true;
  }
  view.channel = Math.min(view.channel, channels - 1);
  view.stage.setAttribute("aria-label", `${data.label}; the arrow keys move the kernel over it`);
  view.handle.setAttribute("aria-label", "Line between before and after");
  [view.left.textContent, view.right.textContent] = data.titles;
  view.note.textContent = data.note;
  if (view.fresh) point(...view.at);
  view.fresh = false;
  markChannel(view);

  view.stage.onpointermove = (event) => { if (!view.dragging) point(...under(event, view.back, height, width)); };
  view.stage.onpointerdown = (event) => { point(...under(event, view.back, height, width)); chosen(); };
  view.stage.onkeydown = (event) => {
    const [y, x] = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key] ?? [0, 0];
    if (!y && !x) return;
    event.preventDefault();
    const far = event.shiftKey ? 10 : 1;
    point(view.at[0] + far * y, view.at[1] + far * x);
    chosen();
  };
  view.handle.onkeydown = (event) => {
    const step = { ArrowLeft: -2, ArrowDown: -2, ArrowRight: 2, ArrowUp: 2, PageDown: -10, PageUp: 10, Home: -100, End: 100 }[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    split(view.split + step);
    chosen();
  };
  view.handle.onpointerdown = (event) => {
    event.stopPropagation();
    view.dragging = true;
    view.handle.setPointerCapture(event.pointerId);
  };
  view.handle.onpointermove = (event) => {
    if (!view.dragging) return;
    const rect = view.stage.getBoundingClientRect();
    split((100 * (event.clientX - rect.left)) / rect.width);
  };
  view.handle.onpointerup = view.handle.onpointercancel = () => {
    if (view.dragging) chosen();
    view.dragging = false;
  };
}

function buildFilter(root) {
  const frame = element("div", "sides", root);
  const left = element("div", "", frame);
  const titles = element("div", "titles", left);
  const picture = element("div", "stageframe", left);
  const stage = element("div", "stage", picture);
  stage.tabIndex = 0;
  stage.setAttribute("role", "application");
  const back = element("canvas", "", stage);
  const front = element("canvas", "front", stage);
  const box = element("div", "box", stage);
  const handle = element("div", "handle", picture);
  element("span", "knob", handle).textContent = "⇔";
  handle.tabIndex = 0;
  for (const [name, value] of [["role", "slider"], ["aria-valuemin", "0"], ["aria-valuemax", "100"], ["aria-orientation", "horizontal"]]) handle.setAttribute(name, value);
  const note = element("p", "note", left);
  const panel = element("div", "panel", frame);
  const picker = element("div", "picker", panel);
  picker.setAttribute("role", "group");
  picker.setAttribute("aria-label", "Colour that is read");
  const equation = element("div", "equation", panel);
  const readout = element("p", "readout", panel);
  readout.setAttribute("aria-live", "polite");
  return {
    stage, back, front, box, handle, picker, equation, readout, note,
    left: element("span", "", titles), right: element("span", "", titles),
    digest: null, at: [0, 0], channel: 0, split: 50, dragging: false,
  };
}

function drawChannels(view, names, pick) {
  view.picker.replaceChildren();
  view.picker.hidden = names.length < 2;
  names.forEach((name, channel) => {
    const button = element("button", name, view.picker);
    button.type = "button";
    button.textContent = name;
    button.onclick = () => { pick(channel); markChannel(view); };
  });
}

function markChannel(view) {
  [...view.picker.children].forEach((button, channel) => button.setAttribute("aria-pressed", String(channel === view.channel)));
}
