// Networks that `zoo export --format onnx` wrote, and what the Python package does around them.

import { PICTURES } from "./pictures.js";
import { row } from "./rows.js";
import { Tokenizer } from "./texts.js";

const METADATA = 14; // the field of ONNX's ModelProto, whose entries have a key and a value

/** What `zoo export` wrote about a network into its file: model, arguments, output, classes, transform. */
export function metadata(bytes) {
  let at = 0;
  const varint = () => {
    let value = 0, factor = 1, byte;
    do { byte = bytes[at++]; value += (byte & 127) * factor; factor *= 128; } while (byte & 128);
    return value;
  };
  const text = (length) => new TextDecoder().decode(bytes.subarray(at, (at += length)));
  while (at < bytes.length) {
    const tag = varint(), field = Math.floor(tag / 8), wire = tag & 7;
    if (wire === 0) varint();
    else if (wire === 1) at += 8;
    else if (wire === 5) at += 4;
    else if (wire !== 2) break; // no protobuf
    else {
      const length = varint();
      if (field !== METADATA) { at += length; continue; }
      const entry = {};
      for (const end = at + length; at < end;) { const key = varint() >> 3; entry[key] = text(varint()); }
      if (entry[1] === "zoo") return JSON.parse(entry[2]);
    }
  }
  throw new Error("it was not written by zoo export --format onnx");
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
