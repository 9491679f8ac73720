/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The attach points: constants of their programs and the tables of the slot in force. */
#ifndef GUARDBEE_TESTING_POINTS_H
#define GUARDBEE_TESTING_POINTS_H

#include "../engine/rate.h"
#include "../engine/glob.h"
#include "paths.h"
#include "request.h"

#define POINTS_MAX 64
#define CALLS_OF_SET 4096	/* that are made of one set of policies, and what they keep */

/* The maps of one attach point. */
struct point {
	struct hook_spec spec;
	struct shim_map *tables, *rows, *starts, *substrings, *numbers, *equals, *prefixes, *actions;
	struct shim_map *inner[7];
	struct shim_map *rates;
};

static struct point points[POINTS_MAX];
static __u32 point_count;
static struct shim_map *exact_ids, *prefix_ids, *postfix_ids;

/* A map with entries of `key` bytes (0: an array) and `value` bytes each. */
static struct shim_map *take_map(enum shim_kind kind, __u32 key, __u32 value)
{
	static char value_bytes[GLOB_SIZE_MAX];
	char key_bytes[512];
	__u32 count = take_count(1 << 20);
	struct shim_map *map = shim_map_new(kind, key, value, count);

	if (key > sizeof(key_bytes) || value > sizeof(value_bytes))
		shim_fail("an entry that is too large");
	for (__u32 i = 0; i < count; i++) {
		if (kind == SHIM_ARRAY)
			__builtin_memcpy(key_bytes, &i, sizeof(i));
		else
			shim_take(key_bytes, key);
		shim_take(value_bytes, value);
		shim_map_put(map, key_bytes, value_bytes);
	}
	return map;
}

/* A map of maps with `inner` in the slot that is in force; the other slot has none. */
static struct shim_map *in_slot(struct shim_map *inner)
{
	struct shim_map *outer = shim_map_new(SHIM_OF_MAPS, 4, sizeof(void *), 2);
	__u32 slot = engine_state.active;

	shim_map_put(outer, &slot, &inner);
	return outer;
}

/* All attach points go: what follows is another set of policies, in slot `active`. */
static void take_binaries(void)
{
	for (__u32 i = 0; i < point_count; i++) {
		struct point *point = &points[i];
		struct shim_map *outer[] = {point->tables, point->rows, point->starts, point->substrings,
					    point->numbers, point->equals, point->prefixes,
					    point->actions};

		for (__u32 j = 0; j < sizeof(outer) / sizeof(*outer); j++)
			shim_map_free(outer[j]);
		for (__u32 j = 0; j < 7; j++)
			shim_map_free(point->inner[j]);
		shim_map_free(point->rates);
	}
	point_count = 0;
	engine_state.active = take_u32() & 1;
	engine_state.binary_generation[engine_state.active] = 1;
	shim_map_free(exact_ids);
	shim_map_free(prefix_ids);
	shim_map_free(postfix_ids);
	exact_ids = take_map(SHIM_HASH, BINARY_SIZE, sizeof(__u32));
	prefix_ids = take_map(SHIM_LPM, sizeof(struct binary_prefix_key), sizeof(__u32));
	postfix_ids = take_map(SHIM_LPM, sizeof(struct binary_prefix_key), sizeof(__u32));
	shim_bind(&binaries_exact, in_slot(exact_ids));
	shim_bind(&binaries_prefix, in_slot(prefix_ids));
	shim_bind(&binaries_postfix, in_slot(postfix_ids));
}

static void take_point(void)
{
	__u32 words, value_bytes, table_bytes, slot = engine_state.active;
	struct point *point = &points[point_count++];
	void *table;

	if (point_count > POINTS_MAX)
		shim_fail("too many attach points");
	shim_take(&point->spec, sizeof(point->spec));
	move_task_paths(&point->spec);
	words = point->spec.words;
	value_bytes = words > UNROLLED_MAX ? 8 : 8 * words;
	table_bytes = take_count(sizeof(struct hook_table));
	table = shim_memory(sizeof(struct hook_table));
	shim_take(table, table_bytes);
	point->tables = shim_map_new(SHIM_ARRAY, 4, sizeof(struct hook_table), 2);
	shim_map_put(point->tables, &slot, table);
	point->inner[0] = take_map(SHIM_ARRAY, 4, words == 1 ? 8 : 8 * (words + 1));
	point->inner[1] = take_map(SHIM_HASH, sizeof(struct number_key), value_bytes);
	point->inner[2] = take_map(SHIM_HASH, sizeof(struct equal_key), value_bytes);
	point->inner[3] = take_map(SHIM_LPM, sizeof(struct prefix_key), value_bytes);
	point->inner[4] = take_map(SHIM_ARRAY, 4, sizeof(struct action_entry));
	point->inner[5] = take_map(SHIM_ARRAY, 4, sizeof(__u64));
	point->inner[6] = take_map(SHIM_ARRAY, 4, point->spec.substring_size);
	point->rates = shim_map_new(SHIM_HASH, sizeof(struct rate_key), sizeof(__u64), CALLS_OF_SET);
	point->rows = in_slot(point->inner[0]);
	point->numbers = in_slot(point->inner[1]);
	point->equals = in_slot(point->inner[2]);
	point->prefixes = in_slot(point->inner[3]);
	point->actions = in_slot(point->inner[4]);
	point->starts = in_slot(point->inner[5]);
	point->substrings = in_slot(point->inner[6]);
}

static void use(struct point *point)
{
	shim_set_constants(&spec, &point->spec, sizeof(spec));
	shim_bind(&tables, point->tables);
	shim_bind(&rows, point->rows);
	shim_bind(&starts, point->starts);
	shim_bind(&substrings, point->substrings);
	shim_bind(&numbers, point->numbers);
	shim_bind(&equals, point->equals);
	shim_bind(&prefixes, point->prefixes);
	shim_bind(&actions, point->actions);
	shim_bind(&rates, point->rates);
}

#endif
