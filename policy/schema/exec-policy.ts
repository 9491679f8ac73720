import type { Static } from "typebox";
import { binaryOperators } from "../conditions/executable.ts";
import { bounded, bounds } from "./bounds.ts";
import {
  bool,
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
import {
  containerSelector,
  hostSelector,
  nodeSelector,
  podSelector,
  unknownPods,
} from "./label-selector.ts";
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

const anyProgram = "the rule would be for more programs than it says";
const ofPaths = (description: string) =>
  refuseNull(list(text(), { ...ofValues, description }), anyProgram);
const ofIds = (description: string) =>
  refuseNull(list(int64({ minimum: 0, maximum: maxId }), { ...ofValues, description }), anyProgram);

/** -1 is no id: it stands for none. */
const maxId = 2 ** 32 - 2;

/** What one rule says of an exec. Of the first five one must hold, of the others all that are given. */
const programs = {
  paths: ofPaths("Executables by their exact path."),
  pathPrefixes: ofPaths("By what their path begins with; a folder ends with /."),
  pathGlobs: ofPaths("By their path: * is any text within a folder, ** across folders too."),
  interpreters: ofPaths(
    "By their exact path, where the kernel runs them for a script about which it asked before.",
  ),
  scripts: refuseNull(
    oneOf(["fromImage", "any"], {
      description: "Files that begin with #!: those of the container's image, or any.",
    }),
    anyProgram,
  ),
  digests: ofPaths("sha256:hex of the file's content."),
  fromImage: refuseNull(
    bool({ description: "Whether the file is as the container's image has it." }),
    anyProgram,
  ),
  containers: ofPaths("Names of the containers in which the rule holds."),
  users: ofIds("Effective user ids that the program will have, as the host counts them."),
  groups: ofIds("The same of groups."),
  capabilities: ofPaths("Of which the process has one over the host when it makes the exec."),
  parents: ofPaths("Executables, by exact path, of the process that makes the exec."),
  interactive: refuseNull(
    bool({ description: "Whether the process has a controlling terminal." }),
    anyProgram,
  ),
  arguments: ofPaths("What the program is called with."),
} as const;

const allowRule = object(programs);
const denyRule = object({
  ...programs,
  action: refuseNull(
    oneOf(["Deny", "Kill", "Report"], {
      description: "What becomes of such an exec; without it, what rules.action says.",
    }),
    "rules.action says what is done",
  ),
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
  hostSelector,
  unknownPods,
  mode: refuseNull(oneOf(["enforce", "monitor"], { default: "enforce" }), "the policy enforces"),
  learn: refuseNull(learn, "nothing is learned"),
  rules: object({
    selectors: list(item, { maxItems: 256, description: "All of them must hold." }),
    allow: refuseNull(
      list(allowRule, { description: "What may run; all else in scope may not. Empty: nothing." }),
      "only what deny names is stopped",
    ),
    deny: refuseNull(
      list(denyRule, { description: "What may not run, whatever allow says." }),
      "only what allow does not name is stopped",
    ),
    action: refuseNull(
      oneOf(["Deny", "Kill"], {
        description:
          "Deny, as without it: the exec fails with EPERM. Kill: its process is killed, and nothing of the program runs.",
      }),
      "it is Deny",
    ),
    unknownDigest: refuseNull(
      oneOf(["Deny", "Report"], {
        description:
          "What becomes of a file of which the digest cannot be told, where a rule asks for it and holds otherwise. Deny, as without it: it is not what allow names, and is what deny names. Report: it runs, and is reported.",
      }),
      "it is Deny",
    ),
    default: refuseNull(
      oneOf(["Deny", "Report"], {
        description:
          "What becomes of what no rule names, where allow is given. Deny, as without it: what action says.",
      }),
      "it is Deny",
    ),
  }),
});

/** `spec` and `status` of ExecPolicy and ExecPolicyNamespaced. */
export const execPolicy = object({ spec: bounded(spec), status: policyStatus });

export type ExecPolicySpec = Immutable<Static<typeof spec>>;
export type ExecItemSpec = Immutable<Static<typeof item>>;
export type ExecRuleSpec = Immutable<Static<typeof denyRule>>;

export type ExecPolicy = {
  readonly apiVersion: "cilium.io/v1alpha1";
  readonly kind: "ExecPolicy" | "ExecPolicyNamespaced";
  readonly metadata: Metadata;
  readonly spec: ExecPolicySpec;
  readonly status?: PolicyStatus;
};
