// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Programs that do nothing: the floor under what ours cost. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("fentry/__x64_sys_write")
int empty_write(void *context)
{
	return 0; /* an entry program's value means nothing */
}

SEC("fentry/security_file_permission")
int empty_file_permission(void *context)
{
	return 0; /* an entry program's value means nothing */
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
