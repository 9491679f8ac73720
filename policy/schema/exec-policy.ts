import type { Static } from "typebox";
import { binaryOperators } from "../conditions/executable.ts";
import { bounded, bounds } from "./bounds.ts";
import {
  type Immutable,
  int32,
  int64,
  list,
  nullable,
  object,
  oneOf,
  optional,
  type Rule,
  refuseNull,
  requiredList,
  text,
} from "./dsl.ts";
import { containerSelector, nodeSelector, podSelector, unknownPods } from "./label-selector.ts";
import type { Metadata } from "./metadata.ts";
import { actions, condition, matchCapability, matchPid } from "./selector.ts";
import { type PolicyStatus, policyStatus } from "./status.ts";

const oneKey: Rule = {
  rule: "[has(self.matchPIDs), has(self.matchCapabilities), has(self.matchBinarys) || has(self.values), has(self.matchActions)].filter(given, given).size() == 1",
  message:
    "is not exactly one condition; write one of matchPIDs, matchCapabilities, matchBinarys, matchActions",
  holds: (self) =>
    [
      self.matchPIDs,
      self.matchCapabilities,
      self.matchBinarys ?? self.values,
      self.matchActions,
    ].filter((member) => member !== undefined).length === 1,
};

const ofValues = { maxItems: bounds.values } as const;

/**
 * The original form: a list whose items are ANDed. The spelling matchBinarys is the original's, and
 * so is that its values may stand beside an empty matchBinarys instead of below it.
 */
const item = object(
  {
    matchPIDs: condition(list(matchPid)),
    matchCapabilities: condition(list(matchCapability)),
    matchBinarys: optional(
      nullable(
        object({
          operator: refuseNull(oneOf(binaryOperators, { default: "In" }), "it is In"),
          values: requiredList(text(), ofValues),
        }),
      ),
    ),
    operator: refuseNull(oneOf(binaryOperators, { description: "Of values." }), "it is In"),
    values: list(text(), { ...ofValues, description: "Of matchBinarys, when that is empty." }),
    matchActions: actions,
  },
  { "x-kubernetes-validations": [oneKey] },
);

/** The allow-list form: what one rule says about an exec; what it gives is ANDed. */
const execRule = object({
  paths: list(text(), { ...ofValues, description: "Executables by their exact path." }),
  pathPrefixes: list(text(), ofValues),
  pathGlobs: list(text(), ofValues),
  digests: list(text(), { ...ofValues, description: "algorithm:hex of the file's content." }),
  containers: list(text(), { description: "Container names." }),
  users: list(int64({ minimum: 0 }), { description: "Effective user ids." }),
  capabilities: list(text()),
  parents: list(text(), { ...ofValues, description: "Executables of the parent process." }),
});

/** Of an allow-list: what it does not name is collected, and proposed. */
const learn = object(
  {
    minDuration: refuseNull(
      text({
        default: "24h",
        pattern: "^[0-9]{1,6}[smh]$",
        description: "How long the policy is to have learned to be covered: 30m, 24h.",
      }),
      "it is 24h",
    ),
    minRestarts: refuseNull(
      int32({
        minimum: 0,
        default: 0,
        description: "How often containers in scope are to have started again to be covered.",
      }),
      "it is 0",
    ),
  },
  { description: "Nodes collect what ran and no rule names; an ExecProposal lists it." },
);

const spec = object({
  podSelector,
  containerSelector,
  nodeSelector,
  unknownPods,
  mode: refuseNull(oneOf(["enforce", "monitor"], { default: "enforce" }), "the policy enforces"),
  learn: refuseNull(learn, "nothing is learned"),
  rules: object({
    selectors: list(item, { maxItems: 256, description: "All of them must hold." }),
    allow: list(execRule, { description: "What may run; all else in scope is denied." }),
    deny: list(execRule, { description: "What may not run, whatever allow says." }),
    action: optional(oneOf(["Deny", "Kill"], { description: "Deny: the exec fails with EPERM." })),
  }),
});

/** `spec` and `status` of ExecPolicy and ExecPolicyNamespaced. */
export const execPolicy = object({ spec: bounded(spec), status: policyStatus });

export type ExecPolicySpec = Immutable<Static<typeof spec>>;
export type ExecItemSpec = Immutable<Static<typeof item>>;

export type ExecPolicy = {
  readonly apiVersion: "cilium.io/v1alpha1";
  readonly kind: "ExecPolicy" | "ExecPolicyNamespaced";
  readonly metadata: Metadata;
  readonly spec: ExecPolicySpec;
  readonly status?: PolicyStatus;
};
