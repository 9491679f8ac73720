/** One JSON line of events, as far as the CLI reads it: any member may be missing or of another type. */
export type EventLine = {
  /** `process_exec`, `process_kprobe`, ... */
  readonly kind: EventKind;
  /** The member of that name. */
  readonly event: Json;
  readonly nodeName: string;
  /** RFC 3339, or empty. */
  readonly time: string;
};

export type EventKind = (typeof eventKinds)[number];
export const eventKinds = [
  "process_exec",
  "process_exit",
  "process_kprobe",
  "process_tracepoint",
  "process_loader",
  "process_uprobe",
  "process_throttle",
  "process_lsm",
  "process_usdt",
  "test",
  "rate_limit_info",
] as const;

/** undefined when the line is no event. Unknown members are let through. */
export function parseEventLine(line: string): EventLine | undefined {
  let raw: unknown;
  try {
    raw = JSON.parse(line);
  } catch {
    return undefined;
  }
  return eventLineOf(raw);
}

/** The same of a line that was parsed. */
export function eventLineOf(raw: unknown): EventLine | undefined {
  const json = new Json(raw);
  const kind = eventKinds.find((name) => json.has(name));
  if (kind === undefined) return undefined;
  return { kind, event: json.get(kind), nodeName: json.text("node_name"), time: json.text("time") };
}

/** A value of unknown shape. What is not there reads as empty, so a reader needs no checks. */
export class Json {
  readonly #value: unknown;

  constructor(value: unknown) {
    this.#value = value;
  }

  has(key: string): boolean {
    return this.#member(key) !== undefined;
  }

  get(key: string | number): Json {
    return new Json(this.#member(key));
  }

  /** A string as it is, a number or boolean in words, and "" for the rest. */
  text(key: string | number): string {
    const value = this.#member(key);
    return typeof value === "string" || typeof value === "number" || typeof value === "boolean"
      ? String(value)
      : "";
  }

  list(key: string): readonly Json[] {
    const value = this.#member(key);
    return Array.isArray(value) ? value.map((item) => new Json(item)) : [];
  }

  /** The strings in a list of strings. */
  texts(key: string): readonly string[] {
    const value = this.#member(key);
    return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
  }

  #member(key: string | number): unknown {
    const value = this.#value;
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
    return (value as Record<string | number, unknown>)[key] ?? undefined;
  }
}
