// Pictures of a gallery: cut out of a sheet, and enlarged beside what is pointed at.

const HOLD_MS = 450;

// The place of a picture on its sheet in pixels: x, y, width, height. Half a pixel at each edge stays out,
// where the neighbours would shine through when it is scaled.
function cutting(piece) {
  const [height, width] = piece.tile;
  const columns = piece.grid[1];
  const row = Math.floor(piece.place / columns);
  return [(piece.place % columns) * width + 0.5, row * height + 0.5, width - 1, height - 1];
}

// Show one picture of a sheet as a box's background.
function cut(box, piece) {
  const [x, y, width, height] = cutting(piece);
  const [rows, columns] = piece.grid;
  const axis = (whole, seen, from) => [(100 * whole) / seen, whole - seen > 0.5 ? (100 * from) / (whole - seen) : 0];
  const [wide, left] = axis(columns * piece.tile[1], width, x);
  const [high, top] = axis(rows * piece.tile[0], height, y);
  box.style.backgroundImage = `url("${piece.url}")`;
  box.style.backgroundSize = `${wide}% ${high}%`;
  box.style.backgroundPosition = `${left}% ${top}%`;
}

// An enlarged picture that lies above the page beside what it belongs to, and never in the pointer's way.
function loupe(parent) {
  const frame = element("figure", "loupe", parent);
  const picture = element("div", "look", frame);
  const caption = element("figcaption", "", frame);
  // What it shows is also told in words where the focus is.
  frame.setAttribute("aria-hidden", "true");
  // In the browser's top layer, because containers on the way would hold a fixed box.
  if (frame.showPopover) frame.popover = "manual";
  frame.hidden = true;
  let anchor = null;

  // Beside the anchor where there is room, else above it, else below.
  function place() {
    if (!anchor.isConnected) return hide();
    const at = anchor.getBoundingClientRect();
    const { offsetWidth: width, offsetHeight: height } = frame;
    const within = (value, size, limit) => Math.max(6, Math.min(limit - size - 6, value));
    const right = at.right + 10 + width <= innerWidth;
    const beside = right || at.left - 10 - width >= 0;
    const across = right ? at.right + 10 : at.left - 10 - width;
    const above = at.top - 10 - height;
    frame.style.left = `${within(beside ? across : (at.left + at.right - width) / 2, width, innerWidth)}px`;
    frame.style.top = beside
      ? `${within((at.top + at.bottom - height) / 2, height, innerHeight)}px`
      : `${above >= 0 ? above : at.bottom + 10}px`;
  }

  const onKey = (event) => { if (event.key === "Escape") hide(); };

  function hide() {
    if (!anchor) return;
    anchor = null;
    if (frame.popover) frame.hidePopover();
    frame.hidden = true;
    removeEventListener("keydown", onKey, true);
    removeEventListener("pointerdown", hide, true);
    removeEventListener("scroll", place, true);
  }

  function show(beside, piece, words) {
    if (!anchor) {
      addEventListener("keydown", onKey, true);
      addEventListener("pointerdown", hide, true);
      addEventListener("scroll", place, true);
    }
    anchor = beside;
    cut(picture, piece);
    caption.textContent = words;
    frame.hidden = false;
    if (frame.popover && !frame.matches(":popover-open")) frame.showPopover();
    place();
  }

  return { show, hide };
}

// Enlarge a picture by pointing at its box.
function enlargesPointed(box, loupe, piece, words) {
  box.onpointerenter = (event) => { if (event.pointerType === "mouse") loupe.show(box, piece, words); };
  box.onpointerleave = (event) => { if (event.pointerType === "mouse") loupe.hide(); };
}

// Enlarge it also by keyboard focus on the `whole` that it is a part of, and by a finger that stays there.
function enlarges(whole, box, loupe, piece, words) {
  let timer = 0;
  const show = () => loupe.show(box, piece, words);
  enlargesPointed(box, loupe, piece, words);
  whole.addEventListener("focus", () => { if (whole.matches(":focus-visible")) show(); });
  whole.addEventListener("blur", () => loupe.hide());
  whole.addEventListener("pointerdown", (event) => {
    whole.held = false;
    clearTimeout(timer);
    if (event.pointerType !== "mouse") timer = setTimeout(() => { whole.held = true; show(); }, HOLD_MS);
  });
  for (const end of ["pointerup", "pointercancel", "pointerleave"]) whole.addEventListener(end, () => clearTimeout(timer));
  // A finger that stays would open the browser's menu, and choose when it leaves.
  whole.addEventListener("contextmenu", (event) => { if (whole.held) event.preventDefault(); });
  whole.addEventListener("click", (event) => {
    if (whole.held) event.stopImmediatePropagation();
    whole.held = false;
  }, true);
}
