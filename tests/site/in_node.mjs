// Answers questions about docs/draw in node: reads {kind, transform, given} as JSON, and writes the answers as JSON.
import { readFileSync, writeFileSync } from "node:fs";
import { PICTURES } from "../../docs/draw/pictures.js";
import { row } from "../../docs/draw/rows.js";
import { Tokenizer } from "../../docs/draw/texts.js";
import { metadata } from "../../docs/draw/zoo.js";

const [file] = process.argv.slice(2);
const { kind, transform, given } = JSON.parse(readFileSync(file, "utf8"));
const answer = {
  image: ({ width, height, rgba }) => {
    const floats = PICTURES[transform.name]({ data: new Uint8ClampedArray(Buffer.from(rgba, "base64")), width, height }, transform);
    return floats && Buffer.from(floats.buffer).toString("base64");
  },
  table: (values) => { try { return Array.from(row(values, transform)); } catch { return null; } },
  file: (base64) => { try { return metadata(Buffer.from(base64, "base64")); } catch (error) { return error.message; } },
  text: ((tokenizer) => (text) => tokenizer.encode(text))(kind === "text" && new Tokenizer(transform.tokenizer)),
}[kind];
writeFileSync(file, JSON.stringify(given.map((value) => answer(value))));
