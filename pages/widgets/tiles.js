// The strongest channels of one layer as tiles beside the picture: pointing at a position shows its value
// and what it sees of the picture; a click or Enter opens the channel.

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
    return { picture, readout, list, legend, digest: null };
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
    else return;
    event.preventDefault();
  }

  function build() {
    const palette = bytes(data.palette);
    const entries = bytes(data.entries);
    view.values = floats(data.values);
    view.list.replaceChildren();
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
      element("span", "name", option).textContent = data.channels[tile];
      option.onpointermove = option.onpointerdown = (event) => point(tile, ...under(event, canvas, height, width));
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
  }
}
