import { argKind } from "../args/index.ts";
import type { Hook } from "../selector-set.ts";
import { fieldsIn, type RecordedEvent } from "./event.ts";
import type { Recorder } from "./hooks.ts";

/** What a call returned, 64 bits of a register, where the event has it as `hook` reads it. */
export function recordedReturn(
  { returned }: Hook,
  { event }: RecordedEvent,
  recorder: Recorder,
): bigint | undefined {
  if (returned === undefined || "unknown" in recorder) return undefined;
  if (recorder.hook.returned?.type !== returned.type) return undefined;
  const parameter = argKind(returned.type).recorded(fieldsIn(event, "return"));
  return parameter?.kind === "number" ? parameter.value : undefined;
}
