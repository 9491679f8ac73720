/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Parameters out of registers. */
#ifndef GUARDBEE_ATTACH_PARAMETERS_H
#define GUARDBEE_ATTACH_PARAMETERS_H

#include "../engine/call.h"

/* Where 32-bit processes have a system call's parameters. */
#if defined(__TARGET_ARCH_arm64)
#define PARM1_32BIT(regs) PT_REGS_PARM1_SYSCALL(regs)
#define PARM2_32BIT(regs) PT_REGS_PARM2_SYSCALL(regs)
#define PARM3_32BIT(regs) PT_REGS_PARM3_SYSCALL(regs)
#define PARM4_32BIT(regs) PT_REGS_PARM4_SYSCALL(regs)
#define PARM5_32BIT(regs) PT_REGS_PARM5_SYSCALL(regs)
#define PARM1_CORE_32BIT(regs) PT_REGS_PARM1_CORE_SYSCALL(regs)
#define PARM2_CORE_32BIT(regs) PT_REGS_PARM2_CORE_SYSCALL(regs)
#define PARM3_CORE_32BIT(regs) PT_REGS_PARM3_CORE_SYSCALL(regs)
#define PARM4_CORE_32BIT(regs) PT_REGS_PARM4_CORE_SYSCALL(regs)
#define PARM5_CORE_32BIT(regs) PT_REGS_PARM5_CORE_SYSCALL(regs)
#else
#define PARM1_32BIT(regs) ((regs)->bx)
#define PARM2_32BIT(regs) ((regs)->cx)
#define PARM3_32BIT(regs) ((regs)->dx)
#define PARM4_32BIT(regs) ((regs)->si)
#define PARM5_32BIT(regs) ((regs)->di)
#define PARM1_CORE_32BIT(regs) BPF_CORE_READ(regs, bx)
#define PARM2_CORE_32BIT(regs) BPF_CORE_READ(regs, cx)
#define PARM3_CORE_32BIT(regs) BPF_CORE_READ(regs, dx)
#define PARM4_CORE_32BIT(regs) BPF_CORE_READ(regs, si)
#define PARM5_CORE_32BIT(regs) BPF_CORE_READ(regs, di)
#endif

/* Of a 32-bit system call: a 64-bit process that makes one may have anything in the upper halves. */
static __always_inline void parameters__of_32bit_syscall(struct call *call, struct pt_regs *regs)
{
	__u32 reads = spec.reads;

	if (reads & 1)
		call->scratch->parameters[0] = (__u32)PARM1_CORE_32BIT(regs);
	if (reads & 2)
		call->scratch->parameters[1] = (__u32)PARM2_CORE_32BIT(regs);
	if (reads & 4)
		call->scratch->parameters[2] = (__u32)PARM3_CORE_32BIT(regs);
	if (reads & 8)
		call->scratch->parameters[3] = (__u32)PARM4_CORE_32BIT(regs);
	if (reads & 16)
		call->scratch->parameters[4] = (__u32)PARM5_CORE_32BIT(regs);
}

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
