// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Before each of many functions: the cookie says which of them it was. */
#include "kprobe.h"

SEC("kprobe.multi")
int hook(struct pt_regs *context)
{
	kprobe__run(context);
	return 0; /* a kprobe's value means nothing */
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
