// A window that slides over a matrix step by step, with the computation at every position written out.

const STEP_MS = { slow: 2200, medium: 1100, fast: 400 };
const SETTLE_MS = 700;
const ANNOUNCE_MS = 300;
const SIGNS = { convolution: ["=", "is"], max: ["max →", "the largest of each window is"], average: ["mean →", "the mean of each window is"], relu: ["ReLU →", "after ReLU is"] };
const MOST_BESIDE = 11; // columns of all tables together, to leave room for the computation
const BEGUN = /^[-+−]?[\d.,]*\/?[\d.,]*$/; // what may still become a number
const KINDS = { false: "Cross-correlation", true: "True convolution" };

export default function ({ data, parentElement, setTriggerValue }) {
  const view = once(parentElement, () => scaffold(parentElement.querySelector(".root")));
  view.report = (setting) => setTriggerValue("settled", setting);
  const { setting, ...rest } = data;
  const [given, frame] = [JSON.stringify(setting), JSON.stringify(rest)];
  // Only news count: the server repeats what it knows whenever the page runs, also while the window moves on.
  const other = given !== view.given && accepted(view, setting) && given !== JSON.stringify(view.setting);
  view.given = given;
  if (!other && frame === view.frame) return;
  if (other) {
    pause(view);
    view.setting = structuredClone(setting);
    view.visited = null;
  }
  view.data = data;
  if (frame !== view.frame) view.sync = drawSettings(view.settings, data, () => view.setting, (part) => change(view, part));
  view.frame = frame;
  if (data.both) view.root.prepend(view.settings); // the switch is what this is about
  view.root.setAttribute("aria-label", data.label);
  restage(view);
}

function scaffold(root) {
  root.setAttribute("role", "group");
  const view = { root, timer: 0, at: 0, playing: 0 };
  view.walker = element("div", "walker", root);
  // The buttons come first: they stay where they are when the tables grow, and a keyboard meets them before the fields.
  view.transport = element("div", "transport", view.walker);
  view.stage = element("div", "stage", view.walker);
  view.computation = element("div", "computation", view.walker);
  view.problem = element("p", "problem", root);
  view.problem.setAttribute("role", "status");
  view.settings = element("div", "settings", root);
  view.live = element("p", "spoken", root);
  view.live.setAttribute("aria-live", "polite");
  drawTransport(view);
  root.onkeydown = (event) => pressed(view, event);
  return view;
}

function drawTransport(view) {
  const { transport } = view;
  transport.setAttribute("role", "toolbar");
  transport.setAttribute("aria-label", "Steps");
  const button = (text, label, act) => {
    const made = element("button", "", transport);
    Object.assign(made, { type: "button", textContent: text, onclick: act });
    made.setAttribute("aria-label", label);
    return made;
  };
  view.reset = button("⟲ Reset", "Reset", () => reset(view));
  view.back = button("◂ Back", "Back", () => step(view, -1));
  view.next = button("Step ▸", "Step", () => step(view, 1));
  view.next.classList.add("main");
  view.play = button("▶ Play", "Play", () => (view.playing ? pause(view, true) : play(view)));
  const speed = drawSelect(transport, "Speed", Object.keys(STEP_MS).map((name) => [name, name]), () => "medium", (name) => { view.speed = name; });
  speed();
  view.speed = "medium";
  view.where = element("span", "where", transport);
}

// Draw everything anew: after another size, preset or link. What is typed into a field only refreshes.
function restage(view) {
  const { data, setting, stage } = view;
  const focused = view.root.getRootNode().activeElement?.getAttribute("aria-label");
  view.walk = walkthrough(data.mode, setting);
  // The computation has room beside the tables only where these are small; whether it has must not change on the way.
  view.walker.classList.toggle("beside", columnsOf(view) <= MOST_BESIDE);
  stage.replaceChildren();
  drawGiven(view);
  drawOutputs(view);
  view.window = view.walk.problem ? null : drawWindow(view.input, view.walk, weightsOf(view));
  view.sync();
  refresh(view);
  if (focused) [...stage.querySelectorAll("input, button")].find((each) => each.getAttribute("aria-label") === focused)?.focus();
}

// Columns of all tables together.
function columnsOf({ data, setting, walk }) {
  const kernels = data.mode === "convolution" ? 1 + setting.flipped : 0;
  return walk.padded[1] + kernels * walk.taps[1] + (1 + data.both) * walk.output[1];
}

// The weights as they are typed, as they are laid on.
function weightsOf({ data, setting }) {
  if (data.mode !== "convolution") return null;
  return setting.flipped ? turned(setting.kernel) : setting.kernel;
}

function drawGiven(view) {
  const { data, setting, stage, walk } = view;
  const around = Math.max(...walk.padding) ? " with padding" : "";
  view.input = matrixOf(view, stage, "input", `Input ${by(walk.size)}${around}`, walk.padding);
  if (data.mode !== "convolution") return;
  view.kernel = matrixOf(view, after(stage, "∗", "convolved with"), "kernel", `Kernel ${by(walk.taps)}`);
  if (!setting.flipped) return;
  view.turned = drawMatrix(after(stage, "↻", "which is turned by 180 degrees:"), { title: "turned by 180°", kind: "kernel", size: walk.taps, letters: longest(setting.kernel), make: (cell) => plainCell(cell, "") });
}

const longest = (rows) => Math.max(...rows.flat().map((text) => text.length));

// Input or kernel: fields where they may be changed, else plain numbers.
function matrixOf(view, place, name, title, padding) {
  const rows = view.setting[name];
  const titled = name === "input" ? "Input" : "Kernel";
  const label = (row, column) => `${titled}, row ${row}, column ${column}`;
  const make = (cell, row, column) => {
    const shown = rows[row][column].replace("-", "−");
    if (!view.data.changes.includes(name)) return plainCell(cell, shown);
    const field = numberField(cell, shown, label(row, column), (value) => typed(view, name, row, column, value, field));
    field.onblur = () => restored(view, name, row, column, field);
    return field;
  };
  const size = [rows.length, rows[0].length];
  return drawMatrix(place, { title, kind: name, size, padding, letters: longest(rows), make });
}

function drawOutputs(view) {
  const { data, setting, stage, walk } = view;
  const place = after(stage, ...SIGNS[data.mode]);
  view.other = null;
  if (walk.problem) {
    view.output = null;
    element("div", "impossible", place).textContent = "no output";
    return;
  }
  const size = walk.output;
  if (!view.visited || view.visited.length !== size[0] * size[1]) startOver(view);
  const plain = () => drawMatrix(place, { title: KINDS[!setting.flipped], kind: "output other", size, make: (cell) => plainCell(cell, "") });
  if (data.both && setting.flipped) view.other = plain();
  const title = data.both ? KINDS[setting.flipped] : `Output ${by(size)}`;
  view.output = drawMatrix(place, { title, kind: "output", size, make: (cell, row, column) => outputCell(view, cell, row * size[1] + column) });
  if (data.both && !setting.flipped) view.other = plain();
}

function outputCell(view, cell, index) {
  const button = element("button", "cell", cell);
  button.type = "button";
  cell.onpointerenter = (event) => {
    if (event.pointerType === "mouse" && !view.playing) moveTo(view, index, { silent: true });
  };
  button.onclick = () => {
    pause(view);
    moveTo(view, index);
  };
}

// A number was typed: everything that depends on it follows, the fields stay as they are.
function typed(view, name, row, column, value, field) {
  if (value === null) {
    if (!BEGUN.test(field.value)) view.problem.textContent = `“${field.value}” is not a number. Type one like 3, −1.5 or 1/16, at most a million.`;
    return;
  }
  view.setting[name][row][column] = tidied(field.value);
  view.walk = walkthrough(view.data.mode, view.setting);
  view[name].figure.style.setProperty("--letters", longest(view.setting[name]));
  if (view.window && name === "kernel") view.window = drawWindow(view.input, view.walk, weightsOf(view));
  view.sync();
  refresh(view);
  aloud(view);
  told(view);
}

// A field left with something else than a number gets its last number back.
function restored(view, name, row, column, field) {
  if (readNumber(field.value) !== null) return;
  const given = field.value.trim() ? `“${field.value.trim()}” is not a number` : "An empty cell is no number";
  field.value = view.setting[name][row][column].replace("-", "−");
  field.classList.remove("wrong");
  field.setAttribute("aria-invalid", "false");
  view.problem.textContent = `${given}, so ${field.value} stays.`;
}

function change(view, part) {
  pause(view);
  Object.assign(view.setting, part);
  restage(view);
  aloud(view);
  told(view);
}

// What the change made of the position at hand; why nothing comes of it, the problem says itself.
function aloud(view) {
  if (!view.walk.problem) announce(view, sentence(view.walk, positionAt(view.walk, ...view.setting.at)));
}

// Numbers that did not change the drawing's shape: outputs, colours, the computation.
function refresh(view) {
  const { walk, setting } = view;
  for (const name of ["input", "kernel"]) {
    if (!view[name] || !walk[name].length) continue;
    const most = Math.max(...walk[name].flat().map(Math.abs));
    walk[name].forEach((row, y) => row.forEach((value, x) => tint(view[name].at(y, x), value, most)));
  }
  if (setting.flipped && view.turned) turned(setting.kernel).forEach((row, y) => row.forEach((text, x) => { view.turned.at(y, x).firstChild.textContent = text.replace("-", "−"); }));
  view.problem.textContent = walk.problem;
  view.transport.hidden = view.computation.hidden = Boolean(walk.problem);
  if (walk.problem) return;
  view.results = resultsOf(walk);
  if (view.other) fillOther(view);
  moveTo(view, view.at, { silent: true, untold: true });
}

function resultsOf(walk) {
  const [rows, columns] = walk.output;
  return Array.from({ length: rows * columns }, (_, index) => positionAt(walk, Math.floor(index / columns), index % columns).result);
}

function fillOther(view) {
  const other = walkthrough(view.data.mode, { ...view.setting, flipped: !view.setting.flipped });
  const results = resultsOf(other);
  const columns = other.output[1];
  view.other.figure.style.setProperty("--letters", Math.max(...results.map((value) => written(value).length)));
  const most = Math.max(...results.map(Math.abs));
  results.forEach((value, index) => {
    const cell = view.other.at(Math.floor(index / columns), index % columns);
    cell.firstChild.textContent = written(value);
    tint(cell, value, most);
  });
}

// Which cells of the output are filled from the start: all, or those up to the link's position.
function startOver(view, index = null) {
  const [rows, columns] = view.walk.output;
  const { at } = view.setting;
  const inside = at[0] < rows && at[1] < columns;
  view.at = index ?? (inside ? at[0] * columns + at[1] : 0);
  view.visited = Array.from({ length: rows * columns }, (_, each) => view.data.filled || each <= view.at);
}

function moveTo(view, index, { silent = false, untold = false } = {}) {
  const columns = view.walk.output[1];
  view.at = index;
  view.visited[index] = true;
  const position = positionAt(view.walk, Math.floor(index / columns), index % columns);
  showOutputs(view);
  showWindow(view, position);
  showComputation(view.computation, view.walk, position);
  view.where.textContent = `Position ${index + 1} of ${view.visited.length}`;
  view.back.setAttribute("aria-disabled", String(index === 0));
  view.next.setAttribute("aria-disabled", String(index === view.visited.length - 1));
  if (!silent) announce(view, sentence(view.walk, position));
  view.setting.at = [position.row, position.column];
  if (!untold && !view.playing) told(view);
}

function showOutputs(view) {
  const columns = view.walk.output[1];
  const most = Math.max(...view.results.map(Math.abs));
  const letters = Math.max(...view.results.map((value) => written(value).length));
  view.output.figure.style.setProperty("--letters", letters);
  view.results.forEach((value, index) => {
    const [row, column] = [Math.floor(index / columns), index % columns];
    const cell = view.output.at(row, column);
    const button = cell.firstChild;
    const known = view.visited[index];
    button.textContent = known ? written(value) : "";
    button.setAttribute("aria-label", `Output, row ${row}, column ${column}: ${known ? spoken(value) : "not computed yet"}`);
    button.tabIndex = index === view.at ? 0 : -1;
    cell.classList.toggle("now", index === view.at);
    cell.classList.toggle("known", known);
    tint(cell, known ? value : 0, most);
  });
}

function showWindow(view, position) {
  view.root.querySelectorAll(".under, .winner").forEach((cell) => cell.classList.remove("under", "winner"));
  for (const term of position.terms) view.input.at(term.row, term.column).classList.add("under");
  if (position.winner) view.input.at(position.winner.row, position.winner.column).classList.add("winner");
  const { row, column } = position.terms[0];
  slideTo(view.input, view.window, row, column);
}

function step(view, by) {
  pause(view);
  const next = view.at + by;
  if (next >= 0 && next < view.visited.length) moveTo(view, next);
}

function reset(view) {
  pause(view);
  startOver(view, 0);
  moveTo(view, 0);
}

// One step at a time until the last; only the end, or a pause, is announced.
function play(view) {
  if (view.at === view.visited.length - 1) startOver(view, 0);
  const go = () => {
    if (!view.root.isConnected) return pause(view);
    if (view.at === view.visited.length - 1) return pause(view, true);
    moveTo(view, view.at + 1, { silent: true });
    view.playing = setTimeout(go, STEP_MS[view.speed]);
  };
  view.playing = setTimeout(go, view.at ? STEP_MS[view.speed] / 2 : STEP_MS[view.speed]);
  moveTo(view, view.at, { silent: true });
  label(view.play, "❚❚ Pause", "Pause");
}

function pause(view, aloud = false) {
  if (!view.playing) return;
  clearTimeout(view.playing);
  view.playing = 0;
  label(view.play, "▶ Play", "Play");
  moveTo(view, view.at, { silent: !aloud });
}

function label(button, text, words) {
  button.textContent = text;
  button.setAttribute("aria-label", words);
}

function pressed(view, event) {
  if (event.target.matches("input, select") || event.altKey || event.ctrlKey || event.metaKey || view.walk.problem) return;
  const [rows, columns] = view.walk.output;
  const last = rows * columns - 1;
  const { at } = view;
  const to = { ArrowRight: at + 1, ArrowLeft: at - 1, ArrowDown: at + columns, ArrowUp: at - columns, Home: 0, End: last }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  if (to < 0 || to > last) return;
  pause(view);
  moveTo(view, to);
  if (event.target.closest(".output")) view.output.at(Math.floor(to / columns), to % columns).firstChild.focus();
}

function announce(view, words) {
  clearTimeout(view.voice);
  view.voice = setTimeout(() => { view.live.textContent = words; }, ANNOUNCE_MS);
}

// The server is told once, when what was chosen has settled.
function told(view) {
  if (!view.data.reports) return;
  const setting = structuredClone(view.setting);
  settle(view, SETTLE_MS, () => view.report(setting), setting);
}
