// Matrices with a sign between them, and what they are together.

export default function ({ data, parentElement }) {
  const view = once(parentElement, () => ({ equation: element("div", "equation", parentElement.querySelector(".root")), digest: null }));
  if (view.digest === data.digest) return;
  view.digest = data.digest;
  view.equation.replaceChildren();
  data.parts.forEach((part, at) => {
    if (at) operator(view.equation, ...data.sign);
    drawGrid(view.equation, { ...part, kind: "kernel" });
  });
  operator(view.equation, "=", "is");
  drawGrid(view.equation, { ...data.whole, kind: "output" });
}
