// <zoo-draw networks="slp mlp">: a board, and what networks of digits say about the drawing. Default: all of them.

import { Card } from "./answers.js";
import { Board, Seen } from "./board.js";
import { fromBase64, json, network } from "./files.js";
import { announcer, begin, best, fileButton, make, newest, takeDrops } from "./parts.js";
import "./try.js";

class ZooDraw extends HTMLElement {
  connectedCallback() {
    begin(this, () => this.start());
  }

  async start() {
    const [about, digits] = await Promise.all([json("models.json"), json("digits.json")]);
    const all = Object.keys(about).filter((name) => about[name].data === "mnist");
    const asked = this.getAttribute("networks")?.split(/\s+/) ?? all;
    this.names = all.filter((name) => asked.includes(name));
    this.networks = new Map();
    this.cards = new Map(this.names.map((name) => [name, new Card(name, about[name])]));
    this.answer = newest((picture) => this.answerAll(picture));
    this.board = new Board((picture) => this.changed(picture));
    this.lay(digits, about);
    this.shadowRoot.append(this.body);
    const said = this.names.map((name) => about[name].first.values), digit = digits[about[this.names[0]].first.digit];
    this.board.show(pictureOf(digit));
    this.names.forEach((name, i) => this.cards.get(name).show(said[i]));
    this.progress = "from MNIST’s test set, with precomputed answers";
    this.tell(said.map(best), this.progress);
    this.seen.show(Float32Array.from(bytesOf(digit), (byte) => byte / 255));
    this.begun = true;
    for (const event of ["pointerenter", "pointerdown", "focusin"]) this.addEventListener(event, () => this.load(), { once: true });
  }

  lay(digits, about) {
    const sigmoids = this.names.filter((name) => about[name].output === "sigmoid");
    this.seen = new Seen();
    this.verdict = make("p.verdict");
    this.state = make("p.state");
    this.spoken = announcer();
    const open = (file) => this.board.open(file).catch(() => { this.state.textContent = `${file.name} is not a picture`; });
    const clear = make("button", { type: "button", onclick: () => { this.board.clear(); this.changed(this.board.picture); } }, "Clear");
    const examples = digits.map((digit) => {
      const seen = new Seen();
      seen.show(Float32Array.from(bytesOf(digit), (byte) => byte / 255));
      return make("button.example", {
        type: "button", "aria-label": `A ${digit.label} from MNIST’s test set`, onclick: () => this.board.show(pictureOf(digit)),
      }, seen.canvas);
    });
    const left = make("section.left", {}, this.board.node,
      make("div.tools", {}, clear, ...fileButton("Photo…", "image/*", open), make("figure", {}, this.seen.canvas, make("figcaption", {}, this.names.length === 1 ? "what it sees" : "what they see"))),
      make("div.examples", { role: "group", "aria-label": "Digits to start from" }, ...examples));
    const right = make("section.right", {}, make("div.top", {}, this.verdict, this.state),
      make("div.cards", {}, ...[...this.cards.values()].map((card) => card.node)),
      make("p.note", { hidden: !sigmoids.length }, `${sigmoids.join(" and ")} ${sigmoids.length === 1 ? "ends" : "end"} in ten independent sigmoids, so ${sigmoids.length === 1 ? "its" : "their"} numbers need not add up to 100%.`));
    this.body = make("div.draw", {}, left, right, this.spoken.node);
    takeDrops(this.board.node, open);
  }

  changed(picture) {
    if (!this.begun) return undefined; // the digit at first needs no network
    this.asked = true;
    this.load();
    return this.answer(picture);
  }

  /** Load the networks, one after the other; each answers as soon as it is there. */
  load() {
    return (this.loading ??= this.loadAll().catch((error) => {
      this.loading = null;
      this.report(`Loading failed: ${error.message}`);
    }));
  }

  async loadAll() {
    for (const name of this.names) {
      this.report(`loading ${name} …`);
      this.networks.set(name, await network(name));
    }
    this.report("ready, in your browser");
  }

  /** Say how far loading has come, and answer with the networks that are there. */
  report(progress) {
    this.state.textContent = this.progress = progress;
    if (this.asked) this.answer(this.board.picture);
  }

  async answerAll(picture) {
    const begin = performance.now(), labels = [];
    this.said = {};
    let input = null;
    for (const name of this.names) {
      const loaded = this.networks.get(name), said = await loaded?.predict(picture);
      this.cards.get(name).show(said?.values); // nothing, if it is still to be loaded: an old answer would be wrong
      if (!said) continue;
      this.said[name] = said.values;
      labels.push(best(said.values));
      if (!input || !loaded.about.transform.padding) input = { floats: said.input.data, transform: loaded.about.transform };
    }
    if (input) this.seen.show(input.floats, input.transform);
    else this.seen.clear();
    const took = performance.now() - begin, all = this.networks.size === this.names.length;
    this.tell(labels, all && labels.length ? `answered in ${took.toFixed(0)} ms, in your browser` : this.progress);
  }

  /** Say what most networks say. */
  tell(labels, state) {
    const counts = new Map(labels.map((label) => [label, labels.filter((other) => other === label).length]));
    const [[most, count] = []] = [...counts].sort((a, b) => b[1] - a[1]);
    this.state.textContent = state;
    if (most === undefined) {
      const nothing = this.networks.size ? "Nothing to read on this picture." : this.loading ? "Loading the networks …" : "No network is loaded.";
      this.verdict.replaceChildren(this.board.empty ? "Draw a digit." : nothing);
      return;
    }
    const share = count === labels.length ? `all ${count}` : `${count} of ${labels.length}`;
    const who = labels.length === 1 ? `says ${[...this.cards.keys()][0]}` : `${share} networks agree`;
    this.verdict.replaceChildren(make("b", {}, String(most)), " ", who);
    this.spoken.say(`${most}, ${who}`);
  }
}

function bytesOf(digit) {
  return fromBase64(digit.pixels);
}

function pictureOf(digit) {
  const image = new ImageData(28, 28);
  bytesOf(digit).forEach((byte, i) => image.data.set([byte, byte, byte, 255], 4 * i));
  return image;
}

customElements.define("zoo-draw", ZooDraw);
