/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Bitmaps over the selectors of an attach point, and which are left of a call's. */
#ifndef GUARDBEE_ENGINE_BITS_H
#define GUARDBEE_ENGINE_BITS_H

#include "call.h"
#include "many.h"

/*
 * The only word that counts, or spec.words and more: all do. A pod's few selectors lie in one word
 * even where an attach point has hundreds.
 */
static __always_inline __u32 call__only_word(struct call *call, __u32 words)
{
	return words == 1 ? words : *(volatile __u32 *)&call->word; /* not set with one word */
}

/* Does `statement` with each word `i` that counts; with each of many, many__##name does it. */
#define BITS(name, statement)                                                                    \
	static __always_inline void bits__##name(struct call *call, __u64 *to, const __u64 *from) \
	{                                                                                        \
		__u32 words = spec.words, only = words > UNROLLED_MAX ? call->word : words;      \
                                                                                                 \
		if (only < words) {                                                              \
			__u32 i = only;                                                          \
                                                                                                 \
			statement;                                                               \
		} else if (words > UNROLLED_MAX) {                                               \
			many__##name((struct bitmap *)to, (const struct bitmap *)from);          \
		} else {                                                                         \
			FOR_EACH_WORD_OF(words, i)                                               \
					statement;                                               \
		}                                                                                \
	}

/* The same with each word, whatever counts, for who has no call. */
#define BITS_OF_ALL(name, statement)                                                             \
	static __always_inline void bits__##name##_all(__u64 *to, const __u64 *from)             \
	{                                                                                        \
		__u32 words = spec.words;                                                        \
                                                                                                 \
		if (words > UNROLLED_MAX) {                                                      \
			many__##name((struct bitmap *)to, (const struct bitmap *)from);          \
		} else {                                                                         \
			FOR_EACH_WORD_OF(words, i)                                               \
					statement;                                               \
		}                                                                                \
	}

BITS_OF_ALL(copy, to[i] = from[i])
BITS_OF_ALL(add, to[i] |= from[i])

BITS(copy, to[i] = from[i])
BITS(add, to[i] |= from[i])
BITS(subtract, to[i] &= ~from[i])
BITS(invert, to[i] = ~from[i])

static __always_inline void bits__clear(struct call *call, __u64 *to)
{
	bits__subtract(call, to, to);
}

/* The selectors that still match. */
static __always_inline __u64 *call__left(struct call *call)
{
	return call->scratch->bits;
}

/* For look-ups that add several bitmaps up first. */
static __always_inline __u64 *call__sum(struct call *call)
{
	return call->scratch->bits + spec.words;
}

static __always_inline __u64 *call__minus(struct call *call)
{
	return call->scratch->bits + 2 * spec.words;
}

static __always_inline bool call__is_empty(struct call *call)
{
	return call->any == 0;
}

/* Whether the scope has no selector: `bits` are its row, of which call->word is known. */
static __always_inline bool call__is_unscoped(struct call *call, const __u64 *bits)
{
	return spec.words == 1 ? bits[0] == 0 : call->word == WORD_NONE;
}

/* Begins with the selectors of the scope. */
static __always_inline void call__begin(struct call *call, const __u64 *bits)
{
	__u64 *left = call__left(call);
	__u32 words = spec.words, word;

	call->any = 1;
	if (words == 1) {
		left[0] = bits[0];
		return;
	}
	word = call__only_word(call, words);
	if (words > UNROLLED_MAX)
		call->live = WORD_SEVERAL;
	if (word < words) {
		left[word] = bits[word];
	} else if (words > UNROLLED_MAX) {
		many__copy((struct bitmap *)left, (const struct bitmap *)bits);
	} else {
		FOR_EACH_WORD_OF(words, i)
				left[i] = bits[i];
	}
}

/* call__and, where more than one word counts; whether there is any left. */
static __noinline bool bits__and_several(struct call *call, __u64 *left, const __u64 *bits)
{
	__u32 words = spec.words;
	__u64 any = 0;

	if (words > UNROLLED_MAX) {
		call->live = many__and((struct bitmap *)left, (const struct bitmap *)bits);
		return call->live != WORD_NONE;
	}
	FOR_EACH_WORD_OF(words, i)
			any |= left[i] &= bits[i];
	return any != 0;
}

/* Leaves what is in `bits`, too. */
static __always_inline void call__and(struct call *call, const __u64 *bits)
{
	__u32 words = spec.words, word = words == 1 ? 0 : call__only_word(call, words);
	__u64 *left = call__left(call);

	if (word < words)
		call->any = left[word] &= bits[word];
	else
		call->any = bits__and_several(call, left, bits);
}

/*
 * Of many words all but one are often empty once a dimension was asked: then that is the only one. Not
 * within a dimension, which may go back to what was left before.
 */
static __always_inline void call__narrow(struct call *call)
{
	__u32 words = spec.words;

	if (words > UNROLLED_MAX && call->word >= words)
		call->word = call->live;
}

static __always_inline const __u64 *call__row(struct call *call, __u32 index)
{
	void *table = bpf_map_lookup_elem(&rows, &call->slot);

	return table ? bpf_map_lookup_elem(table, &index) : NULL;
}

/* What is done where the selector `*bit` is left; NULL: there is no such one. */
static __always_inline struct action_entry *call__entry(struct call *call, const __u32 *bit)
{
	void *table = bpf_map_lookup_elem(&actions, &call->slot);

	return table ? bpf_map_lookup_elem(table, bit) : NULL;
}

static __always_inline void call__and_none(struct call *call)
{
	bits__clear(call, call__left(call));
	call->any = 0;
}

/* A row that is in the table itself. */
static __always_inline const __u64 *table__row(struct call *call, __u32 index)
{
	return call->table->rows + index * spec.words;
}

/* Whether some selector of the scope, whose row `bits` are, stops something. */
static __always_inline bool call__may_stop(struct call *call, const __u64 *bits)
{
	const __u64 *stopping = table__row(call, STOPPING_ROW);
	__u32 words = spec.words;
	__u64 any = 0;

	if (words > UNROLLED_MAX) /* there is no memory to walk all */
		return call->word >= words || bits[call->word] & stopping[call->word];
	FOR_EACH_WORD_OF(words, i)
			any |= bits[i] & stopping[i];
	return any != 0;
}

/* A missing row leaves nothing (and cannot be). */
static __always_inline void call__and_row(struct call *call, __u32 index)
{
	const __u64 *bits = call__row(call, index);

	if (bits)
		call__and(call, bits);
	else
		call__and_none(call);
}

/* What a dimension leaves when its value is not listed, or another of its own rows says. */
static __always_inline const __u64 *call__facet_row(struct call *call, __u32 dim,
						    enum facet_row row)
{
	return table__row(call, FACET_ROWS + FACET_ROW_COUNT * dim + row);
}

static __always_inline void call__and_facet(struct call *call, __u32 dim, enum facet_row row)
{
	call__and(call, call__facet_row(call, dim, row));
}

#endif
