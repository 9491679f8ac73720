// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A tracepoint, with its own parameters. */
#include "../engine/engine.h"

SEC("raw_tp")
int hook(__u64 *context)
{
	struct call call;
	__u32 reads;

	if (!engine__enter(&call))
		return 0; /* not ours to decide */
	reads = spec.reads;
	call.scratch->result = 0;
	/* The kernel does not attach a program that could read a parameter which is not there. */
#pragma unroll
	for (__u32 i = 0; i < PARAMETERS_MAX; i++) {
		if (reads & (1u << i))
			call.scratch->parameters[i] = context[i];
	}
	if (engine__match(&call))
		engine__act(&call);
	call__leave(&call);
	return 0; /* a tracepoint's value means nothing */
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
