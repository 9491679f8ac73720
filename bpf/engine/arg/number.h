/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Numbers, as a register has them. */
#ifndef GUARDBEE_ENGINE_ARG_NUMBER_H
#define GUARDBEE_ENGINE_ARG_NUMBER_H

#include "../call.h"

/* Whether what is read is a parameter of the call, and not where a path leads. */
static __always_inline bool number__is_parameter(const volatile struct reading *reading)
{
	return !spec.path_count || reading->index < FIRST_PATH;
}

/* Defines the reader and the writer of one C type: 8 bytes, sign-extended where it has a sign. */
#define NUMBER_TYPE(name, convert)                                                       \
	static __always_inline enum known name##__number(                                \
		struct call *call, const volatile struct reading *reading, __u32 part,   \
		__u64 *value)                                                            \
	{                                                                                \
		__u64 parameter = call__parameter(call, reading->index);                  \
		*value = (__s64)convert(parameter);                                       \
		return KNOWN_EXACTLY;                                                    \
	}                                                                                \
	static __always_inline __u32 name##__emit(struct call *call,                     \
						  const volatile struct reading *reading, \
						  struct event_arg *arg, char *to)       \
	{                                                                                \
		name##__number(call, reading, 0, (__u64 *)to);                           \
		return sizeof(__u64);                                                    \
	}

/* A signed register, which has 32 bits in a 32-bit system call. */
#define NUMBER_SIGNED(parameter)                                                         \
	(spec.syscall == SYSCALL_32BIT && number__is_parameter(reading)                   \
		 ? (__s32)(parameter)                                                     \
		 : (__s64)(parameter))

NUMBER_TYPE(int, (__s32))
NUMBER_TYPE(uint32, (__u32))
NUMBER_TYPE(int64, NUMBER_SIGNED)
NUMBER_TYPE(uint64, (__u64))
NUMBER_TYPE(size_t, (__u64))
NUMBER_TYPE(int8, (__s8))
NUMBER_TYPE(uint8, (__u8))
NUMBER_TYPE(int16, (__s16))
NUMBER_TYPE(uint16, (__u16))

#endif
