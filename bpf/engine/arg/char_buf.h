/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A pointer to bytes, of which another parameter or the return value says how many they are. */
#ifndef GUARDBEE_ENGINE_ARG_CHAR_BUF_H
#define GUARDBEE_ENGINE_ARG_CHAR_BUF_H

#include "../lookup.h"
#include "error.h"
#include "memory.h"

#define BUFFER_SIZE_MAX 0x7fffffffu

/* What the call returned, where that is a number of bytes. */
static __always_inline __u64 buffer__returned(struct call *call)
{
	return (__s64)call->scratch->result < 0 ? 0 : call->scratch->result;
}

static __always_inline __u32 char_buf__size(struct call *call, const volatile struct reading *reading)
{
	__u64 size;

	if (reading->flags & READ_RETURNED)
		size = buffer__returned(call);
	else if (reading->size_index == 0)
		return 0;
	else
		size = call__parameter(call, reading->size_index - 1);
	return size > BUFFER_SIZE_MAX ? BUFFER_SIZE_MAX : size;
}

/* Memory that is not there now could be read, so it is not known. */
static __always_inline enum known char_buf__text(struct call *call,
						 const volatile struct reading *reading,
						 __u32 part, struct text *to)
{
	__u64 from = call__parameter(call, reading->index);
	__u32 size = char_buf__size(call, reading);

	if (to->match & MATCH_SUBSTRING) {
		to->all = size > DATA_SIZE - 1 ? DATA_SIZE - 1 : size;
		to->tail_end = TAIL_START + to->all;
		if (memory__read(text__buffer(call), BOUNDED(to->all, DATA_SIZE - 1), from))
			return KNOWN_NOT;
		return KNOWN_EXACTLY;
	}
	to->longer = size > TEXT_SIZE;
	to->size = to->longer ? TEXT_SIZE : size;
	if (memory__read(call->scratch->prefix.text, BOUNDED(to->size, TEXT_MASK), from))
		return KNOWN_NOT;
	if (!(to->match & MATCH_POSTFIX))
		return KNOWN_EXACTLY;
	to->tail_size = to->size;
	to->tail_end = TAIL_START + to->size;
	if (memory__read(text__buffer(call), BOUNDED(to->size, TEXT_MASK), from + size - to->size))
		return KNOWN_NOT;
	return KNOWN_EXACTLY;
}

struct char_buf_payload {
	__u32 size;		/* of the whole buffer; the bytes that were read follow */
};

static __always_inline __u32 char_buf__emit(struct call *call, const volatile struct reading *reading,
					    struct event_arg *arg, char *to)
{
	__u32 whole = char_buf__size(call, reading), size = whole;
	struct char_buf_payload *payload = (void *)to;

	if (size > DATA_SIZE - 1) {
		size = DATA_SIZE - 1;
		arg->flags |= ARG_CUT;
	}
	size = BOUNDED(size, DATA_SIZE - 1);
	payload->size = whole;
	if (spec.use & USE_WHOLE) {
		struct place *rest = &call->scratch->parts.rest;

		rest->at = call__parameter(call, reading->index) + size;
		rest->left = whole - size;
		rest->count = 0;
	}
	if (memory__read(payload + 1, size, call__parameter(call, reading->index)))
		return error__emit(arg, to, EFAULT);
	return sizeof(*payload) + size;
}

#endif
