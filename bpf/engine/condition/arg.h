/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the call was given: the facets of its arguments. */
#ifndef GUARDBEE_ENGINE_CONDITION_ARG_H
#define GUARDBEE_ENGINE_CONDITION_ARG_H

#include "../../follow.h"
#include "../arg.h"
#include "../glob.h"
#include "../mask.h"
#include "../substring.h"

static __always_inline const volatile struct reading *facet__reading(__u32 dim)
{
	return &spec.readings[spec.facets[dim].reading & (READINGS_MAX - 1)];
}

/* Whether the number of a facet is known; if not, leaves what that leaves. */
static __always_inline bool arg__number_of(struct call *call, __u32 dim, __u64 *value)
{
	enum known known = arg__number(call, facet__reading(dim), spec.facets[dim].part, value);

	if (known == KNOWN_EXACTLY)
		return true;
	call__and_facet(call, dim, known == KNOWN_ABSENT ? ROW_ABSENT : ROW_OTHERWISE);
	return false;
}

/* Leaves those that do not ask where the number has no bit that the other one lacks, or cannot be told. */
static __always_inline void arg__match_gained(struct call *call, __u32 dim)
{
	const volatile struct reading *other = &spec.readings[spec.facets[dim].match & (READINGS_MAX - 1)];
	__u64 before, after;

	if (arg__number(call, other, spec.facets[dim].part, &before) != KNOWN_EXACTLY ||
	    arg__number(call, facet__reading(dim), spec.facets[dim].part, &after) != KNOWN_EXACTLY ||
	    !(after & ~before))
		call__and_facet(call, dim, ROW_OTHERWISE);
}

/* The smallest network that is listed and has the address says what is left. */
static __always_inline void arg__match_address(struct call *call, __u32 dim)
{
	const __u64 *bits = NULL;
	struct text text = {};
	enum known known;

	known = arg__address(call, facet__reading(dim), spec.facets[dim].part, &text);
	if (known == KNOWN_EXACTLY)
		bits = text__find_prefix(call, dim, text);
	if (bits)
		call__and(call, bits);
	else
		call__and_facet(call, dim, known == KNOWN_ABSENT ? ROW_ABSENT : ROW_OTHERWISE);
}

/* Leaves out who wants to know surely: what was just compared is only what it seems. */
static __always_inline void arg__drop_sure(struct call *call, __u32 dim)
{
	const __u64 *sure = call__facet_row(call, dim, ROW_SURE);

	bits__invert(call, call__sum(call), sure);
	call__and(call, call__sum(call));
}

/* Whether it is what the program asks for that comes when the file was hashed. */
static __always_inline bool arg__is_asked_later(__u32 dim)
{
	return spec.use & USE_DIGESTS && !spec.is_hashed &&
	       spec.facets[dim].part == BINPRM_DIGEST &&
	       facet__reading(dim)->type == ARG_LINUX_BINPRM;
}

/*
 * What is not told leaves what a text in no list does; what is told seemingly, that and what it seems to
 * be.
 */
static __always_inline void arg__match_text(struct call *call, __u32 dim, enum known known,
					    struct text text)
{
	__u64 *left = call__left(call), *sum = call__sum(call), *minus = call__minus(call);
	__u32 match = spec.facets[dim].match;

	if (known == KNOWN_EXACTLY) {
		text__match(call, dim, match, text);
		return;
	}
	if (known == KNOWN_ABSENT) {
		call__and_facet(call, dim, ROW_ABSENT);
		return;
	}
	if (known == KNOWN_SEEMINGLY) {
		bits__copy(call, minus, left);
		text__match(call, dim, match, text);
		arg__drop_sure(call, dim);
		bits__copy(call, sum, left);
		bits__copy(call, left, minus);
	}
	text__match_unlisted(call, dim, match);
	if (known == KNOWN_SEEMINGLY) {
		bits__add(call, left, sum);
		call__and(call, left); /* sets call->any */
	}
}

/* What is not told holds no text; what is told seemingly, those that it seems to hold. */
static __always_inline void arg__match_substring(struct call *call, __u32 dim, enum known known,
						 struct text text)
{
	if (known == KNOWN_ABSENT || known == KNOWN_NOT)
		call__and_facet(call, dim, ROW_OTHERWISE);
	else
		substring__match(call, dim, text);
	if (known == KNOWN_SEEMINGLY)
		arg__drop_sure(call, dim);
}

/* What is not told, or not all of it, is as no pattern says; what is told seemingly, as what it seems. */
static __always_inline void arg__match_glob(struct call *call, __u32 dim, enum known known,
					    struct text text)
{
	if (known == KNOWN_ABSENT || known == KNOWN_NOT || call->scratch->path.walk.cut)
		call__and_facet(call, dim, ROW_OTHERWISE);
	else
		glob__match(call, dim, text);
	if (known == KNOWN_SEEMINGLY)
		arg__drop_sure(call, dim);
}

/* Leaves the selectors of policies that follow the descriptor, and those that do not ask. */
static __always_inline void arg__match_followed(struct call *call, __u32 dim)
{
	__u64 file = (__u64)arg__file(call, facet__reading(dim)), groups;
	__u32 base = call->table->facets[dim].base;
	const __u64 *row;

	groups = file ? follow__groups(file) : 0;
	row = call__row(call, base);
	if (!row || !groups) {
		call__and_row(call, base);
		return;
	}
	bits__copy(call, call__sum(call), row);
	for (__u32 group = 0; group < FOLLOW_GROUPS; group++) {
		if (!(groups & (1ULL << group)))
			continue;
		row = call__row(call, base + 1 + group);
		if (row)
			bits__add(call, call__sum(call), row);
	}
	call__and(call, call__sum(call));
}

#endif
