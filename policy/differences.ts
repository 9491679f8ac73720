/** What a policy says that Tetragon takes otherwise, or not at all, and this version as its author means. */
export type Difference = {
  /** Fields or words of a policy. */
  readonly what: string;
  readonly verdict: "better" | "refused";
  /** What is done here, and why. */
  readonly here: string;
};

/** In the order of docs/compatibility.md. What is in no row means the same. */
export const differences: readonly Difference[] = [
  {
    what: "`fentries` with an action that stops something",
    verdict: "better",
    here: "It acts, as in `kprobes`; Tetragon refuses the policy. The node chooses the kind of program.",
  },
  {
    what: "`ignore.callNotFound`",
    verdict: "better",
    here: "Each node says which hooks it has not, as `missing:NAME` among the policy's attachments. A misspelt system call is warned of.",
  },
  {
    what: "`lists` of type `generated_ftrace`",
    verdict: "better",
    here: "The node goes through its functions with the pattern when the policy is programmed. A pattern that takes long, and functions that nobody may hook, are refused.",
  },
  {
    what: "`lists` with an entry of one ABI (`i386/sys_read`)",
    verdict: "refused",
    here: "A hook on a system call sees every entry of it, those of 32-bit processes too; write the call without the ABI.",
  },
  {
    what: "a generated list with `Override`, `return` or `returnCopy`, or in a namespaced policy",
    verdict: "refused",
    here: "One program serves all functions, before they run; a list of type `syscalls` has a hook for each.",
  },
  {
    what: "`return: true` of a function that does not return, or returns nothing",
    verdict: "refused",
    here: "It would never be reported, or with what was left in a register.",
  },
  {
    what: "`return: true` where the event cannot wait",
    verdict: "better",
    here: "The event goes out at once without `return`, and is counted; Tetragon drops the half that has no other.",
  },
  {
    what: "`uprobes` on what only picks a function (IFUNC, such as `memcpy` of glibc)",
    verdict: "refused",
    here: "It runs once in a process, when the function is bound, and not when it is called.",
  },
  {
    what: "`uprobes` on a function of which a library has several versions",
    verdict: "better",
    here: "Each of them is hooked; Tetragon takes one.",
  },
  {
    what: "`resolve`",
    verdict: "better",
    here: "Bit fields, too, and any number of members on the way, of which ten may be pointers. Each node says which member it has not. What cannot be read meets the negated conditions; Tetragon takes those for unmet, too.",
  },
  {
    what: "`resolve` on what a process hands over (`syscall: true`, `uprobes`, `usdts`), on a field of a tracepoint's record, or with a buffer's type",
    verdict: "refused",
    here: "It reads memory of the kernel; hook the function that gets the struct, write `raw: true`, or `data` of `current_task`.",
  },
  {
    what: "`data` with `source: pt_regs` on a kernel function",
    verdict: "refused",
    here: "Registers are kept of system calls and of programs' functions; of others the parameters are in `args`.",
  },
  {
    what: "`resolve` and `data` in a namespaced policy",
    verdict: "refused",
    here: "They read any memory of the kernel, that of other tenants among it.",
  },
  {
    what: "`uprobes` with `return`, `btfPath` or `ignore.digestVerificationFailure`, `Override` with `argRegs` or `argNew…`",
    verdict: "refused",
    here: "Not yet there.",
  },
  {
    what: "`Set`",
    verdict: "better",
    here: "What could not be written is counted, and an argument that is no four bytes in memory is refused by the node, a pod's in the status. On other hooks, and where the kernel is locked down, it is refused.",
  },
  {
    what: "`usdts` with an `args[].index` that the probe has not, or that is a float",
    verdict: "refused",
    here: "By the node, which alone has the file; a pod's is named in the status. `sizeArgIndex` counts as elsewhere.",
  },
  {
    what: "text and buffers in `uprobes` and `usdts`",
    verdict: "better",
    here: "Read from the process's memory alone, whatever address it hands over. What is in no memory at that moment is not known: it meets the negated conditions.",
  },
  {
    what: "`matchReturnArgs`",
    verdict: "better",
    here: "Of the selector that matched at the entry, of this call; Tetragon may go on to a later selector, and keeps its state for a processor. Without `return: true` it is refused, not ignored.",
  },
  {
    what: "`kernelStackTrace`, `userStackTrace`",
    verdict: "better",
    here: "Each event has its own; in Tetragon two stacks that hash alike cost each other. Also with `return: true`, as it was at the call. Where events have no field for them, in `tracepoints` and their like, they are refused.",
  },
  {
    what: "`imaHash` where the kernel is not asked about a file, or BPF is none of its security modules",
    verdict: "refused",
    here: "Tetragon takes it on any hook, without effect.",
  },
  {
    what: "`matchReturnActions`",
    verdict: "better",
    here: "They obey the policy's mode and are counted as others; Tetragon enforces them in monitor mode, too, mostly. They act after a `NoPost` in `matchActions`, too. What would come too late, such as `Override`, is refused.",
  },
  {
    what: "`Override` in `tracepoints`",
    verdict: "refused",
    here: "Nothing asks a tracepoint whether something may be done; Tetragon takes it without effect.",
  },
  {
    what: "`raw: true` with an index that the tracepoint has not",
    verdict: "refused",
    here: "By the node, with how many parameters there are. `sizeArgIndex` counts them from 1, as in `kprobes`; in Tetragon such a buffer is empty.",
  },
  {
    what: "`type: auto` of a field of a tracepoint",
    verdict: "better",
    here: "Numbers of every width and texts in the record have their type, arrays of others are bytes. What it is, the node knows: a condition on it needs the type.",
  },
  {
    what: "the first four fields of a tracepoint (`common_pid`), and the sixth parameter where a system call is entered",
    verdict: "refused",
    here: "The kernel hands programs none of these four; the process is in each event. Of a call five parameters are read.",
  },
  {
    what: "`syscalls`/`sys_enter_NAME`",
    verdict: "better",
    here: "The call is hooked with all of its entries; the kernel's own tracepoint tells of no 32-bit call.",
  },
  {
    what: "`syscalls`/`sys_exit_NAME` with an action that stops something",
    verdict: "refused",
    here: "By nodes whose kernel takes 32-bit calls, which the tracepoint does not tell of.",
  },
  {
    what: "`label` of a tracepoint's argument",
    verdict: "better",
    here: "It is in the event.",
  },
  {
    what: "`char_iovec`, `iov_iter`",
    verdict: "better",
    here: "All parts, and every operator on texts; Tetragon reads 7 parts of a `char_iovec` and the first of an `iov_iter`, and compares neither.",
  },
  {
    what: "`maxData` on a second argument of a hook, or with `return: true`",
    verdict: "refused",
    here: "An event has room for one whole buffer, and one that waits for the call to return for none.",
  },
  {
    what: "`rateLimit`",
    verdict: "better",
    here: "Texts of another length are other events, also where they begin alike. With `return: true` it counts what is reported, not what `matchReturnArgs` leaves out.",
  },
  {
    what: "`NotifyEnforcer`",
    verdict: "better",
    here: "Also in raw tracepoints and `lsmhooks`. What it leaves is the thread's own and the policy's, and goes with the thread; where there is no room for it, the process is killed at once.",
  },
  {
    what: "`GetUrl`, `DnsLookup`",
    verdict: "better",
    here: "The agent asks only whom it was told of, whatever the selector's last action is; policies of one namespace have them not. Beside `NoPost`, which leaves no event to act on, they are refused.",
  },
  {
    what: "`TrackSock`, `UntrackSock`, `returnArgAction`",
    verdict: "better",
    here: "In `lsmhooks`, too. `argSock` must be there. `returnArgAction` is done where `matchReturnArgs` hold; on a hook without `return: true`, or on a system call, which returns no socket, it is refused, not ignored. A socket that is gone is forgotten, of which Tetragon may take the next at the same address for it. Policies of one namespace have them not: they change what the events of others say.",
  },
  {
    what: "`matchBinaries`, `matchParentBinaries`",
    verdict: "better",
    here: "A program whose path cannot be told (in memory only, or deeper than any list) meets `NotIn`, `NotPrefix` and `NotPostfix`; in Tetragon it gets around them. `matchParentBinaries` needs no option of the agent.",
  },
  {
    what: "`matchNamespaceChanges`, `matchCapabilityChanges`",
    verdict: "better",
    here: "Compared with what the process was when it last executed a program, or was made, at each call; in Tetragon a match that is posted makes what it is now the measure for all policies, so that one which reports hides the change from one that stops. A process that ran before the policy is compared with what it was when it was first seen.",
  },
  {
    what: "`matchWorkloads`",
    verdict: "better",
    here: "In macros, too. Where a policy says `unknownPods: Deny`, that holds for its selectors as well.",
  },
  {
    what: "`SubString`, `SubStringIgnCase`",
    verdict: "better",
    here: "On every kernel, of every text and path, with as many values as fit (Tetragon: 100 a hook, from Linux 6.17 on, and on an older one they match nothing).",
  },
  {
    what: "`FileType`, `NotFileType`",
    verdict: "better",
    here: "Also of `fd`, `dentry`, `kiocb` and `linux_binprm`.",
  },
  {
    what: "`CapabilitiesGained`",
    verdict: "better",
    here: "On every kernel. `values`, which Tetragon does not look at, are refused.",
  },
  {
    what: "`CelExpr`",
    verdict: "better",
    here: "Comparisons of arguments with constants, combined as CEL has it, are the ranges that they mean, on every kernel and kind of hook, and as many as a policy likes (Tetragon: 8, of kprobes and uprobes). What cannot be told argument by argument is refused: `||` between different arguments, two arguments compared, calculations with one.",
  },
  {
    what: "`selectorsMacros`",
    verdict: "better",
    here: "Written out before anything is looked at, so that an action that stops something counts as one; Tetragon takes a policy whose only such action is in a macro for one that reports.",
  },
];
