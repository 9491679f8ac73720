/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Executables: what is kept of a path, and the ids of those that some policy lists. */
#ifndef GUARDBEE_BINARIES_H
#define GUARDBEE_BINARIES_H

#include "by_slot.h"
#include "types.h"

/* How an executable's path is compared with listed ones. */
enum binary_form { BINARY_EXACT, BINARY_PREFIX, BINARY_POSTFIX, BINARY_FORMS };

/* What a process runs, or its parent ran. */
struct executable {
	__u64 ids[BINARY_FORMS]; /* BINARY_ID; 0: never looked up. One word each: threads write it at once */
	__u32 size;		/* of the whole path; 0: not known */
	__u32 zero;
	char path[BINARY_SIZE];	/* NUL-padded: it is a key of binaries_exact */
	char end[BINARY_END];	/* of a path that is longer its last bytes; else anything */
};

/*
 * Per slot: executable -> id: exact, by longest prefix, and by longest prefix of what begins with its last
 * byte. Writer: agent.
 */
struct binary_prefix_key {
	__u32 prefix_bits;
	char path[BINARY_SIZE - 4];
};
BY_SLOT(binaries_exact, BPF_MAP_TYPE_HASH, BPF_F_NO_PREALLOC,
	__uint(key_size, BINARY_SIZE), __uint(value_size, sizeof(__u32)));
BY_SLOT(binaries_prefix, BPF_MAP_TYPE_LPM_TRIE, BPF_F_NO_PREALLOC,
	__uint(key_size, sizeof(struct binary_prefix_key)), __uint(value_size, sizeof(__u32)));
BY_SLOT(binaries_postfix, BPF_MAP_TYPE_LPM_TRIE, BPF_F_NO_PREALLOC,
	__uint(key_size, sizeof(struct binary_prefix_key)), __uint(value_size, sizeof(__u32)));

#endif
