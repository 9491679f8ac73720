/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Bytes of a process in several parts: struct iovec *, of which another parameter says how many there
 * are, and struct iov_iter *.
 */
#ifndef GUARDBEE_ENGINE_ARG_PARTS_H
#define GUARDBEE_ENGINE_ARG_PARTS_H

#include "char_buf.h"

#define PARTS_MAX 1024	/* the kernel takes no more (UIO_MAXIOV) */

/* Kernel types of which nothing else is read. */
#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct iov_iter {
	__u8 iter_type;
	unsigned long iov_offset, count, nr_segs;
	void *ubuf;
	const void *__iov;	/* since 6.4, de4f5fed3f23 */
};
struct iov_iter___before_6_4 {
	const void *iov;
};
enum iter_type { ITER_IOVEC, ITER_UBUF };

#pragma clang attribute pop

/* As a process has them. */
struct part {
	__u64 at, size;
};
struct part_32bit {
	__u32 at, size;
};

/* Goes on to the next part; false when there is none that can be read. */
static __always_inline bool parts__next(struct call_scratch *scratch)
{
	struct parts *parts = &scratch->parts;
	struct place *now = &parts->now;
	struct part_32bit narrow;
	struct part part;

	if (!now->count)
		return false;
	now->count--;
	if (spec.syscall == SYSCALL_32BIT) {
		parts->failed = !!memory__read(&narrow, sizeof(narrow), now->next);
		now->next += sizeof(narrow);
		part.at = narrow.at;
		part.size = narrow.size;
	} else {
		parts->failed = !!memory__read(&part, sizeof(part), now->next);
		now->next += sizeof(part);
	}
	if (parts->failed)
		return false;
	if (part.size > BUFFER_SIZE_MAX)
		part.size = BUFFER_SIZE_MAX; /* the call will fail */
	if (part.size <= parts->skip) {
		parts->skip -= part.size;
		now->left = 0;
		return true;
	}
	now->at = part.at + parts->skip;
	now->left = part.size - parts->skip;
	parts->skip = 0;
	parts->whole += now->left;
	return true;
}

/* Reads the next of what is left of the present part to `to`, `room` (a mask) bytes at most: how many. */
static __always_inline __u32 parts__read(struct call_scratch *scratch, char *to, const __u32 room)
{
	struct parts *parts = &scratch->parts;
	struct place *now = &parts->now;
	__u64 size = now->left;

	if (size > parts->most - parts->size)
		size = parts->most - parts->size;
	if (size > room)
		size = room;
	size = BOUNDED(size, room);
	if (bpf_probe_read_user(to, size, (void *)now->at)) {
		parts->failed = 1;
		return 0;
	}
	now->at += size;
	now->left -= size;
	parts->size += size;
	if (parts->size >= parts->most)
		parts->rest = *now;
	return size;
}

/* Once for each part: reads all of it that is wanted; of what comes behind, its size. */
static long parts__step(__u32 index, void *context)
{
	struct call *call = context;
	struct parts *parts = &call->scratch->parts;

	if (!parts__next(call->scratch))
		return 1;
	if (parts->now.left && parts->size < parts->most)
		parts__read(call->scratch,
			    text__buffer(call) + BOUNDED(parts->size, DATA_SIZE - 1), DATA_SIZE - 1);
	return parts->failed ? 1 : 0;
}

/* Begins with one part. */
static __always_inline void parts__begin_one(struct parts *parts, __u64 at, __u64 size)
{
	parts->now.at = at;
	parts->now.left = size > BUFFER_SIZE_MAX ? BUFFER_SIZE_MAX : size;
	parts->now.count = 0;
	parts->whole = parts->now.left;
}

/* Begins with parts whose struct iovec are at `next`; the first `skip` bytes do not count. */
static __always_inline void parts__begin_all(struct parts *parts, __u64 next, __u64 count, __u64 skip)
{
	parts->now.next = next;
	parts->now.count = count > PARTS_MAX ? PARTS_MAX : count;
	parts->skip = skip;
	parts->now.left = parts->whole = 0;
}

/* Begins with a reading's bytes, which are no more than `end`. False: it cannot. */
static __always_inline bool char_iovec__begin(struct call *call, const volatile struct reading *reading,
					      __u64 *end)
{
	__u64 count = reading->size_index ? call__parameter(call, reading->size_index - 1) : 0;

	*end = reading->flags & READ_RETURNED ? buffer__returned(call) : BUFFER_SIZE_MAX;
	parts__begin_all(&call->scratch->parts, call__parameter(call, reading->index), count, 0);
	return true;
}

static __always_inline bool iov_iter__begin(struct call *call, const volatile struct reading *reading,
					    __u64 *end)
{
	struct iov_iter *iter = (void *)call__parameter(call, reading->index);
	__u64 offset = BPF_CORE_READ(iter, iov_offset), at;
	__u8 type;

	*end = BPF_CORE_READ(iter, count);
	if (bpf_core_read(&type, sizeof(type), &iter->iter_type))
		return false;
	if (bpf_core_enum_value_exists(enum iter_type, ITER_UBUF) &&
	    type == bpf_core_enum_value(enum iter_type, ITER_UBUF)) {
		at = (__u64)BPF_CORE_READ(iter, ubuf) + offset;
		parts__begin_one(&call->scratch->parts, at, *end);
		return true;
	}
	if (type != bpf_core_enum_value(enum iter_type, ITER_IOVEC))
		return false; /* of the kernel, or pages */
	if (bpf_core_field_exists(((struct iov_iter___before_6_4 *)iter)->iov))
		at = (__u64)BPF_CORE_READ((struct iov_iter___before_6_4 *)iter, iov);
	else
		at = (__u64)BPF_CORE_READ(iter, __iov);
	parts__begin_all(&call->scratch->parts, at, BPF_CORE_READ(iter, nr_segs), offset);
	return true;
}

/*
 * Reads the first bytes of what was begun to text__buffer: `most` of them, less than DATA_SIZE, of no
 * more than `end`. False: some could not be read.
 */
static __always_inline bool parts__gather(struct call *call, __u32 most, __u64 end)
{
	struct parts *parts = &call->scratch->parts;

	parts->size = parts->failed = 0;
	parts->most = end < most ? end : most;
	if (parts->now.left)
		parts__read(call->scratch, text__buffer(call), DATA_SIZE - 1);
	else
		bpf_loop(PARTS_MAX, parts__step, call, 0);
	if (parts->whole > end)
		parts->whole = end;
	if (parts->whole > BUFFER_SIZE_MAX)
		parts->whole = BUFFER_SIZE_MAX;
	return !parts->failed;
}

/* What is known of the text that parts__gather has read. */
static __always_inline enum known parts__text(struct call *call, struct text *to)
{
	struct parts *parts = &call->scratch->parts;
	bool more = parts->whole > parts->size;

	text__of_buffer(call, BOUNDED(parts->size, DATA_SIZE - 1), to);
	if (more) {
		to->longer = 1;
		to->tail_size = 0; /* where it ends cannot be told */
	}
	return KNOWN_EXACTLY;
}

static __always_inline __u32 parts__emit(struct call *call, struct event_arg *arg, char *to)
{
	struct parts *parts = &call->scratch->parts;
	struct char_buf_payload *payload = (void *)to;
	__u32 size = BOUNDED(parts->size, DATA_SIZE - 1);

	payload->size = parts->whole;
	if (parts->whole > size)
		arg->flags |= ARG_CUT;
	bpf_probe_read_kernel(payload + 1, size, text__buffer(call));
	return sizeof(*payload) + size;
}

/* Defines the reader and the writer of a type in parts: NAME__begin begins them. */
#define PARTS_TYPE(name)                                                                       \
	static __always_inline bool name##__gather(                                            \
		struct call *call, const volatile struct reading *reading, __u32 most)         \
	{                                                                                      \
		__u64 end;                                                                     \
                                                                                               \
		return name##__begin(call, reading, &end) && parts__gather(call, most, end); \
	}                                                                                      \
	static __always_inline enum known name##__text(                                        \
		struct call *call, const volatile struct reading *reading, __u32 part,         \
		struct text *to)                                                               \
	{                                                                                      \
		bool all = to->match & (MATCH_POSTFIX | MATCH_SUBSTRING);                      \
		__u32 most = all ? DATA_SIZE - 1 : TEXT_SIZE + 1;                              \
                                                                                               \
		return name##__gather(call, reading, most) ? parts__text(call, to) :           \
							     KNOWN_NOT;                        \
	}                                                                                      \
	static __always_inline __u32 name##__emit(struct call *call,                           \
						  const volatile struct reading *reading,      \
						  struct event_arg *arg, char *to)             \
	{                                                                                      \
		if (!name##__gather(call, reading, DATA_SIZE - 1))                             \
			return error__emit(arg, to, EFAULT);                                   \
		return parts__emit(call, arg, to);                                             \
	}

PARTS_TYPE(char_iovec)
PARTS_TYPE(iov_iter)

#endif
