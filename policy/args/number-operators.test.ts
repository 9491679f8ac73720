import assert from "node:assert/strict";
import { test } from "node:test";
import { createReport } from "../lower/report.ts";
import { type ArgType, argKind, argOperator } from "./index.ts";

const cases: readonly {
  readonly type: ArgType;
  readonly op: string;
  readonly values: readonly string[];
  readonly canonical: readonly string[];
  /** What a register holds, by whether the operator is met. */
  readonly met: readonly bigint[];
  readonly not: readonly bigint[];
}[] = [
  {
    ...{ type: "uint32", op: "GT", values: ["010", "0x10"], canonical: ["8", "16"] },
    ...{ met: [9n, 16n, 0xffff_ffffn], not: [0n, 8n] },
  },
  {
    ...{ type: "int", op: "LT", values: ["0"], canonical: ["0"] },
    ...{ met: [0xffff_ffffn, 0x8000_0000n], not: [0n, 1n, 0x7fff_ffffn] },
  },
  {
    ...{ type: "int8", op: "LessThan", values: ["-3"], canonical: ["-3"] },
    ...{ met: [0x80n, 0xfcn], not: [0xfdn, 0n, 0x7fn, 0xff7fn] },
  },
  {
    ...{ type: "int64", op: "GreaterThan", values: ["-2"], canonical: ["-2"] },
    ...{ met: [0n, 2n ** 64n - 1n], not: [2n ** 64n - 2n, 2n ** 63n] },
  },
  {
    ...{ type: "uint16", op: "GT", values: ["65535"], canonical: ["65535"] },
    ...{ met: [], not: [0n, 65535n] },
  },
  {
    ...{ type: "uint32", op: "InRange", values: ["7:0x9", "10:12", "5:5", "11:99999999999"] },
    ...{ canonical: ["5", "7:4294967295"], met: [5n, 7n, 10n], not: [4n, 6n, 0n] },
  },
  {
    ...{ type: "int", op: "NotInRange", values: ["-5:-3", "0:2"], canonical: ["-5:-3", "0:2"] },
    ...{ met: [0xffff_fffan, 0xffff_fffen, 3n], not: [0xffff_fffbn, 0xffff_fffdn, 1n] },
  },
  {
    ...{ type: "uint64", op: "InMap", values: ["010", "30:20", "21"], canonical: ["10", "20:30"] },
    ...{ met: [10n, 25n], not: [8n, 11n, 31n] },
  },
  {
    ...{ type: "size_t", op: "NotInMap", values: ["1", "3"], canonical: ["1", "3"] },
    ...{ met: [2n, 2n ** 64n - 1n], not: [1n, 3n] },
  },
  {
    ...{ type: "int", op: "Mask", values: ["0x80000000", "-1", "4"] },
    ...{ canonical: ["4", "2147483648", "4294967295"], met: [1n, 0x8000_0000n], not: [0n] },
  },
  {
    ...{ type: "uint8", op: "Mask", values: ["6"], canonical: ["6"] },
    ...{ met: [2n, 4n, 7n], not: [1n, 8n, 0x200n] },
  },
];
for (const { type, op, values, canonical, met, not } of cases) {
  test(`${op} ${values} on ${type}`, () => {
    const operator = argOperator(type, op)!;
    const report = createReport();
    const parsed = operator.parse(report, values, { at: "values", type });
    assert.deepEqual(report.problems, []);
    assert.deepEqual(parsed, canonical);
    const again = operator.parse(report, parsed, { at: "values", type });
    assert.deepEqual([again, report.problems], [canonical, []]);
    const isMet = (value: bigint) => {
      const parameters = [{ kind: "number", value }] as const;
      const reading = argKind(type).read(0, { parameters, descriptors: new Map() });
      assert.ok(reading !== undefined && reading !== "unknown");
      const facet = reading[operator.facet];
      assert.ok(typeof facet === "bigint");
      return operator.lists(facet, parsed) !== operator.negated;
    };
    assert.deepEqual([met.filter(isMet), not.filter(isMet)], [met, []]);
  });
}
