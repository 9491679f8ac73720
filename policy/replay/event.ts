import { isRecord } from "../is-record.ts";

export type Fields = Readonly<Record<string, unknown>>;

/** An event of a process or of a call, as upstream's JSON has it. */
export type RecordedEvent = {
  /** `process_kprobe`, ... */
  readonly kind: string;
  readonly event: Fields;
  readonly process: Fields;
  /** Name of the policy that it was recorded by; empty: of none. */
  readonly policy: string;
  /** Equal for events of one hook's calls: what was called, and for which policy. */
  readonly source: string;
};

const names = ["function_name", "subsys", "event", "path", "symbol", "offset", "provider", "name"];

/** The event in a line's JSON; undefined: it has no process. */
export function recordedEvent(line: unknown): RecordedEvent | undefined {
  if (!isRecord(line)) return undefined;
  const kind = Object.keys(line).find((key) => key.startsWith("process_"));
  const event = kind === undefined ? undefined : line[kind];
  if (kind === undefined || !isRecord(event) || !isRecord(event.process)) return undefined;
  const policy = textIn(event, "policy_name");
  const source = [kind, policy, ...names.map((name) => textIn(event, name))].join("\0");
  return { kind, event, process: event.process, policy, source };
}

/** An exec, and no process that ran when the agent began. */
export function isExec({ kind, process }: RecordedEvent): boolean {
  return kind === "process_exec" && textIn(process, "flags").startsWith("execve");
}

/** "" for what is no text. */
export function textIn(fields: Fields, name: string): string {
  const value = fields[name];
  return typeof value === "string" ? value : "";
}

/** The record in a field; empty for what is none. */
export function fieldsIn(fields: Fields, name: string): Fields {
  const value = fields[name];
  return isRecord(value) ? value : {};
}

/** The records in a list; none for what is no list. */
export function listIn(fields: Fields, name: string): readonly Fields[] {
  const value = fields[name];
  return Array.isArray(value) ? value.filter(isRecord) : [];
}

/** 0 for what is no number. */
export function numberIn(fields: Fields, name: string): number {
  const value = fields[name];
  return typeof value === "number" ? value : 0;
}
