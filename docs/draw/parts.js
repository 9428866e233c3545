// Parts of the page that all elements share.

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

/** What a screen reader says, once nothing has changed for a moment. */
export function announcer() {
  const node = make("p.spoken", { role: "status", "aria-live": "polite" });
  let timer;
  return { node, say(text) { clearTimeout(timer); timer = setTimeout(() => { node.textContent = text; }, 600); } };
}

/** Let files be dropped on an element. */
export function takeDrops(node, take) {
  const hover = (on) => (event) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
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
