import type { StreamSink } from "../events/sinks/stream-sink.ts";
import { EventLogService, FineGuidanceSensors } from "../gen/wire.ts";
import type { PolicyControl } from "../session/policy-control.ts";
import { type EventLog, eventLogHandlers } from "./eventlog-service.ts";
import { eventsHandlers } from "./events-service.ts";
import { healthMethods } from "./health-service.ts";
import { type Methods, methodsOf } from "./method.ts";
import { type NodeFacts, nodeHandlers } from "./node-service.ts";
import { policyHandlers } from "./policies-service.ts";

/** What the methods tell of and change. */
export type ApiMethodsParts = {
  readonly events: StreamSink;
  readonly control: PolicyControl;
  /** The event file; absent: there is none. */
  readonly file?: EventLog | undefined;
  readonly node: NodeFacts;
};

/** Every method of every service. */
export function apiMethods({ events, control, file, node }: ApiMethodsParts): Methods {
  return new Map([
    ...methodsOf(FineGuidanceSensors, {
      ...eventsHandlers(events, node),
      ...policyHandlers(control),
      ...nodeHandlers(node),
    }),
    ...methodsOf(EventLogService, eventLogHandlers(file)),
    ...healthMethods(),
  ]);
}
