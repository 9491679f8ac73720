/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Text in the record of a tracepoint, which ends with NUL or with the room that it has. */
#ifndef GUARDBEE_ENGINE_ARG_DATA_LOC_H
#define GUARDBEE_ENGINE_ARG_DATA_LOC_H

#include "../lookup.h"
#include "error.h"

/* Reads so many bytes at most, and a NUL: how many there were, or negative. */
static __always_inline long data_loc__read(struct call *call, const volatile struct reading *reading,
					   void *to, __u32 most)
{
	__u32 index = reading->index, room;

	if (index >= FIELDS_MAX)
		return -1; /* cannot be: no record has more fields */
	room = call->scratch->sizes[index];
	if (room >= most)
		room = most - 1;
	return bpf_probe_read_kernel_str(to, BOUNDED(room + 1, 2 * DATA_SIZE - 1),
					 (void *)call__parameter(call, index));
}

static __always_inline enum known data_loc__text(struct call *call,
						 const volatile struct reading *reading,
						 __u32 part, struct text *to)
{
	long read = data_loc__read(call, reading, text__buffer(call), DATA_SIZE);

	if (read <= 0)
		return KNOWN_NOT;
	text__of_buffer(call, BOUNDED(read - 1, DATA_SIZE - 1), to);
	if (read == DATA_SIZE)
		to->tail_size = 0; /* where it ends cannot be told */
	return KNOWN_EXACTLY;
}

/* The text without NUL, of which DATA_SIZE - 1 bytes at most are read. */
static __always_inline __u32 data_loc__emit(struct call *call, const volatile struct reading *reading,
					    struct event_arg *arg, char *to)
{
	long read = data_loc__read(call, reading, to, DATA_SIZE);

	if (read <= 0)
		return error__emit(arg, to, EFAULT);
	return BOUNDED(read - 1, DATA_SIZE - 1);
}

#endif
