/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Rules that ask for the digest of what is executed. To read the file the kernel has to sleep, so the
 * program that decides is attached twice. The first one leaves out what asks for the digest; where of
 * some hook the first selector that is left is one that asks, it does nothing, attach/lsm_hash.bpf.c has
 * the file hashed, and the second one decides all of it.
 */
#ifndef GUARDBEE_ENGINE_DIGEST_H
#define GUARDBEE_ENGINE_DIGEST_H

#include "act.h"

static long digest__step(__u32 index, void *context)
{
	struct call *call = context;
	struct action_entry *entry = call__entry(call, &call->at);

	if (!entry)
		return 1; /* cannot be: each bit has its entry */
	if (entry->flags & ACT_DIGEST) {
		call->scratch->outcome = 1;
		return 1;
	}
	call->at = act__next_bit(call, entry->next);
	return call->at >= WORDS_MAX * 64;
}

/* Whether what is done depends on the digest. Not inlined, for its part of the stack. */
static __noinline bool digest__is_wanted(struct call *call)
{
	call->scratch->outcome = 0; /* not on the stack: see call_scratch.said */
	call->at = act__next_bit(call, 0);
	bpf_loop(MATCHES_MAX, digest__step, call, 0);
	return call->scratch->outcome;
}

/* Has the file hashed; false, and counted: without memory. `undecided`: what the call returns if nobody decides it then. */
static __always_inline bool digest__want(struct call *call, __s32 undecided)
{
	struct file_hash *hash = bpf_task_storage_get(&file_hashes, call->task, 0,
						      BPF_LOCAL_STORAGE_GET_F_CREATE);

	if (!hash) {
		losses__count(LOSS_HASH_FULL);
		return false;
	}
	hash->algorithm = -1;
	hash->is_hashed = hash->is_lasting = 0;
	hash->digest_frame = call->scratch->frame;
	hash->verdict = undecided;
	hash->generation = engine_state.binary_generation[call->slot & 1];
	return true;
}

/*
 * What a call returns whose file was hashed when its policies were changed: those of now have not been
 * asked, for a call goes on with the programs that were attached when it came.
 */
static __always_inline __s32 digest__undecided(void)
{
	struct file_hash *hash = bpf_task_storage_get(&file_hashes, bpf_get_current_task_btf(), 0, 0);

	return hash ? hash->verdict : 0; /* always there: the program came for it */
}

#endif
