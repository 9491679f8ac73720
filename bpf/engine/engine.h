/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Decides one call: scope first, then each dimension in use, cheapest first, then the actions. */
#ifndef GUARDBEE_ENGINE_H
#define GUARDBEE_ENGINE_H

#include "act.h"
#include "condition/arg.h"
#include "condition/binary.h"
#include "condition/capability.h"
#include "condition/pid.h"
#include "scope.h"

/* Ends the decision as soon as nothing matches. */
#define STOP_WHEN_EMPTY(call)                  \
	do {                                   \
		if (call__is_empty(call))      \
			return false;          \
	} while (0)

/* True when selectors are left. The caller has set the parameters and the result. */
static __always_inline bool engine__match(struct call *call)
{
	__u32 uses = spec.use;

	if (uses & USE_NSPID) {
		pid__match_nspid(call);
		STOP_WHEN_EMPTY(call);
	}
	if (uses & USE_PID) {
		pid__match(call);
		STOP_WHEN_EMPTY(call);
	}
	if (uses & USE_CAPS) {
		capability__match(call);
		STOP_WHEN_EMPTY(call);
	}
#pragma clang loop unroll(disable)
	for (__u32 number = 0; uses & USE_NUMBERS && number < SLOTS_MAX; number++) {
		if (number >= spec.compared)
			break;
		if (spec.readings[number].match & (MATCH_NUMBER | MATCH_FOLLOWED) &&
		    !(spec.readings[number].match & (MATCH_EQUAL | MATCH_PREFIX))) {
			arg__match(call, number);
			STOP_WHEN_EMPTY(call);
		}
	}
	if (uses & USE_BINARY) {
		binary__match(call);
		STOP_WHEN_EMPTY(call);
	}
	if (uses & USE_PID_TREE) {
		pid__match_tree(call, DIM_PID_TREE_IN, false);
		STOP_WHEN_EMPTY(call);
	}
	if (uses & USE_NSPID_TREE) {
		pid__match_tree(call, DIM_NSPID_TREE_IN, true);
		STOP_WHEN_EMPTY(call);
	}
#pragma clang loop unroll(disable)
	for (__u32 number = 0; uses & USE_TEXTS && number < SLOTS_MAX; number++) {
		if (number >= spec.compared)
			break;
		if (spec.readings[number].match & (MATCH_EQUAL | MATCH_PREFIX)) {
			arg__match(call, number);
			STOP_WHEN_EMPTY(call);
		}
	}
	return true;
}

/* Whether this program acts now and the process is in some policy's scope. */
static __always_inline bool engine__enter(struct call *call)
{
	__u32 zero = 0, slot = engine_state.active & 1;
	const __u64 *bits;

	call->slot = slot;
	call->table = bpf_map_lookup_elem(&tables, &call->slot);
	if (!call->table)
		return false; /* cannot be: the array has both slots */
	bits = scope__find(call);
	if (!bits || call__is_unscoped(call, bits))
		return false;
	call->task = bpf_get_current_task_btf();
	if ((__u32)call->task->tgid == engine_state.agent_pid)
		return false; /* the agent is in no scope: its events would make events */
	if (spec.use & USE_BINARY)
		call->binary_generation = engine_state.binary_generation[slot];
	call->scratch = bpf_map_lookup_elem(&call_scratch, &zero);
	if (!call->scratch)
		return false; /* cannot be: the array has this entry */
	call->info = NULL;
	call__begin(call, bits);
	return true;
}

/* Runs the actions; the result is 0, or -errno that the call shall return instead. */
static __always_inline int engine__act(struct call *call)
{
	call->override = 0;
	call->at = act__next_bit(call, 0);
	bpf_loop(MATCHES_MAX, act__step, call, 0);
	return call->override;
}

#endif
