/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Tables of the node of which no pod may take the room of the others. */
#ifndef GUARDBEE_SHARE_H
#define GUARDBEE_SHARE_H

#include "maps.h"

#define SHARE_LEVELS 16	/* of cgroups, the last that can be a pod's */

/*
 * The cgroup id of the current process's pod: what is right below the lowest cgroup that the runtime
 * makes pods in; 0: it is in none. Not static, so the verifier walks it once.
 */
__noinline __u64 share__pod(void)
{
	bool is_below = false;
	__u64 pod = 0;

	for (__u32 level = 1; level <= SHARE_LEVELS; level++) {
		__u64 id = bpf_get_current_ancestor_cgroup_id(level);
		__u32 *class;

		if (!id)
			break;
		if (is_below)
			pod = id;
		class = bpf_map_lookup_elem(&cgroup_class, &id);
		is_below = class && *class == SCOPE_UNKNOWN_POD;
	}
	return pod;
}

/* The share of a pod, made now if it has none. NULL where there is no room for one. */
static __always_inline struct table_share *share__of(struct share_key *key)
{
	struct table_share *share = bpf_map_lookup_elem(&table_shares, key);
	struct table_share none = {};

	if (share)
		return share;
	bpf_map_update_elem(&table_shares, key, &none, BPF_NOEXIST);
	return bpf_map_lookup_elem(&table_shares, key);
}

/* Whether the table may have one more entry of that pod, of `most`; then it counts. Not static, as above. */
__noinline int share__take(__u64 pod, __u32 table, __u32 most)
{
	struct share_key key = {.pod = pod, .table = table};
	struct table_share *share;

	if (!pod)
		return 1; /* of what is in no pod the table's own bound is left */
	share = share__of(&key);
	if (!share)
		return 0;
	/* below 0: entries that a share before this one counted are gone */
	if ((__s64)__sync_fetch_and_add(&share->entries, 1) < (__s64)most)
		return 1;
	__sync_fetch_and_add(&share->entries, -1);
	__sync_fetch_and_add(&share->refused, 1);
	return 0;
}

/* An entry that counted for that pod is gone. */
static __always_inline void share__give(__u64 pod, __u32 table)
{
	struct share_key key = {.pod = pod, .table = table};
	struct table_share *share = pod ? bpf_map_lookup_elem(&table_shares, &key) : NULL;

	if (share)
		__sync_fetch_and_add(&share->entries, -1);
}

#endif
