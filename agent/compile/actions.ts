import { createHash } from "node:crypto";
import type { Arg, Hook, Post } from "@guardbee/policy";
import {
  argKind,
  asksDigest,
  defaultAction,
  effectOf,
  isEnforcing,
  postOf,
  stopsFollowed,
} from "@guardbee/policy/sets";
import { actionCodec } from "../actions/index.ts";
import type { ReadingNumbers } from "../actions/kind.ts";
import type { Sees } from "../attach/index.ts";
import { enums, layout } from "../gen/layout.ts";
import { bytesOf } from "../layout/struct.ts";
import type { PlannedHook } from "./plan.ts";
import type { Readings } from "./readings.ts";

export type ActionContext = {
  /** What its events carry, and the kernel counts its stops under. */
  readonly number: number;
  /** First bit of the next hook. */
  readonly next: number;
  readonly readings: Readings;
  /** The arguments of hook_spec.event_readings. */
  readonly eventReadings: readonly number[];
  /** Which part of a call the program sees. */
  readonly sees: Sees;
  /** Follow group of the set, where it has one. */
  readonly group: number | undefined;
};

/** What one selector does, and what of the engine that takes. */
export type EncodedActions = {
  /** struct action_entry */
  readonly bytes: Uint8Array;
  /** Bits of hook_spec.use. */
  readonly use: number;
  /** Bits of hook_spec.actions. */
  readonly actions: number;
};

const { ACT_STOPS, ACT_MONITORED, ACT_CLOSES, ACT_WAITS, ACT_RETURNED } = enums.act_flag;
const { ACT_GOES_ON, ACT_STOPS_LATER, ACT_KERNEL_STACK, ACT_USER_STACK } = enums.act_flag;
const { ACT_HASH, ACT_DIGEST, ACT_NOTHING } = enums.act_flag;
const { ACT_EVENT_READINGS } = enums.act_flag;
const { OPERATION_STOPS } = enums.operation_flag;

/** The entry of a hook's selector. Throws RangeError where it has more actions than the engine takes. */
export function encodeActions(
  planned: PlannedHook,
  selector: number,
  context: ActionContext,
): EncodedActions {
  const { actions: atEntry, returnActions = [] } = planned.selectors[selector]!;
  const { sees } = context;
  const { set } = planned.set;
  const { args, returned } = context.readings.ofHook.get(planned)!;
  const waits = sees === "entry" && planned.hook.returned !== undefined;
  /** Those that this program carries out. */
  const all = [
    ...atEntry.filter(({ action }) => {
      const { withEvent = false } = actionCodec(action);
      return withEvent ? !waits : sees !== "return";
    }),
    ...(sees === "entry" ? [] : returnActions),
  ];
  const stops = all.some(isEnforcing);
  const stopsLater = waits && returnActions.some(isEnforcing);
  const follows = all.some((one) => effectOf(one).follow !== undefined);
  const closes = follows && stopsFollowed(set);
  const enforces = all.some((one) => effectOf(one).enforces !== undefined);
  const monitored = set.mode === "monitor" && (stops || stopsLater || closes || enforces);
  const readings = readingNumbers(planned, context.readings);
  const stacks = sees === "return" ? 0 : stacksOf(postOf(atEntry)?.stacks);
  const hashes = postOf(atEntry)?.hashesFile === true;
  const asks = sees !== "return" && asksDigest(planned.selectors[selector]!.conditions);
  const socket = args.find((_, i) => isSocket(planned.hook.args[i]!));
  const ofActions = all.flatMap((action) => {
    if (monitored && isEnforcing(action)) return [];
    const codec = actionCodec(action.action);
    const arg = codec.arg?.(action, readings);
    const flags = isEnforcing(action) ? OPERATION_STOPS : 0;
    const reading = codec.reading?.(action, readings) ?? 0;
    return arg === undefined ? [] : [{ action: codec.code, flags, reading, arg }];
  });
  const isSilent = all.length > 0 && all.every(({ action }) => action === "NoPost");
  const isNothing = isSilent && !asks && !waits && returned === undefined;
  const operations = [...onReturnedSocket(planned.hook, returned), ...ofActions];
  const bytes = bytesOf(layout.action_entry, {
    group: context.group === undefined ? 0n : 1n << BigInt(context.group),
    ...{ hook: context.number, selector, next: context.next, set: numberOfSet(planned.set.name) },
    flags:
      (stops ? ACT_STOPS : 0) |
      (closes ? ACT_CLOSES : 0) |
      (monitored ? ACT_MONITORED : 0) |
      (waits ? ACT_WAITS : 0) |
      (waits && (returnActions.length > 0 || planned.hook.returned?.action) ? ACT_GOES_ON : 0) |
      (stopsLater ? ACT_STOPS_LATER : 0) |
      (args.join() === context.eventReadings.join() ? ACT_EVENT_READINGS : 0) |
      (returned === undefined ? 0 : ACT_RETURNED) |
      (hashes ? ACT_HASH : 0) |
      (asks ? ACT_DIGEST : 0) |
      (isNothing ? ACT_NOTHING : 0) |
      stacks,
    code: actionCodec(atEntry.at(-1)?.action ?? defaultAction).code,
    ...{ operation_count: operations.length, operations },
    ...{ args: args.length, arg_readings: args, returned_reading: returned ?? 0 },
    socket: socket === undefined ? 0 : socket + 1,
  });
  const { USE_ENFORCE, USE_RATES, USE_RETURNED, USE_SOCKETS, USE_STACKS } = enums.hook_use;
  const { USE_HASHES, USE_DIGESTS } = enums.hook_use;
  const limits = operations.some(({ action }) => action === enums.action_code.ACTION_POST);
  return {
    bytes,
    use:
      (stops || stopsLater || closes ? USE_ENFORCE : 0) |
      (limits ? USE_RATES : 0) |
      (socket === undefined ? 0 : USE_SOCKETS) |
      (stacks === 0 ? 0 : USE_STACKS) |
      (hashes ? USE_HASHES : 0) |
      (asks ? USE_DIGESTS : 0) |
      (waits || hashes || returned !== undefined ? USE_RETURNED : 0),
    actions: operations.reduce((bits, { action }) => bits | (1 << action), 0),
  };
}

/** Bits of action_entry.flags for the stacks that the event has. */
function stacksOf(stacks: Post["stacks"]): number {
  switch (stacks) {
    case undefined:
      return 0;
    case "kernel":
      return ACT_KERNEL_STACK;
    case "user":
      return ACT_USER_STACK;
    case "both":
      return ACT_KERNEL_STACK | ACT_USER_STACK;
  }
}

/** The same on each attach point, and after a start; never 0. */
export function numberOfSet(name: string): number {
  return createHash("sha256").update(name).digest().readUInt32LE() || 1;
}

function readingNumbers(planned: PlannedHook, readings: Readings): ReadingNumbers {
  const { args } = readings.ofHook.get(planned)!;
  return { ofArg: (position) => args[position]! };
}

/** What is done with a socket that the call returned, where the program sees that: `reading`. */
function onReturnedSocket({ returned }: Hook, reading: number | undefined) {
  if (reading === undefined || returned?.action === undefined) return [];
  return [{ action: actionCodec(returned.action).code, flags: 0, reading: 0, arg: reading }];
}

function isSocket({ type }: Arg): boolean {
  return argKind(type).standsFor === "socket";
}
