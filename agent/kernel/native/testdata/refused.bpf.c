// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Test object: the verifier refuses it, for a map value that may be missing. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} values SEC(".maps");

SEC("tp_btf/sched_process_exec")
int unchecked(void *ctx)
{
	__u32 key = 1;
	__u64 *value = bpf_map_lookup_elem(&values, &key);

	return *value;
}

char _license[] SEC("license") = "GPL";
