import type { ServerHttp2Stream } from "node:http2";
import type { StreamSink } from "../events/sinks/stream-sink.ts";
import type { GetEventsRequest } from "../gen/wire.ts";
import { begin } from "./call.ts";
import { code, GrpcError } from "./status.ts";

/** GetEvents: what happens from now on, until the client goes away or the agent ends. */
export function eventsHandlers(sink: StreamSink) {
  return {
    getEvents: async (
      request: GetEventsRequest,
      to: ServerHttp2Stream,
      signal: AbortSignal,
    ): Promise<void> => {
      const { allowList, denyList, fieldFilters } = request;
      if (allowList.length + denyList.length + fieldFilters.length > 0) {
        throw new GrpcError(code.unimplemented, "filters are not there yet; filter what you get");
      }
      begin(to);
      if (!sink.add(to)) {
        throw new GrpcError(code.resourceExhausted, "too many clients read events");
      }
      await new Promise<void>((resolve, reject) => {
        to.once("close", () => resolve());
        signal.addEventListener("abort", () => reject(signal.reason), { once: true });
      });
    },
  };
}
