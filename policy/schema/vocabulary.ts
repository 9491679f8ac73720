/**
 * Upstream's words, whether this version does what they say or not: the CRD takes them all, and
 * lowering refuses those that no registry has. What this version does is listed nowhere but in
 * the registries: ../args, ../conditions, ../actions.
 */

/** Types of arguments. */
export const upstreamArgTypes = [
  ...(["auto", "int", "sint8", "int8", "uint8", "sint16", "int16", "uint16"] as const),
  ...(["uint32", "sint32", "int32", "ulong", "uint64", "size_t", "long", "sint64"] as const),
  ...(["int64", "char_buf", "char_iovec", "skb", "sock", "sockaddr", "socket"] as const),
  ...(["sockaddr_un", "string", "fd", "file", "filename", "path", "nop", "bpf_attr"] as const),
  ...(["perf_event", "bpf_map", "user_namespace", "capability", "kiocb", "iov_iter"] as const),
  ...(["cred", "const_buf", "load_info", "module", "syscall64", "kernel_cap_t"] as const),
  ...(["cap_inheritable", "cap_permitted", "cap_effective", "linux_binprm"] as const),
  ...(["data_loc", "net_device", "bpf_cmd", "dentry", "bpf_prog"] as const),
] as const;
export type UpstreamArgType = (typeof upstreamArgTypes)[number];

/** Not read at all, and left out of events. */
export const unreadArgType = "nop" satisfies UpstreamArgType;

/** Types that only a tracepoint can have. */
export const tracepointArgTypes = ["auto", "syscall64"] as const satisfies UpstreamArgType[];

/** Operators of matchArgs and its like. */
export const upstreamArgOperators = [
  ...(["Equal", "NotEqual", "Prefix", "NotPrefix", "Postfix", "NotPostfix"] as const),
  ...(["GreaterThan", "LessThan", "GT", "LT", "Mask", "SPort", "NotSPort", "SPortPriv"] as const),
  // The lower-case p is upstream's.
  ...(["NotSportPriv", "DPort", "NotDPort", "DPortPriv", "NotDPortPriv", "SAddr"] as const),
  ...(["NotSAddr", "DAddr", "NotDAddr", "Protocol", "Family", "State", "InMap"] as const),
  ...(["NotInMap", "CapabilitiesGained", "InRange", "NotInRange", "SubString"] as const),
  ...(["SubStringIgnCase", "CelExpr", "FileType", "NotFileType"] as const),
] as const;
export type UpstreamArgOperator = (typeof upstreamArgOperators)[number];

/** Those that upstream takes for numbers. */
export const numberOperators = [
  ...(["Equal", "NotEqual", "GT", "GreaterThan", "LT", "LessThan", "Mask"] as const),
  ...(["InRange", "NotInRange", "InMap", "NotInMap", "CelExpr"] as const),
] as const satisfies UpstreamArgOperator[];

/** Those that upstream takes for paths and other text. */
export const textOperators = [
  ...(["Equal", "NotEqual", "Prefix", "NotPrefix", "Postfix", "NotPostfix"] as const),
  ...(["SubString", "SubStringIgnCase"] as const),
] as const satisfies UpstreamArgOperator[];

/** Those that upstream takes for ends of connections, and for what else there is of sockets. */
export const sourceOperators = [
  ...(["SAddr", "NotSAddr", "SPort", "NotSPort", "SPortPriv", "NotSportPriv", "Family"] as const),
] as const satisfies UpstreamArgOperator[];
export const packetOperators = [
  ...sourceOperators,
  ...(["DAddr", "NotDAddr", "DPort", "NotDPort", "DPortPriv", "NotDPortPriv"] as const),
  "Protocol",
] as const satisfies UpstreamArgOperator[];
export const socketOperators = [
  ...packetOperators,
  "State",
] as const satisfies UpstreamArgOperator[];

/** Operators of conditions on a set: whether the value is one of those listed. */
export const memberships = ["In", "NotIn"] as const;

/** Operators of conditions on an executable. */
export const upstreamBinaryOperators = [
  ...memberships,
  ...(["Prefix", "NotPrefix", "Postfix", "NotPostfix"] as const),
] as const;

export const upstreamCapabilitySets = ["Effective", "Inheritable", "Permitted"] as const;

/** Kinds of namespaces that a process lives in. */
export const upstreamNamespaces = [
  ...(["Uts", "Ipc", "Mnt", "Pid", "PidForChildren", "Net"] as const),
  ...(["Time", "TimeForChildren", "Cgroup", "User"] as const),
] as const;

/** Actions, in the order of the CRD. */
export const upstreamActions = [
  ...(["Post", "Sigkill", "Override", "GetUrl", "DnsLookup", "NoPost", "Signal"] as const),
  ...(["TrackSock", "UntrackSock", "NotifyEnforcer", "CleanupEnforcerNotification"] as const),
  "Set",
  // Gone upstream since 1.5; ours keeps them.
  ...(["FollowFD", "UnfollowFD", "CopyFD"] as const),
] as const;
