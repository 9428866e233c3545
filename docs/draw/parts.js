// Parts of the page that all elements share.

import { STYLE } from "./style.js";

/** An HTML element: make("p.note", { hidden: true }, "text", child). */
export function make(tag, properties = {}, ...children) {
  const [name, ...classes] = tag.split("."), node = document.createElement(name);
  node.className = classes.join(" ");
  for (const [key, value] of Object.entries(properties)) {
    if (key in node) node[key] = value;
    else node.setAttribute(key, value);
  }
  node.append(...children);
  return node;
}

/** 1234567 as 1,234,567. */
export function counted(number) {
  return number.toLocaleString("en-US");
}

/** 39760 as 39.8K. */
export function compact(number) {
  return number.toLocaleString("en-US", { notation: "compact", maximumSignificantDigits: 3 });
}

export function percent(share) {
  return `${(100 * share).toFixed(1)}%`;
}

/** The index of the largest value. */
export function best(values) {
  return values.indexOf(Math.max(...values));
}

/** Answers the newest question, one at a time; those that have been overtaken are not answered. */
export function newest(answer) {
  let wanted, running = null;
  const answerAll = async () => {
    while (wanted) {
      const question = wanted;
      wanted = null;
      await answer(...question);
    }
  };
  const ask = (...question) => {
    wanted = question;
    return (running ??= answerAll().finally(() => { running = null; }));
  };
  return Object.defineProperty(ask, "idle", { get: () => running === null });
}

/** Begin the life of an element on a page, once; say what went wrong if it cannot. */
export async function begin(element, start) {
  if (element.shadowRoot) return;
  element.attachShadow({ mode: "open" }).append(make("style", {}, STYLE));
  try {
    await start();
    element.ready = true;
  } catch (error) {
    element.shadowRoot.append(make("p.state", { role: "alert" }, `This cannot be shown: ${error.message}`));
  }
}

/** What a screen reader says, once nothing has changed for a moment. */
export function announcer() {
  const node = make("p.spoken", { role: "status", "aria-live": "polite" });
  let timer;
  return { node, say(text) { clearTimeout(timer); timer = setTimeout(() => { node.textContent = text; }, 600); } };
}

const hasFiles = (event) => event.dataTransfer?.types.includes("Files");

for (const kind of ["dragover", "drop"]) { // a file that is dropped beside an element would be opened instead of the page
  window.addEventListener(kind, (event) => {
    if (!hasFiles(event) || event.defaultPrevented) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "none";
  });
}

/** Let files be dropped on an element. */
export function takeDrops(node, take) {
  const hover = (on) => (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    node.classList.toggle("hovered", on);
  };
  node.addEventListener("dragenter", hover(true));
  node.addEventListener("dragover", hover(true));
  node.addEventListener("dragleave", hover(false));
  node.addEventListener("drop", (event) => {
    hover(false)(event);
    if (event.dataTransfer.files.length) take(event.dataTransfer.files[0]);
  });
}

/** A button that asks for a file. */
export function fileButton(text, accept, take) {
  const input = make("input", { type: "file", accept, hidden: true });
  input.addEventListener("change", () => { if (input.files.length) take(input.files[0]); input.value = ""; });
  return [make("button", { type: "button", onclick: () => input.click() }, text), input];
}
