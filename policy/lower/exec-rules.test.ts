import assert from "node:assert/strict";
import { test } from "node:test";
import type { Selector } from "../selector-set.ts";
import { lowered } from "../testing/a-policy.ts";

const starts = { by: "arg", arg: 0, op: "StartsContainer", values: ["0"] } as const;
const eperm = [{ action: "Override", error: 1 }] as const;
const silent = [{ action: "NoPost" }] as const;

function equal(...values: readonly string[]) {
  return { by: "arg", arg: 0, op: "Equal", values } as const;
}

function hooksOf(rules: object): readonly (readonly Selector[])[] {
  const policy = {
    ...{ apiVersion: "cilium.io/v1alpha1", kind: "ExecPolicy", metadata: { name: "p" } },
    spec: { podSelector: {}, rules },
  };
  const { hooks } = lowered(policy);
  return hooks.map(({ on, args, selectors }) => {
    assert.deepEqual(on, { kind: "lsm", hook: "bprm_check_security" });
    assert.deepEqual(args, [{ index: 0, type: "linux_binprm" }]);
    return selectors;
  });
}

test("what no rule names is denied, and what one names must be so for sure", () => {
  assert.deepEqual(hooksOf({ allow: [{ paths: ["/bin/sh"] }] }), [
    [
      { conditions: [equal("/bin/sh")], surely: true, actions: silent },
      { conditions: [starts], actions: eperm },
    ],
  ]);
});

test("an empty list allows nothing", () => {
  assert.deepEqual(hooksOf({ allow: [] }), [[{ conditions: [starts], actions: eperm }]]);
});

test("rules that differ in the paths alone are one selector for each kind of comparison", () => {
  const [selectors] = hooksOf({
    allow: [
      { paths: ["/bin/b"], pathGlobs: ["/usr/bin/**", "/bin/d", "/srv/*/run"] },
      { paths: ["/bin/a"], pathPrefixes: ["/opt/"] },
      { paths: ["/bin/c"], users: [0] },
    ],
  });
  const of = (op: "Equal" | "Prefix" | "Glob" | "User", ...values: readonly string[]) =>
    ({ by: "arg", arg: 0, op, values }) as const;
  assert.deepEqual(
    selectors!.map(({ conditions }) => conditions),
    [
      [equal("/bin/a", "/bin/b", "/bin/d")],
      [of("Prefix", "/opt/", "/usr/bin/")],
      [of("Glob", "/srv/*/run")],
      [equal("/bin/c"), of("User", "0")],
      [starts],
    ],
  );
});

test("deny comes before allow, the strictest first, and Report decides nothing", () => {
  const hooks = hooksOf({
    deny: [
      { paths: ["/bin/r"], action: "Report" },
      { paths: ["/bin/d"] },
      { paths: ["/bin/k"], action: "Kill" },
    ],
    allow: [{ paths: ["/bin/d"] }],
    default: "Report",
  });
  assert.deepEqual(hooks, [
    [
      { conditions: [equal("/bin/k"), starts], actions: [{ action: "Sigkill" }] },
      { conditions: [equal("/bin/d"), starts], actions: eperm },
      { conditions: [equal("/bin/d")], surely: true, actions: silent },
      { conditions: [starts], actions: [] },
    ],
    [{ conditions: [equal("/bin/r"), starts], actions: [] }],
  ]);
});

test("interpreters are for scripts alone, scripts are told by their content, and what else a rule says holds of both", () => {
  const of = (op: "FromImage" | "Interpreter" | "Script" | "User", value: string) =>
    ({ by: "arg", arg: 0, op, values: [value] }) as const;
  const [selectors] = hooksOf({
    allow: [
      { interpreters: ["/bin/sh"], scripts: "fromImage", users: [0] },
      { paths: ["/bin/ls"], scripts: "any" },
      { fromImage: true, scripts: "fromImage" },
    ],
    deny: [{ interpreters: ["/bin/ash"] }],
  });
  assert.deepEqual(
    selectors!.map(({ conditions }) => conditions),
    [
      [equal("/bin/ash"), of("Interpreter", "1"), starts],
      [equal("/bin/sh"), of("Interpreter", "1"), of("User", "0")],
      [of("FromImage", "1"), of("Script", "1"), of("User", "0")],
      [equal("/bin/ls")],
      [of("Script", "1")],
      [of("FromImage", "1"), of("Script", "1")],
      [starts],
    ],
  );
});

const hex = "0a".repeat(32);
const digest = (...values: readonly string[]) =>
  ({ by: "arg", arg: 0, op: "Digest", values }) as const;

test("what asks for digests stands behind what does not, and of a file without one it is not met", () => {
  const allow = [
    { digests: [`sha256:${hex.toUpperCase()}`], pathPrefixes: ["/opt/"] },
    { paths: ["/bin/sh"] },
  ];
  const opt = { by: "arg", arg: 0, op: "Prefix", values: ["/opt/"] } as const;
  const sure = { surely: true, actions: silent } as const;
  const named = [
    { conditions: [equal("/bin/sh")], ...sure },
    { conditions: [digest(hex), opt], ...sure },
  ];
  const others = { conditions: [starts], actions: eperm };
  assert.deepEqual(hooksOf({ allow }), [[...named, others]]);
  const unknown = { conditions: [digest("unknown"), opt], surely: true, actions: [] };
  assert.deepEqual(hooksOf({ allow, unknownDigest: "Report" }), [[...named, unknown, others]]);
});

test("what deny names by digests is denied, and so is what has none, or it is reported", () => {
  const deny = [{ digests: [`sha256:${hex}`], action: "Kill" }];
  const named = {
    conditions: [digest(hex), starts],
    actions: [{ action: "Sigkill" }],
  };
  const unknown = [digest("unknown"), starts];
  assert.deepEqual(hooksOf({ deny }), [[named, { conditions: unknown, actions: eperm }]]);
  assert.deepEqual(hooksOf({ deny, unknownDigest: "Report" }), [
    [named],
    [{ conditions: unknown, actions: [] }],
  ]);
});

test("without allow only what deny names is stopped, by what action says", () => {
  const [selectors] = hooksOf({ deny: [{ fromImage: false }], action: "Kill" });
  const changed = { by: "arg", arg: 0, op: "FromImage", values: ["0"] } as const;
  assert.deepEqual(selectors, [
    { conditions: [changed, starts], actions: [{ action: "Sigkill" }] },
  ]);
});

test("a rule for containers holds in those alone", () => {
  const [selectors] = hooksOf({ allow: [{ fromImage: true, containers: ["web"] }] });
  const named = { matchExpressions: [{ key: "name", operator: "In", values: ["web"] }] };
  assert.deepEqual(selectors![0]!.workloads, { host: false, pods: { containers: named } });
  assert.equal(selectors![1]!.workloads, undefined);
});

test("both forms may stand in one policy", () => {
  const policy = {
    ...{ apiVersion: "cilium.io/v1alpha1", kind: "ExecPolicy", metadata: { name: "p" } },
    spec: {
      podSelector: {},
      rules: {
        selectors: [{ matchBinarys: { values: ["/bin/sh"] } }],
        deny: [{ paths: ["/bin/sh"] }],
      },
    },
  };
  const kinds = lowered(policy).hooks.map(({ on }) => on.kind);
  assert.deepEqual(kinds, ["exec", "lsm"]);
});
