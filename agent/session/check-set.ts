import type {
  Action,
  Arg,
  Condition,
  Hook,
  HookPoint,
  LabelSelector,
  PolicyRef,
  Scope,
  Selector,
  SelectorSet,
} from "@guardbee/policy";

import {
  type Check,
  fieldsOf,
  firstOf,
  flag,
  integer,
  listOf,
  mapOf,
  oneOf,
  taggedBy,
  text,
} from "./check.ts";

/**
 * The first thing in `raw` that is no list of SelectorSets as this agent knows them, or undefined. The API
 * server's schema knows no tagged unions, and a newer operator may write what an older agent cannot
 * do; both must be refused before the compiler trusts the type.
 */
export function checkSets(raw: unknown): string | undefined {
  return (
    listOf(set)(raw, "spec.sets") ??
    firstOf(
      (raw as readonly SelectorSet[]).map(({ hooks }, i) =>
        checkPositions(hooks, `spec.sets[${i}]`),
      ),
    )
  );
}

type ByTag<U, Tag extends keyof U, Value> = Extract<U, { readonly [K in Tag]: Value }>;
type ConditionBy<By> = ByTag<Condition, "by", By>;
type ActionOf<Name> = ByTag<Action, "action", Name>;

const isIn = oneOf("In", "NotIn");

const condition = taggedBy("by", {
  pid: fieldsOf<ConditionBy<"pid">>({
    by: text,
    op: isIn,
    values: listOf(integer),
    inNamespace: flag,
    followForks: flag,
  }),
  binary: fieldsOf<ConditionBy<"binary">>({
    by: text,
    op: oneOf("In", "NotIn", "Prefix", "NotPrefix"),
    values: listOf(text),
  }),
  capability: fieldsOf<ConditionBy<"capability">>({
    by: text,
    op: isIn,
    set: oneOf("effective", "inheritable", "permitted"),
    values: listOf(integer),
    userNamespace: oneOf("any", "host", "nested"),
  }),
  arg: fieldsOf<ConditionBy<"arg">>({
    by: text,
    arg: integer,
    op: oneOf("Equal", "NotEqual", "Prefix", "NotPrefix"),
    values: listOf(text),
  }),
} satisfies Record<Condition["by"], Check>);

const action = taggedBy("action", {
  Post: fieldsOf<ActionOf<"Post">>({ action: text }),
  NoPost: fieldsOf<ActionOf<"NoPost">>({ action: text }),
  Sigkill: fieldsOf<ActionOf<"Sigkill">>({ action: text }),
  Signal: fieldsOf<ActionOf<"Signal">>({ action: text, signal: integer }),
  Override: fieldsOf<ActionOf<"Override">>({ action: text, error: integer }),
  FollowFD: fieldsOf<ActionOf<"FollowFD">>({ action: text, fd: integer, name: integer }),
  UnfollowFD: fieldsOf<ActionOf<"UnfollowFD">>({ action: text, fd: integer }),
  CopyFD: fieldsOf<ActionOf<"CopyFD">>({ action: text, fd: integer, to: integer }),
} satisfies Record<Action["action"], Check>);

const arg = fieldsOf<Arg>({
  index: integer,
  type: oneOf("int", "uint32", "int64", "uint64", "size_t", "fd", "file", "char_buf"),
  label: { optional: text },
  sizeArgIndex: { optional: integer },
  returnCopy: { optional: flag },
});

const hook = fieldsOf<Hook>({
  on: taggedBy("kind", {
    kprobe: fieldsOf<ByTag<HookPoint, "kind", "kprobe">>({ kind: text, call: text, syscall: flag }),
    exec: fieldsOf<ByTag<HookPoint, "kind", "exec">>({ kind: text }),
  } satisfies Record<HookPoint["kind"], Check>),
  args: listOf(arg),
  selectors: listOf(fieldsOf<Selector>({ conditions: listOf(condition), actions: listOf(action) })),
  message: { optional: text },
  tags: { optional: listOf(text) },
});

const labels = fieldsOf<LabelSelector>({
  matchLabels: { optional: mapOf(text) },
  matchExpressions: {
    optional: listOf(
      fieldsOf<NonNullable<LabelSelector["matchExpressions"]>[number]>({
        key: text,
        operator: oneOf("In", "NotIn", "Exists", "DoesNotExist"),
        values: { optional: listOf(text) },
      }),
    ),
  },
});

const set = fieldsOf<SelectorSet>({
  policy: fieldsOf<PolicyRef>({
    kind: oneOf("TracingPolicy", "TracingPolicyNamespaced", "ExecPolicy", "ExecPolicyNamespaced"),
    namespace: { optional: text },
    name: text,
  }),
  mode: oneOf("enforce", "monitor"),
  nodes: { optional: labels },
  scope: fieldsOf<Scope>({
    host: flag,
    pods: {
      optional: fieldsOf<NonNullable<Scope["pods"]>>({
        namespaces: { optional: listOf(text) },
        labels: { optional: labels },
        containers: { optional: labels },
      }),
    },
  }),
  hooks: listOf(hook),
});

/** Conditions and actions name arguments by position; each must exist. */
function checkPositions(hooks: readonly Hook[], at: string): string | undefined {
  for (const [i, { args, selectors }] of hooks.entries()) {
    const positions = selectors.flatMap(({ conditions, actions }) => [
      ...conditions.flatMap((each) => (each.by === "arg" ? [each.arg] : [])),
      ...actions.flatMap(positionsOf),
    ]);
    const wrong = positions.find((position) => args[position] === undefined);
    if (wrong !== undefined) {
      return `${at}.hooks[${i}] refers to argument ${wrong} of ${args.length}`;
    }
  }
  return undefined;
}

function positionsOf(each: Action): readonly number[] {
  switch (each.action) {
    case "FollowFD":
      return [each.fd, each.name];
    case "UnfollowFD":
      return [each.fd];
    case "CopyFD":
      return [each.fd, each.to];
    default:
      return [];
  }
}
