/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the agent is told of processes that were taken out of their pods. */
#ifndef GUARDBEE_MOVE_STATE_H
#define GUARDBEE_MOVE_STATE_H

#include "kernel.h"

#include <bpf/bpf_helpers.h>

enum move_limit {
	MOVES_KEPT = 16,	/* the last; a power of two */
	MOVE_NAME_SIZE = 16,
};

/* A process that was taken out of its pod's cgroup, or started outside of its parent's. */
struct move {
	__u64 from;		/* cgroup ids */
	__u64 to;
	__u32 pid;
	__u32 mover;		/* pid of who did it */
	__u8 name[MOVE_NAME_SIZE]; /* as the processes call themselves */
	__u8 mover_name[MOVE_NAME_SIZE];
};
struct move_state {
	__u64 noted;		/* how many were begun: `last` has number n at n modulo MOVES_KEPT */
	__u64 count;		/* of those that are written whole */
	struct move last[MOVES_KEPT];
	__u64 leaving_pod;	/* of the move that is under way: the kernel makes one at a time */
	__u64 leaving_cgroup;
};
/* Writer: process/moves.h and moves.bpf.c. */
volatile struct move_state move_state SEC(".data.move_state");

#endif
