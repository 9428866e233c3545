// <zoo-try network="xor">: one published network, with a form for what it takes: pictures, rows or texts.
// <zoo-try>: the same for any file of `zoo export --format onnx`, which is dropped on it.

import { Answer } from "./answers.js";
import { Board, Seen } from "./board.js";
import { json, network, networkFrom } from "./files.js";
import { announcer, begin, counted, fileButton, make, newest, takeDrops } from "./parts.js";
import { columnsOf } from "./rows.js";
import { takes } from "./zoo.js";

const BLANK = { image: "Nothing to read on this picture.", text: "Nothing to read in this text." };
const TEXTS = ["One of the best films I have ever seen.", "A dull, lifeless waste of two hours. I want my money back!"];

class ZooTry extends HTMLElement {
  connectedCallback() {
    begin(this, () => this.start());
  }

  async start() {
    this.place = make("div.place");
    this.state = make("p.state", { role: "status" });
    this.spoken = announcer();
    this.body = make("div.try", {}, this.place, this.state, this.spoken.node);
    this.shadowRoot.append(this.body);
    const name = this.getAttribute("network");
    if (!name) return this.takeFiles();
    const about = (await json("models.json"))[name];
    if (!about) throw new Error(`there is no network ${name}`);
    return this.ask(about, () => network(name));
  }

  takeFiles() {
    const take = async (file) => {
      this.state.textContent = `reading ${file.name} …`;
      try {
        const loaded = await networkFrom(new Uint8Array(await file.arrayBuffer()));
        this.ask(loaded.about, async () => loaded);
        const { model, arguments: { num_classes: classes } = {} } = loaded.about;
        const count = loaded.about.classes.length || classes;
        this.state.textContent = this.idle = `${file.name}, ${counted(file.size)} bytes: ${model}${count > 1 ? `, ${count} classes` : ""}`;
      } catch (error) {
        this.place.replaceChildren();
        this.state.textContent = `${file.name} cannot be used: ${error.message}`;
      }
      this.loaded = file.name;
    };
    const zone = make("div.zone", {}, make("p", {}, "Drop a file of ", make("code", {}, "zoo export --format onnx"), " here"),
      ...fileButton("Choose a file…", ".onnx", take));
    takeDrops(zone, take);
    this.body.prepend(zone);
  }

  /** Show the form for a network, which `load` loads when it is needed first. */
  ask(about, load) {
    const kind = takes(about), answer = new Answer(about);
    this.idle = "";
    const predict = (this.predict = newest(async (value) => {
      try {
        if (!this.network) this.state.textContent = "loading the network …";
        this.network = await load();
        const said = value === null ? null : await this.network.predict(value);
        if (said && !said.values.every(Number.isFinite)) throw new Error("The answer is not a number: the network has none for this input.");
        this.said = said && said.values;
        this.state.textContent = said || value === null ? this.idle : BLANK[kind];
        this.spoken.say(answer.show(this.said));
        if (kind === "image") {
          if (said) this.seen.show(said.input.data, about.transform);
          else this.seen.clear();
        }
      } catch (error) {
        answer.show(null);
        this.said = null;
        this.state.textContent = error.message;
      }
    }));
    this.network = null;
    const form = { image: () => this.pictureForm(about, predict), table: () => rowForm(about, predict), text: () => textForm(predict) }[kind]();
    form.addEventListener("focusin", () => load().catch((error) => { this.state.textContent = error.message; }), { once: true });
    this.place.replaceChildren(form, answer.node);
  }

  pictureForm({ transform }, predict) {
    const board = new Board((picture) => predict(board.empty ? null : picture));
    const open = (file) => board.open(file).catch(() => { this.state.textContent = `${file.name} is not a picture`; });
    this.seen = new Seen();
    const clear = make("button", { type: "button", onclick: () => { board.clear(); predict(null); } }, "Clear");
    takeDrops(board.node, open);
    if (transform.name === "Photo") board.hint.textContent = "drop a picture here";
    this.board = board;
    return make("div.picture", {}, board.node, make("div.tools", {}, clear, ...fileButton("Picture…", "image/*", open),
      make("figure", {}, this.seen.canvas, make("figcaption", {}, "what it sees"))));
  }
}

function rowForm({ transform }, predict) {
  const fields = columnsOf(transform).map(({ name, categories, mean = 1 }) => {
    const field = categories ? make("select", {}, ...categories.map((text) => make("option", {}, text)))
      : make("input", { type: "text", inputMode: "decimal", value: String(Number(mean.toPrecision(4))), autocomplete: "off" });
    return [field, make("label.field", {}, make("span", {}, name), field)];
  });
  const answer = () => predict(fields.map(([field]) => field.value));
  const form = make("form.row", { onsubmit: (event) => event.preventDefault(), oninput: answer }, ...fields.map(([, label]) => label));
  form.append(make("button", { type: "submit", onclick: answer }, "Answer"));
  return form;
}

function textForm(predict) {
  const area = make("textarea", { rows: 3, placeholder: TEXTS[0], "aria-label": "Text" }), answer = () => predict(area.value.trim() ? area.value : null);
  area.addEventListener("input", answer);
  const examples = TEXTS.map((text) => make("button.quote", { type: "button", onclick: () => { area.value = text; answer(); } }, text));
  return make("div.text", {}, area, make("div.quotes", {}, ...examples));
}

customElements.define("zoo-try", ZooTry);
