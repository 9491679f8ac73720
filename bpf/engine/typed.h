/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Parameters whose types the verifier knows: what they point to is read in place. */
#ifndef GUARDBEE_ENGINE_TYPED_H
#define GUARDBEE_ENGINE_TYPED_H

#include "call.h"

/*
 * The parameter of a reading that has READ_TYPED, with the type that the verifier knows it to have. Each
 * in a load of its own: the context may be read at constant places alone.
 */
static __always_inline void *call__typed(struct call *call, const volatile struct reading *reading)
{
	void **parameters = call->context, *value = NULL;

	switch (reading->index) {
#define CASE(index)                          \
	case index:                          \
		value = parameters[index];   \
		asm volatile("" : "+r"(value)); \
		break;
		CASE(0)
		CASE(1)
		CASE(2)
		CASE(3)
		CASE(4)
#undef CASE
	}
	return value;
}

/* Whether there is such a parameter: not where events are written, which is far from the context. */
static __always_inline bool call__is_typed(struct call *call,
					   const volatile struct reading *reading)
{
	return reading->flags & READ_TYPED && call->context;
}

#endif
