// A list of names, searched as one types: every word anywhere, the nearest names first.

const SHOWN = 60;
const SEPARATORS = /[^a-z0-9]+/g;

// The model's name alone, without its library and its weights.
function modelOf(name) {
  return name.toLowerCase().split("/").at(-1).split(".")[0].replace(SEPARATORS, "");
}

// As `Searchable` on the server: what begins with all that was typed, what has it in one piece, what begins
// with the first word; among equals shorter models before longer ones.
function search(entries, query) {
  const words = query.toLowerCase().split(/\s+/).map((word) => word.replace(SEPARATORS, "")).filter(Boolean);
  if (!words.length) return entries.filter((each) => each.marked).concat(entries.filter((each) => !each.marked));
  const typed = words.join("");
  const ranks = ({ model, plain }) =>
    [!model.startsWith(typed), !plain.includes(typed), !model.startsWith(words[0]), model.length].map(Number);
  const nearer = (one, other) => {
    const at = one.ranks.findIndex((rank, each) => rank !== other.ranks[each]);
    return at < 0 ? 0 : one.ranks[at] - other.ranks[at];
  };
  return entries
    .filter((each) => words.every((word) => each.plain.includes(word)))
    .map((each) => ({ each, ranks: ranks(each) }))
    .sort(nearer)
    .map(({ each }) => each);
}

function build(parentElement) {
  const root = parentElement.querySelector(".root");
  const label = element("label", "asked", root);
  const field = element("input", "", label);
  Object.assign(field, { type: "search", autocomplete: "off", spellcheck: false, maxLength: 80 });
  field.setAttribute("role", "combobox");
  field.setAttribute("aria-expanded", "true");
  field.setAttribute("aria-autocomplete", "list");
  field.setAttribute("aria-controls", "names");
  label.prepend(element("span", "", null));
  const count = element("p", "note", root);
  count.setAttribute("aria-live", "polite");
  const list = element("ul", "", root);
  list.id = "names";
  list.setAttribute("role", "listbox");
  return { field, label: label.firstChild, count, list, entries: [], found: [], at: -1, rows: null };
}

function option(view, entry, at, data) {
  const row = element("li", "", null);
  row.id = `name-${at}`;
  row.setAttribute("role", "option");
  row.setAttribute("aria-selected", String(entry.name === data.selected));
  const cut = entry.name.lastIndexOf("/") + 1;
  const name = element("span", "name", row);
  if (cut) element("span", "library", name).textContent = entry.name.slice(0, cut);
  name.append(entry.name.slice(cut));
  if (entry.marked) element("span", "mark", row).textContent = data.mark;
  row.onclick = () => view.pick(at);
  return row;
}

function draw(view, data) {
  view.found = search(view.entries, view.field.value);
  view.at = -1;
  const total = view.found.length;
  const rows = view.found.slice(0, SHOWN).map((entry, at) => option(view, entry, at, data));
  view.list.replaceChildren(...rows);
  view.list.scrollTop = 0;
  view.field.removeAttribute("aria-activedescendant");
  const here = data.mark ? `, ${view.found.filter((entry) => entry.marked).length} ${data.mark}` : "";
  const more = total > SHOWN ? `; the first ${SHOWN} are shown, another word finds fewer` : "";
  const all = `${view.entries.length.toLocaleString("en")} ${data.kind}`;
  view.count.textContent = total
    ? `${total < view.entries.length ? `${total.toLocaleString("en")} of ` : ""}${all}${here}${more}.`
    : `None of the ${all} has all of these words.`;
}

function point(view, at) {
  const rows = [...view.list.children];
  if (!rows.length) return;
  view.at = Math.max(0, Math.min(rows.length - 1, at));
  rows.forEach((row, each) => row.classList.toggle("pointed", each === view.at));
  rows[view.at].scrollIntoView({ block: "nearest" });
  view.field.setAttribute("aria-activedescendant", rows[view.at].id);
}

export default function ({ data, parentElement, setTriggerValue }) {
  const view = once(parentElement, () => build(parentElement));
  view.label.textContent = data.label;
  view.list.setAttribute("aria-label", data.kind);
  view.pick = (at) => {
    point(view, at);
    for (const [each, row] of [...view.list.children].entries()) row.setAttribute("aria-selected", String(each === at));
    setTriggerValue("pick", view.found[at].name);
  };
  view.field.oninput = () => draw(view, data);
  view.field.onkeydown = (event) => {
    const steps = { ArrowDown: view.at + 1, ArrowUp: view.at - 1, PageDown: view.at + 6, PageUp: view.at - 6 };
    if (event.key in steps) point(view, steps[event.key]);
    else if (event.key === "Enter" && view.found.length) view.pick(Math.max(0, view.at));
    else return;
    event.preventDefault();
  };
  const rows = JSON.stringify([data.rows, data.selected]);
  if (view.rows === rows) return;
  const first = view.rows === null;
  view.rows = rows;
  view.entries = data.rows.map(([name, marked]) => ({
    name,
    marked: Boolean(marked),
    plain: name.toLowerCase().replace(SEPARATORS, ""),
    model: modelOf(name),
  }));
  const scrolled = view.list.scrollTop;
  draw(view, data);
  if (!first) view.list.scrollTop = scrolled;
}
