/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Parameters of a call as a trampoline (fentry, fexit, fmod_ret) has them. */
#ifndef GUARDBEE_ATTACH_TRAMPOLINE_H
#define GUARDBEE_ATTACH_TRAMPOLINE_H

#include "../engine/engine.h"
#include "parameters.h"

/* The verifier knows the type of a trampoline's parameter, so the registers are read in place. */
static __always_inline void trampoline__of_syscall(struct call *call, struct pt_regs *regs,
						   __u32 reads)
{
	if (reads & 1)
		call->scratch->parameters[0] = PT_REGS_PARM1_SYSCALL(regs);
	if (reads & 2)
		call->scratch->parameters[1] = PT_REGS_PARM2_SYSCALL(regs);
	if (reads & 4)
		call->scratch->parameters[2] = PT_REGS_PARM3_SYSCALL(regs);
	if (reads & 8)
		call->scratch->parameters[3] = PT_REGS_PARM4_SYSCALL(regs);
	if (reads & 16)
		call->scratch->parameters[4] = PT_REGS_PARM5_SYSCALL(regs);
}

static __always_inline void trampoline__of_32bit_syscall(struct call *call, struct pt_regs *regs,
							 __u32 reads)
{
	if (reads & 1)
		call->scratch->parameters[0] = (__u32)PARM1_32BIT(regs);
	if (reads & 2)
		call->scratch->parameters[1] = (__u32)PARM2_32BIT(regs);
	if (reads & 4)
		call->scratch->parameters[2] = (__u32)PARM3_32BIT(regs);
	if (reads & 8)
		call->scratch->parameters[3] = (__u32)PARM4_32BIT(regs);
	if (reads & 16)
		call->scratch->parameters[4] = (__u32)PARM5_32BIT(regs);
}

/* Makes what the call returned a parameter; a 32-bit one returns 32 bits. */
static __always_inline void trampoline__take_returned(struct call *call)
{
	struct call_scratch *scratch = call->scratch;

	scratch->parameters[RETURNED_INDEX] =
		spec.syscall == SYSCALL_32BIT ? (__u32)scratch->result : scratch->result;
}

static __always_inline int trampoline__run(void *context, bool at_exit)
{
	struct call call;
	__u32 reads;
	int result;

	if (!engine__enter(&call))
		return CALLS_MAX > 1 ? call.override : 0; /* not ours to decide, or not to be decided */
	reads = spec.reads;
	call.context = context;
	if (spec.use & USE_REGISTERS) /* of system calls alone: others keep none */
		call.scratch->registers = ((__u64 *)context)[0];
	if (spec.use & (USE_RETURNED | USE_DIGESTS))
		call.scratch->frame = (__u64)context;
	if (spec.syscall == SYSCALL_32BIT) {
		trampoline__of_32bit_syscall(&call, ((struct pt_regs **)context)[0], reads);
	} else if (spec.syscall == SYSCALL_OWN) {
		trampoline__of_syscall(&call, ((struct pt_regs **)context)[0], reads);
	} else {
#pragma unroll
		for (__u32 i = 0; i < PARAMETERS_MAX; i++) {
			if (reads & (1u << i))
				bpf_get_func_arg(context, i, &call.scratch->parameters[i]);
		}
	}
	if (at_exit) {
		bpf_get_func_ret(context, &call.scratch->result);
		trampoline__take_returned(&call);
	}
	result = engine__match(&call) ? engine__act(&call) : 0;
	call__leave(&call);
	return result;
}

#endif
