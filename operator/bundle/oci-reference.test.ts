import assert from "node:assert/strict";
import { test } from "node:test";
import { parseOciReference } from "./oci-reference.ts";

const digest = `sha256:${"a1".repeat(32)}`;

const good: readonly { text: string; want: object }[] = [
  {
    text: "registry.example/team/policy:v1.2",
    want: { registry: "registry.example", repository: "team/policy", version: "v1.2" },
  },
  {
    text: `oci://localhost:5000/a-b/c__d@${digest}`,
    want: { registry: "localhost:5000", repository: "a-b/c__d", version: digest, digest },
  },
  {
    text: `[::1]:5000/policy:tag@${digest}`,
    want: { registry: "[::1]:5000", repository: "policy", version: digest, digest },
  },
];
for (const { text, want } of good) {
  test(`parseOciReference of ${text}`, () => {
    assert.deepEqual(parseOciReference(text), want);
  });
}

const bad = [
  "",
  "policy:v1",
  "registry.example/policy",
  "registry.example/policy:",
  "registry.example/policy:a:b",
  "registry.example/Policy:v1",
  "registry.example/../v1:x",
  "registry.example/a//b:x",
  "registry.example/policy:v1/../../x",
  "registry.example/policy@sha256:abc",
  `registry.example/policy@${digest}@${digest}`,
  "user@registry.example/policy:v1",
  "registry.example?/policy:v1",
  "1.2.3.4.5/policy:v1",
  "localhost:99999/policy:v1",
  "127.999.1.1/policy:v1",
  "[:::::]/policy:v1",
];
for (const text of bad) {
  test(`parseOciReference refuses ${JSON.stringify(text)}`, () => {
    assert.throws(() => parseOciReference(text), {
      reason: "InvalidSource",
      message: `OCI reference ${JSON.stringify(text)}: has no such form; write registry/repository:tag or registry/repository@sha256:<64 hex digits>`,
    });
  });
}
