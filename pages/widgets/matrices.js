// Small matrices as tables of cells, padding drawn around them, and the window that slides over the cells.

const LONGEST_WEIGHT = 5;

// A titled table; `make(cell, row, column)` fills every cell, `outside` tells those in the padding, whose rows
// and columns are negative or beyond the last. Returns a way to the cells by row and column.
function drawMatrix(place, { title, name, kind, size, padding = [0, 0, 0, 0], letters, make }) {
  const figure = element("figure", kind, place);
  element("figcaption", "", figure).textContent = title;
  const scroller = element("div", "scroller", figure);
  const frame = element("div", "frame", scroller);
  const table = element("table", "", frame);
  const [top, bottom, left, right] = padding;
  const [rows, columns] = [size[0] + top + bottom, size[1] + left + right];
  table.setAttribute("aria-label", name ?? title);
  figure.style.setProperty("--letters", letters ?? 1);
  figure.classList.toggle("many", Math.max(rows, columns) > 7);
  figure.classList.toggle("crowded", Math.max(rows, columns) > 12);
  const cells = Array.from({ length: rows }, (_, y) => {
    const line = element("tr", "", table);
    return Array.from({ length: columns }, (_, x) => {
      const cell = element("td", "", line);
      const outside = y < top || y >= top + size[0] || x < left || x >= left + size[1];
      if (outside) padded(cell);
      else make(cell, y - top, x - left);
      return cell;
    });
  });
  const at = (row, column) => cells[row + top]?.[column + left];
  return { figure, frame, scroller, at, origin: [top, left] };
}

function padded(cell) {
  cell.className = "outside";
  plainCell(cell, "0").setAttribute("aria-label", "0, padding");
}

function plainCell(cell, text) {
  const made = element("div", "cell", cell);
  made.textContent = text;
  return made;
}

// How strongly a cell is coloured: by its size among the numbers beside it, never so much that it hurts reading.
function tint(cell, value, most) {
  cell.style.setProperty("--share", most > 0 ? Math.min(1, Math.abs(value) / most).toFixed(3) : 0);
}

// The window over a matrix: a frame as large as what it reaches over, in it a box for every tap, with its weight
// as it is typed where there are `weights` and they are short.
function drawWindow(matrix, { taps, span, dilation }, weights = null) {
  matrix.frame.querySelector(".window")?.remove();
  matrix.figure.classList.toggle("weighted", Boolean(weights));
  const box = element("div", "window", matrix.frame);
  box.setAttribute("aria-hidden", "true");
  box.style.setProperty("--rows", span[0]);
  box.style.setProperty("--columns", span[1]);
  for (let i = 0; i < taps[0]; i++) {
    for (let j = 0; j < taps[1]; j++) {
      const tap = element("div", "tap", box);
      tap.style.setProperty("--row", i * dilation[0]);
      tap.style.setProperty("--column", j * dilation[1]);
      if (weights?.[i][j].length <= LONGEST_WEIGHT) element("span", "weight", tap).textContent = `×${weights[i][j].replace("-", "−")}`;
    }
  }
  return box;
}

// Lay the window over the cell (row, column), which may lie in the padding, and keep it in sight.
function slideTo(matrix, box, row, column) {
  box.style.setProperty("--row", row + matrix.origin[0]);
  box.style.setProperty("--column", column + matrix.origin[1]);
  const { scroller } = matrix;
  if (scroller.scrollWidth <= scroller.clientWidth) return;
  const first = matrix.at(row, column);
  const [start, end] = [first.offsetLeft, first.offsetLeft + box.offsetWidth];
  if (start < scroller.scrollLeft) scroller.scrollLeft = start - 4;
  else if (end > scroller.scrollLeft + scroller.clientWidth) scroller.scrollLeft = end - scroller.clientWidth + 4;
}

// A place for a sign, with words for those who listen, and the matrix that follows it: they stay together.
function after(place, text, words) {
  const pair = element("div", "pair", place);
  const sign = element("span", "sign", pair);
  sign.textContent = text;
  sign.setAttribute("role", "img");
  sign.setAttribute("aria-label", words);
  return pair;
}
