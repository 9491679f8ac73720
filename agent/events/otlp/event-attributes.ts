import { basename } from "node:path";
import { argJson } from "../../args/index.ts";
import { enums } from "../../gen/layout.ts";
import type { PodContainer } from "../../scope/pod-container.ts";
import { actionName } from "../encode/json-lines.ts";
import { signalName } from "../encode/signal-name.ts";
import { argsOf, type ExitEvent, type HookEvent, type ProcessState } from "../event.ts";
import type { Attributes } from "./attributes.ts";

const { HOOK_STOPPED, HOOK_WOULD_STOP } = enums.hook_flag;

/** What OpenTelemetry's conventions have names for of a process, its container and its pod. */
export function processAttributes(
  { process, image, container }: ProcessState,
  startTime: string,
): Attributes {
  return {
    "process.pid": process.key.pid,
    "process.parent_pid": process.parentKey.pid,
    "process.creation.time": startTime,
    "process.executable.path": image.binary,
    "process.executable.name": basename(image.binary),
    "process.command_line": commandLine(image),
    "process.working_directory": image.cwd,
    "process.user.id": image.uid,
    "process.user.name": image.user,
    "container.id": image.docker, // a pod's own processes, such as pause, are in none that is listed
    ...(container === undefined ? {} : podAttributes(container)),
  };
}

/** There are no conventions for a parent beyond its pid. */
export function parentAttributes({ image }: ProcessState): Attributes {
  return {
    "guardbee.parent.executable.path": image.binary,
    "guardbee.parent.command_line": commandLine(image),
  };
}

function podAttributes({ pod, container }: PodContainer): Attributes {
  const labels = Object.entries(pod.labels).map(
    ([key, value]) => [`k8s.pod.label.${key}`, value] as const,
  );
  const kind = pod.workloadKind.toLowerCase();
  return {
    "k8s.namespace.name": pod.namespace,
    "k8s.pod.name": pod.name,
    "k8s.pod.uid": pod.uid,
    ...(workloads.has(kind) ? { [`k8s.${kind}.name`]: pod.workload } : {}),
    ...Object.fromEntries(labels),
    ...(container === undefined ? {} : containerAttributes(container)),
  };
}

function containerAttributes({
  id,
  name,
  image,
}: NonNullable<PodContainer["container"]>): Attributes {
  return {
    "k8s.container.name": name,
    "container.id": id.replace(/^[a-z0-9-]+:\/\//, ""),
    "container.name": name,
    "container.image.name": image.name,
    "container.image.id": image.id,
  };
}

/** Those that the conventions have an attribute for. */
const workloads: ReadonlySet<string> = new Set(
  "deployment replicaset statefulset daemonset job cronjob replicationcontroller".split(" "),
);

/** The policy is a set of rules; each of its hooks is one. */
export function hookAttributes(event: HookEvent): Attributes {
  const { hook, action } = event;
  const { policy, functionName, message, tags } = hook;
  const args = argsOf(event).map((arg, i) => argJson(arg, hook.args[i]?.label));
  return {
    "security_rule.name": functionName,
    "security_rule.ruleset.name": policy.name,
    "security_rule.description": message,
    "guardbee.policy.kind": policy.kind,
    "guardbee.policy.namespace": policy.namespace,
    "guardbee.action": actionName(action),
    "guardbee.outcome": outcomeOf(event),
    "guardbee.tags": tags,
    "guardbee.args": args.length === 0 ? undefined : `[${args.join(",")}]`,
  };
}

/** Whether the call, or the process, was stopped: not what the policy asked for, but what was done. */
export function outcomeOf({ flags }: HookEvent): "stopped" | "would_stop" | "reported" {
  if ((flags & HOOK_STOPPED) !== 0) return "stopped";
  return (flags & HOOK_WOULD_STOP) !== 0 ? "would_stop" : "reported";
}

export function exitAttributes({ code }: ExitEvent, time: string): Attributes {
  const signal = code & 0x7f;
  return {
    "process.exit.code": signal === 0 ? (code >>> 8) & 0xff : undefined,
    "process.exit.time": time,
    "guardbee.exit.signal": signalName(signal),
  };
}

export function commandLine(image: ProcessState["image"]): string {
  return image.arguments === "" ? image.binary : `${image.binary} ${image.arguments}`;
}
