// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Before an instruction of a program or a library, in every process that has mapped the file. */
#include "uprobe.h"

SEC("uprobe")
int hook(struct pt_regs *context)
{
	uprobe__run(context);
	return 0; /* a uprobe's value means nothing */
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
