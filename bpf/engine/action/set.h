/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Writes the number `arg` where the program has the argument of `reading` in its memory. */
#ifndef GUARDBEE_ENGINE_ACTION_SET_H
#define GUARDBEE_ENGINE_ACTION_SET_H

#include "../call.h"

/* None where it cannot be written: it is in no memory at the moment, or in such as is only read. */
static __always_inline enum outcome set__run(struct call *call, struct operation *operation)
{
	__u32 index = spec.readings[operation->reading & (READINGS_MAX - 1)].index;
	__s32 value = operation->arg;
	__u64 at;

	if (index >= PARAMETERS_MAX)
		return OUTCOME_NONE; /* cannot be: it is a parameter */
	at = call->scratch->places[index];
	if (at && !bpf_probe_write_user((void *)at, &value, sizeof(value)))
		return OUTCOME_STOPPED;
	losses__count(LOSS_SET_FAILED);
	return OUTCOME_NONE;
}

#endif
