import assert from "node:assert/strict";
import { test } from "node:test";
import { hookEvent } from "../events/event.ts";
import { hookInfo, someEvents } from "../events/testing/some-events.ts";
import { enums } from "../gen/layout.ts";
import type { HookInfo } from "../kernel/hook-info.ts";
import type { Process } from "../process/process.ts";
import { decodeRecord } from "../records/decode.ts";
import type { HookRecord } from "../records/kernel-record.ts";
import { hookRecord, programArg } from "../records/testing-records.ts";
import { LearnSink } from "./learn-sink.ts";
import { nodeItself, type Observation, observationOf, type WorkloadRef } from "./observation.ts";

const info: HookInfo = {
  ...hookInfo,
  policy: { kind: "ExecPolicyNamespaced", namespace: "shop", name: "web" },
  learns: { hook: 0, others: 0, fromImage: 9 },
};
const { bash, nginx } = someEvents();

/** An exec that `process` is about to make. */
function execOf(
  process: Process | undefined,
  { path = "/usr/bin/curl", flags = 0, argFlags = 0, hook = info } = {},
) {
  const bytes = hookRecord({ args: [programArg(path, argFlags)], flags });
  return hookEvent(process, decodeRecord(bytes, 0) as HookRecord, hook);
}

const web = { namespace: "shop", kind: "Deployment", name: "web" };
const inPod = nginx.process!.process;
const seen = { set: "execpolicynamespaced.shop.web", workload: web, path: "/usr/bin/curl" };

test("an exec that no rule names is observed with its workload and what makes it", () => {
  const parent = "/usr/sbin/nginx";
  assert.deepEqual(observationOf(execOf(inPod)), {
    ...seen,
    parent,
    fromImage: false,
    denied: false,
  });
});

test("one that was stopped is observed as denied, one that would be is not", () => {
  const { HOOK_STOPPED, HOOK_WOULD_STOP } = enums.hook_flag;
  assert.equal(observationOf(execOf(inPod, { flags: HOOK_STOPPED }))?.denied, true);
  assert.equal(observationOf(execOf(inPod, { flags: HOOK_WOULD_STOP }))?.denied, false);
});

test("what the selector for the image matched came from there", () => {
  const learns = { hook: 0, others: 1, fromImage: 0 };
  assert.equal(observationOf(execOf(inPod, { hook: { ...info, learns } }))?.fromImage, true);
});

test("what runs on the node in no pod is the node's own", () => {
  const observed: Observation[] = [];
  const sink = new LearnSink(
    (one) => observed.push(one),
    () => undefined,
  );
  sink.write([execOf(bash.process!.process)]);
  for (let second = 0; second < 60; second++) sink.retry();
  assert.deepEqual(
    observed.map(({ workload }) => workload),
    [nodeItself],
  );
});

test("a container's first program is of the workload that its runtime has entered, once that is known", () => {
  const event = execOf(bash.process!.process);
  const known = new Map<bigint, WorkloadRef>();
  const observed: Observation[] = [];
  const sink = new LearnSink(
    (one) => observed.push(one),
    (cgroupId) => known.get(cgroupId),
  );
  sink.write([event]);
  sink.retry();
  assert.deepEqual(observed, []);
  known.set(event.record.cgroupId, web);
  sink.retry();
  sink.retry();
  assert.deepEqual(
    observed.map(({ workload, path }) => ({ workload, path })),
    [{ workload: web, path: "/usr/bin/curl" }],
  );
});

test("in a container that nobody knows it is nobody's", () => {
  const { cgroupId } = execOf(inPod).record;
  const process = { ...inPod, container: undefined, image: { ...inPod.image, cgroupId } };
  assert.equal(observationOf(execOf(process)), undefined);
  assert.equal(observationOf(execOf(undefined)), undefined);
});

test("what a rule names, or a policy that does not learn, is not observed", () => {
  const { learns: _, ...others } = info;
  assert.equal(observationOf(execOf(inPod, { hook: others })), undefined);
  assert.equal(
    observationOf(
      execOf(inPod, { hook: { ...info, learns: { hook: 0, others: 1, fromImage: 9 } } }),
    ),
    undefined,
  );
  assert.equal(observationOf(nginx), undefined);
});

for (const [what, options] of [
  ["a deleted file", { argFlags: enums.arg_flag.ARG_DELETED }],
  ["a path without its head", { argFlags: enums.arg_flag.ARG_CUT }],
  ["escapes of a terminal", { path: "/tmp/\u001b[2J" }],
  ["no path", { path: "" }],
] as const) {
  test(`${what} is counted, and has no name`, () => {
    const found = observationOf(execOf(inPod, options));
    assert.deepEqual([found?.path, found?.set], [undefined, seen.set]);
  });
}
