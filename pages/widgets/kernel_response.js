// A kernel's frequency response: what becomes of waves, the constant in the middle, quicker ones further out.

export default function ({ data, parentElement }) {
  const view = once(parentElement, () => {
    const root = parentElement.querySelector(".root");
    const frame = element("div", "axes", root);
    element("span", "vertical", frame).textContent = "waves down the picture →";
    const stage = element("div", "map", frame);
    stage.tabIndex = 0;
    stage.setAttribute("role", "application");
    const canvas = element("canvas", "", stage);
    const cursor = element("div", "cursor", stage);
    element("span", "horizontal", frame).textContent = "waves across the picture →";
    const readout = element("p", "readout", root);
    readout.setAttribute("aria-live", "polite");
    const legend = element("div", "legend", root);
    return { stage, canvas, cursor, readout, legend, digest: null, at: null };
  });
  const [, size] = data.maps.shape;
  const middle = (size - 1) / 2;

  function point(row, column) {
    view.at = [row, column];
    place(view.cursor, [row / size, column / size, (row + 1) / size, (column + 1) / size]);
    const [down, right] = [(row - middle) / size, (column - middle) / size];
    const length = 1 / Math.hypot(down, right);
    const wave = Number.isFinite(length)
      ? `Waves of ${number(length)} pixels, ${number(Math.abs(right))} cycles per pixel across and ${number(Math.abs(down))} down`
      : "An even picture";
    view.readout.textContent = `${wave}: × ${number(view.values[row * size + column])}`;
  }

  if (view.digest !== data.maps.digest) {
    view.digest = data.maps.digest;
    view.values = floats(data.maps.values);
    paint(view.canvas, bytes(data.maps.entries), size, size, bytes(data.maps.palette));
    showLegend(view.legend, data.legend);
    point(...(view.at ?? data.start));
  }
  view.stage.setAttribute("aria-label", `${data.label}; the arrow keys read out waves`);
  view.stage.onpointermove = (event) => point(...under(event, view.canvas, size, size));
  view.stage.onpointerdown = view.stage.onpointermove;
  view.stage.onkeydown = (event) => {
    const [down, right] = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key] ?? [0, 0];
    if (!down && !right) return;
    event.preventDefault();
    const clamp = (value) => Math.max(0, Math.min(size - 1, value));
    point(clamp(view.at[0] + 4 * down), clamp(view.at[1] + 4 * right));
  };
}
