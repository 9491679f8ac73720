/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The path of an executable, the process's or its parent's, by the ids that its record keeps. A program
 * without a path (in memory only), one whose path cannot be told and a process without a record are in no
 * list. A process that runs a program of the host in a pod, which is the container runtime's until it runs
 * the container's, meets no condition.
 */
#ifndef GUARDBEE_ENGINE_CONDITION_BINARY_H
#define GUARDBEE_ENGINE_CONDITION_BINARY_H

#include "../lookup.h"

/* An id: the path is in no list. Those of listed paths are from 1. */
#define BINARY_UNLISTED 0

/* facet.part of a FACET_BINARY*: whose executable. */
enum binary_of { BINARY_OWN, BINARY_OF_PARENT };

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

static __always_inline __u32 *binary__find_exact(struct call *call, struct executable *of)
{
	void *table = bpf_map_lookup_elem(&binaries_exact, &call->slot);
	__u32 size = of->size;

	return table && size && size < BINARY_SIZE ? bpf_map_lookup_elem(table, of->path) : NULL;
}

static __always_inline __u32 *binary__find_prefix(struct call *call, struct executable *of)
{
	struct binary_prefix_key *key = (void *)&call->scratch->prefix.dim;
	void *table = bpf_map_lookup_elem(&binaries_prefix, &call->slot);
	__u32 size = of->size;

	if (size > sizeof(key->path))
		size = sizeof(key->path);
	key->prefix_bits = 8 * size;
	bpf_probe_read_kernel(key->path, sizeof(key->path), of->path);
	return table && size ? bpf_map_lookup_elem(table, key) : NULL;
}

/* The path is moved to where there is room before it: the reversal takes 8 bytes at once. */
static __always_inline __u32 *binary__find_postfix(struct call *call, struct executable *of)
{
	struct binary_prefix_key *key = (void *)&call->scratch->prefix.dim;
	void *table = bpf_map_lookup_elem(&binaries_postfix, &call->slot);
	__u32 size = of->size, end = TAIL_START + size;
	char *text = call->scratch->path.text;
	__u64 *to = (__u64 *)key->path;

	if (size >= BINARY_SIZE) {
		end = TAIL_START + BINARY_END;
		bpf_probe_read_kernel(text + TAIL_START, BINARY_END, of->end);
	} else {
		bpf_probe_read_kernel(text + TAIL_START, BINARY_SIZE, of->path);
	}
	if (size > BINARY_END)
		size = BINARY_END;
	key->prefix_bits = 8 * size;
#pragma clang loop unroll(disable)
	for (__u32 word = 0; word < BINARY_END / 8; word++) {
		if (8 * word >= size)
			break;
		end = BOUNDED(end - 8, 2 * BINARY_SIZE - 1);
		to[word] = __builtin_bswap64(*(__u64 *)(text + end));
	}
	return table && size ? bpf_map_lookup_elem(table, key) : NULL;
}

/* Who has not executed anything runs what made it. */
static __always_inline struct executable *binary__of(struct process_info *info, __u32 dim)
{
	if (spec.facets[dim].part == BINARY_OF_PARENT &&
	    (info->flags & (EXEC_CLONED | PROCESS_RENEWED)) != EXEC_CLONED)
		return &info->parent_binary;
	return &info->binary;
}

static __always_inline __u32 binary__id(struct call *call, __u32 dim, const enum binary_form form)
{
	struct process_info *info = call__info(call);
	struct executable *of;
	__u32 id, *found;

	if (!info)
		return BINARY_UNLISTED;
	of = binary__of(info, dim);
	if (binary__is_known(call, &of->ids[form], &id))
		return id;
	found = form == BINARY_EXACT ? binary__find_exact(call, of) :
		form == BINARY_PREFIX ? binary__find_prefix(call, of) :
					binary__find_postfix(call, of);
	id = found ? *found : BINARY_UNLISTED;
	binary__keep(call, &of->ids[form], id);
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
	binary__and(call, dim, binary__id(call, dim, BINARY_EXACT));
}

static __always_inline void binary__match_prefix(struct call *call, __u32 dim)
{
	binary__and(call, dim, binary__id(call, dim, BINARY_PREFIX));
}

static __always_inline void binary__match_postfix(struct call *call, __u32 dim)
{
	binary__and(call, dim, binary__id(call, dim, BINARY_POSTFIX));
}

#endif
