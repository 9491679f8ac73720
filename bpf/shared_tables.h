/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The maps of which each pod has a share, and what it has of them: see share.h. */
#ifndef GUARDBEE_SHARED_TABLES_H
#define GUARDBEE_SHARED_TABLES_H

#include "kernel.h"
#include "types.h"

#include <bpf/bpf_helpers.h>

enum tracked_limit {
	TRACKED_SOCKS_MAX = 65536,
	TRACKED_SOCKS_OF_POD = 2048,
};

/*
 * struct sock * -> the process that its events are about. Writer: tracked.h.
 */
struct sock_owner {
	struct process_key process;
	__u64 cgroup_id;
	__u64 pod;		/* in whose share it counts */
	__u32 tid;
	__u32 is_unknown;	/* HOOK_PROCESS_UNKNOWN */
};
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, TRACKED_SOCKS_MAX);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u64);
	__type(value, struct sock_owner);
} tracked_socks SEC(".maps");

/* Tables of whose room each pod has a share. */
enum shared_table {
	SHARED_SOCKS = 0,
	SHARED_WAITING,
	SHARED_WAITING_LARGE,
	SHARED_TABLES
};

/* Pod and table -> its entries there. Writer: share.h; the agent deletes what is empty. */
struct share_key {
	__u64 pod;		/* id of its cgroup */
	__u32 table;		/* enum shared_table */
	__u32 zero;
};
struct table_share {
	__u64 entries;
	__u64 refused;		/* that were not made: the pod had as many as it may */
};
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8192);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct share_key);
	__type(value, struct table_share);
} table_shares SEC(".maps");

#endif
