// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Asked as a security module before something is done; not 0 refuses it. */
#define CALLS_MAX 4	/* the kernel runs it again where a task is preempted in it */
#include "trampoline.h"

#define ERRNO_MAX 4095

SEC("lsm/")
int hook(void *context)
{
	int result;

	if (spec.use & (USE_HASHES | USE_DIGESTS) && !hash__is_due(context))
		return 0; /* it was asked about the file before, or is not asked now */
	result = trampoline__run(context, false);
	/* always so; the verifier wants to see it */
	return result > 0 || result < -ERRNO_MAX ? -ERRNO_MAX : result;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
