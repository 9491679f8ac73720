// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Test object: counts the calls that `parent` makes of what it is attached to. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

const volatile __u32 parent;
__u64 calls;

SEC("kprobe")
int on_call(void *ctx)
{
	if (bpf_get_current_pid_tgid() >> 32 == parent)
		__sync_fetch_and_add(&calls, 1);
	return 0;
}

char _license[] SEC("license") = "GPL";
