// A window that slides over a small matrix, worked out step by step: the browser's side of the walkthroughs in
// explorer.lesson, with the same numbers and the same words. A browser test holds one against the other.

const SPOKEN_TERMS = 9;

// Exactly in the middle between two numbers of six digits; then, as in Python, the even one is taken.
const MIDDLE = /^-?\d\.\d{4}[02468]50*e/;

// Up to six digits, with the minus sign of mathematics; nine decimals hide what binary tenths leave over.
function written(value) {
  const rounded = Number(value.toFixed(9)) + 0;
  const exact = rounded.toExponential(80);
  const six = MIDDLE.test(exact) ? Number(exact.replace(/50*e/, "e")) : Number(rounded.toPrecision(6));
  const [mantissa, power] = six.toExponential(5).split("e");
  const plain = Number(power) < -4 || Number(power) >= 6
    ? `${Number(mantissa)}e${power[0]}${power.slice(1).padStart(2, "0")}`
    : six.toString();
  return plain.replaceAll("-", "−");
}

const spoken = (value) => written(value).replaceAll("−", "minus ");
const bracketed = (text) => (text.startsWith("−") ? `(${text})` : text);
const sum = (values) => values.reduce((total, value) => total + value, 0);
const turned = (rows) => rows.map((row) => [...row].reverse()).reverse();
const by = ([rows, columns]) => `${rows}×${columns}`;

// What is walked through, its texts read as numbers: sizes, weights as they are laid on, or why it is impossible.
function walkthrough(mode, setting) {
  const input = setting.input.map((row) => row.map(readNumber));
  const kernel = setting.kernel.map((row) => row.map(readNumber));
  const taps = { convolution: [kernel.length, kernel[0]?.length], relu: [1, 1] }[mode] ?? setting.window;
  const { stride, padding, dilation } = setting;
  const [top, bottom, left, right] = padding;
  const size = [input.length, input[0].length];
  const padded = [size[0] + top + bottom, size[1] + left + right];
  const span = taps.map((count, axis) => dilation[axis] * (count - 1) + 1);
  const output = [0, 1].map((axis) => Math.floor((padded[axis] - span[axis]) / stride[axis]) + 1);
  const walk = { mode, input, kernel, taps, stride, padding, dilation, size, padded, span, output };
  walk.weights = setting.flipped ? turned(kernel) : kernel;
  walk.problem = output[0] < 1 || output[1] < 1 ? misfit(walk) : "";
  return walk;
}

function misfit({ mode, taps, dilation, span, padded, size, padding }) {
  const what = mode === "convolution" ? "kernel" : "window";
  const reach = by(dilation) === "1×1" ? "" : ` With dilation ${Math.max(...dilation)} it reaches over ${by(span)} cells.`;
  const around = Math.max(...padding) ? ` with its padding (${by(padded)} together)` : "";
  const axes = [0, 1].filter((axis) => span[axis] > padded[axis]);
  const missing = Math.max(...axes.map((axis) => Math.ceil((span[axis] - padded[axis]) / 2)));
  const padMore = mode === "convolution" ? `, or ${missing} more cell${missing > 1 ? "s" : ""} of padding on each side` : "";
  return `A ${what} of ${by(taps)} does not fit into an input of ${by(size)}${around}.${reach} ` +
    `Take a smaller ${what}${by(dilation) === "1×1" ? "" : ", less dilation"}, a larger input${padMore}.`;
}

// One position of the window: its products (for pooling only cells), row by row, with sums on the way.
function positionAt(walk, row, column) {
  const [y, x] = [row * walk.stride[0] - walk.padding[0], column * walk.stride[1] - walk.padding[2]];
  let running = 0;
  const rows = Array.from({ length: walk.taps[0] }, (_, i) => {
    const terms = Array.from({ length: walk.taps[1] }, (_, j) => termAt(walk, y + i * walk.dilation[0], x + j * walk.dilation[1], [i, j]));
    running += sum(terms.map((term) => term.product));
    return { terms, sum: sum(terms.map((term) => term.product)), running };
  });
  const terms = rows.flatMap((each) => each.terms);
  return { row, column, rows, terms, ...RESULTS[walk.mode](terms, rows) };
}

function termAt(walk, row, column, tap) {
  const value = walk.input[row]?.[column] ?? 0;
  const weight = walk.mode === "convolution" ? walk.weights[tap[0]][tap[1]] : 1;
  return { row, column, tap, value, weight, product: value * weight + 0, padding: walk.input[row]?.[column] === undefined };
}

// What becomes of the window: the number, and for max-pooling the first cell that holds it.
const RESULTS = {
  convolution: (_, rows) => ({ result: rows.at(-1).running }),
  relu: ([cell]) => ({ result: Math.max(0, cell.value) }),
  average: (cells) => ({ result: sum(cells.map((cell) => cell.value)) / cells.length }),
  max: (cells) => {
    const winner = cells.reduce((best, cell) => (cell.value > best.value ? cell : best));
    return { result: winner.value, winner };
  },
};

const termText = (term) => `${bracketed(written(term.value))}×${bracketed(written(term.weight))}`;
const totalText = ({ rows, result }) =>
  rows.length > 1 ? `${rows.map((row, i) => (i ? bracketed : String)(written(row.sum))).join(" + ")} = ${written(result)}` : written(result);

// The computation of pooling and ReLU, which fits into one line.
function lineText(walk, { terms, result }) {
  const values = terms.map((cell) => written(cell.value)).join(", ");
  const name = { max: "max(", average: "mean(", relu: "max(0, " }[walk.mode];
  return `${name}${values}) = ${written(result)}`;
}

// The computation for somebody who listens.
function sentence(walk, position) {
  const where = `Output row ${position.row}, column ${position.column}.`;
  return SENTENCES[walk.mode](position, where);
}

const SENTENCES = {
  convolution({ rows, terms, result }, where) {
    const outside = terms.filter((term) => term.padding).length;
    const padding = outside ? `, ${outside} of its ${terms.length} cells in the padding` : "";
    const lines = rows.map(({ terms: row, sum: total }, number) =>
      terms.length > SPOKEN_TERMS
        ? `Kernel row ${number} gives ${spoken(total)}.`
        : `Kernel row ${number}: ${row.map((term) => `${spoken(term.value)} times ${spoken(term.weight)}`).join(" plus ")} makes ${spoken(total)}.`);
    const covers = `${listed("row", rows.map((row) => row.terms[0].row))} and ${listed("column", rows[0].terms.map((term) => term.column))}`;
    return `${where} The window covers input ${covers}${padding}. ${lines.join(" ")} The result is ${spoken(result)}.`;
  },
  max({ terms, winner }, where) {
    return `${held(where, terms)} The largest is ${spoken(winner.value)}, at row ${winner.row}, column ${winner.column}.`;
  },
  average({ terms, result }, where) {
    return `${held(where, terms)} Their mean is ${spoken(result)}.`;
  },
  relu({ row, column, terms: [{ value }] }) {
    const end = value > 0 ? "is positive and stays." : value ? "is not positive and becomes 0." : "stays 0.";
    return `Row ${row}, column ${column}: ${spoken(value)} ${end}`;
  },
};

const held = (where, cells) => `${where} The window holds ${cells.map((cell) => spoken(cell.value)).join(", ")}.`;

// "rows 1 to 3" where they follow one another, "rows 0, 2 and 4" where the kernel is dilated.
function listed(kind, numbers) {
  const words = numbers.map(spoken);
  if (words.length === 1) return `${kind} ${words[0]}`;
  if (numbers[1] - numbers[0] === 1) return `${kind}s ${words[0]} to ${words.at(-1)}`;
  return `${kind}s ${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
}

// Numbers that look random and are the same for the same seed everywhere (Mulberry32).
function randomNumbers(seed) {
  let state = seed >>> 0;
  return (low, high) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return low + Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296) * (high - low + 1));
  };
}
