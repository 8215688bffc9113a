// The strongest channels of one layer as tiles beside the picture, each with what it looks for beneath:
// pointing at a position of a map shows its value and what it sees of the picture, pointing at what a channel
// looks for enlarges it; a click or Enter opens the channel. Where there is no such picture, one can be made.

export default function ({ data, parentElement, setTriggerValue }) {
  const view = once(parentElement, () => {
    const root = element("div", "inner", parentElement.querySelector(".root"));
    const where = element("div", "where", root);
    const picture = pictureFrame(where);
    const readout = element("p", "readout", where);
    readout.setAttribute("aria-live", "polite");
    const beside = element("div", "", root);
    const list = element("div", "tiles", beside);
    list.setAttribute("role", "listbox");
    const legend = element("div", "legend", beside);
    return { picture, readout, list, legend, digest: null, loupe: loupe(parentElement) };
  });

  const [count, height, width] = data.shape;
  const size = height * width;

  function point(tile, row, column) {
    const value = view.values[tile * size + row * width + column];
    place(view.picture.box, seen(data.geometry, row, column));
    view.readout.textContent =
      `Channel ${data.channels[tile]}, row ${row}, column ${column}: ${number(value)}`;
  }

  function pointAtStrongest(tile) {
    point(tile, ...strongest(view.values.subarray(tile * size, (tile + 1) * size), height, width));
  }

  function focus(tile) {
    const options = [...view.list.children];
    options.forEach((option, index) => { option.tabIndex = index === tile ? 0 : -1; });
    options[tile].focus();
  }

  function onKey(event, tile) {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (step) focus((tile + step + count) % count);
    else if (event.key === "Home") focus(0);
    else if (event.key === "End") focus(count - 1);
    else if (event.key === "Enter" || event.key === " ") setTriggerValue("pick", data.channels[tile]);
    else if (event.key.toLowerCase() === "m" && !data.looks[tile]) setTriggerValue("make", data.channels[tile]);
    else return;
    event.preventDefault();
  }

  // What the channel looks for, beneath its map.
  function addLook(option, tile) {
    const piece = data.looks[tile];
    const box = element("div", piece ? "look" : "look missing", option);
    if (piece) {
      cut(box, piece);
      enlarges(option, box, view.loupe, piece, `What channel ${data.channels[tile]} looks for, in a picture made by optimisation`);
      return;
    }
    box.textContent = "make it";
    box.title = "Make a picture of what this channel looks for";
    option.title += "; the key M makes a picture of what it looks for";
    option.setAttribute("aria-keyshortcuts", "M");
    box.onclick = (event) => {
      event.stopPropagation();
      setTriggerValue("make", data.channels[tile]);
    };
  }

  function build() {
    const palette = bytes(data.palette);
    const entries = bytes(data.entries);
    view.values = floats(data.values);
    view.loupe.hide();
    view.list.replaceChildren();
    view.list.classList.toggle("bare", !data.looks.some(Boolean));
    view.list.setAttribute("aria-label", data.label);
    for (let tile = 0; tile < count; tile++) {
      const option = element("div", "tile", view.list);
      option.setAttribute("role", "option");
      option.setAttribute("aria-selected", "false");
      option.setAttribute("aria-label", data.names[tile]);
      option.title = "Open this channel";
      option.tabIndex = tile === 0 ? 0 : -1;
      const canvas = element("canvas", "", option);
      paint(canvas, entries.subarray(tile * size, (tile + 1) * size), height, width, palette);
      addLook(option, tile);
      element("span", "name", option).textContent = data.channels[tile];
      canvas.onpointermove = canvas.onpointerdown = (event) => point(tile, ...under(event, canvas, height, width));
      option.onfocus = () => pointAtStrongest(tile);
      option.onclick = () => setTriggerValue("pick", data.channels[tile]);
      option.onkeydown = (event) => onKey(event, tile);
    }
    view.list.onpointerleave = () => pointAtStrongest(0);
    pointAtStrongest(0);
  }

  view.picture.show(data.geometry, data.picture);
  if (view.digest !== data.digest) {
    view.digest = data.digest;
    build();
    showLegend(view.legend, data.legend);
    if (data.looks_note) element("p", "note", view.legend).textContent = data.looks_note;
  }
}
