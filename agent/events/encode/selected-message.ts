import { fromBinary, fromJson, type JsonObject, toBinary, toJson } from "@bufbuild/protobuf";
import { GetEventsResponseSchema } from "../../gen/wire.ts";
import { eventTypeOf } from "../filter/event-type.ts";
import type { EventFields, FieldSelection } from "../filter/field-filter.ts";
import type { MessageOf } from "../sinks/stream-sink.ts";

/** The message of an event with what `select` leaves of its fields; what is around them stays. */
export function createSelectedMessage(messageOf: MessageOf, select: FieldSelection): MessageOf {
  const names = { useProtoFieldName: true };
  return (event) => {
    const bytes = messageOf(event);
    const member = eventTypeOf(event).toLowerCase();
    const message = fromBinary(GetEventsResponseSchema, bytes);
    const all = toJson(GetEventsResponseSchema, message, names) as JsonObject;
    const fields = (all[member] ?? {}) as EventFields;
    const left = select(eventTypeOf(event), fields);
    if (left === fields) return bytes;
    const selected = fromJson(GetEventsResponseSchema, { ...all, [member]: left as JsonObject });
    return toBinary(GetEventsResponseSchema, selected);
  };
}
