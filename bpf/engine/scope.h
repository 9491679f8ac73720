/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* In whose scope the process is. */
#ifndef GUARDBEE_ENGINE_SCOPE_H
#define GUARDBEE_ENGINE_SCOPE_H

#include "../scope.h"
#include "bits.h"

/*
 * The selectors in whose scope the current process is, or NULL when the table has no such row; sets
 * call->in_pod, and call->word where there are several.
 */
static __always_inline const __u64 *scope__find(struct call *call)
{
	__u32 words = spec.words, class = scope__class();

	call->in_pod = class != SCOPE_HOST;
	if (call->in_pod) {
		__u32 classes = call->table->classes;
		const __u64 *row;

		/* 0: of a slot that has ended, whose rows are there still */
		row = classes ? call__row(call, class < classes ? class : SCOPE_UNKNOWN_POD) : NULL;
		if (row && words > 1)
			call->word = row[words];
		return row;
	}
	if (!call->table->host)
		return NULL;
	if (words > 1)
		call->word = call->table->host_word;
	return table__row(call, HOST_ROW);
}

#endif
