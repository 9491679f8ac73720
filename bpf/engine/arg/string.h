/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A pointer to text that ends with NUL. */
#ifndef GUARDBEE_ENGINE_ARG_STRING_H
#define GUARDBEE_ENGINE_ARG_STRING_H

#include "../lookup.h"
#include "error.h"

/* Reads so many bytes at most, the NUL included: how many there were, or negative. */
static __always_inline long string__read(void *to, __u32 size, __u64 from)
{
	long read;

	if (!spec.syscall) {
		read = bpf_probe_read_kernel_str(to, size, (void *)from);
		if (read > 0)
			return read;
	}
	return bpf_probe_read_user_str(to, size, (void *)from);
}

static __always_inline enum known string__text(struct call *call,
					       const volatile struct reading *reading, __u32 part,
					       struct text *to)
{
	/* one byte more than is compared, so that what is longer is known */
	__u32 most = to->match & MATCH_POSTFIX ? DATA_SIZE : TEXT_SIZE + 2;
	long read = string__read(text__buffer(call), most, call__parameter(call, reading->index));

	if (read <= 0)
		return KNOWN_NOT;
	text__of_buffer(call, BOUNDED(read - 1, DATA_SIZE - 1), to);
	if (read == DATA_SIZE)
		to->tail_size = 0; /* where it ends cannot be told */
	return KNOWN_EXACTLY;
}

/* The text without NUL, of which DATA_SIZE - 1 bytes at most are read. */
static __always_inline __u32 string__emit(struct call *call, const volatile struct reading *reading,
					  struct event_arg *arg, char *to)
{
	long read = string__read(to, DATA_SIZE, call__parameter(call, reading->index));

	if (read <= 0)
		return error__emit(arg, to, EFAULT);
	return BOUNDED(read - 1, DATA_SIZE - 1);
}

#endif
