/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* In whose scope the process is. */
#ifndef GUARDBEE_ENGINE_SCOPE_H
#define GUARDBEE_ENGINE_SCOPE_H

#include "call.h"

#define SCOPE_LEVELS 16	/* of cgroups that the agent writes a class for: roots, pods, containers */

/*
 * The class of the nearest cgroup above the current one, or of itself, that has one; 0, the host's:
 * none has. Not static, so the verifier walks it once.
 */
__noinline int scope__inherited(void)
{
	__u32 found = 0;

	for (__u32 level = 1; level <= SCOPE_LEVELS; level++) {
		__u64 id = bpf_get_current_ancestor_cgroup_id(level);
		__u32 *class = id ? bpf_map_lookup_elem(&cgroup_class, &id) : NULL;

		if (class)
			found = *class;
	}
	return found;
}

/*
 * The selectors in whose scope the current process is, or NULL when the table has no such row; sets
 * call->word where there are several.
 */
static __always_inline const __u64 *scope__find(struct call *call)
{
	__u32 words = spec.words, *known, class;

	call->cgroup_id = bpf_get_current_cgroup_id();
	known = bpf_map_lookup_elem(&cgroup_class, &call->cgroup_id);
	class = known ? *known : scope_state.full ? scope__inherited() : 0;
	if ((known || class) && class < call->table->classes) {
		const __u64 *row = call__row(call, class);

		if (row && words > 1)
			call->word = row[words];
		return row;
	}
	if (!call->table->host)
		return NULL;
	if (words > 1)
		call->word = call->table->host_word;
	return table__row(call, HOST_ROW);
}

#endif
