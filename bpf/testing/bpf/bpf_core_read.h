/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Stands in for libbpf's header: nothing is relocated, the types of kernel.h are the kernel's. */
#ifndef GUARDBEE_SHIM_CORE_READ_H
#define GUARDBEE_SHIM_CORE_READ_H

#define bpf_core_read(to, size, from) bpf_probe_read_kernel(to, size, (const void *)(from))
#define bpf_core_field_exists(field) 0 /* asked of what newer kernels have */
#define bpf_core_enum_value_exists(type, value) 1
#define bpf_core_enum_value(type, value) value
#define bpf_core_type_size(type) sizeof(type)

/* Of an expression its address: only distances between members of one object are asked for. */
#define SHIM_OFFSET_1(field) ((unsigned long)&(field))
#define SHIM_OFFSET_2(type, field) __builtin_offsetof(type, field)
#define SHIM_NTH(_1, _2, _3, _4, _5, name, ...) name
#define bpf_core_field_offset(...) \
	SHIM_NTH(__VA_ARGS__, , , , SHIM_OFFSET_2, SHIM_OFFSET_1)(__VA_ARGS__)

/* Members that are read one after the other; a pointer that cannot be read gives zeros. */
#define SHIM_READ_2(from, member)                                                        \
	({                                                                               \
		typeof((from)->member) shim_value;                                       \
		bpf_probe_read_kernel((void *)&shim_value, sizeof(shim_value), &(from)->member); \
		shim_value;                                                              \
	})
#define SHIM_READ_3(from, a, b) SHIM_READ_2(SHIM_READ_2(from, a), b)
#define SHIM_READ_4(from, a, b, c) SHIM_READ_2(SHIM_READ_3(from, a, b), c)
#define BPF_CORE_READ(...) \
	SHIM_NTH(__VA_ARGS__, , SHIM_READ_4, SHIM_READ_3, SHIM_READ_2)(__VA_ARGS__)

#endif
