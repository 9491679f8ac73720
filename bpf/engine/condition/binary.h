/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The path of the process's executable, by the ids that its record keeps. A program without a path (in
 * memory only), one whose path cannot be told and a process without a record are in no list. A program of
 * the host in a pod, which is the container runtime's until it runs the container's, meets no condition.
 */
#ifndef GUARDBEE_ENGINE_CONDITION_BINARY_H
#define GUARDBEE_ENGINE_CONDITION_BINARY_H

#include "../call.h"

/* An id: the path is in no list. Those of listed paths are from 1. */
#define BINARY_UNLISTED 0

/* An id as the record keeps it, with the generation of the tables that it is of. */
#define BINARY_ID(generation, id) ((__u64)(generation) << 32 | (id))

/* The id in `known` where it is of the tables that are in force; else false. */
static __always_inline bool binary__is_known(struct call *call, __u64 *at, __u32 *id)
{
	__u64 known = *(volatile __u64 *)at;

	*id = known;
	return known >> 32 == engine_state.binary_generation[call->slot & 1];
}

static __always_inline void binary__keep(struct call *call, __u64 *at, __u32 id)
{
	*(volatile __u64 *)at = BINARY_ID(engine_state.binary_generation[call->slot & 1], id);
}

static __always_inline __u32 binary__exact(struct call *call)
{
	struct process_info *info = call__info(call);
	__u32 size, id, *found;
	void *table;

	if (!info)
		return BINARY_UNLISTED;
	if (binary__is_known(call, &info->binary_exact, &id))
		return id;
	size = info->binary_size;
	table = bpf_map_lookup_elem(&binaries_exact, &call->slot);
	found = table && size && size < BINARY_SIZE ? bpf_map_lookup_elem(table, info->binary) : NULL;
	id = found ? *found : BINARY_UNLISTED;
	binary__keep(call, &info->binary_exact, id);
	return id;
}

static __always_inline __u32 binary__prefix(struct call *call)
{
	struct binary_prefix_key *path = (void *)&call->scratch->prefix.dim;
	struct process_info *info = call__info(call);
	__u32 size, id, *found;
	void *table;

	if (!info)
		return BINARY_UNLISTED;
	if (binary__is_known(call, &info->binary_prefix, &id))
		return id;
	size = info->binary_size;
	if (size > sizeof(path->path))
		size = sizeof(path->path);
	path->prefix_bits = 8 * size;
	bpf_probe_read_kernel(path->path, sizeof(path->path), info->binary);
	table = bpf_map_lookup_elem(&binaries_prefix, &call->slot);
	found = table && size ? bpf_map_lookup_elem(table, path) : NULL;
	id = found ? *found : BINARY_UNLISTED;
	binary__keep(call, &info->binary_prefix, id);
	return id;
}

/* The caller has asked for the record. */
static __always_inline void binary__and(struct call *call, __u32 dim, __u32 id)
{
	struct table_facet *table = &call->table->facets[dim];
	struct process_info *info = call->info;

	if (call->in_pod && info && info->flags & PROCESS_OF_HOST) {
		call__and_facet(call, dim, ROW_ABSENT);
		return;
	}
	if (id != BINARY_UNLISTED && id <= table->count)
		call__and_row(call, table->base + id - 1);
	else
		call__and_facet(call, dim, ROW_OTHERWISE);
}

static __always_inline void binary__match(struct call *call, __u32 dim)
{
	binary__and(call, dim, binary__exact(call));
}

static __always_inline void binary__match_prefix(struct call *call, __u32 dim)
{
	binary__and(call, dim, binary__prefix(call));
}

#endif
