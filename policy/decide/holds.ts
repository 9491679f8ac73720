import type { Condition, Hook } from "../selector-set.ts";
import type { HookCall, Process } from "./event.ts";
import { type ReadArg, readArg } from "./read-arg.ts";

type By<K extends Condition["by"]> = Extract<Condition, { by: K }>;

/** Generations above the process that followForks looks at. */
const maxGenerations = 10;

/** Whether one condition is met. What cannot be told meets none, negated ones included. */
export function holds(condition: Condition, hook: Hook, call: HookCall): boolean {
  switch (condition.by) {
    case "pid":
      return pidHolds(condition, call.process);
    case "binary":
      return binaryHolds(condition, call.process.binary);
    case "capability":
      return capabilityHolds(condition, call.process);
    case "arg":
      return argHolds(condition, readArg(hook.args[condition.arg]!, call));
  }
}

function pidHolds(condition: By<"pid">, process: Process): boolean {
  const { values, inNamespace, followForks } = condition;
  const [own, ancestors] = inNamespace
    ? [process.nspid, process.nsAncestors]
    : [process.pid, process.ancestors];
  const pids = [own, ...(followForks ? ancestors.slice(0, maxGenerations) : [])];
  return pids.some((pid) => values.includes(pid)) === (condition.op === "In");
}

function binaryHolds(condition: By<"binary">, binary: string | undefined): boolean {
  if (binary === undefined || binary === "") return false;
  const { op, values } = condition;
  const listed =
    op === "In" || op === "NotIn"
      ? values.includes(binary)
      : values.some((value) => binary.startsWith(value));
  return listed === (op === "In" || op === "Prefix");
}

function capabilityHolds(condition: By<"capability">, process: Process): boolean {
  const { userNamespace, op, values } = condition;
  if (userNamespace === "nested" && process.inHostUserNamespace) return false;
  const counts = userNamespace !== "host" || process.inHostUserNamespace;
  const set = process.capabilities[condition.set];
  const held = counts && values.some((value) => ((set >> BigInt(value)) & 1n) === 1n);
  return held === (op === "In");
}

function argHolds(condition: By<"arg">, arg: ReadArg | undefined): boolean {
  if (arg === undefined) return false;
  const { op, values } = condition;
  const listed = values.some((value) =>
    op === "Equal" || op === "NotEqual" ? equals(arg, value) : startsWith(arg, value),
  );
  return listed === (op === "Equal" || op === "Prefix");
}

function equals(arg: ReadArg, value: string): boolean {
  if (arg.kind === "number") return arg.value === BigInt(value);
  return Buffer.from(value).equals(arg.bytes);
}

function startsWith(arg: ReadArg, value: string): boolean {
  if (arg.kind === "number") return false;
  const wanted = Buffer.from(value);
  return wanted.equals(arg.bytes.subarray(0, wanted.length));
}
