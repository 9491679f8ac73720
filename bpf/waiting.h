/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The maps of what waits: for a call to return, or for the hash of a file. A part of maps.h. */
#ifndef GUARDBEE_WAITING_H
#define GUARDBEE_WAITING_H

enum waiting_limit {
	WAITING_SIZE = 1000,	/* of an event, in bytes; what is larger has an entry in waiting_large, too */
	WAITING_MAX = 16384,	/* events that wait at once: a megabyte for each thousand */
	WAITING_OF_POD = 2048,
	WAITING_LARGE_MAX = 512,
	WAITING_LARGE_OF_POD = 64,
	WAITING_LARGE_SIZE = 16384 + 64, /* the largest event */
};

/* What comes before an event that waits for its call to return: see engine/wait.h. */
struct waiting {
	__u64 call;		/* of all that wait for one call: boot-time ns */
	__u32 task;		/* thread id */
	__u32 generation;	/* engine_state.binary_generation of the tables that its bit is of */
	__u32 bit;
	__u32 flags;		/* enum waiting_flag */
	__u64 pod;		/* in whose share it counts, and in that of the large ones */
};

/* waiting.flags */
enum waiting_flag {
	WAITING_SILENT = 1u << 0, /* it is not reported: what is done at the return waits */
	WAITING_CLOSES = 1u << 1, /* where nobody can tell any more whether to stop the process, it is */
};
struct waiting_event {
	struct waiting waiting;
	char event[WAITING_SIZE]; /* struct hook_event and its arguments */
};
struct waiting_key {
	__u64 frame;		/* where the call's registers are on its stack: nobody else's are there */
	__u32 point;		/* hook_spec.point */
	__u32 number;		/* among those that wait for this call */
};

/*
 * Events that wait for their calls to return. Writer: wait_room.h. Where spec.use has USE_RETURNED, the agent has the
 * program use one of WAITING_MAX entries instead.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct waiting_key);
	__type(value, struct waiting_event);
} waiting_events SEC(".maps");

/* The same, of events that are larger, with nothing before them; then of WAITING_LARGE_MAX. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct waiting_key);
	__type(value, char[WAITING_LARGE_SIZE]);
} waiting_large SEC(".maps");

enum hash_limit { FILE_HASH_SIZE = 64 };

/* What the programs of one hook leave for each other while it asks about a file. See engine/hash.h. */
struct file_hash {
	__u64 frame;		/* of the call for which an event waits; 0: of none */
	__s32 verdict;		/* what the hook answers then */
	__s32 algorithm;	/* enum hash_algo of the kernel; below 0: there is no hash */
	__u32 is_reading;	/* the kernel reads the file, which may ask the hook again */
	__u16 is_hashed;	/* or could not be */
	__u16 is_lasting;	/* nobody can change the file while it is executed */
	__u64 digest_frame;	/* of the call that is decided by the hash; 0: none is */
	__u32 generation;	/* engine_state.binary_generation of the tables that asked for it */
	__u32 zero;
	char bytes[FILE_HASH_SIZE];
};

/* Writer: the programs that are attached to one hook, in the task that it is asked of. */
struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct file_hash);
} file_hashes SEC(".maps");

/*
 * Thread (and its process in the upper half) -> since when the kernel hashes a file for it, ns. Writer:
 * attach/lsm_hash.bpf.c; the agent reads which programs somebody may still come to.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024); /* more at once get no hash, and are counted */
	__type(key, __u64);
	__type(value, __u64);
} hashing SEC(".maps");

#endif
