// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The same before a function that it can keep from running: it returns to its caller at once. */
#include "uprobe.h"

/* False when the caller cannot be told. */
static __always_inline bool uprobe__return(struct pt_regs *context, long value)
{
#if defined(__TARGET_ARCH_arm64)
	struct user_pt_regs *regs = (void *)context;

	regs->pc = regs->regs[30];
	regs->regs[0] = value;
#else
	unsigned long caller;

	if (bpf_probe_read_user(&caller, sizeof(caller), (void *)context->sp))
		return false;
	context->ax = value;
	context->ip = caller;
	context->sp += sizeof(caller);
#endif
	return true;
}

SEC("uprobe")
int hook(struct pt_regs *context)
{
	long result = uprobe__run(context);

	if (result && !uprobe__return(context, result))
		bpf_send_signal(SIGKILL); /* it was to be kept from running */
	return 0; /* a uprobe's value means nothing */
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
