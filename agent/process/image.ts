import { posix } from "node:path";
import { enums } from "../gen/layout.ts";
import { type ExecText, execText } from "../records/decode.ts";
import type { LongText } from "../records/exec-data.ts";
import type { CloneRecord, ExecRecord } from "../records/kernel-record.ts";
import type { Accounts } from "./accounts.ts";
import { type Environment, parseEnvironment } from "./environment.ts";
import {
  type BinaryProperties,
  binaryProperties,
  type Credentials,
  credentialsOf,
  identityOf,
  type Namespace,
  namespacesOf,
} from "./identity.ts";

const { EXEC_CLONED, EXEC_ARGS_CUT, EXEC_ARGS_ERROR, EXEC_CWD_ROOT, EXEC_CWD_CUT } =
  enums.exec_flag;
const { EXEC_IN_INIT_TREE, EXEC_PATH_CUT, EXEC_ENV_CUT, EXEC_ENV_ERROR } = enums.exec_flag;

/** What one process runs, as upstream's Process shows it. */
export type Image = {
  /** Absolute path as exec was given it; empty when it is not known. */
  readonly binary: string;
  /** argv without the program's own name, joined by `joinArguments`. */
  readonly arguments: string;
  readonly cwd: string;
  /** Effective user. */
  readonly uid: number;
  /** Its name on the host; absent: it has none there, or nobody asked for names. */
  readonly user?: string;
  /** Login user; 4294967295: none. */
  readonly auid: number;
  /** Words of upstream's fixed list, in its order. */
  readonly flags: string;
  /** Pid in its container; 0: the host's pid namespace. */
  readonly nspid: number;
  readonly cgroupId: bigint;
  /**
   * First 31 characters of the container's id; empty outside of containers. Kept when a process
   * moves to a cgroup whose name is no container's: what came from a container is shown as its own.
   */
  readonly docker: string;
  /** Cloned below pid 1 of its container, or that pid 1 itself. */
  readonly inInitTree: boolean;
  /** This and the rest: absent where nobody asked for them. */
  readonly credentials?: Credentials;
  readonly namespaces?: readonly Namespace[];
  /** Of an image that an exec made. */
  readonly binaryProperties?: BinaryProperties;
  readonly environment?: Environment;
};

/** What images are to show beside what they always do. */
export type ImageDetails = {
  /** Names of users; absent: none are asked for. */
  readonly accounts?: Pick<Accounts, "nameOf">;
  /** Credentials, and what is special about the program. */
  readonly credentials?: boolean;
  /** Namespaces; the inode numbers of those of pid 1, as `namespaceNames`. */
  readonly hostNamespaces?: readonly number[];
  /** Environments; the names that are kept, and empty all. */
  readonly environment?: ReadonlySet<string>;
};

/** What an image is made with. */
export type ImageSources = {
  /** The image that the process had until then. */
  readonly before?: Image | undefined;
  readonly details?: ImageDetails | undefined;
  /** What came before the record of the exec. */
  readonly long?: LongText | undefined;
};

/** The image an exec makes. */
export function imageOfExec(event: ExecRecord, sources: ImageSources): Image {
  const flags = flagsOf(event, sources.long);
  const text = execText(event, sources.long?.args);
  const { before, details } = sources;
  const cwd = (flags & EXEC_CWD_ROOT) !== 0 ? "/" : text.cwd;
  const image = {
    binary: absolute(text.filename, cwd),
    arguments: joinArguments(text.args.slice(1)),
    cwd,
    uid: event.uid,
    auid: event.auid,
    flags: flagWords(flags, event, text),
    nspid: event.nspid,
    cgroupId: event.cgroupId,
    docker: dockerId(text.cgroup) ?? before?.docker ?? "",
    inInitTree: (flags & EXEC_IN_INIT_TREE) !== 0,
  };
  if (details === undefined || !asksMore(details)) return image;
  return { ...image, ...detailsOf(event, sources, details) };
}

function asksMore({ accounts, credentials, hostNamespaces, environment }: ImageDetails): boolean {
  return credentials === true || (accounts ?? hostNamespaces ?? environment) !== undefined;
}

function detailsOf(event: ExecRecord, { long }: ImageSources, details: ImageDetails) {
  const { accounts, credentials = false, hostNamespaces, environment } = details;
  const identity = identityOf(event);
  return {
    ...userField(accounts?.nameOf(event.uid, event)),
    ...(identity &&
      credentials && {
        credentials: credentialsOf(identity),
        binaryProperties: binaryProperties(identity),
      }),
    ...(identity &&
      hostNamespaces && { namespaces: namespacesOf(identity.namespaces, hostNamespaces) }),
    ...(long &&
      environment && {
        environment: parseEnvironment(long.environment.toString("utf8"), environment),
      }),
  };
}

/** What was sent and did not stay until now counts as cut. */
function flagsOf({ flags, argsData, envData }: ExecRecord, long: LongText | undefined): number {
  const lostArgs = argsData > (long?.args.length ?? 0) ? EXEC_ARGS_CUT : 0;
  const lostEnvironment = envData > (long?.environment.length ?? 0) ? EXEC_ENV_CUT : 0;
  return flags | lostArgs | lostEnvironment;
}

function flagWords(flags: number, { argsData }: ExecRecord, { filename }: ExecText): string {
  let words = "execve";
  for (const [bits, word] of execFlags) if ((flags & bits) !== 0) words += ` ${word}`;
  if (Buffer.byteLength(filename) > inlineFilenameMax) words += " dataFilename";
  if (argsData > 0) words += " dataArgs";
  return (flags & EXEC_IN_INIT_TREE) === 0 ? words : `${words} inInitTree`;
}

/** The image of a clone before any exec: its parent's, in the clone's own place. */
export function imageOfClone(event: CloneRecord, parent: Image): Image {
  const inInitTree = (event.flags & EXEC_IN_INIT_TREE) !== 0;
  const { user, credentials, namespaces, environment } = parent;
  // A literal of what each image has: the rest of a pattern makes an object that is slow, and large.
  const image = {
    binary: parent.binary,
    arguments: parent.arguments,
    cwd: parent.cwd,
    uid: event.uid,
    auid: parent.auid,
    flags: inInitTree ? "clone inInitTree" : "clone",
    nspid: event.nspid,
    cgroupId: event.cgroupId,
    docker: parent.docker,
    inInitTree,
  };
  if ((user ?? credentials ?? namespaces ?? environment) === undefined) return image;
  return {
    ...image,
    // Of a parent that became another user since its exec the name is not known here.
    ...userField(event.uid === parent.uid ? user : undefined),
    ...(credentials && { credentials }),
    ...(namespaces && { namespaces }),
    ...(environment && { environment }),
  };
}

/**
 * Joined by spaces; an argument with a space in it stands in double quotes, which are not escaped.
 * Upstream also starts the text with a space when the first argument is quoted; we do not.
 */
export function joinArguments(args: readonly string[]): string {
  return args.map((arg) => (arg.includes(" ") ? `"${arg}"` : arg)).join(" ");
}

/**
 * The start of the container id in the name of a cgroup's folder, or undefined. Beside what kubelet's
 * runtimes make, that of any other: `libpod-<id>.scope`, `<slice>:<runtime>:<id>`. What monitors a
 * container (`crio-conmon-<id>`) is outside of it.
 */
export function dockerId(folder: string): string | undefined {
  return containerFolder.exec(folder)?.[1]?.slice(0, dockerChars);
}

const containerFolder = /^(?!.*conmon)(?:.*[-:])?([0-9a-f]{64})(?:\.scope)?$/;

/** Upstream cuts container ids to what fitted its kernel buffer; tools compare this length. */
const dockerChars = 31;

export function userField(user: string | undefined): { readonly user?: string } {
  return user === undefined || user === "" ? {} : { user };
}

/** Bits of exec_event.flags and upstream's words for them behind `execve`, in upstream's order; any of them is enough. */
const execFlags: readonly (readonly [bits: number, word: string])[] = [
  [EXEC_ENV_CUT | EXEC_ENV_ERROR, "errorEnvs"],
  [EXEC_ARGS_CUT, "truncArgs"],
  [EXEC_PATH_CUT, "errorFilename"],
  [EXEC_ARGS_ERROR, "errorArgs"],
  [EXEC_CWD_ROOT, "rootcwd"],
  [EXEC_CLONED, "clone"],
  [EXEC_CWD_CUT, "errorPathResolutionCwd"],
];

/** Upstream's exec events have no longer ones; `dataFilename` says that it is. */
const inlineFilenameMax = 254;

/** Relative names are as exec got them; absolute ones are not touched, as upstream. */
function absolute(filename: string, cwd: string): string {
  if (filename === "" || filename.startsWith("/") || cwd === "") return filename;
  return posix.join(cwd, filename);
}
