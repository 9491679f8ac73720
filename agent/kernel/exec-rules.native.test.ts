import assert from "node:assert/strict";
import { after, test } from "node:test";
import { decide, type HookCall } from "@guardbee/policy";
import fc from "fast-check";
import { sampleDigests } from "../../policy/args/linux_binprm.ts";
import { anyProcess } from "../../policy/decide/arbitrary.ts";
import type { ExecFacts } from "../../policy/decide/parameter.ts";
import { enums } from "../gen/layout.ts";
import { NativeEngine } from "./testing/native-engine.ts";
import { policyIn } from "./testing/policies.ts";

// Random policies are seldom lists of programs: these are, and each exec that they tell apart is made.

const engine = new NativeEngine();
after(() => engine.close());

const [one, other] = sampleDigests.map((hex) => `"sha256:${hex}"`);

const lists: readonly string[] = [
  `{ allow: [{ digests: [${one}] }] }`,
  `{ allow: [{ digests: [${one}] }], unknownDigest: Report }`,
  `{ allow: [{ paths: [/bin/a] }, { digests: [${one}, ${other}], fromImage: true }] }`,
  `{ allow: [{ digests: [${one}], paths: [/bin/a] }], unknownDigest: Report, default: Report }`,
  `{ deny: [{ digests: [${one}] }] }`,
  `{ deny: [{ digests: [${one}] }], unknownDigest: Report, action: Kill }`,
  `{ deny: [{ digests: [${one}], action: Report }, { digests: [${other}], users: [0] }], allow: [{ fromImage: true }] }`,
  "{ allow: [{ interpreters: [/bin/a], scripts: fromImage }] }",
  "{ allow: [{ paths: [/bin/a] }, { scripts: any, users: [0] }], default: Report }",
  "{ deny: [{ scripts: any, fromImage: false }], allow: [{ paths: [/bin/a] }, { interpreters: [/bin/b] }] }",
  "{ deny: [{ interpreters: [/bin/a], action: Kill }, { scripts: fromImage, action: Report }] }",
  `{ deny: [{ scripts: any, fromImage: false }], allow: [{ digests: [${other}] }, { interpreters: [/bin/b] }] }`,
];

/** All that the lists tell apart. */
const execs: readonly (ExecFacts & { readonly path: string })[] = ["/bin/a", "/bin/b"].flatMap(
  (path) =>
    [...sampleDigests, undefined].flatMap((digest) =>
      (["image", "changed"] as const).flatMap((origin) =>
        [0, 1000].flatMap((user) =>
          [0, 1, 2, 3].map((bits) => ({
            ...{ path, origin, user, group: 0 },
            ...(digest !== undefined && { digest }),
            ...((bits & 1) !== 0 && { isInterpreter: true as const }),
            ...((bits & 2) !== 0 && { isScript: true as const }),
          })),
        ),
      ),
    ),
);

const [sample] = fc.sample(anyProcess, { seed: 1, numRuns: 1 });
const { startsContainer: _, ...process } = { ...sample!, isProtected: false };
const cgroups = {
  ...{ place: enums.scope_place.PLACE_NOWHERE, rootLevel: 1, isBelowRoot: false, classes: [] },
};

function execOf({ path, ...exec }: (typeof execs)[number], holds: ReadonlySet<string>): HookCall {
  const file = { id: 1, path };
  return {
    on: { kind: "lsm", hook: "bprm_check_security" },
    ...{ process, holds, descriptors: new Map([[3, file]]) },
    parameters: [{ kind: "struct", name: "linux_binprm", file, exec }],
  };
}

for (const [i, rules] of lists.entries()) {
  test(`of each exec the engine decides as policy/decide does by ${rules}`, async () => {
    const names = [i, (i + 1) % lists.length].map((at) => `p${at}`);
    // A list by itself, and beside another, of which not all ask for a digest.
    for (const count of [1, 2]) {
      const sets = names.slice(0, count).map((name) => ({
        ...policyIn(`
apiVersion: cilium.io/v1alpha1
kind: ExecPolicy
metadata: { name: ${name} }
spec: { podSelector: {}, rules: ${lists[Number(name.slice(1))]} }
`),
        name,
      }));
      const holds = new Set(names.slice(0, count));
      const classes = [holds, holds, holds, holds];
      engine.load(sets, { classes, slot: 0 });
      const answers = new Set<number>();
      for (const exec of execs) {
        const call = execOf(exec, holds);
        const { outcomes } = decide(sets, new Map(), call);
        const done = await engine.call(call, new Map(), { cgroups, at: 1 });
        const says = { set: "", hook: 0, selector: 0, action: "", stopped: false };
        const told = (all: readonly (typeof says)[]) =>
          all
            .map(({ set, hook, selector, action, stopped }) =>
              [set, hook, selector, action, stopped].join(" "),
            )
            .sort();
        const returned = 0 - (outcomes.find(({ override }) => override)?.override ?? 0);
        assert.deepEqual(
          { events: told(done.events), signals: done.signals, returned: done.returned },
          {
            events: told(
              outcomes
                .filter(({ posted }) => posted)
                .map(({ lastAction, stop, ...one }) => ({
                  ...{ ...one, action: lastAction, stopped: stop === "stopped" },
                })),
            ),
            ...{ signals: outcomes.flatMap(({ signals }) => signals), returned },
          },
          JSON.stringify(exec),
        );
        answers.add(done.returned * 1000 - done.signals.length * 10 - done.events.length);
      }
      assert.ok(answers.size > 1, "all execs were decided alike");
    }
  });
}
