/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Through which functions a call came, in its event. It is read into the event itself: in a map of stacks
 * two that hash alike would cost each other, and nobody could tell when one may go.
 */
#ifndef GUARDBEE_ENGINE_STACK_H
#define GUARDBEE_ENGINE_STACK_H

#include "append.h"

/* Behind it so many return addresses as the argument has room for, the innermost first. */
struct stack_payload {
	__u64 pid;		/* whose addresses those of a process are: the event may be about another */
};

#define STACK_BYTES (STACK_FRAMES * sizeof(__u64))

/* Appends one of the two stacks to the event in the scratch; without room for it, or without one, nothing. */
static __always_inline void stack__append(struct call *call, __u64 which, __u16 flag)
{
	struct event_arg *arg = append__begin(call->scratch);
	struct stack_payload *payload;
	long size;

	if (!arg)
		return;
	payload = (void *)(arg + 1);
	size = bpf_get_stack(call->context, payload + 1, STACK_BYTES, which);
	if (size <= 0)
		return; /* a thread of the kernel has no other stack */
	payload->pid = call->task->tgid;
	append__end(call->scratch, arg, flag, sizeof(*payload) + size);
}

/* Appends to the event in the scratch the stacks that its selector asks for. */
static __always_inline void stack__write(struct call *call, struct action_entry *entry)
{
	if (!(spec.use & USE_STACKS))
		return;
	if (entry->flags & ACT_KERNEL_STACK)
		stack__append(call, 0, ARG_KERNEL_STACK);
	if (entry->flags & ACT_USER_STACK)
		stack__append(call, BPF_F_USER_STACK, ARG_USER_STACK);
}

#endif
