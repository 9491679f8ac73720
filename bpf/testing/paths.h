/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Memory in which the paths of an attach point lead from one thing to the next. */
#ifndef GUARDBEE_TESTING_PATHS_H
#define GUARDBEE_TESTING_PATHS_H

#include "../engine/call.h"
#include "task.h"

/* What pointers on the way lead to; what parameters do, objects.h has. */
static char nodes[PATHS_MAX][POINTERS_MAX][AREA_SIZE];

/* Paths from the task lead to what is behind it. */
static void move_task_paths(struct hook_spec *spec)
{
	for (__u32 i = 0; i < spec->path_count; i++) {
		if (spec->paths[i].source == PATH_OF_TASK)
			spec->paths[i].offsets[0] += (char *)now.beyond - (char *)&now.task;
	}
}

/*
 * Writes where path `number` leads to: `value`, which is the address of what is there itself where the path
 * reads none. `broken`: its last pointer leads to nothing.
 */
static void write_path(__u32 number, __u64 from, __u64 value, bool broken)
{
	const volatile struct arg_path *path = &spec.paths[number];

	for (__u32 i = 0; i < path->pointers; i++) {
		__u64 next = (__u64)nodes[number][i];

		if (broken && i + 1 == path->pointers)
			next = 8;
		__builtin_memcpy((char *)from + path->offsets[i], &next, sizeof(next));
		from = next;
	}
	if (broken)
		return;
	from += path->offsets[path->pointers];
	if (path->size)
		__builtin_memcpy((char *)from, &value, path->size);
	else
		__builtin_strcpy((char *)from, (const char *)value);
}

#endif
