import { capabilityNumber } from "../capabilities.ts";
import type { Told } from "../conditions/kind.ts";
import type { NamespaceFacts } from "../conditions/namespace.ts";
import type { Process } from "../decide/event.ts";
import type { Place } from "../decide/in-scope.ts";
import { isRecord } from "../is-record.ts";
import { imageRepos } from "../pod.ts";
import { type Fields, fieldsIn, listIn, numberIn, type RecordedEvent, textIn } from "./event.ts";

/** What may be taken for granted that no event tells. */
export const assumptions = ["names", "credentials", "namespaces"] as const;
export type Assumption = (typeof assumptions)[number];

/** What an event tells of the process that made a call. */
export type Facts = {
  readonly process: Process;
  /** undefined: in a pod, nobody knows which. */
  readonly place: Place | undefined;
  readonly told: Omit<Told, "args">;
};

/** `atExec`: it is about the moment in which the process got its credentials and namespaces. */
export function factsOf(
  { event, process }: RecordedEvent,
  { atExec, assumed }: { readonly atExec: boolean; readonly assumed: ReadonlySet<Assumption> },
): Facts {
  const binary = textIn(process, "binary");
  const parentBinary = textIn(fieldsIn(event, "parent"), "binary");
  const isKnown = (what: "credentials" | "namespaces") => atExec || assumed.has(what);
  return {
    process: {
      ...lineageOf(event, process),
      ...(binary === "" ? {} : { binary }),
      ...(parentBinary === "" ? {} : { parentBinary }),
      ...namespacesOf(process),
      capabilities: capabilitiesOf(process),
      inHostUserNamespace: fieldsIn(fieldsIn(process, "ns"), "user").is_host === true,
      isProtected: false,
    },
    place: placeOf(process),
    told: {
      names: assumed.has("names") ? undefined : untoldNames,
      credentials: isKnown("credentials") ? lacks(process, "cap", "cred") : untoldCredentials,
      namespaces: isKnown("namespaces") ? lacks(process, "ns", "ns") : untoldNamespaces,
      lineage: isWhole(event, process) ? "whole" : "part",
      inInitTree: process.in_init_tree !== false,
    },
  };
}

const untoldNames =
  "events have the name a program was started by, which may be a link or a script, not its file's path (--assume names)";
const untoldCredentials =
  "events have the capabilities at exec, not at the call (--assume credentials)";
const untoldNamespaces =
  "events have the namespaces at exec, not at the call (--assume namespaces)";

function lacks(process: Fields, field: string, flag: string): string | undefined {
  if (isRecord(process[field])) return undefined;
  return `the agent that recorded it ran without --enable-process-${flag}`;
}

/** Those above the process, itself left out: it has been one of them before it executed another program. */
function above(event: Fields, process: Fields): readonly Fields[] {
  const ancestors = listIn(event, "ancestors");
  const parent = fieldsIn(event, "parent");
  const all = ancestors.length > 0 ? ancestors : [parent];
  const seen = new Set([0, numberIn(process, "pid")]);
  return all.filter((one) => {
    const pid = numberIn(one, "pid");
    return !seen.has(pid) && seen.add(pid);
  });
}

function lineageOf(event: Fields, process: Fields) {
  const ancestors = above(event, process);
  const nsAncestors = ancestors.map(nspidOf).filter((pid) => pid !== 0);
  return {
    pid: numberIn(process, "pid"),
    ancestors: ancestors.map((one) => numberIn(one, "pid")),
    nspid: nspidOf(process),
    nsAncestors: nspidOf(process) === 0 ? [] : nsAncestors,
  };
}

function nspidOf(process: Fields): number {
  return numberIn(fieldsIn(fieldsIn(process, "pod"), "container"), "pid");
}

/** As far as conditions look: to the first process, which is nobody's child, or ten of them. */
function isWhole(event: Fields, process: Fields): boolean {
  const last = above(event, process).at(-1);
  const pid = numberIn(last ?? process, "pid");
  return pid === 1 || pid === 2 || above(event, process).length >= 10;
}

function namespacesOf(process: Fields): NamespaceFacts {
  const own = Object.entries(fieldsIn(process, "ns")).flatMap(([name, value]) => {
    const { inum, is_host } = isRecord(value) ? value : {};
    return typeof inum === "number" ? [{ name: upstreamName(name), inum, is_host }] : [];
  });
  const inodes = (is: (one: (typeof own)[number]) => boolean) =>
    Object.fromEntries(own.filter(is).map(({ name, inum }) => [name, inum]));
  return {
    namespaces: inodes(() => true),
    hostNamespaces: inodes(({ is_host }) => is_host === true),
  };
}

/** `PidForChildren` for `pid_for_children`. */
function upstreamName(name: string): string {
  return name.replaceAll(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

function capabilitiesOf(process: Fields): Process["capabilities"] {
  const sets = fieldsIn(process, "cap");
  const bits = (name: string) => {
    const names = Array.isArray(sets[name]) ? sets[name] : [];
    return names.reduce<bigint>((held, one) => {
      const number = typeof one === "string" ? capabilityNumber(one) : undefined;
      return number === undefined ? held : held | (1n << BigInt(number));
    }, 0n);
  };
  return {
    effective: bits("effective"),
    permitted: bits("permitted"),
    inheritable: bits("inheritable"),
  };
}

function placeOf(process: Fields): Place | undefined {
  const { pod } = process;
  if (!isRecord(pod)) return textIn(process, "docker") === "" ? { kind: "host" } : undefined;
  const labels = Object.entries(fieldsIn(pod, "pod_labels")).filter(
    (entry): entry is [string, string] => typeof entry[1] === "string",
  );
  const { container } = pod;
  return {
    ...{ kind: "pod", namespace: textIn(pod, "namespace"), labels: Object.fromEntries(labels) },
    container: isRecord(container)
      ? {
          name: textIn(container, "name"),
          repos: imageRepos(
            textIn(fieldsIn(container, "image"), "name"),
            textIn(fieldsIn(container, "image"), "id"),
          ),
        }
      : "unknown",
  };
}
