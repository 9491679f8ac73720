/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Writes the event of a selector that matched. */
#ifndef GUARDBEE_ENGINE_EMIT_H
#define GUARDBEE_ENGINE_EMIT_H

#include "../events.h"
#include "action/track_sock.h"
#include "arg.h"
#include "hash.h"
#include "rate.h"
#include "stack.h"
#include "wait.h"
#include "whole.h"

/* An argument that is a number, as it is in an event. */
struct number_arg {
	struct event_arg head;
	__u64 value;
};

/*
 * Appends argument `number` to the `at` bytes that scratch->args has, and returns how many it has
 * then; 0 when there is no room for another. Not static: see path__find.
 */
__noinline int emit__arg(struct call_scratch *scratch, __u32 number, __u32 at)
{
	const volatile struct reading *reading = &spec.readings[number & (READINGS_MAX - 1)];
	struct call call = {.scratch = scratch};
	struct event_arg *arg;

	if (!scratch || at > ARGS_LAST)
		return 0;
	arg = (void *)(scratch->args + BOUNDED(at, ARGS_MASK));
	arg->size = arg__emit(&call, reading, arg, (char *)(arg + 1));
	if (spec.use & USE_WHOLE && reading->flags & READ_WHOLE)
		whole__note(scratch, arg);
	return (at + sizeof(*arg) + arg->size + 7) & ~7u & ARGS_MASK;
}

/* All of the event but what depends on its arguments. */
static __always_inline void emit__head(struct hook_event *event, struct call *call,
				       struct action_entry *entry, __u16 flags)
{
	struct process_info *info = call__info(call);

	if (info) {
		event->process = info->key;
		if (info->flags & PROCESS_LATE)
			flags |= HOOK_PROCESS_UNKNOWN;
	} else {
		event->process = (struct process_key){};
	}
	event->header.kind = EVENT_HOOK;
	event->header.cpu = bpf_get_smp_processor_id();
	event->header.ktime = bpf_ktime_get_boot_ns();
	event->cgroup_id = bpf_get_current_cgroup_id();
	event->tid = call->task->pid;
	event->hook = entry->hook;
	event->selector = entry->selector;
	event->action = entry->code;
	event->entry = spec.use & USE_FUNCTIONS ? call->scratch->entry : spec.entry;
	event->flags = flags;
}

/* Room in the ring where an event with `flags` goes; NULL is counted. */
static __always_inline struct hook_event *emit__reserve(struct call *call, __u16 flags, __u32 size)
{
	struct hook_event *event;

	if (!emit__is_stop(flags)) {
		if (!posts__admit(&call->scratch->posts, size)) {
			events__deny(LOSS_SHARE_POST);
			return NULL;
		}
		event = bpf_ringbuf_reserve(&posts, size, 0);
		if (!event)
			posts__full();
		return event;
	}
	if (!events__admit(size, events__used())) {
		events__deny(LOSS_SHARE_STOP);
		return NULL;
	}
	event = bpf_ringbuf_reserve(&events, size, 0);
	if (!event)
		losses__count(LOSS_RING_STOP);
	return event;
}

/*
 * An event of spec.event_readings, written where it goes: the verifier knows its size, and of each argument
 * which type it has.
 */
static __always_inline void emit__numbers(struct call *call, struct action_entry *entry,
					  __u16 flags)
{
	const __u32 args = spec.event_args;
	const __u32 size = sizeof(struct hook_event) + args * sizeof(struct number_arg);
	struct hook_event *event = emit__reserve(call, flags, size);
	struct number_arg *arg;

	if (!event)
		return; /* counted there */
	emit__head(event, call, entry, flags);
	event->header.size = size;
	event->args = args;
	arg = (void *)(event + 1);
	for (__u32 i = 0; i < PARAMETERS_MAX && i < args; i++) {
		const volatile struct reading *reading =
			&spec.readings[spec.event_readings[i] & (READINGS_MAX - 1)];

		arg[i].head.type = reading->type;
		arg[i].head.flags = 0;
		arg[i].head.size = sizeof(arg[i].value);
		if (arg__number(call, reading, 0, &arg[i].value) != KNOWN_EXACTLY)
			arg[i].value = 0; /* cannot be: USE_NUMBER_EVENTS */
	}
	bpf_ringbuf_submit(event, 0);
}

/* Sends the event that is in the scratch. */
static __always_inline void emit__send(struct call *call)
{
	struct hook_event *event = &call->scratch->event;
	__u32 size = emit__size(event->header.size);

	if (spec.use & USE_WHOLE && call->scratch->whole_left && whole__send(call->scratch))
		return;
	if (emit__is_stop(event->flags))
		events__write_stop(event, size);
	else if (!posts__admit(&call->scratch->posts, size))
		events__deny(LOSS_SHARE_POST);
	else if (bpf_ringbuf_output(&posts, event, size, 0))
		posts__full();
}

/* Appends to the event in the scratch what the call returned. */
static __always_inline void emit__returned(struct call *call, struct action_entry *entry)
{
	struct hook_event *event = &call->scratch->event;
	__u32 at = event->header.size - sizeof(*event), end;
	struct event_arg *arg;

	end = emit__arg(call->scratch, entry->returned_reading, at);
	if (!end)
		return; /* its arguments fill it: it goes out without */
	arg = (void *)(call->scratch->args + BOUNDED(at, ARGS_MASK));
	arg->flags |= ARG_RETURNED;
	event->args++;
	event->header.size = sizeof(*event) + BOUNDED(end, ARGS_MASK);
}

/* Writes an event to the scratch, its arguments behind it. */
static __always_inline void emit__write(struct call *call, struct action_entry *entry, __u16 flags)
{
	struct hook_event *event = &call->scratch->event;
	__u32 size = 0, args = 0;

	if (spec.use & USE_WHOLE)
		call->scratch->whole_left = 0;
	for (; args < PARAMETERS_MAX && args < entry->args; args++) {
		__u32 next = emit__arg(call->scratch, entry->arg_readings[args], size);

		if (!next)
			break;
		size = next;
	}
	emit__head(event, call, entry, flags);
	track__attribute(call, entry, event);
	event->header.size = sizeof(*event) + BOUNDED(size, ARGS_MASK);
	event->args = args;
}

/* Whether the rate limit of a Post holds the event back that is in the scratch. */
static __always_inline bool emit__is_limited(struct call *call, struct action_entry *entry)
{
	if (!(spec.use & USE_RATES) || !call->scratch->rate_limit ||
	    !rate__is_over(call, entry, call->scratch->event.args))
		return false;
	losses__count(LOSS_RATE_LIMITED);
	return true;
}

/* Whether an action has it that nothing is reported. */
static __always_inline bool emit__is_silent(struct call *call)
{
	return (spec.actions || spec.use & USE_ENFORCE) && call->scratch->outcome & OUTCOME_SILENT;
}

static __always_inline void emit__hook(struct call *call, struct action_entry *entry, __u16 flags)
{
	const bool silent = emit__is_silent(call);

	if (silent && !(spec.use & USE_RETURNED && entry->flags & ACT_GOES_ON))
		return;
	if (spec.use & USE_NUMBER_EVENTS && entry->flags & ACT_EVENT_READINGS) {
		emit__numbers(call, entry, flags);
		return;
	}
	emit__write(call, entry, flags);
	if (spec.use & USE_RETURNED && entry->flags & ACT_WAITS) {
		if (!silent)
			stack__write(call, entry);
		if (wait__begin(call) || (!wait__close(call) && silent))
			return;
	}
	if (emit__is_limited(call, entry))
		return;
	if (!(spec.use & USE_RETURNED && entry->flags & ACT_WAITS))
		stack__write(call, entry);
	if (spec.use & USE_RETURNED && entry->flags & ACT_RETURNED)
		emit__returned(call, entry);
	if (spec.use & USE_HASHES && entry->flags & ACT_HASH && hash__wait(call))
		return;
	emit__send(call);
}

#endif
