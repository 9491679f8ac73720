/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Sets of capabilities (kernel_cap_t *), and the number of one. */
#ifndef GUARDBEE_ENGINE_ARG_CAPABILITIES_H
#define GUARDBEE_ENGINE_ARG_CAPABILITIES_H

#include "error.h"
#include "number.h"

/* A bit each: eight bytes in every kernel, whatever they are of. */
static __always_inline enum known capabilities__number(struct call *call,
						       const volatile struct reading *reading,
						       __u32 part, __u64 *value)
{
	__u64 bits;

	if (bpf_probe_read_kernel(&bits, sizeof(bits),
				  (void *)call__parameter(call, reading->index)))
		return KNOWN_NOT;
	*value = bits;
	return KNOWN_EXACTLY;
}

static __always_inline __u32 capabilities__emit(struct call *call,
						const volatile struct reading *reading,
						struct event_arg *arg, char *to)
{
	if (capabilities__number(call, reading, 0, (__u64 *)to) != KNOWN_EXACTLY)
		return error__emit(arg, to, EFAULT);
	return sizeof(__u64);
}

#endif
