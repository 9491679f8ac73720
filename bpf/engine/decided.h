/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Whether a call is decided before its last facet was asked, which may be dear: the path is walked, and each byte of it. */
#ifndef GUARDBEE_ENGINE_DECIDED_H
#define GUARDBEE_ENGINE_DECIDED_H

#include "act.h"

/*
 * True where facet `dim`, the last one, no longer decides: the first selector that is left of the only hook
 * does not ask for it. Where that one does nothing none is left then, so that nothing is carried out.
 */
static __always_inline bool decided__without(struct call *call, __u32 dim)
{
	__u32 words = spec.words, word = words == 1 ? 0 : call__only_word(call, words), first;
	struct action_entry *entry;
	__u64 bits;

	if (dim + 1 != spec.facet_count || word >= words)
		return false;
	bits = call__left(call)[word];
	if (!(bits & -bits & call__facet_row(call, dim, ROW_ABSENT)[word]))
		return false;
	first = act__next_in(bits, word, 0);
	entry = call__entry(call, &first);
	if (!entry || act__next_in(bits, word, entry->next) < WORDS_MAX * 64)
		return false;
	if (entry->flags & ACT_NOTHING)
		call__and_none(call);
	return true;
}

#endif
