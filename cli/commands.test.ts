import assert from "node:assert/strict";
import { test } from "node:test";
import { commands } from "./commands.ts";
import { runCli } from "./run-cli.ts";
import { anIo } from "./testing-io.ts";

for (const { name, examples } of commands) {
  test(`${name}: its help shows two examples, which are valid command lines`, async () => {
    assert.equal(examples.length, 2);
    const { io, out } = anIo();
    assert.equal(await runCli([...name.split(" "), "--help"], io), 0);
    for (const example of examples) {
      assert.ok(out().includes(`guardbee ${example}`), example);
      const words = example.replace(/ [<>] .*$/, "").split(" ");
      const parsed = anIo();
      assert.equal(await runCli([...words, "--help"], parsed.io), 0, example);
    }
  });
}
