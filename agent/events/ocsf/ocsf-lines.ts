import { isIP } from "node:net";
import { argJson } from "../../args/index.ts";
import { enums } from "../../gen/layout.ts";
import { jsonText } from "../../json/json-text.ts";
import { execId } from "../encode/process-json.ts";
import { signalName } from "../encode/signal-name.ts";
import {
  type AgentEvent,
  argsOf,
  type DroppedEvent,
  type ExitEvent,
  type HookEvent,
  isOfProcess,
  type ProcessEvent,
  type ThrottleEvent,
} from "../event.ts";
import { eventTypeOf } from "../filter/event-type.ts";
import { outcomeOf } from "../otlp/event-attributes.ts";
import { type Activity, activityOf, classes } from "./classes.ts";
import {
  compact,
  fileObject,
  type ObjectOptions,
  type OcsfObject,
  podObject,
  processObject,
} from "./objects.ts";

export type OcsfOptions = {
  readonly nodeName: string;
  readonly clusterName: string;
  readonly bootToWallNs: (bootNs: bigint) => bigint;
  /** Of the agent. */
  readonly version: string;
};

export const ocsfVersion = "1.5.0";

/** The line of an event as an event of OCSF. */
export function createOcsfLine(options: OcsfOptions): (event: AgentEvent) => string {
  const objects: ObjectOptions = {
    execId: ({ process }) => execId(options.nodeName, process.key),
    msOf: (bootNs) => Number(options.bootToWallNs(bootNs) / 1_000_000n),
  };
  return (event) => {
    const said = saidOf(event, objects);
    return `${jsonText(compact({ ...said, ...around(event, said, options) }))}\n`;
  };
}

function saidOf(event: AgentEvent, objects: ObjectOptions): Said {
  if (isOfProcess(event)) return happened(event, objects);
  return event.kind === "dropped" ? droppedObject(event) : throttleObject(event);
}

type Said = OcsfObject & { readonly time: number; readonly activity: Activity & OcsfObject };

/** What every event has: where it stands in OCSF, and who says it. */
function around(event: AgentEvent, { activity }: Said, options: OcsfOptions): OcsfObject {
  const class_uid = classes[activity.class];
  const isHook = event.kind === "hook";
  const profiles = ["host", "container", "linux/linux_users"];
  return {
    activity: undefined,
    activity_id: activity.id,
    activity_name: activity.name,
    class_uid,
    category_uid: Math.floor(class_uid / 1000),
    type_uid: class_uid * 100 + activity.id,
    device: {
      name: options.nodeName,
      type_id: server,
      os: { name: "Linux", type_id: linux },
    },
    metadata: {
      version: ocsfVersion,
      product: { name: "Guardbee", vendor_name: "Guardbee", version: options.version },
      profiles: isHook ? ["security_control", ...profiles] : profiles,
      log_name: eventTypeOf(event).toLowerCase(),
      event_code: isHook ? event.hook.functionName : undefined,
      tenant_uid: options.clusterName,
    },
  };
}

function happened(event: ProcessEvent, objects: ObjectOptions): Said {
  const { process, parent } = event;
  const own =
    process === undefined ? { pid: event.key.pid } : processObject(process, objects, parent);
  const self = { ...own, tid: event.tid };
  const said = {
    time: objects.msOf(event.ktime),
    severity_id: severityOf(event),
    unmapped: process === undefined ? undefined : { kubernetes: podObject(process) },
  };
  switch (event.kind) {
    case "exec": {
      const by = parent === undefined ? self : processObject(parent, objects);
      return {
        ...said,
        activity: { class: "process", id: 1 },
        process: self,
        actor: { process: by },
      };
    }
    case "exit":
      return {
        ...said,
        activity: { class: "process", id: 2 },
        process: self,
        actor: { process: self },
        ...exitFields(event, said.unmapped),
      };
    case "hook":
      return { ...said, actor: { process: self }, ...hookFields(event, self, said.unmapped) };
  }
}

function exitFields({ code }: ExitEvent, unmapped: OcsfObject | undefined): OcsfObject {
  const signal = code & 0x7f;
  return {
    exit_code: signal === 0 ? (code >>> 8) & 0xff : undefined,
    unmapped: { ...unmapped, signal: signalName(signal) },
  };
}

/** Decision and outcome are separate facts: what the policy asked for, and what became of the call. */
function hookFields(event: HookEvent, self: OcsfObject, unmapped: OcsfObject | undefined) {
  const { hook } = event;
  const args = argsOf(event).map((arg, i) => argJson(arg, hook.args[i]?.label));
  const values = args.map((text): Readonly<Record<string, ArgObject>> => JSON.parse(text));
  const members = values.map((value) => Object.keys(value)[0] ?? "");
  const activity = subjectOr(activityOf(hook.functionName, members), values);
  const outcome = outcomeOf(event);
  const { kind, namespace = "", name } = hook.policy;
  return {
    activity,
    ...subjectFields(activity, values, self),
    action_id:
      outcome === "would_stop" ? observed : asksToStop.has(event.action) ? denied : allowed,
    disposition_id: dispositions[outcome],
    is_alert: outcome !== "reported",
    policy: {
      name,
      uid: [kind, namespace, name].filter((part) => part !== "").join("/"),
      desc: hook.message,
      is_applied: outcome === "stopped",
    },
    message: hook.message,
    unmapped: { ...unmapped, args: `[${args.join(",")}]`, tags: hook.tags ?? [] },
  };
}

type ArgObject = { readonly [field: string]: unknown };

/** Without what its class requires an event is one of the process. */
function subjectOr(activity: Activity, values: readonly Readonly<Record<string, ArgObject>>[]) {
  const has: Readonly<Record<Activity["class"], boolean>> = {
    ...{ base: true, process: true },
    file: fileObject(pathIn(values)) !== undefined,
    module: fileObject(pathIn(values)) !== undefined,
    kernelExtension: fileObject(textIn(values, "module_arg", "name")) !== undefined,
    network:
      isIP(textIn(values, "", "saddr")) !== 0 ||
      isIP(textIn(values, "", "daddr")) !== 0 ||
      isIP(textIn(values, "", "addr")) !== 0,
  };
  if (has[activity.class]) return activity;
  return { class: "process", id: 99, name: activity.name ?? "Other" } as const;
}

function subjectFields(
  activity: Activity,
  values: readonly Readonly<Record<string, ArgObject>>[],
  self: OcsfObject,
): OcsfObject {
  switch (activity.class) {
    case "file":
      return { file: fileObject(pathIn(values)) };
    case "module":
      return { module: { file: fileObject(pathIn(values)), load_type_id: standardLoad } };
    case "kernelExtension":
      return { driver: { file: fileObject(textIn(values, "module_arg", "name")) } };
    case "network":
      return networkFields(values);
    case "process":
    case "base":
      return { process: self };
  }
}

function networkFields(values: readonly Readonly<Record<string, ArgObject>>[]): OcsfObject {
  const end = (ip: string, port: string) =>
    isIP(textIn(values, "", ip)) === 0
      ? undefined
      : { ip: textIn(values, "", ip), port: Number(textIn(values, "", port)) || undefined };
  const protocol = textIn(values, "", "protocol").replace("IPPROTO_", "").toLowerCase();
  return {
    src_endpoint: end("saddr", "sport"),
    dst_endpoint: end("daddr", "dport") ?? end("addr", "port"),
    connection_info: { direction_id: unknownDirection, protocol_name: protocol },
  };
}

function pathIn(values: readonly Readonly<Record<string, ArgObject>>[]): string {
  const found = values.flatMap((value) =>
    fileMembers.map((member) => value[member]?.path).filter((path) => typeof path === "string"),
  );
  return found[0] ?? "";
}

/** Of the first argument that has it; `member` empty: any. */
function textIn(
  values: readonly Readonly<Record<string, ArgObject>>[],
  member: string,
  field: string,
): string {
  for (const value of values) {
    for (const [name, inner] of Object.entries(value)) {
      const found = member === "" || member === name ? inner?.[field] : undefined;
      if (found !== undefined) return String(found);
    }
  }
  return "";
}

/** There is no class for what a reader missed: the base of all, with the number. */
function droppedObject({ count, wallMs }: DroppedEvent): Said {
  return {
    time: wallMs,
    activity: { class: "base", id: 99, name: "rate_limit_info" },
    severity_id: informational,
    message: `${count} events were left out`,
    unmapped: { number_of_dropped_process_events: count },
  };
}

/** Nor for a cgroup whose events are held back. */
function throttleObject({ type, cgroup, wallMs }: ThrottleEvent): Said {
  return {
    time: wallMs,
    activity: { class: "base", id: 99, name: "process_throttle" },
    severity_id: informational,
    message: `${type} ${cgroup}`,
    unmapped: { type, cgroup },
  };
}

function severityOf(event: AgentEvent): number {
  if (event.kind !== "hook") return informational;
  return { reported: informational, would_stop: medium, stopped: high }[outcomeOf(event)];
}

const { ACTION_SIGKILL, ACTION_OVERRIDE, ACTION_SIGNAL } = enums.action_code;
const asksToStop: ReadonlySet<number> = new Set([ACTION_SIGKILL, ACTION_OVERRIDE, ACTION_SIGNAL]);
const fileMembers = ["file_arg", "path_arg", "linux_binprm_arg"];
const [allowed, denied, observed] = [1, 2, 3];
const dispositions = { stopped: 2, would_stop: 15, reported: 17 } as const;
const [informational, medium, high] = [1, 3, 4];
const server = 1;
const linux = 200;
const standardLoad = 1;
const unknownDirection = 0;
