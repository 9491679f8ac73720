/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Of the events of a selector and a process in `arg` seconds, lets out the first. */
#ifndef GUARDBEE_ENGINE_ACTION_AGGREGATE_H
#define GUARDBEE_ENGINE_ACTION_AGGREGATE_H

#include "../call.h"

enum aggregate_limit {
	WINDOWS_MAX = 16,	/* of one process at one attach point; a power of 2 */
};

struct aggregate_window {
	__u64 selector;		/* hook << 32 | selector + 1; 0: none */
	__u64 since;		/* boot-time ns */
};

/* The windows of one process. With all in use, the one that was opened first goes. */
struct aggregate_windows {
	__u64 image;		/* process_key.ktime */
	__u64 opened;		/* how many windows were */
	struct aggregate_window windows[WINDOWS_MAX];
};

/*
 * Kept with the group leader, of those processes only that some Aggregate has reported. Writer:
 * aggregate__run. A window that is gone lets the selector's next event out: none is lost.
 */
struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct aggregate_windows);
} aggregated SEC(".maps");

/* The ktime of the current process's record, or that which it will have: making it takes much stack. */
static __always_inline __u64 aggregate__image(struct task_struct *leader)
{
	struct process_info *info = bpf_task_storage_get(&process, leader, 0, 0);

	return info ? info->key.ktime : BPF_CORE_READ(leader, start_boottime);
}

/* The windows of the current process, none of which an image before it opened. NULL without memory. */
static __always_inline struct aggregate_windows *aggregate__windows(struct call *call)
{
	struct task_struct *leader = call->task->group_leader;
	__u64 image = aggregate__image(leader);
	struct aggregate_windows *of;

	of = bpf_task_storage_get(&aggregated, leader, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (of && of->image != image) {
		__builtin_memset(of, 0, sizeof(*of));
		of->image = image;
	}
	return of;
}

static __always_inline void aggregate__open(struct aggregate_windows *of, __u64 selector, __u64 now)
{
	__u64 number = __sync_fetch_and_add(&of->opened, 1);
	volatile struct aggregate_window *window =
		&of->windows[BOUNDED(number, WINDOWS_MAX - 1)];

	window->selector = 0; /* another thread takes no time for that of another selector */
	window->since = now;
	window->selector = selector;
}

/* Whether an event at `now` comes within the window; of those that end it, one opens the next. */
static __always_inline bool aggregate__is_within(struct aggregate_window *window, __u64 now,
						 __u64 size)
{
	__u64 since = *(volatile __u64 *)&window->since;

	if (now - since >= size)
		return __sync_val_compare_and_swap(&window->since, since, now) != since;
	return true;
}

static __always_inline enum outcome aggregate__run(struct call *call, struct operation *operation)
{
	struct aggregate_windows *of = aggregate__windows(call);
	__u64 selector = (__u64)call->entry->hook << 32 | (call->entry->selector + 1u);
	__u64 now = bpf_ktime_get_boot_ns(), size = (__u64)operation->arg * 1000000000;

	if (!of)
		return OUTCOME_NONE; /* reported each time */
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < WINDOWS_MAX; i++) {
		volatile struct aggregate_window *window = &of->windows[i];

		if (window->selector != selector)
			continue;
		if (!aggregate__is_within((void *)window, now, size) ||
		    window->selector != selector)
			return OUTCOME_NONE;
		losses__count(LOSS_AGGREGATED);
		return OUTCOME_SILENT;
	}
	aggregate__open(of, selector, now);
	return OUTCOME_NONE;
}

#endif
