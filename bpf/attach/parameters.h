/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Parameters out of registers. */
#ifndef GUARDBEE_ATTACH_PARAMETERS_H
#define GUARDBEE_ATTACH_PARAMETERS_H

#include "../engine/call.h"

/* The system call's own registers, which its entry wrapper gets a pointer to. */
static __always_inline void parameters__of_syscall(struct call *call, struct pt_regs *regs)
{
	__u32 reads = spec.reads;

	if (reads & 1)
		call->scratch->parameters[0] = PT_REGS_PARM1_CORE_SYSCALL(regs);
	if (reads & 2)
		call->scratch->parameters[1] = PT_REGS_PARM2_CORE_SYSCALL(regs);
	if (reads & 4)
		call->scratch->parameters[2] = PT_REGS_PARM3_CORE_SYSCALL(regs);
	if (reads & 8)
		call->scratch->parameters[3] = PT_REGS_PARM4_CORE_SYSCALL(regs);
	if (reads & 16)
		call->scratch->parameters[4] = PT_REGS_PARM5_CORE_SYSCALL(regs);
}

static __always_inline void parameters__of_function(struct call *call, struct pt_regs *regs)
{
	__u32 reads = spec.reads;

	if (reads & 1)
		call->scratch->parameters[0] = PT_REGS_PARM1(regs);
	if (reads & 2)
		call->scratch->parameters[1] = PT_REGS_PARM2(regs);
	if (reads & 4)
		call->scratch->parameters[2] = PT_REGS_PARM3(regs);
	if (reads & 8)
		call->scratch->parameters[3] = PT_REGS_PARM4(regs);
	if (reads & 16)
		call->scratch->parameters[4] = PT_REGS_PARM5(regs);
}

#endif
