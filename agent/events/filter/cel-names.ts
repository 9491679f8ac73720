import type { parse } from "@bufbuild/cel";
import type { DescField, DescMessage } from "@bufbuild/protobuf";

type Expr = NonNullable<ReturnType<typeof parse>["expr"]>;

/**
 * Which of the variables `members` an expression names. Throws an Error for a name that is none of them,
 * nor bound in the expression, and for a field that a message has not: neither can ever match.
 */
export function namesIn(
  expr: Expr | undefined,
  members: readonly DescField[],
): ReadonlySet<string> {
  const named = new Set<string>();
  if (expr !== undefined) typeOf(expr, { members, named, bound: new Map() });
  return named;
}

type Scope = {
  readonly members: readonly DescField[];
  readonly named: Set<string>;
  /** What a macro binds: each of a list of messages, or something else. */
  readonly bound: ReadonlyMap<string, Type>;
};

/** A message, a list of messages, or what needs no check. */
type Type = DescMessage | { readonly each: DescMessage } | undefined;

function typeOf(expr: Expr, scope: Scope): Type {
  const { exprKind } = expr;
  switch (exprKind.case) {
    case "identExpr":
      return typeOfName(exprKind.value.name, scope);
    case "selectExpr": {
      const { operand, field } = exprKind.value;
      const of = operand === undefined ? undefined : typeOf(operand, scope);
      return of === undefined || "each" in of ? undefined : typeOfField(of, field);
    }
    case "callExpr": {
      const { target, args, function: name } = exprKind.value;
      const types = [...(target === undefined ? [] : [target]), ...args].map((one) =>
        typeOf(one, scope),
      );
      const [list] = types;
      return name === "_[_]" && list !== undefined && "each" in list ? list.each : undefined;
    }
    case "listExpr":
      for (const one of exprKind.value.elements) typeOf(one, scope);
      return undefined;
    case "structExpr":
      for (const { value } of exprKind.value.entries) if (value !== undefined) typeOf(value, scope);
      return undefined;
    case "comprehensionExpr": {
      const { iterVar, iterVar2, accuVar, iterRange, ...rest } = exprKind.value;
      const range = iterRange === undefined ? undefined : typeOf(iterRange, scope);
      const each = range !== undefined && "each" in range ? range.each : undefined;
      const bound = new Map([...scope.bound, [iterVar, each], [iterVar2, undefined]] as const);
      bound.set(accuVar, undefined);
      for (const part of [rest.accuInit, rest.loopCondition, rest.loopStep, rest.result])
        if (part !== undefined) typeOf(part, { ...scope, bound });
      return undefined;
    }
    case "constExpr":
    case undefined:
      return undefined;
  }
}

function typeOfName(name: string, { members, named, bound }: Scope): Type {
  if (bound.has(name)) return bound.get(name);
  const member = members.find((one) => one.name === name);
  if (member === undefined) {
    if (typeNames.has(name)) return undefined;
    throw new Error(`${name} is no event; there are ${members.map((one) => one.name).join(", ")}`);
  }
  named.add(name);
  return member.message;
}

function typeOfField(message: DescMessage, name: string): Type {
  const field = message.fields.find((one) => one.name === name);
  if (field === undefined) throw new Error(`${message.name} has no field ${name}`);
  if (field.fieldKind === "message") {
    const isWellKnown = field.message.typeName.startsWith("google.protobuf.");
    return isWellKnown ? undefined : field.message;
  }
  return field.fieldKind === "list" && field.listKind === "message"
    ? { each: field.message }
    : undefined;
}

/** CEL's own names of types, which an expression may compare with. */
const typeNames = new Set(
  "bool bytes double duration int list map null_type string timestamp type uint".split(" "),
);
