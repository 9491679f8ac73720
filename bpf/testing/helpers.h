/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The BPF helpers that know the present call: who makes it, and what is done about it. */
#ifndef GUARDBEE_TESTING_HELPERS_H
#define GUARDBEE_TESTING_HELPERS_H

#include "../engine/action.h"
#include "task.h"

#define ANSWER_MAX (1 << 20)

/* What the engine did to the present call. */
static struct {
	char events[ANSWER_MAX];
	__u32 event_bytes, signal_count;
	__u32 signals[MATCHES_MAX];
} did;

struct task_struct *bpf_get_current_task_btf(void)
{
	return &now.task;
}

/* Of the present call: a cgroup has its level as its id. */
static __u32 cgroup_depth;

__u64 bpf_get_current_cgroup_id(void)
{
	return cgroup_depth;
}

__u64 bpf_get_current_ancestor_cgroup_id(int level)
{
	return (__u32)level <= cgroup_depth ? (__u64)level : 0;
}

__u32 bpf_get_smp_processor_id(void)
{
	return 0;
}

/* Of the present call; of the process that makes it, what its attach point keeps from call to call. */
static __u64 clock_ns;
static __u32 point_number;
static struct shim_map *windows_by_owner;

__u64 bpf_ktime_get_boot_ns(void)
{
	return clock_ns;
}

static void *windows_of(__u32 pid)
{
	static const struct aggregate_windows none;
	__u64 owner = (__u64)point_number << 32 | pid;

	if (!bpf_map_lookup_elem(windows_by_owner, &owner))
		shim_map_put(windows_by_owner, &owner, &none);
	return bpf_map_lookup_elem(windows_by_owner, &owner);
}

/* What was left for the thread. */
static struct notices left;

void *bpf_task_storage_get(void *map, struct task_struct *task, void *value, __u64 flags)
{
	if (map == &aggregated)
		return windows_of(task->tgid);
	if (map == &notices)
		return &left;
	if (map == &identities)
		return &now.before;
	if (map == &file_hashes)
		return &now.hash;
	if (!now.has_info && !(flags & BPF_LOCAL_STORAGE_GET_F_CREATE))
		return NULL;
	now.has_info = true;
	return &now.info;
}

long bpf_send_signal(__u32 signal)
{
	if (did.signal_count == MATCHES_MAX)
		shim_fail("too many signals");
	did.signals[did.signal_count++] = signal;
	return 0;
}

long bpf_ringbuf_output(void *ring, void *record, __u64 size, __u64 flags)
{
	void *to = bpf_ringbuf_reserve(ring, size, flags);

	__builtin_memcpy(to, record, size);
	return 0;
}

void *bpf_ringbuf_reserve(void *ring, __u64 size, __u64 flags)
{
	__u32 at = did.event_bytes;

	if (at + size > ANSWER_MAX - 8)
		shim_fail("too many events");
	did.event_bytes += (size + 7) & ~7u;
	return did.events + at;
}

void bpf_ringbuf_submit(void *record, __u64 flags)
{
}

/* A record is its place and its size. */
long bpf_ringbuf_reserve_dynptr(void *ring, __u32 size, __u64 flags, struct bpf_dynptr *record)
{
	record->opaque[0] = (__u64)bpf_ringbuf_reserve(ring, size, flags);
	record->opaque[1] = size;
	return 0;
}

long bpf_dynptr_write(const struct bpf_dynptr *record, __u32 at, void *from, __u32 size, __u64 flags)
{
	if ((__u64)at + size > record->opaque[1])
		shim_fail("a write behind the end of a record");
	__builtin_memcpy((char *)record->opaque[0] + at, from, size);
	return 0;
}

void bpf_ringbuf_submit_dynptr(struct bpf_dynptr *record, __u64 flags)
{
}

void bpf_ringbuf_discard_dynptr(struct bpf_dynptr *record, __u64 flags)
{
	shim_fail("a record without room");
}

/* The ring is always empty. */
__u64 bpf_ringbuf_query(void *ring, __u64 what)
{
	return 0;
}

long bpf_get_func_arg(void *context, __u32 index, __u64 *value)
{
	*value = ((__u64 *)context)[index];
	return 0;
}

long bpf_get_func_ret(void *context, __u64 *value)
{
	*value = ((__u64 *)context)[PARAMETERS_MAX];
	return 0;
}

/* There is no process to write to. */
long bpf_probe_write_user(void *to, const void *from, __u32 size)
{
	return -EFAULT;
}

/* No call here has come from anywhere. */
long bpf_get_stack(void *context, void *to, __u32 size, __u64 flags)
{
	return 0;
}

#endif
