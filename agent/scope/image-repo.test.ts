import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { lower, parsePolicies, setName } from "@guardbee/policy";
import { parsePod } from "@guardbee/policy/sets";
import type { CgroupTree } from "./cgroups.ts";
import { resolveScopes } from "./resolve.ts";

const uid = "0a1b2c3d-1111-2222-3333-444455556666";
const digest = `sha256:${"1".repeat(64)}`;
const app = "b".repeat(64);
const [podCgroup, container] = [10n, 12n];

const tree: CgroupTree = {
  roots: [{ id: 1n, path: "/kubepods", qosFolders: [] }],
  pods: [
    {
      ...{ id: podCgroup, path: `/kubepods/pod${uid}`, uid, others: [] },
      containers: [{ id: container, path: "", containerId: app, nested: [] }],
    },
  ],
};

/** policy/testdata/field/21-repo-selector.yaml, with this for `repo`. */
function policyFor(repo: string, operator: "In" | "NotIn") {
  const file = new URL("../../policy/testdata/field/21-repo-selector.yaml", import.meta.url);
  const text = readFileSync(file, "utf8");
  assert.ok(text.includes('operator: In, values: ["docker.io/library/ubuntu"]'));
  const written = text
    .replace("docker.io/library/ubuntu", repo)
    .replace("operator: In", `operator: ${operator}`);
  const parsed = parsePolicies(written, "21-repo-selector.yaml").policies[0]?.result;
  assert.ok(parsed?.ok);
  const lowered = lower(parsed.value);
  assert.ok(lowered.ok);
  return { name: setName(lowered.value.policy), set: lowered.value };
}

/** As kubelet 1.34 with containerd 2 reports a pod: `image` is the runtime's name for what runs. */
function podOf(image: string, status: { readonly image: string; readonly imageID: string }) {
  const pod = parsePod({
    metadata: { namespace: "default", name: "web", uid },
    spec: { containers: [{ name: "app", image }] },
    status: {
      phase: "Running",
      containerStatuses: [
        {
          ...{ name: "app", containerID: `containerd://${app}`, ready: true, restartCount: 0 },
          state: { running: { startedAt: "2026-01-01T00:00:01Z" } },
          ...status,
        },
      ],
    },
  });
  assert.ok(pod);
  return pod;
}

const pulled = {
  image: "docker.io/library/ubuntu:24.04",
  imageID: `docker.io/library/ubuntu@${digest}`,
};
/** Loaded into the node from a file: the runtime knows no registry that it came from. */
const imported = { image: "docker.io/library/ubuntu:24.04", imageID: digest };
const mirrored = {
  image: "mirror.example:5000/hub/ubuntu:24.04",
  imageID: `mirror.example:5000/hub/ubuntu@${digest}`,
};

const cases: readonly {
  readonly repo: string;
  readonly image: string;
  readonly status: { readonly image: string; readonly imageID: string };
  readonly holds: boolean;
}[] = [
  { repo: "docker.io/library/ubuntu", image: "ubuntu:24.04", status: pulled, holds: true },
  { repo: "docker.io/library/ubuntu", image: "ubuntu:24.04", status: imported, holds: true },
  { repo: "docker.io/library/ubuntu", image: `ubuntu@${digest}`, status: pulled, holds: true },
  { repo: "docker.io/library/ubuntu", image: "library/ubuntu", status: pulled, holds: true },
  { repo: "ubuntu", image: "ubuntu:24.04", status: pulled, holds: true },
  { repo: "ubuntu", image: "docker.io/library/ubuntu:24.04", status: pulled, holds: true },
  { repo: "ubuntu", image: "docker.io/library/ubuntu:24.04", status: imported, holds: true },
  {
    ...{ repo: "mirror.example:5000/hub/ubuntu", image: "ubuntu:24.04", status: mirrored },
    holds: true,
  },
  { repo: "docker.io/library/debian", image: "ubuntu:24.04", status: pulled, holds: false },
  { repo: "ubuntu", image: "mirror.example:5000/hub/ubuntu:24.04", status: mirrored, holds: false },
  { repo: "docker.io/other/ubuntu", image: "ubuntu:24.04", status: pulled, holds: false },
];
for (const { repo, image, status, holds } of cases) {
  test(`a policy for repo ${repo} ${holds ? "holds" : "does not hold"} in a container of image ${image}, reported as ${status.imageID.slice(0, 40)}`, () => {
    const pod = podOf(image, status);
    for (const operator of ["In", "NotIn"] as const) {
      const set = policyFor(repo, operator);
      const { cgroups } = resolveScopes([set], { pods: [pod], tree });
      const wanted = (operator === "In") === holds ? [set.name] : [];
      assert.deepEqual(cgroups.find(({ id }) => id === container)?.sets, wanted, operator);
    }
  });
}
