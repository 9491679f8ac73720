// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Forgets an open file when its last descriptor is gone; its address may be another file's next. */
#include "../maps.h"

SEC("fentry/security_file_free")
int BPF_PROG(file_freed, struct file *file)
{
	__u64 key = (__u64)file;

	bpf_map_delete_elem(&followed, &key);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
