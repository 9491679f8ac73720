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

char _license[] SEC("license") = "GPL";
