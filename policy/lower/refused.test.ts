import assert from "node:assert/strict";
import { test } from "node:test";
import { aKprobePolicy, anExecPolicy, aTracingPolicy, problemsOf } from "../testing/a-policy.ts";

const give = "give it a value, or leave it out if that is meant";
const emptyIn = (field: string, consequence: string) =>
  `invalid spec.kprobes[0].selectors[0].${field}: is empty: without it, ${consequence}; ${give}`;

const int = { index: 0, type: "int" };
const file = { index: 1, type: "file" };

function withMatchArg(match: object, args: readonly object[] = [int]): object {
  return aKprobePolicy({ args, selectors: [{ matchArgs: [match] }] });
}

function withAction(action: object, kprobe: object = {}): object {
  return aKprobePolicy({ ...kprobe, selectors: [{ matchActions: [action] }] });
}

const onFile = { call: "fd_install", syscall: false, args: [int, file] };

const refused: readonly { name: string; policy: object; want: string[] }[] = [
  {
    name: "paths that are none, or lead from nowhere",
    policy: aKprobePolicy({
      ...{ call: "security_file_open", syscall: false },
      args: [
        { index: 0, type: "int", resolve: "a..b" },
        { index: 0, type: "int", source: "current_task" },
        { index: 0, type: "char_buf", resolve: "a", sizeArgIndex: 2 },
        { index: 0, type: "int", btfType: "file" },
        { index: 0, type: "int", resolve: "a", btfType: "a b", btfTypeModule: "x/y" },
      ],
    }),
    want: [
      'invalid spec.kprobes[0].args[0].resolve: has ".b" where a member\'s name should be; write members of structs, such as mm.owner.comm, or with [N] one of several',
      'invalid spec.kprobes[0].args[1].source: is "current_task"; remove it, or write the entry in data: args are what the call hands over',
      "unsupported spec.kprobes[0].args[2].type: char_buf is not supported yet beside resolve; what a path leads to is read as int, uint32, int64, uint64, size_t, int8, uint8, int16, uint16, file, path, dentry, kiocb, linux_binprm, string, filename, sock, socket, sockaddr, skb, net_device, capability, kernel_cap_t, cap_inheritable, cap_permitted, cap_effective, cred, user_namespace, module, load_info",
      "invalid spec.kprobes[0].args[2].sizeArgIndex: has no meaning; remove it: only a char_buf or char_iovec has it",
      "invalid spec.kprobes[0].args[3].btfType: has no meaning without resolve; add resolve, a member of that struct, or remove it",
      'invalid spec.kprobes[0].args[4].btfType: is "a b"; write the struct of a parameter, such as linux_binprm',
      'invalid spec.kprobes[0].args[4].btfTypeModule: is "x/y"; write a module such as nf_tables, beside btfType',
    ],
  },
  {
    name: "data without a source, of what is no register, and too much of it",
    policy: aKprobePolicy({
      args: [int],
      data: [
        { index: 0, type: "int", resolve: "pid" },
        { index: 0, type: "int", source: "pt_regs", resolve: "di.x" },
        { index: 0, type: "int", source: "current_task" },
        { index: 0, type: "int", source: "stack", resolve: "a" },
        { index: 0, type: "fd", source: "current_task", resolve: "pid" },
      ],
      selectors: [
        {
          matchData: [
            { index: 7, operator: "Equal", values: ["1"] },
            { operator: "Equal", values: ["1"] },
            { args: [0, 1], operator: "CelExpr", values: ["arg0 == 1"] },
          ],
        },
      ],
    }),
    want: [
      "invalid spec.kprobes[0].data: has 6 entries with those of args; at most 5 can be read",
      "invalid spec.kprobes[0].data[0].source: is missing; write current_task or pt_regs, and in resolve what of it",
      'invalid spec.kprobes[0].data[1].resolve: is "di.x"; write a register such as rdi, or on arm64 x0',
      "invalid spec.kprobes[0].data[2].resolve: is missing; write what to read of it: cred.uid.val",
      'invalid spec.kprobes[0].data[3].source: is "stack"; write current_task or pt_regs, and in resolve what of it',
      "unsupported spec.kprobes[0].data[4].type: fd is not supported yet beside resolve; what a path leads to is read as int, uint32, int64, uint64, size_t, int8, uint8, int16, uint16, file, path, dentry, kiocb, linux_binprm, string, filename, sock, socket, sockaddr, skb, net_device, capability, kernel_cap_t, cap_inheritable, cap_permitted, cap_effective, cred, user_namespace, module, load_info",
      "invalid spec.kprobes[0].selectors[0].matchData[0].index: 7 is out of range; data has 5 entries, counted from 0",
      "invalid spec.kprobes[0].selectors[0].matchData[1].index: is missing; data has 5 entries, counted from 0",
      "unsupported spec.kprobes[0].selectors[0].matchData[2].operator: CelExpr is not supported of data; write it in matchArgs, about entries of args",
    ],
  },
  {
    name: "a path on what a process hands over, and registers of a kernel function",
    policy: aTracingPolicy({
      kprobes: [
        { call: "sys_write", args: [{ index: 1, type: "int", resolve: "a" }] },
        {
          ...{ call: "fd_install", syscall: false, args: [] },
          data: [{ index: 0, type: "int", source: "pt_regs", resolve: "rdi" }],
        },
      ],
    }),
    want: [
      "unsupported spec.kprobes[0].args[0].resolve: is not supported yet of what a process hands over; hook the kernel function that gets the struct, or write data of current_task",
      "unsupported spec.kprobes[1].data[0].source: pt_regs is not supported yet of a kernel function; hook a system call, whose registers are kept, or write the parameter in args",
    ],
  },
  {
    name: "no hook section",
    policy: aTracingPolicy({}),
    want: [
      "invalid spec: is empty: there is nothing to hook; add an entry to kprobes or fentries or tracepoints or lsmhooks or uprobes or usdts",
    ],
  },
  {
    name: "empty kprobes",
    policy: aTracingPolicy({ kprobes: [] }),
    want: [
      "invalid spec.kprobes: is empty: there is nothing to hook; add an entry to kprobes or fentries or tracepoints or lsmhooks or uprobes or usdts",
    ],
  },
  {
    name: "a kernel function without syscall: false",
    policy: aKprobePolicy({ call: "fd_install" }),
    want: [
      'invalid spec.kprobes[0].call: no system call is named "fd_install"; for a kernel function set syscall: false (true is the default)',
    ],
  },
  {
    name: "a system call without sys_",
    policy: aKprobePolicy({ call: "write" }),
    want: ['invalid spec.kprobes[0].call: no system call is named "write"; write sys_write'],
  },
  {
    name: "a call that no kernel has",
    policy: aKprobePolicy({ call: "sys_wriite" }),
    want: [
      'invalid spec.kprobes[0].call: no system call is named "sys_wriite"; did you mean sys_write? for a kernel function set syscall: false (true is the default)',
    ],
  },
  {
    name: "user space's name of a system call",
    policy: aKprobePolicy({ call: "sys_umount2" }),
    want: [
      'invalid spec.kprobes[0].call: no system call is named "sys_umount2"; the kernel\'s own name for it is sys_umount',
    ],
  },
  {
    name: "another architecture's system call",
    policy: aKprobePolicy({ call: "__ia32_sys_write" }),
    want: [
      'unsupported spec.kprobes[0].call: "__ia32_sys_write" is of one architecture only; write sys_write, whose entry is found on every machine',
    ],
  },
  {
    name: "a system call with syscall: false",
    policy: aKprobePolicy({ call: "__x64_sys_write", syscall: false }),
    want: [
      "invalid spec.kprobes[0].syscall: is false, but __x64_sys_write is a system call; set syscall: true; as a function its arguments would be read from the wrong place",
    ],
  },
  {
    name: "an unknown argument type",
    policy: aKprobePolicy({ args: [{ index: 0, type: "strng" }] }),
    want: [
      `invalid spec.kprobes[0].args[0].type: is "strng"; did you mean string? allowed: auto, int, sint8, int8, uint8, sint16, int16, uint16, uint32, sint32, int32, ulong, uint64, size_t, long, sint64, int64, char_buf, char_iovec, skb, sock, sockaddr, socket, sockaddr_un, string, fd, file, filename, path, nop, bpf_attr, perf_event, bpf_map, user_namespace, capability, kiocb, iov_iter, cred, const_buf, load_info, module, syscall64, kernel_cap_t, cap_inheritable, cap_permitted, cap_effective, linux_binprm, data_loc, net_device, bpf_cmd, dentry, bpf_prog`,
    ],
  },
  {
    name: "an argument type that is not read yet",
    policy: aKprobePolicy({ args: [{ index: 0, type: "perf_event" }] }),
    want: [
      "unsupported spec.kprobes[0].args[0].type: perf_event is not supported yet; docs/reference/policy-fields.md has the types that this version reads",
    ],
  },
  {
    name: "a text that nothing equals, being empty or too long",
    policy: aKprobePolicy({
      args: [{ index: 0, type: "string" }],
      selectors: [
        {
          matchArgs: [{ index: 0, operator: "Equal", values: ["a\0", "\0", "b".repeat(253)] }],
        },
      ],
    }),
    want: [
      "invalid spec.kprobes[0].selectors[0].matchArgs[0].values[1]: is empty; write at least one character",
      "invalid spec.kprobes[0].selectors[0].matchArgs[0].values[2]: has 253 bytes; at most 252: the kernel's maps hold no more",
    ],
  },
  {
    name: "an argument without a type",
    policy: aKprobePolicy({ args: [{ index: 0 }] }),
    want: [
      "invalid spec.kprobes[0].args[0].type: auto is for tracepoints only; docs/reference/policy-fields.md has the types that this version reads",
    ],
  },
  {
    name: "an argument's index out of range",
    policy: aKprobePolicy({ args: [{ index: 5, type: "int" }] }),
    want: [
      "invalid spec.kprobes[0].args[0].index: 5 is out of range; 0 to 4: a call passes at most 5 arguments in registers",
    ],
  },
  {
    name: "a struct file from user space",
    policy: aKprobePolicy({ args: [file] }),
    want: [
      "invalid spec.kprobes[0].args[0].type: file cannot be an argument of a system call; use type fd, or hook the kernel function behind it: programs pass no struct file",
    ],
  },
  {
    name: "a buffer of unknown length",
    policy: aKprobePolicy({ args: [{ index: 1, type: "char_buf" }] }),
    want: [
      "invalid spec.kprobes[0].args[0].sizeArgIndex: is missing; write which parameter holds the length, from 1, or returnCopy: true",
    ],
  },
  {
    name: "parts without their number",
    policy: aKprobePolicy({ args: [{ index: 1, type: "char_iovec", returnCopy: true }] }),
    want: [
      "invalid spec.kprobes[0].args[0].sizeArgIndex: is missing; write which parameter holds the number of parts, 1 to 5",
    ],
  },
  {
    name: "a length of what has its own, and such a thing in a system call",
    policy: aKprobePolicy({
      args: [{ index: 1, type: "iov_iter", sizeArgIndex: 3, returnCopy: true }],
    }),
    want: [
      "invalid spec.kprobes[0].args[0].type: iov_iter cannot be an argument of a system call; hook a kernel function that is given one, or read a char_iovec",
      "invalid spec.kprobes[0].args[0].sizeArgIndex: has no meaning; remove it: only a char_buf or char_iovec has it",
      "invalid spec.kprobes[0].args[0].returnCopy: has no meaning; remove it: only a char_buf or char_iovec has it",
    ],
  },
  {
    name: "two whole buffers, and one of a call that is reported when it returns",
    policy: aKprobePolicy({
      args: [
        { index: 1, type: "char_buf", sizeArgIndex: 3, maxData: true },
        { index: 3, type: "char_buf", sizeArgIndex: 5, maxData: true },
      ],
      return: true,
      returnArg: { index: 0, type: "int" },
    }),
    want: [
      "unsupported spec.kprobes[0].args[1].maxData: is not supported yet for a second argument; remove it: an event has room for one whole buffer",
      ...[0, 1].map(
        (i) =>
          `unsupported spec.kprobes[0].args[${i}].maxData: is not supported yet with return: true; remove it, or return: events that wait for the call to return have 4,095 bytes`,
      ),
    ],
  },
  {
    name: "sizeArgIndex counted from 0",
    policy: aKprobePolicy({ args: [{ index: 1, type: "char_buf", sizeArgIndex: 0 }] }),
    want: [
      "invalid spec.kprobes[0].args[0].sizeArgIndex: 0 is out of range; 1 to 5: it counts the call's parameters from 1",
    ],
  },
  {
    name: "an index that is not among args",
    policy: withMatchArg({ index: 3, operator: "Equal", values: ["1"] }),
    want: [
      "invalid spec.kprobes[0].selectors[0].matchArgs[0].index: 3 is out of range; args has the indexes 0",
    ],
  },
  {
    name: "a position that is not among args",
    policy: withMatchArg({ args: [1], operator: "Equal", values: ["1"] }),
    want: [
      "invalid spec.kprobes[0].selectors[0].matchArgs[0].args[0]: 1 is out of range; args has 1 entries, counted from 0",
    ],
  },
  {
    name: "texts to look for that are none, and a kind of file of a text",
    policy: aKprobePolicy({
      args: [{ index: 1, type: "string" }],
      selectors: [
        {
          matchArgs: [
            { index: 1, operator: "SubString", values: [""] },
            { index: 1, operator: "SubStringIgnCase", values: ["x".repeat(253)] },
            { index: 1, operator: "FileType", values: ["dir"] },
          ],
        },
      ],
    }),
    want: [
      "invalid spec.kprobes[0].selectors[0].matchArgs[0].values[0]: is empty; write at least one character",
      "invalid spec.kprobes[0].selectors[0].matchArgs[1].values[0]: has 253 bytes; at most 252: the kernel's maps hold no more",
      "invalid spec.kprobes[0].selectors[0].matchArgs[2].operator: FileType does not apply to type string; allowed: Equal, NotEqual, Prefix, NotPrefix, Postfix, NotPostfix, SubString, SubStringIgnCase",
    ],
  },
  {
    name: "an operator of another type",
    policy: withMatchArg({ index: 0, operator: "Prefix", values: ["1"] }),
    want: [
      "invalid spec.kprobes[0].selectors[0].matchArgs[0].operator: Prefix does not apply to type int; allowed: Equal, NotEqual, GT, GreaterThan, LT, LessThan, Mask, InRange, NotInRange, InMap, NotInMap, CelExpr",
    ],
  },
  {
    name: "ranges that are none, or that no number of the type is in",
    policy: withMatchArg(
      {
        index: 0,
        operator: "InRange",
        values: ["1:x", "1:2:3", "5:1", "256:300", "-1:2", "200:300"],
      },
      [{ index: 0, type: "uint8" }],
    ),
    want: [
      'invalid spec.kprobes[0].selectors[0].matchArgs[0].values[0]: is "1:x"; write two numbers: 1:1024',
      'invalid spec.kprobes[0].selectors[0].matchArgs[0].values[1]: is "1:2:3"; write two numbers: 1:1024',
      "invalid spec.kprobes[0].selectors[0].matchArgs[0].values[2]: is 5:1, which no number is in; write 1:5",
      "invalid spec.kprobes[0].selectors[0].matchArgs[0].values[3]: begins with 256; uint8 holds 0 to 255",
      "invalid spec.kprobes[0].selectors[0].matchArgs[0].values[4]: begins with -1; uint8 holds 0 to 255",
    ],
  },
  {
    name: "members of a map that are no decimal numbers",
    policy: withMatchArg({ index: 0, operator: "InMap", values: ["0x10", "list:dups"] }),
    want: [
      'invalid spec.kprobes[0].selectors[0].matchArgs[0].values[0]: is "0x10"; write a decimal number, or two of them: 1:1024',
      'invalid spec.kprobes[0].selectors[0].matchArgs[0].values[1]: is "list:dups"; write a decimal number, or two of them: 1:1024',
    ],
  },
  {
    name: "addresses, ports and names that are none",
    policy: aKprobePolicy({
      ...{ call: "tcp_connect", syscall: false, args: [{ index: 0, type: "sock" }] },
      selectors: [
        {
          matchArgs: [
            { index: 0, operator: "DAddr", values: ["10.0.0.0/33", "podcidr", "::1"] },
            { index: 0, operator: "DPort", values: ["65536", "http"] },
            { index: 0, operator: "SPortPriv", values: ["1"] },
            { index: 0, operator: "Family", values: ["AF_INET7", "af_inet"] },
          ],
        },
      ],
    }),
    want: [
      'invalid spec.kprobes[0].selectors[0].matchArgs[0].values[0]: is "10.0.0.0/33"; write an address or a network: 10.0.0.0/8, 2001:db8::/32',
      'invalid spec.kprobes[0].selectors[0].matchArgs[0].values[1]: is "podcidr"; write an address or a network: 10.0.0.0/8, 2001:db8::/32',
      "invalid spec.kprobes[0].selectors[0].matchArgs[1].values[0]: begins with 65536; sock holds 0 to 65535",
      'invalid spec.kprobes[0].selectors[0].matchArgs[1].values[1]: is "http"; write a decimal number, or two of them: 1:1024',
      "invalid spec.kprobes[0].selectors[0].matchArgs[2].values: are not empty; remove them: SPortPriv is about one range of numbers",
      'invalid spec.kprobes[0].selectors[0].matchArgs[3].values[0]: is "AF_INET7"; write a name such as AF_INET, or a number',
      'invalid spec.kprobes[0].selectors[0].matchArgs[3].values[1]: is "af_inet"; write a name such as AF_INET, or a number',
    ],
  },
  {
    name: "kinds of files that are none",
    policy: aKprobePolicy({
      ...onFile,
      args: [{ index: 0, type: "fd" }, file],
      selectors: [
        {
          matchArgs: [
            { index: 1, operator: "FileType", values: ["folder", "dir"] },
            { index: 0, operator: "FileType", values: ["dir"] },
          ],
        },
      ],
    }),
    want: [
      'invalid spec.kprobes[0].selectors[0].matchArgs[0].values[0]: is "folder"; allowed: fifo, pipe, chr, char, dir, blk, block, reg, regular, lnk, link, sock, socket',
    ],
  },
  {
    name: "gained capabilities of what are no sets, or not two of them",
    policy: aKprobePolicy({
      ...{ call: "security_capset", syscall: false },
      args: [
        { index: 2, type: "cap_effective" },
        { index: 3, type: "cap_effective" },
        { index: 0, type: "int" },
      ],
      selectors: [
        {
          matchArgs: [
            { args: [0, 2], operator: "CapabilitiesGained" },
            { args: [0, 3], operator: "CapabilitiesGained" },
            { index: 2, operator: "CapabilitiesGained" },
            { args: [0, 1], operator: "CapabilitiesGained", values: ["CAP_CHOWN"] },
          ],
        },
      ],
    }),
    want: [
      "invalid spec.kprobes[0].selectors[0].matchArgs[0].args[1]: is of type int; compare sets of capabilities, such as cap_permitted",
      "invalid spec.kprobes[0].selectors[0].matchArgs[1].args[1]: 3 is out of range; args has 3 entries, counted from 0",
      "invalid spec.kprobes[0].selectors[0].matchArgs[2].args: names 0 arguments; write args: [OLD, NEW], their positions in the list of args, and no index",
      "invalid spec.kprobes[0].selectors[0].matchArgs[3].values: are not empty; remove them: two arguments are compared",
    ],
  },
  {
    name: "capabilities that are none, and what is compared with nothing",
    policy: aKprobePolicy({
      ...{ call: "security_capset", syscall: false },
      args: [
        { index: 1, type: "cred" },
        { index: 2, type: "cap_effective" },
      ],
      selectors: [
        {
          matchArgs: [
            { index: 2, operator: "Equal", values: ["CAP_CHOWN,CAP_NONE", "0x10000000000000000"] },
            { index: 1, operator: "Equal", values: ["0"] },
          ],
        },
      ],
    }),
    want: [
      'invalid spec.kprobes[0].selectors[0].matchArgs[0].values[0]: has "CAP_NONE"; write capabilities such as CAP_CHOWN,CAP_KILL, or a number',
      "invalid spec.kprobes[0].selectors[0].matchArgs[0].values[1]: is 0x10000000000000000; cap_effective holds 0 to 18446744073709551615",
      "invalid spec.kprobes[0].selectors[0].matchArgs[1].operator: Equal does not apply to type cred; remove it: nothing is compared with a cred",
    ],
  },
  {
    name: "a socket in a system call",
    policy: aKprobePolicy({ args: [{ index: 0, type: "sock" }] }),
    want: [
      "invalid spec.kprobes[0].args[0].type: sock cannot be an argument of a system call; hook the kernel function behind it: programs pass no socket of the kernel",
    ],
  },
  {
    name: "a mask without a bit",
    policy: withMatchArg({ index: 0, operator: "Mask", values: ["0", "0x80000000"] }),
    want: [
      "invalid spec.kprobes[0].selectors[0].matchArgs[0].values[0]: has no bit set; write the bits to look for",
    ],
  },
  {
    name: "a value that is no number",
    policy: withMatchArg({ index: 0, operator: "Equal", values: ["one", "2147483648"] }),
    want: [
      'invalid spec.kprobes[0].selectors[0].matchArgs[0].values[0]: is "one"; write a number: decimal, 0x..., 0o... or 0b...',
      "invalid spec.kprobes[0].selectors[0].matchArgs[0].values[1]: is 2147483648; int holds -2147483648 to 2147483647",
    ],
  },
  {
    name: "no values",
    policy: withMatchArg({ index: 0, operator: "Equal" }),
    want: [
      "invalid spec.kprobes[0].selectors[0].matchArgs[0].values: is empty; Equal needs at least one value",
    ],
  },
  {
    name: "a path that is longer than the kernel's maps hold",
    policy: aKprobePolicy({
      ...onFile,
      selectors: [
        { matchArgs: [{ index: 1, operator: "Prefix", values: [`/${"é".repeat(126)}`] }] },
      ],
    }),
    want: [
      "invalid spec.kprobes[0].selectors[0].matchArgs[0].values[0]: has 253 bytes; at most 252: the kernel's maps hold no more",
    ],
  },
  {
    name: "argFd that is not among args",
    policy: withAction({ action: "FollowFD", argFd: 2, argName: 1 }, onFile),
    want: [
      "invalid spec.kprobes[0].selectors[0].matchActions[0].argFd: 2 is out of range; args has the indexes 0, 1",
    ],
  },
  {
    name: "argName that is no file",
    policy: withAction({ action: "FollowFD", argFd: 0, argName: 0 }, onFile),
    want: [
      "invalid spec.kprobes[0].selectors[0].matchActions[0].argName: 0 is an argument of type int; it must be of type file",
    ],
  },
  {
    name: "UnfollowFD in a policy that follows nothing",
    policy: withAction({ action: "UnfollowFD", argFd: 0 }, { args: [int] }),
    want: [
      "invalid spec.kprobes[0]: has UnfollowFD, but the policy follows no descriptor; add a hook with FollowFD to this policy",
    ],
  },
  {
    name: "two errors to return from one selector",
    policy: aKprobePolicy({
      selectors: [
        {
          matchActions: [
            { action: "Override", argError: -1 },
            { action: "Override", argError: -2 },
          ],
        },
      ],
    }),
    want: [
      "unsupported spec.kprobes[0].selectors[0].matchActions: has Override 2 times; keep one in a selector",
    ],
  },
  {
    name: "Override of what cannot be overridden",
    policy: withAction({ action: "Override", argError: -1 }, onFile),
    want: [
      "invalid spec.kprobes[0].selectors[0].matchActions[0].action: Override cannot stop fd_install; hook a system call or a security_ function, or use Sigkill",
    ],
  },
  {
    name: "Aggregate without a second",
    policy: withAction({ action: "Aggregate", window: 0 }),
    want: ["invalid spec.kprobes[0].selectors[0].matchActions[0].window: is 0; allowed: 1 to 3600"],
  },
  {
    name: "Aggregate for more than an hour",
    policy: withAction({ action: "Aggregate", window: 3601 }),
    want: [
      "invalid spec.kprobes[0].selectors[0].matchActions[0].window: is 3601; allowed: 1 to 3600",
    ],
  },
  {
    name: "Aggregate twice",
    policy: aKprobePolicy({
      selectors: [{ matchActions: [{ action: "Aggregate" }, { action: "Aggregate", window: 5 }] }],
    }),
    want: [
      "unsupported spec.kprobes[0].selectors[0].matchActions: has Aggregate 2 times; keep one in a selector",
    ],
  },
  {
    name: "a rate limit that is none",
    policy: withAction({ action: "Post", rateLimit: "1d" }),
    want: [
      'invalid spec.kprobes[0].selectors[0].matchActions[0].rateLimit: is "1d"; write whole seconds, minutes or hours: 30s, 5m, 1h',
    ],
  },
  {
    name: "a rate limit of another action",
    policy: withAction({ action: "Sigkill", rateLimit: "1m" }),
    want: [
      "unsupported spec.kprobes[0].selectors[0].matchActions[0].rateLimit: is not supported yet; remove it: this version does not use it with Sigkill",
    ],
  },
  {
    name: "a rate limit for whom nobody knows",
    policy: withAction({ action: "Post", rateLimit: "1m", rateLimitScope: "pod" }),
    want: [
      'invalid spec.kprobes[0].selectors[0].matchActions[0].rateLimitScope: is "pod"; allowed: thread, process, global',
    ],
  },
  {
    name: "the scope of no rate limit",
    policy: withAction({ action: "Post", rateLimitScope: "process" }),
    want: [
      "invalid spec.kprobes[0].selectors[0].matchActions[0].rateLimitScope: has no rateLimit; add rateLimit, or remove it",
    ],
  },
  {
    name: "two Posts, one with a rate limit",
    policy: aKprobePolicy({
      selectors: [{ matchActions: [{ action: "Post" }, { action: "Post", rateLimit: "1m" }] }],
    }),
    want: [
      "unsupported spec.kprobes[0].selectors[0].matchActions: has Post 2 times; keep one in a selector",
    ],
  },
  {
    name: "requests of nobody",
    policy: aKprobePolicy({
      selectors: [
        {
          matchActions: [
            { action: "GetUrl" },
            { action: "GetUrl", argUrl: "file:///etc/shadow" },
            { action: "GetUrl", argUrl: "http://root:secret@example.org/" },
            { action: "DnsLookup", argFqdn: "*.example.org" },
          ],
        },
      ],
    }),
    want: [
      "invalid spec.kprobes[0].selectors[0].matchActions[0].argUrl: is missing; write http:// or https:// and a host, without a password: http://trap.example.org/",
      'invalid spec.kprobes[0].selectors[0].matchActions[1].argUrl: is "file:///etc/shadow"; write http:// or https:// and a host, without a password: http://trap.example.org/',
      'invalid spec.kprobes[0].selectors[0].matchActions[2].argUrl: is "http://root:secret@example.org/"; write http:// or https:// and a host, without a password: http://trap.example.org/',
      'invalid spec.kprobes[0].selectors[0].matchActions[3].argFqdn: is "*.example.org"; write a name such as trap.example.org',
    ],
  },
  {
    name: "a request with an event that nobody gets",
    policy: aKprobePolicy({
      selectors: [
        { matchActions: [{ action: "NoPost" }, { action: "GetUrl", argUrl: "http://x.org/" }] },
      ],
    }),
    want: [
      "invalid spec.kprobes[0].selectors[0].matchActions: has GetUrl beside NoPost, which leaves no event to act on; remove one of them",
    ],
  },
  {
    name: "a request in the name of the node by a policy of one namespace",
    policy: aTracingPolicy(
      {
        kprobes: [
          {
            call: "sys_write",
            selectors: [{ matchActions: [{ action: "DnsLookup", argFqdn: "trap.example.org" }] }],
          },
        ],
      },
      "shop",
    ),
    want: [
      "invalid spec.kprobes[0].selectors[0].matchActions[0].action: DnsLookup is not for policies of one namespace; use the kind without Namespaced",
    ],
  },
  {
    name: "a window of another action",
    policy: withAction({ action: "Post", window: 5 }),
    want: [
      "unsupported spec.kprobes[0].selectors[0].matchActions[0].window: is not supported yet; remove it: this version does not use it with Post",
    ],
  },
  {
    name: "actions at a return that nobody sees, or that come too late there",
    policy: aTracingPolicy({
      kprobes: [
        { call: "sys_write", selectors: [{ matchReturnActions: [{ action: "Sigkill" }] }] },
        {
          call: "sys_read",
          return: true,
          returnArg: { index: 0, type: "int" },
          selectors: [
            {
              matchReturnActions: [
                { action: "Override", argError: -1 },
                { action: "Post", rateLimit: "1m" },
              ],
            },
          ],
        },
      ],
    }),
    want: [
      "invalid spec.kprobes[0].selectors[0].matchReturnActions: acts on a return that the hook does not see; add return: true and returnArg to the hook, or write matchActions",
      "invalid spec.kprobes[1].selectors[0].matchReturnActions[0].action: Override cannot be done when the call has returned; write it in matchActions, or one of Post, NoPost, Sigkill, Signal, GetUrl, DnsLookup",
      "unsupported spec.kprobes[1].selectors[0].matchReturnActions[1].rateLimit: is in matchReturnActions; write it in matchActions: it counts what is reported, when the call has returned",
    ],
  },
  {
    name: "sockets to track that are none",
    policy: aTracingPolicy({
      kprobes: [
        {
          ...{ call: "tcp_connect", syscall: false },
          args: [
            { index: 0, type: "sock" },
            { index: 1, type: "int" },
          ],
          selectors: [
            {
              matchActions: [
                { action: "TrackSock" },
                { action: "TrackSock", argSock: 1 },
                { action: "UntrackSock", argSock: 2 },
              ],
            },
          ],
        },
        { call: "tcp_close", syscall: false, returnArgAction: "TrackSock" },
        {
          ...{ call: "inet_csk_accept", syscall: false, return: true },
          returnArg: { index: 0, type: "sock" },
          returnArgAction: "FollowSock",
          selectors: [{ matchReturnArgs: [{ index: 0, operator: "Family", values: ["AF_INET"] }] }],
        },
        {
          ...{ call: "sys_accept4", return: true },
          returnArg: { index: 0, type: "int" },
          returnArgAction: "tracksock",
        },
      ],
    }),
    want: [
      "invalid spec.kprobes[0].selectors[0].matchActions[0].argSock: is missing; write the position in args, from 0, of one of type sock or socket",
      "invalid spec.kprobes[0].selectors[0].matchActions[1].argSock: 1 is an argument of type int; write the position in args, from 0, of one of type sock or socket",
      "invalid spec.kprobes[0].selectors[0].matchActions[2].argSock: 2 is out of range; write the position in args, from 0, of one of type sock or socket",
      "invalid spec.kprobes[1].returnArgAction: acts on what the hook does not read; add return: true, or remove it",
      'invalid spec.kprobes[2].returnArgAction: is "FollowSock"; allowed: TrackSock, UntrackSock',
      "unsupported spec.kprobes[2].selectors[0].matchReturnArgs: compares a sock; remove it: what returned as a socket is compared with nothing",
      "invalid spec.kprobes[3].returnArgAction: is TrackSock, but a system call returns no socket; hook the kernel function that returns the socket, with syscall: false",
    ],
  },
  {
    name: "sockets that a tenant would track",
    policy: aTracingPolicy(
      {
        kprobes: [
          {
            ...{ call: "security_socket_listen", syscall: false },
            args: [{ index: 0, type: "socket" }],
            selectors: [{ matchActions: [{ action: "TrackSock", argSock: 0 }] }],
          },
        ],
      },
      "shop",
    ),
    want: [
      "invalid spec.kprobes[0].selectors[0].matchActions[0].action: TrackSock is not for policies of one namespace; use the kind without Namespaced",
    ],
  },
  {
    name: "Override with a positive errno",
    policy: withAction({ action: "Override", argError: 1 }),
    want: [
      "invalid spec.kprobes[0].selectors[0].matchActions[0].argError: is 1; write a negative errno, -1 (EPERM) to -4095",
    ],
  },
  {
    name: "stacks when the call has returned, or of several actions",
    policy: aTracingPolicy({
      kprobes: [
        {
          ...{ call: "sys_write", return: true, returnArg: { index: 0, type: "int64" } },
          selectors: [{ matchReturnActions: [{ action: "Post", userStackTrace: true }] }],
        },
        {
          call: "sys_read",
          selectors: [
            {
              matchActions: [
                { action: "Post", kernelStackTrace: true },
                { action: "Sigkill", userStackTrace: true },
              ],
            },
          ],
        },
      ],
    }),
    want: [
      "invalid spec.kprobes[0].selectors[0].matchReturnActions[0].userStackTrace: is in matchReturnActions; write it in matchActions: it is of the moment of the call",
      "unsupported spec.kprobes[1].selectors[0].matchActions[1].userStackTrace: is not supported yet; remove it: this version does not use it with Sigkill",
    ],
  },
  {
    name: "Set where it means nothing, and what it cannot write",
    policy: aTracingPolicy({
      usdts: [
        {
          ...{ path: "/bin/app", provider: "app", name: "begin" },
          args: [
            { index: 0, type: "int64" },
            { index: 1, type: "int32" },
          ],
          selectors: [
            {
              matchActions: [
                { action: "Set" },
                { action: "Set", argIndex: 0, argValue: 1 },
                { action: "Set", argIndex: 2, argValue: 1 },
                { action: "Set", argIndex: 1 },
              ],
            },
          ],
        },
      ],
    }),
    want: [
      "invalid spec.usdts[0].selectors[0].matchActions[0].argIndex: is missing; write the position in args, from 0, of one of type int32 or uint32",
      "invalid spec.usdts[0].selectors[0].matchActions[0].argValue: is missing; write what it becomes",
      "invalid spec.usdts[0].selectors[0].matchActions[1].argIndex: 0 is an argument of type int64; write the position in args, from 0, of one of type int32 or uint32",
      "invalid spec.usdts[0].selectors[0].matchActions[2].argIndex: 2 is out of range; write the position in args, from 0, of one of type int32 or uint32",
      "invalid spec.usdts[0].selectors[0].matchActions[3].argValue: is missing; write what it becomes",
    ],
  },
  {
    name: "Set of a system call's argument",
    policy: withAction({ action: "Set", argIndex: 0, argValue: 1 }),
    want: [
      "invalid spec.kprobes[0].selectors[0].matchActions[0].action: Set has no meaning here; use it in usdts, whose arguments a program reads again; or Sigkill",
    ],
  },
  {
    name: "stacks where an event has no field for them",
    policy: aTracingPolicy({
      lsmhooks: [
        {
          hook: "file_open",
          selectors: [
            { matchActions: [{ action: "Post", kernelStackTrace: true, userStackTrace: true }] },
          ],
        },
      ],
    }),
    want: [
      "invalid spec.lsmhooks[0].selectors[0].matchActions[0].kernelStackTrace: has no field in the events of this kind of hook; remove it, or hook a function in kprobes",
      "invalid spec.lsmhooks[0].selectors[0].matchActions[0].userStackTrace: has no field in the events of this kind of hook; remove it, or hook a function in kprobes",
    ],
  },
  {
    name: "the hash of a file where the kernel is asked about none",
    policy: withAction({ action: "Post", imaHash: true }),
    want: [
      "invalid spec.kprobes[0].selectors[0].matchActions[0].imaHash: is where the kernel is asked about no file; remove it, or hook one of bprm_check_security, bprm_committed_creds, bprm_committing_creds, bprm_creds_for_exec, bprm_creds_from_file, file_open, file_post_open, file_ioctl, file_lock, file_receive, mmap_file in lsmhooks",
    ],
  },
  {
    name: "namespaces that are none",
    policy: aKprobePolicy({
      selectors: [
        {
          matchNamespaces: [
            { namespace: "Net", operator: "In", values: ["host_ns", "010", "0", "4294967296"] },
            { namespace: "Uts", operator: "NotIn", values: ["host"] },
            { namespace: "Pid", operator: "In", values: [] },
          ],
        },
      ],
    }),
    want: [
      'invalid spec.kprobes[0].selectors[0].matchNamespaces[0].values[2]: is "0"; write host_ns, or an inode number as in /proc/PID/ns: 1 to 4294967295',
      'invalid spec.kprobes[0].selectors[0].matchNamespaces[0].values[3]: is "4294967296"; write host_ns, or an inode number as in /proc/PID/ns: 1 to 4294967295',
      'invalid spec.kprobes[0].selectors[0].matchNamespaces[1].values[0]: is "host"; write host_ns, or an inode number as in /proc/PID/ns: 1 to 4294967295',
      "invalid spec.kprobes[0].selectors[0].matchNamespaces[2].values: is empty; list inode numbers, or host_ns",
    ],
  },
  {
    name: "changes of what is no namespace, and no capability",
    policy: aKprobePolicy({
      selectors: [
        {
          matchNamespaceChanges: [
            { operator: "In", values: ["mnt", "Mntt"] },
            { operator: "NotIn", values: [] },
          ],
          matchCapabilityChanges: [
            { operator: "In", values: ["CAP_SYS_ADMON"] },
            { operator: "In", values: [] },
          ],
        },
      ],
    }),
    want: [
      'invalid spec.kprobes[0].selectors[0].matchNamespaceChanges[0].values[1]: is "Mntt"; did you mean Mnt? allowed: Uts, Ipc, Mnt, Pid, PidForChildren, Net, Time, TimeForChildren, Cgroup, User',
      "invalid spec.kprobes[0].selectors[0].matchNamespaceChanges[1].values: is empty; list namespaces: Uts, Ipc, Mnt, Pid, PidForChildren, Net, Time, TimeForChildren, Cgroup, User",
      "spec.kprobes[0].selectors[0].matchCapabilityChanges[0].values[0]",
      "invalid spec.kprobes[0].selectors[0].matchCapabilityChanges[1].values: is empty; list capabilities such as CAP_SYS_ADMIN",
    ],
  },
  {
    name: "fields that are not there yet, each by name",
    policy: aTracingPolicy({
      loader: true,
      kprobes: [
        {
          call: "sys_write",
          return: true,
          returnArg: { index: 0, type: "string" },
          ignore: { callNotFound: true },
          selectors: [
            {
              matchBinaries: [{ operator: "In", values: ["/bin/sh"], followChildren: true }],
            },
          ],
        },
      ],
    }),
    want: [
      "spec.loader",
      "spec.kprobes[0].returnArg.type",
      "spec.kprobes[0].selectors[0].matchBinaries[0].followChildren",
    ],
  },
  {
    name: "executables that no path is, and children of a parent",
    policy: aTracingPolicy({
      kprobes: [
        {
          call: "sys_write",
          selectors: [
            {
              matchBinaries: [{ operator: "Postfix", values: ["x".repeat(129), ""] }],
              matchParentBinaries: [{ operator: "In", values: ["/bin/sh"], followChildren: true }],
            },
          ],
        },
      ],
    }),
    want: [
      "invalid spec.kprobes[0].selectors[0].matchBinaries[0].values[0]: has 129 bytes; at most 128: the kernel keeps no more of the end of a path",
      "invalid spec.kprobes[0].selectors[0].matchBinaries[0].values[1]: is empty; write at least one character, such as /",
      "invalid spec.kprobes[0].selectors[0].matchParentBinaries[0].followChildren: is true of a parent; remove it: matchBinaries has it, for children of every generation",
    ],
  },
  {
    name: "macros that are none, or say twice what may be said once",
    policy: aTracingPolicy({
      selectorsMacros: {
        pids: { matchPIDs: [{ operator: "In", values: [1] }] },
        others: { matchPIDs: [{ operator: "NotIn", values: [1] }] },
        nested: { macros: ["pids"] },
      },
      kprobes: [
        {
          call: "sys_write",
          selectors: [
            { macros: ["otherz"] },
            { macros: ["pids", "others"] },
            { macros: ["others"], matchPIDs: [{ operator: "In", values: [2] }] },
          ],
        },
      ],
    }),
    want: [
      "invalid spec.selectorsMacros[nested].macros: names macros; write out what they stand for: a macro has no others in it",
      'invalid spec.kprobes[0].selectors[0].macros[0]: no macro is named "otherz"; did you mean others?',
      'invalid spec.kprobes[0].selectors[1].macros[1]: "others" has matchPIDs, as macro "pids" has; keep one of them',
      'invalid spec.kprobes[0].selectors[2].macros[0]: "others" has matchPIDs, as the selector has; keep one of them',
    ],
  },
  {
    name: "lists that are none",
    policy: aTracingPolicy({
      lists: [
        { name: "empty" },
        { name: "made", type: "generated_syscalls", values: ["sys_read"] },
        { name: "all", type: "generated_ftrace" },
        { name: "twice", type: "generated_ftrace", pattern: "^(a+)+$" },
        { name: "go", type: "generated_ftrace", pattern: "(?i)^ksys_" },
        { name: "greedy", type: "generated_ftrace", pattern: ".*.*.*.*x" },
        { name: "open", type: "generated_ftrace", pattern: "(ksys" },
        { name: "empty", values: ["fd_install"] },
        { name: "patterned", pattern: "^a", values: ["fd_install"] },
      ],
      kprobes: [{ call: "list:pattrned" }],
    }),
    want: [
      "invalid spec.lists[0].values: is empty; list what to hook, such as sys_openat",
      "invalid spec.lists[1].values: has 1 entries, and generated_syscalls makes its own; remove them, or the type",
      "invalid spec.lists[2].pattern: is missing; write a regular expression such as ^vfs_(read|write)$",
      'invalid spec.lists[3].pattern: is "^(a+)+$", which repeats a group; repeat single characters only',
      'invalid spec.lists[4].pattern: is "(?i)^ksys_", with what Go and JavaScript understand differently; write a regular expression such as ^vfs_(read|write)$',
      'invalid spec.lists[5].pattern: is ".*.*.*.*x", with 4 repetitions; at most 3',
      'invalid spec.lists[6].pattern: is "(ksys", which is no regular expression; write a regular expression such as ^vfs_(read|write)$',
      'invalid spec.lists[7].name: is "empty", as of another list; give each list its own',
      "invalid spec.lists[8].pattern: has no meaning; remove it, or write type generated_ftrace",
      'invalid spec.kprobes[0].call: no list is named "pattrned"; did you mean list:patterned?',
    ],
  },
  {
    name: "calls of a list that are none, what is wrong with all of them once",
    policy: aTracingPolicy({
      lists: [
        { name: "calls", type: "syscalls", values: ["sys_raed", "i386/sys_read", "sys_read"] },
        { name: "functions", values: ["fd_install", "sys_read"] },
      ],
      kprobes: [
        { call: "list:calls", args: [{ index: 9, type: "int" }] },
        { call: "list:functions" },
      ],
    }),
    want: [
      "spec.kprobes[0].call",
      "spec.kprobes[0].args[0].index",
      "spec.kprobes[0].call",
      "spec.kprobes[1].syscall",
    ],
  },
  {
    name: "what a generated list cannot have",
    policy: aTracingPolicy({
      lists: [{ name: "all", type: "generated_syscalls" }],
      kprobes: [
        {
          ...{ call: "list:all", return: true, returnArg: { index: 0, type: "int" } },
          args: [{ index: 1, type: "char_buf", returnCopy: true }],
          selectors: [{ matchActions: [{ action: "Override", argError: -1 }] }],
        },
      ],
    }),
    want: [
      "spec.kprobes[0].return",
      "spec.kprobes[0].args[0].returnCopy",
      "spec.kprobes[0].selectors[0].matchActions[0].action",
    ],
  },
  {
    name: "the return of what does not return",
    policy: aKprobePolicy({
      ...{ call: "sys_exit_group", return: true, returnArg: { index: 0, type: "int" } },
    }),
    want: [
      "invalid spec.kprobes[0].return: is true, but sys_exit_group does not return; remove return and returnArg: it would never be reported",
    ],
  },
  {
    name: "a comparison of what the hook does not read",
    policy: aKprobePolicy({
      selectors: [{ matchReturnArgs: [{ index: 0, operator: "Equal", values: ["0"] }] }],
    }),
    want: [
      "invalid spec.kprobes[0].selectors[0].matchReturnArgs: compares what the hook does not read; add return: true and returnArg to the hook, or remove it",
    ],
  },
  {
    name: "comparisons of what a call returns that mean nothing",
    policy: aKprobePolicy({
      ...{ return: true, returnArg: { index: 0, type: "int" } },
      selectors: [
        {
          matchReturnArgs: [
            { operator: "Prefix", values: ["/"] },
            { operator: "Equal", values: ["EPERM"] },
            { operator: "Equal", values: ["0"], args: [1] },
          ],
        },
      ],
    }),
    want: [
      "spec.kprobes[0].selectors[0].matchReturnArgs[0].operator",
      "spec.kprobes[0].selectors[0].matchReturnArgs[1].values[0]",
      "spec.kprobes[0].selectors[0].matchReturnArgs[2].args",
    ],
  },
  {
    name: "two kinds of hooks in one policy",
    policy: aTracingPolicy({ kprobes: [{ call: "sys_write" }], lsmhooks: [{ hook: "file_open" }] }),
    want: ["spec"],
  },
  {
    name: "a section of hooks that is not supported yet, beside another",
    policy: aTracingPolicy({
      kprobes: [{ call: "sys_write" }],
      usdts: [{ path: "/lib/libc.so.6", provider: "libc", name: "setjmp" }],
      loader: true,
    }),
    want: ["spec.loader", "spec"],
  },
  {
    name: "an option that is misspelt, and a mode that there is not",
    policy: aTracingPolicy({
      options: [
        { name: "policy_mode", value: "monitor" },
        { name: "policy-mode", value: "audit" },
        { name: "disable-kprobe-multi", value: "1" },
      ],
      kprobes: [{ call: "sys_write" }],
    }),
    want: [
      'invalid spec.options[0].name: is "policy_mode"; did you mean policy-mode? allowed: policy-mode, disable-kprobe-multi, disable-uprobe-multi, override-method, sleepable-preload-size',
      'invalid spec.options[1].value: is "audit"; allowed: enforce, monitor',
    ],
  },
  {
    name: "raw tracepoints that nobody may hook, and what has no meaning there",
    policy: aTracingPolicy({
      tracepoints: [
        { subsystem: "", event: "../../etc", raw: true },
        { subsystem: "lock", event: "contention_end", raw: true },
        {
          ...{ subsystem: "task", event: "task_rename", raw: true },
          args: [{ index: 5, type: "int" }],
          selectors: [{ matchActions: [{ action: "Override", argError: -1 }] }],
        },
        {
          ...{ subsystem: "task", event: "task_rename", raw: true },
          args: [{ index: 0, type: "char_buf", returnCopy: true }],
        },
      ],
    }),
    want: [
      "invalid spec.tracepoints[0].subsystem: is empty; write one of /sys/kernel/tracing/events, such as sched",
      'invalid spec.tracepoints[0].event: is "../../etc"; write one of /sys/kernel/tracing/events, such as sched_process_exec',
      "invalid spec.tracepoints[1].event: contention_end is part of the kernel's locks; hook what leads there",
      "invalid spec.tracepoints[2].args[0].index: 5 is out of range; 0 to 4: a call passes at most 5 arguments in registers",
      "invalid spec.tracepoints[2].selectors[0].matchActions[0].action: Override has no meaning at a tracepoint, which only tells what happens; hook a system call or a security_ function, or use Sigkill",
      "invalid spec.tracepoints[3].args[0].returnCopy: has no meaning; remove it: nothing returns from a tracepoint",
    ],
  },
  {
    name: "fields of a tracepoint that cannot be read, and an event that no system call has",
    policy: aTracingPolicy({
      tracepoints: [
        { subsystem: "task", event: "task_rename", args: [{ index: 3 }, { index: 32 }] },
        {
          ...{ subsystem: "syscalls", event: "sys_enter_openat" },
          args: [
            { index: 4, type: "int" },
            { index: 6, type: "file" },
            { index: 7, type: "char_buf", sizeArgIndex: 33 },
          ],
        },
        { subsystem: "syscalls", event: "sys_enter_stat" },
        { subsystem: "syscalls", event: "openat" },
        { subsystem: "task", event: "task_rename", raw: true, args: [{ index: 0 }] },
        {
          ...{ subsystem: "task", event: "task_rename", args: [{ index: 6 }] },
          selectors: [{ matchArgs: [{ index: 6, operator: "Equal", values: ["sh"] }] }],
        },
      ],
    }),
    want: [
      "invalid spec.tracepoints[0].args[0].index: 3 is out of range; 4 to 31: it counts the fields of the event's format file, of which the first four cannot be read",
      "invalid spec.tracepoints[0].args[1].index: 32 is out of range; 4 to 31: it counts the fields of the event's format file, of which the first four cannot be read",
      "invalid spec.tracepoints[1].args[0].index: 4 is out of range; 5 to 9: it counts the fields of the event's format file, where the call's parameters are these",
      "invalid spec.tracepoints[1].args[1].type: file cannot be an argument of a system call; use type fd, or hook the kernel function behind it: programs pass no struct file",
      "invalid spec.tracepoints[1].args[2].sizeArgIndex: 33 is out of range; 6 to 10: it counts the call's parameters from 1",
      'invalid spec.tracepoints[2].event: no system call has "sys_enter_stat"; did you mean sys_enter_newstat?',
      'invalid spec.tracepoints[3].event: no system call has "openat"; write sys_enter_ or sys_exit_ and a system call: sys_enter_openat',
      "invalid spec.tracepoints[4].args[0].type: is auto, which no raw tracepoint has; write the parameter's type: what it is, only a format file says",
      "invalid spec.tracepoints[5].selectors[0].matchArgs[0]: compares an argument of type auto, which each node may know otherwise; write the type of that field in args",
    ],
  },
  {
    name: "tracepoints that are not for tenants",
    policy: aTracingPolicy(
      {
        tracepoints: [
          { subsystem: "task", event: "task_rename" },
          { subsystem: "syscalls", event: "sys_enter_openat", raw: true },
          {
            subsystem: "syscalls",
            event: "sys_enter_openat",
            args: [{ index: 6, type: "string" }],
          },
        ],
      },
      "shop",
    ),
    want: [
      "invalid spec.tracepoints[0]: task/task_rename is not for policies of one namespace; hook system calls, or subsystem syscalls, event sys_enter_NAME, or use the kind without Namespaced",
      "invalid spec.tracepoints[1]: syscalls/sys_enter_openat is not for policies of one namespace; hook system calls, or subsystem syscalls, event sys_enter_NAME, or use the kind without Namespaced",
    ],
  },
  {
    name: "enforcers of what nobody may hook, of generated lists, and twice",
    policy: aTracingPolicy({
      lists: [{ name: "all", type: "generated_syscalls" }],
      kprobes: [{ call: "sys_lseek" }],
      enforcers: [{ calls: ["sys_opne", "fd_install"] }, { calls: ["list:all", "list:none"] }],
    }),
    want: [
      "invalid spec.enforcers: has 2 entries; write all calls into one",
      'invalid spec.enforcers[0].calls[0]: no system call is named "sys_opne"; did you mean sys_open? for a kernel function set syscall: false (true is the default)',
      'invalid spec.enforcers[0].calls[1]: no system call is named "fd_install"; for a kernel function set syscall: false (true is the default)',
      "invalid spec.enforcers[1].calls[0]: is a generated list; write a list of type syscalls with those to stop",
      'invalid spec.enforcers[1].calls[1]: no list is named "none"; add it to spec.lists',
    ],
  },
  {
    name: "NotifyEnforcer without enforcers, and what leaves nothing to be done",
    policy: aKprobePolicy({
      selectors: [
        {
          matchActions: [
            { action: "NotifyEnforcer", argError: -1 },
            { action: "NotifyEnforcer" },
            { action: "NotifyEnforcer", argError: 1 },
            { action: "NotifyEnforcer", argSig: 65 },
          ],
        },
      ],
    }),
    want: [
      "invalid spec.kprobes[0].selectors[0].matchActions[1]: leaves nothing to be done; add argError: -1 (EPERM), argSig: 9 or both",
      "invalid spec.kprobes[0].selectors[0].matchActions[2].argError: is 1; write a negative errno, -1 (EPERM) to -4095",
      "invalid spec.kprobes[0].selectors[0].matchActions[3].argSig: is 65; write a signal number, 1 to 64",
      "invalid spec.enforcers: is missing, and NotifyEnforcer acts by it alone; list the calls to stop: [{calls: [sys_openat]}]",
    ],
  },
  {
    name: "an action that no policy names",
    policy: withAction({ action: "Enforce" }),
    want: ["spec.kprobes[0].selectors[0].matchActions[0].action"],
  },
  {
    name: "LSM hooks by another name, and what is not there yet when a hook is asked",
    policy: aTracingPolicy({
      lsmhooks: [
        { hook: "security_file_open" },
        { hook: "bpf_lsm_file_open" },
        { hook: "File-Open" },
        { hook: "file_open", args: [{ index: 0, type: "char_buf", returnCopy: true }] },
      ],
    }),
    want: [
      'invalid spec.lsmhooks[0].hook: is "security_file_open"; write file_open',
      'invalid spec.lsmhooks[1].hook: is "bpf_lsm_file_open"; write file_open',
      'invalid spec.lsmhooks[2].hook: is "File-Open"; write a hook such as file_open',
      "invalid spec.lsmhooks[3].args[0].returnCopy: has no meaning; remove it: a hook is asked before the call has read anything",
    ],
  },
  {
    name: "uprobes without a place, of no file, and with what is not there yet",
    policy: aTracingPolicy({
      uprobes: [
        { path: "libc.so.6", symbols: [] },
        { path: "/lib/a\0b", symbols: ["+1", "a+b", "a+1+2", "a b", "a+-1"] },
        { path: "/bin/", offsets: [-1], refCtrOffsets: [1, 2] },
        { path: `/${"x".repeat(4095)}`, addrs: [-8], refCtrOffsets: [-1] },
        { path: "/bin/a", symbols: ["a"], return: true, returnArg: { index: 0, type: "int" } },
        { path: "/bin/a", symbols: ["a"], ignore: { digestVerificationFailure: true } },
        { path: "/bin/a", symbols: ["a"], btfPath: "/b" },
        {
          path: "/bin/a",
          symbols: ["a"],
          args: [
            { index: 0, type: "file" },
            { index: 1, type: "sock" },
            { index: 2, type: "char_buf", returnCopy: true },
          ],
        },
      ],
    }),
    want: [
      'invalid spec.uprobes[0].path: is "libc.so.6", which is relative; write the path from / on, of the node or of a container',
      "invalid spec.uprobes[0]: has none of symbols, offsets, addrs; write where in the file it hooks",
      'invalid spec.uprobes[1].path: is "/lib/a\\u0000b"; remove the NUL: no path holds one',
      ...['"+1"', '"a+b"', '"a+1+2"', '"a b"', '"a+-1"'].map(
        (text, i) =>
          `invalid spec.uprobes[1].symbols[${i}]: is ${text}; write a function such as readline, or readline+0x10`,
      ),
      'invalid spec.uprobes[2].path: is "/bin/", a folder; write the path from / on, of the node or of a container',
      "invalid spec.uprobes[2].offsets[0]: is -1; write 0 or more",
      "invalid spec.uprobes[2].refCtrOffsets: has 2 items for 1 places; write one for each, 0 where there is none",
      "invalid spec.uprobes[3].path: has 4096 bytes; at most 4095",
      "invalid spec.uprobes[3].addrs[0]: is -8; write 0 or more",
      "invalid spec.uprobes[3].refCtrOffsets[0]: is -1; write 0 or more",
      "unsupported spec.uprobes[4].return: is not supported yet; remove it, or wait for a version that can do this",
      "unsupported spec.uprobes[4].returnArg: is not supported yet; remove it, or wait for a version that can do this",
      "unsupported spec.uprobes[5].ignore.digestVerificationFailure: is not supported yet; remove it: a node whose file has none of the digests then says so in the status",
      "unsupported spec.uprobes[6].btfPath: is not supported yet; remove it, or wait for a version that can do this",
      "unsupported spec.uprobes[7].args[2].returnCopy: is not supported yet; remove it: what is there is read before the function runs",
      "invalid spec.uprobes[7].args[0].type: file cannot be an argument of a program's function; use type fd, or hook the kernel function behind it: programs pass no struct file",
      "invalid spec.uprobes[7].args[1].type: sock cannot be an argument of a program's function; hook the kernel function behind it: programs pass no socket of the kernel",
    ],
  },
  {
    name: "probes of no file and of no name, and what they cannot do",
    policy: aTracingPolicy({
      usdts: [
        { path: "node", provider: "", name: "a b" },
        {
          ...{ path: "/bin/a", provider: "a", name: "b", btfPath: "/b" },
          args: [{ index: 0, type: "char_buf", returnCopy: true }],
          selectors: [{ matchActions: [{ action: "Override", argError: -1 }] }],
        },
      ],
    }),
    want: [
      'invalid spec.usdts[0].path: is "node", which is relative; write the path from / on, of the node or of a container',
      'invalid spec.usdts[0].provider: is ""; write it as readelf -n shows it',
      'invalid spec.usdts[0].name: is "a b"; write it as readelf -n shows it',
      "unsupported spec.usdts[1].btfPath: is not supported yet; remove it, or wait for a version that can do this",
      "invalid spec.usdts[1].args[0].returnCopy: has no meaning; remove it: nothing returns from such a place",
      "invalid spec.usdts[1].selectors[0].matchActions[0].action: Override cannot stop what is a place in a function; hook the function by a uprobe, or use Sigkill",
    ],
  },
  {
    name: "probes of tenants",
    policy: aTracingPolicy({ usdts: [{ path: "/bin/a", provider: "a", name: "b" }] }, "shop"),
    want: [
      "invalid spec.usdts[0]: hooks a program, which is not for policies of one namespace; use the kind without Namespaced: a library's place is every pod's that has it",
    ],
  },
  {
    name: "digests that are none",
    policy: aTracingPolicy({
      uprobes: [
        {
          path: "/bin/a",
          symbols: ["a"],
          binaryDigests: ["md5:00", "sha1", "sha1:00", "sha256:0", "build-id:0:1", "build-id:xy"],
        },
      ],
    }),
    want: [
      'invalid spec.uprobes[0].binaryDigests[0]: is "md5:00"; write algorithm:digits with one of sha1, sha256, sha384, sha512, build-id',
      'invalid spec.uprobes[0].binaryDigests[1]: is "sha1"; write pairs of hexadecimal digits',
      "invalid spec.uprobes[0].binaryDigests[2]: has 2 digits; sha1 has 40 digits",
      'invalid spec.uprobes[0].binaryDigests[3]: is "sha256:0"; write pairs of hexadecimal digits',
      'invalid spec.uprobes[0].binaryDigests[4]: is "build-id:0:1"; write algorithm:digits with one of sha1, sha256, sha384, sha512, build-id',
      'invalid spec.uprobes[0].binaryDigests[5]: is "build-id:xy"; write pairs of hexadecimal digits',
    ],
  },
  {
    name: "uprobes of tenants",
    policy: aTracingPolicy({ uprobes: [{ path: "/bin/a", symbols: ["a"] }] }, "shop"),
    want: [
      "invalid spec.uprobes[0]: hooks a program, which is not for policies of one namespace; use the kind without Namespaced: a library's function is every pod's that has it",
    ],
  },
  {
    name: "LSM hooks that are not for tenants, and parameters as what they are not",
    policy: aTracingPolicy(
      {
        lsmhooks: [
          { hook: "inode_permission" },
          { hook: "file_opne" },
          { hook: "file_open", args: [{ index: 0, type: "uint64" }] },
        ],
      },
      "shop",
    ),
    want: [
      "invalid spec.lsmhooks[0].hook: inode_permission is not for policies of one namespace; take one whose security_ function is in docs/reference/limits.md, or use the kind without Namespaced",
      "invalid spec.lsmhooks[1].hook: file_opne is not for policies of one namespace; did you mean file_open? take one whose security_ function is in docs/reference/limits.md, or use the kind without Namespaced",
      "invalid spec.lsmhooks[2].args[0].type: uint64 does not read parameter 0 in a policy of one namespace; write one of file",
    ],
  },
  {
    name: "malformed label selectors",
    policy: aTracingPolicy({
      podSelector: {
        matchExpressions: [
          { key: "a b", operator: "Exists" },
          { key: "a", operator: "In" },
          { key: "a", operator: "Exists", values: ["x"] },
          { key: "a", operator: "In", values: ["x/y"] },
        ],
      },
      containerSelector: { matchLabels: { image: "x" } },
      kprobes: [{ call: "sys_write" }],
    }),
    want: [
      'invalid spec.podSelector.matchExpressions[0].key: is "a b"; write a label key: letters, digits, -, _ and ., such as app.kubernetes.io/name',
      "invalid spec.podSelector.matchExpressions[1].values: is empty; In needs at least one value",
      "invalid spec.podSelector.matchExpressions[2].values: is not empty; Exists takes no values",
      'invalid spec.podSelector.matchExpressions[3].values[0]: is "x/y"; at most 63 letters, digits, -, _ and ., with a letter or digit at each end',
      'invalid spec.containerSelector.matchLabels[image]: is "image"; allowed: name, repo',
    ],
  },
  {
    name: "a capability that there is not",
    policy: anExecPolicy([{ matchCapabilities: [{ operator: "In", values: ["CAP_SYS_ADMN"] }] }]),
    want: ["invalid spec.rules.selectors[0].matchCapabilities[0].values[0]"],
  },
  {
    name: "an ExecPolicy without a condition",
    policy: anExecPolicy([]),
    want: [
      "invalid spec.rules.selectors: is empty; add an item such as matchCapabilities, or write allow or deny",
    ],
  },
  {
    name: "no binary at all",
    policy: anExecPolicy([{ matchBinarys: { operator: "NotIn", values: ["*"] } }]),
    want: [
      'invalid spec.rules.selectors[0].matchBinarys.operator: is NotIn of any binary, which is none; write operator In, or list paths: "*" is any binary',
    ],
  },
  {
    name: "an option given twice, of which only one would count",
    policy: aTracingPolicy({
      kprobes: [{ call: "sys_lseek" }],
      options: [
        { name: "policy-mode", value: "monitor" },
        { name: "policy-mode", value: "enforce" },
      ],
    }),
    want: ['invalid spec.options[1].name: "policy-mode" is given twice; keep one'],
  },
  {
    name: "an argument named by index and by position",
    policy: withMatchArg({ index: 0, args: [0], operator: "Equal", values: ["1"] }),
    want: [
      "invalid spec.kprobes[0].selectors[0].matchArgs[0]: has index and args; keep one: index is that of an argument, args are positions in the list of them",
    ],
  },
  {
    name: "a buffer that is to hold its own length",
    policy: aKprobePolicy({ args: [{ index: 1, type: "char_buf", sizeArgIndex: 2 }] }),
    want: [
      "invalid spec.kprobes[0].args[0].sizeArgIndex: 2 is the buffer itself; write which parameter holds the length: it counts from 1, index from 0",
    ],
  },
  {
    name: "C's name of a system call",
    policy: aKprobePolicy({ call: "SYS_write" }),
    want: ['invalid spec.kprobes[0].call: no system call is named "SYS_write"; write sys_write'],
  },
  {
    name: "what is behind a system call",
    policy: aKprobePolicy({ call: "__do_sys_write" }),
    want: [
      'invalid spec.kprobes[0].call: no system call is named "__do_sys_write"; write sys_write',
    ],
  },
  {
    name: "the 32-bit form of a system call of one architecture",
    policy: aKprobePolicy({ call: "__ia32_compat_sys_openat" }),
    want: [
      'unsupported spec.kprobes[0].call: "__ia32_compat_sys_openat" is of one architecture only; write sys_openat, whose entry is found on every machine',
    ],
  },
  {
    name: "the 32-bit form of a system call",
    policy: aKprobePolicy({ call: "compat_sys_openat" }),
    want: [
      'invalid spec.kprobes[0].call: no system call is named "compat_sys_openat"; write sys_openat',
    ],
  },
  {
    name: "flags without a value, which say whom a condition is about",
    policy: aKprobePolicy({
      selectors: [
        {
          matchPIDs: [{ operator: "NotIn", isNamespacePID: null, followForks: null, values: [1] }],
          matchBinaries: [{ operator: "In", followChildren: null, values: ["/bin/nc"] }],
          matchCapabilities: [
            { operator: "In", isNamespaceCapability: null, type: null, values: ["CAP_SYS_ADMIN"] },
          ],
        },
      ],
    }),
    want: [
      emptyIn("matchPIDs[0].isNamespacePID", "pids of the host are compared"),
      emptyIn("matchPIDs[0].followForks", "no ancestors are compared"),
      emptyIn("matchBinaries[0].followChildren", "no children are compared"),
      emptyIn("matchCapabilities[0].isNamespaceCapability", "it counts as false"),
      emptyIn("matchCapabilities[0].type", "the effective set is compared"),
    ],
  },
  {
    name: "operators of executables without a value",
    policy: anExecPolicy([
      { matchBinarys: { operator: null, values: ["/bin/nc"] } },
      { matchBinarys: null, operator: null, values: ["/bin/nc"] },
      { matchActions: [{ action: "Sigkill" }] },
    ]),
    want: ["[0].matchBinarys.operator", "[1].operator"].map(
      (field) => `invalid spec.rules.selectors${field}: is empty: without it, it is In; ${give}`,
    ),
  },
  {
    name: "a long value, with a message that says that it is cut",
    policy: aKprobePolicy({ call: `sys_${"x".repeat(100)}` }),
    want: [
      `invalid spec.kprobes[0].call: no system call is named "sys_${"x".repeat(53)}"... (cut, of 104 characters); for a kernel function set syscall: false (true is the default)`,
    ],
  },
  {
    name: "what belongs to lists of programs in a policy that has none",
    policy: anExecPolicy([{ matchBinarys: { values: ["/bin/sh"] } }], {
      rules: { selectors: [{ matchBinarys: { values: ["/bin/sh"] } }], action: "Deny" },
    }),
    want: [
      "unsupported spec.rules.action: is not supported yet; it belongs to allow and deny: add one of them, or remove it",
    ],
  },
  {
    name: "rules that are for no program, or for every one",
    policy: withRules({ allow: [{}, { paths: [] }], deny: [{ users: [] }] }),
    want: [
      "invalid spec.rules.deny[0].users: is empty, so that the rule is for no program; remove it",
      "invalid spec.rules.allow[0]: is empty; write what it is for, such as paths or fromImage: true",
      "invalid spec.rules.allow[1].paths: is empty, so that the rule is for no program; remove it",
    ],
  },
  {
    name: "an empty list of what may not run",
    policy: withRules({ deny: [] }),
    want: ["invalid spec.rules.deny: is empty, and there is no allow; add a rule, or remove it"],
  },
  {
    name: "a default where all may run that is not named",
    policy: withRules({ deny: [{ fromImage: false }], default: "Report" }),
    want: [
      "invalid spec.rules.default: has no meaning without allow; remove it, or add allow: without that all may run that deny does not name",
    ],
  },
  {
    name: "interpreters and scripts that none is",
    policy: withRules({
      allow: [{ interpreters: [] }],
      deny: [{ scripts: "fromImage", fromImage: false }],
    }),
    want: [
      "invalid spec.rules.deny[0].scripts: is fromImage beside fromImage: false, so that it is for no script; write any, or remove one of them",
      "invalid spec.rules.allow[0].interpreters: is empty, so that the rule is for no program; remove it",
    ],
  },
  {
    name: "digests of files of another kind",
    policy: withRules({ allow: [{ digests: ["sha1:00", "00"] }] }),
    want: [
      'invalid spec.rules.allow[0].digests[0]: is "sha1:00"; write sha256: and the 64 hexadecimal digits that sha256sum says',
      'invalid spec.rules.allow[0].digests[1]: is "00"; write sha256: and the 64 hexadecimal digits that sha256sum says',
    ],
  },
  {
    name: "what becomes of unknown digests where none is asked for",
    policy: withRules({ deny: [{ fromImage: false }], unknownDigest: "Report" }),
    want: [
      "invalid spec.rules.unknownDigest: has no meaning where no rule has digests; remove it, or write digests in a rule",
    ],
  },
  {
    name: "what rules cannot compare",
    policy: withRules({ allow: [{ paths: ["/bin/sh"], arguments: ["-c"] }] }),
    want: [
      "unsupported spec.rules.allow[0].arguments: cannot be told for sure before the program runs; remove the rule; interpreters, scripts, digests or parents may say what it is to say (docs/decisions/0019)",
    ],
  },
  {
    name: "patterns that no path is as",
    policy: withRules({
      allow: [{ pathGlobs: ["bin/*", "/bin/[ab]", "/usr/***", "/usr//*", "/srv/*/"] }],
    }),
    want: [
      'invalid spec.rules.allow[0].pathGlobs[0]: is "bin/*", which matches nothing; write the path from / on: /usr/bin/*',
      'invalid spec.rules.allow[0].pathGlobs[1]: is "/bin/[ab]", with one of ? [ ] { } \\; only * and ** stand for others; write such a path under paths',
      'invalid spec.rules.allow[0].pathGlobs[2]: is "/usr/***"; write * (within a folder) or ** (across folders)',
      'invalid spec.rules.allow[0].pathGlobs[3]: is "/usr//*", which no path is; write it without //, . and .., and a name at its end',
      'invalid spec.rules.allow[0].pathGlobs[4]: is "/srv/*/", which no path is; write it without //, . and .., and a name at its end',
    ],
  },
  {
    name: "containers and capabilities that nothing has",
    policy: withRules({ deny: [{ containers: ["My App"], capabilities: ["CAP_SYS_ADMIM"] }] }),
    want: [
      'invalid spec.rules.deny[0].containers[0]: is "My App"; write a container\'s name, of a-z, 0-9 and -',
      "spec.rules.deny[0].capabilities[0]",
    ],
  },
];
for (const { name, policy, want } of refused) {
  test(`lower refuses ${name}`, () => {
    // Where many fields are listed, the field alone says it.
    const found = problemsOf(policy).map((problem, i) => {
      const wanted = want[i] ?? "";
      if (wanted.includes("; ")) return problem;
      const field = problem.replace(/^(invalid|unsupported) ([^ ]+): .*$/, "$1 $2");
      return wanted.includes(" ") ? field : field.split(" ")[1];
    });
    assert.deepEqual(found, want);
  });
}

/** With lists of programs. */
function withRules(rules: object): object {
  return { ...anExecPolicy([]), spec: { podSelector: {}, rules } };
}
