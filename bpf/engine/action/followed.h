/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The open file that an operation follows or no longer follows. */
#ifndef GUARDBEE_ENGINE_ACTION_FOLLOWED_H
#define GUARDBEE_ENGINE_ACTION_FOLLOWED_H

#include "../arg.h"

/* That of reading `arg`, or NULL. */
static __always_inline struct file *followed__file(struct call *call, struct operation *operation)
{
	return arg__file(call, &spec.readings[operation->arg & (READINGS_MAX - 1)]);
}

#endif
