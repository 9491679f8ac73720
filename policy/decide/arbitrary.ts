/**
 * Test support: random sets and calls for fast-check, drawn from few values so that they meet. The
 * kernel is tested against `decide` with these. Sets are such as lowering makes: canonical, and
 * without what it refuses.
 */
import fc from "fast-check";
import {
  actionKind,
  actionKinds,
  actionNames,
  actionsOf,
  effectOf,
  followsDescriptors,
} from "../actions/index.ts";
import { samplePaths } from "../args/file-path.ts";
import { sampleDigests } from "../args/linux_binprm.ts";
import { canonicalConditions, conditionKind, conditionKindList } from "../conditions/index.ts";
import { asksDigest } from "../digest.ts";
import { hookKind } from "../lower/hooks/index.ts";
import { maxPathBytes } from "../lower/limits.ts";
import type { Returned, ReturnedCondition } from "../returned.ts";
import type {
  Action,
  Arg,
  Condition,
  Hook,
  HookPoint,
  Scope,
  SelectorSet,
} from "../selector-set.ts";
import { workloadsName } from "../workloads.ts";
import { anyNetwork } from "./arbitrary-network.ts";
import { anyShape, number, type Shape, shapes } from "./arbitrary-shapes.ts";
import type { HookCall, Notices, Process } from "./event.ts";
import type { FollowState } from "./follow.ts";
import type { ExecFacts, OpenFile, Parameter } from "./parameter.ts";

/** Workloads that selectors are for. */
export const sampleWorkloads: readonly Scope[] = [
  { host: true },
  { host: false, pods: { labels: { matchLabels: { app: "web" } } } },
];

/** Names that a scope may have of a set with that one: its own, and those of its selectors' workloads. */
export function scopeNames(name: string): readonly string[] {
  return [name, ...sampleWorkloads.map((workloads) => workloadsName(name, workloads))];
}

/** As long as a value may be; buffers may be longer. */
const longText = "x".repeat(maxPathBytes);

/** A set that holds everywhere; scopes are a matter of `HookCall.holds`. */
export const anySelectorSet: fc.Arbitrary<SelectorSet> = fc
  .record({
    name: fc.stringMatching(/^[a-z][a-z0-9]{0,7}$/),
    mode: fc.constantFrom("enforce" as const, "enforce" as const, "monitor" as const),
    hooks: fc.array(anyShape.chain(anyHook), { minLength: 1, maxLength: 4 }),
  })
  .map(({ name, mode, hooks }) => ({
    policy: { kind: "TracingPolicy" as const, name },
    mode,
    scope: { host: true, pods: {} },
    hooks: withEnforcers(withFollow(hooks)),
  }));

/** Lowering refuses what needs a followed descriptor in a policy that follows none. */
function withFollow(hooks: readonly Hook[]): readonly Hook[] {
  const actions = hooks.flatMap(actionsOf);
  if (followsDescriptors({ hooks })) return hooks;
  if (!actions.some(({ action }) => actionKind(action).needsFollowed)) return hooks;
  const { on, args } = shapes.find(({ ends }) => ends === "follow")!;
  const follow = actionKinds.FollowFD.samples({ canOverride: false, ends: "follow" });
  const opening: Hook = {
    on,
    args: args[0]!,
    selectors: [{ conditions: [], actions: follow }],
  };
  return [opening, ...hooks];
}

/** Lowering refuses what leaves something for enforcers in a policy that has none. */
function withEnforcers(hooks: readonly Hook[]): readonly Hook[] {
  const notices = hooks.flatMap(actionsOf).flatMap((action) => effectOf(action).notice ?? []);
  if (notices.length === 0) return hooks;
  const enforce = {
    action: "Enforce",
    overrides: notices.some(({ error }) => error !== 0),
  } as const;
  const enforcers = ["sys_lseek", "sys_write"].map(
    (call): Hook => ({
      ...{ on: { kind: "kprobe", call, syscall: true }, args: [] },
      selectors: [{ conditions: [], actions: [enforce] }],
    }),
  );
  return [...hooks, ...enforcers];
}

function anyHook(shape: Shape): fc.Arbitrary<Hook> {
  /** Agents refuse to compare digests where nothing is hashed. */
  const isTold = (one: Condition) => shape.on.kind === "lsm" || !asksDigest([one]);
  return fc.constantFrom(...shape.args).chain((args) => {
    const conditions = fc
      .array(anyCondition(args), { maxLength: 3 })
      .map((all) => canonicalConditions(withoutClashes(all).filter(isTold)));
    const count = shape.ends === "unfollow" ? { minLength: 1, maxLength: 1 } : { maxLength: 3 };
    // Lowering refuses both.
    const values = args.some(({ maxData }) => maxData) ? [] : (shape.returned ?? []);
    return fc.constantFrom(undefined, undefined, ...values).chain((returned) =>
      fc
        .array(
          fc
            .tuple(
              conditions,
              anyActions(shape),
              anyReturned(returned),
              anyReturnActions(shape, returned),
              fc.constantFrom(...Array<undefined>(6).fill(undefined), ...sampleWorkloads),
              fc.constantFrom(true as const, undefined, undefined),
            )
            .map(([all, actions, of, returnActions, workloads, surely]) => ({
              ...{ conditions: all, ...(surely && { surely }), actions },
              ...(workloads && { workloads }),
              ...(of.length > 0 && { returned: of }),
              ...(returnActions.length > 0 && { returnActions }),
            })),
          count,
        )
        .map(
          (selectors): Hook => ({ on: shape.on, args, ...(returned && { returned }), selectors }),
        ),
    );
  });
}

/** What may be done when a call has returned whose value is read so; none: nothing is read. */
function anyReturnActions(
  { ends }: Shape,
  of: Returned | undefined,
): fc.Arbitrary<readonly Action[]> {
  if (of === undefined) return fc.constant([]);
  const hook = { canOverride: false, whenReturned: true, ...(ends && { ends }) } as const;
  const samples = actionNames.flatMap((name) => {
    const kind = actionKind(name);
    return kind.atReturn ? kind.samples(hook) : [];
  });
  return fc.uniqueArray(fc.constantFrom(...samples), { maxLength: 3 });
}

/** Conditions on a value that is read so; none: nothing is read. */
function anyReturned(of: Returned | undefined): fc.Arbitrary<readonly ReturnedCondition[]> {
  if (of === undefined) return fc.constant([]);
  const onArg = conditionKind("arg").any(fc, [{ type: of.type, index: 0 }])[0]!;
  const one = onArg.map((condition): ReturnedCondition => {
    const { op, values } = condition as Extract<Condition, { readonly by: "arg" }>;
    return { op, values };
  });
  return fc.array(one, { maxLength: 2 });
}

function withoutClashes(conditions: readonly Condition[]): readonly Condition[] {
  return conditions.filter((one, i) => {
    const { clash } = conditionKind(one.by);
    return !conditions.slice(0, i).some((other) => other.by === one.by && clash?.(other, one));
  });
}

function anyActions({ on, ends, sock }: Shape): fc.Arbitrary<readonly Action[]> {
  const canOverride = hookKind(on.kind).whyNoOverride(on) === undefined;
  const samples = actionNames.flatMap((name) =>
    actionKind(name).samples({
      ...(on.kind === "kprobe" && { canTrace: true }),
      ...{ canOverride, ...(ends && { ends }), ...(sock !== undefined && { sock }) },
    }),
  );
  const actions = fc.uniqueArray(fc.constantFrom(...samples), {
    maxLength: 4,
    comparator: (a, b) =>
      a.action === b.action && [a, b].some((one) => actionKind(one.action).once?.(one)),
  });
  if (ends !== "unfollow") return actions;
  return actions.filter((all) => all.some(({ action }) => actionKind(action).needsFollowed));
}

/** Any condition on the process, or on one of `args`. */
export function anyCondition(args: readonly Arg[]): fc.Arbitrary<Condition> {
  return fc.oneof(...conditionKindList.flatMap((kind) => kind.any(fc, args)));
}

/** Deeper than an event tells, and than that longer. */
const deepPaths = [600, 1000].map((depth) => `/tmp/forbidden${"/deep".repeat(depth)}`);

const anyFile: fc.Arbitrary<OpenFile> = fc
  .record({
    id: fc.integer({ min: 1, max: 3 }),
    path: fc.option(fc.constantFrom(...samplePaths, ...samplePaths, ...deepPaths, "/a"), {
      nil: undefined,
    }),
    isDetached: fc.constantFrom(true as const, undefined, undefined, undefined),
    format: fc.constantFrom(undefined, undefined, 0o040000, 0o010000, 0o140000),
  })
  .map(({ id, path, isDetached, format }) => ({
    ...{ id, ...(path === undefined ? {} : { path }), ...(format && { format }) },
    ...(path === undefined || isDetached === undefined ? {} : { isDetached }),
  }));

const anyCapabilities = fc.constantFrom(
  ...[undefined, 0n, 1n, 1n << 21n, 1n | (1n << 39n), (1n << 41n) - 1n],
);

const anyId = fc.constantFrom(0, 1000, 2000);
const anyExec: fc.Arbitrary<ExecFacts> = fc
  .record({
    ...{ user: anyId, group: anyId },
    setsUser: fc.constantFrom(0, 1000, undefined, undefined),
    setsGroup: fc.constantFrom(0, 1000, undefined, undefined),
    origin: fc.constantFrom(
      ...(["image", "image", "image", "changed", "deleted", "elsewhere", "ownMount"] as const),
    ),
    isInteractive: fc.constantFrom(true as const, undefined),
    startsContainer: fc.constantFrom(true as const, undefined, undefined, undefined),
    isInterpreter: fc.constantFrom(true as const, undefined),
    isScript: fc.constantFrom(true as const, undefined),
    digest: fc.constantFrom(...sampleDigests, undefined),
  })
  .map(
    ({ user, group, origin, ...others }) =>
      ({ ...{ user, group, origin }, ...withoutUndefined(others) }) as ExecFacts,
  );

function withoutUndefined(all: Readonly<Record<string, unknown>>): object {
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

/** A process with all that some condition looks at. */
export const anyProcess: fc.Arbitrary<Process> = fc
  .tuple(...conditionKindList.map((kind) => kind.anyProcess(fc)))
  .chain((facts) =>
    fc
      .constantFrom(false, false, false, true)
      .map((isProtected) => Object.assign({ isProtected }, ...facts) as Process),
  );

/** A call that some shape hooks, by a process in the scope of every set in `names`. */
export function anyCall(names: readonly string[]): fc.Arbitrary<HookCall> {
  return fc
    .record({
      shape: anyShape,
      by32Bit: fc.boolean(),
      process: anyProcess,
      files: fc.uniqueArray(anyFile, { maxLength: 3, selector: ({ id }) => id }),
      opened: anyFile,
      followsNoMore: fc.constantFrom(true as const, undefined, undefined, undefined),
      tracker: fc.constantFrom(undefined, undefined, 7000),
      waitsNoMore: fc.constantFrom(true as const, ...Array<undefined>(7).fill(undefined)),
      mayFollow: fc.option(fc.subarray([...names]), { nil: undefined, freq: 3 }),
      first: fc.constantFrom(0n, 3n, 4n, 5n, 0xffff_ffffn),
      returned: fc.constantFrom(0n, 1n, 4n, 5n, 0xffff_ffff_ffff_fff7n, 0xffff_ffff_ffff_ffffn),
      second: fc.constantFrom(0n, 1n, 5n, 0xffff_ffff_ffff_ffffn),
      bytes: fc.option(
        fc.constantFrom(
          ...["", "secret", "secrets", "public", "secret\0s", longText, `${longText}x`],
          ...[`${longText}secret`, `${"y".repeat(4088)}secret`, `${"y".repeat(4089)}secret`],
          `${"y".repeat(9000)}secret`,
        ),
        { nil: undefined },
      ),
      cuts: fc.array(fc.constantFrom(0, 1, 3, 6, 252, 253, 4090, 4095), { maxLength: 3 }),
      network: anyNetwork,
      notices: anyNotices(names),
      capabilities: anyCapabilities,
      exec: anyExec,
    })
    .map(
      ({
        shape,
        by32Bit,
        process,
        files,
        opened,
        first,
        second,
        bytes,
        cuts,
        returned,
        network,
        capabilities,
        exec,
        notices,
        ...follow
      }) => ({
        ...{ on: shape.on, notices },
        ...(shape.sock !== undefined && follow.tracker && { tracker: follow.tracker }),
        ...(follow.waitsNoMore && { waitsNoMore: true as const }),
        ...(follow.followsNoMore && { followsNoMore: true as const }),
        ...(follow.mayFollow && { mayFollow: new Set(follow.mayFollow) }),
        ...(is32Bit(shape.on, by32Bit) ? { is32Bit: true as const } : {}),
        process,
        // Of each set the workloads in which the first selectors are.
        holds: new Set(names.flatMap((name) => scopeNames(name).slice(0, 2))),
        ...(shape.returned && { returned }),
        ...(shape.resolved && {
          resolved: shape.resolved({
            ...{ first, second, bytes, cuts, network, capabilities, exec },
            opened: files.find(({ id }) => id === opened.id) ?? opened,
          }),
        }),
        parameters: shape
          .parameters({
            ...{ first, second, bytes, cuts, network, capabilities, exec },
            // One id is one file, with one path.
            opened: files.find(({ id }) => id === opened.id) ?? opened,
          })
          .map((one) => (is32Bit(shape.on, by32Bit) ? narrow(one) : one)),
        descriptors: new Map(files.map((file, i) => [i + 3, file])),
      }),
    );
}

function anyNotices(names: readonly string[]): fc.Arbitrary<Notices> {
  if (names.length === 0) return fc.constant(new Map());
  const notice = fc.record({ signal: fc.constantFrom(0, 9, 12), error: fc.constantFrom(0, 1, 13) });
  return fc
    .array(fc.tuple(fc.constantFrom(...names), notice), { maxLength: 3 })
    .map((all) => new Map(all));
}

/** Any system call may come by a 32-bit entry. */
function is32Bit(on: HookPoint, by32Bit: boolean): boolean {
  return by32Bit && on.kind === "kprobe" && on.syscall;
}

function narrow(parameter: Parameter): Parameter {
  return parameter.kind === "number" ? number(BigInt.asUintN(32, parameter.value)) : parameter;
}

/** Which of the files 1 to 3 each of the sets follows. */
export function anyFollowState(names: readonly string[]): fc.Arbitrary<FollowState> {
  const one = fc.subarray([1, 2, 3]);
  return fc
    .tuple(one, fc.array(one, { minLength: names.length, maxLength: names.length }))
    .map(([nobodys, ids]) => {
      // Of many sets nearly always one would follow each.
      const followed = (i: number) => ids[i]!.filter((id) => !nobodys.includes(id));
      return new Map(names.map((name, i) => [name, new Set(followed(i))]));
    });
}
