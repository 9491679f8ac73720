import { collectGarbage, Evaluator } from "./evaluator.ts";
import type { ChildAnswer, ChildRequest } from "./messages.ts";

/** Memory of instances that are kept for their next evaluation, in all but the last used one. */
const keptBytes = 64 * 1024 * 1024;
/** Modules that are kept; compiled code is no part of their memory. */
const keptCount = 32;

/** By number of the unit, the last used at the end. Written by load, evaluate and makeRoom. */
const evaluators = new Map<number, Evaluator>();

process.on("message", (request: ChildRequest) => {
  const answer = answerTo(request);
  // Once the error is gone, which keeps what ran: nobody else's evaluation shall pay for its memory.
  if (answer.kind === "error") collectGarbage();
  send(answer);
});
process.on("disconnect", () => process.exit(0)); // nobody is there to ask, or to end what runs
send({ kind: "started" });

function answerTo(request: ChildRequest): ChildAnswer {
  try {
    return request.kind === "load" ? load(request) : evaluate(request);
  } catch (error) {
    return {
      kind: "error",
      message: shown(error instanceof Error ? error.message : String(error)),
    };
  }
}

function load(request: ChildRequest & { readonly kind: "load" }): ChildAnswer {
  const { unit, module, data, limits } = request;
  evaluators.delete(unit);
  makeRoom();
  const evaluator = new Evaluator(module, limits);
  if (data !== undefined) evaluator.setData(new Uint8Array(data)); // in a buffer of its own
  const facts = evaluator.facts();
  evaluators.set(unit, evaluator);
  return { kind: "loaded", facts };
}

function evaluate(request: ChildRequest & { readonly kind: "evaluate" }): ChildAnswer {
  const { unit, entryPoint, json } = request;
  const evaluator = evaluators.get(unit);
  if (evaluator === undefined) return { kind: "lacks" };
  evaluators.delete(unit);
  evaluators.set(unit, evaluator);
  const result = evaluator.evaluate(entryPoint, json);
  makeRoom();
  return { kind: "result", ...result };
}

/** Drops what was used the longest ago. */
function makeRoom(): void {
  const last = [...evaluators.values()].at(-1);
  let bytes = 0;
  for (const one of evaluators.values()) bytes += one === last ? 0 : one.memoryBytes;
  if (bytes <= keptBytes && evaluators.size < keptCount) return;
  for (const [unit, one] of evaluators) {
    if (bytes <= keptBytes && evaluators.size < keptCount) break;
    if (one === last) break;
    evaluators.delete(unit);
    bytes -= one.memoryBytes;
  }
  collectGarbage();
}

/** A module chooses what it says of itself; this goes into a status and a log. */
function shown(message: string): string {
  return message.slice(0, 1_000).replaceAll(/\p{C}/gu, "\uFFFD");
}

function send(answer: ChildAnswer): void {
  process.send?.(answer);
}
