// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Runs before a function that admits error injection; not 0 is returned in its place. */
#include "trampoline.h"

SEC("fmod_ret/")
int hook(void *context)
{
	return trampoline__run(context, false);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
