import type { ServerHttp2Stream } from "node:http2";
import { type DescMessage, type MessageShape, toJson } from "@bufbuild/protobuf";
import { createSelectedMessage } from "../events/encode/selected-message.ts";
import { compileFilters } from "../events/filter/event-filter.ts";
import { compileFieldFilters } from "../events/filter/field-filter.ts";
import { type JsonObject, listedObjects } from "../events/filter/json-objects.ts";
import { loadCel } from "../events/filter/load-cel.ts";
import { formatProblems } from "../events/filter/report.ts";
import type { EventWish, StreamSink } from "../events/sinks/stream-sink.ts";
import { FieldFilterSchema, FilterSchema, type GetEventsRequest } from "../gen/wire.ts";
import { begin } from "./call.ts";
import type { NodeFacts } from "./node-service.ts";
import { code, GrpcError } from "./status.ts";

/** GetEvents: what happens from now on, until the client goes away or the agent ends. */
export function eventsHandlers(
  sink: StreamSink,
  node: Pick<NodeFacts, "nodeName" | "configuration">,
) {
  return {
    getEvents: async (
      request: GetEventsRequest,
      to: ServerHttp2Stream,
      signal: AbortSignal,
    ): Promise<void> => {
      const wish = await compileWish(request, node);
      begin(to);
      if (!sink.add(to, wish)) {
        throw new GrpcError(code.resourceExhausted, "too many clients read events");
      }
      await new Promise<void>((resolve, reject) => {
        to.once("close", () => resolve());
        signal.addEventListener("abort", () => reject(signal.reason), { once: true });
      });
    },
  };
}

/** More than any client writes, and few enough that a request is not work for seconds. */
const filtersMax = 256;

/** As in the agent's flags, which have the same filters as text. Upstream aggregates no event, and nor is one here. */
async function compileWish(
  { allowList, denyList, fieldFilters }: GetEventsRequest,
  { nodeName, configuration }: Pick<NodeFacts, "nodeName" | "configuration">,
): Promise<EventWish> {
  if (allowList.length + denyList.length + fieldFilters.length > filtersMax) {
    throw new GrpcError(code.invalidArgument, `more than ${filtersMax} filters; give fewer`);
  }
  const allow = objectsOf("allow_list", FilterSchema, allowList);
  const deny = objectsOf("deny_list", FilterSchema, denyList);
  const cel = await loadCel([...allow, ...deny], nodeName);
  const passes = compileFilters(
    { allow, deny },
    { pidSet: true, credentials: configuration.enableProcessCred === true, cel },
  );
  const fields = compileFieldFilters(objectsOf("field_filters", FieldFilterSchema, fieldFilters));
  if (passes.ok && fields.ok) {
    const { value: select } = fields;
    return {
      ...(passes.value === undefined ? {} : { passes: passes.value }),
      ...(select && { select: (messageOf) => createSelectedMessage(messageOf, select) }),
    };
  }
  const problems = [passes, fields].flatMap((one) => (one.ok ? [] : one.problems));
  throw new GrpcError(code.invalidArgument, formatProblems(problems));
}

function objectsOf<Desc extends DescMessage>(
  name: string,
  schema: Desc,
  list: readonly MessageShape<Desc>[],
): readonly JsonObject[] {
  const objects = list.map((one) => toJson(schema, one, { useProtoFieldName: true }));
  return listedObjects(name, objects as Readonly<Record<string, unknown>>[]);
}
