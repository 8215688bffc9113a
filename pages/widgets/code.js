// Python source to read and copy. Its colours have enough contrast in both themes, and the keyboard can scroll it.

const PARTS = new RegExp(
  [
    /(?<text>[rbf]{0,2}("""[\s\S]*?"""|'''[\s\S]*?'''|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'))/.source,
    /(?<note>#[^\n]*)/.source,
    /(?<name>(?<=\b(?:def|class) )\w+)/.source,
    /(?<word>\b(?:False|None|True|and|as|assert|break|class|continue|def|elif|else|except|finally|for|from|if|import|in|is|lambda|not|or|pass|raise|return|try|while|with|yield)\b)/.source,
    /(?<digit>\b\d[\d_.]*(?:e[+-]?\d+)?\b)/.source,
  ].join("|"),
  "g",
);

function dark(root) {
  const [red, green, blue] = getComputedStyle(root).color.match(/[\d.]+/g).map(Number);
  return red + green + blue > 384;
}

async function copy(text, pre) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  // Without HTTPS a browser has no clipboard for pages: select the text and use the old command.
  getSelection().selectAllChildren(pre);
  return document.execCommand("copy");
}

export default function ({ data, parentElement }) {
  const view = once(parentElement, () => {
    const root = parentElement.querySelector(".root");
    const pre = element("pre", "", root);
    pre.tabIndex = 0;
    const button = element("button", "copy", root);
    button.type = "button";
    button.setAttribute("aria-live", "polite");
    return { root, pre, button, source: null };
  });
  view.root.style.colorScheme = dark(view.root) ? "dark" : "light";
  view.pre.setAttribute("role", "region");
  view.pre.setAttribute("aria-label", data.label);
  view.button.onclick = async () => {
    await copy(data.source, view.pre);
    view.button.textContent = "Copied";
    setTimeout(() => { view.button.textContent = "Copy"; }, 1600);
  };
  if (view.source === data.source) return;
  view.source = data.source;
  view.button.textContent = "Copy";
  view.pre.replaceChildren();
  view.pre.scrollTop = 0;
  let end = 0;
  for (const part of data.source.matchAll(PARTS)) {
    view.pre.append(data.source.slice(end, part.index));
    const kind = Object.keys(part.groups).find((name) => part.groups[name] !== undefined);
    element("span", kind, view.pre).textContent = part[0];
    end = part.index + part[0].length;
  }
  view.pre.append(data.source.slice(end));
}
