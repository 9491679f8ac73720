import { createRequire } from "node:module";
import type { parse } from "@bufbuild/cel";
import type { CelTypeName, Span } from "../args/kind.ts";
import { both, complement, either, emptySpans, type Spans } from "./cel-spans.ts";

type Expr = ReturnType<typeof parse>["expr"];

/** What an expression asks of each argument, by position: to be in one of those spans. All must hold. */
export type CelConditions = ReadonlyMap<number, Spans>;

/** A type of a variable, as CEL calls it, and the numbers that it has. */
export type CelType = { readonly name: CelTypeName; readonly holds: Span };

/** Why an expression cannot be compiled: what is wrong, and what to write. */
export class CelProblem extends Error {
  /** `said`: where an argument was refused. */
  readonly kind: "invalid" | "unsupported" | "said";
  readonly fix: string;

  constructor(kind: CelProblem["kind"], what: string, fix: string) {
    super(what);
    this.kind = kind;
    this.fix = fix;
  }
}

const types: Readonly<Record<CelTypeName, Span>> = {
  int32: { first: -(2n ** 31n), last: 2n ** 31n - 1n },
  uint32: { first: 0n, last: 2n ** 32n - 1n },
  int: { first: -(2n ** 63n), last: 2n ** 63n - 1n },
  uint: { first: 0n, last: 2n ** 64n - 1n },
};

/** The type of that name. */
export function celType(name: CelTypeName): CelType {
  return { name, holds: types[name] };
}

/** Gives the type of `argN`; throws CelProblem where there is none. */
export type CelVariables = (position: number) => CelType;

/**
 * What `text` asks of the arguments. It is a combination of comparisons of an argument with a constant
 * that can be met argument by argument. Throws CelProblem.
 */
export function compileCel(text: string, variables: CelVariables): CelConditions {
  const parts = partsOf(parsed(text), variables);
  const asked = [...parts].filter(([position, spans]) => !isAll(spans, variables(position)));
  if (asked.some(([, spans]) => spans.length === 0)) {
    throw new CelProblem("invalid", "is never true", "write what some call can meet");
  }
  if (asked.length > 0) return new Map(asked);
  throw new CelProblem("invalid", "is true of every call", "remove it");
}

function parsed(text: string): Expr {
  // Few policies have an expression, and to load the parser takes a tenth of an agent's start.
  const cel = createRequire(import.meta.url)("@bufbuild/cel") as { parse: typeof parse };
  try {
    return cel.parse(text).expr;
  } catch (error) {
    const { message } = error as Error;
    const what = `is no expression of CEL: ${message.replace(/^<input>:/, "")}`;
    throw new CelProblem("invalid", what, "write one such as arg0 == int32(-1)");
  }
}

function isAll(spans: Spans, { holds }: CelType): boolean {
  const [only] = spans;
  return spans.length === 1 && only!.first <= holds.first && only!.last >= holds.last;
}

/** A call of a function or an operator; undefined: it is none. */
function callOf({ exprKind }: Expr): { readonly name: string; readonly args: Expr[] } | undefined {
  if (exprKind.case !== "callExpr") return undefined;
  const { function: name, args, target } = exprKind.value;
  return target === undefined ? { name, args } : { name: `.${name}`, args: [target, ...args] };
}

/** Of a boolean expression, or of its opposite. */
function partsOf(expr: Expr, variables: CelVariables, negated = false): CelConditions {
  const call = callOf(expr);
  const { exprKind } = expr;
  if (call === undefined) {
    if (exprKind.case === "constExpr" && exprKind.value.constantKind.case === "boolValue") {
      throw new CelProblem("unsupported", "has true or false in it", "write a comparison instead");
    }
    throw new CelProblem("invalid", "is not about a comparison", comparisons);
  }
  const { name, args } = call;
  const of = (arg: Expr) => partsOf(arg, variables, negated);
  const opposite = (arg: Expr) => partsOf(arg, variables, !negated);
  switch (name) {
    case "_&&_":
    case "and":
      return args.map(of).reduce(negated ? anyOf : allOf);
    case "_||_":
    case "or":
      return args.map(of).reduce(negated ? allOf : anyOf);
    case "!_":
    case "not":
      return opposite(args[0]!);
    case "xor": {
      const [one, other] = args as [Expr, Expr];
      const plain = (arg: Expr) => partsOf(arg, variables);
      return anyOf(
        allOf(plain(one), opposite(other)),
        allOf(partsOf(one, variables, true), of(other)),
      );
    }
    default:
      return comparison({ name, args, negated }, variables);
  }
}

const comparisons = "write comparisons of argN with a constant, and &&, ||, !, xor()";

function allOf(one: CelConditions, other: CelConditions): CelConditions {
  const all = new Map(one);
  for (const [position, spans] of other) {
    const before = all.get(position);
    all.set(position, before === undefined ? spans : both(before, spans));
  }
  return all;
}

/** Only of one argument: that one of two has a value the tables cannot ask. */
function anyOf(one: CelConditions, other: CelConditions): CelConditions {
  for (const [some, rest] of [
    [one, other],
    [other, one],
  ] as const) {
    if ([...some.values()].some((spans) => spans.length === 0)) return rest;
  }
  const [position] = one.keys();
  if (one.size !== 1 || other.size !== 1 || !other.has(position!)) {
    const fix = "write a selector for each of them: the first that matches acts";
    throw new CelProblem("unsupported", "has || or its like between different arguments", fix);
  }
  return new Map([[position!, either(one.get(position!)!, other.get(position!)!)]]);
}

const operators: Readonly<Record<string, Operator>> = {
  "_==_": "==",
  "_!=_": "!=",
  "_<_": "<",
  "_<=_": "<=",
  "_>_": ">",
  "_>=_": ">=",
};
type Operator = "==" | "!=" | "<" | "<=" | ">" | ">=";
const mirrored: Readonly<Record<Operator, Operator>> = {
  ...({ "==": "==", "!=": "!=" } as const),
  ...({ "<": ">", "<=": ">=", ">": "<", ">=": "<=" } as const),
};
const opposites: Readonly<Record<Operator, Operator>> = {
  ...({ "==": "!=", "!=": "==" } as const),
  ...({ "<": ">=", "<=": ">", ">": "<=", ">=": "<" } as const),
};

type Comparison = {
  readonly name: string;
  readonly args: readonly Expr[];
  readonly negated: boolean;
};

function comparison({ name, args, negated }: Comparison, variables: CelVariables): CelConditions {
  const written = Object.hasOwn(operators, name) ? operators[name]! : undefined;
  if (written === undefined) {
    const shown = name.replaceAll("_", "").replace(/^@/, "") || name;
    throw new CelProblem("unsupported", `has ${shown}, which cannot be compiled`, comparisons);
  }
  const operator = negated ? opposites[written] : written;
  const [left, right] = args.map((arg) => operandOf(arg, variables)) as [Operand, Operand];
  if ("position" in left === "position" in right) {
    const what = "position" in left ? "compares two arguments" : "compares two constants";
    throw new CelProblem("unsupported", what, "compare an argument with a constant");
  }
  if ("position" in left) return compared(left, operator, right as Constant);
  return compared(right as Variable, mirrored[operator], left);
}

type Variable = { readonly position: number; readonly type: CelType };
type Constant = { readonly value: bigint; readonly type: CelTypeName };
type Operand = Variable | Constant;

function compared(
  { position, type: { name, holds } }: Variable,
  operator: Operator,
  { value, type }: Constant,
): CelConditions {
  if (type !== name) {
    const cast = name === "uint" ? `${value}u` : name === "int" ? `${value}` : undefined;
    const fix = `write ${cast ?? `${name}(${name === "uint32" ? `${value}u` : value})`}`;
    throw new CelProblem("invalid", `compares arg${position}, of ${name}, with ${type}`, fix);
  }
  return new Map([[position, spansOf(operator, value, holds)]]);
}

function spansOf(operator: Operator, value: bigint, { first, last }: Span): Spans {
  const between = (from: bigint, to: bigint): Spans =>
    from > to ? emptySpans : [{ first: from, last: to }];
  switch (operator) {
    case "==":
      return between(value, value);
    case "!=":
      return complement(between(value, value), { first, last });
    case "<":
      return between(first, value - 1n);
    case "<=":
      return between(first, value);
    case ">":
      return between(value + 1n, last);
    case ">=":
      return between(value, last);
  }
}

function operandOf(expr: Expr, variables: CelVariables): Operand {
  const { exprKind } = expr;
  if (exprKind.case === "identExpr") {
    const { name } = exprKind.value;
    const [, number] = /^arg([0-9]{1,2})$/.exec(name) ?? [];
    if (number !== undefined) {
      const position = Number(number);
      return { position, type: variables(position) };
    }
    throw new CelProblem("invalid", `names ${name}`, "write arg0, arg1: positions in args");
  }
  const constant = constantOf(expr);
  const holds = types[constant.type];
  if (constant.value >= holds.first && constant.value <= holds.last) return constant;
  const what = `has ${constant.value}, which ${constant.type} does not hold`;
  throw new CelProblem("invalid", what, `${constant.type} holds ${holds.first} to ${holds.last}`);
}

function constantOf(expr: Expr): Constant {
  const { exprKind } = expr;
  if (exprKind.case === "constExpr") {
    const { constantKind: kind } = exprKind.value;
    if (kind.case === "int64Value") return { value: kind.value, type: "int" };
    if (kind.case === "uint64Value") return { value: kind.value, type: "uint" };
    throw new CelProblem("unsupported", "has a constant that is no whole number", comparisons);
  }
  const { name, args } = callOf(expr) ?? { name: "something else than numbers", args: [] };
  // int32(), uint64(): CEL calls 64 bits `int` and `uint`.
  const [, sign, bits] = /^(u?int)(32|64)$/.exec(name) ?? [];
  const cast =
    sign === undefined ? undefined : (`${sign}${bits === "64" ? "" : bits}` as CelTypeName);
  if (cast !== undefined && args.length === 1) return { ...constantOf(args[0]!), type: cast };
  if (name === "-_") {
    const { value, type } = constantOf(args[0]!);
    return { value: -value, type };
  }
  if (name !== "_+_" && name !== "_-_") {
    const shown = name.replaceAll("_", "");
    throw new CelProblem("unsupported", `has ${shown}, which cannot be compiled`, comparisons);
  }
  const [one, other] = args.map(addend) as [Constant, Constant];
  if (one.type !== other.type) {
    throw new CelProblem("invalid", `adds ${other.type} to ${one.type}`, "write both of one type");
  }
  return {
    type: one.type,
    value: name === "_+_" ? one.value + other.value : one.value - other.value,
  };
}

function addend(expr: Expr): Constant {
  if (expr.exprKind.case !== "identExpr") return constantOf(expr);
  const what = "calculates with an argument";
  throw new CelProblem("unsupported", what, "compare the argument itself with a constant");
}
