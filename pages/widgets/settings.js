// The stepper's controls for numbers, sizes and steps: they change the setting, and the drawing follows at once.

const INPUT_SIDES = [3, 12];
const KERNEL_SIDES = [1, 7];
const MOST_PADDING = 6;
const MOST_STEP = 5;
const LARGEST_SEED = 999999;

const sameNumbers = (rows, others) =>
  rows.length === others.length && rows.every((row, y) => row.length === others[y].length && row.every((text, x) => readNumber(text) === readNumber(others[y][x])));

// A matrix of texts cut, or continued with zeros, to another size.
const resized = (rows, [height, width]) =>
  Array.from({ length: height }, (_, y) => Array.from({ length: width }, (_, x) => rows[y]?.[x] ?? "0"));

// Build the controls that `data.changes` names. `get` gives the setting, `change` takes what of it is new.
// Returns what brings the controls in line with the setting again.
function drawSettings(place, data, get, change) {
  place.replaceChildren();
  const syncs = [];
  const may = (name) => data.changes.includes(name);
  const group = (title) => {
    const set = element("fieldset", "", place);
    element("legend", "", set).textContent = title;
    return set;
  };
  const select = (parent, label, options, value, take) => syncs.push(drawSelect(parent, label, options, value, take));
  const count = (parent, label, [low, high], value, take) => {
    const options = Array.from({ length: high - low + 1 }, (_, i) => [String(low + i), String(low + i)]);
    select(parent, label, options, () => String(value()), (text) => take(Number(text)));
  };
  const preset = (parent, label, presets, name) => {
    const options = [["", "own numbers"], ...presets.map(({ title }, i) => [String(i), title])];
    const found = () => presets.findIndex(({ rows }) => sameNumbers(rows, get()[name]));
    select(parent, label, options, () => (found() < 0 ? "" : String(found())), (text) => {
      if (text) change({ [name]: presets[Number(text)].rows.map((row) => [...row]) });
    });
  };
  const sides = (parent, name, limits) => {
    const size = () => [get()[name].length, get()[name][0].length];
    count(parent, "rows", limits, () => size()[0], (rows) => change({ [name]: resized(get()[name], [rows, size()[1]]) }));
    count(parent, "columns", limits, () => size()[1], (columns) => change({ [name]: resized(get()[name], [size()[0], columns]) }));
  };
  const pair = (parent, label, name, limits, copies = 2) =>
    count(parent, label, limits, () => get()[name][0], (value) => change({ [name]: Array(copies).fill(value) }));
  const kernel = data.mode === "convolution";

  if (may("sizes") || data.inputs.length) {
    const set = group("Input");
    if (data.inputs.length) preset(set, "numbers", data.inputs, "input");
    if (may("sizes")) sides(set, "input", INPUT_SIDES);
  }
  if (kernel && (may("sizes") || data.kernels.length || may("flipped"))) {
    const set = group("Kernel");
    if (data.kernels.length) preset(set, "numbers", data.kernels, "kernel");
    if (may("sizes")) sides(set, "kernel", KERNEL_SIDES);
    if (may("flipped")) syncs.push(drawSwitch(set, "turn it by 180°", () => get().flipped, (flipped) => change({ flipped })));
  }
  if (["window", "stride", "padding", "dilation"].some(may)) {
    const set = group("Window");
    if (may("window")) pair(set, "size", "window", [1, 4]);
    if (may("stride")) pair(set, "stride", "stride", [1, MOST_STEP]);
    if (may("padding")) pair(set, "padding", "padding", [0, MOST_PADDING], 4);
    if (may("dilation")) pair(set, "dilation", "dilation", [1, MOST_STEP]);
  }
  if (may("random")) syncs.push(drawRandom(group("Random numbers"), data.mode, get, change));
  return () => syncs.forEach((sync) => sync());
}

function drawSelect(parent, label, options, value, take) {
  const frame = element("label", "control", parent);
  element("span", "", frame).textContent = label;
  const select = element("select", "", frame);
  for (const [key, title] of options) Object.assign(element("option", "", select), { value: key, textContent: title });
  select.onchange = () => take(select.value);
  return () => { select.value = value(); };
}

function drawSwitch(parent, label, value, take) {
  const frame = element("label", "control switch", parent);
  const box = element("input", "", frame);
  box.type = "checkbox";
  box.setAttribute("role", "switch");
  element("span", "", frame).textContent = label;
  box.onchange = () => take(box.checked);
  return () => { box.checked = value(); };
}

// A seed and a button: the same seed gives the same numbers for everybody, the button goes to the next seed.
function drawRandom(parent, mode, get, change) {
  const frame = element("label", "control", parent);
  element("span", "", frame).textContent = "seed";
  const field = element("input", "seed", frame);
  Object.assign(field, { type: "text", inputMode: "numeric", autocomplete: "off", maxLength: 6 });
  const button = element("button", "", parent);
  Object.assign(button, { type: "button", textContent: "Draw new numbers" });
  const draw = (seed) => {
    const random = randomNumbers(seed);
    const fill = (rows, low, high) => rows.map((row) => row.map(() => String(random(low, high))));
    const low = mode === "convolution" ? 0 : -9;
    change({ input: fill(get().input, low, 9), kernel: fill(get().kernel, -2, 2), seed });
  };
  field.onchange = () => {
    if (/^\d{1,6}$/.test(field.value.trim())) draw(Number(field.value.trim()));
    else field.value = get().seed ?? "";
  };
  button.onclick = () => draw(((get().seed ?? 0) % LARGEST_SEED) + 1);
  return () => { field.value = get().seed ?? ""; };
}
