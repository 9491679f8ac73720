import { argJson } from "../../args/index.ts";
import { enums } from "../../gen/layout.ts";
import { jsonText, textField } from "../../json/json-text.ts";
import { type HookInfo, namesOf } from "../../kernel/hook-info.ts";
import {
  type AgentEvent,
  argsOf,
  type DroppedEvent,
  type ExecEvent,
  type ExitEvent,
  type HookEvent,
  hashOf,
  returnActionOf,
  returnedOf,
  type ThrottleEvent,
} from "../event.ts";
import { createProcessEncoder, mapField } from "./process-json.ts";
import { createRfc3339 } from "./rfc3339.ts";
import { signalName } from "./signal-name.ts";
import { stackFields } from "./stacks.ts";

export type JsonLinesOptions = {
  readonly nodeName: string;
  /** Empty: events do not say it. */
  readonly clusterName?: string;
  /** The labels of the node, where they are known; the same object until they are others. */
  readonly nodeLabels?: () => Readonly<Record<string, string>> | undefined;
  /** Boot-time ns to wall-clock ns since 1970. */
  readonly bootToWallNs: (bootNs: bigint) => bigint;
};

/** The line of an event, as upstream's JSON (upstream-events-cli.md §1). It is made once. */
export function createJsonLine(options: JsonLinesOptions): (event: AgentEvent) => string {
  const lineOf = createEventJson(options);
  return (event) => (event.json ??= lineOf(event));
}

function createEventJson(options: JsonLinesOptions): (event: AgentEvent) => string {
  const rfc3339 = createRfc3339();
  const formatTime = (bootNs: bigint) => rfc3339(options.bootToWallNs(bootNs));
  // Start times lie anywhere; a formatter of their own keeps them out of the memory of `formatTime`.
  const startRfc3339 = createRfc3339();
  const processes = createProcessEncoder({
    nodeName: options.nodeName,
    formatTime: (bootNs) => startRfc3339(options.bootToWallNs(bootNs)),
  });
  const nodeField = textField("node_name", options.nodeName);
  const placeOf = createPlace(options);
  const line = (kind: string, inner: string, time: string) =>
    `{"${kind}":{${inner}}${nodeField},"time":"${time}"${placeOf()}}\n`;
  /** The process and its parent. `flags`: of a process that is not known. */
  const actors = (
    { process, parent, key, tid }: ExecEvent | ExitEvent | HookEvent,
    flags: "" | "unknown" = "",
    as?: "executed" | "ended",
  ) => {
    if (process === undefined) return `"process":${processes.unknown(key, flags)}`;
    const own = `"process":${processes.process(process, tid, as)}`;
    if (parent === undefined) return own;
    return `${own},"parent":${processes.process(parent, parent.process.key.pid)}`;
  };
  const hookTexts = new WeakMap<HookInfo, HookText>();
  const textOf = (hook: HookInfo) => {
    const text = hookTexts.get(hook) ?? hookText(hook);
    hookTexts.set(hook, text);
    return text;
  };

  const above = ({ ancestors }: ExecEvent | ExitEvent | HookEvent) => {
    if (ancestors.length === 0) return "";
    const all = ancestors.map((one) => processes.process(one, one.process.key.pid));
    return `,"ancestors":[${all.join(",")}]`;
  };
  const exec = (event: ExecEvent) =>
    line(
      "process_exec",
      `${actors(event, "", "executed")}${above(event)}`,
      formatTime(event.ktime),
    );
  const exit = (event: ExitEvent) => {
    const time = formatTime(event.ktime);
    const signal = textField("signal", signalName(event.code & 0x7f));
    const status = (event.code >>> 8) & 0xff;
    const statusField = status === 0 ? "" : `,"status":${status}`;
    const end = `${signal}${statusField},"time":"${time}"${above(event)}`;
    return line("process_exit", `${actors(event, "", "ended")}${end}`, time);
  };
  const hook = (event: HookEvent) => {
    const text = textOf(event.hook);
    const who = actors(
      event,
      (event.flags & enums.hook_flag.HOOK_PROCESS_UNKNOWN) === 0 ? "" : "unknown",
    );
    const action = `,"action":${actionJson(event.action)}`;
    const ended = `${textField("ima_hash", hashOf(event))}${stackFields(event.stacks)}${text.policy}${returnActionField(event)}${above(event)}`;
    const inner = `${who}${text.name}${argsField(event)}${returnField(event)}${action}${ended}`;
    return line(event.hook.event, inner, formatTime(event.ktime));
  };
  const ofNoProcess = (event: DroppedEvent | ThrottleEvent) => {
    const { kind, inner } = ofAgent(event);
    return line(kind, inner, rfc3339(BigInt(event.wallMs) * 1_000_000n));
  };

  return (event) => {
    switch (event.kind) {
      case "exec":
        return exec(event);
      case "exit":
        return exit(event);
      case "hook":
        return hook(event);
      case "dropped":
      case "throttle":
        return ofNoProcess(event);
    }
  };
}

/** What the agent itself tells. */
function ofAgent(event: DroppedEvent | ThrottleEvent) {
  if (event.kind === "dropped") {
    const inner = `"number_of_dropped_process_events":"${event.count}"`;
    return { kind: "rate_limit_info", inner };
  }
  const inner = `"type":"${event.type}"${textField("cgroup", event.cgroup)}`;
  return { kind: "process_throttle", inner };
}

/** What stands at the end of each line: the cluster, and the labels of the node once they are known. */
function createPlace({ clusterName, nodeLabels }: JsonLinesOptions): () => string {
  const cluster = textField("cluster_name", clusterName);
  let labels: Readonly<Record<string, string>> | undefined;
  let text = cluster;
  return () => {
    const now = nodeLabels?.();
    if (now !== labels) {
      labels = now;
      text = `${cluster}${mapField("node_labels", now ?? {})}`;
    }
    return text;
  };
}

/** What all events of one hook have in common. */
type HookText = { readonly name: string; readonly policy: string };

function hookText(info: HookInfo): HookText {
  const tags = info.tags ?? [];
  return {
    name: Object.entries(namesOf(info))
      .map(([field, name]) => textField(field, String(name)))
      .join(""),
    policy: [
      textField("policy_name", info.policy.name),
      textField("message", info.message),
      tags.length === 0 ? "" : `,"tags":${jsonText(tags)}`,
    ].join(""),
  };
}

function argsField(event: HookEvent): string {
  const values = argsOf(event);
  const { args } = event.hook;
  let [text, data] = ["", ""];
  for (let i = 0; i < values.length; i++) {
    const one = `,${argJson(values[i]!, args[i]?.label)}`;
    if (args[i]?.isData) data += one;
    else text += one;
  }
  return listField("args", text) + listField("data", data);
}

/** `members`: each behind a comma. */
function listField(name: string, members: string): string {
  return members === "" ? "" : `,"${name}":[${members.slice(1)}]`;
}

function returnField(event: HookEvent): string {
  const { returned } = event.hook;
  if (returned === undefined) return "";
  const value = returnedOf(event);
  return value === undefined ? "" : `,"return":${argJson(value, returned.label)}`;
}

/** What was done when the call had returned; nothing where nobody could tell what it did. */
function returnActionField(event: HookEvent): string {
  const code = returnActionOf(event);
  return code === undefined ? "" : `,"return_action":${actionJson(code)}`;
}

/** By enum action_code, whose numbers are upstream's KprobeAction. 0, none executed, is a Post. */
const actionNames: Readonly<Record<number, string>> = Object.fromEntries([
  [0, "POST"],
  ...Object.entries(enums.action_code).map(([name, code]) => [code, name.slice("ACTION_".length)]),
]);

/** A number without a name stays a number, as protojson does. */
function actionJson(action: number): string {
  const name = actionName(action);
  return name === undefined ? String(action) : `"${name}"`;
}

/** Upstream's name of a hook event's action; undefined when it has none. */
export function actionName(action: number): string | undefined {
  const name = actionNames[action];
  return name === undefined ? undefined : `KPROBE_ACTION_${name}`;
}
