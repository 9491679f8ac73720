import type { Static, TSchema } from "typebox";
import { namedActions, ownActionFields } from "../actions/index.ts";
import { upstreamActionFields } from "./action.ts";
import { bounds } from "./bounds.ts";
import {
  flag,
  type Immutable,
  int32,
  list,
  object,
  oneOf,
  optional,
  type Rule,
  refuseNull,
  requiredList,
  text,
} from "./dsl.ts";
import { containerSelector, hostSelector, podSelector } from "./label-selector.ts";
import {
  memberships,
  upstreamActions,
  upstreamArgOperators,
  upstreamBinaryOperators,
  upstreamCapabilitySets,
  upstreamNamespaces,
} from "./vocabulary.ts";

const ofValues = { maxItems: bounds.values } as const;

const oneNewAddress: Rule = {
  rule: "!(has(self.argNewSymbol) && has(self.argNewAddr)) && !(has(self.argNewSymbol) && has(self.argNewOffset)) && !(has(self.argNewAddr) && has(self.argNewOffset))",
  message: "has several of argNewSymbol, argNewAddr and argNewOffset; keep one",
  holds: (self) =>
    [self.argNewSymbol, self.argNewAddr, self.argNewOffset].filter((v) => v !== undefined).length <=
    1,
};

export const action = object(
  {
    action: oneOf([...new Set([...upstreamActions, ...namedActions])]),
    ...upstreamActionFields,
    ...ownActionFields,
  },
  { "x-kubernetes-validations": [oneNewAddress] },
);

export const matchArg = object({
  args: list(int32({ minimum: 0 }), { description: "Positions in args, from 0." }),
  index: optional(int32({ minimum: 0, description: "The index of one of args." })),
  operator: oneOf(upstreamArgOperators),
  values: list(text(), ofValues),
});

export const matchBinary = object({
  followChildren: refuseNull(flag({ default: false }), "no children are compared"),
  operator: oneOf(upstreamBinaryOperators),
  values: requiredList(text(), ofValues),
});

export const matchCapability = object({
  isNamespaceCapability: refuseNull(
    flag({
      default: false,
      description: "In a TracingPolicy: held in a nested user namespace; in an ExecPolicy: in any.",
    }),
    "it counts as false",
  ),
  operator: oneOf(memberships),
  type: refuseNull(
    oneOf(upstreamCapabilitySets, { default: "Effective" }),
    "the effective set is compared",
  ),
  values: requiredList(text(), ofValues),
});

export const matchPid = object({
  followForks: refuseNull(
    flag({ default: false, description: "Compare up to 10 ancestors, too." }),
    "no ancestors are compared",
  ),
  isNamespacePID: refuseNull(
    flag({ default: false, description: "Compare pids of the container's pid namespace." }),
    "pids of the host are compared",
  ),
  operator: oneOf(memberships),
  values: requiredList(int32(), ofValues),
});

const matchNamespace = object({
  namespace: oneOf(upstreamNamespaces),
  operator: oneOf(memberships),
  values: requiredList(text(), ofValues),
});

const matchNamespaceChange = object({
  operator: oneOf(memberships),
  values: requiredList(text(), ofValues),
});

/** A condition, or several, of a selector. */
const more = "the selector matches more";
export const condition = <S extends TSchema>(schema: S) => refuseNull(schema, more);
export const actions = refuseNull(
  list(action, { maxItems: bounds.actions, description: "What to do with a call that matches." }),
  "the selector stops nothing",
);

export const selector = object({
  label: optional(text()),
  macros: condition(list(text())),
  matchActions: actions,
  matchArgs: condition(list(matchArg, { description: "What the call's arguments are." })),
  matchBinaries: condition(
    list(matchBinary, { maxItems: 1, description: "Which executable calls, by its path." }),
  ),
  matchCapabilities: condition(
    list(matchCapability, { description: "Which capabilities the process has." }),
  ),
  matchCapabilityChanges: condition(list(matchCapability)),
  matchData: condition(list(matchArg)),
  matchNamespaceChanges: condition(list(matchNamespaceChange)),
  matchNamespaces: condition(
    list(matchNamespace, { description: "Which namespaces the process is in." }),
  ),
  matchPIDs: condition(list(matchPid, { description: "Which process calls." })),
  matchParentBinaries: condition(
    list(matchBinary, { maxItems: 1, description: "Which executable made the process." }),
  ),
  matchReturnActions: refuseNull(
    list(action, {
      maxItems: bounds.actions,
      description: "What to do when such a call has returned as matchReturnArgs says.",
    }),
    "the selector stops nothing that has returned",
  ),
  matchReturnArgs: condition(list(matchArg)),
  matchWorkloads: condition(
    object(
      { containerSelector, hostSelector, podSelector },
      { description: "Where it matches, of where the policy holds." },
    ),
  ),
});

export type SelectorSpec = Immutable<Static<typeof selector>>;

/** Of a hook. */
export const selectors = refuseNull(
  list(selector, {
    maxItems: bounds.hookSelectors,
    description: "The first one that matches a call acts.",
  }),
  "the hook reports every call",
);
