// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Asked last about a file whose hash some event waits for: reports it, and gives the answer that the
 * program before it has left. See engine/hash.h.
 */
#define CALLS_MAX 4	/* the kernel runs it again where a task is preempted in it */
#include "../engine/take.h"

#define ERRNO_MAX 4095

static long late__step(__u32 number, void *context)
{
	struct call *call = context;
	struct file_hash *hash;

	if (!take__event(call, number))
		return 1;
	hash = bpf_task_storage_get(&file_hashes, call->task, 0, 0);
	if (hash)
		hash__write(call->scratch, hash);
	emit__send(call);
	return 0;
}

SEC("lsm/")
int hook(void *context)
{
	struct call call = {.task = bpf_get_current_task_btf()};
	struct file_hash *hash = bpf_task_storage_get(&file_hashes, call.task, 0, 0);
	int verdict;

	if (!hash || hash->frame != (__u64)context)
		return 0; /* nothing waits: what is decided the other program has answered */
	hash->frame = 0;
	verdict = hash->verdict;
	if (call__take(&call)) { /* and is counted */
		call.scratch->frame = (__u64)context;
		bpf_loop(MATCHES_MAX, late__step, &call, 0);
		call__leave(&call);
	}
	/* always so; the verifier wants to see it */
	return verdict > 0 || verdict < -ERRNO_MAX ? -ERRNO_MAX : verdict;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
