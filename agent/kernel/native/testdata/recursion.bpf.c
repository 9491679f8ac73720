// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Test object: a program that is called once for each execution, and from within itself, which the kernel skips. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("tp_btf/sched_process_exec")
int on_exec(void *ctx)
{
	char name[16];

	return bpf_get_current_comm(name, sizeof(name)) != 0;
}

SEC("fentry/bpf_get_current_comm")
int on_comm(void *ctx)
{
	char name[16];

	bpf_get_current_comm(name, sizeof(name));
	return 0;
}

char _license[] SEC("license") = "GPL";
