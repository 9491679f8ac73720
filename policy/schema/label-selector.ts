import type { Static } from "typebox";
import {
  type Immutable,
  list,
  mapOf,
  object,
  oneOf,
  optional,
  type Rule,
  refuseNull,
  text,
} from "./dsl.ts";

const label = text({
  maxLength: 63,
  pattern: "^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$",
});
const term = object({
  key: text(),
  operator: oneOf(["In", "NotIn", "Exists", "DoesNotExist"]),
  values: list(text()),
});

const members = {
  matchLabels: refuseNull(
    mapOf(refuseNull(label, "the selector asks for no such label")),
    "it selects all",
  ),
  matchExpressions: refuseNull(list(term), "it selects all"),
};

const matchesEveryHost: Rule = {
  rule: "!has(self.matchLabels) && !has(self.matchExpressions)",
  message: "selects by label; write {}, which is all host processes, or leave it out",
  holds: (self) => self.matchLabels === undefined && self.matchExpressions === undefined,
};

const selector = object(members);

/** Of what the operator writes. */
export const labelSelector = optional(
  object({ matchLabels: mapOf(label), matchExpressions: list(term) }),
);
export const podSelector = refuseNull(selector, "the policy holds in every pod");
export const containerSelector = refuseNull(selector, "the policy holds in every container");
export const nodeSelector = refuseNull(selector, "the policy holds on every node");
export const hostSelector = refuseNull(
  object(members, {
    description: "Host processes: {} selects them all, absent none.",
    "x-kubernetes-validations": [matchesEveryHost],
  }),
  "other selectors alone say where the policy holds, or it holds everywhere",
);

export type LabelSelectorSpec = Immutable<Static<typeof selector>>;
