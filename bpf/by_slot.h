/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Tables that the agent fills beside the ones in force, and then flips: see engine_state.active. */
#ifndef GUARDBEE_BY_SLOT_H
#define GUARDBEE_BY_SLOT_H

#include "kernel.h"

#include <bpf/bpf_helpers.h>

/*
 * A map of such tables, one a slot. The agent makes them, each as large as it is to be; what is said here
 * of their type, flags, keys and values is what the kernel holds them to.
 */
#define BY_SLOT(name, table_type, table_flags, table_key, table_value) \
	struct {                                              \
		__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);     \
		__uint(max_entries, 2);                       \
		__type(key, __u32);                           \
		__array(values, struct {                      \
			__uint(type, table_type);             \
			__uint(max_entries, 1);               \
			__uint(map_flags, table_flags);       \
			table_key;                            \
			table_value;                          \
		});                                           \
	} name SEC(".maps")

#endif
