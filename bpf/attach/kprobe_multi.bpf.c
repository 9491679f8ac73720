// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Before each of many functions: the cookie says which of them it was. */
#include "../engine/engine.h"
#include "parameters.h"

SEC("kprobe.multi")
int hook(struct pt_regs *context)
{
	struct call call;

	if (!engine__enter(&call))
		return 0; /* not ours to decide */
	call.scratch->result = 0;
	call.scratch->entry = bpf_get_attach_cookie(context);
	if (spec.syscall == SYSCALL_32BIT)
		parameters__of_32bit_syscall(&call, (struct pt_regs *)PT_REGS_PARM1(context));
	else if (spec.syscall == SYSCALL_OWN)
		parameters__of_syscall(&call, (struct pt_regs *)PT_REGS_PARM1(context));
	else
		parameters__of_function(&call, context);
	if (engine__match(&call))
		engine__act(&call);
	call__leave(&call);
	return 0; /* a kprobe's value means nothing */
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
