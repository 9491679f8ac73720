// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* As file_free, on a kernel that skips programs on trampolines: none of these is missed. */
#include "../follow.h"

SEC("kprobe")
int BPF_KPROBE(file_freed, struct file *file)
{
	follow__forget((__u64)file);
	return 0; /* a kprobe's value means nothing */
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
