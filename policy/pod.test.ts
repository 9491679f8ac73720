import assert from "node:assert/strict";
import { test } from "node:test";

import { bareContainerId, imageRepos, parsePod } from "./pod.ts";

const UID = "0a1b2c3d-1111-2222-3333-444455556666";
const HASH = "00112233445566778899aabbccddeeff";

/** A Pod as the API server gives it. */
function aRawPod(metadata: object = {}, rest: object = {}): unknown {
  return { metadata: { namespace: "web", name: "front-1", uid: UID, ...metadata }, ...rest };
}

function controlledBy(kind: string, name: string, labels: object = {}): object {
  return {
    generateName: `${name}-`,
    labels,
    ownerReferences: [
      { kind: "Other", name: "other" },
      { kind, name, controller: true },
    ],
  };
}

test("parsePod keeps all three kinds of containers and what kubelet reported of them", () => {
  const pod = parsePod(
    aRawPod(
      { labels: { app: "front" } },
      {
        spec: {
          hostPID: true,
          initContainers: [{ name: "init", image: "setup" }],
          containers: [
            { name: "app", image: "reg/app:1", securityContext: { privileged: true } },
            { name: "side", image: "side" },
          ],
          ephemeralContainers: [{ name: "debug", image: "sh" }],
        },
        status: {
          phase: "Running",
          initContainerStatuses: [
            {
              name: "init",
              containerID: "containerd://1",
              imageID: "sha256:1",
              state: { terminated: { startedAt: "2026-01-01T00:00:00Z" } },
            },
          ],
          containerStatuses: [
            { name: "side", state: { waiting: {} } },
            {
              name: "app",
              containerID: "containerd://2",
              imageID: "sha256:2",
              state: { running: { startedAt: "2026-01-01T00:00:01Z" } },
            },
          ],
        },
      },
    ),
  );
  assert.deepEqual(pod, {
    namespace: "web",
    name: "front-1",
    uid: UID,
    cgroupUid: UID,
    labels: { app: "front" },
    workload: { kind: "Pod", name: "front-1" },
    hostPid: true,
    hostNetwork: false,
    finished: false,
    containers: [
      {
        name: "init",
        image: "setup",
        privileged: false,
        running: {
          id: "containerd://1",
          imageId: "sha256:1",
          live: false,
          startedAt: "2026-01-01T00:00:00Z",
        },
      },
      {
        name: "app",
        image: "reg/app:1",
        privileged: true,
        running: {
          id: "containerd://2",
          imageId: "sha256:2",
          live: true,
          startedAt: "2026-01-01T00:00:01Z",
        },
      },
      { name: "side", image: "side", privileged: false },
      { name: "debug", image: "sh", privileged: false },
    ],
  });
});

const workloads: readonly { name: string; metadata: object; want: object }[] = [
  { name: "no owner", metadata: {}, want: { kind: "Pod", name: "front-1" } },
  {
    name: "an owner but no generateName",
    metadata: { ...controlledBy("Node", "n1"), generateName: undefined },
    want: { kind: "Pod", name: "front-1" },
  },
  {
    name: "a ReplicaSet of a Deployment",
    metadata: controlledBy("ReplicaSet", "front-5d8f", { "pod-template-hash": "5d8f" }),
    want: { kind: "Deployment", name: "front" },
  },
  {
    name: "a ReplicaSet of its own",
    metadata: controlledBy("ReplicaSet", "front"),
    want: { kind: "ReplicaSet", name: "front" },
  },
  {
    name: "a ReplicationController of a DeploymentConfig",
    metadata: controlledBy("ReplicationController", "front-3", { deploymentconfig: "front" }),
    want: { kind: "DeploymentConfig", name: "front" },
  },
  {
    name: "a Job of a CronJob",
    metadata: controlledBy("Job", "nightly-29384756"),
    want: { kind: "CronJob", name: "nightly" },
  },
  {
    name: "a Job whose number is too short",
    metadata: controlledBy("Job", "nightly-1234567"),
    want: { kind: "Job", name: "nightly-1234567" },
  },
];
for (const { name, metadata, want } of workloads) {
  test(`the workload of a pod with ${name}`, () => {
    assert.deepEqual(parsePod(aRawPod(metadata))?.workload, want);
  });
}

const mirrors: readonly { name: string; annotations: object; want: string }[] = [
  {
    name: "a static pod's mirror goes by its manifest's hash",
    annotations: { "kubernetes.io/config.hash": HASH, "kubernetes.io/config.mirror": HASH },
    want: HASH,
  },
  {
    name: "a pod that only claims a hash keeps its uid",
    annotations: { "kubernetes.io/config.hash": HASH },
    want: UID,
  },
  {
    name: "a pod that claims another pod's uid keeps its own",
    annotations: {
      "kubernetes.io/config.hash": UID.replace("0", "9"),
      "kubernetes.io/config.mirror": UID.replace("0", "9"),
    },
    want: UID,
  },
];
for (const { name, annotations, want } of mirrors) {
  test(name, () => assert.equal(parsePod(aRawPod({ annotations }))?.cgroupUid, want));
}

test("parsePod gives undefined for what has no identity", () => {
  assert.equal(parsePod(null), undefined);
  assert.equal(parsePod({ metadata: { name: "x", namespace: "y" } }), undefined);
});

/** Each name of an image of docker.io that needs no namespace. */
const namesOf = (name: string) => [
  ...[name, `library/${name}`, `docker.io/${name}`, `docker.io/library/${name}`],
];
const images: readonly { image: string; imageId?: string; want: readonly string[] }[] = [
  { image: "ubuntu:24.04", want: namesOf("ubuntu") },
  { image: "web/app", want: ["web/app", "docker.io/web/app"] },
  { image: "docker.io/ubuntu", want: namesOf("ubuntu") },
  { image: "docker.io/library/ubuntu:24.04", want: namesOf("ubuntu") },
  { image: "library/ubuntu", want: namesOf("ubuntu") },
  {
    image: "index.docker.io/web/app:1",
    want: ["index.docker.io/web/app", "docker.io/web/app", "web/app"],
  },
  { image: "localhost/app", want: ["localhost/app"] },
  { image: "reg:5000/web/nginx", want: ["reg:5000/web/nginx"] },
  { image: "reg:5000/web/nginx:1@sha256:abc", want: ["reg:5000/web/nginx"] },
  {
    image: "nginx",
    imageId: "mirror.example/library/nginx@sha256:abc",
    want: [...namesOf("nginx"), "mirror.example/library/nginx"],
  },
  { image: "nginx", imageId: "docker-pullable://nginx@sha256:abc", want: namesOf("nginx") },
  { image: "nginx", imageId: "sha256:abc", want: namesOf("nginx") },
  {
    image: "reg/web",
    imageId: "docker.io/library/web@sha256:abc",
    want: ["reg/web", "docker.io/reg/web", ...namesOf("web")],
  },
];
for (const { image, imageId, want } of images) {
  test(`imageRepos of ${image} ${imageId ?? ""}`, () => {
    assert.deepEqual([...imageRepos(image, imageId)].sort(), [...want].sort());
  });
}

test("bareContainerId drops the runtime", () => {
  assert.equal(bareContainerId("containerd://abc"), "abc");
  assert.equal(bareContainerId("abc"), "abc");
});

test("parsePod keeps annotations where it is asked to, and the commands of probes", () => {
  const probe = (command: readonly unknown[]) => ({ exec: { command } });
  const raw = aRawPod(
    { annotations: { note: "n", bad: 7 } },
    {
      spec: {
        containers: [
          { name: "a", livenessProbe: probe(["cat", "/x"]), readinessProbe: probe(["/ready"]) },
          { name: "b", livenessProbe: { httpGet: { path: "/" } }, startupProbe: probe(["no"]) },
        ],
      },
    },
  );
  assert.equal(parsePod(raw)?.annotations, undefined);
  assert.deepEqual(parsePod(raw, { annotations: true })?.annotations, { note: "n" });
  const probes = parsePod(raw)?.containers.map(({ execProbes }) => execProbes);
  assert.deepEqual(probes, [[["cat", "/x"], ["/ready"]], undefined]);
});
