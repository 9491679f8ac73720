import type { Static } from "typebox";
import { bounded, bounds } from "./bounds.ts";
import {
  flag,
  type Immutable,
  list,
  mapOf,
  object,
  oneOf,
  optional,
  refuseNull,
  text,
} from "./dsl.ts";
import { enforcer, kprobe, lsmhook, tracepoint, uprobe, usdt } from "./hooks.ts";
import {
  containerSelector,
  hostSelector,
  nodeSelector,
  podSelector,
  unknownPods,
} from "./label-selector.ts";
import type { Metadata } from "./metadata.ts";
import { selector } from "./selector.ts";
import { type PolicyStatus, policyStatus } from "./status.ts";

const ofHooks = { maxItems: bounds.hooks } as const;

const spec = object({
  containerSelector,
  enforcers: list(enforcer),
  fentries: list(kprobe, ofHooks),
  hostSelector,
  kprobes: list(kprobe, { ...ofHooks, description: "Functions and system calls to hook." }),
  lists: list(
    object({
      name: text(),
      pattern: optional(text()),
      type: optional(oneOf(["syscalls", "generated_syscalls", "generated_ftrace"])),
      validated: flag(),
      values: list(text(), { maxItems: bounds.values }),
    }),
  ),
  loader: flag(),
  lsmhooks: list(lsmhook, ofHooks),
  nodeSelector,
  options: refuseNull(
    list(
      object({
        name: text({ description: "policy-mode, disable-kprobe-multi or disable-uprobe-multi." }),
        value: optional(
          text({ description: "Of policy-mode: enforce or monitor; else true or false." }),
        ),
      }),
    ),
    "the policy enforces, also where an option policy-mode would say monitor",
  ),
  podSelector,
  selectorsMacros: mapOf(selector),
  tracepoints: list(tracepoint, ofHooks),
  unknownPods,
  uprobes: list(uprobe, ofHooks),
  usdts: list(usdt, ofHooks),
});

/** `spec` and `status` of TracingPolicy and TracingPolicyNamespaced: all upstream fields. */
export const tracingPolicy = object({ spec: bounded(spec), status: policyStatus });

export type TracingPolicySpec = Immutable<Static<typeof spec>>;

/** Fields of the spec that list hooks, each of a kind of its own. */
export const hookSections = [
  ...(["kprobes", "fentries", "tracepoints", "lsmhooks", "uprobes", "usdts"] as const),
] as const satisfies readonly (keyof TracingPolicySpec)[];
export type HookSection = (typeof hookSections)[number];

export type KprobeSpec = Immutable<Static<typeof kprobe>>;

export type TracingPolicy = {
  readonly apiVersion: "cilium.io/v1alpha1";
  readonly kind: "TracingPolicy" | "TracingPolicyNamespaced";
  readonly metadata: Metadata;
  readonly spec: TracingPolicySpec;
  readonly status?: PolicyStatus;
};
