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

/* Those of numbers: what may be compared where there is little room on the stack. */
#define NUMBER_FACETS(X)                       \
	X(FACET_ARG_NUMBER, arg__match_number) \
	X(FACET_ARG_RANGE, arg__match_range)   \
	X(FACET_ARG_MASK, arg__match_mask)

/* A kind of facet, and what leaves of the selectors those that its value meets. */
#define FACETS(X)                                         \
	X(FACET_NSPID, pid__match_nspid)                  \
	X(FACET_PID, pid__match)                          \
	X(FACET_CAPABILITIES, capability__match)          \
	X(FACET_NAMESPACE, namespace__match)              \
	NUMBER_FACETS(X)                                  \
	X(FACET_ARG_GAINED, arg__match_gained)            \
	X(FACET_ARG_ADDRESS, arg__match_address)          \
	X(FACET_ARG_FOLLOWED, arg__match_followed)        \
	X(FACET_BINARY, binary__match)                    \
	X(FACET_BINARY_PREFIX, binary__match_prefix)      \
	X(FACET_BINARY_POSTFIX, binary__match_postfix)    \
	X(FACET_PID_TREE, pid__match_tree)                \
	X(FACET_NSPID_TREE, pid__match_nspid_tree)        \
	X(FACET_ARG_TEXT, arg__match_text)                \
	X(FACET_ARG_SUBSTRING, arg__match_substring)      \
	X(FACET_ARG_SUBSTRING_CASELESS, arg__match_substring) \
	X(FACET_ARG_GLOB, arg__match_glob)

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

/* Leaves the selectors that facet `dim` meets, and those that do not ask. */
static __always_inline void condition__match(struct call *call, __u32 dim)
{
	/* Who needs it behind texts asks anew: the verifier would go through each text with it and without. */
	if (spec.facets[dim].kind >= FACET_ARG_TEXT)
		call->info = NULL;
	switch ((enum facet_kind)spec.facets[dim].kind) {
#define CASE(kind, match)         \
	case kind:                \
		match(call, dim); \
		return;
		FACETS(CASE)
#undef CASE
	}
	call__and_none(call); /* cannot be: what is unknown is met by no selector */
}

/* The same, where a facet is a number. */
static __always_inline void condition__match_number(struct call *call, __u32 dim)
{
	__u32 facet = spec.facets[dim].kind;

#define CASE(kind, match)         \
	if (facet == kind) {      \
		match(call, dim); \
		return;           \
	}
	NUMBER_FACETS(CASE)
#undef CASE
	call__and_none(call); /* cannot be: what is unknown is met by no selector */
}

#endif
