import assert from "node:assert/strict";
import { test } from "node:test";
import { withdrawn } from "./withdrawn.ts";

const kprobe = { call: "sys_lseek" };
const pids = [{ operator: "In", values: [1] }];

/** Field paths of what is gone. */
const cases: readonly {
  name: string;
  kind?: string;
  before: unknown;
  now: unknown;
  want: readonly string[];
}[] = [
  {
    name: "a selector",
    before: { podSelector: {}, nodeSelector: { matchLabels: { a: "b" } }, kprobes: [kprobe] },
    now: { kprobes: [kprobe] },
    want: ["spec.podSelector", "spec.nodeSelector"],
  },
  {
    name: "what a selector asks for, or one label of it",
    before: {
      podSelector: { matchLabels: { app: "web" } },
      nodeSelector: { matchLabels: { zone: "a", arch: "b" } },
      containerSelector: { matchExpressions: [{ key: "name", operator: "Exists" }] },
    },
    now: {
      podSelector: {},
      nodeSelector: { matchLabels: { zone: "c" } },
      containerSelector: {},
    },
    want: [
      "spec.podSelector.matchLabels",
      "spec.nodeSelector.matchLabels[arch]",
      "spec.containerSelector.matchExpressions",
    ],
  },
  {
    name: "the conditions of a hook, and of a selector",
    before: {
      kprobes: [
        { ...kprobe, selectors: [{}] },
        { ...kprobe, selectors: [{ matchPIDs: pids }] },
      ],
    },
    now: { kprobes: [kprobe, { ...kprobe, selectors: [{}] }] },
    want: ["spec.kprobes[0].selectors", "spec.kprobes[1].selectors[0].matchPIDs"],
  },
  {
    name: "what the bundle of a RegoPolicy has to prove",
    kind: "RegoPolicyNamespaced",
    before: { bundle: { digest: "sha256:x", http: { url: "u", ca: "c" }, verification: {} } },
    now: { bundle: { http: { url: "u" } } },
    want: ["spec.bundle.digest", "spec.bundle.http.ca", "spec.bundle.verification"],
  },
  {
    name: "nothing of what is there, was never there, or widens nothing",
    before: {
      podSelector: { matchLabels: { app: "web" } },
      kprobes: [{ ...kprobe, message: "m" }],
    },
    now: { podSelector: { matchLabels: { app: "x" } }, nodeSelector: {}, kprobes: [kprobe] },
    want: [],
  },
  {
    name: "nothing of lists of which nobody knows what became of an item",
    before: { kprobes: [{ ...kprobe, selectors: [{}] }, kprobe] },
    now: { kprobes: [kprobe] },
    want: [],
  },
  { name: "nothing of another kind", kind: "Pod", before: { podSelector: {} }, now: {}, want: [] },
  { name: "nothing of what is no policy", before: "x", now: { podSelector: {} }, want: [] },
];
for (const { name, kind = "TracingPolicy", before, now, want } of cases) {
  test(`withdrawn: ${name}`, () => {
    const found = withdrawn(kind, before, now);
    assert.deepEqual(
      found.map(({ field }) => field),
      want,
    );
    assert.ok(found.every(({ consequence }) => consequence.length > 10));
  });
}
