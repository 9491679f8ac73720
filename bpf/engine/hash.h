/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The hash of the file that a security module is asked about, as the kernel measures files (IMA). To
 * read a file it has to sleep, so three programs are attached to such a hook: the first one decides,
 * and leaves its event and its verdict; attach/lsm_hash.bpf.c, which may sleep, has the file hashed;
 * attach/lsm_late.bpf.c reports the event, and answers.
 */
#ifndef GUARDBEE_ENGINE_HASH_H
#define GUARDBEE_ENGINE_HASH_H

#include "append.h"
#include "wait.h"

/* Behind it the hash. */
struct hash_payload {
	__u32 algorithm;	/* enum hash_algo of the kernel */
	__u32 zero;
};

/*
 * Whether the program is to decide. Not while the kernel only opens the file that it is about to hash, of
 * which nobody gets a descriptor; and the one that comes when it is hashed, not unless it is waited for.
 * Otherwise nothing waits any more: what an earlier call has left, whose answer somebody else gave.
 */
static __always_inline bool hash__is_due(void *context)
{
	struct file_hash *hash = bpf_task_storage_get(&file_hashes, bpf_get_current_task_btf(), 0, 0);

	if (!hash)
		return !spec.is_hashed;
	if (hash->is_reading)
		return false;
	if (spec.is_hashed)
		return hash->digest_frame == (__u64)context;
	hash->frame = hash->digest_frame = 0;
	return true;
}

/* Has the event in the scratch wait for the hash; false: it goes out without. */
static __always_inline bool hash__wait(struct call *call)
{
	struct file_hash *hash = bpf_task_storage_get(&file_hashes, call->task, 0,
						      BPF_LOCAL_STORAGE_GET_F_CREATE);

	if (!hash) {
		losses__count(LOSS_HASH_FULL);
		return false;
	}
	if (!wait__begin(call)) /* counts it */
		return false;
	hash->frame = call->scratch->frame;
	if (hash->digest_frame == hash->frame)
		return true; /* it is hashed already */
	hash->algorithm = -1;
	hash->is_hashed = 0;
	return true;
}

/* Leaves the verdict of a call of which some event waits: the program behind it answers. */
static __always_inline int hash__leave(struct call *call)
{
	struct file_hash *hash = bpf_task_storage_get(&file_hashes, call->task, 0, 0);

	if (!hash || !hash->frame)
		return call->override; /* cannot be: the event waits by it */
	hash->verdict = call->override;
	return 0;
}

/* Appends the hash to the event in the scratch, if there is one. */
static __always_inline void hash__write(struct call_scratch *scratch, struct file_hash *hash)
{
	struct event_arg *arg = append__begin(scratch);
	struct hash_payload *payload;

	if (!arg || hash->algorithm < 0)
		return; /* without room, or the kernel measures no files */
	payload = (void *)(arg + 1);
	payload->algorithm = hash->algorithm;
	payload->zero = 0;
	__builtin_memcpy(payload + 1, hash->bytes, FILE_HASH_SIZE);
	append__end(scratch, arg, ARG_FILE_HASH, sizeof(*payload) + FILE_HASH_SIZE);
}

#endif
