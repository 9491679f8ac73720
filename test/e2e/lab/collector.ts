/** Test support: an OpenTelemetry Collector, which is not ours. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ensureBuilt } from "./build.ts";
import { waitFor } from "./progress.ts";

/** Attributes of one log record, beside those of what sent it. */
export type CollectedRecord = {
  readonly eventName: string;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly resource: Readonly<Record<string, unknown>>;
};

/** Where it listens: `namespace` is one of the network, default this process's. */
export type CollectorPlace = {
  readonly host: string;
  readonly ports: { readonly grpc: number; readonly http: number };
  readonly namespace?: string;
};

const patienceMs = 120_000;

export class Collector {
  /** As `--otlp-endpoint` takes them, by `--otlp-protocol`. */
  readonly endpoints: { readonly grpc: string; readonly "http/protobuf": string };
  readonly #folder = mkdtempSync(join(tmpdir(), "otel-collector-"));
  readonly #file = join(this.#folder, "records.json");
  readonly #child: ChildProcess;
  #said = "";

  private constructor(program: string, { host, ports, namespace }: CollectorPlace) {
    const at = { grpc: `${host}:${ports.grpc}`, http: `${host}:${ports.http}` };
    this.endpoints = { grpc: `http://${at.grpc}`, "http/protobuf": `http://${at.http}` };
    const config = join(this.#folder, "config.yaml");
    writeFileSync(config, configuration(this.#file, at));
    const words = [program, "--config", `file:${config}`];
    const [first, ...rest] =
      namespace === undefined ? words : ["ip", "netns", "exec", namespace, ...words];
    this.#child = spawn(first!, rest, { stdio: ["ignore", "ignore", "pipe"] });
    this.#child.stderr!.on("data", (chunk: Buffer) => {
      this.#said = `${this.#said}${chunk}`.slice(-10_000);
    });
  }

  /** Resolves when it listens. */
  static async start(place: CollectorPlace): Promise<Collector> {
    const { "otel-collector": program } = await ensureBuilt(["otel-collector"]);
    const collector = new Collector(program!, place);
    await waitFor("the collector listens", async () => collector.#isReady() || undefined, {
      timeoutMs: patienceMs,
      everyMs: 200,
      detail: () => collector.#said,
    });
    return collector;
  }

  #isReady(): boolean {
    if (this.#child.exitCode !== null) throw new Error(`the collector ended: ${this.#said}`);
    return this.#said.includes("Everything is ready");
  }

  /** What it has written by now. */
  records(): readonly CollectedRecord[] {
    if (!existsSync(this.#file)) return [];
    const lines = readFileSync(this.#file, "utf8").split("\n");
    return lines.slice(0, -1).flatMap((line) => recordsIn(JSON.parse(line))); // the last is not whole
  }

  async stop(): Promise<void> {
    const ended = this.#child.exitCode === null ? once(this.#child, "close") : undefined;
    this.#child.kill("SIGKILL");
    await ended;
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function configuration(file: string, at: { readonly grpc: string; readonly http: string }): string {
  return `
receivers:
  otlp:
    protocols:
      grpc: { endpoint: "${at.grpc}" }
      http: { endpoint: "${at.http}" }
exporters:
  file: { path: "${file}", flush_interval: 200ms }
service:
  telemetry: { metrics: { level: none } }
  pipelines:
    logs: { receivers: [otlp], exporters: [file] }
`;
}

type Pairs = readonly { readonly key: string; readonly value: Readonly<Record<string, unknown>> }[];
type Line = {
  readonly resourceLogs: readonly {
    readonly resource: { readonly attributes: Pairs };
    readonly scopeLogs: readonly {
      readonly logRecords: readonly { readonly eventName?: string; readonly attributes: Pairs }[];
    }[];
  }[];
};

function recordsIn({ resourceLogs }: Line): readonly CollectedRecord[] {
  return resourceLogs.flatMap(({ resource, scopeLogs }) =>
    scopeLogs.flatMap(({ logRecords }) =>
      logRecords.map(({ eventName = "", attributes }) => ({
        ...{ eventName, attributes: valuesOf(attributes) },
        resource: valuesOf(resource.attributes),
      })),
    ),
  );
}

function valuesOf(pairs: Pairs): Readonly<Record<string, unknown>> {
  return Object.fromEntries(pairs.map(({ key, value }) => [key, Object.values(value)[0]]));
}
