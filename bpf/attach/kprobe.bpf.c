// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Where a function has no BTF, or no trampoline, or a trampoline's program may be skipped: the same
 * decision from a kprobe.
 */
#include "kprobe.h"

SEC("kprobe")
int hook(struct pt_regs *context)
{
	kprobe__run(context);
	return 0; /* a kprobe's value means nothing */
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
