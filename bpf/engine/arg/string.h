/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A pointer to text that ends with NUL. */
#ifndef GUARDBEE_ENGINE_ARG_STRING_H
#define GUARDBEE_ENGINE_ARG_STRING_H

#include "../lookup.h"
#include "error.h"
#include "memory.h"

/* Kernel types of which nothing else is read. */
#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct filename {
	const char *name;
};

#pragma clang attribute pop

/* Reads so many bytes at most, the NUL included: how many there were, or negative. */
static __always_inline long string__read(const volatile struct reading *reading, void *to,
					 __u32 size, __u64 from)
{
	long read;

	if (memory__is_kernel(reading))
		return bpf_probe_read_kernel_str(to, size, (void *)from);
	if (!spec.syscall) {
		read = bpf_probe_read_kernel_str(to, size, (void *)from);
		if (read > 0)
			return read;
	}
	return bpf_probe_read_user_str(to, size, (void *)from);
}

/* Where a text is (struct filename *), which a process gave and the kernel has copied. */
static __always_inline __u64 filename__pointer(struct call *call,
					       const volatile struct reading *reading)
{
	struct filename *filename = (struct filename *)call__parameter(call, reading->index);

	return (__u64)BPF_CORE_READ(filename, name);
}

static __always_inline __u64 string__pointer(struct call *call,
					     const volatile struct reading *reading)
{
	return call__parameter(call, reading->index);
}

static __always_inline enum known text__read(struct call *call,
					     const volatile struct reading *reading, __u64 from,
					     struct text *to)
{
	/* one byte more than is compared, so that what is longer is known */
	__u32 most = to->match & (MATCH_POSTFIX | MATCH_SUBSTRING) ? DATA_SIZE : TEXT_SIZE + 2;
	long read = string__read(reading, text__buffer(call), most, from);

	if (read <= 0)
		return KNOWN_NOT;
	text__of_buffer(call, BOUNDED(read - 1, DATA_SIZE - 1), to);
	if (read == DATA_SIZE)
		to->tail_size = 0; /* where it ends cannot be told */
	return KNOWN_EXACTLY;
}

/* The text without NUL, of which DATA_SIZE - 1 bytes at most are read. */
static __always_inline __u32 text__emit(const volatile struct reading *reading, __u64 from,
					struct event_arg *arg, char *to)
{
	long read = string__read(reading, to, DATA_SIZE, from);

	if (read <= 0)
		return error__emit(arg, to, EFAULT);
	return BOUNDED(read - 1, DATA_SIZE - 1);
}

/* Defines the reader and the writer of a type that is a text: NAME__pointer says where. */
#define TEXT_TYPE(name)                                                                        \
	static __always_inline enum known name##__text(                                        \
		struct call *call, const volatile struct reading *reading, __u32 part,         \
		struct text *to)                                                               \
	{                                                                                      \
		return text__read(call, reading, name##__pointer(call, reading), to);          \
	}                                                                                      \
	static __always_inline __u32 name##__emit(struct call *call,                           \
						  const volatile struct reading *reading,      \
						  struct event_arg *arg, char *to)             \
	{                                                                                      \
		return text__emit(reading, name##__pointer(call, reading), arg, to);           \
	}

TEXT_TYPE(string)
TEXT_TYPE(filename)

#endif
