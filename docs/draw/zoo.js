// Networks that `zoo export --format onnx` wrote, and what the Python package does around them.

import { PICTURES } from "./pictures.js";
import { row } from "./rows.js";
import { Tokenizer } from "./texts.js";

const METADATA = 14; // the field of ONNX's ModelProto, whose entries have a key and a value

const FOREIGN = "it was not written by zoo export --format onnx";

/** Reads the numbers and the texts of a protobuf; throws an error where its bytes end too early. */
class Reader {
  constructor(bytes) {
    [this.bytes, this.at] = [bytes, 0];
  }

  get more() {
    return this.at < this.bytes.length;
  }

  varint() {
    let value = 0;
    for (let i = 0; i < 10 && this.more; i++) {
      const byte = this.bytes[this.at++];
      value += (byte & 127) * 128 ** i;
      if (byte < 128) return value;
    }
    throw new Error(FOREIGN);
  }

  take(length) {
    if (length > this.bytes.length - this.at) throw new Error(FOREIGN);
    return this.bytes.subarray(this.at, (this.at += length));
  }
}

/** What `zoo export` wrote about a network into its file: model, arguments, output, classes, transform. */
export function metadata(bytes) {
  const file = new Reader(bytes);
  while (file.more) {
    const tag = file.varint(), wire = tag & 7;
    if (wire === 0) file.varint();
    else if (wire === 1) file.take(8);
    else if (wire === 5) file.take(4);
    else if (wire !== 2) break; // no protobuf
    else {
      const content = file.take(file.varint()), inside = new Reader(content), entry = {};
      if (Math.floor(tag / 8) !== METADATA) continue;
      while (inside.more) { const key = inside.varint() >> 3; entry[key] = new TextDecoder().decode(inside.take(inside.varint())); }
      if (entry[1] === "zoo") return parsed(entry[2]);
    }
  }
  throw new Error(FOREIGN);
}

function parsed(text) {
  try {
    const about = JSON.parse(text);
    if (about?.output && Array.isArray(about.classes)) return about;
  } catch { /* no JSON */ }
  throw new Error(FOREIGN);
}

/** What a network says, from its outputs for one input: probabilities by class, or the numbers of a regression. */
export function predicted(output, { output: kind, arguments: { multilabel } = {} }) {
  if (kind === "log_probs") return output.map(Math.exp);
  if (kind !== "logits") return output;
  if (multilabel) return output.map((value) => 1 / (1 + Math.exp(-value)));
  const most = Math.max(...output), powers = output.map((value) => Math.exp(value - most));
  const sum = powers.reduce((a, b) => a + b);
  return powers.map((power) => power / sum);
}

/** What a network takes: "image", "table" or "text". Throws an error for a transform that this page does not know. */
export function takes({ transform }) {
  if (!transform) throw new Error("it has no transform, so it takes tensors alone");
  if (transform.name === "Text") return "text";
  if (transform.name === "Row" || transform.name === "Table") return "table";
  if (transform.name in PICTURES) return "image";
  throw new Error(`this page does not know the transform ${transform.name}`);
}

/** An exported network, running in onnxruntime-web, which is given as `ort`. */
export class Network {
  static async load(ort, bytes) {
    const network = new Network();
    network.ort = ort;
    network.about = metadata(bytes);
    network.takes = takes(network.about);
    if (network.takes === "text") network.tokenizer = new Tokenizer(network.about.transform.tokenizer);
    network.session = await ort.InferenceSession.create(bytes, { executionProviders: ["wasm"] });
    return network;
  }

  /** The input of a picture (ImageData), a text or a row (texts of its values); null for one that is empty. */
  input(value) {
    const { transform } = this.about;
    if (this.takes === "text") {
      const ids = this.tokenizer.encode(value);
      return ids.length ? new this.ort.Tensor("int64", BigInt64Array.from(ids, BigInt), [1, ids.length]) : null;
    }
    const floats = this.takes === "table" ? row(value, transform) : PICTURES[transform.name](value, transform);
    const shape = this.session.inputMetadata[0].shape.slice(1); // (784), (28, 28), (1, 32, 32): as it was exported
    return floats && new this.ort.Tensor("float32", floats, [1, ...shape]);
  }

  /** What the network says, as a list of numbers, and its input; null for an empty input. */
  async predict(value) {
    const input = this.input(value);
    if (!input) return null;
    const { output } = await this.session.run({ input });
    return { values: predicted(Array.from(output.data), this.about), input };
  }
}
