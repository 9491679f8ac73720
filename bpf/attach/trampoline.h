/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Parameters of a call as a trampoline (fentry, fexit, fmod_ret) has them. */
#ifndef GUARDBEE_ATTACH_TRAMPOLINE_H
#define GUARDBEE_ATTACH_TRAMPOLINE_H

#include "../engine/engine.h"
#include "parameters.h"

static __always_inline int trampoline__run(void *context, bool at_exit)
{
	struct call call;
	__u64 regs = 0;

	if (!engine__enter(&call))
		return 0; /* not ours to decide */
	if (spec.syscall) {
		bpf_get_func_arg(context, 0, &regs);
		parameters__of_syscall(&call, (struct pt_regs *)regs);
	} else {
#pragma unroll
		for (__u32 i = 0; i < PARAMETERS_MAX; i++) {
			call.scratch->parameters[i] = 0;
			if (spec.reads & (1u << i))
				bpf_get_func_arg(context, i, &call.scratch->parameters[i]);
		}
	}
	call.scratch->result = 0;
	if (at_exit)
		bpf_get_func_ret(context, &call.scratch->result);
	if (!engine__match(&call))
		return 0; /* no selector matches */
	return engine__act(&call);
}

#endif
