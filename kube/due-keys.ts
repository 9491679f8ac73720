/** A key, and when it is due in monotonic ms. */
export type DueKey = { readonly key: string; readonly dueMs: number };

/** Keys by when they are due, then by when they came: a binary heap, so the first costs O(log n). */
export class DueKeys {
  readonly #heap: Entry[] = [];
  #pushed = 0;

  /** The one due first. */
  first(): DueKey | undefined {
    return this.#heap[0];
  }

  push({ key, dueMs }: DueKey): void {
    const heap = this.#heap;
    const entry = { key, dueMs, order: this.#pushed++ };
    let at = heap.push(entry) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (isBefore(heap[parent]!, entry)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = entry;
  }

  /** Takes out the one due first. */
  shift(): DueKey | undefined {
    const heap = this.#heap;
    const taken = heap[0];
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return taken;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (isBefore(last, heap[child]!)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
    return taken;
  }
}

type Entry = DueKey & { readonly order: number };

function isBefore(a: Entry, b: Entry): boolean {
  return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.order < b.order);
}
