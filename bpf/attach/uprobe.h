/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Parameters of a program's function as a uprobe has them. Tasks may be preempted in it, and the kernel
 * runs it again meanwhile.
 */
#ifndef GUARDBEE_ATTACH_UPROBE_H
#define GUARDBEE_ATTACH_UPROBE_H
#define CALLS_MAX 4

#include "../engine/engine.h"
#include "parameters.h"

#define SIGKILL 9

/* As engine__enter. */
static __always_inline bool uprobe__enter(struct call *call)
{
	if (engine__enter(call))
		return true;
	if (call->override) /* what might have to be stopped, and cannot be decided, is */
		bpf_send_signal(SIGKILL);
	return false;
}

/* The result is 0, or -errno that the function shall return instead. */
static __always_inline int uprobe__run(struct pt_regs *context)
{
	struct call call;
	int result;

	if (!uprobe__enter(&call))
		return 0;
	if (spec.use & USE_REGISTERS)
		call.scratch->registers = (__u64)context;
	parameters__of_function(&call, context);
	result = engine__match(&call) ? engine__act(&call) : 0;
	call__leave(&call);
	return result;
}

#endif
