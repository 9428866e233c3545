// What networks say, shown.

import { best, compact, make, percent } from "./parts.js";

/** A card with a network's probabilities of ten or so classes, as columns. */
export class Card {
  constructor(name, { summary, parameters, accuracy, classes }) {
    this.classes = classes;
    this.said = make("output", {}, "");
    this.share = make("small.share");
    this.columns = classes.map((label) => make("div.column", {}, make("i"), make("span", {}, label)));
    this.node = make("article.card", { title: summary },
      make("header", {}, make("h3", {}, name), make("small", {}, `${accuracy.toFixed(4)} · ${compact(parameters)} weights`)),
      make("div.said", {}, this.said, this.share),
      make("div.columns", { "aria-hidden": "true" }, ...this.columns));
  }

  show(values) {
    const top = values ? best(values) : -1;
    this.said.textContent = values ? this.classes[top] : "";
    this.share.textContent = values ? percent(values[top]) : "";
    this.columns.forEach((column, i) => {
      column.classList.toggle("best", i === top);
      column.firstChild.style.transform = `scaleY(${values ? values[i] : 0})`;
    });
  }
}

const MOST_CLASSES = 10;

/** Rows with the probabilities of one network, or its numbers. */
export class Answer {
  constructor({ classes, output, arguments: { multilabel } = {} }) {
    [this.classes, this.output, this.multilabel] = [classes, output, multilabel];
    this.node = make("div.answer", { hidden: true });
  }

  /** Show what was said; returns it in words. */
  show(values) {
    this.node.hidden = !values;
    if (!values) return "";
    if (this.output === "values") {
      const numbers = values.map((value) => value.toPrecision(5)).join(", ");
      this.node.replaceChildren(make("output.number", {}, numbers));
      return numbers;
    }
    const names = values.map((_, i) => this.classes[i] ?? String(i));
    if (values.length === 1) { // the probability of one class, which leaves the rest to the other
      names.unshift(names[0] === "1" ? "0" : `not ${names[0]}`);
      values = [1 - values[0], values[0]];
    }
    const sure = names.map((_, i) => i).filter((i) => (this.multilabel && values.length > 2 ? values[i] > 0.5 : i === best(values)));
    const order = names.map((_, i) => i);
    if (order.length > MOST_CLASSES) order.sort((a, b) => values[b] - values[a]).splice(MOST_CLASSES);
    this.node.replaceChildren(...order.map((i) => {
      const bar = make("i");
      bar.style.transform = `scaleX(${values[i]})`;
      return make(sure.includes(i) ? "div.line.best" : "div.line", {}, make("span", {}, names[i]), make("div.track", {}, bar), make("b", {}, percent(values[i])));
    }));
    return sure.map((i) => `${names[i]}, ${percent(values[i])}`).join("; ") || "none of the classes";
  }
}
