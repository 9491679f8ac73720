import {
  type Static,
  type TObject,
  type TProperties,
  type TSchema,
  type TUnsafe,
  Type,
} from "typebox";

/**
 * Builders for the part of JSON Schema that a Kubernetes API server takes as structural OpenAPI v3.
 * TypeBox's own unions and records would emit `anyOf` and `patternProperties`, which it refuses.
 */
export type Immutable<T> = T extends readonly (infer Item)[]
  ? readonly Immutable<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]: Immutable<T[Key]> }
    : T;

/** Schema facets that every builder passes through. */
export type Facets = {
  readonly description?: string;
  readonly default?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly "x-kubernetes-validations"?: readonly Rule[];
  readonly "x-kubernetes-list-type"?: "atomic" | "set" | "map";
  readonly "x-kubernetes-list-map-keys"?: readonly string[];
};

/** A rule over one object: in CEL for the API server, and the same as a function for files. */
export type Rule = {
  readonly rule: string;
  /** What a person reads, from either: what is wrong, then what to do. */
  readonly message: `${string}; ${string}`;
  /** The object is already known to fit its schema. Not part of the generated CRD. */
  readonly holds: (self: Readonly<Record<string, unknown>>) => boolean;
};

export function object<P extends TProperties>(properties: P, facets: Facets = {}): TObject<P> {
  return Type.Object(properties, { ...facets });
}

export function list<S extends TSchema>(items: S, facets: Facets = {}) {
  return Type.Optional(Type.Array(items, { ...facets }));
}

export function requiredList<S extends TSchema>(items: S, facets: Facets = {}) {
  return Type.Array(items, { ...facets });
}

/** An object with free keys. */
export function mapOf<S extends TSchema>(values: S, facets: Facets = {}) {
  return Type.Optional(
    Type.Unsafe<Record<string, Static<S>>>({
      type: "object",
      additionalProperties: values,
      ...facets,
    }),
  );
}

export function oneOf<const V extends readonly string[]>(
  values: V,
  facets: Facets = {},
): TUnsafe<V[number]> {
  return Type.Unsafe<V[number]>({ type: "string", enum: [...values], ...facets });
}

/** `schema`, or an explicit null, which an empty `key:` in YAML is. */
export function nullable<S extends TSchema>(schema: S): TUnsafe<Static<S> | null> {
  return Type.Unsafe<Static<S> | null>({ ...schema, nullable: true });
}

export function text(facets: Facets = {}) {
  return Type.String({ ...facets });
}

export function flag(facets: Facets = {}) {
  return Type.Optional(Type.Boolean({ ...facets }));
}

export function int32(facets: Facets = {}) {
  return Type.Integer({ format: "int32", ...facets });
}

export function int64(facets: Facets = {}) {
  return Type.Integer({ format: "int64", ...facets });
}

export function dateTime(facets: Facets = {}) {
  return Type.String({ format: "date-time", ...facets });
}

export const optional = Type.Optional;
