/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* To which pod or container the current process belongs. */
#ifndef GUARDBEE_SCOPE_H
#define GUARDBEE_SCOPE_H

#include "maps.h"

#define SCOPE_LEVELS 16	/* of cgroups that the agent writes a class for, at most */
#define POD_LEVELS 3	/* below a folder of pods: QoS class, pod, container */

/* The class that stands in the table for the cgroup at that level; NULL: none does. */
static __always_inline __u32 *scope__at(__u32 level)
{
	__u64 id = bpf_get_current_ancestor_cgroup_id(level);

	return id ? bpf_map_lookup_elem(&cgroup_class, &id) : NULL;
}

/*
 * The class of the nearest cgroup above the current one, or of itself, that has one. Not static, so
 * the verifier walks it once.
 */
__noinline int scope__anywhere(void)
{
	__u32 found = SCOPE_HOST;

	for (__u32 level = 1; level <= SCOPE_LEVELS; level++) {
		__u32 *class = scope__at(level);

		if (class)
			found = *class;
	}
	return found;
}

/* The class of the current process. Below the folder of pods it is never the host's. */
static __always_inline __u32 scope__class(void)
{
	__u32 place = scope_state.place, level = scope_state.level, *class;

	if (place == PLACE_NOWHERE)
		return SCOPE_HOST;
	if (place == PLACE_ANYWHERE)
		return scope__anywhere();
	class = scope__at(level + POD_LEVELS); /* most containers are there, few services of the host */
	if (class)
		return *class;
	if (bpf_get_current_ancestor_cgroup_id(level) != scope_state.root)
		return SCOPE_HOST;
#pragma clang loop unroll(full)
	for (__u32 below = POD_LEVELS - 1; below >= 1; below--) {
		class = scope__at(level + below);
		if (class)
			return *class;
	}
	return SCOPE_UNKNOWN_POD;
}

#endif
