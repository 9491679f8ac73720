import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { holds } from "../conditions/index.ts";
import type { HookCall } from "../decide/event.ts";
import { aKprobePolicy, lowered, problemsOf } from "../testing/a-policy.ts";

const args = [
  { index: 0, type: "int" },
  { index: 1, type: "nop" },
  { index: 2, type: "uint32" },
  { index: 3, type: "int64" },
  { index: 4, type: "uint64" },
];

function withExpr(...values: readonly string[]) {
  const matchArgs = [{ args: [0, 2], operator: "CelExpr", values }];
  return aKprobePolicy({ args, selectors: [{ matchArgs }] });
}

for (const [expression, want] of [
  ["arg0 == int32(-1)", ["0 InRange -1:-1"]],
  ["int32(3) < arg0 && arg0 <= int32(7)", ["0 InRange 4:7"]],
  ["arg2 != uint32(7u)", ["1 InRange 0:6,8:4294967295"]],
  [
    "arg3 > 5 && (arg4 == 1u || arg4 >= 18446744073709551615u)",
    ["2 InRange 6:9223372036854775807", "3 InRange 1:1,18446744073709551615:18446744073709551615"],
  ],
  [
    "!(arg0 == int32(1) || arg3 == 2 + 3)",
    [
      "0 InRange -2147483648:0,2:2147483647",
      "2 InRange -9223372036854775808:4,6:9223372036854775807",
    ],
  ],
  ["xor(arg3 < 5, arg3 < 7)", ["2 InRange 5:6"]],
  ["and(or(arg3 == 1, arg3 == 2), not(arg3 == 2))", ["2 InRange 1:1"]],
] as const) {
  test(`CelExpr ${expression} is ranges of its arguments`, () => {
    const { conditions } = lowered(withExpr(expression)).hooks[0]!.selectors[0]!;
    const text = conditions.map((one) =>
      one.by === "arg" ? `${one.arg} ${one.op} ${one.values}` : one.by,
    );
    assert.deepEqual(text, want);
  });
}

for (const [expression, problem] of [
  ["arg0 ==", "invalid: is no expression of CEL: 1:6: found = but expecting end of input"],
  ["arg0 == 1", "invalid: compares arg0, of int32, with int; write int32(1)"],
  ["arg2 == int32(1)", "invalid: compares arg2, of uint32, with int32; write uint32(1u)"],
  ["arg4 > 1", "invalid: compares arg4, of uint, with int; write 1u"],
  [
    "arg0 == int32(2147483648)",
    "invalid: has 2147483648, which int32 does not hold; int32 holds -2147483648 to 2147483647",
  ],
  [
    "arg1 == 1",
    "invalid: names arg1, of type nop; expressions take arguments of type int, uint32, int64, uint64",
  ],
  ["arg5 == 1", "invalid: names arg5; args has 5 entries, counted from 0"],
  ["pid == 1", "invalid: names pid; write arg0, arg1: positions in args"],
  ["arg0 == arg0", "unsupported: compares two arguments; compare an argument with a constant"],
  [
    "arg3 + 1 == 2",
    "unsupported: calculates with an argument; compare the argument itself with a constant",
  ],
  [
    "arg3 == 1 || arg4 == 1u",
    "unsupported: has || or its like between different arguments; write a selector for each of them: the first that matches acts",
  ],
  [
    "!(arg3 == 1 && arg4 == 1u)",
    "unsupported: has || or its like between different arguments; write a selector for each of them: the first that matches acts",
  ],
  [
    "arg3 * 2 == 4",
    "unsupported: has *, which cannot be compiled; write comparisons of argN with a constant, and &&, ||, !, xor()",
  ],
  [
    "arg3 in [1, 2]",
    "unsupported: has in, which cannot be compiled; write comparisons of argN with a constant, and &&, ||, !, xor()",
  ],
  ["true", "unsupported: has true or false in it; write a comparison instead"],
  [
    "arg3",
    "invalid: is not about a comparison; write comparisons of argN with a constant, and &&, ||, !, xor()",
  ],
  [
    "arg3 == 1.5",
    "unsupported: has a constant that is no whole number; write comparisons of argN with a constant, and &&, ||, !, xor()",
  ],
  ["arg3 == 1 && arg3 == 2", "invalid: is never true; write what some call can meet"],
  ["arg3 == 1 || arg3 != 1", "invalid: is true of every call; remove it"],
] as const) {
  test(`CelExpr ${expression} is refused`, () => {
    const [kind, rest] = problem.split(/: (.*)/s) as [string, string];
    const at = "spec.kprobes[0].selectors[0].matchArgs[0].values[0]";
    const said = problemsOf(withExpr(expression));
    assert.equal(said.length, 1, said.join("\n"));
    assert.ok(said[0]!.startsWith(`${kind} ${at}: ${rest}`), said[0]);
  });
}

test("CelExpr needs one expression, and an argument that was refused is said once", () => {
  const at = "spec.kprobes[0].selectors[0].matchArgs[0].values";
  for (const values of [[], ["arg3 == 1", "arg3 == 2"]]) {
    const want = [`invalid ${at}: has ${values.length} values; write one expression`];
    assert.deepEqual(problemsOf(withExpr(...values)), want);
  }
  const matchArgs = [{ operator: "CelExpr", values: ["arg0 == int32(1)"] }];
  const policy = aKprobePolicy({
    args: [{ index: 0, type: "bpf_attr" }],
    selectors: [{ matchArgs }],
  });
  assert.deepEqual(
    problemsOf(policy).map((one) => one.split(":")[0]),
    ["unsupported spec.kprobes[0].args[0].type"],
  );
});

/** An expression on one argument of int64, and what it says of a number. */
type Expression = { readonly text: string; readonly of: (value: bigint) => boolean };

const atoms = fc
  .tuple(fc.constantFrom("==", "!=", "<", "<=", ">", ">="), fc.integer({ min: -3, max: 3 }))
  .map(([operator, number]): Expression => {
    const constant = BigInt(number);
    const meets: Readonly<Record<string, (value: bigint) => boolean>> = {
      "==": (value) => value === constant,
      "!=": (value) => value !== constant,
      "<": (value) => value < constant,
      "<=": (value) => value <= constant,
      ">": (value) => value > constant,
      ">=": (value) => value >= constant,
    };
    return { text: `arg3 ${operator} ${number}`, of: meets[operator]! };
  });

const { expression } = fc.letrec<{ expression: Expression }>((tie) => ({
  expression: fc.oneof(
    { maxDepth: 4 },
    atoms,
    tie("expression").map(
      ({ text, of }): Expression => ({ text: `!(${text})`, of: (value) => !of(value) }),
    ),
    fc.tuple(tie("expression"), tie("expression"), fc.constantFrom("&&", "||", "xor")).map(
      ([one, other, operator]): Expression => ({
        text:
          operator === "xor"
            ? `xor(${one.text}, ${other.text})`
            : `(${one.text}) ${operator} (${other.text})`,
        of: (value) => {
          const [a, b] = [one.of(value), other.of(value)];
          return operator === "xor" ? a !== b : operator === "&&" ? a && b : a || b;
        },
      }),
    ),
  ),
}));

test("conditions of an expression hold where it is true, and nowhere else", () => {
  fc.assert(
    fc.property(expression, ({ text, of }) => {
      const policy = withExpr(text);
      const values = [-5n, -4n, -3n, -2n, -1n, 0n, 1n, 2n, 3n, 4n, 5n];
      const [problem] = problemsOf(policy);
      if (problem !== undefined) {
        assert.match(problem, /is never true|is true of every call/);
        assert.equal(new Set(values.map(of)).size, 1);
        return;
      }
      const [hook] = lowered(policy).hooks;
      for (const value of values) {
        const number = { kind: "number", value: BigInt.asUintN(64, value) } as const;
        const call = { parameters: Array(5).fill(number), descriptors: new Map() };
        const met = hook!.selectors[0]!.conditions.every((one) =>
          holds(one, hook!, call as unknown as HookCall),
        );
        assert.equal(met, of(value), `${text} of ${value}`);
      }
    }),
  );
});
