import type { SelectorReports } from "../engine.ts";
import { enums } from "../gen/layout.ts";
import type { HookRecord } from "../records/kernel-record.ts";

const { HOOK_STOPPED, HOOK_WOULD_STOP } = enums.hook_flag;
/** Of each selector: its events, those of calls that were stopped, and those of calls that would have been. */
const each = 3;

/** How many events of each selector of a hook the agent has read. */
export class ReportCounts {
  /** Written by `add`. */
  readonly #counts: Float64Array;

  /** A hook without selectors has one, which every call matches. */
  constructor(selectors: number) {
    this.#counts = new Float64Array(Math.max(1, selectors) * each);
  }

  add({ selector, flags }: Pick<HookRecord, "selector" | "flags">): void {
    const counts = this.#counts;
    const at = selector * each;
    if (at >= counts.length) return; // no selector of this hook
    counts[at]! += 1;
    if ((flags & HOOK_STOPPED) !== 0) counts[at + 1]! += 1;
    else if ((flags & HOOK_WOULD_STOP) !== 0) counts[at + 2]! += 1;
  }

  /** Of every selector, in their order. */
  all(hookIndex: number): readonly SelectorReports[] {
    return Array.from({ length: this.#counts.length / each }, (_, selectorIndex) => {
      const [reported, stopped, wouldStop] = this.#counts.subarray(selectorIndex * each);
      return {
        ...{ hookIndex, selectorIndex, reported: reported ?? 0 },
        ...{ stopped: stopped ?? 0, wouldStop: wouldStop ?? 0 },
      };
    });
  }
}
