/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Stands in for libbpf's header: the registers of a system call's parameters on x86-64. */
#ifndef GUARDBEE_SHIM_TRACING_H
#define GUARDBEE_SHIM_TRACING_H

#define PT_REGS_PARM1_SYSCALL(regs) ((regs)->di)
#define PT_REGS_PARM2_SYSCALL(regs) ((regs)->si)
#define PT_REGS_PARM3_SYSCALL(regs) ((regs)->dx)
#define PT_REGS_PARM4_SYSCALL(regs) ((regs)->r10)
#define PT_REGS_PARM5_SYSCALL(regs) ((regs)->r8)
#define PT_REGS_PARM1_CORE_SYSCALL PT_REGS_PARM1_SYSCALL
#define PT_REGS_PARM2_CORE_SYSCALL PT_REGS_PARM2_SYSCALL
#define PT_REGS_PARM3_CORE_SYSCALL PT_REGS_PARM3_SYSCALL
#define PT_REGS_PARM4_CORE_SYSCALL PT_REGS_PARM4_SYSCALL
#define PT_REGS_PARM5_CORE_SYSCALL PT_REGS_PARM5_SYSCALL
#define PT_REGS_PARM1(regs) ((regs)->di)
#define PT_REGS_PARM2(regs) ((regs)->si)
#define PT_REGS_PARM3(regs) ((regs)->dx)
#define PT_REGS_PARM4(regs) ((regs)->cx)
#define PT_REGS_PARM5(regs) ((regs)->r8)

#endif
