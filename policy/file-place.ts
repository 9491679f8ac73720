import type { HookPointOf } from "./hook-point.ts";

/** A place in a program or library. */
export type FilePlace = HookPointOf<"uprobe" | "usdt">;

/** In a word for people: `/bin/bash:readline+0x10`, `/usr/bin/node:node:gc__start`. */
export function describeFilePlace(place: FilePlace): string {
  const { path } = place;
  if (place.kind === "usdt") return `${path}:${place.provider}:${place.name}`;
  const { symbol, offset = 0, address } = place;
  if (address !== undefined) return `${path}:address 0x${address.toString(16)}`;
  const number = `0x${offset.toString(16)}`;
  if (symbol === undefined) return `${path}:offset ${number}`;
  return `${path}:${symbol}${offset === 0 ? "" : `+${number}`}`;
}
