import type { ServerHttp2Stream } from "node:http2";
import { create, toBinary } from "@bufbuild/protobuf";
import {
  EventLogService,
  FineGuidanceSensors,
  Health,
  type HealthCheckRequest,
  HealthCheckResponseSchema,
} from "../gen/wire.ts";
import { frame } from "../wire/frame.ts";
import { begin } from "./call.ts";
import { type Methods, methodsOf } from "./method.ts";
import { code, GrpcError } from "./status.ts";

const serving = 1;
const serviceUnknown = 3;

/** Upstream's name for the agent as a whole, which its probes ask for. */
const liveness = "liveness";
const services: readonly string[] = [
  ...["", liveness],
  ...[FineGuidanceSensors.typeName, EventLogService.typeName],
];

/** grpc.health.v1: an agent that answers serves; whether its policies are in the kernel is `/readyz`. */
export function healthMethods(): Methods {
  return methodsOf(Health, {
    check: ({ service }: HealthCheckRequest) => {
      if (!services.includes(service)) {
        throw new GrpcError(code.notFound, `there is no service ${service}`);
      }
      return { status: serving };
    },
    watch: async ({ service }: HealthCheckRequest, to: ServerHttp2Stream, signal: AbortSignal) => {
      begin(to);
      const status = services.includes(service) ? serving : serviceUnknown;
      to.write(
        frame(toBinary(HealthCheckResponseSchema, create(HealthCheckResponseSchema, { status }))),
      );
      await new Promise((_, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason), { once: true });
      });
    },
  });
}
