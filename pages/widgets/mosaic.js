// All maps of a layer on one canvas, beneath each, if wanted, what its channel looks for. Click, tap or arrow keys
// pick a channel; the server hears of it once it settles. A mouse that rests on a tile enlarges what it looks for.

const SETTLE_MS = 220;
const REST_MS = 200;

export default function ({ data, parentElement, setTriggerValue }) {
  const view = once(parentElement, () => {
    const root = parentElement.querySelector(".root");
    const viewport = element("div", "viewport", root);
    const stage = element("div", "stage", viewport);
    stage.tabIndex = 0;
    // A slider is what assistive technology knows for "one of many, moved by arrow keys, told in words".
    stage.setAttribute("role", "slider");
    const canvas = element("canvas", "", stage);
    const hovered = element("div", "mark hovered", stage);
    const picked = element("div", "mark picked", stage);
    const readout = element("p", "readout", root);
    const legend = element("div", "legend", root);
    const sheet = new Image();
    const note = element("p", "note", root);
    const made = { viewport, stage, canvas, hovered, picked, readout, legend, note, sheet, url: null, timer: 0, at: 0, layout: null };
    Object.assign(made, { loupe: loupe(parentElement), pieces: new Map(), resting: -1, rest: 0 });
    new ResizeObserver(() => made.draw && made.draw()).observe(viewport);
    viewport.onscroll = () => requestAnimationFrame(() => made.paint());
    return made;
  });

  const { tile, columns, order, looks, beneath } = data;

  // What a channel looks for, as a picture on a sheet; nothing where there is none.
  function pieceOf(channel) {
    const at = looks.at[channel];
    return at && { ...looks.sheets[at[0]], place: at[1] };
  }

  // The sheet's picture, drawn as soon as it has been fetched.
  function sheetOf(url) {
    if (!view.pieces.has(url)) {
      const image = new Image();
      image.onload = () => view.paint();
      image.src = url;
      view.pieces.set(url, image);
    }
    return view.pieces.get(url);
  }

  function words(place) {
    const channel = order[place];
    const [mean, max, active] = data.statistics[place];
    return `Channel ${channel} (${place + 1} of ${order.length}): mean ${number(mean)}, highest ${number(max)}, ` +
      `above zero at ${Math.round(100 * active)}\u00a0% of positions`;
  }

  // Tiles as large as lets all of them stand in one view, but never too small to hit.
  function plan() {
    const width = Math.max(120, view.viewport.clientWidth);
    const smallest = beneath ? 60 : matchMedia("(pointer: coarse)").matches ? 30 : 22;
    const room = Math.max(360, 0.72 * innerHeight);
    const storeys = beneath ? 2 : 1;
    let across = Math.max(1, Math.ceil(Math.sqrt((storeys * order.length * width) / room)));
    across = Math.min(order.length, across, Math.floor(width / smallest));
    const side = Math.min(width / across, beneath ? 150 : 260);
    const high = storeys * side + (beneath ? 6 : 0);
    return { across, side, high, width, height: high * Math.ceil(order.length / across) };
  }

  function mark(box, place) {
    const { across, side, high } = view.layout;
    box.style.transform = `translate(${(place % across) * side}px, ${Math.floor(place / across) * high}px)`;
    box.style.width = `${side}px`;
    box.style.height = `${beneath ? 2 * side : side}px`;
  }

  view.draw = () => {
    if (!view.sheet.naturalWidth) return;
    const layout = plan();
    const ratio = window.devicePixelRatio || 1;
    view.layout = layout;
    view.stage.style.height = `${layout.height}px`;
    // The canvas is as high as what is seen of the mosaic: browsers limit its size.
    const seen = Math.min(layout.height, view.viewport.clientHeight);
    view.canvas.width = Math.round(layout.width * ratio);
    view.canvas.height = Math.round(seen * ratio);
    view.canvas.style.height = `${seen}px`;
    view.paint();
    showPicked();
  };

  view.paint = () => {
    const { layout, canvas } = view;
    if (!layout) return;
    const ratio = canvas.width / layout.width;
    const context = canvas.getContext("2d");
    const space = Math.max(1 / ratio, Math.min(3, layout.side / 16));
    const top = view.viewport.scrollTop;
    context.setTransform(ratio, 0, 0, ratio, 0, -top * ratio);
    context.clearRect(0, top, layout.width, canvas.height / ratio);
    const first = Math.floor(top / layout.high) * layout.across;
    const last = Math.ceil((top + canvas.height / ratio) / layout.high) * layout.across;
    for (let place = first; place < Math.min(last, order.length); place++) {
      const x = (place % layout.across) * layout.side;
      const y = Math.floor(place / layout.across) * layout.high;
      const side = layout.side - space;
      const scale = side / Math.max(tile[0], tile[1]);
      const from = [(place % columns) * tile[1], Math.floor(place / columns) * tile[0], tile[1], tile[0]];
      context.imageSmoothingEnabled = false;
      context.drawImage(view.sheet, ...from, x, y, tile[1] * scale, tile[0] * scale);
      if (beneath) paintLook(context, order[place], x, y + layout.side, side);
    }
  };

  function paintLook(context, channel, x, y, side) {
    const piece = pieceOf(channel);
    const image = piece && sheetOf(piece.url);
    if (image?.naturalWidth) {
      context.imageSmoothingEnabled = true;
      context.imageSmoothingQuality = "high";
      context.drawImage(image, ...cutting(piece), x, y, side, side);
    } else if (!piece) {
      const { color } = getComputedStyle(view.stage);
      context.strokeStyle = context.fillStyle = color;
      context.globalAlpha = 0.25;
      context.strokeRect(x + 0.5, y + 0.5, side - 1, side - 1);
      context.globalAlpha = 0.75;
      context.font = "11px sans-serif";
      context.textAlign = "center";
      context.fillText("make it", x + side / 2, y + side / 2 + 4);
      context.globalAlpha = 1;
    }
  }

  function select(place, wait) {
    const channel = order[Math.max(0, Math.min(order.length - 1, place))];
    view.channel = channel;
    showPicked();
    view.picked.scrollIntoView({ block: "nearest" });
    settle(view, wait, () => setTriggerValue("pick", channel), channel);
  }

  // A channel that the filter hides has no tile to mark.
  function showPicked() {
    view.at = order.indexOf(view.channel);
    view.picked.hidden = view.at < 0;
    if (view.layout && view.at >= 0) mark(view.picked, view.at);
    describe(view.at);
  }

  function describe(place) {
    const told = place < 0 ? `Channel ${view.channel} is picked, and hidden here` : words(place);
    view.readout.textContent = told;
    view.stage.setAttribute("aria-valuenow", String(Math.max(0, place)));
    view.stage.setAttribute("aria-valuetext", told);
  }

  // A mouse that only passes enlarges nothing.
  function rest(place) {
    if (place === view.resting) return;
    view.resting = place;
    clearTimeout(view.rest);
    view.loupe.hide();
    const piece = place >= 0 && pieceOf(order[place]);
    const tell = () => view.loupe.show(view.hovered, piece, `What channel ${order[place]} looks for, in a picture made by optimisation`);
    if (piece) view.rest = setTimeout(tell, REST_MS);
  }

  function placeAt(event) {
    if (!view.layout) return -1;
    const rect = view.stage.getBoundingClientRect();
    const column = Math.floor((event.clientX - rect.left) / view.layout.side);
    const row = Math.floor((event.clientY - rect.top) / view.layout.high);
    const place = row * view.layout.across + column;
    return column < view.layout.across && place >= 0 && place < order.length ? place : -1;
  }

  view.stage.onpointermove = (event) => {
    const place = placeAt(event);
    view.hovered.hidden = place < 0;
    if (place >= 0) { mark(view.hovered, place); view.readout.textContent = words(place); }
    if (event.pointerType === "mouse") rest(place);
  };
  view.stage.onpointerleave = () => { view.hovered.hidden = true; describe(view.at); rest(-1); };
  view.stage.onclick = (event) => { const place = placeAt(event); if (place >= 0) select(place, 0); };
  view.stage.onkeydown = (event) => {
    const across = view.layout ? view.layout.across : 1;
    const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: across, ArrowUp: -across,
      PageDown: 5 * across, PageUp: -5 * across, Home: -order.length, End: order.length };
    if (!(event.key in steps)) return;
    event.preventDefault();
    const next = view.at + steps[event.key];
    const vertical = event.key === "ArrowDown" || event.key === "ArrowUp";
    if (!vertical || (next >= 0 && next < order.length)) select(next, SETTLE_MS);
  };

  showLegend(view.legend, data.legend);
  view.note.textContent = data.looks_note;
  view.stage.setAttribute("aria-label", data.label);
  view.stage.setAttribute("aria-valuemin", "0");
  view.stage.setAttribute("aria-valuemax", String(order.length - 1));
  view.hovered.hidden = true;
  if (accepted(view, data.selected)) view.channel = data.selected;
  showPicked();
  if (view.url !== data.sheet) {
    view.url = data.sheet;
    view.sheet.onload = () => view.draw();
    view.sheet.src = data.sheet;
  } else view.draw();
}
