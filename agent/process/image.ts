import { posix } from "node:path";
import { enums } from "../gen/layout.ts";
import type { ExecText } from "../records/decode.ts";
import type { CloneRecord, ExecRecord } from "../records/kernel-record.ts";
import { parseContainerFolder } from "../scope/cgroup-names.ts";
import type { Accounts } from "./accounts.ts";

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
};

/** What an image is made with. */
export type ImageSources = {
  /** The image that the process had until then. */
  readonly before?: Image | undefined;
  /** Absent: nobody asked for the names of users. */
  readonly accounts?: Pick<Accounts, "nameOf"> | undefined;
};

/** The image an exec makes. */
export function imageOfExec(event: ExecRecord, text: ExecText, sources: ImageSources): Image {
  const { flags } = event;
  const { before, accounts } = sources;
  const cwd = (flags & enums.exec_flag.EXEC_CWD_ROOT) !== 0 ? "/" : text.cwd;
  return {
    binary: absolute(text.filename, cwd),
    arguments: joinArguments(text.args.slice(1)),
    cwd,
    uid: event.uid,
    auid: event.auid,
    flags: execFlags.flatMap(([bit, word]) => ((flags & bit) === bit ? [word] : [])).join(" "),
    nspid: event.nspid,
    cgroupId: event.cgroupId,
    docker: dockerId(text.cgroup) ?? before?.docker ?? "",
    inInitTree: (flags & enums.exec_flag.EXEC_IN_INIT_TREE) !== 0,
    ...userField(accounts?.nameOf(event.uid, event)),
  };
}

/** The image of a clone before any exec: its parent's, in the clone's own place. */
export function imageOfClone(event: CloneRecord, parent: Image): Image {
  const inInitTree = (event.flags & enums.exec_flag.EXEC_IN_INIT_TREE) !== 0;
  // Of a parent that became another user since its exec the name is not known here.
  const { user, ...rest } = parent;
  return {
    ...rest,
    ...userField(event.uid === parent.uid ? user : undefined),
    uid: event.uid,
    flags: inInitTree ? "clone inInitTree" : "clone",
    nspid: event.nspid,
    cgroupId: event.cgroupId,
    inInitTree,
  };
}

/**
 * Joined by spaces; an argument with a space in it stands in double quotes, which are not escaped.
 * Upstream also starts the text with a space when the first argument is quoted; we do not.
 */
export function joinArguments(args: readonly string[]): string {
  return args.map((arg) => (arg.includes(" ") ? `"${arg}"` : arg)).join(" ");
}

/** The start of the container id in the name of a cgroup's folder, or undefined. */
export function dockerId(folder: string): string | undefined {
  return parseContainerFolder(folder)?.slice(0, dockerChars);
}

/** Upstream cuts container ids to what fitted its kernel buffer; tools compare this length. */
const dockerChars = 31;

export function userField(user: string | undefined): { readonly user?: string } {
  return user === undefined || user === "" ? {} : { user };
}

/** Bits of exec_event.flags and upstream's words for them, in upstream's order. */
const execFlags: readonly (readonly [bits: number, word: string])[] = [
  [0, "execve"],
  [enums.exec_flag.EXEC_ARGS_CUT, "truncArgs"],
  [enums.exec_flag.EXEC_PATH_CUT, "errorFilename"],
  [enums.exec_flag.EXEC_ARGS_ERROR, "errorArgs"],
  [enums.exec_flag.EXEC_CWD_ROOT, "rootcwd"],
  [enums.exec_flag.EXEC_CLONED, "clone"],
  [enums.exec_flag.EXEC_CWD_CUT, "errorPathResolutionCwd"],
  [enums.exec_flag.EXEC_IN_INIT_TREE, "inInitTree"],
];

/** Relative names are as exec got them; absolute ones are not touched, as upstream. */
function absolute(filename: string, cwd: string): string {
  if (filename === "" || filename.startsWith("/") || cwd === "") return filename;
  return posix.join(cwd, filename);
}
