// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Each successful execve: the new credentials are in force, the new image has not run. Attached
 * after process_exec, so the record of the process is that of the new image.
 */
#include "../engine/engine.h"

SEC("tp_btf/sched_process_exec")
int hook(void *context)
{
	struct call call;

	if (!engine__enter(&call))
		return 0; /* not ours to decide */
	call.scratch->result = 0;
#pragma unroll
	for (__u32 i = 0; i < PARAMETERS_MAX; i++)
		call.scratch->parameters[i] = 0;
	if (engine__match(&call))
		engine__act(&call);
	call__leave(&call);
	return 0; /* a tracepoint's value means nothing */
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
