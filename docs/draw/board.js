// The board that one draws on: with a pointer, or with the arrow keys.

import { make } from "./parts.js";

const SIDE = 280, PEN = 20, STEP = 14, LARGEST_PHOTO = 1200;

export class Board {
  /** `changed(picture)` is called with an ImageData at each change. */
  constructor(changed) {
    this.changed = changed;
    this.canvas = make("canvas", {
      width: SIDE, height: SIDE, tabIndex: 0, role: "application",
      "aria-label": "Board to draw on. Arrow keys move the pen, the space bar lowers and lifts it, Delete clears.",
    });
    this.ring = make("i.ring");
    this.hint = make("span.hint", {}, "draw here");
    const keys = make("span.keys", { "aria-hidden": "true" }, "arrow keys move the pen, space lowers and lifts it, Delete clears");
    this.node = make("div.board", {}, this.canvas, this.hint, this.ring, keys);
    this.ink = this.canvas.getContext("2d", { willReadFrequently: true });
    this.last = null; // where the pointer was, while it is down
    this.pen = { x: SIDE / 2, y: SIDE / 4, down: false }; // that of the keyboard
    this.clear();
    this.moveRing();
    this.canvas.addEventListener("pointerdown", (event) => {
      this.canvas.setPointerCapture(event.pointerId);
      this.startDrawing();
      this.last = null;
      this.follow(event);
    });
    this.canvas.addEventListener("pointermove", (event) => { if (this.last) this.follow(event); });
    for (const end of ["pointerup", "pointercancel"]) this.canvas.addEventListener(end, () => { this.last = null; });
    this.canvas.addEventListener("keydown", (event) => { if (this.press(event)) event.preventDefault(); });
  }

  /** What was drawn or shown. */
  get picture() {
    return this.shown ?? this.ink.getImageData(0, 0, SIDE, SIDE);
  }

  get empty() {
    return !this.node.classList.contains("used");
  }

  clear() {
    this.shown = null;
    this.ink.fillStyle = "#000"; // white on black, as in MNIST; the page gives both their colors
    this.ink.fillRect(0, 0, SIDE, SIDE);
    this.node.classList.remove("used");
  }

  /** Show a picture instead of a drawing; the next stroke begins a new one. */
  show(picture) {
    this.clear();
    this.shown = picture;
    const whole = new OffscreenCanvas(picture.width, picture.height), scale = SIDE / Math.max(whole.width, whole.height);
    whole.getContext("2d").putImageData(picture, 0, 0);
    const [width, height] = [whole.width * scale, whole.height * scale];
    this.ink.drawImage(whole, (SIDE - width) / 2, (SIDE - height) / 2, width, height);
    this.node.classList.add("used");
    this.changed(picture);
  }

  /** Show a picture file. */
  async open(file) {
    const bitmap = await createImageBitmap(file), scale = Math.min(1, LARGEST_PHOTO / Math.max(bitmap.width, bitmap.height));
    const [width, height] = [bitmap.width, bitmap.height].map((length) => Math.max(1, Math.round(length * scale)));
    const paper = new OffscreenCanvas(width, height).getContext("2d");
    paper.fillStyle = "#fff"; // under what is transparent
    paper.fillRect(0, 0, width, height);
    paper.drawImage(bitmap, 0, 0, width, height);
    this.show(paper.getImageData(0, 0, width, height));
  }

  startDrawing() {
    if (this.shown) this.clear();
    this.node.classList.add("used");
  }

  follow(event) {
    const box = this.canvas.getBoundingClientRect(), scale = SIDE / box.width;
    const events = event.getCoalescedEvents?.() ?? []; // none for a pointerdown, and in older Safari
    for (const { clientX, clientY } of events.length ? events : [event]) {
      this.line((clientX - box.left) * scale, (clientY - box.top) * scale);
    }
    this.changed(this.picture);
  }

  line(x, y) {
    const from = this.last ?? { x, y };
    Object.assign(this.ink, { lineWidth: PEN, lineCap: "round", lineJoin: "round", strokeStyle: "#fff" });
    this.ink.beginPath();
    this.ink.moveTo(from.x, from.y);
    this.ink.lineTo(x + 0.01, y); // a line without length, of a tap, would not be drawn
    this.ink.stroke();
    this.last = { x, y };
  }

  /** A key; returns whether it was one of the board's. */
  press({ key, ctrlKey, altKey, metaKey }) {
    if (ctrlKey || altKey || metaKey) return false; // the browser's
    const move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[key], { pen } = this;
    if (key === "Delete" || key === "Backspace") {
      this.clear();
      pen.down = false;
    } else if (key === " ") pen.down = !pen.down;
    else if (!move) return false;
    if (pen.down) this.startDrawing();
    const from = { x: pen.x, y: pen.y };
    if (move) [pen.x, pen.y] = [pen.x + STEP * move[0], pen.y + STEP * move[1]].map((at) => Math.min(Math.max(at, STEP), SIDE - STEP));
    if (pen.down) {
      this.last = from;
      this.line(pen.x, pen.y);
      this.last = null;
    }
    this.moveRing();
    if (pen.down || !move) this.changed(this.picture);
    return true;
  }

  moveRing() {
    this.ring.style.left = `${(100 * this.pen.x) / SIDE}%`;
    this.ring.style.top = `${(100 * this.pen.y) / SIDE}%`;
    this.ring.classList.toggle("down", this.pen.down);
  }
}

/** A small canvas that shows an input of a network: its first channel, or its three colors. */
export class Seen {
  constructor() {
    this.canvas = make("canvas.seen", { width: 28, height: 28, "aria-hidden": "true" });
  }

  show(input, { size = 28, padding = 0, channels = 1, low = 0 } = {}) {
    const side = size + 2 * padding, image = new ImageData(side, side);
    for (let i = 0; i < side * side; i++) {
      const value = (channel) => 255 * ((input[(channels === 3 ? channel : 0) * side * side + i] - low) / (1 - low));
      image.data.set([value(0), value(1), value(2), 255], 4 * i);
    }
    Object.assign(this.canvas, { width: side, height: side }).getContext("2d").putImageData(image, 0, 0);
  }

  clear() {
    this.canvas.getContext("2d").clearRect(0, 0, this.canvas.width, this.canvas.height);
  }
}
