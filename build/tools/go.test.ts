import assert from "node:assert/strict";
import { test } from "node:test";
import { goProblem } from "./go.ts";

const advice = "install Go 1.26 or newer and put it on the PATH";
const cases: readonly { version: string | undefined; want: string | undefined }[] = [
  { version: "go1.26.8", want: undefined },
  { version: "go2.0", want: undefined },
  { version: "go1.19.8", want: `go: version go1.19.8 is too old for Kubernetes; ${advice}` },
  { version: "devel", want: `go: version devel is not understood; ${advice}` },
  { version: undefined, want: `go: is not on the PATH; ${advice}` },
];
for (const { version, want } of cases) {
  test(`goProblem judges ${version}`, () => assert.equal(goProblem(version), want));
}
