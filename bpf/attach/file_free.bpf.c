// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Forgets an open file when its last descriptor is gone; its address may be another file's next. The
 * programs below it the agent runs: what FollowFD adds at the same time a write to the table by user
 * space would lose.
 */
#include "../follow.h"

SEC("fentry/security_file_free")
int BPF_PROG(file_freed, struct file *file)
{
	follow__forget((__u64)file);
	return 0;
}

/* Follows a file that programs of another version follow. 0: there is no room for it. */
SEC("syscall")
int follow_adopt(struct follow_request *request)
{
	__u64 file = request->file;
	struct followed_file *entry = bpf_map_lookup_elem(&followed, &file);

	if (!entry)
		entry = follow__enter(file, request->pod, ~0ULL >> 1);
	if (!entry)
		return 0;
	__sync_fetch_and_or(&entry->groups, request->groups);
	return 1;
}

SEC("syscall")
int follow_forget(struct follow_request *request)
{
	follow__forget(request->file);
	return 0;
}

static long keep__of_file(void *map, __u64 *file, struct followed_file *entry, __u64 *groups)
{
	__sync_fetch_and_and(&entry->groups, *groups);
	return 0;
}

static long keep__of_share(void *map, __u64 *pod, struct follow_share *share, __u64 *groups)
{
	__sync_fetch_and_and(&share->groups, *groups);
	__sync_fetch_and_and(&share->lost, *groups);
	return 0;
}

/* From now on only `groups` follow anything: the others' numbers are other policies' next. */
SEC("syscall")
int follow_keep(struct follow_request *request)
{
	__u64 groups = request->groups;

	bpf_for_each_map_elem(&followed, keep__of_file, &groups, 0);
	bpf_for_each_map_elem(&follow_shares, keep__of_share, &groups, 0);
	__sync_fetch_and_and(&follow_state.lost, groups);
	__sync_fetch_and_and(&follow_state.lost_elsewhere, groups);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
