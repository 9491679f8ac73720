// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Maps as lists in memory, and the request and answer on standard input and output. */
#include "shim.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct shim_map {
	uint32_t magic;
	enum shim_kind kind;
	unsigned key, value, count, room;
	unsigned char *keys, *values;
};
#define MAGIC 0x5b1311a9u
#define BOUND_MAX 64

static struct {
	void *symbol;
	struct shim_map *map;
} bound[BOUND_MAX];
static unsigned bound_count;

void shim_fail(const char *what)
{
	fprintf(stderr, "engine runner: %s\n", what);
	exit(2);
}

void *shim_low_memory(unsigned size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

	if (memory == MAP_FAILED)
		shim_fail("no memory below 4 GiB");
	return memory;
}

void *shim_memory(unsigned size)
{
	void *memory = calloc(1, size ? size : 1);

	if (!memory)
		shim_fail("out of memory");
	return memory;
}

struct shim_map *shim_map_new(enum shim_kind kind, unsigned key, unsigned value, unsigned entries)
{
	struct shim_map *map = shim_memory(sizeof(*map));

	*map = (struct shim_map){.magic = MAGIC, .kind = kind, .key = key, .value = value};
	map->room = entries;
	map->count = kind == SHIM_ARRAY || kind == SHIM_OF_MAPS ? entries : 0;
	map->keys = shim_memory(key * entries);
	map->values = shim_memory(value * entries);
	return map;
}

void shim_map_free(struct shim_map *map)
{
	if (!map)
		return;
	free(map->keys);
	free(map->values);
	free(map);
}

void shim_bind(void *symbol, struct shim_map *map)
{
	for (unsigned i = 0; i < bound_count; i++) {
		if (bound[i].symbol == symbol) {
			bound[i].map = map;
			return;
		}
	}
	if (bound_count == BOUND_MAX)
		shim_fail("too many maps");
	bound[bound_count].symbol = symbol;
	bound[bound_count++].map = map;
}

static struct shim_map *find(void *symbol)
{
	for (unsigned i = 0; i < bound_count; i++)
		if (bound[i].symbol == symbol)
			return bound[i].map;
	if (((struct shim_map *)symbol)->magic != MAGIC)
		shim_fail("a map that the runner does not know");
	return symbol;
}

static int exact(struct shim_map *map, const void *key)
{
	for (unsigned i = 0; i < map->count; i++)
		if (!memcmp(map->keys + i * map->key, key, map->key))
			return i;
	return -1;
}

/* Whether two texts begin with the same so many bits. */
static int same_bits(const unsigned char *one, const unsigned char *other, uint32_t bits)
{
	unsigned char differ = bits % 8 ? one[bits / 8] ^ other[bits / 8] : 0;

	return !memcmp(one, other, bits / 8) && !(differ & ~(0xff >> bits % 8));
}

/* Keys begin with the number of bits that count, of which the rest is compared from its first on. */
static int longest(struct shim_map *map, const void *key)
{
	uint32_t given, best = 0;
	int found = -1;

	memcpy(&given, key, 4);
	for (unsigned i = 0; i < map->count; i++) {
		const unsigned char *known = map->keys + i * map->key, *asked = key;
		uint32_t bits;

		memcpy(&bits, known, 4);
		if (bits > given || (found >= 0 && bits < best) || !same_bits(known + 4, asked + 4, bits))
			continue;
		best = bits;
		found = i;
	}
	return found;
}

void *bpf_map_lookup_elem(void *symbol, const void *key)
{
	struct shim_map *map = find(symbol);
	uint32_t index;
	void *inner;
	int at;

	if (!map)
		return NULL;
	if (map->kind == SHIM_HASH || map->kind == SHIM_LPM) {
		at = map->kind == SHIM_HASH ? exact(map, key) : longest(map, key);
		return at < 0 ? NULL : map->values + at * map->value;
	}
	memcpy(&index, key, 4);
	if (index >= map->count)
		return NULL;
	if (map->kind == SHIM_ARRAY)
		return map->values + (size_t)index * map->value;
	memcpy(&inner, map->values + (size_t)index * map->value, sizeof(inner));
	return inner;
}

void shim_map_put(struct shim_map *map, const void *key, const void *value)
{
	uint32_t index;
	int at;

	if (map->kind == SHIM_ARRAY || map->kind == SHIM_OF_MAPS) {
		memcpy(&index, key, 4);
		if (index >= map->count)
			shim_fail("an index behind the end of an array");
		memcpy(map->values + (size_t)index * map->value, value, map->value);
		return;
	}
	at = exact(map, key);
	if (at < 0) {
		if (map->count == map->room)
			shim_fail("a map is full");
		at = map->count++;
	}
	memcpy(map->keys + at * map->key, key, map->key);
	memcpy(map->values + at * map->value, value, map->value);
}

long bpf_map_update_elem(void *symbol, const void *key, const void *value, unsigned long long flags)
{
	struct shim_map *map = find(symbol);

	if (map->kind == SHIM_HASH && exact(map, key) < 0) {
		if (flags == 2) /* BPF_EXIST */
			return -2;
		if (map->count == map->room)
			return -7; /* E2BIG */
	} else if (flags == 1) { /* BPF_NOEXIST */
		return -17;
	}
	shim_map_put(map, key, value);
	return 0;
}

long bpf_map_delete_elem(void *symbol, const void *key)
{
	struct shim_map *map = find(symbol);
	int at = exact(map, key);

	if (at < 0)
		return -2;
	map->count--;
	memmove(map->keys + at * map->key, map->keys + map->count * map->key, map->key);
	memmove(map->values + at * map->value, map->values + map->count * map->value, map->value);
	return 0;
}

void shim_map_each(struct shim_map *map, void (*each)(const void *key, const void *value))
{
	for (unsigned i = 0; i < map->count; i++)
		each(map->keys + i * map->key, map->values + i * map->value);
}

static long read_memory(void *to, unsigned size, const void *from)
{
	if ((uintptr_t)from < 4096) {
		memset(to, 0, size);
		return -14; /* EFAULT */
	}
	memcpy(to, from, size);
	return 0;
}

long bpf_probe_read_kernel(void *to, unsigned size, const void *from)
{
	return read_memory(to, size, from);
}

long bpf_probe_read_user(void *to, unsigned size, const void *from)
{
	return read_memory(to, size, from);
}

/* With the NUL; a text that is longer is cut, and ends with NUL all the same. */
static long read_text(char *to, unsigned size, const char *from)
{
	unsigned at = 0;

	if ((uintptr_t)from < 4096)
		return -14; /* EFAULT */
	while (at + 1 < size && from[at]) {
		to[at] = from[at];
		at++;
	}
	to[at] = 0;
	return at + 1;
}

long bpf_probe_read_kernel_str(void *to, unsigned size, const void *from)
{
	return read_text(to, size, from);
}

long bpf_probe_read_user_str(void *to, unsigned size, const void *from)
{
	return read_text(to, size, from);
}

long bpf_loop(unsigned count, void *step, void *context, unsigned long long flags)
{
	long (*run)(unsigned, void *) = step;
	unsigned i = 0;

	(void)flags;
	while (i < count)
		if (run(i++, context))
			break;
	return i;
}

void shim_take(void *to, unsigned size)
{
	if (fread(to, 1, size, stdin) == size)
		return;
	if (feof(stdin))
		exit(0); /* the test is over */
	shim_fail("cannot read");
}

void shim_answer(const void *from, unsigned size)
{
	if (fwrite(from, 1, size, stdout) != size)
		shim_fail("cannot write");
}

void shim_flush(void)
{
	fflush(stdout);
}

void shim_set_constants(const volatile void *to, const void *from, unsigned size)
{
	uintptr_t page = sysconf(_SC_PAGESIZE), start = (uintptr_t)to & ~(page - 1);

	if (mprotect((void *)start, (uintptr_t)to + size - start, PROT_READ | PROT_WRITE))
		shim_fail("cannot write constants");
	memcpy((void *)to, from, size);
}
