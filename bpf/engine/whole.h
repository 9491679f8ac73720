/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Events that have the whole of a buffer: what of it does not fit with the arguments is read right into
 * the ring, behind them.
 */
#ifndef GUARDBEE_ENGINE_WHOLE_H
#define GUARDBEE_ENGINE_WHOLE_H

#include "../events.h"
#include "arg.h"

/* Whether the event tells of a call that was stopped, or would be in enforce mode. */
static __always_inline bool emit__is_stop(__u16 flags)
{
	return flags & (HOOK_STOPPED | HOOK_WOULD_STOP);
}

/* Bytes of an event whose header says `size`, as the verifier wants to see it. */
static __always_inline __u32 emit__size(__u32 size)
{
	return sizeof(struct hook_event) + BOUNDED(size - sizeof(struct hook_event), ARGS_MASK);
}

/* Notes that the event has not all of the argument that was just written, where that is so. */
static __always_inline void whole__note(struct call_scratch *scratch, struct event_arg *arg)
{
	struct char_buf_payload *payload = (void *)(arg + 1);
	__u32 there = arg->size - sizeof(*payload), whole = payload->size;

	if (!(arg->flags & ARG_CUT))
		return; /* it has, or an error */
	arg->flags |= ARG_WHOLE;
	if (whole > WHOLE_SIZE)
		whole = WHOLE_SIZE;
	scratch->whole_rest = scratch->parts.rest;
	scratch->whole_left = whole - there;
}

/* A record that is being written. On the stack, where the verifier wants it. */
struct whole {
	struct bpf_dynptr record;
	struct call_scratch *scratch;
	__u32 at;		/* where in the record the rest begins */
	__u32 zero;
};

#define WHOLE_STEPS_MAX (PARTS_MAX + WHOLE_SIZE / (DATA_SIZE - 1) + PARTS_MAX)

static long whole__step(__u32 index, void *context)
{
	struct whole *whole = context;
	struct call_scratch *scratch = whole->scratch;
	struct parts *parts = &scratch->parts;
	__u32 at = whole->at + parts->size, size;

	if (parts->size >= parts->most)
		return 1;
	if (!parts->now.left)
		return !parts__next(scratch);
	size = parts__read(scratch, scratch->path.text, DATA_SIZE - 1);
	bpf_dynptr_write(&whole->record, at, scratch->path.text, BOUNDED(size, DATA_SIZE - 1), 0);
	return parts->failed ? 1 : 0;
}

/*
 * Sends the event in the scratch with the rest of the argument that was noted, as far as it can be read;
 * 0: it was not sent, for there is no room. Not static: see path__find.
 */
__noinline int whole__send(struct call_scratch *scratch)
{
	struct whole whole = {.scratch = scratch};
	struct event_arg *rest;
	struct hook_event *event;
	__u32 size, bytes;
	long error;

	if (!(spec.use & USE_WHOLE) || !scratch)
		return 0;
	event = &scratch->event;
	size = emit__size(event->header.size);
	if (size > sizeof(*event) + ARGS_LAST)
		return 0; /* its arguments fill it */
	bytes = scratch->whole_left;
	if (bytes > WHOLE_SIZE)
		return 0; /* cannot be: no more are noted */
	scratch->parts.now = scratch->whole_rest;
	scratch->parts.size = scratch->parts.failed = scratch->parts.skip = 0;
	scratch->parts.most = bytes;
	whole.at = size + sizeof(*rest);
	if (!emit__is_stop(event->flags) && posts__admit(&scratch->posts, whole.at + bytes))
		error = bpf_ringbuf_reserve_dynptr(&posts, whole.at + bytes, 0, &whole.record);
	else if (emit__is_stop(event->flags) && events__admit(whole.at + bytes, events__used()))
		error = bpf_ringbuf_reserve_dynptr(&events, whole.at + bytes, 0, &whole.record);
	else
		return 0;
	if (error) {
		bpf_ringbuf_discard_dynptr(&whole.record, 0);
		return 0;
	}
	bpf_loop(WHOLE_STEPS_MAX, whole__step, &whole, 0);
	rest = (void *)(scratch->args + BOUNDED(size - sizeof(*event), ARGS_MASK));
	rest->type = 0;
	rest->flags = ARG_REST;
	rest->size = scratch->parts.size;
	event->args++;
	event->header.size = whole.at + scratch->parts.size;
	bpf_dynptr_write(&whole.record, 0, event, emit__size(whole.at), 0);
	bpf_ringbuf_submit_dynptr(&whole.record, 0);
	return 1;
}

#endif
