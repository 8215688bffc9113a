// The whole gallery to wander: a row for each depth, then the classes. Filters act at once and the server hears of
// them when they settle; a click or Enter chooses a picture; arrows go through a row and to the rows beside it.

const SETTLE_MS = 400;
const MOST_OFFERED = 24;
const NEAR = "500px";

export default function ({ data, parentElement, setTriggerValue }) {
  const view = once(parentElement, () => {
    const root = element("div", "atlas", parentElement.querySelector(".root"));
    const bar = element("div", "bar", root);
    const stages = element("div", "stages", bar);
    stages.setAttribute("role", "group");
    stages.setAttribute("aria-label", "Part of the network");
    const layers = element("select", "", bar);
    layers.setAttribute("aria-label", "One layer");
    const find = element("input", "", bar);
    Object.assign(find, { type: "search", placeholder: "Find a class, or a channel's number", maxLength: 40 });
    find.setAttribute("aria-label", "Find a class by its name, or a channel by its number");
    const told = element("p", "told", root);
    told.setAttribute("role", "status");
    const rows = element("div", "rows", root);
    const offered = element("div", "offered", root);
    const made = { stages, layers, find, told, rows, offered, loupe: loupe(parentElement), shown: "", digest: null, buttons: [] };
    // A sheet is fetched when one of its pictures comes near to the screen.
    made.near = new IntersectionObserver((entries) => {
      for (const { isIntersecting, target } of entries) {
        if (!isIntersecting) continue;
        made.near.unobserve(target);
        cut(target, target.piece);
      }
    }, { rootMargin: NEAR });
    return made;
  });

  const PARTS = [["", "Everything"], ...data.stages.map((title) => [title, title[0].toUpperCase() + title.slice(1)])];
  if (data.rows.some((row) => row.layer === null)) PARTS.push(["classes", "Classes"]);

  function changed() {
    filter();
    const value = { shown: view.shown, find: view.find.value.trim() };
    settle(view, SETTLE_MS, () => setTriggerValue("view", value), value);
  }

  function show(part) {
    view.shown = part;
    changed();
  }

  // ---- What is shown ----

  function wanted(row) {
    const part = view.shown;
    return !part || part === row.stage || part === row.layer || (part === "classes" && row.layer === null);
  }

  function matches(item, find) {
    if (!find) return true;
    if (item.row.layer !== null) return String(item.index) === find;
    return String(item.index) === find || item.label.toLowerCase().includes(find);
  }

  function filter() {
    const find = view.find.value.trim().toLowerCase();
    const words = find !== "" && !/^\d+$/.test(find);
    let count = 0;
    for (const section of view.rows.children) {
      const inPart = wanted(section.row) || (words && section.row.layer === null);
      let left = 0;
      for (const tile of section.list.children) {
        tile.hidden = !inPart || !matches(tile, find);
        left += !tile.hidden;
      }
      section.hidden = left === 0;
      const own = section.row.layer ?? "classes";
      const alone = view.shown === own;
      section.classList.toggle("whole", alone && !find);
      section.all.textContent = alone ? "Back to everything" : section.row.layer === null ? "Only the classes" : "Only this layer";
      section.all.onclick = () => { show(alone ? "" : own); view.stages.scrollIntoView({ block: "nearest" }); };
      reachable(section.list);
      count += left;
    }
    const all = data.rows.reduce((sum, row) => sum + row.items.length, 0);
    view.told.textContent = count === all ? `${all} pictures` : `${count} of ${all} pictures`;
    offer(words ? find : "");
    for (const button of view.buttons) button.setAttribute("aria-pressed", String(button.shows === view.shown));
    view.layers.value = data.rows.some((row) => row.layer === view.shown) ? view.shown : "";
    view.loupe.hide();
  }

  // Classes of which the gallery has no picture.
  function offer(find) {
    view.offered.replaceChildren();
    if (find.length < 2) return;
    const found = data.others.filter(([, label]) => label.toLowerCase().includes(find));
    if (!found.length) return;
    const first = found.slice(0, MOST_OFFERED);
    const more = found.length > first.length ? ` The first ${first.length} of ${found.length}:` : "";
    element("p", "", view.offered).textContent = `Without a picture here; one can be made.${more}`;
    for (const [index, label] of first) {
      const button = element("button", "", view.offered);
      button.type = "button";
      button.textContent = `${label} · make it`;
      button.onclick = () => setTriggerValue("pick", { layer: null, index, make: true });
    }
  }

  // ---- Keyboard ----

  // One tile of each row can be reached with Tab: the one that was there last, or is chosen, or the first.
  function reachable(list, tile = null) {
    const tiles = [...list.children];
    const there = tile ?? tiles.find((each) => each.tabIndex === 0 && !each.hidden) ?? tiles.find((each) => !each.hidden);
    for (const each of tiles) each.tabIndex = each === there ? 0 : -1;
  }

  function focus(tile) {
    reachable(tile.parentElement, tile);
    tile.focus();
    tile.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  // The nearest tile in a direction; above or below a row's edge the one in the next row.
  function towards(tile, right, down) {
    const from = tile.getBoundingClientRect();
    let best = null;
    let least = Infinity;
    for (const other of tile.parentElement.children) {
      if (other.hidden || other === tile) continue;
      const at = other.getBoundingClientRect();
      const along = right ? right * (at.left - from.left) : down * (at.top - from.top);
      const aside = Math.abs(right ? at.top - from.top : at.left - from.left);
      const far = along + 4 * aside;
      if (along > 4 && (down || aside < 4) && far < least) [best, least] = [other, far];
    }
    if (best || right) return best;
    const sections = [...view.rows.children].filter((section) => !section.hidden);
    const next = sections[sections.findIndex((section) => section.list === tile.parentElement) + down];
    return next ? [...next.list.children].find((each) => each.tabIndex === 0) : null;
  }

  function onKey(event, tile) {
    const ends = { Home: 0, End: -1 };
    const [right, down] = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] }[event.key] ?? [0, 0];
    if (right || down) {
      const next = towards(tile, right, down);
      if (next) focus(next);
    } else if (event.key in ends) focus([...tile.parentElement.children].filter((each) => !each.hidden).at(ends[event.key]));
    else if (event.key === "Enter" || event.key === " ") tile.click();
    else return;
    event.preventDefault();
  }

  // ---- Building ----

  function pieceOf(row, [, sheet, place]) {
    return { ...row.sheets[sheet], place };
  }

  function later(box, piece) {
    box.piece = piece;
    view.near.observe(box);
  }

  function choose(layer, index) {
    view.loupe.hide();
    setTriggerValue("pick", { layer, index });
    (parentElement.host ?? parentElement).closest("[data-testid=stMain]")?.scrollTo({ top: 0, behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
  }

  function addTile(list, row, item) {
    const tile = element("div", "tile", list);
    Object.assign(tile, { row, index: item[0], label: item[3] ?? "", tabIndex: -1 });
    tile.setAttribute("role", "option");
    const box = element("div", "look", tile);
    const piece = pieceOf(row, item);
    later(box, piece);
    const words = row.layer === null ? item[3] : `Channel ${item[0]} of ${row.layer}`;
    tile.setAttribute("aria-label", words);
    element("span", "name", tile).textContent = row.layer === null ? item[3] : item[0];
    enlarges(tile, box, view.loupe, piece, words);
    if (item[4]?.length) addFeeders(tile, item[4]);
    tile.onclick = () => choose(row.layer, tile.index);
    tile.onkeydown = (event) => onKey(event, tile);
  }

  function addFeeders(tile, channels) {
    const row = data.rows.find((each) => each.layer === data.feeding);
    const places = new Map(row.items.map((item) => [item[0], item]));
    const group = element("div", "feeders", tile);
    for (const channel of channels) {
      const box = element("div", "look", group);
      const piece = pieceOf(row, places.get(channel));
      later(box, piece);
      enlargesPointed(box, view.loupe, piece, `Channel ${channel} of ${row.layer}, which feeds ${tile.label}`);
      box.onclick = (event) => { event.stopPropagation(); choose(row.layer, channel); };
    }
    tile.setAttribute("aria-label", `${tile.label}, fed most by channels ${channels.join(", ")} of ${row.layer}`);
  }

  function addRow(row, at) {
    const section = element("section", row.layer === null ? "row classes" : "row", view.rows);
    section.row = row;
    const head = element("div", "head", section);
    const title = element("h3", "", head);
    title.id = `row_${at}`;
    title.textContent = row.title;
    section.setAttribute("aria-labelledby", title.id);
    if (row.depth !== null) {
      const depth = element("div", "depth", head);
      element("div", "", depth).style.width = `${Math.max(2, 100 * row.depth)}%`;
    }
    element("p", "facts", head).textContent = row.facts;
    element("p", "hint", head).textContent = row.hint;
    section.all = element("button", "", head);
    section.all.type = "button";
    section.list = element("div", "strip", section);
    section.list.setAttribute("role", "listbox");
    section.list.setAttribute("aria-label", `Pictures of ${row.title}`);
    section.list.setAttribute("aria-orientation", "horizontal");
    for (const item of row.items) addTile(section.list, row, item);
  }

  function build() {
    view.near.disconnect();
    view.rows.replaceChildren();
    view.stages.replaceChildren();
    view.buttons = PARTS.map(([part, title]) => {
      const button = element("button", "", view.stages);
      Object.assign(button, { type: "button", shows: part, textContent: title, onclick: () => show(part) });
      return button;
    });
    view.layers.replaceChildren(new Option("One layer …", ""));
    for (const row of data.rows) if (row.layer !== null) view.layers.append(new Option(row.title, row.layer));
    data.rows.forEach(addRow);
  }

  function mark() {
    for (const section of view.rows.children) {
      for (const tile of section.list.children) {
        const chosen = data.selected && section.row.layer === data.selected[0] && tile.index === data.selected[1];
        tile.setAttribute("aria-selected", String(Boolean(chosen)));
      }
    }
  }

  view.layers.onchange = () => show(view.layers.value);
  view.find.oninput = changed;
  const fresh = view.digest !== data.digest;
  if (fresh) {
    view.digest = data.digest;
    build();
  }
  if (accepted(view, data.view)) {
    view.shown = data.view.shown;
    if (view.find.value.trim() !== data.view.find) view.find.value = data.view.find;
  }
  if (fresh || view.last !== JSON.stringify(data.view)) {
    view.last = JSON.stringify(data.view);
    filter();
  }
  mark();
}
