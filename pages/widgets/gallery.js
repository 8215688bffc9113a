// The sample pictures as a strip of thumbnails; a click, or Enter on the focused one, chooses it.

export default function ({ data, parentElement, setTriggerValue }) {
  const view = once(parentElement, () => {
    const root = parentElement.querySelector(".root");
    return { root, buttons: new Map() };
  });
  view.root.setAttribute("role", "group");
  view.root.setAttribute("aria-label", "Sample pictures");
  for (const sample of [...data.samples].reverse()) {
    if (!view.buttons.has(sample.name)) {
      const button = element("button", "", null);
      button.type = "button";
      element("img", "", button);
      view.root.prepend(button);
      view.buttons.set(sample.name, button);
    }
    const button = view.buttons.get(sample.name);
    const image = button.firstChild;
    if (image.src !== sample.url) image.src = sample.url;
    image.alt = button.title = sample.title;
    button.setAttribute("aria-pressed", String(sample.name === data.selected));
    button.onclick = () => setTriggerValue("pick", sample.name);
  }
}
