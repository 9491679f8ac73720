import assert from "node:assert/strict";
import { test } from "node:test";
import yargs, { type Argv } from "yargs";
import { optionNames } from "./command.ts";
import { agent } from "./commands/agent.ts";
import { upstreamFlags } from "./commands/upstream-flags.ts";
import { runCli } from "./run-cli.ts";
import { anIo } from "./testing-io.ts";

const has = new Set(optionNames(agent.options(yargs([])) as Argv));

test("every flag of upstream's agent is there once", () => {
  const names = upstreamFlags.map(({ name }) => name);
  assert.equal(new Set(names).size, names.length);
  assert.equal(names.length, 95);
});

for (const { name, refused } of upstreamFlags.filter(({ name }) => !has.has(name))) {
  test(`--${name} is refused with what to do instead`, async () => {
    const { io, err } = anIo();
    assert.equal(await runCli(["agent", `--${name}`, "7"], io), 2);
    const want = `guardbee: --${name}: is a flag of Tetragon's agent that is not taken; ${refused}\n`;
    assert.equal(err().split("Run guardbee")[0], want);
  });
}

test("help does not show what is refused", async () => {
  const { io, out } = anIo();
  await runCli(["agent", "--help"], io);
  assert.ok(!out().includes("rb-size"));
  assert.ok(out().includes("--export-rate-limit"));
});
