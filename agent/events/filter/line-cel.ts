import { fromJson, type JsonValue } from "@bufbuild/protobuf";
import { type GetEventsResponse, GetEventsResponseSchema } from "../../gen/wire.ts";
import { createMessageCel } from "./cel.ts";

/** Whether an event, as a line of JSON says it, meets a condition. */
export type LineTest = (event: unknown) => boolean;

/** Makes tests of CEL expressions over lines of JSON, as filters over events are. Throws an Error that says what is wrong. */
export function createLineCel(): (text: string) => LineTest {
  const compile = createMessageCel();
  return (text) => {
    const { test } = compile(text);
    return (event) => {
      const message = messageOf(event);
      return message !== undefined && test(message);
    };
  };
}

/** What a later version adds is left out; undefined: it is no event. */
function messageOf(event: unknown): GetEventsResponse | undefined {
  try {
    return fromJson(GetEventsResponseSchema, event as JsonValue, { ignoreUnknownFields: true });
  } catch {
    return undefined;
  }
}
