/**
 * The innermost rule or function of Rego in an error's stack, as a reference: `data.edge.helper`;
 * undefined when there is none. `opa build` names the functions that it makes of rules so, and V8
 * writes the names into stacks.
 */
function ruleIn(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  return /^\s*at (?:\S+\.)?g\d+\.(data\.[\x20-\x7e]{1,200}?) \(wasm:/m.exec(error.stack ?? "")?.[1];
}

/** Frames of OPA's C library and of ours that may lie over that of a rule. */
const deepest = 200;

/** Runs `evaluate`; what it throws says which rule was evaluated, where its message has no place yet. */
export function namingRule<T>(evaluate: () => T): T {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = deepest;
  try {
    return evaluate();
  } catch (cause) {
    if (!(cause instanceof Error)) throw cause;
    const rule = ruleIn(cause);
    const message = explained(cause);
    if (rule === undefined || /^\S+:\d+:\d+: /.test(message)) throw new Error(message, { cause });
    throw new Error(`${rule}: ${message}`, { cause });
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

/** V8's words for what a module may do wrong, and for its memory and stack. */
function explained(error: Error): string {
  const { message } = error;
  if (error.name === "RuntimeError") return `breaks off in OPA's own code (${message})`;
  if (message === "opa_malloc: failed") {
    return `needs more memory than it may have (${message}); make it hold less, or raise spec.limits.memoryMiB`;
  }
  return message.replace(
    /Maximum call stack size exceeded$/,
    "nests deeper than the stack has room for; give it flatter values",
  );
}
