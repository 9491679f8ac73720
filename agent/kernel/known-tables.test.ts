import assert from "node:assert/strict";
import { test } from "node:test";
import type { Hook } from "@guardbee/policy";
import fc from "fast-check";
import type { AttachAbilities } from "../attach/index.ts";
import { type AttachPoint, plan } from "../compile/plan.ts";
import type { Shared } from "../compile/shared.ts";
import { compile, type Tables } from "../compile/tables.ts";
import { ableKernel, aSet, doing, nothingShared, onWrite } from "../compile/testing/compiled.ts";
import type { NamedSet } from "../engine.ts";
import { ClassRows } from "./class-rows.ts";
import type { Held } from "./held.ts";
import { KnownTables } from "./known-tables.ts";

const [a, b] = [aSet("a", onWrite([])), aSet("b", onWrite([]))];

function pointOf(sets: readonly NamedSet[], can: AttachAbilities = ableKernel): AttachPoint {
  return plan(sets, can).points[0]!;
}

/** Whether what the sets `a` and `b` have in force is taken for `point`. */
function isKnown(
  point: AttachPoint,
  {
    shared = {},
    moved = new Set(),
    isThere = true,
  }: {
    readonly shared?: Partial<Shared>;
    readonly moved?: ReadonlySet<string> | undefined;
    readonly isThere?: boolean;
  } = {},
): boolean {
  const before = pointOf([a, b]);
  const program = { has: () => isThere };
  const held = { point: before, tables: {}, program, shared: nothingShared } as unknown as Held;
  const known = new KnownTables([held], { ...nothingShared, ...shared }, moved);
  return known.of(point)?.tables === held.tables;
}

test("what is in force is known again of the same sets, in whichever order", () => {
  assert.equal(isKnown(pointOf([b, a])), true);
  assert.equal(isKnown(pointOf([a, b]), { moved: new Set(["c"]) }), true);
});

test("tables are made anew where one set is another, or moved, or there is one more or less", () => {
  for (const sets of [[a], [a, b, aSet("c", onWrite([]))], [a, aSet("b", doing())]]) {
    assert.equal(isKnown(pointOf(sets)), false);
  }
  assert.equal(isKnown(pointOf([a, b]), { moved: new Set(["b"]) }), false);
});

test("tables are made anew where something else is other: the kernel, numbers, room, what slots have", () => {
  assert.equal(isKnown(pointOf([a, b], { ...ableKernel })), false);
  const binaries = { ...nothingShared.binaries, exact: new Map([["/bin/true", 1]]) };
  assert.equal(isKnown(pointOf([a, b]), { shared: { binaries } }), false);
  assert.equal(isKnown(pointOf([a, b]), { shared: { followGroups: new Map([["a", 1]]) } }), false);
  assert.equal(isKnown(pointOf([a, b]), { shared: { classCapacity: 2 } }), false);
  assert.equal(isKnown(pointOf([a, b]), { isThere: false }), false);
});

test("tables are made anew where it is not known what the rows have", () => {
  const known = new KnownTables([], nothingShared, undefined);
  assert.equal(known.of(pointOf([a, b])), undefined);
  const held = { point: pointOf([a, b]), program: { has: () => true }, shared: nothingShared };
  const unsure = new KnownTables([held as unknown as Held], nothingShared, undefined);
  assert.equal(unsure.of(pointOf([a, b])), undefined);
});

/** Tables as both slots of an attach point have them. */
class Kept {
  #tables: Tables | undefined;
  rows: Uint8Array[] = [];

  has(tables: Tables): boolean {
    return this.#tables === tables;
  }

  fill(tables: Tables): void {
    if (this.has(tables)) return;
    this.#tables = tables;
    this.rows = [...tables.rows];
  }

  writeClassRow(_slot: number, number: number, row: Uint8Array): void {
    this.rows[number] = row;
  }
}

test("whatever was edited, came and went, the rows are those that tables made anew would have", () => {
  const onRead: Hook = {
    ...doing(),
    on: { kind: "kprobe", call: "sys_read", syscall: true },
  };
  const versions = ["a", "b", "c", "d"].map((name, i) =>
    [doing(), doing({ action: "Sigkill" })].map((hook) =>
      aSet(name, ...(i < 3 ? [hook] : []), ...(i > 1 ? [onRead] : [])),
    ),
  );
  const someSets = fc.tuple(...versions.map((of) => fc.option(fc.constantFrom(...of))));
  const someClasses = fc.array(fc.uniqueArray(fc.constantFrom("a", "b", "c", "d")), {
    minLength: 2,
    maxLength: 5,
  });
  const step = fc.record({ sets: fc.option(someSets), classes: someClasses });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
      const rows = new ClassRows();
      let held: readonly Held[] = [];
      for (const { sets, classes: lists } of steps) {
        const classes = lists.map((names) => new Set(names));
        const shared: Shared = { ...nothingShared, classes, classCapacity: 8 };
        if (sets === null) rows.update(classes, held, 0);
        else {
          const known = new KnownTables(held, shared, rows.moved(classes));
          held = plan(
            sets.filter((set) => set !== null),
            ableKernel,
          ).points.map((point) => {
            const program =
              held.find((one) => one.point.site === point.site)?.program ?? new Kept();
            const anew = () => ({ point, program, shared, tables: compile(point, shared) }) as Held;
            return known.of(point) ?? anew();
          });
          for (const { program, tables } of held) (program as unknown as Kept).fill(tables);
          rows.wrote(classes);
        }
        for (const { point, program } of held) {
          const wanted = compile(point, shared).rows;
          for (const number of classes.keys()) {
            if (sets === null && number === 0) continue; // the host's, for which all is made anew
            assert.deepEqual((program as unknown as Kept).rows[number], wanted[number]);
          }
        }
      }
    }),
  );
});
