import { jsonText } from "../../json/json-text.ts";
import type { AgentEvent } from "../event.ts";
import { eventTypeOf } from "../filter/event-type.ts";
import type { EventFields, FieldSelection } from "../filter/field-filter.ts";

/** The line of an event with what `select` leaves of its fields; what is around them stays. */
export function createSelectedLine(
  lineOf: (event: AgentEvent) => string,
  select: FieldSelection,
): (event: AgentEvent) => string {
  return (event) => {
    const line = lineOf(event);
    const { [eventTypeOf(event).toLowerCase()]: fields, ...around } = JSON.parse(line);
    const left = select(eventTypeOf(event), fields as EventFields);
    if (left === fields) return line;
    return `${jsonText({ [eventTypeOf(event).toLowerCase()]: left, ...around })}\n`;
  };
}
