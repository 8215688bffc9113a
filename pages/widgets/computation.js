// The computation at one position, term by term: kernel row by kernel row, with the sums on the way.

function showComputation(place, walk, position) {
  place.replaceChildren();
  element("p", "title", place).textContent = `Output row ${position.row}, column ${position.column}`;
  if (walk.mode !== "convolution") {
    element("p", "line total", place).textContent = lineText(walk, position);
    return;
  }
  const table = element("div", "lines", place);
  position.rows.forEach((row, number) => showRow(table, row, number, position.rows.length));
  if (position.rows.length > 1) showTotal(table, position);
}

function showRow(table, row, number, count) {
  element("span", "name", table).textContent = count > 1 ? `kernel row ${number}` : "";
  const line = element("span", "line", table);
  row.terms.forEach((term, index) => {
    if (index) line.append(" + ");
    const made = element("span", term.padding ? "term padding" : "term", line);
    element("span", "value", made).textContent = bracketed(written(term.value));
    made.append("×");
    element("span", "weight", made).textContent = bracketed(written(term.weight));
  });
  line.append(" = ");
  element("span", count > 1 ? "sum" : "result", line).textContent = written(row.sum);
  element("span", "running", table).textContent = count > 1 ? `so far ${written(row.running)}` : "";
}

function showTotal(table, position) {
  element("span", "name", table).textContent = "all rows";
  const line = element("span", "line total", table);
  const text = totalText(position);
  line.append(text.slice(0, text.lastIndexOf("=") + 2));
  element("span", "result", line).textContent = written(position.result);
  element("span", "running", table);
}
