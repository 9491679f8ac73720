import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { ManualClock } from "@guardbee/kube";
import pino from "pino";
import { containerd, crio, parseContainer, RuntimeContainers } from "./runtime-containers.ts";

const APP = "b".repeat(64);
const CONTAINERD = "run/containerd/io.containerd.runtime.v2.task/k8s.io";
const CRIO = "run/containers/storage/overlay-containers";

const ofContainerd = {
  "io.kubernetes.cri.container-type": "container",
  "io.kubernetes.cri.container-name": "app",
  "io.kubernetes.cri.sandbox-uid": "u1",
  "io.kubernetes.cri.sandbox-namespace": "web",
};
const ofCrio = {
  "io.kubernetes.cri-o.ContainerType": "container",
  ...{ "io.kubernetes.container.name": "app", "io.kubernetes.pod.uid": "u1" },
  "io.kubernetes.pod.namespace": "web",
};
const app = { podUid: "u1", namespace: "web", name: "app" };
const sandbox = { podUid: "u1", namespace: "web" };

const annotated: readonly {
  name: string;
  annotations: unknown;
  keys?: typeof crio;
  want: object | undefined;
}[] = [
  { name: "containerd's container", annotations: ofContainerd, want: app },
  {
    name: "containerd's sandbox",
    annotations: { ...ofContainerd, "io.kubernetes.cri.container-type": "sandbox" },
    want: sandbox,
  },
  { name: "CRI-O's container", annotations: ofCrio, keys: crio, want: app },
  {
    name: "CRI-O's container of a pod with annotations as containerd writes them",
    annotations: { ...ofContainerd, "io.kubernetes.cri.container-name": "side", ...ofCrio },
    ...{ keys: crio, want: app },
  },
  {
    name: "containerd's container, where CRI-O's are",
    annotations: ofContainerd,
    ...{ keys: crio, want: undefined },
  },
  {
    name: "CRI-O's sandbox",
    annotations: { ...ofCrio, "io.kubernetes.cri-o.ContainerType": "sandbox" },
    ...{ keys: crio, want: sandbox },
  },
  {
    name: "a container without a name",
    annotations: { ...ofContainerd, "io.kubernetes.cri.container-name": 1 },
    want: undefined,
  },
  {
    name: "another type",
    annotations: { ...ofContainerd, "io.kubernetes.cri.container-type": "x" },
    want: undefined,
  },
  {
    name: "no pod's",
    annotations: { "io.kubernetes.cri.container-type": "sandbox" },
    want: undefined,
  },
  { name: "no annotations", annotations: undefined, want: undefined },
];
for (const { name, annotations, keys = containerd, want } of annotated) {
  test(`parseContainer of ${name}`, () => {
    assert.deepEqual(parseContainer({ ociVersion: "1.2.0", annotations }, keys), want);
  });
}

function aRuntime(t: TestContext, folders: readonly string[]) {
  const hostRoot = mkdtempSync(join(tmpdir(), "runtime-"));
  t.after(() => rmSync(hostRoot, { recursive: true, force: true }));
  for (const folder of folders) mkdirSync(join(hostRoot, folder), { recursive: true });
  const clock = new ManualClock();
  const write = (path: string, text: string) => {
    mkdirSync(dirname(join(hostRoot, path)), { recursive: true });
    writeFileSync(join(hostRoot, path), text);
  };
  const options = { hostRoot, clock, log: pino({ level: "silent" }) };
  return { containers: new RuntimeContainers(options), clock, hostRoot, write };
}

for (const [path, annotations] of [
  [`${CONTAINERD}/${APP}/config.json`, ofContainerd],
  [`${CRIO}/${APP}/userdata/config.json`, ofCrio],
] as const) {
  test(`a container is read from ${dirname(path).replace(APP, "ID")} once it is there`, async (t) => {
    const { containers, write } = aRuntime(t, []);
    assert.equal(await containers.find(APP), undefined);
    write(path, '{"annotations":');
    assert.equal(await containers.find(APP), undefined);
    write(path, JSON.stringify({ annotations }));
    assert.deepEqual(await containers.find(APP), app);
  });
}

test("a container's folder tells that its pod is to be looked at, until its cgroup is there or for 5 s", async (t) => {
  const { containers, clock, hostRoot, write } = aRuntime(t, [CONTAINERD]);
  const stop = new AbortController();
  const made = Promise.withResolvers<void>();
  const following = containers.follow(() => made.resolve(), stop.signal);
  mkdirSync(join(hostRoot, CONTAINERD, "not-one"));
  mkdirSync(join(hostRoot, CONTAINERD, APP));
  await made.promise;
  assert.equal(containers.anyStarting(), true);
  assert.deepEqual(await containers.starting(new Set()), []);
  write(`${CONTAINERD}/${APP}/config.json`, JSON.stringify({ annotations: ofContainerd }));
  assert.deepEqual(await containers.starting(new Set()), ["u1"]);
  await clock.advance(5_001);
  assert.deepEqual(await containers.starting(new Set()), []);
  assert.equal(containers.anyStarting(), false);
  stop.abort();
  await following;
});

test("what has its cgroup is not looked for", async (t) => {
  const { containers, hostRoot, write } = aRuntime(t, [CONTAINERD]);
  const stop = new AbortController();
  const made = Promise.withResolvers<void>();
  const following = containers.follow(() => made.resolve(), stop.signal);
  write(`${CONTAINERD}/${APP}/config.json`, JSON.stringify({ annotations: ofContainerd }));
  assert.ok(hostRoot);
  await made.promise;
  assert.deepEqual(await containers.starting(new Set([APP])), []);
  assert.equal(containers.anyStarting(), false);
  stop.abort();
  await following;
});
