// From a row of values, given as texts, to the input of a network: zoo/transforms/rows.py and tables.py in JavaScript.

const MISSING = new Set(["", "na", "n/a", "nan", "null", "?"]);

/** The columns of a network's rows: name, and categories if it has texts. `transform` is that of the metadata. */
export function columnsOf({ name, features, learned }) {
  if (name === "Row") return Array.from({ length: features }, (_, i) => ({ name: `x${i + 1}` }));
  return JSON.parse(learned).columns;
}

/** Floats of one row. Throws an error that names the column whose value is missing, unknown or no number. */
export function row(values, transform) {
  const features = columnsOf(transform).flatMap((column, i) => encoded(String(values[i] ?? "").trim(), column));
  if (transform.name === "Table" && !JSON.parse(transform.learned).classes.length) features.push(1);
  return Float32Array.from(features);
}

function encoded(text, { name, categories, mean = 0, std = 1, missing = null }) {
  const cell = MISSING.has(text.toLowerCase()) ? missing : text;
  if (cell === null) throw new Error(`${name} is missing`);
  if (categories) {
    if (!categories.includes(cell)) throw new Error(`${name}: "${cell}" was not in the training data`);
    return categories.map((category) => Number(category === cell));
  }
  const number = Number(cell);
  if (!Number.isFinite(number)) throw new Error(`${name}: expected a number, got "${cell}"`);
  return [(number - mean) / std];
}
