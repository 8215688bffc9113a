// All maps of a layer on one canvas. Click, tap or arrow keys pick a channel; the server hears of it once it settles.

const SETTLE_MS = 220;

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
    const made = { viewport, stage, canvas, hovered, picked, readout, legend, sheet, url: null, timer: 0, at: 0, layout: null };
    new ResizeObserver(() => made.draw && made.draw()).observe(viewport);
    return made;
  });

  const { tile, columns, order } = data;

  function words(place) {
    const channel = order[place];
    const [mean, max, active] = data.statistics[place];
    return `Channel ${channel} (${place + 1} of ${order.length}): mean ${number(mean)}, highest ${number(max)}, ` +
      `above zero at ${Math.round(100 * active)}\u00a0% of positions`;
  }

  // Tiles as large as lets all of them stand in one view, but never too small to hit.
  function plan() {
    const width = Math.max(120, view.viewport.clientWidth);
    const smallest = matchMedia("(pointer: coarse)").matches ? 30 : 22;
    const room = Math.max(360, 0.72 * innerHeight);
    let across = Math.max(1, Math.ceil(Math.sqrt((order.length * width) / room)));
    across = Math.min(order.length, across, Math.floor(width / smallest));
    const side = Math.min(width / across, 260);
    return { across, side, width, height: side * Math.ceil(order.length / across) };
  }

  function mark(box, place) {
    const { across, side } = view.layout;
    box.style.transform = `translate(${(place % across) * side}px, ${Math.floor(place / across) * side}px)`;
    box.style.width = box.style.height = `${side}px`;
  }

  view.draw = () => {
    if (!view.sheet.naturalWidth) return;
    const layout = plan();
    const ratio = window.devicePixelRatio || 1;
    view.layout = layout;
    view.stage.style.height = `${layout.height}px`;
    view.canvas.width = Math.round(layout.width * ratio);
    view.canvas.height = Math.round(layout.height * ratio);
    view.canvas.style.height = `${layout.height}px`;
    const context = view.canvas.getContext("2d");
    context.imageSmoothingEnabled = false;
    const side = layout.side * ratio;
    const space = Math.max(1, Math.round(Math.min(3, layout.side / 16) * ratio));
    const scale = (side - space) / Math.max(tile[0], tile[1]);
    for (let place = 0; place < order.length; place++) {
      const sx = (place % columns) * tile[1];
      const sy = Math.floor(place / columns) * tile[0];
      const x = (place % layout.across) * side;
      const y = Math.floor(place / layout.across) * side;
      context.drawImage(view.sheet, sx, sy, tile[1], tile[0], x, y, tile[1] * scale, tile[0] * scale);
    }
    showPicked();
  };

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

  function placeAt(event) {
    if (!view.layout) return -1;
    const rect = view.stage.getBoundingClientRect();
    const column = Math.floor((event.clientX - rect.left) / view.layout.side);
    const row = Math.floor((event.clientY - rect.top) / view.layout.side);
    const place = row * view.layout.across + column;
    return column < view.layout.across && place >= 0 && place < order.length ? place : -1;
  }

  view.stage.onpointermove = (event) => {
    const place = placeAt(event);
    view.hovered.hidden = place < 0;
    if (place >= 0) { mark(view.hovered, place); view.readout.textContent = words(place); }
  };
  view.stage.onpointerleave = () => { view.hovered.hidden = true; describe(view.at); };
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
