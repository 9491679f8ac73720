import assert from "node:assert/strict";
import { fromBinary } from "@bufbuild/protobuf";
import { GetEventsResponseSchema } from "../../gen/wire.ts";
import { messageJson } from "../../wire/message-json.ts";
import { createEventWire } from "../encode/event-wire.ts";
import { createJsonLine, type JsonLinesOptions } from "../encode/json-lines.ts";
import type { AgentEvent } from "../event.ts";

/** Gives the line of an event, and asserts that its message in protobuf says the same. */
export function createSaidInBoth(options: JsonLinesOptions): (event: AgentEvent) => string {
  const lineOf = createJsonLine(options);
  const wireOf = createEventWire(options);
  return (event) => {
    const line = lineOf(event);
    const message = fromBinary(GetEventsResponseSchema, wireOf(event));
    // A pod and a container have names; protobuf has no such thing as an empty one.
    const named = (key: string, value: unknown) =>
      ["namespace", "name"].includes(key) && value === "" ? undefined : value;
    const said = JSON.parse(messageJson(GetEventsResponseSchema, message));
    // Nor a half of a character.
    assert.deepEqual(said, JSON.parse(line.replaceAll("\\ud800", "\ufffd"), named));
    return line;
  };
}
