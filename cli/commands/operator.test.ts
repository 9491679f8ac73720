import assert from "node:assert/strict";
import { test } from "node:test";
import { exit } from "../command.ts";
import { runCli } from "../run-cli.ts";
import { anIo } from "../testing-io.ts";

for (const [what, path] of [
  ["missing", "/no/such/kubeconfig"],
  ["a folder", "/"],
]) {
  test(`a kubeconfig that is ${what} is named in one line`, async () => {
    const { io, out, err } = anIo();
    const code = await runCli(["operator", "--kubeconfig", path!], io);
    assert.deepEqual({ code, out: out() }, { code: exit.unreachable, out: "" });
    assert.match(err(), /^guardbee: \/.*: is no kubeconfig: .*; check --kubeconfig\n$/);
  });
}
