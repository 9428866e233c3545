// From a picture, an ImageData, to the input of a network: zoo/transforms/pictures.py and ink.py in JavaScript.

import {
  alongRows, border, f32, gray, largest, luminance, median, plane, resized, roundEven, smallest, transposed, triangles,
} from "./pixels.js";
import { strokes } from "./strokes.js";

const FAINT = f32(0.2), PHOTO = 160;

/** Transforms of pictures by name. Each returns floats, one channel after the other; null if the picture is empty. */
export const PICTURES = { Digit: digit, Item: item, Photo: photo };

export function digit(image, { size = 28, channels = 1, padding = 0 } = {}) {
  const ready = pixelsIfReady(image, size);
  if (ready) return onCanvas(ready, { size, channels, padding, top: 0, left: 0 });
  const ink = foreground(gray(image), roundEven((size * 20) / 28), true);
  if (!ink) return null;
  const rows = new Float64Array(ink.height), columns = new Float64Array(ink.width);
  ink.data.forEach((value, i) => { columns[i % ink.width] += value; rows[Math.floor(i / ink.width)] += value; });
  return onCanvas(ink, { size, channels, padding, top: centered(rows, size), left: centered(columns, size) });
}

export function item(image, { size = 28, padding = 0 } = {}) {
  const ready = pixelsIfReady(image, size), ink = ready ?? foreground(gray(image), size, false);
  return ink && onCanvas(ink, { size, channels: 1, padding, top: (size - ink.height) >> 1, left: (size - ink.width) >> 1 });
}

export function photo(image, { size = 32, low = 0, padding = 0, channels = 3 } = {}) {
  const bytes = middleSquare(image, size, channels), side = size + 2 * padding;
  const scaled = (byte) => (byte / 255) * (1 - low) + low, out = new Float32Array(channels * side * side).fill(scaled(0));
  bytes.forEach(({ data }, channel) => {
    for (let y = 0; y < size; y++) for (let x = 0; x < size; x++) {
      out[(channel * side + padding + y) * side + padding + x] = scaled(data[y * size + x]);
    }
  });
  return out;
}

function pixelsIfReady(image, size) {
  if (image.width !== size || image.height !== size) return null;
  const pixels = gray(image);
  return median(border(pixels)) < 0.5 ? pixels : null;
}

/** What is not ground, light on dark, cut out and scaled so that its longer side is `side`; null if there is nothing. */
function foreground(picture, side, photographed) {
  const edge = border(picture), ground = median(edge), low = smallest(picture.data), high = largest(picture.data);
  const away = f32(Math.max(ground - low, high - ground));
  const even = largest(edge.map((value) => f32(Math.abs(value - ground)))) <= f32(FAINT * away);
  let ink;
  if (photographed && !even) {
    const shorter = Math.min(picture.width, picture.height);
    const [width, height] = [picture.width, picture.height].map((length) => Math.trunc((PHOTO * length) / shorter));
    ink = strokes(shorter > PHOTO ? resized(picture, width, height) : picture);
  } else {
    const sign = f32(ground - low) > f32(high - ground) ? -1 : 1;
    ink = plane(picture.width, picture.height, picture.data.map((value) => Math.max(0, sign * (value - ground))));
  }
  const most = largest(ink.data);
  if (most < FAINT) return null;
  let [top, bottom, left, right] = [ink.height, -1, ink.width, -1];
  ink.data.forEach((value, i) => {
    ink.data[i] = value / most;
    if (ink.data[i] <= FAINT) return;
    const x = i % ink.width, y = (i - x) / ink.width;
    [top, bottom, left, right] = [Math.min(top, y), Math.max(bottom, y), Math.min(left, x), Math.max(right, x)];
  });
  const cut = plane(right - left + 1, bottom - top + 1);
  for (let y = 0; y < cut.height; y++) {
    const from = (top + y) * ink.width + left;
    cut.data.set(ink.data.subarray(from, from + cut.width), y * cut.width);
  }
  const scaled = (length) => Math.max(1, roundEven((length * side) / Math.max(cut.width, cut.height)));
  return resized(cut, scaled(cut.width), scaled(cut.height));
}

/** Where a line of ink must start for its center of mass to be in the middle, without leaving the canvas. */
function centered(mass, size) {
  const center = mass.reduce((sum, value, i) => sum + value * i, 0) / mass.reduce((a, b) => a + b);
  const offset = roundEven(Math.round((size / 2 - 0.5 - center) * 1000) / 1000); // noise does not decide a tie
  return Math.min(Math.max(offset, 0), size - mass.length);
}

function onCanvas(ink, { size, channels, padding, top, left }) {
  const side = size + 2 * padding, out = new Float32Array(channels * side * side);
  for (let channel = 0; channel < channels; channel++) for (let y = 0; y < ink.height; y++) {
    const row = ink.data.subarray(y * ink.width, (y + 1) * ink.width);
    out.set(row, (channel * side + padding + top + y) * side + padding + left);
  }
  return out;
}

/** The middle square of each channel in bytes, as Pillow's ImageOps.fit resizes it, up to the last bit. */
function middleSquare({ data, width, height }, size, channels) {
  const square = Math.min(width, height), left = (width - square) / 2, top = (height - square) / 2;
  const columns = triangles(width, size, left, left + square), rows = triangles(height, size, top, top + square);
  return Array.from({ length: channels }, (_, channel) => {
    const bytes = plane(width, height).data.map((_, i) => (channels === 1 ? luminance(data, 4 * i) : data[4 * i + channel]));
    const narrow = inBytes(alongRows(plane(width, height, bytes), columns));
    return transposed(inBytes(alongRows(transposed(narrow), rows)));
  });
}

function inBytes({ data, width, height }) {
  return plane(width, height, data.map(Math.round));
}
