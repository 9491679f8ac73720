/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The maps that every program shares. process.bpf.o creates them; the others reuse its pins. */
#ifndef GUARDBEE_MAPS_H
#define GUARDBEE_MAPS_H

#include "kernel.h"
#include "binaries.h"
#include "move_state.h"
#include "shared_tables.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#include "waiting.h"

/* struct process_info.flags, beside the EXEC_* that are kept there */
enum process_flag {
	PROCESS_PROTECTED = 1u << 16, /* a part of the node itself: never killed or denied */
	PROCESS_EXITED = 1u << 17,
	PROCESS_LATE = 1u << 18, /* was running before process tracking was */
	PROCESS_AGENT = 1u << 19, /* the running agent: in no scope. Writer: itself, by pidfd */
	PROCESS_OF_HOST = 1u << 20, /* runs a program that was started on the host, wherever it is now */
	PROCESS_SENT = 1u << 21, /* made by such a process while that was in no pod, and not exec'd yet */
	PROCESS_SHARES_FILES = 1u << 22, /* had its descriptors in common with another process */
	PROCESS_RENEWED = 1u << 23, /* its program was noted before process_exec told of the exec */
};

/* What is known of one process, kept with its group leader. */
struct process_info {
	struct process_key key;
	struct process_key parent;
	__u32 flags;
	__u32 zero;
	__u64 image;		/* task__image() as it was when the executable was noted; 0: not known */
	struct executable binary;
	/* That of who made it, or its own before it ran another. With EXEC_CLONED, and without PROCESS_RENEWED, that is `binary`, still. */
	struct executable parent_binary;
};

/* The one place that a flip writes. */
struct engine_state {
	__u32 active;		/* which of the two slots of every table is in force */
	__u32 pod_files;	/* how many followed files a pod may have open */
	__u32 binary_generation[2];
	__u32 notes_identity;	/* 1: a policy asks what processes were before: see identity.h */
};

/* Writer: agent. A variable, so that a program reads it without a look-up. */
volatile struct engine_state engine_state SEC(".data.engine_state");

enum map_limit {
	RING_SIZE = 1u << 22,	/* about a second of a busy node, while the agent restarts */
	STOPS_MAX = 8192,
};

/*
 * To the agent: what processes there are, and the hook events that tell of a stop. The agent reads
 * it before `posts`, so that a process is known when something else is told of it.
 */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, RING_SIZE);
} events SEC(".maps");

/* To the agent: all other hook events. They may come as often as a call does. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, RING_SIZE);
} posts SEC(".maps");

/* Writer: posts__admit. A variable, so that a program reads it without a look-up. */
struct posts_state {
	__u64 crowded;		/* 1: `posts` was more than half full when last looked at */
};
volatile struct posts_state posts_state SEC(".data.posts_state");

/* What somebody added to a ring since the agent last read half of it. */
struct ring_share {
	__u64 period;		/* how many halves of the ring the agent had read */
	__u64 bytes;
};

/*
 * Pod, and outside of pods cgroup -> its part of each ring. Writer: events.h, only while that ring is more
 * than half full. The least used entries go.
 */
struct event_share {
	struct ring_share events;
	struct ring_share posts;
	__u64 denied;		/* a bit for each enum loss: of what it had more than its share */
};
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, __u64);
	__type(value, struct event_share);
} event_shares SEC(".maps");

/* How many events about its processes each pod may have in so many ns; 0: as many as it likes. */
struct rate_state {
	__u64 events;
	__u64 interval;
};
/* Writer: agent, at its start. A variable, so that a program reads it without a look-up. */
volatile struct rate_state rate_state SEC(".data.rate_state");

/* What exec events have beside what they always have. */
struct process_state {
	__u32 asked;		/* enum exec_asked */
	__u32 may_miss;		/* 1: the kernel may keep from the programs here that a task execs */
};
/* Writer: agent, at its start. A variable, so that a program reads it without a look-up. */
volatile struct process_state process_state SEC(".data.process_state");

/* Pod, and outside of pods cgroup -> its events since then. Writer: events__is_over_rate. */
struct event_rate {
	__u64 since;		/* boot-time ns */
	__u64 count;
};
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, __u64);
	__type(value, struct event_rate);
} event_rates SEC(".maps");

/* Index: enum loss. Only counts up. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, LOSS_MAX);
	__type(key, __u32);
	__type(value, __u64);
} losses SEC(".maps");

/*
 * action_entry.hook -> calls that it was to stop. The agent makes an entry before a hook is in force
 * and deletes it when the hook is gone, so that a program which replaces another goes on with its
 * counts. Twice the hooks that a node may have: an edit of all comes beside what it replaces.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, STOPS_MAX);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32);
	__type(value, struct hook_stops);
} stops SEC(".maps");

/* Writer: exec and fork here, the agent for what ran before. Freed with the task. */
struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct process_info);
} process SEC(".maps");

/* What a process was when it last executed a program, or was made. */
struct identity {
	__u64 image;		/* task__image: whose it is; 0: not noted */
	__u64 sets[3];		/* by enum cap_set */
	__u32 namespaces[10];	/* inode numbers by enum namespace_part; 0: it had none */
};
/* Writer: identity.h, where engine_state.notes_identity says so. Freed with the task. */
struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct identity);
} identities SEC(".maps");

/* What policies have left for the thread's next call of their enforcers. Writer: engine/notice.h. */
struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct notices);
} notices SEC(".maps");

/*
 * cgroup id -> scope class, of pods and containers that are known and of the folders that pods are
 * made in. Any other cgroup has the class of the nearest one above it. Writer: agent; rmdir deletes.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u64);
	__type(value, __u32);
} cgroup_class SEC(".maps");

enum scope_class {
	SCOPE_HOST = 0,
	SCOPE_UNKNOWN_POD = 1,	/* below a folder of pods, and in no cgroup that has a class */
};

/* Where pods are. */
enum scope_place {
	PLACE_NOWHERE = 0,	/* every process is the host's */
	PLACE_ROOT,		/* below scope_state.root alone */
	PLACE_ANYWHERE,		/* below whatever cgroup has a class */
};

/* Writer: agent. A variable, so that a program reads it without a look-up. */
struct scope_state {
	__u64 root;		/* cgroup id of the folder in which kubelet makes pods */
	__u32 level;		/* its depth below the root of cgroups */
	__u32 place;		/* last: a writer sets what it speaks of before */
};
volatile struct scope_state scope_state SEC(".data.scope_state");

/* Executables of the node's own services -> 1. Writer: agent, at start. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, char[BINARY_SIZE]);
	__type(value, __u32);
} protected_binaries SEC(".maps");

/* Open file description (struct file *) -> who follows it. Writer: follow.h; file_free deletes. */
struct followed_file {
	__u64 groups;		/* the policies that follow it, a bit each; first in every version */
	__u64 pod;		/* in whose share it counts */
};
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 262144);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u64);
	__type(value, struct followed_file);
} followed SEC(".maps");

/* Pod (id of its cgroup; 0: all that is in none) -> its followed files. Writer: follow.h, file_free. */
struct follow_share {
	__u64 files;		/* entries of `followed` that count here */
	__u64 over_share;	/* files that were not followed: there were engine_state.pod_files */
	__u64 over_table;	/* the same: `followed` was full */
	__u64 groups;		/* the policies that were to follow those */
	__u64 lost;		/* of these, whose unfollowed files some process may have nevertheless */
};
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u64);
	__type(value, struct follow_share);
} follow_shares SEC(".maps");

/* Writer: follow.h. A variable, so that a program reads it without a look-up. */
struct follow_state {
	__u64 lost;		/* of all shares */
	__u64 lost_elsewhere;	/* in pods for whose share there was no room */
};
volatile struct follow_state follow_state SEC(".data.follow_state");

/* The mask as an instruction: the compiler drops one that it knows to change nothing. */
#ifndef BOUNDED /* bpf/testing has no verifier, and another processor */
#define BOUNDED(value, mask)                                               \
	({                                                                 \
		__u64 bounded = (value);                                   \
		asm volatile("%0 &= %1" : "+r"(bounded) : "i"(mask));      \
		bounded;                                                   \
	})
#endif

/* The same by a constant of the program (spec): of what it loads from there the verifier knows the value. */
#ifndef BOUNDED_BY
#define BOUNDED_BY(value, mask)                                            \
	({                                                                 \
		__u64 bounded = (value), by = (mask);                      \
		asm volatile("%0 &= %1" : "+r"(bounded) : "r"(by));        \
		bounded;                                                   \
	})
#endif

static __always_inline void losses__count(__u32 cause)
{
	__u64 *count = bpf_map_lookup_elem(&losses, &cause);

	if (count)
		*count += 1;
}

static __always_inline void stops__count(__u64 *count)
{
	__sync_fetch_and_add(count, 1);
}

#endif
