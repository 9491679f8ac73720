// A receiver that we did not write: an OpenTelemetry Collector, which writes what it took to a file.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { systemClock } from "@guardbee/kube";
import pino from "pino";
import { freePort } from "../../../kube/testing/api-server.ts";
import { type CollectedRecord, Collector } from "../../../test/e2e/lab/collector.ts";
import { waitFor } from "../../../test/e2e/lab/progress.ts";
import { enums } from "../../gen/layout.ts";
import { exitEvent } from "../event.ts";
import { someEvents } from "../testing/some-events.ts";
import { openOtlp } from "./open-otlp.ts";
import { parseOtlp } from "./parse-target.ts";

let collector: Collector;
before(async () => {
  const ports = { grpc: await freePort(), http: await freePort() };
  collector = await Collector.start({ host: "127.0.0.1", ports });
});
after(() => collector?.stop());

const { cat, curl, denied } = someEvents();
const events = [
  ...[curl, cat, { ...denied, flags: enums.hook_flag.HOOK_STOPPED, action: 3 }],
  exitEvent(cat.process!.process, { ktime: 5n, process: cat.key, code: 9 }),
];

const inPod = {
  "k8s.namespace.name": "shop",
  "k8s.pod.name": "web-1",
  "k8s.deployment.name": "web",
  "k8s.pod.label.app": "web",
  "k8s.container.name": "nginx",
  "container.id": "4cb1e9a1ab98044e789c2d426909a6ee1731005cab0a1c5dea9941a5e7889c51",
  "container.image.name": "docker.io/library/nginx:1",
  "process.executable.path": "/bin/cat",
};
const wanted: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  "guardbee.process_exec /usr/bin/curl": { "process.executable.path": "/usr/bin/curl" },
  "guardbee.process_exec /bin/cat": inPod,
  "guardbee.process_kprobe /bin/cat": {
    ...inPod,
    "security_rule.ruleset.name": "deny",
    "security_rule.name": "__x64_sys_write",
    "guardbee.outcome": "stopped",
  },
  "guardbee.process_exit /bin/cat": { ...inPod, "guardbee.exit.signal": "SIGKILL" },
};

for (const protocol of ["grpc", "http/protobuf"] as const) {
  test(`a Collector takes what is sent over ${protocol}: pod, container, process, policy`, async () => {
    const otlpEndpoint = collector.endpoints[protocol];
    const parsed = parseOtlp({ otlpEndpoint, otlpProtocol: protocol, otlpHeaders: "" });
    assert.ok(parsed.ok && parsed.value !== undefined);
    const sink = openOtlp({
      exported: { otlp: parsed.value },
      ...{ nodeName: protocol, clusterName: "c", bootToWallNs: (ns) => ns },
      ...{ clock: systemClock, log: pino({ level: "silent" }) },
    })!;
    const stop = new AbortController();
    const running = sink.run(stop.signal);
    sink.write(events);
    const ours = () =>
      collector.records().filter(({ resource }) => resource["k8s.node.name"] === protocol);
    await waitFor("records", async () => ours().length === events.length || undefined, {
      ...{ timeoutMs: 30_000, everyMs: 100, detail: () => JSON.stringify(sink.stats()) },
    });
    stop.abort();
    await running;
    const found = new Map(ours().map((one) => [nameOf(one), one]));
    assert.deepEqual([...found.keys()].sort(), Object.keys(wanted).sort());
    for (const [name, attributes] of Object.entries(wanted)) {
      const { attributes: told, resource } = found.get(name)!;
      assert.deepEqual({ ...told, ...attributes }, told, name);
      assert.equal(resource["service.name"], "guardbee-agent");
      assert.equal(resource["k8s.cluster.name"], "c");
    }
    const stats = sink.stats();
    assert.deepEqual([stats.delivered, stats.dropped.error], [events.length, 0]);
  });
}

function nameOf({ eventName, attributes }: CollectedRecord): string {
  return `${eventName} ${attributes["process.executable.path"]}`;
}
