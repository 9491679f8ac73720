/** A rule over one object: in CEL for the API server, and the same as a function for files. */
export type Rule = {
  readonly rule: string;
  /** What a person reads, from either: what is wrong, then what to do. */
  readonly message: `${string}; ${string}`;
  /** The object is already known to fit its schema. Not part of the generated CRD. */
  readonly holds: (self: Readonly<Record<string, unknown>>) => boolean;
};

/** The part of structural OpenAPI v3 that our schemas use. */
export type Shape = {
  readonly type?: "object" | "array" | "string" | "integer" | "boolean";
  readonly properties?: Readonly<Record<string, Shape>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: Shape;
  readonly items?: Shape;
  readonly enum?: readonly string[];
  readonly default?: unknown;
  readonly format?: string;
  readonly nullable?: boolean;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly maxProperties?: number;
  readonly "x-kubernetes-int-or-string"?: boolean;
  readonly "x-kubernetes-preserve-unknown-fields"?: boolean;
  readonly "x-kubernetes-validations"?: readonly Rule[];
};
