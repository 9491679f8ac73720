import { layout } from "../gen/layout.ts";
import { read } from "../layout/struct.ts";
import { openShared } from "./free-program.ts";
import type { Held } from "./held.ts";
import type { Loader } from "./loader.ts";
import { hasWaiting } from "./waiting-maps.ts";

/**
 * Frees what events of earlier tables keep that no program will take any more: those at whose end of
 * the call there is none, or another than at its beginning. `before` and `held` are the attach points
 * by program name. Such a call was in flight while its policy was changed, and goes unreported.
 */
export function forgetWaiting(
  loader: Loader,
  generation: number,
  { before, held }: Readonly<Record<"before" | "held", ReadonlyMap<string, Held>>>,
): void {
  const { native, waiting } = loader;
  if (![...held.values()].some(({ tables }) => hasWaiting(tables.spec))) {
    waiting.remove();
    return;
  }
  const taken = new Set(pointsOf(held));
  const renewed = new Set(pointsOf([...before].filter(([name]) => !held.has(name))));
  const [events] = waiting.ensure();
  const keys = native.keys(events!);
  const unused: Uint8Array[] = [];
  const value = new Uint8Array(native.mapInfo(events!).valueSize);
  for (let at = 0; at < keys.length; at += layout.waiting_key.size) {
    const key = keys.subarray(at, at + layout.waiting_key.size);
    const { point } = read(key, layout.waiting_key);
    if (taken.has(point) && !renewed.has(point)) continue;
    if (!native.lookup(events!, key, value)) continue;
    if (read(value, layout.waiting).generation === generation) continue;
    unused.push(key);
  }
  forgetEvents(loader, unused);
}

/** By a program: a pod's share is counted by such alone. */
function forgetEvents(loader: Loader, keys: readonly Uint8Array[]): void {
  if (keys.length === 0) return;
  const object = openShared(loader, "waiting.bpf.o");
  try {
    loader.waiting.lend(object);
    object.load();
    for (const key of keys) object.run("waiting_forgotten", key);
  } finally {
    object.close();
  }
}

/** hook_spec.point of the programs that complete events. */
function pointsOf(all: Iterable<readonly [string, Held]>): readonly number[] {
  return [...all].flatMap(([, { point, tables }]) =>
    point.kind.sees === "return" ? [read(tables.spec, layout.hook_spec).point] : [],
  );
}
