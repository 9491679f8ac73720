import type { TSchema } from "typebox";
import type { Shape } from "./shape.ts";

/**
 * How much one policy may have: more than people write, and little enough that nobody stops an
 * operator or an agent with it. Lists and texts without a bound of their own have the last three.
 */
export const bounds = {
  /** Of each kind, such as `kprobes`. */
  hooks: 128,
  /** Of one hook. Of a whole policy it is `selectors`. */
  hookSelectors: 128,
  actions: 16,
  /** Of one condition, and of a whole policy. */
  values: 10_000,
  /** Of a whole policy: a sixteenth of what one attach point of the engine takes. */
  selectors: 1_024,
  items: 256,
  textLength: 4_096,
  properties: 64,
} as const;

/** `schema` in which everything has a bound. */
export function bounded<S extends TSchema>(schema: S): S {
  return withBounds(schema as Shape) as unknown as S;
}

function withBounds(schema: Shape): Shape {
  const { properties, additionalProperties, items } = schema;
  const members = Object.entries(properties ?? {});
  return {
    ...schema,
    ...boundOf(schema),
    ...(properties && {
      properties: Object.fromEntries(members.map(([key, member]) => [key, withBounds(member)])),
    }),
    ...(additionalProperties && { additionalProperties: withBounds(additionalProperties) }),
    ...(items && { items: withBounds(items) }),
  };
}

/** What a schema lacks to be bounded. */
function boundOf(schema: Shape): Shape {
  const { type, enum: values, additionalProperties } = schema;
  if (type === "array") return { maxItems: schema.maxItems ?? bounds.items };
  if (type === "string" && values === undefined) {
    return { maxLength: schema.maxLength ?? bounds.textLength };
  }
  if (additionalProperties === undefined) return {};
  return { maxProperties: schema.maxProperties ?? bounds.properties };
}
