/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What agent/compile writes and the engine reads. A selector of an attach point is one bit of a
 * bitmap of `words` 64-bit words; a dimension's look-up yields the bitmap of selectors that it
 * leaves in. Every table has two slots; engine_state.active says which is in force.
 */
#ifndef GUARDBEE_ENGINE_TABLES_H
#define GUARDBEE_ENGINE_TABLES_H

#include "../maps.h"

enum engine_limit {
	WORDS_MAX = 16,		/* 1,024 selectors on an attach point */
	SLOTS_MAX = 8,		/* distinct readings of arguments that selectors compare */
	READINGS_MAX = 64,	/* those, and the ones that are only reported or acted on */
	PARAMETERS_MAX = 5,	/* as upstream: the sixth is out of reach */
	CAP_TESTS_MAX = 32,
	FOLLOW_GROUPS = 64,
	MATCHES_MAX = 64 * WORDS_MAX,
};

/* Dimensions; a slot's own is DIM_SLOT + its number. Each has two rows, see struct hook_table. */
enum dimension {
	DIM_PID = 0,
	DIM_NSPID,
	DIM_PID_TREE_IN,
	DIM_PID_TREE_NOT,
	DIM_BINARY,
	DIM_BINARY_PREFIX,
	DIM_NSPID_TREE_IN,
	DIM_NSPID_TREE_NOT,
	DIM_SLOT = 8,
	DIM_MAX = DIM_SLOT + SLOTS_MAX,
};

/* reading.match: the look-ups that it takes part in */
enum slot_match {
	MATCH_NUMBER = 1u << 0,
	MATCH_EQUAL = 1u << 1,	/* of text */
	MATCH_PREFIX = 1u << 2,
	MATCH_FOLLOWED = 1u << 3, /* the descriptor must be followed */
};

/* How an argument is read, and what is compared of it. */
struct reading {
	__u8 type;		/* enum arg_type; 0: not used */
	__u8 index;		/* parameter of the call */
	__u8 match;
	__u8 size_index;	/* ARG_CHAR_BUF: parameter that holds its size, from 1; 0: none;
				 * SIZE_IS_RETURN: the return value */
	__u8 follow_block;	/* MATCH_FOLLOWED: which block of follow rows */
	__u8 zero[3];
};
/* reading.size_index */
enum size_index { SIZE_IS_RETURN = 0xff };

/* hook_spec.use */
enum hook_use {
	USE_PID = 1u << 0,
	USE_NSPID = 1u << 1,
	USE_PID_TREE = 1u << 2,
	USE_BINARY = 1u << 3, /* with USE_BINARY_EXACT, USE_BINARY_PREFIX or both */
	USE_CAPS = 1u << 4,
	USE_ENFORCE = 1u << 5, /* some action stops something, or would in enforce mode */
	USE_FOLLOW = 1u << 6, /* some action follows or unfollows */
	USE_NUMBERS = 1u << 7, /* some reading takes part in MATCH_NUMBER or MATCH_FOLLOWED */
	USE_TEXTS = 1u << 8, /* some reading takes part in MATCH_EQUAL or MATCH_PREFIX */
	USE_NUMBER_EVENTS = 1u << 9, /* every argument is a number */
	USE_BINARY_EXACT = 1u << 10,
	USE_BINARY_PREFIX = 1u << 11,
	USE_NSPID_TREE = 1u << 12,
};

/* Constants of one loaded program: the verifier drops what they rule out. */
struct hook_spec {
	__u32 words;		/* 1, 2, 4, 8 or 16 */
	__u32 use;
	__u8 syscall;		/* parameters are in the pt_regs that parameter 0 points to */
	__u8 compared;		/* the first of `readings`; the others are in events and actions only */
	__u8 event_args;	/* USE_NUMBER_EVENTS: of which most events have so many */
	__u8 zero;
	__u32 reads;		/* a bit for each parameter that some reading needs */
	struct reading readings[READINGS_MAX];
};

/* cap_test.set */
enum cap_set { CAP_SET_EFFECTIVE = 0, CAP_SET_INHERITABLE, CAP_SET_PERMITTED };
/* cap_test.user_ns */
enum cap_user_ns { CAP_NS_ANY = 0, CAP_NS_HOST, CAP_NS_NESTED };

struct cap_test {
	__u64 mask;
	__u32 set;
	__u32 user_ns;
};

/*
 * One slot of one attach point; all zero: this program acts for nobody in this slot. It has the rows
 * that most calls need: per dimension what is left when the value is not listed, then when there is
 * no value; behind those per slot what is left when its text equals none (EQUAL_ROW), and the
 * selectors of the host's scope class. The others are numbered in the map `rows`: scope class, and
 * from these bases per capability test not held, held, and void (its user namespace does not count);
 * per follow block not followed, then by group; per binary id, from 1, exact, and by prefix.
 * Where bitmaps have several words, a row of `rows` has one more behind them: of a scope class the
 * number of the only word that has a bit, or WORD_SEVERAL, or WORD_NONE.
 */
enum only_word { WORD_SEVERAL = WORDS_MAX, WORD_NONE };
enum table_row {
	EQUAL_ROW = 2 * DIM_MAX,
	HOST_ROW = EQUAL_ROW + SLOTS_MAX,
	TABLE_ROWS,
};
struct hook_table {
	__u32 classes;
	__u32 cap_base;
	__u32 cap_count;
	__u32 follow_base;
	__u32 exact_base;
	__u32 exact_count;
	__u32 prefix_base;
	__u32 prefix_count;
	__u32 host;		/* whether some selector holds in the host's scope class */
	__u32 host_word;	/* of that class, as behind the other classes' bits */
	struct cap_test caps[CAP_TESTS_MAX];
	__u64 rows[TABLE_ROWS * WORDS_MAX]; /* spec.words each, so the map's value ends earlier */
};

/* action_entry.flags */
enum act_flag {
	ACT_POST = 1u << 0,
	ACT_SIGNAL = 1u << 1,
	ACT_OVERRIDE = 1u << 2,
	ACT_FOLLOW = 1u << 3,
	ACT_UNFOLLOW = 1u << 4,
	ACT_MONITORED = 1u << 5, /* monitor mode left an action out */
};

/* What one selector does, indexed by its bit. */
struct action_entry {
	__u32 hook;		/* number for hook_event.hook, and key of `stops` */
	__u16 selector;
	__u16 next;		/* first bit of the next hook: the rest of this one lost */
	__u16 flags;
	__u16 code;		/* enum action_code for the event */
	__s16 error;		/* ACT_OVERRIDE: -errno */
	__u16 signal;
	__u64 group;		/* this policy's bit among the followers */
	__u8 follow_slot;	/* ACT_FOLLOW: the file; ACT_UNFOLLOW: the descriptor */
	__u8 args;		/* how many of arg_slots count */
	__u8 arg_slots[PARAMETERS_MAX + 1];
};

/* Keys of the value tables. */
struct number_key {
	__u32 dim;
	__u32 zero;
	__u64 value;
};
enum compared_text {
	TEXT_SIZE = 252,	/* longest text that is compared, in bytes */
	TEXT_MASK = 255,
};
struct equal_key {
	__u32 dim_and_size;	/* dim << 16 | size */
	char text[TEXT_SIZE];	/* NUL-padded */
};
struct prefix_key {
	__u32 prefix_bits;
	__u32 dim;
	char text[TEXT_SIZE];
};

const volatile struct hook_spec spec = {.words = 1};

/* Unrolled: the verifier knows spec.words, and drops the words behind it. */
#define FOR_EACH_WORD_OF(words, i) \
	_Pragma("unroll") for (__u32 i = 0; i < WORDS_MAX; i++) if (i < words)
#define FOR_EACH_WORD(i) \
	for (__u32 words = spec.words, once = 1; once; once = 0) FOR_EACH_WORD_OF(words, i)

/* Slot -> struct hook_table. Writer: agent, the slot that is not active. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct hook_table));
} tables SEC(".maps");

/* Bitmaps by row number. Value sizes below are set at load to spec.words * 8, that above by it. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 2);
	__type(key, __u32);
	__array(values, struct {
		__uint(type, BPF_MAP_TYPE_ARRAY);
		__uint(max_entries, 1);
		__uint(map_flags, BPF_F_INNER_MAP);
		__type(key, __u32);
		__type(value, __u64);
	});
} rows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 2);
	__type(key, __u32);
	__array(values, struct {
		__uint(type, BPF_MAP_TYPE_HASH);
		__uint(max_entries, 1);
		__uint(map_flags, BPF_F_NO_PREALLOC);
		__uint(key_size, sizeof(struct number_key));
		__uint(value_size, sizeof(__u64));
	});
} numbers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 2);
	__type(key, __u32);
	__array(values, struct {
		__uint(type, BPF_MAP_TYPE_HASH);
		__uint(max_entries, 1);
		__uint(map_flags, BPF_F_NO_PREALLOC);
		__uint(key_size, sizeof(struct equal_key));
		__uint(value_size, sizeof(__u64));
	});
} equals SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 2);
	__type(key, __u32);
	__array(values, struct {
		__uint(type, BPF_MAP_TYPE_LPM_TRIE);
		__uint(max_entries, 1);
		__uint(map_flags, BPF_F_NO_PREALLOC);
		__uint(key_size, sizeof(struct prefix_key));
		__uint(value_size, sizeof(__u64));
	});
} prefixes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 2);
	__type(key, __u32);
	__array(values, struct {
		__uint(type, BPF_MAP_TYPE_ARRAY);
		__uint(max_entries, 1);
		__uint(map_flags, BPF_F_INNER_MAP);
		__type(key, __u32);
		__uint(value_size, sizeof(struct action_entry));
	});
} actions SEC(".maps");

#endif
