import assert from "node:assert/strict";
import { test } from "node:test";
import { maybeExecProbe } from "./exec-probe.ts";

const cases: readonly {
  readonly name: string;
  readonly command: readonly string[];
  readonly binary: string;
  readonly args: string;
  readonly want: boolean;
}[] = [
  {
    ...{ name: "the path and its arguments", command: ["/bin/cat", "/tmp/a b"] },
    ...{ binary: "/bin/cat", args: '"/tmp/a b"', want: true },
  },
  {
    ...{ name: "another path of that name", command: ["/bin/cat", "/x"] },
    ...{ binary: "/tmp/bin/cat", args: "/x", want: false },
  },
  {
    ...{ name: "a name, wherever it is found", command: ["cat", "/x"] },
    ...{ binary: "/usr/bin/cat", args: "/x", want: true },
  },
  {
    ...{ name: "other arguments", command: ["cat", "/x"] },
    ...{ binary: "/usr/bin/cat", args: "/x /y", want: false },
  },
  {
    ...{ name: "a script, behind its interpreter", command: ["/check.sh", "-v"] },
    ...{ binary: "/check.sh", args: "/check.sh -v", want: true },
  },
  { name: "no arguments", command: ["true"], binary: "/bin/true", args: "", want: true },
];
for (const { name, command, binary, args, want } of cases) {
  test(`an exec is${want ? "" : " not"} taken for a probe: ${name}`, () => {
    const commands = [["/never"], command];
    assert.equal(maybeExecProbe({ binary, arguments: args }, commands), want);
    assert.equal(maybeExecProbe({ binary, arguments: args }, []), false);
  });
}
