// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A tracepoint, with the record that its readers are shown. Preemption is off in it. */
#include "tracepoint.h"

SEC("tracepoint")
int hook(void *record)
{
	tracepoint__run(record);
	return 1; /* 0 would keep the event from its other readers, such as perf(1) */
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
