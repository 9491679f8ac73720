import { crdOf } from "./crd.ts";
import { kinds } from "./kinds.ts";

/** A schema of a CRD, as far as it says what may be written. */
export type CrdSchema = {
  readonly type?: string;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, CrdSchema>>;
  readonly required?: readonly string[];
  readonly items?: CrdSchema;
  readonly additionalProperties?: CrdSchema | boolean;
  readonly example?: unknown;
};

/** What a kind is called, and what may be in an object of it. */
export type CrdFacts = {
  readonly kind: string;
  readonly shortNames: readonly string[];
  readonly version: string;
  readonly schema: CrdSchema;
};

/** Of every kind that is ours or upstream's. */
export function crdFacts(): readonly CrdFacts[] {
  return kinds.map((kind) => {
    const { spec } = crdOf(kind) as { readonly spec: CrdSpec };
    const { openAPIV3Schema: schema } = spec.versions[0].schema;
    return { kind: kind.kind, shortNames: kind.shortNames, version: kind.version, schema };
  });
}

type CrdSpec = {
  readonly versions: readonly [{ readonly schema: { readonly openAPIV3Schema: CrdSchema } }];
};
