import { enums, layout } from "../gen/layout.ts";
import { type Read, read } from "../layout/struct.ts";
import type { ExecRecord } from "../records/kernel-record.ts";

/** Whose rights a process has. */
export type Credentials = Omit<
  Read<typeof layout.exec_identity>,
  "inode" | "raised" | "namespaces"
>;

/** A namespace that a process is in. */
export type Namespace = {
  readonly name: NamespaceName;
  readonly inode: number;
  /** Pid 1 of the host is in it, too. */
  readonly isHost: boolean;
};

/** What is special about a program that was run; empty: nothing. */
export type BinaryProperties = {
  /** Whom it made the process, where that changed. */
  readonly setuid?: number;
  readonly setgid?: number;
  /** It has capabilities by the program's file. */
  readonly fileCapabilities?: true;
  /** Of a program that has no name any more, or never had one. */
  readonly inode?: bigint;
};

/** In the order of enum namespace_part and of upstream's Namespaces. */
export const namespaceNames = [
  ...(["uts", "ipc", "mnt", "pid", "pid_for_children", "net"] as const),
  ...(["time", "time_for_children", "cgroup", "user"] as const),
] as const;
export type NamespaceName = (typeof namespaceNames)[number];

/** struct exec_identity of an exec record; undefined: the agent did not ask for it. */
export function identityOf(event: ExecRecord): Identity | undefined {
  if ((event.flags & enums.exec_flag.EXEC_IDENTITY) === 0) return undefined;
  const start = event.end - layout.exec_identity.size;
  return read(event.records.subarray(start, event.end), layout.exec_identity);
}

export type Identity = Read<typeof layout.exec_identity>;

/** `host`: inode numbers of pid 1's, in the order of `namespaceNames`. 0 is one that is not known. */
export function namespacesOf(
  inodes: readonly number[],
  host: readonly number[],
): readonly Namespace[] {
  return namespaceNames.flatMap((name, i) => {
    const inode = inodes[i] ?? 0;
    return inode === 0 ? [] : { name, inode, isHost: inode === host[i] };
  });
}

const { RAISED_SETUID, RAISED_SETGID, RAISED_FILE_CAPABILITIES } = enums.exec_raised;

export function binaryProperties({ raised, inode, euid, egid }: Identity): BinaryProperties {
  return {
    ...((raised & RAISED_SETUID) === 0 ? {} : { setuid: euid }),
    ...((raised & RAISED_SETGID) === 0 ? {} : { setgid: egid }),
    ...((raised & RAISED_FILE_CAPABILITIES) === 0 ? {} : { fileCapabilities: true }),
    ...(inode === 0n ? {} : { inode }),
  };
}

export function credentialsOf(identity: Identity): Credentials {
  const { inode: _, raised: _raised, namespaces: _namespaces, ...credentials } = identity;
  return credentials;
}
