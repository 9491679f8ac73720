import type { Static, TSchema } from "typebox";
import { bounds } from "./bounds.ts";
import {
  flag,
  type Immutable,
  int32,
  int64,
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
import { upstreamActions, upstreamArgOperators } from "./vocabulary.ts";

const ofValues = { maxItems: bounds.values } as const;
const membership = ["In", "NotIn"] as const;

const oneNewAddress: Rule = {
  rule: "!(has(self.argNewSymbol) && has(self.argNewAddr)) && !(has(self.argNewSymbol) && has(self.argNewOffset)) && !(has(self.argNewAddr) && has(self.argNewOffset))",
  message: "has several of argNewSymbol, argNewAddr and argNewOffset; keep one",
  holds: (self) =>
    [self.argNewSymbol, self.argNewAddr, self.argNewOffset].filter((v) => v !== undefined).length <=
    1,
};

export const action = object(
  {
    action: oneOf(upstreamActions),
    argError: optional(int32({ description: "Override: what the call returns, e.g. -1 (EPERM)." })),
    argFqdn: optional(text()),
    argFd: optional(
      int32({ minimum: 0, description: "FollowFD, UnfollowFD, CopyFD: index of the descriptor." }),
    ),
    argName: optional(
      int32({
        minimum: 0,
        description: "FollowFD: index of the file. CopyFD: index of the new descriptor.",
      }),
    ),
    argIndex: optional(int32()),
    argNewAddr: optional(int64()),
    argNewOffset: optional(int64()),
    argNewSymbol: optional(text()),
    argRegs: list(text()),
    argSig: optional(int32({ description: "Signal: its number." })),
    argSock: optional(int32()),
    argUrl: optional(text()),
    argValue: optional(int32()),
    imaHash: flag(),
    kernelStackTrace: flag(),
    rateLimit: optional(text()),
    rateLimitScope: optional(text()),
    userStackTrace: flag(),
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
  operator: oneOf(["In", "NotIn", "Prefix", "NotPrefix", "Postfix", "NotPostfix"]),
  values: requiredList(text(), ofValues),
});

export const matchCapability = object({
  isNamespaceCapability: refuseNull(flag({ default: false }), "it counts as false"),
  operator: oneOf(membership),
  type: refuseNull(
    oneOf(["Effective", "Inheritable", "Permitted"], { default: "Effective" }),
    "the effective set is compared",
  ),
  values: requiredList(text(), ofValues),
});

export const matchPid = object({
  followForks: refuseNull(flag({ default: false }), "no ancestors are compared"),
  isNamespacePID: refuseNull(flag({ default: false }), "pids of the host are compared"),
  operator: oneOf(membership),
  values: requiredList(int32(), ofValues),
});

const matchNamespace = object({
  namespace: oneOf([
    ...(["Uts", "Ipc", "Mnt", "Pid", "PidForChildren", "Net"] as const),
    ...(["Time", "TimeForChildren", "Cgroup", "User"] as const),
  ]),
  operator: oneOf(membership),
  values: requiredList(text(), ofValues),
});

const matchNamespaceChange = object({
  operator: oneOf(membership),
  values: requiredList(text(), ofValues),
});

/** A condition, or several, of a selector. */
const more = "the selector matches more";
export const condition = <S extends TSchema>(schema: S) => refuseNull(schema, more);
export const actions = refuseNull(
  list(action, { maxItems: bounds.actions }),
  "the selector stops nothing",
);

export const selector = object({
  label: optional(text()),
  macros: condition(list(text())),
  matchActions: actions,
  matchArgs: condition(list(matchArg)),
  matchBinaries: condition(list(matchBinary, { maxItems: 1 })),
  matchCapabilities: condition(list(matchCapability)),
  matchCapabilityChanges: condition(list(matchCapability)),
  matchData: condition(list(matchArg)),
  matchNamespaceChanges: condition(list(matchNamespaceChange)),
  matchNamespaces: condition(list(matchNamespace)),
  matchPIDs: condition(list(matchPid)),
  matchParentBinaries: condition(list(matchBinary, { maxItems: 1 })),
  matchReturnActions: list(action, { maxItems: bounds.actions }),
  matchReturnArgs: condition(list(matchArg)),
  matchWorkloads: condition(object({ containerSelector, hostSelector, podSelector })),
});

export type ActionSpec = Immutable<Static<typeof action>>;
export type SelectorSpec = Immutable<Static<typeof selector>>;

/** Of a hook. */
export const selectors = refuseNull(
  list(selector, { maxItems: bounds.hookSelectors }),
  "the hook reports every call",
);
