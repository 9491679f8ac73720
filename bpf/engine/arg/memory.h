/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a pointer points to: memory of the process where that gave it, and else of the kernel, or of either. */
#ifndef GUARDBEE_ENGINE_ARG_MEMORY_H
#define GUARDBEE_ENGINE_ARG_MEMORY_H

#include "../call.h"

/* 0, or negative when it cannot be read. */
static __always_inline long memory__read(void *to, __u64 size, __u64 from)
{
	if (spec.syscall)
		return bpf_probe_read_user(to, size, (void *)from);
	if (!bpf_probe_read_kernel(to, size, (void *)from))
		return 0;
	return bpf_probe_read_user(to, size, (void *)from);
}

#endif
