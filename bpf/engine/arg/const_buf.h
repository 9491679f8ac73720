/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* An array in the record of a tracepoint, whose elements are numbers. */
#ifndef GUARDBEE_ENGINE_ARG_CONST_BUF_H
#define GUARDBEE_ENGINE_ARG_CONST_BUF_H

#include "../lookup.h"
#include "error.h"

#define CONST_BUF_MAX 1024	/* as upstream, in bytes */

struct const_buf_payload {
	__u32 element;		/* bytes of one; all of them follow */
};

static __always_inline __u32 const_buf__emit(struct call *call, const volatile struct reading *reading,
					     struct event_arg *arg, char *to)
{
	struct const_buf_payload *payload = (void *)to;
	__u32 index = reading->index, size;

	if (index >= FIELDS_MAX)
		return error__emit(arg, to, EINVAL); /* cannot be: no record has more fields */
	size = call->scratch->sizes[index];
	if (size > CONST_BUF_MAX) {
		size = CONST_BUF_MAX;
		arg->flags |= ARG_CUT;
	}
	size = BOUNDED(size, 2 * CONST_BUF_MAX - 1);
	payload->element = spec.fields[index].element;
	if (bpf_probe_read_kernel(payload + 1, size, (void *)call__parameter(call, index)))
		return error__emit(arg, to, EFAULT);
	return sizeof(*payload) + size;
}

#endif
