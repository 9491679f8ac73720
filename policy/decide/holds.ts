import { argOperator, readArg } from "../args/index.ts";
import type { Condition, Hook } from "../selector-set.ts";
import type { HookCall, Process } from "./event.ts";

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
      return argHolds(condition, hook, call);
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

function argHolds({ arg: position, op, values }: By<"arg">, hook: Hook, call: HookCall): boolean {
  const arg = hook.args[position]!;
  const operator = argOperator(arg.type, op);
  if (operator === undefined) throw new Error(`${op} does not apply to type ${arg.type}`);
  const facet = readArg(arg, call)?.[operator.facet];
  return facet !== undefined && operator.lists(facet, values) !== operator.negated;
}
