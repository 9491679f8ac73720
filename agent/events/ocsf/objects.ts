import { basename, dirname } from "node:path";
import type { ProcessState } from "../event.ts";
import { commandLine } from "../otlp/event-attributes.ts";

/** An object of OCSF. What is undefined, empty or an object without members is left out. */
export type OcsfObject = { readonly [name: string]: OcsfValue };
export type OcsfValue =
  | string
  | number
  | boolean
  | undefined
  | OcsfObject
  | readonly (string | OcsfObject)[];

export type ObjectOptions = {
  readonly execId: (state: ProcessState) => string;
  /** Boot-time ns to milliseconds since 1970. */
  readonly msOf: (bootNs: bigint) => number;
};

/** `parent`: of the process, where it is known. */
export function processObject(
  state: ProcessState,
  options: ObjectOptions,
  parent?: ProcessState,
): OcsfObject {
  const { process, image } = state;
  return {
    pid: process.key.pid,
    uid: options.execId(state),
    name: basename(image.binary),
    file: fileObject(image.binary),
    cmd_line: commandLine(image),
    created_time: options.msOf(process.key.ktime),
    working_directory: image.cwd,
    euid: image.uid,
    auid: image.auid === noLogin ? undefined : image.auid,
    user: { uid: String(image.uid), name: image.user },
    container: containerObject(state),
    namespace_pid: image.nspid === 0 ? undefined : image.nspid,
    parent_process: parent === undefined ? undefined : processObject(parent, options),
  };
}

/** Of what has a name: OCSF has no file without one. */
export function fileObject(path: string): OcsfObject | undefined {
  const name = basename(path);
  if (name === "") return undefined;
  const folder = dirname(path);
  return { name, path, type_id: regularFile, parent_folder: folder === "." ? undefined : folder };
}

function containerObject({ image, container: found }: ProcessState): OcsfObject | undefined {
  const container = found?.container;
  if (container === undefined) return image.docker === "" ? undefined : { uid: image.docker };
  const { id, name, image: made } = container;
  const uid = found?.pod.uid ?? "";
  return {
    uid: id.replace(/^[a-z0-9-]+:\/\//, ""),
    name,
    image: { uid: made.id === "" ? made.name : made.id, name: made.name },
    orchestrator: "kubernetes",
    pod_uuid: uuid.test(uid) ? uid : undefined,
  };
}

/** What OCSF has no attribute for: the pod beyond its uid. */
export function podObject({ container: found }: ProcessState): OcsfObject | undefined {
  if (found === undefined) return undefined;
  const { namespace, name, labels, workload, workloadKind } = found.pod;
  return { namespace, pod: name, labels, workload, workload_kind: workloadKind };
}

/** `value` without what is not there. */
export function compact(value: OcsfObject): OcsfObject | undefined {
  const left: Record<string, OcsfValue> = {};
  for (const [name, one] of Object.entries(value)) {
    const kept = isObject(one) ? compact(one) : Array.isArray(one) && one.length === 0 ? "" : one;
    if (kept !== undefined && kept !== "") left[name] = kept;
  }
  return Object.keys(left).length === 0 ? undefined : left;
}

function isObject(value: OcsfValue): value is OcsfObject {
  return typeof value === "object" && !Array.isArray(value);
}

const noLogin = 0xffffffff;
const regularFile = 1;
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
