/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Numbers out of a request, and into its answer. */
#ifndef GUARDBEE_TESTING_REQUEST_H
#define GUARDBEE_TESTING_REQUEST_H

#include "../kernel.h"
#include "shim.h"

static __u8 take_u8(void)
{
	__u8 value;

	shim_take(&value, sizeof(value));
	return value;
}

static __u32 take_u32(void)
{
	__u32 value;

	shim_take(&value, sizeof(value));
	return value;
}

static __u64 take_u64(void)
{
	__u64 value;

	shim_take(&value, sizeof(value));
	return value;
}

static __u32 take_count(__u32 most)
{
	__u32 count = take_u32();

	if (count > most)
		shim_fail("a count that is too large");
	return count;
}

static void answer_u32(__u32 value)
{
	shim_answer(&value, sizeof(value));
}

#endif
