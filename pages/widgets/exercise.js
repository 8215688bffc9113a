// An exercise: input and kernel to read, an output with open cells to fill in. The server judges the answers;
// the window over the input can be shown for the cell that is being worked on.

export default function ({ data, parentElement, setTriggerValue }) {
  const view = once(parentElement, () => layOut(parentElement.querySelector(".root")));
  view.send = (answers) => setTriggerValue("answers", answers);
  const other = view.id !== data.id;
  view.id = data.id;
  if (other) build(view, data);
  if (other || view.checks !== data.checks) judge(view, data);
  view.checks = data.checks;
}

function layOut(root) {
  root.setAttribute("role", "group");
  const view = { root };
  view.stage = element("div", "stage", root);
  const bar = element("div", "transport", root);
  view.check = element("button", "main", bar);
  Object.assign(view.check, { type: "button", textContent: "Check my answers", onclick: () => check(view) });
  view.switch = drawSwitch(bar, "show the window", () => view.shown, (shown) => { view.shown = shown; point(view, view.last); });
  view.told = element("p", "told", root);
  view.told.setAttribute("role", "status");
  view.verdicts = element("ul", "verdicts", root);
  return view;
}

function build(view, data) {
  const { stage } = view;
  stage.replaceChildren();
  view.root.setAttribute("aria-label", data.label);
  view.walk = walkthrough("convolution", data.setting);
  view.fields = new Map();
  view.shown = data.window;
  view.switch();
  const { size, taps, output, padding } = view.walk;
  view.input = plainMatrix(stage, "input", `Input ${by(size)}${Math.max(...padding) ? " with padding" : ""}`, data.setting.input, padding);
  plainMatrix(after(stage, "∗", "convolved with"), "kernel", `Kernel ${by(taps)}`, data.setting.kernel);
  const texts = data.known.flat().filter((value) => value !== null).map(written);
  const letters = Math.max(3, ...texts.map((text) => text.length));
  view.output = drawMatrix(after(stage, "=", "is"), { title: `Output ${by(output)}`, kind: "output", size: output, letters, make: (cell, row, column) => answerCell(view, cell, row, column, data.known[row][column]) });
  // Who is shown where the window lies is shown its weights too; at the higher levels both are the task.
  view.window = drawWindow(view.input, view.walk, data.window ? data.setting.kernel : null);
  tell(view, "", []);
  view.last = data.asked[0];
  point(view, view.last);
}

function plainMatrix(place, kind, title, rows, padding) {
  const texts = rows.flat();
  const most = Math.max(...texts.map((text) => Math.abs(readNumber(text))));
  const make = (cell, row, column) => {
    plainCell(cell, rows[row][column].replace("-", "−"));
    tint(cell, readNumber(rows[row][column]), most);
  };
  const letters = Math.max(...texts.map((text) => text.length));
  return drawMatrix(place, { title, kind, size: [rows.length, rows[0].length], padding, letters, make });
}

function answerCell(view, cell, row, column, known) {
  cell.onpointerenter = () => point(view, [row, column]);
  if (known !== null) {
    plainCell(cell, written(known));
    cell.classList.add("known");
    return;
  }
  cell.classList.add("open");
  const field = numberField(cell, "", `Your answer, row ${row}, column ${column}`, () => unmark(cell, field));
  const focused = field.onfocus;
  field.onfocus = () => { focused(); point(view, [row, column]); };
  field.onkeydown = (event) => pressed(view, event, field);
  view.fields.set(`${row},${column}`, { field, cell, row, column });
}

// Enter checks; up and down go to the open cell before or after.
function pressed(view, event, field) {
  if (event.key === "Enter") check(view);
  const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
  if (!step) return;
  event.preventDefault();
  const fields = [...view.fields.values()].map((each) => each.field);
  fields[fields.indexOf(field) + step]?.focus();
}

function point(view, [row, column]) {
  view.last = [row, column];
  view.window.hidden = !view.shown;
  view.root.querySelectorAll(".now").forEach((cell) => cell.classList.remove("now"));
  view.output.at(row, column).classList.add("now");
  const { stride, padding } = view.walk;
  if (view.shown) slideTo(view.input, view.window, row * stride[0] - padding[0], column * stride[1] - padding[2]);
}

function unmark(cell, field) {
  cell.classList.remove("right", "not-yet");
  if (field.value.trim() === "") field.classList.remove("wrong");
  field.removeAttribute("aria-describedby");
}

function check(view) {
  const given = [...view.fields.values()].filter(({ field }) => field.value.trim() !== "");
  const unread = given.filter(({ field }) => readNumber(field.value) === null);
  if (unread.length) {
    tell(view, `“${unread[0].field.value}” is not a number. Type one like 3, −1.5 or 1/4.`, []);
    unread[0].field.focus();
  } else if (!given.length) {
    tell(view, "Fill in an open cell first; one is enough.", []);
    view.fields.values().next().value.field.focus();
  } else {
    tell(view, "Checking …", []);
    view.send({ id: view.id, cells: given.map(({ row, column, field }) => [row, column, tidied(field.value)]) });
  }
}

function tell(view, words, verdicts) {
  view.told.textContent = words;
  view.verdicts.replaceChildren();
  for (const { row, column, sentence } of verdicts) {
    Object.assign(element("li", "", view.verdicts), { textContent: sentence, id: `said-${row}-${column}` });
    view.fields.get(`${row},${column}`).field.setAttribute("aria-describedby", `said-${row}-${column}`);
  }
}

// What the server says: a mark at every cell, and words for those that are not right yet.
function judge(view, data) {
  const wrong = data.verdicts.filter((verdict) => !verdict.right);
  for (const { row, column, right, answer } of data.verdicts) {
    const { field, cell } = view.fields.get(`${row},${column}`);
    if (field.value.trim() === "") field.value = written(answer);
    if (Math.abs(readNumber(field.value) - answer) > 1e-6) continue;
    cell.classList.toggle("right", right);
    cell.classList.toggle("not-yet", !right);
    field.setAttribute("aria-invalid", String(!right));
  }
  tell(view, data.summary, wrong);
  view.told.classList.toggle("solved", data.solved);
  const first = wrong[0];
  if (first) point(view, [first.row, first.column]);
}
