/** One image of one process, as the kernel side names it: struct process_key. */
export type ProcessKey = {
  /** Thread group id in the host's pid namespace. */
  readonly pid: number;
  /** Boot-time ns of its exec, or of its clone. */
  readonly ktime: bigint;
};

/**
 * What the kernel side reports, decoded from `bpf/types.h`. Strings and arguments stay in `records`
 * until `execText` and `hookArgs` are asked for them.
 */
export type KernelRecord = ExecRecord | DataRecord | CloneRecord | ExitRecord | HookRecord;

/** Where a record lies in the buffer that it came in, and its struct event_header. */
export type RecordHeader = {
  readonly records: Buffer;
  readonly at: number;
  /** Offset behind the record's last byte, before padding. */
  readonly end: number;
  /** Offset of the next record. */
  readonly next: number;
  /** Boot-time ns. */
  readonly ktime: bigint;
};

export type ExecRecord = RecordHeader & {
  readonly kind: "exec";
  readonly process: ProcessKey;
  /** The forking parent, or on a re-exec the image before. */
  readonly parent: ProcessKey;
  readonly cgroupId: bigint;
  readonly tid: number;
  /** Pid in its container; 0: the host's pid namespace. */
  readonly nspid: number;
  readonly uid: number;
  readonly auid: number;
  /** Inode numbers of namespaces. */
  readonly mntNs: number;
  readonly userNs: number;
  /** Bytes of argv, and of the environment, that came in records of their own before. */
  readonly argsData: number;
  readonly envData: number;
  /** enum exec_flag. */
  readonly flags: number;
};

/** A part of what is too long for the exec record that comes later. */
export type DataRecord = RecordHeader & {
  readonly kind: "data";
  /** What the exec record will be about. */
  readonly process: ProcessKey;
  /** enum data_what. */
  readonly what: number;
  /** Offset of its first byte; `end` is behind the last. */
  readonly start: number;
};

/** A new thread group before any exec. */
export type CloneRecord = RecordHeader & {
  readonly kind: "clone";
  readonly process: ProcessKey;
  readonly parent: ProcessKey;
  readonly cgroupId: bigint;
  readonly tid: number;
  readonly nspid: number;
  readonly uid: number;
  readonly flags: number;
};

/** The last thread of a group is gone. */
export type ExitRecord = RecordHeader & {
  readonly kind: "exit";
  readonly process: ProcessKey;
  readonly tid: number;
  /** As wait(2): status << 8 | core dumped << 7 | signal. */
  readonly code: number;
};

export type HookRecord = RecordHeader & {
  readonly kind: "hook";
  readonly process: ProcessKey;
  readonly cgroupId: bigint;
  readonly tid: number;
  /** The number the agent gave to (policy, hook) when it programmed it. */
  readonly hook: number;
  readonly selector: number;
  /** enum action_code. */
  readonly action: number;
  /** Of a system call: number of the entry, 0 is the kernel's own. */
  readonly entry: number;
  /** enum hook_flag. */
  readonly flags: number;
  readonly argCount: number;
};

/** The same record in a buffer of its own, which is kept as long as the record is. */
export function detached(record: HookRecord): HookRecord {
  const records = Buffer.from(record.records.subarray(record.at, record.end));
  return { ...record, records, at: 0, end: records.length, next: records.length };
}

/** Bytes that are no record. Reading goes on at `next`; it is the end when the size cannot be true. */
export type BadRecord = {
  readonly kind: "bad";
  readonly next: number;
  readonly problem: string;
};
