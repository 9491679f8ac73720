import type { Static } from "typebox";
import {
  extension,
  flag,
  type Immutable,
  int32,
  list,
  object,
  oneOf,
  optional,
  type Rule,
  refuseNull,
  text,
} from "./dsl.ts";
import { nodeSelector } from "./label-selector.ts";
import type { Metadata } from "./metadata.ts";
import type { RegoKind } from "./rego-kind-names.ts";
import { type PolicyStatus, policyStatus } from "./status.ts";

const algorithms = [
  ...(["RS256", "RS384", "RS512", "PS256", "PS384", "PS512"] as const),
  ...(["ES256", "ES384", "ES512", "EdDSA"] as const),
] as const;

const oneSource: Rule = {
  rule: "has(self.modules) != has(self.bundle)",
  message: "does not have exactly one source; write either modules or bundle",
  holds: (self) => (self.modules === undefined) !== (self.bundle === undefined),
};

const generatesOnly: Rule = {
  rule: "self.role == 'Generate' || (!has(self.evaluate) && !has(self.nodeSelector))",
  message:
    "has what only a generator has; remove evaluate and nodeSelector, or write role: Generate",
  holds: (self) =>
    self.role === "Generate" || (self.evaluate === undefined && self.nodeSelector === undefined),
};

/** Of one object with another role: what it generated would stay, and nothing would own it. */
const sameRole: Rule = {
  rule: "self.role == oldSelf.role",
  message: "has another role than before; make another object for it",
  holds: () => true, // a file has no before
};

const oneLocation: Rule = {
  rule: "[has(self.configMap), has(self.http), has(self.oci)].filter(given, given).size() == 1",
  message: "does not name exactly one place; write one of configMap, http, oci",
  holds: (self) =>
    [self.configMap, self.http, self.oci].filter((place) => place !== undefined).length === 1,
};

const hasKeys: Rule = {
  rule: "has(self.keys) || has(self.artifactKeys)",
  message: "has no key; write keys, artifactKeys or both: each list that is given is demanded",
  holds: (self) => self.keys !== undefined || self.artifactKeys !== undefined,
};

const secretRef = (description: string) =>
  optional(object({ name: text({ minLength: 1, maxLength: 253 }) }, { description }));

const ca = refuseNull(
  text({
    minLength: 1,
    maxLength: 65536,
    description: "PEM. The only authorities trusted for this source; default: the system's.",
  }),
  "every authority of the system is trusted",
);

const keyId = text({ minLength: 1, maxLength: 253 });
const publicKey = text({ minLength: 1, maxLength: 16384, description: "PEM." });

const verification = object(
  {
    keys: refuseNull(
      list(object({ id: keyId, algorithm: oneOf(algorithms), publicKey }), {
        minItems: 1,
        maxItems: 16,
        description: "Of the signature in the bundle, as opa sign makes it.",
      }),
      "no signature in the bundle is demanded",
    ),
    artifactKeys: refuseNull(
      list(object({ id: keyId, publicKey }), {
        minItems: 1,
        maxItems: 16,
        description: "Of the artifact's signature, as cosign makes it.",
      }),
      "no signature of the artifact is demanded",
    ),
    scope: refuseNull(
      text({ maxLength: 253, description: "What the signature's scope must be." }),
      "a signature of any scope counts",
    ),
  },
  { "x-kubernetes-validations": [hasKeys] },
);

const module = object({
  name: text({ minLength: 1, maxLength: 253, description: "Errors name it as the file." }),
  rego: text({ minLength: 1, maxLength: 262144 }),
});

const digest = (description: string) =>
  optional(text({ pattern: "^sha256:[0-9a-f]{64}$", maxLength: 71, description }));

const bundle = object(
  {
    configMap: optional(
      object({
        name: text({ minLength: 1, maxLength: 253 }),
        namespace: optional(
          text({ maxLength: 63, description: "Default: the policy's, or the operator's." }),
        ),
      }),
    ),
    http: optional(
      object({
        url: text({ pattern: "^https?://", maxLength: 2048 }),
        credentials: secretRef(
          "A Secret beside the operator with token, or username and password.",
        ),
        ca,
      }),
    ),
    oci: optional(
      object({
        reference: text({ minLength: 1, maxLength: 1024, description: "registry/name:tag" }),
        credentials: secretRef("A Secret beside the operator with username and password."),
        ca,
        plainHttp: flag({ description: "HTTP without TLS." }),
      }),
    ),
    digest: refuseNull(digest("The only content that is used."), "any content is used"),
    minRevision: refuseNull(
      text({
        pattern: "[0-9]",
        minLength: 1,
        maxLength: 253,
        description:
          "The oldest revision that is used, such as v1.4.0 or 2026-11-29; numbers are compared from the left.",
      }),
      "an older one is used, too",
    ),
    verification: refuseNull(verification, "nobody has to have signed it"),
    pollInterval: optional(
      text({ pattern: "^[0-9]+(s|m|h)$", maxLength: 16, description: "Such as 30s; default 1m." }),
    ),
  },
  { "x-kubernetes-validations": [oneLocation] },
);

/** What an evaluation may take: where a policy does not say, and at most. Tenants share what there is. */
export const regoLimits = {
  RegoPolicy: {
    deadlineMs: { default: 2_000, most: 60_000 },
    memoryMiB: { default: 256, most: 1_024 },
  },
  RegoPolicyNamespaced: {
    deadlineMs: { default: 200, most: 200 },
    memoryMiB: { default: 64, most: 64 },
  },
} as const satisfies Readonly<Record<RegoKind, LimitBounds>>;

/** In force in one namespace; those made first. */
export const regoPoliciesPerNamespace = 8;

type LimitBounds = Readonly<
  Record<"deadlineMs" | "memoryMiB", { readonly default: number; readonly most: number }>
>;

function limitsWithin({ deadlineMs, memoryMiB }: LimitBounds) {
  const within = (bound: LimitBounds["deadlineMs"], minimum: number, of: string) =>
    int32({ minimum, maximum: bound.most, description: `${of}; default ${bound.default}.` });
  return optional(
    object({
      maxRules: optional(int32({ minimum: 1, maximum: 100000, description: "Default 1000." })),
      maxDropPercent: optional(
        int32({ minimum: 0, maximum: 100, description: "Default 50: of the rules in force." }),
      ),
      deadlineMs: optional(within(deadlineMs, 10, "Of one evaluation")),
      memoryMiB: optional(within(memoryMiB, 16, "Of the module")),
    }),
  );
}

const rules = [oneSource, generatesOnly, sameRole];

const spec = object(
  {
    role: oneOf(["Generate", "Guardrail"], {
      description: "Generate: yields policies. Guardrail: judges other policies.",
    }),
    modules: list(module, {
      minItems: 1,
      maxItems: 64,
      "x-kubernetes-list-type": "map",
      "x-kubernetes-list-map-keys": ["name"],
    }),
    bundle: optional(bundle),
    data: optional(
      extension<Readonly<Record<string, unknown>>>({
        type: "object",
        "x-kubernetes-preserve-unknown-fields": true,
        description: "What Rego sees as data, beside its rules.",
      }),
    ),
    entryPoint: optional(
      text({
        pattern: "^[A-Za-z_][A-Za-z0-9_]*(/[A-Za-z_][A-Za-z0-9_]*)+$",
        maxLength: 253,
        description:
          "Default: guardbee/generate/policies for Generate, guardbee/guardrail/decision for Guardrail.",
      }),
    ),
    evaluate: optional(
      oneOf(["PerWorkload", "PerNamespace", "WholeSet"], {
        description: "What one evaluation has as input; default WholeSet.",
      }),
    ),
    nodeSelector,
    limits: limitsWithin(regoLimits.RegoPolicy),
  },
  { "x-kubernetes-validations": rules },
);

/** `spec` and `status` of RegoPolicy. */
export const regoPolicy = object({ spec, status: policyStatus });

/** Of RegoPolicyNamespaced. */
export const regoPolicyNamespaced = object({
  spec: object(
    { ...spec.properties, limits: limitsWithin(regoLimits.RegoPolicyNamespaced) },
    { "x-kubernetes-validations": rules },
  ),
  status: policyStatus,
});

export type RegoPolicySpec = Immutable<Static<typeof spec>>;

export type RegoPolicy = {
  readonly apiVersion: "guardbee.io/v1alpha1";
  readonly kind: RegoKind;
  readonly metadata: Metadata;
  readonly spec: RegoPolicySpec;
  readonly status?: PolicyStatus;
};
