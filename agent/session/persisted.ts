import { isDeepStrictEqual } from "node:util";

import { isRecord, type ObjectSets, type Pod, parseSetObject } from "@guardbee/policy/sets";
import type { Logger } from "pino";

import type { StateDir } from "../state/state-dir.ts";
import type { SetContent } from "./set-contents.ts";

/** What a node remembers, so that it enforces after a boot without its API server. */
export type Remembered = {
  /** Sets that its NodePolicySet listed last; undefined: none was ever seen. */
  readonly wanted: readonly string[] | undefined;
  readonly contents: ReadonlyMap<string, SetContent>;
  /** What the kernel held last, where it is not known to differ from `contents`: that. */
  readonly held: ReadonlyMap<string, ObjectSets>;
  /** Objects of which no version was in force. */
  readonly displaced: ReadonlySet<string>;
  /** undefined: nothing is remembered, which is not the same as no pods. */
  readonly pods: readonly Pod[] | undefined;
};

type SetEntry = {
  readonly name: string;
  /** Hash of the version in force, where `hash` is not. */
  readonly held?: string;
  /** No version is in force. */
  readonly displaced?: true;
} & (
  | {
      readonly hash: string;
      readonly uid: string;
      readonly generation: number;
      /** Whether its stops are to be reported; absent: an agent wrote it that did not remember. */
      readonly countStops?: boolean;
    }
  | { readonly hash?: undefined }
);

const DESIRED = "desired.json";
const PODS = "pods.json";
const SETS = "sets";
/** Of the files; another version is ignored and everything fetched anew. */
const VERSION = 2;

/**
 * What an earlier run saved. A file that cannot be used is logged and left out: its content is
 * fetched again. A set counts only if its content still has the hash in its name.
 */
export async function loadRemembered(state: StateDir, log: Logger): Promise<Remembered> {
  const desired = await readVersioned(state, DESIRED, log);
  const entries = Array.isArray(desired?.sets) ? desired.sets.filter(isSetEntry) : [];
  const contents = new Map<string, SetContent>();
  const held = new Map<string, ObjectSets>();
  const displaced = new Set<string>();
  for (const entry of entries) {
    const { name, hash } = entry;
    const object = hash === undefined ? undefined : await readObject(state, { name, hash }, log);
    if (object !== undefined && hash !== undefined) {
      const { uid, countStops } = entry;
      const generation = countStops === undefined ? 0 : entry.generation; // 0: it is fetched again
      const counted = countStops === true ? { ...object, countStops } : object;
      contents.set(name, { uid, generation, state: "read", object: counted });
    }
    const before = entry.held;
    const inForce =
      before === undefined ? object : await readObject(state, { name, hash: before }, log);
    if (inForce !== undefined) held.set(name, inForce);
    if (entry.displaced === true) displaced.add(name);
  }
  const pods = await readVersioned(state, PODS, log);
  return {
    wanted: Array.isArray(desired?.sets) ? entries.map(({ name }) => name) : undefined,
    contents,
    held,
    displaced,
    pods: Array.isArray(pods?.pods) ? pods.pods.filter(isPod) : undefined,
  };
}

/** What of each set is to be saved. */
export type SavedSets = {
  readonly content: (name: string) => SetContent | undefined;
  readonly held: (name: string) => ObjectSets | undefined;
  readonly displaced: (name: string) => boolean;
};

/**
 * The list of sets and the contents it names, on disk. Contents are saved first, so that the list
 * never names one that is not there; those no longer named are removed. What is there already is not
 * written again: most changes of a NodePolicySet are this node's own reports.
 */
export class DesiredFile {
  readonly #state: StateDir;
  /** Written by `save`. */
  #saved: readonly SetEntry[] | undefined;

  constructor(state: StateDir) {
    this.#state = state;
  }

  async save(wanted: readonly string[], of: SavedSets): Promise<void> {
    const contents = new Map<string, ObjectSets>();
    const sets = wanted.map((name) => entryOf(name, of, contents));
    if (isDeepStrictEqual(sets, this.#saved)) return;
    const present = new Set(await this.#state.list(SETS));
    for (const [file, object] of contents) {
      if (present.has(file)) continue;
      await this.#state.write(
        file,
        object.sets.map(({ set }) => set),
      );
    }
    await this.#state.write(DESIRED, { version: VERSION, sets });
    for (const file of present) if (!contents.has(file)) await this.#state.remove(file);
    this.#saved = sets;
  }
}

/** Enters what it names into `contents`, by file. */
function entryOf(name: string, of: SavedSets, contents: Map<string, ObjectSets>): SetEntry {
  const found = of.content(name);
  const object = found?.state === "read" ? found.object : undefined;
  const held = of.held(name);
  if (object !== undefined) contents.set(contentFile(object.hash), object);
  const before = {
    ...(held && held.hash !== object?.hash ? { held: held.hash } : {}),
    ...(of.displaced(name) ? ({ displaced: true } as const) : {}),
  };
  if (held !== undefined) contents.set(contentFile(held.hash), held);
  if (found === undefined || object === undefined) return { name, ...before };
  const { uid, generation } = found;
  const { hash, countStops = false } = object;
  return { name, hash, uid, generation, countStops, ...before };
}

export async function savePods(state: StateDir, pods: readonly Pod[]): Promise<void> {
  await state.write(PODS, { version: VERSION, pods });
}

async function readObject(
  state: StateDir,
  { name, hash }: { readonly name: string; readonly hash: string },
  log: Logger,
): Promise<ObjectSets | undefined> {
  const file = contentFile(hash);
  const found = await state.read(file);
  // Checked as if it came from the API server: a newer or older agent may have saved it.
  const parsed = parseSetObject(name, {
    hash,
    sets: found.state === "present" && found.value,
  });
  if ("sets" in parsed) return parsed;
  const reason = found.state === "present" ? parsed.message : found.state;
  const err = found.state === "corrupt" ? found.error : undefined;
  log.warn({ file, set: name, reason, err }, "state file cannot be used; fetching again");
  await state.remove(file); // so that the next save writes it again
  return undefined;
}

async function readVersioned(
  state: StateDir,
  file: string,
  log: Logger,
): Promise<{ readonly [key: string]: unknown } | undefined> {
  const found = await state.read(file);
  if (found.state === "absent") return undefined;
  if (found.state === "present" && isRecord(found.value) && found.value.version === VERSION) {
    return found.value;
  }
  const err = found.state === "corrupt" ? found.error : undefined;
  log.warn({ file, err }, "state file cannot be used; ignoring it");
  return undefined;
}

function contentFile(hash: string): string {
  return `${SETS}/${hash}.json`;
}

function isSetEntry(raw: unknown): raw is SetEntry {
  if (!isRecord(raw) || typeof raw.name !== "string") return false;
  if (raw.held !== undefined && !isHash(raw.held)) return false;
  if (raw.hash === undefined) return true;
  return isHash(raw.hash) && typeof raw.uid === "string" && typeof raw.generation === "number";
}

function isHash(raw: unknown): boolean {
  return typeof raw === "string" && /^[0-9a-f]{64}$/.test(raw);
}

/** Enough to tell our own file from damage; it is readable by root alone. */
function isPod(raw: unknown): raw is Pod {
  if (!isRecord(raw)) return false;
  const { cgroupUid, uid, namespace, name, labels, containers, workload } = raw;
  const texts = [cgroupUid, uid, namespace, name].every((each) => typeof each === "string");
  return texts && isRecord(labels) && isRecord(workload) && Array.isArray(containers);
}
