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
  values: list(text(), { description: "Of In and NotIn." }),
});

const members = {
  matchLabels: refuseNull(
    mapOf(refuseNull(label, "the selector asks for no such label"), {
      description: "All of these labels, with these values.",
    }),
    "it selects all",
  ),
  matchExpressions: refuseNull(
    list(term, { description: "All of these must hold." }),
    "it selects all",
  ),
};

const matchesEveryHost: Rule = {
  rule: "!has(self.matchLabels) && !has(self.matchExpressions)",
  message: "selects by label; write {}, which is all host processes, or leave it out",
  holds: (self) => self.matchLabels === undefined && self.matchExpressions === undefined,
};

const selecting = (description: string) => object(members, { description });

/** Of what the operator writes. */
export const labelSelector = optional(
  object({ matchLabels: mapOf(label), matchExpressions: list(term) }),
);
export const podSelector = refuseNull(
  selecting("Pods by their labels, and by k8s:io.kubernetes.pod.namespace."),
  "the policy holds in every pod",
);
export const containerSelector = refuseNull(
  selecting("Containers of these pods, by the keys name and repo."),
  "the policy holds in every container",
);
/** Of policies that select pods or containers. */
export const unknownPods = refuseNull(
  oneOf(["Allow", "Deny"], {
    description:
      "Deny: the policy also holds in pods and containers that it may select and that are not known yet; Allow, as without it: not before they are.",
  }),
  "the policy does not hold in them",
);
export const nodeSelector = refuseNull(
  selecting("Nodes by their labels."),
  "the policy holds on every node",
);
export const hostSelector = refuseNull(
  object(members, {
    description: "Host processes: {} selects them all, absent none.",
    "x-kubernetes-validations": [matchesEveryHost],
  }),
  "other selectors alone say where the policy holds, or it holds everywhere",
);

export type LabelSelectorSpec = Immutable<Static<ReturnType<typeof selecting>>>;
