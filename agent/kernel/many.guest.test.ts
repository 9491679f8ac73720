import assert from "node:assert/strict";
import { after, test } from "node:test";
import type { ArgType, Selector } from "@guardbee/policy";
import { openGuestKernel } from "./testing/guest-kernel.ts";
import { aSet, onGetpriority } from "./testing/policies.ts";
import { Cgroup } from "./testing/scene.ts";

const kernel = await openGuestKernel();
after(() => kernel.close());

/** More than the words of a bitmap that a program names each. */
const count = 10_000;

const when = (value: number): Selector => ({
  conditions: [{ by: "arg", arg: 1, op: "Equal", values: [`${value}`] }],
  actions: [],
});

test("of 10,000 selectors on one function each call has the event of its own", async () => {
  const chunks = Array.from({ length: count / 100 }, (_, i) => i);
  const sets = chunks.map((i) =>
    aSet(
      `p${1000 + i}`,
      onGetpriority(...Array.from({ length: 100 }, (_, j) => when(100 * i + j))),
    ),
  );
  const states = await kernel.program(sets);
  const failures = states.flatMap((its) => (its.state === "failed" ? [its.message] : []));
  assert.deepEqual([...new Set(failures)], []);
  const cgroup = new Cgroup("/sys/fs/cgroup/many");
  for (const who of [0, 63, 64, 4999, 9999, 10_000]) {
    const { hooks } = await kernel.events.during(() =>
      cgroup.sh(`exec ${process.execPath} -e 'try { os.getPriority(${who}) } catch {}'`),
    );
    const seen = hooks.map(({ policy, selector }) => [policy, selector]);
    const its = [sets[Math.floor(who / 100)]?.name, who % 100];
    assert.deepEqual(seen, who < count ? [its] : [], `of ${who}`);
  }
});

const wide = ["int", "uint32", "int64", "uint64", "size_t", "int16", "uint16"] as const;
/** What a type reads of a parameter that is 511 or 255: of both the lowest 8 bits are set. */
const readAs = (type: ArgType, who: string): string =>
  type === "int8" ? "-1" : type === "uint8" ? "255" : who;

test("24 readings of one call are each compared by themselves", async () => {
  const types: readonly ArgType[] = ["int8", "uint8", ...wide];
  const unset = (index: number, type: ArgType) =>
    ({ index, type, op: "NotEqual", value: "123456789" }) as const;
  const readings = [
    ...types.map((type) => ({ index: 1, type, op: "Equal", value: readAs(type, "511") }) as const),
    ...types.map((type) => ({ index: 0, type, op: "Equal", value: "0" }) as const),
    ...[2, 3].flatMap((index) =>
      (["int", "uint32", "int64"] as const).map((one) => unset(index, one)),
    ),
  ];
  assert.equal(readings.length, 24);
  const sets = readings.map(({ index, type, op, value }, i) =>
    aSet(`p${10 + i}`, {
      ...onGetpriority({
        conditions: [{ by: "arg", arg: 0, op, values: [value] }],
        actions: [],
      }),
      args: [{ index, type }],
    }),
  );
  const states = await kernel.program(sets);
  const failures = states.flatMap((its) => (its.state === "failed" ? [its.message] : []));
  assert.deepEqual([...new Set(failures)], []);
  const cgroup = new Cgroup("/sys/fs/cgroup/many");
  for (const who of ["511", "255"]) {
    const { hooks } = await kernel.events.during(() =>
      cgroup.sh(`exec ${process.execPath} -e 'try { os.getPriority(${who}) } catch {}'`),
    );
    const matched = readings.flatMap(({ index, type, value }, i) =>
      index !== 1 || readAs(type, who) === value ? [sets[i]!.name] : [],
    );
    assert.deepEqual(hooks.map(({ policy }) => policy).sort(), matched, `of ${who}`);
  }
});
