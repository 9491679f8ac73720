import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Hook, HookPoint, Mode } from "@guardbee/policy";
import type {
  AddTracingPolicyRequest,
  ConfigureTracingPolicyRequest,
  DeleteTracingPolicyRequest,
  DisableTracingPolicyRequest,
  EnableTracingPolicyRequest,
  ListTracingPoliciesRequest,
  TracingPolicyStatsSchema,
  TracingPolicyStatusSchema,
} from "../gen/wire.ts";
import { TracingPolicyMode, TracingPolicyState } from "../gen/wire-numbers.ts";
import type { ListedPolicy, NotDone, PolicyAt, PolicyState } from "../session/policy-changes.ts";
import type { PolicyControl } from "../session/policy-control.ts";
import { type Code, code, GrpcError } from "./status.ts";

/** What policies are added to, and looked for in, when no other domain is named. */
const defaultDomain = "grpc";

/** The methods that are about policies. Each answers when the kernel holds what was asked for, or cannot. */
export function policyHandlers(control: PolicyControl) {
  const toggle =
    (enable: boolean) =>
    async (
      request: EnableTracingPolicyRequest | DisableTracingPolicyRequest,
      signal: AbortSignal,
    ) =>
      done(await control.configure(atOf(request), { enable }, signal));
  return {
    addTracingPolicy: async ({ yaml, domain }: AddTracingPolicyRequest, signal: AbortSignal) =>
      done(await control.added.add({ text: yaml, domain: domain || defaultDomain }, signal)),
    deleteTracingPolicy: async (request: DeleteTracingPolicyRequest, signal: AbortSignal) =>
      done(await control.remove(atOf(request), signal)),
    listTracingPolicies: ({ domain }: ListTracingPoliciesRequest) => ({
      policies: control
        .list()
        .filter((policy) => domain === "" || policy.domain === domain)
        .map(statusOf),
    }),
    configureTracingPolicy: async (request: ConfigureTracingPolicyRequest, signal: AbortSignal) => {
      const { enable, mode } = request;
      const to = { enable, mode: mode === undefined ? undefined : modeOf(mode) };
      return done(await control.configure(atOf(request), to, signal));
    },
    enableTracingPolicy: toggle(true),
    disableTracingPolicy: toggle(false),
    listDomains: () => ({ domains: [...control.domains()] }),
  };
}

function atOf({
  name,
  namespace,
  domain,
}: Omit<PolicyAt, "domain"> & { domain: string }): PolicyAt {
  if (name === "") throw new GrpcError(code.invalidArgument, "the name of the policy is missing");
  return { name, namespace, domain: domain || defaultDomain };
}

function modeOf(mode: number): Mode {
  if (mode === TracingPolicyMode.TP_MODE_ENFORCE) return "enforce";
  if (mode === TracingPolicyMode.TP_MODE_MONITOR) return "monitor";
  throw new GrpcError(code.invalidArgument, `mode ${mode} cannot be set; set enforce or monitor`);
}

const codes: Readonly<Record<NotDone["kind"], Code>> = {
  wrong: code.invalidArgument,
  exists: code.alreadyExists,
  absent: code.notFound,
  state: code.failedPrecondition,
  failed: code.unknown,
};

function done(notDone: NotDone | undefined): Record<string, never> {
  if (notDone === undefined) return {};
  throw new GrpcError(codes[notDone.kind], notDone.message);
}

const states: Readonly<Record<PolicyState, number>> = {
  enabled: TracingPolicyState.TP_STATE_ENABLED,
  disabled: TracingPolicyState.TP_STATE_DISABLED,
  load_error: TracingPolicyState.TP_STATE_LOAD_ERROR,
  error: TracingPolicyState.TP_STATE_ERROR,
  loading: TracingPolicyState.TP_STATE_LOADING,
  unloading: TracingPolicyState.TP_STATE_UNLOADING,
};

function statusOf(policy: ListedPolicy): MessageInitShape<typeof TracingPolicyStatusSchema> {
  const { id, name, namespace, domain, state, error, info, mode } = policy;
  const isMonitor = mode === "monitor";
  return {
    ...{ id: BigInt(id), name, namespace, domain, error, info },
    ...{ enabled: state === "enabled", state: states[state], sensors: sensorsOf(policy) },
    mode: isMonitor ? TracingPolicyMode.TP_MODE_MONITOR : TracingPolicyMode.TP_MODE_ENFORCE,
    stats: statsOf(policy),
  };
}

/** What upstream calls the parts of a policy, by the kinds of its hooks. */
function sensorsOf({ set }: ListedPolicy): string[] {
  const kinds = new Set(
    (set?.set.hooks ?? []).map(({ on }) => sensorNames[on.kind] ?? "generic_kprobe"),
  );
  return [...kinds].sort();
}

const sensorNames: Readonly<Record<string, string>> = {
  ...{ lsm: "generic_lsm", tracepoint: "generic_tracepoint", rawTracepoint: "generic_tracepoint" },
  ...{ uprobe: "generic_uprobe", usdt: "generic_usdt" },
};

/**
 * The kernel counts calls that were stopped, however that was: they are shown as Override where the
 * policy only overrides, else as signals. Events are counted as this agent reads them.
 */
function statsOf({ set, stops }: ListedPolicy): MessageInitShape<typeof TracingPolicyStatsSchema> {
  const hooks = set?.set.hooks ?? [];
  const names = hooks.flatMap((hook) => actionNames(hook));
  const reports = stops?.selectors ?? [];
  const post = reports.reduce((sum, { reported }) => sum + reported, 0);
  return {
    actionCounters: {
      ...(post === 0 ? {} : { post: BigInt(post) }),
      ...stopsAs(names, stops?.stopped ?? 0, stops?.wouldStop ?? 0),
    },
    selectorActionCounters: reports.flatMap((one) => {
      const hook = hooks[one.hookIndex];
      if (hook === undefined) return [];
      return {
        hook: hookName(hook.on),
        ...{ hookIndex: one.hookIndex, selectorIndex: one.selectorIndex },
        actionCounters: {
          post: BigInt(one.reported),
          ...stopsAs(actionNames(hook, one.selectorIndex), one.stopped, one.wouldStop),
        },
      };
    }),
  };
}

/** What the selectors of a hook do, or one of them. */
function actionNames({ selectors }: Hook, selector?: number): readonly string[] {
  const its = selector === undefined ? selectors : selectors.slice(selector, selector + 1);
  return its.flatMap(({ actions }) => actions.map(({ action }) => action as string));
}

function stopsAs(names: readonly string[], stopped: number, wouldStop: number) {
  const overrides = names.includes("Override") && !names.some((name) => /^Sig/.test(name));
  const [done, left] = [BigInt(stopped), BigInt(wouldStop)];
  return overrides
    ? { override: done, monitorOverride: left }
    : { signal: done, monitorSignal: left };
}

/** As upstream's labels of metrics name a hook. */
function hookName(on: HookPoint): string {
  switch (on.kind) {
    case "kprobe":
      return `kprobe:${on.call}`;
    case "functions":
      return `kprobe:${on.pattern ?? "sys_*"}`;
    case "exec":
      return "exec";
    case "lsm":
      return `lsm:${on.hook}`;
    case "tracepoint":
    case "rawTracepoint":
      return `tracepoint:${on.subsystem}/${on.event}`;
    case "uprobe":
      return `uprobe:${on.path}/${on.symbol ?? ""}`;
    case "usdt":
      return `usdt:${on.provider}/${on.name}`;
  }
}
