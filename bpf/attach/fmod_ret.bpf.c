// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Runs before a function that admits error injection; not 0 is returned in its place. */
#include "trampoline.h"

/* 64 bits wide: a system call's function returns long, and -EPERM must not become 4294967295. */
SEC("fmod_ret/")
long hook(void *context)
{
	return trampoline__run(context, false);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
