import type { Native } from "./native.ts";

/** Removes every entry of a map whose keys have 8 bytes, such as addresses. */
export function removeAll(native: Native, map: number): void {
  const keys = native.keys(map);
  for (let at = 0; at < keys.length; at += 8) native.remove(map, keys.subarray(at, at + 8));
}
