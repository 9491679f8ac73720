/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What stands in an event in place of an argument that could not be read. */
#ifndef GUARDBEE_ENGINE_ARG_ERROR_H
#define GUARDBEE_ENGINE_ARG_ERROR_H

#include "../call.h"

#define EBADF 9
#define EFAULT 14
#define EINVAL 22

struct error_payload {
	__u32 error;		/* errno */
};

static __always_inline __u32 error__emit(struct event_arg *arg, char *to, __u32 error)
{
	arg->type = ARG_ERROR;
	arg->flags = 0;
	((struct error_payload *)to)->error = error;
	return sizeof(struct error_payload);
}

#endif
