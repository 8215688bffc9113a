// Two outputs and their difference side by side. Pointing at one, or the arrow keys, reads out all three.

export default function ({ data, parentElement }) {
  const view = once(parentElement, () => {
    const root = parentElement.querySelector(".root");
    const frames = element("div", "frames", root);
    const figures = [0, 1, 2].map(() => {
      const figure = element("figure", "", frames);
      const caption = element("figcaption", "", figure);
      const stage = element("div", "map", figure);
      stage.setAttribute("role", "img");
      const canvas = element("canvas", "", stage);
      const cursor = element("div", "cursor", stage);
      return { caption, stage, canvas, cursor };
    });
    figures[0].stage.tabIndex = 0;
    figures[0].stage.setAttribute("role", "application");
    const readout = element("p", "readout", root);
    readout.setAttribute("aria-live", "polite");
    const legends = element("div", "legends", root);
    return { figures, readout, legends: [0, 1].map(() => element("div", "legend", legends)), digest: null, at: [0, 0] };
  });

  const [, height, width] = data.maps.shape;
  const size = height * width;
  const exact = (value) => (Number.isFinite(value) ? Number(value.toPrecision(8)).toString().replaceAll("-", "−") : number(value));

  function point(row, column) {
    view.at = [row, column];
    const at = row * width + column;
    for (const { cursor } of view.figures) {
      place(cursor, [row / height, column / width, (row + 1) / height, (column + 1) / width]);
    }
    view.readout.textContent = `Row ${row}, column ${column}: by hand ${exact(view.values[at])}, ` +
      `PyTorch ${exact(view.values[size + at])}, difference ${exact(view.apart[at])}`;
  }

  function draw(figure, packed, index) {
    const entries = bytes(packed.entries).subarray(index * size, (index + 1) * size);
    paint(figure.canvas, entries, height, width, bytes(packed.palette));
  }

  if (view.digest !== data.digest) {
    view.digest = data.digest;
    view.values = floats(data.maps.values);
    view.apart = floats(data.difference.values);
    draw(view.figures[0], data.maps, 0);
    draw(view.figures[1], data.maps, 1);
    draw(view.figures[2], data.difference, 0);
    const [down, across] = view.at;
    const start = view.seen ? [Math.min(down, height - 1), Math.min(across, width - 1)] : [height >> 1, width >> 1];
    view.seen = true;
    point(...start);
  }
  data.titles.forEach((title, index) => {
    view.figures[index].caption.textContent = title;
    view.figures[index].stage.setAttribute("aria-label", index ? title : `${title}; the arrow keys read out values`);
  });
  data.legends.forEach((legend, index) => showLegend(view.legends[index], legend));

  for (const { stage, canvas } of view.figures) {
    stage.onpointermove = (event) => point(...under(event, canvas, height, width));
    stage.onpointerdown = stage.onpointermove;
  }
  view.figures[0].stage.onkeydown = (event) => {
    const [down, right] = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key] ?? [0, 0];
    if (!down && !right) return;
    event.preventDefault();
    const clamp = (value, count) => Math.max(0, Math.min(count - 1, value));
    point(clamp(view.at[0] + down, height), clamp(view.at[1] + right, width));
  };
}
