/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What members of structs lead to, read before a call is decided: from then on it is a parameter. */
#ifndef GUARDBEE_ENGINE_RESOLVE_H
#define GUARDBEE_ENGINE_RESOLVE_H

#include "call.h"

#define RESOLVE_FIRST 4096 /* where a pointer to nothing leads, a page at the most */

/* What the path leads from. */
static __always_inline __u64 resolve__source(struct call_scratch *scratch, __u32 source)
{
	switch (source) {
	case PATH_OF_TASK:
		return (__u64)bpf_get_current_task_btf();
	case PATH_OF_REGISTERS:
		return scratch->registers;
	}
	return source < PARAMETERS_MAX ? scratch->parameters[source] : 0;
}

/* A number of so many bytes that a shift is told of; all of it where it is the kernel's pointer. */
static __always_inline __u64 resolve__number(const volatile struct arg_path *path, __u64 value)
{
	__u64 shifted = value << (path->up & 63);

	return path->is_signed ? (__u64)((__s64)shifted >> (path->down & 63))
			       : shifted >> (path->down & 63);
}

/* Follows a path to its end; false: something on the way cannot be read. */
static __always_inline bool resolve__read(struct call_scratch *scratch,
					  const volatile struct arg_path *path, __u64 *value)
{
	__u64 at = resolve__source(scratch, path->source), next;
	__u32 pointers = path->pointers, size = path->size;

#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < POINTERS_MAX && i < pointers; i++) {
		if (bpf_probe_read_kernel(&next, sizeof(next), (void *)(at + path->offsets[i])))
			return false;
		at = next;
	}
	if (pointers > POINTERS_MAX)
		return false; /* cannot be: no path has more */
	at += path->offsets[pointers];
	*value = at;
	if (size == 0)
		return at >= RESOLVE_FIRST; /* of a pointer to nothing it is the first page */
	next = 0;
	if (size > sizeof(next) || bpf_probe_read_kernel(&next, size, (void *)at))
		return false;
	*value = resolve__number(path, next);
	return true;
}

/* Follows all paths of the program. Not static: see path__find. */
__noinline int resolve__all(struct call_scratch *scratch)
{
	const __u32 count = spec.path_count;

	if (!scratch)
		return 0; /* cannot be: the verifier wants it asked */
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < PATHS_MAX && i < count; i++) {
		__u64 value = 0;

		if (resolve__read(scratch, &spec.paths[i], &value))
			scratch->unread &= ~(1u << (FIRST_PATH + i));
		else
			scratch->unread |= 1u << (FIRST_PATH + i);
		scratch->parameters[FIRST_PATH + i] = value;
	}
	return 0;
}

#endif
