/** Test support: hooks that ask for as much as the language has, by what the verifier then goes through. */
import fc from "fast-check";
import { actionKind, actionNames } from "../../../policy/actions/index.ts";
import { conditionKindList } from "../../../policy/conditions/index.ts";
import { type Shape, shapes } from "../../../policy/decide/arbitrary-shapes.ts";
import { describeHookPoint, hookKind } from "../../../policy/lower/hooks/index.ts";
import type { Action, Arg, Condition, Hook, HookPoint } from "../../../policy/selector-set.ts";
import type { NamedSet } from "../../engine.ts";
import { aSet } from "./policies.ts";

/** Sets on one function. What has no room beside the others is refused, and that is no failure. */
export type Crowd = { readonly name: string; readonly sets: readonly NamedSet[] };

const onWrite = { kind: "kprobe", call: "sys_write", syscall: true } as const;
const drawn = { seed: 1, numRuns: 12 };

function ofTask(type: Arg["type"], resolve: string): Arg {
  return { index: 0, type, source: "current_task", resolve, isData: true };
}

const paths: readonly Arg[] = [
  ofTask("string", "comm"),
  ofTask("string", "real_parent.comm"),
  ofTask("string", "real_parent.real_parent.comm"),
  ofTask("string", "real_parent.real_parent.real_parent.comm"),
  ofTask("int", "exit_signal"),
];
const plain: readonly Arg[] = [
  { index: 0, type: "fd" },
  { index: 1, type: "char_buf", sizeArgIndex: 3 },
  { index: 1, type: "string" },
  { index: 2, type: "size_t" },
  { index: 0, type: "int" },
];

/** Each argument is compared in every way that texts and numbers are. */
function compared(args: readonly Arg[], ...more: readonly Condition[]): Hook {
  const conditions = args.flatMap(({ type }, arg): readonly Condition[] => {
    const by = "arg" as const;
    if (["int", "size_t"].includes(type)) {
      return [
        { by, arg, op: "NotEqual", values: ["77"] },
        { by, arg, op: "NotInRange", values: ["70:80"] },
        { by, arg, op: "Mask", values: ["1"] },
      ];
    }
    return [
      { by, arg, op: "NotEqual", values: ["/x"] },
      { by, arg, op: "NotPrefix", values: ["/y/"] },
      { by, arg, op: "NotPostfix", values: ["/z"] },
      { by, arg, op: "SubString", values: ["w"] },
    ];
  });
  return { on: onWrite, args, selectors: [{ conditions: [...conditions, ...more], actions: [] }] };
}

const ofProcess: readonly Condition[] = [
  { by: "pid", op: "NotIn", values: [1], inNamespace: false, followForks: false },
  { by: "pid", op: "NotIn", values: [1], inNamespace: true, followForks: true },
  { by: "binary", op: "NotPrefix", values: ["/nowhere/"] },
  { by: "parentBinary", op: "NotPostfix", values: ["/nowhere"] },
  { by: "capability", op: "NotIn", set: "effective", values: [0], userNamespace: "any" },
  { by: "namespace", op: "NotIn", namespace: "Uts", values: ["host_ns"] },
];
const changes: readonly Condition[] = [
  { by: "namespaceChange", op: "In", values: ["Uts"] },
  { by: "capabilityChange", op: "NotIn", set: "effective", values: [0], userNamespace: "any" },
];

const all = [compared(plain, ...ofProcess, ...changes), compared(paths)];

/** Of write(2), what asks most of each part of the engine. */
export const chosenCrowds: readonly Crowd[] = [
  { name: "what a call hands over", sets: [aSet("p", compared(plain, ...ofProcess))] },
  { name: "what paths lead to", sets: [aSet("p", compared(paths, ...ofProcess))] },
  {
    name: "what processes were before",
    sets: [aSet("p", compared(plain, ...ofProcess, ...changes))],
  },
  { name: "all of it", sets: [aSet("p", ...all)] },
  { name: "32 texts", sets: manyTexts().map((hook, i) => aSet(`p${i + 10}`, hook)) },
];

/** write(2) compared by 32 texts, each in every way. */
export function manyTexts(): readonly Hook[] {
  const each = Array.from({ length: 35 }, (_, i): Arg => {
    const [index, way] = [i % 5, Math.floor(i / 5)];
    if (way < 5) return { type: "char_buf", index, sizeArgIndex: way + 1 };
    return { type: way === 5 ? "file" : "fd", index };
  });
  const args = each.filter(({ type, index }) => !(type === "fd" && index < 3));
  const conditions = (arg: number) => [
    { by: "arg", arg, op: "NotEqual", values: ["/x"] } as const,
    { by: "arg", arg, op: "NotPrefix", values: ["/y/"] } as const,
  ];
  return args.map((arg) => ({
    ...{ on: onWrite, args: [arg] },
    selectors: [{ conditions: conditions(0), actions: [{ action: "NoPost" }] }],
  }));
}

/**
 * Of each function that the random comparison hooks, with every type, condition and action that it may have;
 * apart with Override, which not all kernels have.
 */
export function everyCrowd(placed: (on: HookPoint) => HookPoint): readonly Crowd[] {
  const ofShapes = shapes.flatMap((shape) => {
    const its = { ...shape, on: placed(shape.on) };
    const actions = actionsOf(its);
    const name = `${shape.on.kind} ${describeHookPoint(shape.on)}`;
    const others = actions.filter(({ action }) => action !== "Override");
    const crowd = { name, sets: setsOf(its, others) };
    if (others.length === actions.length) return [crowd];
    return [crowd, { name: `${name} with Override`, sets: setsOf(its, actions) }];
  });
  return [...ofShapes, ofFunctions];
}

const ofFunctions: Crowd = {
  name: "every system call",
  sets: setsOf(
    {
      on: { kind: "functions" },
      args: [
        [
          { index: 0, type: "int" },
          { index: 1, type: "string" },
        ],
      ],
    },
    [{ action: "Post" }],
  ),
};

function actionsOf({ on, ends, sock }: Pick<Shape, "on" | "ends" | "sock">): readonly Action[] {
  const canOverride = hookKind(on.kind).whyNoOverride(on) === undefined;
  return actionNames.flatMap((name) =>
    actionKind(name).samples({
      ...(on.kind === "kprobe" && { canTrace: true }),
      ...{ canOverride, ...(ends && { ends }), ...(sock !== undefined && { sock }) },
    }),
  );
}

type Asked = Pick<Shape, "on" | "args" | "returned">;

/** A set for each kind of condition, and of arguments for each way to read them. */
function setsOf(shape: Asked, actions: readonly Action[]): readonly NamedSet[] {
  const { on, args: ways, returned } = shape;
  const hooks = ways.flatMap((args, i) =>
    conditionKindList
      .filter((kind) => i === 0 || kind.section === "matchArgs")
      .map((kind): Hook => {
        const each = kind.any(fc, args).flatMap((one) => fc.sample(one, drawn));
        const selectors = [...new Map(each.map((one) => [JSON.stringify(one), one])).values()];
        return {
          ...{ on, args },
          ...(returned?.[i] && { returned: returned[i] }),
          selectors: selectors.map((condition, n) => ({
            conditions: [condition],
            actions: [actions[n % actions.length]!],
          })),
        };
      }),
  );
  return hooks.map((hook, i) => aSet(`p${i + 100}`, hook));
}
