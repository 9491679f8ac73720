import { hostname } from "node:os";
import type { Clock } from "@guardbee/kube";
import type { Logger } from "pino";
import manifest from "../../package.json" with { type: "json" };
import type { ExportOptions } from "../export-options.ts";
import { OtlpSink } from "../sinks/otlp-sink.ts";
import type { Sink } from "../sinks/sink.ts";
import { createExportRequest, createLogRecord } from "./log-records.ts";
import { defaultRedaction } from "./secrets.ts";
import { openSend } from "./send.ts";

/** The sink of OTLP; undefined when nobody asked for it. */
export function openOtlp(options: {
  readonly exported: Pick<ExportOptions, "otlp">;
  readonly nodeName: string | undefined;
  readonly clusterName: string;
  readonly bootToWallNs: (bootNs: bigint) => bigint;
  readonly clock: Clock;
  readonly log: Logger;
}): Sink | undefined {
  const { clock, log, bootToWallNs } = options;
  const { otlp } = options.exported;
  if (otlp === undefined) return undefined;
  const { version } = manifest;
  const resource = {
    "service.name": "guardbee-agent",
    "service.version": version,
    "host.name": options.nodeName ?? hostname(),
    "k8s.node.name": options.nodeName,
    "k8s.cluster.name": options.clusterName,
  };
  const redact = defaultRedaction();
  return new OtlpSink({
    endpoint: `${otlp.url.origin}${otlp.url.pathname}`,
    send: openSend(otlp),
    encode: createLogRecord({ bootToWallNs, now: () => clock.now(), redact }),
    requestOf: createExportRequest(resource, { name: "guardbee", version }),
    clock,
    log,
  });
}
