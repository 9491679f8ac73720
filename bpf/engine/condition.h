/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What conditions compare, and what compares it. */
#ifndef GUARDBEE_ENGINE_CONDITION_H
#define GUARDBEE_ENGINE_CONDITION_H

#include "condition/arg.h"
#include "condition/binary.h"
#include "condition/capability.h"
#include "condition/namespace.h"
#include "condition/pid.h"

/*
 * facet.kind: a decision goes through the facets that the policies of its attach point ask for in
 * the order of their kinds, the cheapest first, and ends when no selector is left.
 */
enum facet_kind {
	FACET_NSPID,
	FACET_PID,
	FACET_CAPABILITIES,
	FACET_NAMESPACE,
	FACET_ARG_NUMBER,
	FACET_ARG_RANGE,
	FACET_ARG_MASK,
	FACET_ARG_GAINED,
	FACET_ARG_ADDRESS,
	FACET_ARG_FOLLOWED,
	FACET_BINARY,
	FACET_BINARY_PREFIX,
	FACET_BINARY_POSTFIX,
	FACET_PID_TREE,
	FACET_NSPID_TREE,
	FACET_ARG_TEXT,
	FACET_ARG_SUBSTRING,
	FACET_ARG_SUBSTRING_CASELESS,
	FACET_ARG_GLOB,
};

/*
 * Those of the number of an argument, and of its text. It is read at one place of the program, whatever
 * compares it: the verifier goes through each such place, and through what is behind it.
 */
#define NUMBER_FACETS(X)                   \
	X(FACET_ARG_NUMBER, number__match) \
	X(FACET_ARG_RANGE, range__match)   \
	X(FACET_ARG_MASK, mask__match)
#define TEXT_FACETS(X)                                        \
	X(FACET_ARG_TEXT, arg__match_text)                    \
	X(FACET_ARG_SUBSTRING, arg__match_substring)          \
	X(FACET_ARG_SUBSTRING_CASELESS, arg__match_substring) \
	X(FACET_ARG_GLOB, arg__match_glob)

#define KIND_BIT(kind, match) | 1u << (kind)
#define NUMBER_KINDS (0 NUMBER_FACETS(KIND_BIT))
#define TEXT_KINDS (0 TEXT_FACETS(KIND_BIT))

/* Each other kind of facet, and what leaves of the selectors those that its value meets. */
#define FACETS(X)                                         \
	X(FACET_NSPID, pid__match_nspid)                  \
	X(FACET_PID, pid__match)                          \
	X(FACET_CAPABILITIES, capability__match)          \
	X(FACET_NAMESPACE, namespace__match)              \
	X(FACET_ARG_GAINED, arg__match_gained)            \
	X(FACET_ARG_ADDRESS, arg__match_address)          \
	X(FACET_ARG_FOLLOWED, arg__match_followed)        \
	X(FACET_BINARY, binary__match)                    \
	X(FACET_BINARY_PREFIX, binary__match_prefix)      \
	X(FACET_BINARY_POSTFIX, binary__match_postfix)    \
	X(FACET_PID_TREE, pid__match_tree)                \
	X(FACET_NSPID_TREE, pid__match_nspid_tree)

/* The enums of the files above that the agent writes (layout.c). */
#define CONDITION_ENUMS(X) \
	X(binary_of)       \
	X(cap_set)         \
	X(cap_user_ns)     \
	X(glob_limit)      \
	X(mask_limit)      \
	X(namespace_list)  \
	X(namespace_part)  \
	X(pid_list)        \
	X(substring_limit) \
	X(text_match)

/* Whether the program has any facet of that kind. */
#define HAS_KIND(kind) (spec.kinds & 1u << (kind))

/* Leaves the selectors that facet `dim`, a number, meets, and those that do not ask. */
static __always_inline void condition__match_number(struct call *call, __u32 dim)
{
	__u32 kind = spec.facets[dim].kind;
	__u64 value;

	if (!arg__number_of(call, dim, &value))
		return;
#define CASE(facet, match)                      \
	if (HAS_KIND(facet) && kind == facet) { \
		match(call, dim, value);        \
		return;                         \
	}
	NUMBER_FACETS(CASE)
#undef CASE
	call__and_none(call); /* cannot be: what is unknown is met by no selector */
}

/* The same of a text. */
static __always_inline void condition__match_text(struct call *call, __u32 dim)
{
	struct text text = {.match = spec.facets[dim].match};
	__u32 kind = spec.facets[dim].kind;
	enum known known;

	if (arg__is_asked_later(dim))
		return;
	known = arg__text(call, facet__reading(dim), spec.facets[dim].part, &text);
#define CASE(facet, match)                      \
	if (HAS_KIND(facet) && kind == facet) { \
		match(call, dim, known, text);  \
		return;                         \
	}
	TEXT_FACETS(CASE)
#undef CASE
	call__and_none(call); /* cannot be, as above */
}

/* The same of any facet. */
static __always_inline void condition__match(struct call *call, __u32 dim)
{
	/* Who needs it behind texts asks anew: the verifier would go through each text with it and without. */
	if (spec.facets[dim].kind >= FACET_ARG_TEXT)
		call->info = NULL;
	switch ((enum facet_kind)spec.facets[dim].kind) {
#define CASE(kind, match)            \
	case kind:                   \
		if (!HAS_KIND(kind)) \
			break;       \
		match(call, dim);    \
		return;
		FACETS(CASE)
#undef CASE
#define CASE(kind, match) case kind:
		NUMBER_FACETS(CASE)
		if (!(spec.kinds & NUMBER_KINDS))
			break;
		condition__match_number(call, dim);
		return;
		TEXT_FACETS(CASE)
		if (!(spec.kinds & TEXT_KINDS))
			break;
		condition__match_text(call, dim);
		return;
#undef CASE
	}
	call__and_none(call); /* cannot be: what is unknown is met by no selector */
}

#endif
