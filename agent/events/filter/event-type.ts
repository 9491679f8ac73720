import { EventType as wireTypes } from "../../gen/wire-numbers.ts";
import type { AgentEvent } from "../event.ts";

/** Upstream's EventType: the numbers of its wire format. */
export const eventTypes = wireTypes;

export type EventType = keyof typeof eventTypes;

/** The type of the line that an event becomes: the name of its member, in capitals. */
export function eventTypeOf(event: AgentEvent): EventType {
  switch (event.kind) {
    case "exec":
      return "PROCESS_EXEC";
    case "exit":
      return "PROCESS_EXIT";
    case "hook":
      return hookTypes[event.hook.event] ?? "UNDEF";
    case "dropped":
      return "RATE_LIMIT_INFO";
    case "throttle":
      return "PROCESS_THROTTLE";
  }
}

const hookTypes: Readonly<Record<string, EventType>> = Object.fromEntries(
  Object.keys(eventTypes).map((name) => [name.toLowerCase(), name as EventType]),
);

/** The type that somebody names, by its name or its number; undefined when there is no such name. */
export function parseEventType(raw: unknown): EventType | "unknown" | undefined {
  if (typeof raw === "number" && Number.isInteger(raw)) {
    const found = Object.entries(eventTypes).find(([, number]) => number === raw);
    return (found?.[0] as EventType | undefined) ?? "unknown"; // of a later version
  }
  return typeof raw === "string" && Object.hasOwn(eventTypes, raw) ? (raw as EventType) : undefined;
}
