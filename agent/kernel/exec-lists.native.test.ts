import assert from "node:assert/strict";
import { after, test } from "node:test";
import { decide, type HookCall } from "@guardbee/policy";
import fc from "fast-check";
import { anyProcess } from "../../policy/decide/arbitrary.ts";
import { enums } from "../gen/layout.ts";
import { NativeEngine } from "./testing/native-engine.ts";
import { policyIn } from "./testing/policies.ts";

// So many lists that bitmaps are large: then values have the numbers of rows, and a list lies in one word.

const engine = new NativeEngine();
after(() => engine.close());

const count = 400;
const sets = Array.from({ length: count }, (_, i) => ({
  ...policyIn(`
apiVersion: cilium.io/v1alpha1
kind: ExecPolicy
metadata: { name: p${i} }
spec:
  podSelector: {}
  rules:
    deny: [{ paths: [/srv/${i}/old], action: Kill }, { pathGlobs: ["/srv/${i}/**/x"] }]
    allow:
    - paths: [/srv/${i}/a, /srv/${i}/b, /bin/sh]
    - pathPrefixes: [/srv/${i}/bin/, /usr/lib/]
    - pathGlobs: ["/srv/${i}/*/bin/*", "/usr/*/bin/*"]
    - { paths: [/srv/${i}/mine], users: [${i % 7}] }
    - { paths: [/bin/env], fromImage: true }
`),
  name: `p${String(i).padStart(3, "0")}`,
}));

const [sample] = fc.sample(anyProcess, { seed: 1, numRuns: 1 });
const { startsContainer: _, ...process } = { ...sample!, isProtected: false };

const pathsOf = (i: number) => [
  ...["/bin/sh", "/bin/env", "/bin/other", "/usr/lib/git", "/usr/x/bin/y", "/usr/x"],
  ...[
    "a",
    "b",
    "old",
    "mine",
    "bin/tool",
    "bin/x",
    "v1/bin/tool",
    "v1/bin/x",
    "v1/v2/bin/tool",
  ].map((file) => `/srv/${i}/${file}`),
];

/** What a pod is in: its own list, none, several in different words, or all. */
const holdings: readonly (readonly number[])[] = [
  ...[0, 8, 9, 10, 199, 399].map((i) => [i]),
  ...[[], [0, 399], [3, 4, 200], Array.from({ length: count }, (_, i) => i)],
];

for (const holding of holdings) {
  const shown = holding.length > 5 ? "all" : `of [${holding.join()}]`;
  test(`of ${count} lists on one node the engine decides by those ${shown} as policy/decide does`, async () => {
    const holds = new Set(holding.map((i) => sets[i]!.name));
    engine.load(sets, { classes: [holds, holds, holds, holds], slot: 0 });
    const answers = new Set<string>();
    for (const path of new Set([...holding.slice(0, 3), 7, 398].flatMap(pathsOf))) {
      for (const [origin, user] of [["image", 3] as const, ["changed", 0] as const]) {
        const file = { id: 1, path };
        const call: HookCall = {
          on: { kind: "lsm", hook: "bprm_check_security" },
          ...{ process, holds, descriptors: new Map([[3, file]]) },
          parameters: [
            { kind: "struct", name: "linux_binprm", file, exec: { origin, user, group: 0 } },
          ],
        };
        const { outcomes } = decide(sets, new Map(), call);
        const done = await engine.call(call, new Map(), {
          cgroups: {
            ...{ place: enums.scope_place.PLACE_NOWHERE, rootLevel: 1 },
            ...{ isBelowRoot: false, classes: [] },
          },
          at: 1,
        });
        const told = (all: readonly { set: string; hook: number; selector: number }[]) =>
          all.map(({ set, hook, selector }) => `${set} ${hook} ${selector}`).sort();
        const wanted = {
          events: told(outcomes.filter(({ posted }) => posted)),
          signals: outcomes.flatMap(({ signals }) => signals),
          returned: 0 - (outcomes.find(({ override }) => override)?.override ?? 0),
        };
        const { signals, returned } = done;
        assert.deepEqual({ events: told(done.events), signals, returned }, wanted, path);
        answers.add(JSON.stringify(wanted));
      }
    }
    assert.ok(answers.size > (holding.length === 0 ? 0 : 1), "all execs were decided alike");
  });
}
