import type { Shape } from "./shape.ts";

/**
 * One object schema that takes whatever one of `members` takes, and more: for an API server, which
 * knows no unions. A field is required when it is in all of them. Throws where no schema takes what
 * two members say of a field.
 */
export function flatten(members: readonly Shape[]): Shape {
  const names = [...new Set(members.flatMap(({ properties = {} }) => Object.keys(properties)))];
  const required = names.filter((name) =>
    members.every((member) => member.required?.includes(name) === true),
  );
  const properties = names.map((name) => {
    const found = members.flatMap((member) => member.properties?.[name] ?? []);
    return [name, found.reduce((a, b) => either(a, b, name))];
  });
  return { type: "object", required, properties: Object.fromEntries(properties) };
}

/** What takes all that `a` and `b` take. */
function either(a: Shape, b: Shape, name: string): Shape {
  if (JSON.stringify(a) === JSON.stringify(b)) return a;
  if (a.items !== undefined && b.items !== undefined) {
    return { ...a, items: either(a.items, b.items, name) };
  }
  if (a.enum !== undefined && b.enum !== undefined) {
    return { ...a, enum: [...new Set([...a.enum, ...b.enum])] };
  }
  if (a.type === "integer" && b.type === "integer") return widest(a, b);
  if (isScalar(a) && isScalar(b)) return intOrString;
  throw new Error(`${name}: no schema takes both ${JSON.stringify(a)} and ${JSON.stringify(b)}`);
}

function widest(a: Shape, b: Shape): Shape {
  const { minimum: _minimum, maximum: _maximum, ...rest } = a;
  const bounded = (key: "minimum" | "maximum") => a[key] !== undefined && b[key] !== undefined;
  return {
    ...rest,
    ...(bounded("minimum") && { minimum: Math.min(a.minimum!, b.minimum!) }),
    ...(bounded("maximum") && { maximum: Math.max(a.maximum!, b.maximum!) }),
  };
}

const intOrString = {
  "x-kubernetes-int-or-string": true,
  anyOf: [{ type: "integer" }, { type: "string" }],
} as const;

function isScalar({ type, "x-kubernetes-int-or-string": mixed }: Shape): boolean {
  return mixed === true || type === "integer" || type === "string";
}
