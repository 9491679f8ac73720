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

/* Looks the two ids up again when the tables have changed since; threads may both do it. */
static __always_inline void binary__refresh(struct call *call, struct process_info *info,
					    __u32 generation)
{
	struct prefix_key *key = &call->scratch->prefix;
	void *exact = bpf_map_lookup_elem(&binaries_exact, &call->slot);
	void *prefix = bpf_map_lookup_elem(&binaries_prefix, &call->slot);
	struct binary_prefix_key *path = (void *)&key->dim;
	__u32 size = info->binary_size, *id;

	id = exact && size && size < BINARY_SIZE ? bpf_map_lookup_elem(exact, info->binary) : NULL;
	info->binary_exact = id ? *id : BINARY_UNLISTED;
	if (size > sizeof(path->path))
		size = sizeof(path->path);
	path->prefix_bits = 8 * size;
	bpf_probe_read_kernel(path->path, sizeof(path->path), info->binary);
	id = prefix && size ? bpf_map_lookup_elem(prefix, path) : NULL;
	info->binary_prefix = id ? *id : BINARY_UNLISTED;
	info->binary_generation = generation;
}

/* The record of the process with ids of the tables that are in force, or NULL. */
static __always_inline struct process_info *binary__info(struct call *call)
{
	__u32 generation = engine_state.binary_generation[call->slot & 1];
	struct process_info *info = call__info(call);

	if (info && info->binary_generation != generation)
		binary__refresh(call, info, generation);
	return info;
}

static __always_inline void binary__and(struct call *call, __u32 dim, struct process_info *info,
					__u32 id)
{
	struct table_facet *table = &call->table->facets[dim];

	if (call->in_pod && info && info->flags & PROCESS_OF_HOST) {
		call__and_facet(call, dim, ROW_ABSENT);
		return;
	}
	/* more than there are: another thread has looked it up in newer tables */
	if (id != BINARY_UNLISTED && id <= table->count)
		call__and_row(call, table->base + id - 1);
	else
		call__and_facet(call, dim, ROW_OTHERWISE);
}

static __always_inline void binary__match(struct call *call, __u32 dim)
{
	struct process_info *info = binary__info(call);

	binary__and(call, dim, info, info ? info->binary_exact : BINARY_UNLISTED);
}

static __always_inline void binary__match_prefix(struct call *call, __u32 dim)
{
	struct process_info *info = binary__info(call);

	binary__and(call, dim, info, info ? info->binary_prefix : BINARY_UNLISTED);
}

#endif
