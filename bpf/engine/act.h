/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Runs the actions of the selectors that are left: of each hook of each policy, the first. */
#ifndef GUARDBEE_ENGINE_ACT_H
#define GUARDBEE_ENGINE_ACT_H

#include "action.h"
#include "emit.h"

static long act__operation(__u32 index, void *context)
{
	struct call *call = context;
	struct operation *operation;

	if (index >= OPERATIONS_MAX)
		return 1; /* cannot be: no entry has more */
	operation = &call->entry->operations[index];
	if (spec.use & USE_ENFORCE && operation->flags & OPERATION_STOPS &&
	    call->scratch->said & HOOK_MONITORED)
		return 0; /* the next one */
	call->scratch->outcome |= action__run(call, operation);
	return 0;
}

/*
 * Carries out the operations; `said` and `outcome` of the scratch memory tell what came of them.
 * `counted`: what was said of this call before, in `stops`, too.
 */
static __always_inline void act__carry_out(struct call *call, struct action_entry *entry,
					   __u32 counted)
{
	call->entry = entry;
	call->scratch->said = 0;
	call->scratch->outcome = OUTCOME_NONE;
	call->scratch->rate_limit = 0;
	if (spec.use & USE_ENFORCE && entry->flags & ACT_STOPS)
		call__spare(call, call__info(call));
	if (spec.actions && entry->operation_count)
		bpf_loop(entry->operation_count, act__operation, call, 0);
	if (call->scratch->outcome & OUTCOME_STOPPED)
		call->scratch->said |= HOOK_STOPPED;
	if (spec.use & USE_ENFORCE && call->scratch->said && !counted)
		call__count(call, entry->hook);
}

static __always_inline void act__run(struct call *call, struct action_entry *entry)
{
	__u32 said = 0;

	if (spec.actions || spec.use & USE_ENFORCE) {
		act__carry_out(call, entry, 0);
		said = call->scratch->said;
	} else if (spec.use & USE_RETURNED) {
		call->entry = entry;
		call->scratch->said = 0;
		call->scratch->outcome = OUTCOME_NONE;
	}
	emit__hook(call, entry, said);
}

/* In the product of a single bit with a de Bruijn sequence the upper six bits say which it was. */
#define DE_BRUIJN 0x03f79d71b4cb0a89ULL
static const __u8 bit_number[64] = {
	0, 1, 48, 2, 57, 49, 28, 3, 61, 58, 50, 42, 38, 29, 17, 4,
	62, 55, 59, 36, 53, 51, 43, 22, 45, 39, 33, 30, 24, 18, 12, 5,
	63, 47, 56, 27, 60, 41, 37, 16, 54, 35, 52, 21, 44, 32, 23, 11,
	46, 26, 40, 15, 34, 20, 31, 10, 25, 14, 19, 9, 13, 8, 7, 6,
};

/* The lowest bit of a word that is set from bit `from` of all on, or WORDS_MAX * 64. */
static __always_inline __u32 act__next_in(__u64 bits, __u32 word, __u32 from)
{
	if (word < from / 64)
		return WORDS_MAX * 64;
	if (word == from / 64)
		bits &= ~0ULL << (from & 63);
	if (bits == 0)
		return WORDS_MAX * 64;
	return word * 64 + bit_number[(bits & -bits) * DE_BRUIJN >> 58];
}

/* The same of all words of a bitmap that has many. Not static: see many.h. */
__noinline int act__next_of_many(const struct bitmap *bits, __u32 from)
{
	__u32 word = from / 64, found;

	if (spec.words <= UNROLLED_MAX || !bits || word >= WORDS_MAX)
		return WORDS_MAX * 64;
	found = act__next_in(bits->words[BOUNDED(word, WORDS_MAX - 1)], word, from);
	if (found < WORDS_MAX * 64)
		return found;
	word = many__next(bits, word + 1);
	if (word >= WORDS_MAX)
		return WORDS_MAX * 64;
	return act__next_in(bits->words[BOUNDED(word, WORDS_MAX - 1)], word, from);
}

/* The same of several words. Once in a program: see condition.h. */
static __noinline int act__next_of_several(struct call *call, __u32 from)
{
	__u32 words = spec.words, only = call__only_word(call, words);

	if (only < words)
		return act__next_in(call__left(call)[only], only, from);
	if (words > UNROLLED_MAX)
		return act__next_of_many((const struct bitmap *)call__left(call), from);
	call->scratch->found = WORDS_MAX * 64;
	FOR_EACH_WORD_OF(words, word) {
		__u32 bit = act__next_in(call__left(call)[word], word, from);

		if (bit < WORDS_MAX * 64) {
			call->scratch->found = bit;
			break;
		}
	}
	return *(volatile __u32 *)&call->scratch->found;
}

/* The lowest bit that is set from bit `from` on, or WORDS_MAX * 64. */
static __always_inline __u32 act__next_bit(struct call *call, __u32 from)
{
	return spec.words == 1 ? act__next_in(call__left(call)[0], 0, from) :
				 act__next_of_several(call, from);
}

static long act__step(__u32 index, void *context)
{
	struct call *call = context;
	struct action_entry *entry = call__entry(call, &call->at);

	if (!entry)
		return 1; /* cannot be: each bit has its entry */
	if (spec.use & USE_RETURNED)
		call->scratch->bit = call->at;
	call->at = act__next_bit(call, entry->next);
	act__run(call, entry);
	return call->at >= WORDS_MAX * 64;
}

#endif
