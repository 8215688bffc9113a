// Matrices to look at: numbers while they can be read, colours beyond.

const MOST_NUMBERS = 11;
const ROOM = 6; // signs that a crowded table has room for

// Blue below zero, amber above, the stronger the further away; zero has no colour.
function shade(value, most) {
  const share = most > 0 ? Math.min(1, Math.abs(value) / most) : 0;
  return `rgb(${value < 0 ? "66 120 214" : "222 146 38"} / ${(0.12 + 0.5 * share) * (share > 0)})`;
}

const largest = (rows) => Math.max(...rows.flat().map(Math.abs));

// A figure with a caption over a table of numbers, or over a canvas where they are too many to read.
// `texts` are the numbers as they are written; `colour(y, x)` gives a cell's background and ink, if it has any.
function drawGrid(place, { title, name, kind = "", rows, texts, colour, dashed = () => false }) {
  const figure = element("figure", `grid ${kind}`, place);
  element("figcaption", "", figure).textContent = title;
  const most = largest(rows);
  if (Math.max(rows.length, rows[0].length) > MOST_NUMBERS) {
    figure.append(drawColours(rows, most, colour, name ?? title));
    return figure;
  }
  const scroller = element("div", "scroller", figure);
  const many = rows[0].length > 7;
  const table = element("table", many ? "many" : "", scroller);
  const short = (text, value) => (many && text.length > ROOM ? String(Number(value.toFixed(3))) : text);
  table.setAttribute("aria-label", name ?? title);
  rows.forEach((row, y) => {
    const line = element("tr", "", table);
    row.forEach((value, x) => {
      const cell = element("td", dashed(y, x) ? "beyond" : "", line);
      cell.textContent = (texts ? short(texts[y][x], value) : number(value)).replaceAll("-", "−");
      const [paper, ink] = colour ? colour(y, x) : [shade(value, most), ""];
      cell.style.backgroundColor = paper;
      cell.style.color = ink;
    });
  });
  return figure;
}

function drawColours(rows, most, colour, name) {
  const canvas = element("canvas", "colours");
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", `${name}: ${rows.length} rows and ${rows[0].length} columns, drawn as colours`);
  canvas.width = rows[0].length;
  canvas.height = rows.length;
  const context = canvas.getContext("2d");
  rows.forEach((row, y) => row.forEach((value, x) => {
    context.fillStyle = colour ? colour(y, x)[0] : shade(value, most);
    context.fillRect(x, y, 1, 1);
  }));
  return canvas;
}

// A sign between two grids, with words for those who listen.
function operator(place, text, words) {
  const made = element("span", "operator", place);
  made.textContent = text;
  made.setAttribute("role", "img");
  made.setAttribute("aria-label", words);
}
