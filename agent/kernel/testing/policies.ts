import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import {
  type Condition,
  type Hook,
  hashSets,
  lower,
  type Mode,
  parsePolicies,
  type Selector,
  type SelectorSet,
  setName,
} from "@guardbee/policy";
import type { NamedSet } from "../../engine.ts";

/** The set of config/examples/`file`.yaml, with `edit` done to its text. */
export function example(file: string, edit: (text: string) => string = (text) => text): NamedSet {
  return setIn(`../../../config/examples/${file}.yaml`, edit);
}

/** The set of policy/testdata/field/`file`.yaml. */
export function fieldCase(file: string): NamedSet {
  return setIn(`../../../policy/testdata/field/${file}.yaml`, (text) => text);
}

/** The set of policy/testdata/upstream/`file`.yaml. */
export function upstreamCase(file: string): NamedSet {
  return setIn(`../../../policy/testdata/upstream/${file}.yaml`, (text) => text);
}

function setIn(file: string, edit: (text: string) => string): NamedSet {
  return policyIn(edit(readFileSync(new URL(file, import.meta.url), "utf8")));
}

/** The set of the policy in `yaml`. */
export function policyIn(yaml: string): NamedSet {
  const parsed = parsePolicies(yaml, "policy.yaml").policies[0]?.result;
  assert.ok(parsed?.ok);
  const lowered = lower(parsed.value);
  assert.ok(lowered.ok);
  return named(lowered.value);
}

/** The seed's policy, for files below `prefix`. */
export function denyWrites({
  prefix = "/tmp/forbidden/",
  name = "deny-tmp-forbidden-write",
  variant = "",
}): NamedSet {
  return example(`deny-tmp-forbidden-write${variant}`, (text) =>
    text.replaceAll("/tmp/forbidden/", prefix).replace(/(?<=\n {2}name: ").*(?=")/, name),
  );
}

export function inMode(mode: Mode, { set }: NamedSet): NamedSet {
  return named({ ...set, mode });
}

/** A set of one policy that holds everywhere. */
export function aSet(name: string, ...hooks: readonly Hook[]): NamedSet {
  const policy = { kind: "TracingPolicy", name } as const;
  return named({ policy, mode: "enforce", scope: { host: true, pods: {} }, hooks });
}

/** Reports each getpriority(2): a call that nothing else makes in these tests. */
export function onGetpriority(...selectors: readonly Selector[]): Hook {
  const on = { kind: "kprobe", call: "sys_getpriority", syscall: true } as const;
  const args = ["int", "int"] as const;
  return { on, args: args.map((type, index) => ({ type, index })), selectors };
}

export function when(...conditions: readonly Condition[]): Selector {
  return { conditions, actions: [] };
}

export function named(set: SelectorSet): NamedSet {
  return { name: setName(set.policy), hash: hashSets([set]), set };
}
