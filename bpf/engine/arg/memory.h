/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a pointer points to: memory of the process where that gave it, and else of the kernel, or of either. */
#ifndef GUARDBEE_ENGINE_ARG_MEMORY_H
#define GUARDBEE_ENGINE_ARG_MEMORY_H

#include "../call.h"

/* Whether what `reading` leads to is the kernel's, in a program whose parameters are a process's. */
static __always_inline bool memory__is_kernel(const volatile struct reading *reading)
{
	return spec.path_count && reading->flags & READ_KERNEL;
}

/* 0, or negative when it cannot be read. */
static __always_inline long memory__read(void *to, __u64 size, __u64 from)
{
	if (spec.syscall)
		return bpf_probe_read_user(to, size, (void *)from);
	if (!bpf_probe_read_kernel(to, size, (void *)from))
		return 0;
	return bpf_probe_read_user(to, size, (void *)from);
}

/* The same of what `reading` leads to. */
static __always_inline long memory__read_of(const volatile struct reading *reading, void *to,
					    __u64 size, __u64 from)
{
	if (memory__is_kernel(reading))
		return bpf_probe_read_kernel(to, size, (void *)from);
	return memory__read(to, size, from);
}

#endif
