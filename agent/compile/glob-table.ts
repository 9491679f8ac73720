import { enums, layout } from "../gen/layout.ts";
import { bytesOf, offsetsOf } from "../layout/struct.ts";
import type { GlobAutomaton, GlobState } from "./glob-automaton.ts";

const stateAt = offsetsOf(layout.glob_state).u32;
const stepAt = offsetsOf(layout.glob_step).u32;

/**
 * The automaton as the engine has it (bpf/engine/glob.h), with the row of what is met in each state;
 * undefined: it is larger than the engine takes.
 */
export function encodeGlobs(
  { states, classes }: GlobAutomaton,
  rowOf: (state: GlobState) => number,
): Uint8Array | undefined {
  const steps = new StepPlaces();
  const firsts = new Uint32Array(states.length);
  // Those with most steps first: others fit in between.
  const order = [...states.keys()].sort((a, b) => states[b]!.steps.size - states[a]!.steps.size);
  for (const state of order) {
    firsts[state] = steps.place([...states[state]!.steps.keys()].sort((a, b) => a - b));
  }
  const stepsAt = layout.glob_head.size + states.length * layout.glob_state.size;
  // A state may ask for a step of any class behind the last one that there is.
  const size = stepsAt + (steps.end + 256) * layout.glob_step.size;
  if (size > enums.glob_limit.GLOB_SIZE_MAX) return undefined;
  const table = new DataView(new ArrayBuffer(size));
  new Uint8Array(table.buffer).set(bytesOf(layout.glob_head, { steps: stepsAt, classes }));
  for (const [number, state] of states.entries()) {
    const at = layout.glob_head.size + number * layout.glob_state.size;
    table.setUint32(at + stateAt.first, firsts[number]!, true);
    table.setUint32(at + stateAt.otherwise, state.otherwise, true);
    table.setUint32(at + stateAt.row, rowOf(state), true);
    for (const [byClass, to] of state.steps) {
      const step = stepsAt + (firsts[number]! + byClass) * layout.glob_step.size;
      table.setUint32(step + stepAt.of, number + 1, true);
      table.setUint32(step + stepAt.to, to, true);
    }
  }
  return new Uint8Array(table.buffer);
}

/** Only so many of the last places are tried for a state with several steps: else policies could be made that take long. */
const triedBehind = 4096;

/** Which places are taken: the steps of one state lie as their classes do, between those of others. */
class StepPlaces {
  #taken = new Uint8Array(1 << 10);
  #end = 0;
  /** Where the first place may be for such classes, by these: all before it was tried. */
  readonly #tried = new Map<string, number>();

  /** Behind the last one. */
  get end(): number {
    return this.#end;
  }

  /** Takes the first places that fit for these classes: where that of class 0 is, or would be. */
  place(classes: readonly number[]): number {
    const last = Math.max(0, ...classes);
    const key = classes.join();
    const least = classes.length > 1 ? Math.max(0, this.#end - triedBehind) : 0;
    let first = Math.max(this.#tried.get(key) ?? 0, least);
    while (classes.some((byClass) => this.#taken[first + byClass] === 1)) first++;
    this.#tried.set(key, first);
    if (classes.length === 0) return first;
    this.#grow(first + last + 1);
    for (const byClass of classes) this.#taken[first + byClass] = 1;
    this.#end = Math.max(this.#end, first + last + 1);
    return first;
  }

  #grow(size: number): void {
    if (size <= this.#taken.length) return;
    const larger = new Uint8Array(2 * size);
    larger.set(this.#taken);
    this.#taken = larger;
  }
}
