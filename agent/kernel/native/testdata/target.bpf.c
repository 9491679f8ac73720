// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Test object: its target and the size of its maps are given before it is loaded. */
#include <linux/bpf.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

struct task_struct {
	int tgid;
	struct task_struct *real_parent;
} __attribute__((preserve_access_index));

const volatile __u32 parent;

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

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} values SEC(".maps");

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
