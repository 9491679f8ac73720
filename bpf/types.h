/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the kernel side and the agent share: events and map values. Little-endian, no padding. The
 * agent knows them from agent/gen/layout.ts, made of this (layout.c), so constants are enums. Pins
 * carry a digest of the compiled objects (agent/kernel/pins.ts), so that an agent never reads what
 * programs of another layout wrote.
 */
#ifndef GUARDBEE_TYPES_H
#define GUARDBEE_TYPES_H

enum text_limit {
	PATH_SIZE = 4096,	/* longest path in an event, in bytes, without NUL */
	BINARY_SIZE = 256,	/* longest executable path that matchBinaries compares */
	BINARY_END = 128,	/* bytes of the end of a longer one that it compares */
	ARGS_SIZE = 1024,	/* argv bytes in an exec event; what is longer comes before it (EVENT_DATA) */
	ARGS_MAX = 327360,	/* bytes of argv, and of the environment, that come so; the rest is cut */
	DATA_PART = 8192,	/* bytes of it in one event */
	CGROUP_NAME_SIZE = 128,
	DATA_SIZE = 4096,	/* longest text or buffer in an event, in bytes, with NUL */
	WHOLE_SIZE = 327360,	/* longest buffer in one that has it whole (READ_WHOLE), in bytes */
	STACK_FRAMES = 127,	/* of a stack in an event; the outermost are left out, as upstream does */
};

enum notice_limit { NOTICES_MAX = 32 };	/* policies that may have left something for one thread */

/* What an enforcer does. */
struct notice {
	__u32 set;		/* action_entry.set; 0: none */
	__s16 error;		/* 0, or -errno that the call returns */
	__u16 signal;		/* 0, or what the process gets */
};

struct notices {
	struct notice of[NOTICES_MAX];
};

enum event_kind {
	EVENT_EXEC = 1,
	EVENT_CLONE = 2,	/* a new thread group, before any exec */
	EVENT_EXIT = 3,		/* the last thread of a group is gone */
	EVENT_HOOK = 4,
	EVENT_DATA = 5,		/* a part of what is too long for the exec event that comes after it */
};

/* One image of one process. ktime: boot-time ns (CLOCK_BOOTTIME) of its exec, or of its clone. */
struct process_key {
	__u64 ktime;
	__u32 pid;		/* tgid in the host's pid namespace */
	__u32 zero;
};

struct event_header {
	__u16 kind;		/* enum event_kind */
	__u16 cpu;
	__u32 size;		/* whole event, header included; payload follows the fixed part */
	__u64 ktime;		/* boot-time ns */
};

/* exec_event.flags and clone_event.flags */
enum exec_flag {
	EXEC_CLONED = 1u << 0,	/* first exec since the clone */
	EXEC_ARGS_CUT = 1u << 1,
	EXEC_ARGS_ERROR = 1u << 2,
	EXEC_CWD_ROOT = 1u << 3,
	EXEC_CWD_CUT = 1u << 4,
	EXEC_IN_INIT_TREE = 1u << 5, /* below pid 1 of its container */
	EXEC_PATH_CUT = 1u << 6,
	EXEC_ENV_CUT = 1u << 7,
	EXEC_ENV_ERROR = 1u << 8,
	EXEC_IDENTITY = 1u << 9, /* struct exec_identity follows its text */
};

/* What exec events have where the agent asks for it; bits of process_state.asked */
enum exec_asked {
	ASKED_IDENTITY = 1u << 0,
	ASKED_ENVIRONMENT = 1u << 1,
};

struct exec_event {
	struct event_header header;
	struct process_key process;
	struct process_key parent;	/* the forking parent, or on a re-exec the image before */
	__u64 cgroup_id;
	__u32 tid;
	__u32 nspid;		/* pid in its container; 0: the host's pid namespace */
	__u32 uid;		/* effective */
	__u32 auid;
	__u32 flags;
	__u32 user_ns;		/* inode numbers of namespaces */
	__u32 mnt_ns;
	__u32 args_data;	/* bytes of argv in EVENT_DATA; 0: they are here */
	__u32 env_data;		/* bytes of the environment there */
	__u32 zero;
	__u16 filename_size;	/* bytes of each payload part, in this order, no NULs between */
	__u16 args_size;	/* argv[0..] each ended by NUL */
	__u16 cwd_size;
	__u16 cgroup_size;	/* name of the cgroup's own folder */
};

/* enum data_event.what */
enum data_what {
	DATA_ARGS = 1,
	DATA_ENVIRONMENT,
};

struct data_event {
	struct event_header header;
	struct process_key process;	/* the image that the exec event is about */
	__u32 what;		/* enum data_what */
	__u32 at;		/* bytes that come before these; from here to the end is payload */
};

/* What made a process more powerful as it ran the program. */
enum exec_raised {
	RAISED_SETUID = 1u << 0,
	RAISED_SETGID = 1u << 1,
	RAISED_FILE_CAPABILITIES = 1u << 2,
};

/* Who a process is after its exec. Behind the text of an exec event, at no multiple of 8. */
struct exec_identity {
	__u64 permitted, effective, inheritable; /* capabilities */
	__u64 inode;		/* of a program that has no name any more, or never had one; else 0 */
	__u32 uid, gid, euid, egid, suid, sgid, fsuid, fsgid;
	__u32 securebits;
	__u32 raised;		/* enum exec_raised */
	__u32 namespaces[10];	/* inode numbers, by enum namespace_part of namespaces.h */
};

struct clone_event {
	struct event_header header;
	struct process_key process;
	struct process_key parent;
	__u64 cgroup_id;
	__u32 tid;
	__u32 nspid;
	__u32 uid;
	__u32 flags;		/* EXEC_IN_INIT_TREE or none */
};

struct exit_event {
	struct event_header header;
	struct process_key process;
	__u32 tid;
	__u32 code;		/* as wait(2): status << 8 | core dumped << 7 | signal */
};

/* hook_event.flags */
enum hook_flag {
	HOOK_MONITORED = 1u << 0, /* an action that stops was left out: monitor mode, or the
				   * process is a protected one */
	HOOK_PROCESS_UNKNOWN = 1u << 1, /* the process started before process tracking did */
	HOOK_STOPPED = 1u << 2,	/* a signal was sent, or the return value overridden */
	HOOK_WOULD_STOP = 1u << 3, /* monitor mode, of a process that would have been stopped */
};

struct hook_event {
	struct event_header header;
	struct process_key process;
	__u64 cgroup_id;
	__u32 tid;
	__u32 hook;		/* number the agent gave to (policy, hook) when it programmed it */
	__u16 selector;		/* index within the hook */
	__u8 action;		/* enum action_code: the last, carried out or not (HOOK_MONITORED) */
	__u8 args;		/* how many struct event_arg follow, in the order of the policy */
	__u16 flags;
	__u16 entry;		/* of a system call: number of the entry, 0 is the kernel's own; of many
				 * functions: number of the one that was called */
};

/* event_arg.flags */
enum arg_flag {
	ARG_CUT = 1u << 0,	/* a path lost its head, or a buffer its tail */
	ARG_DELETED = 1u << 1,	/* the file was unlinked */
	ARG_RETURNED = 1u << 2,	/* no argument: what the call returned, behind them */
	ARG_WHOLE = 1u << 3,	/* the rest of this one may be behind all of them */
	ARG_REST = 1u << 4,	/* no argument: that rest */
	ARG_KERNEL_STACK = 1u << 5, /* no argument: through which functions the call came */
	ARG_USER_STACK = 1u << 6, /* the same, of the process */
	ARG_FILE_HASH = 1u << 7, /* no argument: the hash of the file that the hook is asked about */
};

struct event_arg {
	__u16 type;		/* enum arg_type of engine/arg.h */
	__u16 flags;
	__u32 size;		/* payload bytes that follow; the next event_arg starts at a multiple of 8 */
};

/* Calls that a hook was to stop, reported or not, by what became of them. They only count up. */
struct hook_stops {
	__u64 stopped;		/* HOOK_STOPPED */
	__u64 would_stop;	/* HOOK_WOULD_STOP */
	__u64 of_protected;	/* let go: the process is a protected one */
	__u8 hook[32];		/* SHA-256 of its set, content and index, for the agent */
};

/*
 * Why something that should have been reported was not; index into the per-CPU `losses` array. The
 * causes that actions have are in enum action_loss (engine/action.h), from LOSS_OF_ACTIONS on.
 */
enum loss {
	LOSS_RING_EXEC = 0,	/* RING: an event of that kind found its ring full, or the part of it
				 * that is kept for stops */
	LOSS_RING_CLONE,
	LOSS_RING_EXIT,
	LOSS_RING_STOP,
	LOSS_RING_POST,
	LOSS_RATE_EXEC,		/* RATE: its pod had more of them than rate_state has */
	LOSS_RATE_CLONE,
	LOSS_RATE_EXIT,
	LOSS_SHARE_EXEC,	/* SHARE: its pod, or its cgroup outside of pods, had added its share */
	LOSS_SHARE_CLONE,
	LOSS_SHARE_EXIT,
	LOSS_SHARE_STOP,
	LOSS_SHARE_POST,
	LOSS_PATH_TOO_DEEP,
	LOSS_PROCESS_STORAGE,
	LOSS_MATCHES,		/* more policies matched one call than the engine walks */
	LOSS_CALLS,		/* a CPU had more calls of one attach point interrupted than it has memory for */
	LOSS_RING_DATA,		/* a part of argv or of an environment, for which the ring has half */
	LOSS_RETURN_FULL,	/* no room for an event until its call returns: it goes out without that */
	LOSS_RETURN_LATE,	/* the policy of a call changed before that returned: its process was stopped */
	LOSS_HASH_FULL,		/* as many tasks as may have files hashed, or no memory: a file has no hash */
	LOSS_OF_ACTIONS = 32,
	LOSS_MAX = 64
};

#endif
