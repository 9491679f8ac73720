import type { Static } from "typebox";
import { type Immutable, list, mapOf, object, oneOf, optional, type Rule, text } from "./dsl.ts";

const members = {
  matchLabels: mapOf(
    text({ maxLength: 63, pattern: "^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$" }),
  ),
  matchExpressions: list(
    object({
      key: text(),
      operator: oneOf(["In", "NotIn", "Exists", "DoesNotExist"]),
      values: list(text()),
    }),
  ),
};

const matchesEveryHost: Rule = {
  rule: "!has(self.matchLabels) && !has(self.matchExpressions)",
  message: "selects by label; write {}, which is all host processes, or leave it out",
  holds: (self) => self.matchLabels === undefined && self.matchExpressions === undefined,
};

export const labelSelector = optional(object(members));
export const hostSelector = optional(
  object(members, {
    description: "Host processes: {} selects them all, absent none.",
    "x-kubernetes-validations": [matchesEveryHost],
  }),
);

export type LabelSelectorSpec = Immutable<Static<typeof labelSelector>>;
