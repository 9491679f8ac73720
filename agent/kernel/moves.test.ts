import assert from "node:assert/strict";
import { test } from "node:test";
import { pino } from "pino";
import type { Loader } from "./loader.ts";
import { MovePrograms } from "./moves.ts";

test("where the kernel refuses the programs, what is noted says why, and each refusal is logged once", () => {
  let tries = 0;
  let refusal = "load cgroup_leave: EINVAL";
  const native = {
    openObject: () => {
      tries++;
      throw new Error(refusal);
    },
    lookup: () => true,
  };
  const lines: string[] = [];
  const log = pino({ base: null, timestamp: false }, { write: (line) => void lines.push(line) });
  const pins = { root: "/nowhere", links: "/nowhere/links", programs: "/nowhere/programs" };
  const loader = { native, pins, objects: "/nowhere", shared: { move_state: 1 } };
  const moves = new MovePrograms(loader as unknown as Loader, log);
  assert.deepEqual(moves.pinned(), []);
  assert.equal(tries, 2, "at the beginning, and at each look");
  assert.deepEqual(moves.read(), { count: 0, last: [], unseen: refusal });
  refusal = "load cgroup_leave: ENOMEM";
  moves.pinned();
  assert.equal(moves.read().unseen, refusal);
  assert.deepEqual(
    lines.map((line) => JSON.parse(line).err.message),
    ["load cgroup_leave: EINVAL", refusal],
  );
});
