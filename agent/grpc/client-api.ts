// `@guardbee/agent/grpc-client`: what a client of the gRPC API needs, and nothing of the agent.
export { parseDuration } from "../events/duration.ts";
export {
  EventLogService,
  type FieldFilterSchema,
  type FilterSchema,
  FineGuidanceSensors,
  type GetEventsRequestSchema,
  type GetEventsResponse,
  GetEventsResponseSchema,
  ListTracingPoliciesResponseSchema,
  ProcessInternalSchema,
  RuntimeService,
  type TracingPolicyStatus,
} from "../gen/wire.ts";
export {
  ConfigFlag,
  EventType,
  FieldFilterAction,
  HookState,
  LogLevel,
  TracingPolicyMode,
  TracingPolicyState,
} from "../gen/wire-numbers.ts";
export { messageJson } from "../wire/message-json.ts";
export { type Address, parseAddress, runFolder } from "./address.ts";
export { GrpcClient } from "./client.ts";
export { code, codeName, GrpcError } from "./status.ts";
