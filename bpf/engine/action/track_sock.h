/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Whom the events of a socket are about: from TrackSock to UntrackSock the process that tracked it, be it
 * of the reading `arg`, or what the call returned.
 */
#ifndef GUARDBEE_ENGINE_ACTION_TRACK_SOCK_H
#define GUARDBEE_ENGINE_ACTION_TRACK_SOCK_H

#include "../../tracked.h"
#include "../arg.h"

/* The socket that a reading leads to; 0: none. */
static __always_inline __u64 track__sock(struct call *call, __u32 number)
{
	const volatile struct reading *reading = &spec.readings[number & (READINGS_MAX - 1)];
	__u64 value = call__parameter(call, reading->index);

	if (value >= ERR_PTR_MIN)
		return 0; /* an error, returned as a pointer */
	if (value && reading->type == ARG_SOCKET)
		return (__u64)socket__of(call, reading);
	return value;
}

static __always_inline enum outcome track_sock__run(struct call *call, struct operation *operation)
{
	__u64 sk = track__sock(call, operation->arg);
	struct task_struct *leader = call->task->group_leader;
	struct sock_owner owner = {};
	struct process_info *info;

	if (!sk)
		return OUTCOME_NONE;
	info = bpf_task_storage_get(&process, leader, 0, 0); /* making one takes much stack */
	if (info) {
		owner.process = info->key;
		owner.is_unknown = (info->flags & PROCESS_LATE) != 0;
	} else {
		owner.process.ktime = BPF_CORE_READ(leader, start_boottime);
		owner.process.pid = call->task->tgid;
		owner.is_unknown = 1;
	}
	owner.cgroup_id = bpf_get_current_cgroup_id();
	owner.tid = call->task->pid;
	if (!tracked__add(sk, &owner))
		losses__count(LOSS_TRACK_FULL);
	return OUTCOME_NONE;
}

static __always_inline enum outcome untrack_sock__run(struct call *call,
						      struct operation *operation)
{
	__u64 sk = track__sock(call, operation->arg);

	if (sk)
		tracked__forget(sk);
	return OUTCOME_NONE;
}

/* Makes the event one about the process that its socket is tracked for. */
static __always_inline void track__attribute(struct call *call, struct action_entry *entry,
					     struct hook_event *event)
{
	struct sock_owner *owner;
	__u64 sk;

	if (!(spec.use & USE_SOCKETS) || !entry->socket)
		return;
	sk = track__sock(call, entry->socket - 1);
	owner = sk ? bpf_map_lookup_elem(&tracked_socks, &sk) : NULL;
	if (!owner)
		return;
	event->process = owner->process;
	event->tid = owner->tid;
	event->cgroup_id = owner->cgroup_id;
	event->flags &= ~HOOK_PROCESS_UNKNOWN;
	if (owner->is_unknown)
		event->flags |= HOOK_PROCESS_UNKNOWN;
}

#endif
