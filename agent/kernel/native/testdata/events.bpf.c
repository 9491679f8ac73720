// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Test object: reports each exec below one parent `repeat` times, and counts what the ring lost. */
#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include "types.h"

struct task_struct {
	int tgid;
	struct task_struct *real_parent;
} __attribute__((preserve_access_index));

struct test_event {
	struct event_header header;
	__u32 pid;
	__u32 number;
	__u32 odd;		/* so that the size is no multiple of 8 */
};

#define TEST_EVENT_SIZE 28	/* without the padding of the struct */

const volatile __u32 parent;
const volatile __u32 repeat = 1;
volatile __u64 label SEC(".rodata.label") = 7;
__u64 executions;
__u64 total SEC(".data.state");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 65536);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} lost SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, __u64);
} tasks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 2);
	__uint(key_size, 4);
	__uint(value_size, 4);
} tables SEC(".maps");

static __always_inline void report(__u32 pid, __u32 number)
{
	struct test_event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
	__u32 zero = 0;
	__u64 *missed = bpf_map_lookup_elem(&lost, &zero);

	if (!event) {
		if (missed)
			*missed += 1;
		return;
	}
	__builtin_memset(event, 0, sizeof(*event));
	event->header.kind = EVENT_HOOK;
	event->header.size = TEST_EVENT_SIZE;
	event->pid = pid;
	event->number = number;
	bpf_ringbuf_submit(event, 0);
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct *task)
{
	if (task->real_parent->tgid != parent)
		return 0;
	__sync_fetch_and_add(&executions, 1);
	__sync_fetch_and_add(&total, label);
	for (__u32 i = 0; i < 1000 && i < repeat; i++)
		report(task->tgid, i);
	return 0;
}

/* The target is given by setAttachTarget. */
SEC("tp_btf")
int BPF_PROG(on_any, struct task_struct *task)
{
	__u64 *marks;
	__u32 zero = 0;

	if (task->real_parent->tgid != parent)
		return 0;
	marks = bpf_task_storage_get(&tasks, bpf_get_current_task_btf(), 0,
				     BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (marks && bpf_map_lookup_elem(&tables, &zero))
		*marks = 42;
	return 0;
}

char _license[] SEC("license") = "GPL";
