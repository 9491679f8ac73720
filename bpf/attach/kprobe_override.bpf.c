// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A kprobe on a function that admits error injection, which can keep it from running. */
#include "kprobe.h"

SEC("kprobe")
int hook(struct pt_regs *context)
{
	long result = kprobe__run(context);

	if (result)
		bpf_override_return(context, result);
	return 0; /* a kprobe's own value means nothing */
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
