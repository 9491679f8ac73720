import type {
  Static,
  TArray,
  TBoolean,
  TInteger,
  TObject,
  TOptional,
  TProperties,
  TSchema,
  TString,
  TUnsafe,
} from "typebox";
import { flatten } from "./flatten.ts";
import type { Rule, Shape } from "./shape.ts";

export type { Rule };

/**
 * Builders for the part of JSON Schema that a Kubernetes API server takes as structural OpenAPI v3,
 * typed by TypeBox. Its own builders are not called: its unions and records would emit `anyOf` and
 * `patternProperties`, which an API server refuses, and to load them takes every start of the
 * operator and of a command 370 modules, 20 MB and a third of a second.
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
  readonly maxProperties?: number;
  readonly "x-kubernetes-validations"?: readonly Rule[];
  readonly "x-kubernetes-list-type"?: "atomic" | "set" | "map";
  readonly "x-kubernetes-list-map-keys"?: readonly string[];
};

/** Schemas of properties that may be absent. Written by `optional`. */
const optionals = new WeakSet<object>();

/**
 * Of schemas that take no null: what an absent value would mean. A symbol, so that copies have it and
 * JSON has not. Written by `refuseNull`.
 */
const nullMeans = Symbol("what an absent value would mean");

export function object<P extends TProperties>(properties: P, facets: Facets = {}): TObject<P> {
  const required = Object.keys(properties).filter((name) => !optionals.has(properties[name]!));
  return typed({
    type: "object",
    ...(required.length > 0 ? { required } : {}),
    properties,
    ...facets,
  });
}

/**
 * `schema`, which may be absent, and where `key:` with nothing behind it is refused. An API server
 * drops nulls before admission sees them, unless the schema takes them: so it does, and webhook and
 * operator do not. (To CEL, a null field is an absent one.) `consequence` completes "without it, ...".
 */
export function refuseNull<S extends TSchema>(schema: S, consequence: string): TOptional<S> {
  return optional({ ...schema, nullable: true, [nullMeans]: consequence });
}

/** What an absent value would mean where a null is refused; undefined: it may be null, or is dropped. */
export function nullRefusal(schema: object): string | undefined {
  return (schema as { readonly [nullMeans]?: string })[nullMeans];
}

export function list<S extends TSchema>(items: S, facets: Facets = {}): TOptional<TArray<S>> {
  return optional(requiredList(items, facets));
}

export function requiredList<S extends TSchema>(items: S, facets: Facets = {}): TArray<S> {
  return typed({ type: "array", items, ...facets });
}

/** A list that has one writer. */
export function atomicList<S extends TSchema>(items: S, facets: Facets = {}): TArray<S> {
  return requiredList(items, { "x-kubernetes-list-type": "atomic", ...facets });
}

/** An object with free keys. */
export function mapOf<S extends TSchema>(
  values: S,
  facets: Facets = {},
): TOptional<TUnsafe<Record<string, Static<S>>>> {
  return optional(typed({ type: "object", additionalProperties: values, ...facets }));
}

export function oneOf<const V extends readonly string[]>(
  values: V,
  facets: Facets = {},
): TUnsafe<V[number]> {
  return typed({ type: "string", enum: [...values], ...facets });
}

/** That one text. */
export function literal<const V extends string>(value: V): TUnsafe<V> {
  return oneOf([value]);
}

/**
 * A union of objects, told apart by the text in their field `tag`, a `literal` each. An API server
 * gets one flat object, which takes more; `conform` goes by the member.
 */
export function tagged<M extends TObject>(
  tag: string,
  members: readonly M[],
): TUnsafe<M extends TObject ? Static<M> : never> {
  const shapes = members as readonly Shape[];
  const byTag = new Map(shapes.map((shape) => [shape.properties![tag]!.enum![0]!, shape]));
  return typed({ ...flatten(shapes), [union]: { tag, byTag } satisfies Union });
}

/** The members of what `tagged` wrote. */
export type Union = { readonly tag: string; readonly byTag: ReadonlyMap<string, Shape> };

/** A symbol, as `nullMeans` is. Written by `tagged`. */
const union = Symbol("members by tag");

/** The members that `tagged` gave a schema; undefined: it is of another builder. */
export function unionOf(schema: object): Union | undefined {
  return (schema as { readonly [union]?: Union })[union];
}

/** What an argument that is named by position must be able to stand for. */
export type PositionRole = "any" | "descriptor" | "file" | "socket";

/** A field that names an argument of its hook, by position in `Hook.args`. */
export function position(role: PositionRole): TInteger {
  return typed({ ...int32({ minimum: 0 }), [argPosition]: role });
}

/** A symbol, as `nullMeans` is. Written by `position`. */
const argPosition = Symbol("position of an argument");

/** The role that `position` gave a schema; undefined: it is of another builder. */
export function positionIn(schema: object): PositionRole | undefined {
  return (schema as { readonly [argPosition]?: PositionRole })[argPosition];
}

/** `schema`, or an explicit null, which an empty `key:` in YAML is. */
export function nullable<S extends TSchema>(schema: S): TUnsafe<Static<S> | null> {
  return typed({ ...schema, nullable: true });
}

export function text(facets: Facets = {}): TString {
  return typed({ type: "string", ...facets });
}

export function bool(facets: Facets = {}): TBoolean {
  return typed({ type: "boolean", ...facets });
}

export function flag(facets: Facets = {}): TOptional<TBoolean> {
  return optional(bool(facets));
}

export function int32(facets: Facets = {}): TInteger {
  return typed({ type: "integer", format: "int32", ...facets });
}

export function int64(facets: Facets = {}): TInteger {
  return typed({ type: "integer", format: "int64", ...facets });
}

export function dateTime(facets: Facets = {}): TString {
  return typed({ type: "string", format: "date-time", ...facets });
}

/** A schema with what only Kubernetes knows, of values of type T. */
export function extension<T>(schema: Readonly<Record<string, unknown>>): TUnsafe<T> {
  return typed(schema);
}

export function optional<S extends TSchema>(schema: S): TOptional<S> {
  const copy = { ...schema };
  optionals.add(copy);
  return typed(copy);
}

/** TypeBox's types have marks that are of its own builders' making, and are not read here. */
function typed<S extends TSchema>(schema: object): S {
  return schema as S;
}
