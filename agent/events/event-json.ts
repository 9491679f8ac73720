import { enums } from "../gen/layout.ts";
import type { HookInfo } from "../kernel/hook-info.ts";
import type { Process } from "../process/tree.ts";
import type { ExitRecord, HookArg, HookRecord } from "../records/kernel-record.ts";
import { argJson } from "./arg-json.ts";
import { jsonText } from "./json-text.ts";
import { createProcessEncoder, textField } from "./process-json.ts";
import { createRfc3339 } from "./rfc3339.ts";
import { signalName } from "./signal-name.ts";

export type EventEncoderOptions = {
  readonly nodeName: string;
  /** Boot-time ns to wall-clock ns since 1970. */
  readonly bootToWallNs: (bootNs: bigint) => bigint;
};

/** Serialises events as upstream's JSON lines (upstream-events-cli.md §1), each with its `\n`. */
export type EventEncoder = {
  exec(process: Process, at: { readonly ktime: bigint; readonly tid: number }): string;
  exit(
    process: Process | undefined,
    event: Pick<ExitRecord, "process" | "tid" | "code" | "ktime">,
  ): string;
  hook(process: Process | undefined, event: HookRecord, call: HookCall): string;
  /** Told to a reader that was too slow for `count` events. `wallMs`: when. */
  dropped(count: number, wallMs: number): string;
};

export type HookCall = { readonly info: HookInfo; readonly args: readonly HookArg[] };

export function createEventEncoder(options: EventEncoderOptions): EventEncoder {
  const rfc3339 = createRfc3339();
  const formatTime = (bootNs: bigint) => rfc3339(options.bootToWallNs(bootNs));
  // Start times lie anywhere; a formatter of their own keeps them out of the memory of `formatTime`.
  const startRfc3339 = createRfc3339();
  const processes = createProcessEncoder({
    nodeName: options.nodeName,
    formatTime: (bootNs) => startRfc3339(options.bootToWallNs(bootNs)),
  });
  const nodeField = textField("node_name", options.nodeName);
  const line = (kind: string, inner: string, time: string) =>
    `{"${kind}":{${inner}}${nodeField},"time":"${time}"}\n`;
  const parentField = ({ parent }: Process) =>
    parent === undefined ? "" : `,"parent":${processes.process(parent, parent.key.pid)}`;
  const hookTexts = new WeakMap<HookInfo, HookText>();

  return {
    exec(process, { ktime, tid }) {
      const inner = `"process":${processes.process(process, tid)}${parentField(process)}`;
      return line("process_exec", inner, formatTime(ktime));
    },
    exit(process, { process: key, tid, code, ktime }) {
      const time = formatTime(ktime);
      const who =
        process === undefined
          ? `"process":${processes.unknown(key, "")}`
          : `"process":${processes.process(process, tid)}${parentField(process)}`;
      const signal = textField("signal", signalName(code & 0x7f));
      const status = (code >>> 8) & 0xff;
      const statusField = status === 0 ? "" : `,"status":${status}`;
      return line("process_exit", `${who}${signal}${statusField},"time":"${time}"`, time);
    },
    hook(process, event, { info, args }) {
      const text = hookTexts.get(info) ?? hookText(info);
      hookTexts.set(info, text);
      const who =
        process === undefined
          ? `"process":${processes.unknown(event.process, unknownWord(event))}`
          : `"process":${processes.process(process, event.tid)}${parentField(process)}`;
      const action = `,"action":${actionJson(event.action)}`;
      const inner = `${who}${text.name}${argsField(args, info)}${action}${text.policy}`;
      return line("process_kprobe", inner, formatTime(event.ktime));
    },
    dropped(count, wallMs) {
      const inner = `"number_of_dropped_process_events":"${count}"`;
      return line("rate_limit_info", inner, rfc3339(BigInt(wallMs) * 1_000_000n));
    },
  };
}

/** What all events of one hook have in common. */
type HookText = { readonly name: string; readonly policy: string };

function hookText(info: HookInfo): HookText {
  const tags = info.tags ?? [];
  return {
    name: textField("function_name", info.functionName),
    policy: [
      textField("policy_name", info.policy.name),
      textField("message", info.message),
      tags.length === 0 ? "" : `,"tags":${jsonText(tags)}`,
    ].join(""),
  };
}

function argsField(args: readonly HookArg[], info: HookInfo): string {
  if (args.length === 0) return "";
  let text = ',"args":[';
  for (let i = 0; i < args.length; i++) {
    if (i > 0) text += ",";
    text += argJson(args[i]!, info.args[i]?.label);
  }
  return `${text}]`;
}

function unknownWord(event: HookRecord): "" | "unknown" {
  return (event.flags & enums.hook_flag.HOOK_PROCESS_UNKNOWN) === 0 ? "" : "unknown";
}

/** By enum action_code, whose numbers are upstream's KprobeAction. 0, none executed, is a Post. */
const actionNames: Readonly<Record<number, string>> = Object.fromEntries([
  [0, "POST"],
  ...Object.entries(enums.action_code).map(([name, code]) => [code, name.slice("ACTION_".length)]),
]);

/** A number without a name stays a number, as protojson does. */
function actionJson(action: number): string {
  const name = actionNames[action];
  return name === undefined ? String(action) : `"KPROBE_ACTION_${name}"`;
}
