/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Bitmaps of more words than are worth a program that names each: then all have WORDS_MAX. None is static,
 * so the verifier walks each once, and not for each of its callers (see path__find).
 */
#ifndef GUARDBEE_ENGINE_MANY_H
#define GUARDBEE_ENGINE_MANY_H

#include "tables.h"

struct bitmap {
	__u64 words[WORDS_MAX];
};

/* Does `statement` with each word, in a program that has so many. */
#define MANY(name, statement)                                                \
	__noinline int many__##name(struct bitmap *to, const struct bitmap *from) \
	{                                                                    \
		if (spec.words <= UNROLLED_MAX || !to || !from)              \
			return 0;                                            \
		_Pragma("clang loop unroll_count(8)")                        \
		for (__u32 i = 0; i < WORDS_MAX; i++)                        \
			statement;                                           \
		return 0;                                                    \
	}

MANY(copy, to->words[i] = from->words[i])
MANY(add, to->words[i] |= from->words[i])
MANY(subtract, to->words[i] &= ~from->words[i])
MANY(invert, to->words[i] = ~from->words[i])

/* Words that many__and looks at together. */
#define MANY_GROUP 8

/* Keeps the compiler from making a branch of what it sees `value` to be, or what newer verifiers take for one. */
#define MANY_OPAQUE(value) asm volatile("" : "+r"(value))

/* 1 when there is any bit, else 0, without a branch. */
static __always_inline __u64 many__has(__u64 bits)
{
	bits |= -bits;
	MANY_OPAQUE(bits);
	bits >>= 63;
	MANY_OPAQUE(bits);
	return bits;
}

/* The only word of a group that has any, or WORD_SEVERAL. */
static __always_inline __u32 many__only_of(const struct bitmap *bits, __u32 first)
{
	__u32 only = WORD_NONE;

	_Pragma("unroll") for (__u32 i = 0; i < MANY_GROUP; i++) {
		if (bits->words[first + i])
			only = only == WORD_NONE ? first + i : WORD_SEVERAL;
	}
	return only;
}

/*
 * Leaves in `to` what is in `from`, too. The only word that has any then, WORD_NONE or WORD_SEVERAL.
 * Nothing in its loop branches: the verifier would go each way through all words behind.
 */
__noinline int many__and(struct bitmap *to, const struct bitmap *from)
{
	__u64 groups = 0, last = 0;

	if (spec.words <= UNROLLED_MAX || !to || !from)
		return WORD_NONE;
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < WORDS_MAX; i += MANY_GROUP) {
		__u64 any = 0;

		_Pragma("unroll") for (__u32 j = i; j < i + MANY_GROUP; j++)
			any |= to->words[j] &= from->words[j];
		any = many__has(any);
		groups += any;
		last |= i * any; /* where one group has any, it is that one */
	}
	if (groups == 0)
		return WORD_NONE;
	if (groups > 1)
		return WORD_SEVERAL;
	return many__only_of(to, BOUNDED(last, WORDS_MAX - MANY_GROUP));
}

/* The first word from `from` on that has any, or WORDS_MAX. */
__noinline int many__next(const struct bitmap *bits, __u32 from)
{
	if (spec.words <= UNROLLED_MAX || !bits)
		return WORDS_MAX;
#pragma clang loop unroll(disable)
	for (__u32 i = from; i < WORDS_MAX; i++) {
		if (bits->words[BOUNDED(i, WORDS_MAX - 1)])
			return i;
	}
	return WORDS_MAX;
}

#endif
