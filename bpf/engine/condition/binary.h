/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The path of the process's executable, by the ids that its record keeps. */
#ifndef GUARDBEE_ENGINE_CONDITION_BINARY_H
#define GUARDBEE_ENGINE_CONDITION_BINARY_H

#include "../call.h"

/* An id: there is no path that can be compared. Those of listed paths are from 1; 0: not listed. */
#define BINARY_UNKNOWN 0xffffffff

/* Looks the two ids up again when the tables have changed since; threads may both do it. */
static __always_inline void binary__refresh(struct call *call, struct process_info *info)
{
	struct prefix_key *key = &call->scratch->prefix;
	void *exact = bpf_map_lookup_elem(&binaries_exact, &call->slot);
	void *prefix = bpf_map_lookup_elem(&binaries_prefix, &call->slot);
	struct binary_prefix_key *path = (void *)&key->dim;
	__u32 size = info->binary_size, none = size ? 0 : BINARY_UNKNOWN, *id;

	id = exact && size && size < BINARY_SIZE ? bpf_map_lookup_elem(exact, info->binary) : NULL;
	info->binary_exact = id ? *id : none;
	if (size > sizeof(path->path))
		size = sizeof(path->path);
	path->prefix_bits = 8 * size;
	bpf_probe_read_kernel(path->path, sizeof(path->path), info->binary);
	id = prefix && size ? bpf_map_lookup_elem(prefix, path) : NULL;
	info->binary_prefix = id ? *id : none;
	info->binary_generation = call->binary_generation;
}

static __always_inline void binary__and(struct call *call, __u32 dim, __u32 id, __u32 base,
					__u32 count)
{
	if (id == 0)
		call__and_default(call, dim);
	else if (id <= count)
		call__and_row(call, base + id - 1);
	else
		call__and_absent(call, DIM_BINARY);
}

static __always_inline void binary__match(struct call *call)
{
	struct process_info *info = info__of(call->task, &call->scratch->path);
	struct hook_table *table = call->table;

	call->info = info;
	if (!info) {
		call__and_absent(call, DIM_BINARY);
		return;
	}
	if (info->binary_generation != call->binary_generation)
		binary__refresh(call, info);
	if (spec.use & USE_BINARY_EXACT)
		binary__and(call, DIM_BINARY, info->binary_exact, table->exact_base,
			    table->exact_count);
	if (spec.use & USE_BINARY_PREFIX)
		binary__and(call, DIM_BINARY_PREFIX, info->binary_prefix, table->prefix_base,
			    table->prefix_count);
}

#endif
