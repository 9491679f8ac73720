import assert from "node:assert/strict";
import { copyFileSync, mkdirSync } from "node:fs";
import { after, test } from "node:test";
import { openGuestKernel } from "./testing/guest-kernel.ts";
import { policyIn } from "./testing/policies.ts";
import { Cgroup } from "./testing/scene.ts";

const kernel = await openGuestKernel();
after(() => kernel.close());

// More selectors than 1,024: bitmaps are large, values have the numbers of rows.
const count = 400;
const shell = "/tmp/lists/sh";

const lists = Array.from({ length: count }, (_, i) =>
  policyIn(`
apiVersion: cilium.io/v1alpha1
kind: ExecPolicy
metadata: { name: list-${i} }
spec:
  podSelector: {}
  rules:
    deny: [{ paths: [/tmp/lists/${i}/lib/old] }]
    allow:
    - { paths: [${shell}, /usr/bin/dash, /tmp/lists/${i}/exact] }
    - { pathPrefixes: [/tmp/lists/${i}/lib/] }
    - { pathGlobs: ["/tmp/lists/${i}/*/bin/*", "/tmp/lists/**/common-*"] }
`),
);

test("of 400 lists on one node each process has that of its own pod", async () => {
  mkdirSync("/tmp/lists", { recursive: true });
  copyFileSync("/bin/sh", shell);
  const cgroups = lists.map((_, i) => new Cgroup(`/sys/fs/cgroup/lists/pod-${i}`));
  const states = await kernel.program(lists, {
    host: [],
    cgroups: lists.map(({ name }, i) => ({ id: cgroups[i]!.id, sets: [name] })),
  });
  const failures = states.flatMap((its) => (its.state === "failed" ? [its.message] : []));
  assert.deepEqual([...new Set(failures)], []);
  const files = ["exact", "lib/tool", "lib/old", "v1/bin/tool", "v1/v2/bin/tool", "other"];
  for (const i of [0, 7, 398, 399]) {
    for (const file of [...files, "v1/common-x"]) {
      const path = `/tmp/lists/${i}/${file}`;
      mkdirSync(path.slice(0, path.lastIndexOf("/")), { recursive: true });
      copyFileSync("/bin/true", path);
    }
  }
  const runs = async (pod: number, of: number) => {
    const all = [...files, "v1/common-x"].map((file) => `/tmp/lists/${of}/${file}`);
    const { out } = await cgroups[pod]!.sh(
      all.map((path) => `${path} 2>/dev/null; echo $?`).join("\n"),
    );
    return out.trim().split("\n");
  };
  const own = ["0", "0", "126", "0", "126", "126", "0"];
  const others = ["126", "126", "126", "126", "126", "126", "0"];
  for (const [pod, of] of [
    ...[0, 7, 398, 399].map((i) => [i, i] as const),
    ...[[7, 0] as const, [398, 399] as const],
  ]) {
    assert.deepEqual(await runs(pod, of), pod === of ? own : others, `pod ${pod}, files of ${of}`);
  }
});
