// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Reports when a function returns: what it read into a buffer is there now. */
#include "trampoline.h"

SEC("fexit/")
int hook(void *context)
{
	trampoline__run(context, true);
	return 0; /* the function has run */
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
