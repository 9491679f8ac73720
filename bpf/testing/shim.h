/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Between shim.c, which has the C library, and runner.c, which has the engine's own types. */
#ifndef GUARDBEE_SHIM_H
#define GUARDBEE_SHIM_H

enum shim_kind { SHIM_ARRAY, SHIM_HASH, SHIM_LPM, SHIM_OF_MAPS };
struct shim_map;

/* A map; of an array all entries are there and zero. Ends the program when memory is short. */
struct shim_map *shim_map_new(enum shim_kind kind, unsigned key, unsigned value, unsigned entries);
void shim_map_free(struct shim_map *map);
void shim_map_put(struct shim_map *map, const void *key, const void *value);
/* What the engine's map variable `symbol` is from now on. */
void shim_bind(void *symbol, struct shim_map *map);

/* Calls `each` with key and value of every entry of a hash. */
void shim_map_each(struct shim_map *map, void (*each)(const void *key, const void *value));

/* Reads exactly so much of the request; ends the program at its end. */
void shim_take(void *to, unsigned size);
void *shim_memory(unsigned size);
/* The same, where a pointer has 32 bits. */
void *shim_low_memory(unsigned size);
void shim_answer(const void *from, unsigned size);
void shim_flush(void);
/* Writes to constants, which the compiler takes for such where it sees the type. */
void shim_set_constants(const volatile void *to, const void *from, unsigned size);
void shim_fail(const char *what);

#endif
