// Planes of pixels, { data, width, height }, one row after the other, and what is done with whole planes.

export const f32 = Math.fround;

export function plane(width, height, data = new Float32Array(width * height)) {
  return { data, width, height };
}

/** Python's and torch's rounding: halves to the even number. */
export function roundEven(x) {
  const rounded = Math.round(x);
  return Math.abs(x % 1) === 0.5 && rounded % 2 ? rounded - 1 : rounded;
}

export function transposed({ data, width, height }) {
  const turned = plane(height, width, new data.constructor(data.length));
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) turned.data[x * height + y] = data[y * width + x];
  return turned;
}

export function largest(values) {
  let most = -Infinity;
  for (const value of values) if (value > most) most = value;
  return most;
}

export function smallest(values) {
  let least = Infinity;
  for (const value of values) if (value < least) least = value;
  return least;
}

/** The gray of an ImageData in 0 to 1, as PIL's convert("L") and a division by 255 give it. */
export function gray({ data, width, height }) {
  const pixels = plane(width, height);
  for (let i = 0; i < width * height; i++) pixels.data[i] = luminance(data, 4 * i) / 255;
  return pixels;
}

export function luminance(rgba, at) {
  return (rgba[at] * 19595 + rgba[at + 1] * 38470 + rgba[at + 2] * 7471 + 0x8000) >> 16;
}

/** Values along the border; those in the corners are there twice. */
export function border({ data, width, height }) {
  const values = [];
  for (let x = 0; x < width; x++) values.push(data[x], data[(height - 1) * width + x]);
  for (let y = 0; y < height; y++) values.push(data[y * width], data[y * width + width - 1]);
  return values;
}

/** torch's median: of an even number of values, the lower one in the middle. */
export function median(values) {
  return Float32Array.from(values).sort()[(values.length - 1) >> 1];
}

/** How a line of `from` pixels, or the part of it from `first` to `last`, becomes one of `to`: a triangle as wide as two
 * output pixels, for each of these. */
export function triangles(from, to, first = 0, last = from) {
  const scale = (last - first) / to, support = Math.max(1, scale), steep = 1 / support;
  return Array.from({ length: to }, (_, x) => {
    const center = first + scale * (x + 0.5);
    const start = Math.max(0, Math.trunc(center - support + 0.5));
    const end = Math.min(from, Math.trunc(center + support + 0.5));
    const weights = Array.from({ length: end - start }, (_, i) => Math.max(0, 1 - Math.abs((start + i - center + 0.5) * steep)));
    const share = 1 / weights.reduce((a, b) => a + b, 0);
    return { start, weights: weights.map((weight) => weight * share) };
  });
}

/** Bilinear with antialiasing, as torch resizes floats. */
export function resized(pixels, width, height) {
  const narrow = alongRows(pixels, triangles(pixels.width, width));
  return transposed(alongRows(transposed(narrow), triangles(pixels.height, height)));
}

/** Rows of weighted sums, one for each of some triangles. */
export function alongRows({ data, width, height }, sums) {
  const out = plane(sums.length, height);
  sums.forEach(({ start, weights }, x) => {
    for (let y = 0; y < height; y++) {
      let sum = 0;
      for (let i = 0; i < weights.length; i++) sum += data[y * width + start + i] * weights[i];
      out.data[y * out.width + x] = sum;
    }
  });
  return out;
}
