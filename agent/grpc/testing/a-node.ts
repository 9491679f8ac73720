/** Test support: the API of a node whose kernel is none. */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { setTimeout } from "node:timers/promises";
import { systemClock } from "@guardbee/kube";
import { pino } from "pino";
import type { NamedSet } from "../../engine.ts";
import { createEventWire } from "../../events/encode/event-wire.ts";
import { createJsonLine } from "../../events/encode/json-lines.ts";
import { createLineEncoder } from "../../events/encode/lines.ts";
import { FileSink } from "../../events/sinks/file-sink.ts";
import { StreamSink } from "../../events/sinks/stream-sink.ts";
import { openStore } from "../../session/added-store.ts";
import { FakeEngine } from "../../session/fake-engine.ts";
import { Standalone } from "../../session/standalone.ts";
import { runApi } from "../open-api.ts";

const log = pino({ level: "silent" });

/** As upstream's clients write it. */
export const aPolicy = (name: string, call = "fd_install") => `
apiVersion: cilium.io/v1alpha1
kind: TracingPolicy
metadata: { name: ${name} }
spec:
  kprobes:
  - call: ${call}
    syscall: false
    args: [{ index: 0, type: int }]
    selectors: [{ matchActions: [{ action: Sigkill }] }]
`;

/** This kernel has no function `missing`. */
function lacks({ set }: NamedSet): boolean {
  return set.hooks.some(({ on }) => on.kind === "kprobe" && on.call === "missing");
}

/** A node that serves the API at `path`, until the test ends or `end` is called. */
export async function aNode(t: TestContext, folder = aFolder(t)) {
  const engine = new FakeEngine(lacks);
  const stop = new AbortController();
  const added = openStore(join(folder, "added"), log);
  const standalone = await Standalone.open({ paths: [], engine, added, clock: systemClock, log });
  const place = { nodeName: "n1", bootToWallNs: (ns: bigint) => ns };
  const events = new StreamSink({ messageOf: createEventWire(place), clock: systemClock, log });
  const path = join(folder, "api.sock");
  const file = new FileSink({
    path: join(folder, "events.log"),
    encoder: createLineEncoder(createJsonLine(place)),
    ...{ clock: systemClock, log },
  });
  const node = {
    ...{ version: "1.2.3", nodeName: "n1", features: () => ["fentry", "lsm"] },
    configuration: {
      ...{ kube: false, nodeName: "n1", policy: ["a", "b"], healthPort: 7, odd: undefined },
    },
    logLevel: aLevel(),
    processes: () => [],
  };
  const parts = { events, file, control: standalone!.control, node, clock: systemClock, log };
  const addresses = [{ address: { kind: "unix", path } as const }];
  const run = Promise.all([
    standalone!.run(stop.signal),
    runApi({ addresses, requireClientCert: false }, parts, stop.signal),
    events.run(stop.signal),
  ]);
  const end = async () => {
    stop.abort();
    await run;
  };
  t.after(end);
  await until(() => existsSync(path));
  return { engine, events, folder, path, end };
}

function aLevel() {
  let level = "info";
  return {
    get: () => level as "info",
    set: (to: string) => {
      level = to;
    },
  };
}

export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await setTimeout(2);
}

export function aFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "grpc-api-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
