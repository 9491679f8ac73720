import { tags } from "../../gen/wire-numbers.ts";
import { maybeExecProbe } from "../../process/exec-probe.ts";
import type { Image } from "../../process/image.ts";
import { longTextOf } from "../../process/long-images.ts";
import type { Process } from "../../process/process.ts";
import type { ProcessKey } from "../../records/kernel-record.ts";
import { WireWriter } from "../../wire/writer.ts";
import type { ProcessState } from "../event.ts";
import { writeBinary, writeIdentity } from "./identity-wire.ts";
import { dockerOf, execId } from "./process-json.ts";

/** Writes processes as messages; what is the same in all events of an image is encoded only once. */
export type ProcessWriter = {
  /** As the field `tag`. `tid`: the thread that the event is about. */
  process(tag: number, who: Who): void;
  /** All that is known of a process that is not in the tree. */
  unknown(tag: number, key: ProcessKey, flags: "" | "unknown"): void;
};

type Who = {
  readonly state: ProcessState;
  readonly tid: number;
  /** Whether it is what an exec event tells of. */
  readonly as?: "executed" | undefined;
};

export type ProcessWriterOptions = {
  readonly nodeName: string;
  /** Boot-time ns to wall-clock ns since 1970. */
  readonly bootToWallNs: (bootNs: bigint) => bigint;
  /** Into the message that is open there. */
  readonly out: WireWriter;
};

const fields = tags.Process;

/** The same fields as in JSON (process-json.ts). */
export function createProcessWriter(options: ProcessWriterOptions): ProcessWriter {
  const { out, bootToWallNs } = options;
  const scratch = new WireWriter();
  const heads = new WeakMap<Process, Head>();
  const headOf = (state: ProcessState): Uint8Array => {
    const { process, image, container } = state;
    const known = heads.get(process);
    if (known?.image === image && known.container === container) return known.bytes;
    writeHead(state, { ...options, out: scratch });
    const bytes = scratch.take();
    if (longTextOf(image) === 0) heads.set(process, { image, container, bytes });
    return bytes;
  };
  return {
    process(tag, { state, tid, as }) {
      const start = out.open(tag);
      out.fields(headOf(state));
      out.uint(fields.refcnt, state.refs);
      out.wrapped(fields.tid, tid);
      if (as === "executed") writeBinary(state.image.binaryProperties, out);
      const { user } = state.image;
      if (user !== undefined) {
        const account = out.open(fields.user);
        out.text(tags.UserRecord.name, user);
        out.close(account);
      }
      out.wrapped(fields.in_init_tree, Number(state.image.inInitTree));
      out.close(start);
    },
    unknown(tag, { pid, ktime }, flags) {
      const start = out.open(tag);
      out.wrapped(fields.pid, pid);
      out.text(fields.flags, flags);
      if (ktime !== 0n) out.time(fields.start_time, bootToWallNs(ktime));
      out.close(start);
    },
  };
}

/** The fields of a process but the last, as long as both its image and its container are these. */
type Head = Pick<ProcessState, "image" | "container"> & { readonly bytes: Uint8Array };

function writeHead(
  state: ProcessState,
  { nodeName, bootToWallNs, out }: ProcessWriterOptions,
): void {
  const { process, image } = state;
  const { key, parentKey } = process;
  out.text(fields.exec_id, execId(nodeName, key));
  out.wrapped(fields.pid, key.pid);
  out.wrapped(fields.uid, image.uid);
  out.text(fields.cwd, image.cwd);
  out.text(fields.binary, image.binary);
  out.text(fields.arguments, image.arguments);
  out.text(fields.flags, image.flags);
  out.time(fields.start_time, bootToWallNs(key.ktime));
  out.wrapped(fields.auid, image.auid);
  writePod(state, out);
  out.text(fields.docker, dockerOf(state));
  // 0: a parent that only its pid is known of.
  if (parentKey.ktime !== 0n) out.text(fields.parent_exec_id, execId(nodeName, parentKey));
  writeIdentity(image, out);
}

function writePod({ image, container: known }: ProcessState, out: WireWriter): void {
  if (known === undefined) return;
  const { pod, container } = known;
  const start = out.open(fields.pod);
  out.text(tags.Pod.namespace, pod.namespace);
  out.text(tags.Pod.name, pod.name);
  out.text(tags.Pod.uid, pod.uid);
  if (container !== undefined) writeContainer(container, image, out);
  writeMap(tags.Pod.pod_labels, pod.labels, out);
  out.text(tags.Pod.workload, pod.workload);
  out.text(tags.Pod.workload_kind, pod.workloadKind);
  writeMap(tags.Pod.pod_annotations, pod.annotations ?? {}, out);
  out.close(start);
}

type Container = NonNullable<NonNullable<ProcessState["container"]>["container"]>;

function writeContainer(container: Container, process: Image, out: WireWriter): void {
  const { execProbes } = container;
  const { nspid: pid } = process;
  const start = out.open(tags.Pod.container);
  out.text(tags.Container.id, container.id);
  out.text(tags.Container.name, container.name);
  const image = out.open(tags.Container.image);
  out.text(tags.Image.id, container.image.id);
  out.text(tags.Image.name, container.image.name);
  out.close(image);
  const startMs = Date.parse(container.startTime ?? "");
  if (!Number.isNaN(startMs)) {
    out.time(tags.Container.start_time, BigInt(startMs) * 1_000_000n);
  }
  if (pid !== 0) out.wrapped(tags.Container.pid, pid);
  const isProbe = execProbes !== undefined && maybeExecProbe(process, execProbes);
  out.bool(tags.Container.maybe_exec_probe, isProbe);
  const security = out.open(tags.Container.security_context);
  out.bool(tags.SecurityContext.privileged, container.privileged);
  out.close(security);
  out.close(start);
}

/** A map of texts is a list of messages, of a key in field 1 and a value in field 2; in the order of its keys. */
export function writeMap(
  tag: number,
  map: Readonly<Record<string, string>>,
  out: WireWriter,
): void {
  for (const [key, value] of Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1))) {
    const start = out.open(tag);
    out.textSet(mapTags.key, key);
    out.textSet(mapTags.value, value);
    out.close(start);
  }
}

const mapTags = { key: 10, value: 18 };
