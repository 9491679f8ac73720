import assert from "node:assert/strict";
import { test } from "node:test";
import { commands } from "./commands.ts";
import { runCli } from "./run-cli.ts";
import { anIo } from "./testing-io.ts";

for (const { name, load } of commands) {
  const { name: ownName, examples } = await load();
  test(`${name}: is loaded by its own name`, () => assert.equal(ownName, name));

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
