/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The table of followed files, of which no pod may take the room of the others. */
#ifndef GUARDBEE_FOLLOW_H
#define GUARDBEE_FOLLOW_H

#include "share.h"

/* What the agent asks the programs of file_free.bpf.c for. */
struct follow_request {
	__u64 file;		/* its address */
	__u64 groups;
	__u64 pod;
};

/* The share of a pod, made now if it has none. NULL where there is no room for one. */
static __always_inline struct follow_share *follow__share(__u64 pod)
{
	struct follow_share *share = bpf_map_lookup_elem(&follow_shares, &pod);
	struct follow_share none = {};

	if (share)
		return share;
	bpf_map_update_elem(&follow_shares, &pod, &none, BPF_NOEXIST);
	return bpf_map_lookup_elem(&follow_shares, &pod);
}

/* Makes an entry, without followers, that counts for `pod`; NULL where there is no room for it. */
static __always_inline struct followed_file *follow__enter(__u64 file, __u64 pod, __u64 most)
{
	struct followed_file none = {.pod = pod}, *entry;
	struct follow_share *share = follow__share(pod);
	__u64 *refused;

	if (!share)
		return NULL;
	/* below 0: files that a share before this one counted were closed */
	if ((__s64)__sync_fetch_and_add(&share->files, 1) >= (__s64)most)
		refused = &share->over_share;
	else if (bpf_map_update_elem(&followed, &file, &none, BPF_NOEXIST))
		refused = &share->over_table;
	else
		return bpf_map_lookup_elem(&followed, &file);
	__sync_fetch_and_add(&share->files, -1);
	entry = bpf_map_lookup_elem(&followed, &file);
	if (!entry) /* nor has another thread made it */
		__sync_fetch_and_add(refused, 1);
	return entry;
}

/* Lets `groups` follow the file from now on; 0 when there is no room for it. Not static, as above. */
__noinline int follow__add(__u64 file, __u64 groups)
{
	struct followed_file *entry = bpf_map_lookup_elem(&followed, &file);
	__u64 pod;

	if (!entry) {
		pod = share__pod();
		entry = follow__enter(file, pod, pod ? engine_state.pod_files : ~0ULL >> 1);
		if (!entry)
			return 0;
	}
	__sync_fetch_and_or(&entry->groups, groups);
	return 1;
}

/* Ends the entry of a file that is gone. */
static __always_inline void follow__forget(__u64 file)
{
	struct followed_file *entry = bpf_map_lookup_elem(&followed, &file);
	struct follow_share *share;
	__u64 pod;

	if (!entry)
		return;
	pod = entry->pod;
	if (bpf_map_delete_elem(&followed, &file))
		return; /* the agent has forgotten it meanwhile */
	share = bpf_map_lookup_elem(&follow_shares, &pod);
	if (share)
		__sync_fetch_and_add(&share->files, -1);
}

/*
 * Notes that `groups` cannot follow what the current process opens; `lost`: of these, the ones for
 * which those that share its descriptors may have it nevertheless. Not static, as above.
 */
__noinline int follow__refuse(__u64 groups, __u64 lost)
{
	struct follow_share *share = follow__share(share__pod());

	if (share) {
		__sync_fetch_and_or(&share->groups, groups);
		__sync_fetch_and_or(&share->lost, lost);
	} else {
		__sync_fetch_and_or(&follow_state.lost_elsewhere, lost);
	}
	__sync_fetch_and_or(&follow_state.lost, lost);
	return 0;
}

/*
 * The policies that may follow anything that the current process has open, because it cannot be told:
 * it shares its descriptors, and in its pod a process that does could not be followed. Not static, as
 * above.
 */
__noinline __u64 follow__untold(void)
{
	struct task_struct *leader = bpf_get_current_task_btf()->group_leader;
	struct process_info *info = bpf_task_storage_get(&process, leader, 0, 0);
	struct follow_share *share;
	__u64 pod;

	if (info && !(info->flags & PROCESS_SHARES_FILES))
		return 0;
	pod = share__pod();
	share = bpf_map_lookup_elem(&follow_shares, &pod);
	return share ? share->lost : follow_state.lost_elsewhere;
}

/* The policies that are to act for an open file. */
static __always_inline __u64 follow__groups(__u64 file)
{
	struct followed_file *entry = bpf_map_lookup_elem(&followed, &file);
	__u64 groups = entry ? entry->groups : 0;

	return follow_state.lost ? groups | follow__untold() : groups;
}

#endif
