import assert from "node:assert/strict";
import { after, test } from "node:test";
import { namesIn, type Place } from "@guardbee/policy/sets";
import { openGuestKernel } from "./testing/guest-kernel.ts";
import { policyIn } from "./testing/policies.ts";
import { Cgroup, run } from "./testing/scene.ts";

const kernel = await openGuestKernel();
const { events } = kernel;
after(() => kernel.close());

const policy = policyIn(`
apiVersion: cilium.io/v1alpha1
kind: TracingPolicy
metadata:
  name: workloads
spec:
  podSelector:
    matchLabels: { tier: front }
  hostSelector: {}
  kprobes:
  - call: sys_getpriority
    selectors:
    - matchWorkloads:
        podSelector:
          matchLabels: { app: web }
      matchActions:
      - action: NoPost
    - matchWorkloads:
        hostSelector: {}
    - matchWorkloads:
        podSelector:
          matchExpressions:
          - { key: app, operator: In, values: [web, db] }
`);

test("a selector matches in its workloads, and a later one where those are not", async () => {
  const pod = (labels: Readonly<Record<string, string>>): Place => ({
    ...{ kind: "pod", namespace: "shop", labels },
  });
  const places = {
    web: pod({ tier: "front", app: "web" }),
    db: pod({ tier: "front", app: "db" }),
    cache: pod({ tier: "front", app: "cache" }),
    back: pod({ tier: "back", app: "db" }),
  };
  const cgroups = Object.entries(places).map(([name, place]) => ({
    cgroup: new Cgroup(`/sys/fs/cgroup/workloads-${name}`),
    sets: namesIn([policy], place),
  }));
  await kernel.program([policy], {
    host: namesIn([policy], { kind: "host" }),
    cgroups: cgroups.map(({ cgroup, sets }) => ({ id: cgroup.id, sets })),
  });
  const selectors = async (scene: () => unknown) =>
    (await events.during(scene)).hooks.map(({ selector }) => selector);
  assert.deepEqual(await selectors(() => run("nice")), [1]);
  const [web, db, cache, back] = cgroups.map(
    ({ cgroup }) =>
      () =>
        cgroup.sh("nice"),
  );
  assert.deepEqual(await selectors(web!), [], "it matches the first, which reports nothing");
  assert.deepEqual(await selectors(db!), [2]);
  assert.deepEqual(await selectors(cache!), []);
  assert.deepEqual(await selectors(back!), [], "the policy does not hold there");
});
