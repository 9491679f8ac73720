// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Reports and signals at a function's entry; cannot change what it returns. */
#include "trampoline.h"

SEC("fentry/")
int hook(void *context)
{
	trampoline__run(context, false);
	return 0; /* fentry cannot answer for the function */
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
