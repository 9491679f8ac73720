/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The rate limit of a Post: of events that are alike, lets out one in a period. */
#ifndef GUARDBEE_ENGINE_RATE_H
#define GUARDBEE_ENGINE_RATE_H

#include "call.h"

enum rate_limit {
	RATE_SCOPE_BITS = 2,	/* of operation.arg, the lowest; the rest is in seconds */
	RATES_MAX = 1024,	/* alike events that an attach point with a rate limit knows */
};

/* Whose events are alike: those of one thread, of one process, of all. */
enum rate_scope { RATE_THREAD = 0, RATE_PROCESS, RATE_GLOBAL };

/*
 * Events that are alike -> when one of them went out last, in boot-time ns. The least used entries go:
 * an event that is forgotten goes out. As large as RATES_MAX where a policy has a rate limit.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1);
	__type(key, struct rate_key);
	__type(value, __u64);
} rates SEC(".maps");

static __always_inline void rate__whose(struct call *call, struct action_entry *entry,
					struct rate_key *key)
{
	struct task_struct *task = call->task;

	key->hook = entry->hook;
	key->selector = entry->selector;
	key->task = 0;
	key->started = 0;
	switch ((enum rate_scope)(call->scratch->rate_limit & ((1u << RATE_SCOPE_BITS) - 1))) {
	case RATE_GLOBAL:
		return;
	case RATE_PROCESS:
		task = task->group_leader;
		break;
	case RATE_THREAD:
		break;
	}
	key->task = task->pid;
	key->started = BPF_CORE_READ(task, start_boottime);
}

/* Of each of `count` arguments in scratch->args what makes it alike: its size, its payload's beginning. */
static __always_inline void rate__read_args(struct call_scratch *scratch, __u32 count,
					    struct rate_key *key)
{
	__u32 at = 0;

	__builtin_memset(key->args, 0, sizeof(key->args));
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < PARAMETERS_MAX && i < count; i++) {
		struct event_arg *arg;
		__u32 size;

		if (at > ARGS_LAST)
			return; /* cannot be: there was room for it */
		arg = (void *)(scratch->args + BOUNDED(at, ARGS_MASK));
		if (arg->flags & (ARG_KERNEL_STACK | ARG_USER_STACK))
			return; /* behind all arguments, and no part of what is alike */
		size = arg->size;
		at += (sizeof(*arg) + size + 7) & ~7u;
		key->args[i].size = size;
		if (size > RATE_ARG_SIZE)
			size = RATE_ARG_SIZE;
		bpf_probe_read_kernel(key->args[i].payload, BOUNDED(size, RATE_ARG_MASK), arg + 1);
	}
}

/*
 * Whether an alike event went out so shortly before this one, whose `count` arguments are in
 * scratch->args, that it does not; else it does.
 */
static __always_inline bool rate__is_over(struct call *call, struct action_entry *entry,
					  __u32 count)
{
	__u64 period = (__u64)(call->scratch->rate_limit >> RATE_SCOPE_BITS) * 1000000000;
	__u64 now = bpf_ktime_get_boot_ns(), *last, before;
	struct rate_key *key = &call->scratch->rate;

	rate__read_args(call->scratch, count, key);
	rate__whose(call, entry, key);
	last = bpf_map_lookup_elem(&rates, key);
	if (!last) {
		bpf_map_update_elem(&rates, key, &now, BPF_ANY);
		return false;
	}
	before = *(volatile __u64 *)last;
	return now - before < period || __sync_val_compare_and_swap(last, before, now) != before;
}

#endif
