import { enums, layout } from "../gen/layout.ts";
import { argWith } from "./decode.ts";
import type { HookRecord } from "./kernel-record.ts";

/** By enum hash_algo of the kernel (include/uapi/linux/hash_info.h): the name, and how many bytes. */
const algorithms: ReadonlyMap<number, readonly [name: string, bytes: number]> = new Map([
  [1, ["md5", 16]],
  [2, ["sha1", 20]],
  [4, ["sha256", 32]],
  [5, ["sha384", 48]],
  [6, ["sha512", 64]],
  [7, ["sha224", 28]],
  [13, ["wp512", 64]],
  [17, ["sm3", 32]],
]);

/**
 * The hash of the file that the hook was asked about, `sha256:` and hexadecimal digits; undefined: the
 * kernel has none. The record must have no `argsProblem`.
 */
export function fileHashOf(record: HookRecord): string | undefined {
  const found = argWith(record, enums.arg_flag.ARG_FILE_HASH);
  if (found === undefined) return undefined;
  const [name, bytes] = algorithms.get(found.records.readUInt32LE(found.start)) ?? [];
  const start = found.start + layout.hash_payload.size;
  if (bytes === undefined || bytes > found.size - layout.hash_payload.size) return undefined;
  return `${name}:${found.records.toString("hex", start, start + bytes)}`;
}
