/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* One call of an attach point while it is decided. */
#ifndef GUARDBEE_ENGINE_CALL_H
#define GUARDBEE_ENGINE_CALL_H

#include "../process/info.h"
#include "place.h"
#include "tables.h"

#define EVENT_ARG_MAX (8 + 4 + PATH_SIZE)
#define EVENT_ARGS_SIZE 16384	/* a per-CPU value may have 32 KiB; reached only by four whole paths */
#define ARGS_MASK (EVENT_ARGS_SIZE - 1)
#define ARGS_LAST (EVENT_ARGS_SIZE - EVENT_ARG_MAX - 8)

/*
 * How many calls of one attach point can be decided at once on one CPU. The kernel skips a tracing
 * program that is active on this CPU already: such a call goes unseen, and 1 is enough. It does not
 * skip an LSM program, which may come while other tasks are preempted in it.
 */
#ifndef CALLS_MAX
#define CALLS_MAX 1
#endif

/* A struct sockaddr (arg/sockaddr.h): the same bytes in every kernel, for user space passes them. */
struct socket_address {
	__u16 family;
	__be16 port;
	union {
		__u8 of_inet[4];
		struct {
			__u32 flow;
			__u8 of_inet6[16];
		};
	};
};

/* A packet that was looked into (arg/skb.h). */
struct packet {
	__u8 saddr[16];		/* of AF_INET the first 4 bytes */
	__u8 daddr[16];
	__u16 family;		/* 0: it is none of IP */
	__u16 protocol;
	__u16 sport;
	__u16 dport;
	__u32 has_protocol;	/* enum known */
	__u32 ports;		/* enum known, of both */
	__u32 is_part;		/* of a packet whose beginning is in another */
};

enum rate_arg { RATE_ARG_SIZE = 44, RATE_ARG_MASK = 63 };

/* Events with equal ones are alike to a rate limit: see rate.h. */
struct rate_key {
	__u64 started;		/* of the task, boot-time ns; 0: of any */
	__u32 task;
	__u32 hook;
	__u32 selector;
	__u32 zero;
	struct {
		__u32 size;	/* of the whole payload */
		char payload[RATE_ARG_SIZE];
	} args[PARAMETERS_MAX];
};

/* Memory of one CPU for one call of one attach point. Nobody else writes here meanwhile. */
struct call_scratch {
	struct path_buffer path;
	struct prefix_key prefix;
	struct equal_key equal;
	struct rate_key rate;
	/* Of the entry whose operations run: on the stack the verifier of 6.1 takes them for constant. */
	__u32 said;	/* hook_event.flags of that entry */
	__u32 outcome;	/* of its operations so far */
	__u64 parameters[FIELDS_MAX];
	__u32 sizes[FIELDS_MAX];	/* of a tracepoint's bytes, whose address is the parameter */
	__u64 registers;	/* USE_REGISTERS: where they are */
	__u64 places[PARAMETERS_MAX];	/* ACTION_SET: where in its memory a program has them; 0: nowhere */
	struct identity identity; /* USE_CHANGES: what the process is now */
	__u64 changes[8];	/* USE_CHANGES: by enum cap_set, from CAP_SET_CHANGED on */
	struct packet packet;
	struct socket_address address;
	struct parts parts;
	struct {
		__u32 at;	/* of path.text: the next byte */
		__u32 end;	/* the byte behind the text */
		__u32 state;
	} substring;		/* substring.h */
	struct place whole_rest; /* USE_WHOLE: what the event in the scratch lacks of an argument */
	__u64 whole_left;	/* so many bytes; 0: of none */
	__u64 result;		/* return value, at exit */
	__u64 frame;		/* where this call's registers are on the stack: nobody else's are there */
	struct waiting waiting;	/* before event, as in the map */
	struct hook_event event;
	char args[EVENT_ARGS_SIZE];
	__u64 own;		/* its bit in calls_in_use */
	__u32 entry;		/* USE_FUNCTIONS: for hook_event.entry */
	__u32 bit;		/* of the selector whose actions are carried out */
	__u32 found;		/* by act__next_bit: here the verifier forgets in which word it was */
	__u32 waits;		/* how many events wait for this call to return */
	__u32 unread;		/* USE_UNREAD, or paths: a bit for each parameter that could not be read */
	__u32 rate_limit;	/* operation.arg of the entry's Post, or 0: see rate.h */
	__u64 posts;		/* how many events it had for the ring of that name */
	__u64 bits[];		/* SCRATCH_BITMAPS of them, of spec.words each: see bits.h */
};

enum scratch_size {
	SCRATCH_SIZE = sizeof(struct call_scratch), /* without its bitmaps */
	SCRATCH_BITMAPS = 3,
};

/* The value's size is set at load: bitmaps are small where an attach point has few selectors. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, CALLS_MAX);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, SCRATCH_SIZE + SCRATCH_BITMAPS * sizeof(__u64));
} call_scratch SEC(".maps");

#if CALLS_MAX > 1
/* Which entries of call_scratch are in use on this CPU, a bit each. Written by call__take, call__leave. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} calls_in_use SEC(".maps");
#endif

/* What came of an operation. */
enum outcome {
	OUTCOME_NONE = 0,
	OUTCOME_STOPPED = 1u << 0, /* the call or its process */
	OUTCOME_SILENT = 1u << 1, /* the selector reports nothing */
};

/* On the stack: the verifier forgets what a pointer is once it lies in a map. */
struct call {
	struct call_scratch *scratch;
	struct hook_table *table;
	struct process_info *info; /* once asked for */
	struct task_struct *task; /* the current one */
	void *context;		/* the program's own, or NULL; USE_STACKS, READ_TYPED */
	__u64 any;		/* not 0 when selectors are left */
	struct action_entry *entry; /* the one whose operations are carried out */
	__u32 slot;		/* engine_state.active as it was at entry */
	__s32 override;		/* 0 or -errno: what the call shall return instead */
	__u32 at;		/* the bit whose actions are next */
	__u32 word;		/* the only word of `left` that counts, or WORD_SEVERAL */
	__u32 live;		/* of many words the only one that is left, or WORD_SEVERAL: see call__narrow */
	bool in_pod;		/* the process is, or in a container */
};

/* False when this CPU has no memory left for another call. What was taken call__leave gives back. */
static __always_inline bool call__take(struct call *call)
{
	__u32 number = 0;
#if CALLS_MAX > 1
	__u64 *in_use = bpf_map_lookup_elem(&calls_in_use, &number);

	if (!in_use)
		return false; /* cannot be: the array has this entry */
	/* `number` lies on the stack, as a key: counted there, the verifier of 6.1 sees no end of it */
	number = CALLS_MAX;
	for (__u32 i = 0; i < CALLS_MAX; i++) {
		__u64 own = 1ULL << i;

		if (__sync_fetch_and_or(in_use, own) & own)
			continue;
		number = i;
		break;
	}
	if (number == CALLS_MAX) {
		losses__count(LOSS_CALLS);
		return false;
	}
#endif
	call->scratch = bpf_map_lookup_elem(&call_scratch, &number);
	if (!call->scratch)
		return false; /* cannot be: the array has CALLS_MAX entries */
#if CALLS_MAX > 1
	call->scratch->own = 1ULL << number;
#endif
	return true;
}

/* Ends a call that was entered. */
static __always_inline void call__leave(struct call *call)
{
#if CALLS_MAX > 1
	__u32 zero = 0;
	__u64 *in_use = bpf_map_lookup_elem(&calls_in_use, &zero);

	if (in_use)
		__sync_fetch_and_and(in_use, ~call->scratch->own);
#endif
}

static __always_inline __u64 call__parameter(struct call *call, __u32 index)
{
	return index < FIELDS_MAX ? call->scratch->parameters[index] : 0;
}

/* The record of the current process. NULL only without memory. */
static __always_inline struct process_info *call__info(struct call *call)
{
	if (!call->info)
		call->info = info__of(call->task, &call->scratch->path);
	return call->info;
}

/* Says why what stops is left out, in hook_event.flags: monitor mode, or a part of the node. */
static __always_inline void call__spare(struct call *call, struct process_info *info)
{
	if (info && info->flags & PROCESS_PROTECTED)
		call->scratch->said = HOOK_MONITORED;
	else if (call->entry->flags & ACT_MONITORED)
		call->scratch->said = HOOK_MONITORED | HOOK_WOULD_STOP;
}

/* Counts the call in `stops`: events are optional and can be lost. */
static __always_inline void call__count(struct call *call, __u32 hook)
{
	struct hook_stops *counts = bpf_map_lookup_elem(&stops, &hook);

	if (!counts)
		return; /* cannot be: the agent makes it before the hook is in force */
	if (call->scratch->said & HOOK_STOPPED)
		stops__count(&counts->stopped);
	else if (call->scratch->said & HOOK_WOULD_STOP)
		stops__count(&counts->would_stop);
	else if (call->scratch->said & HOOK_MONITORED)
		stops__count(&counts->of_protected);
}

#endif
