// One channel, large: its map, and the map laid over the picture. Pointing or arrow keys read out a value
// and mark what it sees; smoothing and opacity change at once, and the server is told when they settle. Below
// stands what the channel looks for, or the way to make a picture of that.

const SETTLE_MS = 350;

export default function ({ data, parentElement, setTriggerValue }) {
  const view = once(parentElement, () => {
    const root = parentElement.querySelector(".root");
    const frames = element("div", "frames", root);
    const alone = element("figure", "", frames);
    const stage = element("div", "map", alone);
    stage.tabIndex = 0;
    stage.setAttribute("role", "application");
    const canvas = element("canvas", "", stage);
    const cursor = element("div", "cursor", stage);
    element("figcaption", "", alone).textContent = "The map, one square per value";
    const over = element("figure", "", frames);
    const picture = pictureFrame(over);
    const overlay = element("canvas", "overlay", picture.frame);
    picture.frame.insertBefore(overlay, picture.box);
    element("figcaption", "", over).textContent = "Laid over the picture; the box is what the value sees";
    const readout = element("p", "readout", root);
    readout.setAttribute("aria-live", "polite");
    const controls = element("div", "controls", root);
    const smoothLabel = element("label", "", controls);
    const smooth = element("input", "", smoothLabel);
    smooth.type = "checkbox";
    smoothLabel.append("Smooth");
    const opacityLabel = element("label", "opacity", controls);
    opacityLabel.append("Opacity");
    const opacity = element("input", "", opacityLabel);
    Object.assign(opacity, { type: "range", min: 0, max: 100, step: 5 });
    const legend = element("div", "legend", root);
    const looks = element("div", "frames looks", root);
    const look = element("div", "look", looks);
    look.setAttribute("role", "img");
    const about = element("div", "about", looks);
    element("p", "title", about).textContent = "What it looks for";
    const words = element("p", "", about);
    const more = element("button", "", about);
    more.type = "button";
    const bars = element("div", "bars", root);
    bars.setAttribute("role", "img");
    const ends = element("div", "ticks ends", root);
    return { frames, look, words, more, legend, bars, ends, stage, canvas, cursor, picture, overlay, readout, smooth, opacity, digest: null, timer: 0, at: [0, 0] };
  });

  const [height, width] = data.shape;

  function point(row, column) {
    view.at = [row, column];
    place(view.picture.box, seen(data.geometry, row, column));
    place(view.cursor, [row / height, column / width, (row + 1) / height, (column + 1) / width]);
    const value = view.values[row * width + column];
    view.readout.textContent = `Row ${row}, column ${column}: ${number(value)}`;
  }

  function look() {
    const rendering = view.smooth.checked ? "auto" : "pixelated";
    view.canvas.style.imageRendering = view.overlay.style.imageRendering = rendering;
    view.overlay.style.opacity = view.opacity.value / 100;
  }

  function changed() {
    look();
    const chosen = { smooth: view.smooth.checked, opacity: Number(view.opacity.value) };
    settle(view, SETTLE_MS, () => setTriggerValue("view", chosen), chosen);
  }

  // Heights are square roots: most maps have so many zeros that other bars would vanish.
  function showHistogram() {
    const { counts, edges } = data.histogram;
    const most = Math.max(1, ...counts);
    view.bars.replaceChildren();
    counts.forEach((count, at) => {
      const bar = element("div", "", view.bars);
      bar.style.height = count ? `max(1px, ${100 * Math.sqrt(count / most)}%)` : "0";
      bar.title = `${number(edges[at])} to ${number(edges[at + 1])}: ${count} values`;
    });
    const fullest = counts.indexOf(most);
    view.bars.setAttribute("aria-label", `Histogram from ${number(edges[0])} to ${number(edges.at(-1))}; ` +
      `most values, ${most}, lie between ${number(edges[fullest])} and ${number(edges[fullest + 1])}`);
    view.ends.replaceChildren();
    for (const text of [number(edges[0]), "how often each value occurs (square-root heights)", number(edges.at(-1))]) {
      element("span", "", view.ends).textContent = text;
    }
  }

  function showLook() {
    const { piece, words, title, more } = data.look;
    view.look.hidden = !piece;
    if (piece) cut(view.look, piece);
    view.look.setAttribute("aria-label", title);
    view.words.textContent = words;
    view.more.textContent = more;
    view.more.onclick = () => setTriggerValue("looks", true);
  }

  view.picture.show(data.geometry, data.picture);
  showLook();
  place(view.overlay, data.geometry.crop);
  if (view.digest !== data.digest) {
    view.digest = data.digest;
    view.values = floats(data.values);
    for (const canvas of [view.canvas, view.overlay]) {
      paint(canvas, bytes(data.entries), height, width, bytes(data.palette));
    }
    view.stage.setAttribute("aria-label", data.label);
    // The mosaic beside it explains the colours; here are this map's values.
    showLegend(view.legend, { ...data.legend, note: "" });
    showHistogram();
    // On a phone the map stands below the mosaic that it was picked from.
    const seen = view.shown || data.chosen;
    if (seen && innerWidth <= 640) view.frames.scrollIntoView({ block: "start", behavior: "smooth" });
    view.shown = true;
    point(...strongest(view.values, height, width));
  }
  if (accepted(view, data.view)) {
    view.smooth.checked = data.view.smooth;
    view.opacity.value = data.view.opacity;
  }
  look();

  view.smooth.onchange = changed;
  view.opacity.oninput = changed;
  // A finger that taps does not move.
  for (const part of [view.stage, view.overlay]) {
    part.onpointermove = part.onpointerdown = (event) =>
      point(...under(event, part === view.stage ? view.canvas : part, height, width));
  }
  view.stage.onkeydown = (event) => {
    const [down, right] = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key] ?? [0, 0];
    if (!down && !right) return;
    event.preventDefault();
    const clamp = (value, count) => Math.max(0, Math.min(count - 1, value));
    point(clamp(view.at[0] + down, height), clamp(view.at[1] + right, width));
  };
}
