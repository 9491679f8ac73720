// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* When a function returns: what waits for that goes out. */
#include "returned.h"

SEC("fexit/")
int hook(void *context)
{
	returned__hook(context);
	return 0; /* the function has run */
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
