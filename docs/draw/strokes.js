// Strokes of a pen in a photo, without shading, shadows and ruled lines: zoo/transforms/photographed.py in JavaScript.
// Masks are planes of bytes, 0 or 1.

import { f32, largest, plane, roundEven, transposed } from "./pixels.js";

const FAINT = f32(0.2), SURE = f32(0.4), LONG = 0.35, SPECK = 0.05;

/** The strokes of a gray picture, light on dark, in 0 to 1; zeros if there are none. */
export function strokes(gray) {
  const ink = inkOf(gray), most = largest(ink.data);
  if (most < FAINT) return plane(ink.width, ink.height);
  ink.data.forEach((value, i) => { ink.data[i] = value / most; });
  const lines = linesOf(mask(ink, (i) => ink.data[i] > FAINT));
  let sure = mask(ink, (i) => ink.data[i] > SURE && !lines.data[i]);
  const across = [closedAlongRows(sure), transposed(closedAlongRows(transposed(sure)))];
  const open = sure;
  sure = mask(ink, (i) => open.data[i] || ((across[0].data[i] || across[1].data[i]) && lines.data[i] && ink.data[i] > SURE));
  const { part, sizes } = parts(sure);
  if (sizes.length === 1) return ink;
  const inside = [...sizes], { width, height } = ink;
  part.data.forEach((number, i) => {
    const x = i % width, y = (i - x) / width;
    if (x === 0 || y === 0 || x === width - 1 || y === height - 1) inside[number] = 0;
  });
  const kept = largest(inside) >= SPECK * largest(sizes) ? inside : sizes, least = Math.max(SPECK * largest(kept), 2);
  const chosen = mask(ink, (i) => sure.data[i] && kept[part.data[i]] >= least);
  const fringe = Math.max(1, roundEven(thickness(chosen)));
  const near = transposed(dilatedAlongRows(transposed(dilatedAlongRows(chosen, fringe)), fringe));
  return plane(width, height, ink.data.map((value, i) => (near.data[i] && (!lines.data[i] || chosen.data[i]) ? value : 0)));
}

function mask({ width, height }, holds) {
  const bits = new Uint8Array(width * height);
  for (let i = 0; i < bits.length; i++) bits[i] = holds(i) ? 1 : 0;
  return plane(width, height, bits);
}

/** How much darker, as a fraction, or lighter each pixel is than what is around it. */
function inkOf(gray) {
  const { width, height, data } = gray, ground = stretched(medians(coarse(gray)), width, height).data;
  const darker = data.map((value, i) => f32(1 - f32(value / Math.max(ground[i], f32(1e-3)))));
  const lighter = data.map((value, i) => f32(value - ground[i]));
  const ink = quantile(darker, 0.99) > quantile(lighter, 0.99) ? darker : lighter;
  return plane(width, height, ink.map((value) => Math.max(0, value)));
}

function quantile(values, share) {
  const sorted = Float32Array.from(values).sort(), at = share * (sorted.length - 1), low = Math.floor(at);
  return sorted[low] + (at - low) * (sorted[Math.min(low + 1, sorted.length - 1)] - sorted[low]);
}

/** Means of square blocks, about 40 along the longer side. */
function coarse({ data, width, height }) {
  const step = Math.max(1, Math.min(roundEven(Math.max(width, height) / 40), width, height));
  const small = plane(Math.floor(width / step), Math.floor(height / step));
  for (let y = 0; y < small.height; y++) for (let x = 0; x < small.width; x++) {
    let sum = 0;
    for (let j = 0; j < step; j++) for (let i = 0; i < step; i++) sum += data[(y * step + j) * width + x * step + i];
    small.data[y * small.width + x] = sum / (step * step);
  }
  return small;
}

/** The median of each pixel's surroundings, half as wide and high as the plane, whose border goes on outside. */
function medians({ data, width, height }) {
  const [across, down] = [width, height].map((length) => Math.floor(length / 2) >> 1);
  const around = new Float32Array((2 * across + 1) * (2 * down + 1)), out = plane(width, height);
  const within = (i, length) => Math.min(Math.max(i, 0), length - 1);
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) {
    let count = 0;
    for (let j = y - down; j <= y + down; j++) {
      const row = within(j, height) * width;
      for (let i = x - across; i <= x + across; i++) around[count++] = data[row + within(i, width)];
    }
    out.data[y * width + x] = middle(around);
  }
  return out;
}

/** The median of an odd number of values, which are left in another order. */
function middle(values) {
  const at = values.length >> 1;
  for (let low = 0, high = values.length - 1; low < high;) {
    const pivot = values[(low + high) >> 1];
    let i = low, j = high;
    while (i <= j) {
      while (values[i] < pivot) i++;
      while (values[j] > pivot) j--;
      if (i <= j) [values[i++], values[j--]] = [values[j], values[i]];
    }
    if (at <= j) high = j;
    else if (at >= i) low = i;
    else break;
  }
  return values[at];
}

/** Bilinear between the pixels of a small plane, whose corners become the corners. */
function stretched({ data, width, height }, toWidth, toHeight) {
  const places = (from, to) => Array.from({ length: to }, (_, i) => {
    const at = to > 1 ? i * ((from - 1) / (to - 1)) : i, low = Math.min(Math.floor(at), from - 1);
    return [low, Math.min(low + 1, from - 1), at - low];
  });
  const out = plane(toWidth, toHeight), columns = places(width, toWidth);
  places(height, toHeight).forEach(([top, bottom, down], y) => columns.forEach(([left, right, across], x) => {
    const upper = data[top * width + left] * (1 - across) + data[top * width + right] * across;
    const lower = data[bottom * width + left] * (1 - across) + data[bottom * width + right] * across;
    out.data[y * toWidth + x] = upper * (1 - down) + lower * down;
  }));
  return out;
}

/** The straight or slightly slanted lines that run from border to border. */
function linesOf(seen) {
  let lines = mask(seen, () => false);
  for (const thicker of [0, 1]) {
    const left = mask(seen, (i) => seen.data[i] && !lines.data[i]);
    const level = through(left, thicker), upright = transposed(through(transposed(left), thicker)), before = lines;
    lines = mask(seen, (i) => before.data[i] || level.data[i] || upright.data[i]);
  }
  return lines;
}

/** Level lines that reach both ends. `thicker`: how many rows above and below join the steps of a slanted one. */
function through(left, thicker) {
  const { width, height } = left, length = Math.max(1, roundEven(LONG * width));
  const joined = thicker ? transposed(dilatedAlongRows(transposed(left), thicker)) : left;
  const straight = mask(left, () => false);
  for (let y = 0; y < height; y++) {
    const at = (x) => joined.data[y * width + Math.min(Math.max(x, 0), width - 1)]; // as if lines went on outside
    for (let start = -length; start < width + length;) {
      let end = start;
      while (end < width + length && at(end)) end++;
      if (end - start >= length) straight.data.fill(1, y * width + Math.max(start, 0), y * width + Math.max(0, Math.min(end, width)));
      start = end + 1;
    }
  }
  straight.data.forEach((_, i) => { straight.data[i] &= left.data[i]; });
  const { part } = parts(straight), begun = new Set(), ended = new Set();
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) {
    if (x < 2) begun.add(part.data[y * width + x]);
    if (x >= width - 2) ended.add(part.data[y * width + x]);
  }
  return mask(left, (i) => part.data[i] && begun.has(part.data[i]) && ended.has(part.data[i]));
}

/** Numbers of the parts that touch, corners included, 0 outside; and the size of each. */
function parts({ data, width, height }) {
  const part = plane(width, height, new Int32Array(data.length)), sizes = [0];
  for (let first = 0; first < data.length; first++) {
    if (!data[first] || part.data[first]) continue;
    const stack = [first], number = sizes.length;
    part.data[first] = number;
    sizes.push(0);
    while (stack.length) {
      const i = stack.pop(), x = i % width, y = (i - x) / width;
      sizes[number]++;
      for (let v = Math.max(0, y - 1); v <= Math.min(height - 1, y + 1); v++) for (let u = Math.max(0, x - 1); u <= Math.min(width - 1, x + 1); u++) {
        const j = v * width + u;
        if (data[j] && !part.data[j]) { part.data[j] = number; stack.push(j); }
      }
    }
  }
  return { part, sizes };
}

function dilatedAlongRows(bits, radius) {
  const { width } = bits;
  return mask(bits, (i) => {
    const x = i % width;
    for (let j = Math.max(-radius, -x); j <= Math.min(radius, width - 1 - x); j++) if (bits.data[i + j]) return true;
    return false;
  });
}

/** Gaps of up to four pixels closed, except next to the border. */
function closedAlongRows(bits) {
  const { width } = bits, dilated = dilatedAlongRows(bits, 2).data;
  return mask(bits, (i) => {
    const x = i % width;
    return x >= 2 && x < width - 2 && dilated[i - 2] && dilated[i - 1] && dilated[i] && dilated[i + 1] && dilated[i + 2];
  });
}

/** The largest distance of a pixel of a mask from one outside it. */
function thickness({ data, width, height }) {
  const down = new Float64Array(data.length).fill(Infinity); // to the next one outside, in the same column
  for (let x = 0; x < width; x++) {
    for (const [start, end, step] of [[0, height, 1], [height - 1, -1, -1]]) {
      let distance = Infinity;
      for (let y = start; y !== end; y += step) {
        distance = data[y * width + x] ? distance + 1 : 0;
        down[y * width + x] = Math.min(down[y * width + x], distance);
      }
    }
  }
  let most = 0;
  data.forEach((bit, i) => {
    if (!bit) return;
    const x = i % width, row = i - x;
    let least = down[i] ** 2;
    for (let j = 1; j * j < least && (x - j >= 0 || x + j < width); j++) {
      if (x - j >= 0) least = Math.min(least, j * j + down[i - j] ** 2);
      if (x + j < width) least = Math.min(least, j * j + down[i + j] ** 2);
    }
    most = Math.max(most, least);
  });
  return Math.sqrt(most);
}
