/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Parameters of a call as a kprobe has them. Preemption is off in it. */
#ifndef GUARDBEE_ATTACH_KPROBE_H
#define GUARDBEE_ATTACH_KPROBE_H

#include "../engine/engine.h"
#include "parameters.h"

/* The result is 0, or -errno that the call shall return instead. */
static __always_inline int kprobe__run(struct pt_regs *context)
{
	struct call call;
	int result;

	if (!engine__enter(&call))
		return 0; /* not ours to decide */
	call.scratch->result = 0;
	call.context = context;
	if (spec.use & USE_REGISTERS)
		call.scratch->registers = spec.syscall ? PT_REGS_PARM1(context) : (__u64)context;
	if (spec.use & USE_FUNCTIONS)
		call.scratch->entry = bpf_get_attach_cookie(context);
	if (spec.syscall == SYSCALL_32BIT)
		parameters__of_32bit_syscall(&call, (struct pt_regs *)PT_REGS_PARM1(context));
	else if (spec.syscall == SYSCALL_OWN)
		parameters__of_syscall(&call, (struct pt_regs *)PT_REGS_PARM1(context));
	else
		parameters__of_function(&call, context);
	result = engine__match(&call) ? engine__act(&call) : 0;
	call__leave(&call);
	return result;
}

#endif
