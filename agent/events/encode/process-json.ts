import { jsonText, textField } from "../../json/json-text.ts";
import { maybeExecProbe } from "../../process/exec-probe.ts";
import type { Image } from "../../process/image.ts";
import { longTextOf } from "../../process/long-images.ts";
import type { Process } from "../../process/process.ts";
import type { ProcessKey } from "../../records/kernel-record.ts";
import type { ProcessState } from "../event.ts";
import { afterTid, beforeTid, binaryJson, environmentJson } from "./identity-json.ts";

/** Serialises processes in upstream's shape; what is the same in all events of an image only once. */
export type ProcessEncoder = {
  /** `tid`: the thread that the event is about. `as`: whether it is what an exec or exit event tells of. */
  process(state: ProcessState, tid: number, as?: "executed" | "ended"): string;
  /** All that is known of a process that is not in the tree. */
  unknown(key: ProcessKey, flags: "" | "unknown"): string;
};

export type ProcessEncoderOptions = {
  readonly nodeName: string;
  /** Boot-time ns as RFC 3339. */
  readonly formatTime: (bootNs: bigint) => string;
};

/** upstream-events-cli.md §1.3; key order is the declaration order of upstream's proto. */
export function createProcessEncoder(options: ProcessEncoderOptions): ProcessEncoder {
  const heads = new WeakMap<Process, Parts>();
  const partsOf = (state: ProcessState): Parts => {
    const { process, image, container } = state;
    const known = heads.get(process);
    if (known?.image === image && known.container === container) return known;
    const parts: Parts = {
      ...{ image, container, head: head(state, options), last: undefined },
      ...{ beforeTid: beforeTid(image), afterTid: afterTid(image), end: end(image) },
    };
    if (longTextOf(image) === 0) heads.set(process, parts); // else it would be kept twice
    return parts;
  };
  return {
    process(state, tid, as) {
      const parts = partsOf(state);
      const { last } = parts;
      if (as === undefined && last?.tid === tid && last.refs === state.refs) return last.text;
      const binary = as === "executed" ? binaryJson(state.image.binaryProperties) : "";
      const text = piecesOf(parts, state, tid, binary).join("");
      if (as === undefined) parts.last = { tid, refs: state.refs, text };
      else if (as === "ended") heads.delete(state.process); // the tree keeps it for long
      return text;
    },
    unknown({ pid, ktime }, flags) {
      const word = flags === "" ? "" : `,"flags":"${flags}"`;
      const start = ktime === 0n ? "" : `,"start_time":"${options.formatTime(ktime)}"`;
      return `{"pid":${pid}${word}${start}}`;
    },
  };
}

/** What is the same in all events, as long as both its image and its container are these. */
type Parts = Pick<ProcessState, "image" | "container"> & {
  /** Up to `refcnt`. */
  readonly head: string;
  readonly beforeTid: string;
  /** Up to `binary_properties`. */
  readonly afterTid: string;
  readonly end: string;
  /** What was said of it last: a process that has many events has them in one thread, mostly. */
  last: { readonly tid: number; readonly refs: number; readonly text: string } | undefined;
};

/** Joined, not added up: of a text in pieces each copy goes through all of them again. */
function piecesOf(parts: Parts, { refs }: ProcessState, tid: number, binary: string) {
  const refcnt = refs === 0 ? "" : `,"refcnt":${refs}`;
  const { head, beforeTid, afterTid, end } = parts;
  return [head, refcnt, beforeTid, `,"tid":${tid}`, afterTid, binary, end];
}

function end({ user, inInitTree, environment }: Image): string {
  const userField = user === undefined ? "" : `,"user":{"name":${jsonText(user)}}`;
  return `${userField},"in_init_tree":${inInitTree}${environmentJson(environment)}}`;
}

/** base64 of `<node>:<ktime>:<pid>`: names one image of one process in the whole cluster. */
export function execId(nodeName: string, { pid, ktime }: ProcessKey): string {
  return Buffer.from(`${nodeName}:${ktime}:${pid}`).toString("base64");
}

function head(state: ProcessState, { nodeName, formatTime }: ProcessEncoderOptions): string {
  const { process, image } = state;
  const { key, parentKey } = process;
  const parentKnown = parentKey.ktime !== 0n; // 0: a parent that only its pid is known of
  return [
    `{"exec_id":"${execId(nodeName, key)}","pid":${key.pid},"uid":${image.uid}`,
    textField("cwd", image.cwd),
    textField("binary", image.binary),
    textField("arguments", image.arguments),
    textField("flags", image.flags),
    `,"start_time":"${formatTime(key.ktime)}","auid":${image.auid}`,
    podField(state),
    textField("docker", dockerOf(state)),
    parentKnown ? `,"parent_exec_id":"${execId(nodeName, parentKey)}"` : "",
  ].join("");
}

/**
 * The pod's container says who it is, once that is known: whoever may make cgroups below it gives
 * them what name they like.
 */
export function dockerOf({ image, container }: ProcessState): string {
  const id = container?.container?.id;
  if (id === undefined) return image.docker;
  return id.slice(id.indexOf("://") === -1 ? 0 : id.indexOf("://") + 3).slice(0, 31);
}

function podField({ image, container: known }: ProcessState): string {
  if (known === undefined) return "";
  const { pod, container } = known;
  return [
    `,"pod":{"namespace":${jsonText(pod.namespace)}`,
    textField("name", pod.name),
    textField("uid", pod.uid),
    container === undefined ? "" : `,"container":${containerJson(container, image)}`,
    mapField("pod_labels", pod.labels),
    textField("workload", pod.workload),
    textField("workload_kind", pod.workloadKind),
    mapField("pod_annotations", pod.annotations ?? {}),
    "}",
  ].join("");
}

type Container = NonNullable<NonNullable<ProcessState["container"]>["container"]>;

function containerJson(container: Container, process: Image): string {
  const { id, name, image, startTime, privileged, execProbes } = container;
  const { nspid: pid } = process;
  const isProbe = execProbes !== undefined && maybeExecProbe(process, execProbes);
  return jsonText({
    id,
    name,
    image: { ...(image.id === "" ? {} : { id: image.id }), name: image.name },
    ...(startTime === undefined ? {} : { start_time: startTime }),
    ...(pid === 0 ? {} : { pid }),
    ...(isProbe ? { maybe_exec_probe: true } : {}),
    security_context: privileged ? { privileged: true } : {},
  });
}

/** `,"key":{...}` in the order of its keys, or nothing for an empty map. */
export function mapField(key: string, map: Readonly<Record<string, string>>): string {
  const entries = Object.entries(map);
  if (entries.length === 0) return "";
  return `,"${key}":${jsonText(Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1))))}`;
}
