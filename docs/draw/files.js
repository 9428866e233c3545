// What the page loads, each once and only when it is needed. Files are beside this script, or inside the one-file page.

import { Network } from "./zoo.js";

/** The bytes of a file. What was compressed is unpacked, unless the host has done so. */
async function bytesOf(name) {
  const packed = document.querySelector(`script[data-zoo-file="${name}"]`);
  const bytes = packed ? fromBase64(packed.textContent) : await fetched(name);
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  const unpacked = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(unpacked).arrayBuffer());
}

async function fetched(name) {
  const response = await fetch(new URL(name, import.meta.url));
  if (!response.ok) throw new Error(`${name} is not there (${response.status})`);
  return new Uint8Array(await response.arrayBuffer());
}

export function fromBase64(text) {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}

/** The same promise for the same name; what failed is tried again. */
function once(load) {
  const promises = new Map();
  return (name) => {
    if (!promises.has(name)) promises.set(name, load(name).catch((error) => { promises.delete(name); throw error; }));
    return promises.get(name);
  };
}

export const json = once(async (name) => JSON.parse(new TextDecoder().decode(await bytesOf(name))));

const runtime = once(async () => {
  const [ort, binary] = await Promise.all([import("./ort.mjs"), bytesOf("ort.wasm.gz")]);
  ort.env.wasm.numThreads = 1; // more would need headers, COOP and COEP, that plain hosts do not send
  ort.env.wasm.wasmBinary = binary;
  return ort;
});

/** A network from the bytes of an exported file. */
export async function networkFrom(bytes) {
  return Network.load(await runtime(), bytes);
}

/** A published network, by name. */
export const network = once(async (name) => {
  const [, bytes] = await Promise.all([runtime(), bytesOf(`models/${name}.onnx`)]);
  return networkFrom(bytes);
});
