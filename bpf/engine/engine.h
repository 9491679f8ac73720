/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Decides one call: scope first, then each facet in use, then the actions. */
#ifndef GUARDBEE_ENGINE_H
#define GUARDBEE_ENGINE_H

#include "act.h"
#include "condition.h"
#include "decided.h"
#include "digest.h"
#include "resolve.h"
#include "scope.h"

/*
 * True when selectors are left. The caller has set the parameters and the result. Not inlined: its part
 * of the stack is free again when the actions are run, which need theirs.
 */
static __noinline bool engine__match(struct call *call)
{
	const __u32 count = spec.facet_count;

	if (spec.path_count)
		resolve__all(call->scratch);
	/* Code for one facet: what a program does not use is taken out of it (struct hook_spec). */
#pragma clang loop unroll(disable)
	for (__u32 dim = 0; dim < FACETS_MAX && dim < count; dim++) {
		if (spec.facets[dim].kind == FACET_ARG_GLOB && decided__without(call, dim))
			return !call__is_empty(call);
		condition__match(call, dim);
		if (call__is_empty(call))
			return false;
		call__narrow(call);
	}
	return true;
}

/*
 * What a call returns that cannot be decided: it does not get through where it might have to be stopped.
 * Only an LSM program comes here, and only where more tasks are preempted in it than it has memory for.
 */
static __always_inline int engine__undecided(struct call *call, const __u64 *bits)
{
	struct process_info *info;

	if (!(spec.use & USE_ENFORCE) || !call__may_stop(call, bits))
		return 0; /* it would have been reported only */
	info = bpf_task_storage_get(&process, call->task->group_leader, 0, 0);
	if (info && info->flags & (PROCESS_AGENT | PROCESS_PROTECTED))
		return 0; /* these are never stopped */
	return -EAGAIN;
}

/*
 * Whether this program acts now and the process is in some policy's scope: then call__leave ends it. With
 * CALLS_MAX above 1, call->override is what the call shall return otherwise.
 */
static __always_inline bool engine__enter(struct call *call)
{
	const __u64 *bits;

#if CALLS_MAX > 1
	call->override = 0;
#endif
	call->context = NULL;
	call->slot = engine_state.active & 1;
	call->table = bpf_map_lookup_elem(&tables, &call->slot);
	if (!call->table)
		return false; /* cannot be: the array has both slots */
#if CALLS_MAX > 1
	if (spec.is_hashed && !call->table->classes) {
		call->override = digest__undecided(); /* its slot has ended while the file was hashed */
		return false;
	}
#endif
	bits = scope__find(call);
	if (!bits || call__is_unscoped(call, bits))
		return false;
	call->task = bpf_get_current_task_btf();
	if (!call__take(call)) { /* and is counted */
#if CALLS_MAX > 1
		call->override = engine__undecided(call, bits);
#endif
		return false;
	}
	call->info = NULL;
	call__begin(call, bits);
	return true;
}

/* Has the file hashed: what the call returns meanwhile. Not inlined, for its part of the stack. */
static __noinline int engine__wait_for_digest(struct call *call)
{
	const __u64 *bits = scope__find(call);
	__s32 undecided = bits ? engine__undecided(call, bits) : 0; /* always there: as before */

	return digest__want(call, undecided) ? 0 : undecided;
}

/* Runs the actions; the result is 0, or -errno that the call shall return instead. */
static __always_inline int engine__act(struct call *call)
{
	struct process_info *info = call__info(call);

	if (info && info->flags & PROCESS_AGENT)
		return 0; /* it is in no scope: its events would make events */
	if (spec.use & USE_DIGESTS && !spec.is_hashed && digest__is_wanted(call))
		return engine__wait_for_digest(call);
	call->override = 0;
	if (spec.use & USE_RETURNED)
		call->scratch->waits = 0;
	call->at = act__next_bit(call, 0);
	bpf_loop(MATCHES_MAX, act__step, call, 0);
	if (spec.use & USE_HASHES && call->scratch->waits)
		return hash__leave(call);
	return call->override;
}

#endif
