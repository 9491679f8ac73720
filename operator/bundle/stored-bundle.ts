import { promisify } from "node:util";
import { gunzip, gzip } from "node:zlib";
import type { Bundle } from "./bundle.ts";

const format = 1;
const deflate = promisify(gzip);
const inflate = promisify(gunzip);

/** A bundle as bytes, the same for the same bundle. */
export async function encodeBundle(bundle: Bundle): Promise<Buffer> {
  const { wasm, ...rest } = bundle;
  const packed =
    wasm === undefined
      ? rest
      : { ...rest, wasm: { ...wasm, module: Buffer.from(wasm.module).toString("base64") } };
  return deflate(JSON.stringify({ format, bundle: packed }));
}

/** What encodeBundle was given; throws when this is not what it made. */
export async function decodeBundle(content: Uint8Array): Promise<Bundle> {
  const stored = JSON.parse((await inflate(content)).toString()) as {
    readonly format: number;
    readonly bundle: Omit<Bundle, "wasm"> & {
      readonly wasm?: { readonly module: string; readonly entryPoints: readonly string[] };
    };
  };
  if (stored.format !== format) throw new Error(`is of format ${stored.format}, not ${format}`);
  const { wasm, ...rest } = stored.bundle;
  if (wasm === undefined) return rest;
  const module = Uint8Array.from(Buffer.from(wasm.module, "base64"));
  return { ...rest, wasm: { ...wasm, module } };
}
