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
	WORDS_MAX = 256,	/* 16,384 selectors on an attach point */
	UNROLLED_MAX = 16,	/* of more words than these each is not named in the program: see many.h */
	FACETS_MAX = 32,	/* what conditions compare, of the process and of arguments */
	READINGS_MAX = 64,	/* arguments that are compared, reported or acted on */
	PARAMETERS_MAX = 5,	/* as upstream: the sixth is out of reach */
	RETURNED_INDEX = PARAMETERS_MAX, /* reading.index of what the call returned */
	FIELDS_MAX = 32,	/* of a tracepoint's record: reading.index of each is its number there */
	FIRST_PATH = RETURNED_INDEX + 1, /* reading.index of where the first of hook_spec.paths leads */
	PATHS_MAX = FIELDS_MAX - FIRST_PATH,
	POINTERS_MAX = 10,	/* that a path follows */
	CAP_TESTS_MAX = 32,
	FOLLOW_GROUPS = 64,
	MATCHES_MAX = 64 * WORDS_MAX,
	OPERATIONS_MAX = 16,	/* of a selector, which has no more actions */
};

/* How an argument is read. Readings that are equal are one. */
struct reading {
	__u8 type;		/* enum arg_type */
	__u8 index;		/* parameter of the call */
	__u8 size_index;	/* of a buffer: parameter that holds its size, from 1; 0: none */
	__u8 flags;		/* enum reading_flag */
};

/*
 * What all conditions of one kind compare: something of the process, or a part of an argument. Its
 * number among the facets of the attach point is that of its dimension.
 */
struct facet {
	__u8 kind;		/* enum facet_kind */
	__u8 part;		/* which one, where the argument's type or the kind has several */
	__u8 reading;		/* FACET_ARG_*: the argument */
	__u8 match;		/* of a text: enum text_match; FACET_ARG_GAINED: the reading that is compared with */
};

/* facet.match: the look-ups that a text takes part in */
enum text_match {
	MATCH_EQUAL = 1u << 0,
	MATCH_PREFIX = 1u << 1,
	MATCH_POSTFIX = 1u << 2,
	MATCH_SUBSTRING = 1u << 3, /* in a facet of its own: all of the text is read that an event has */
};

/* reading.flags */
enum reading_flag {
	READ_RETURNED = 1u << 0, /* of a buffer so many bytes as the call returned */
	READ_WHOLE = 1u << 1,	/* events have more of it than fits with the arguments: see whole.h */
	READ_TYPED = 1u << 2,	/* the verifier knows that the parameter has this type: see call__typed */
	READ_KERNEL = 1u << 3,	/* what it points to is memory of the kernel, whoever makes the call */
};

/* arg_path.source, where that is no parameter's number */
enum path_source {
	PATH_OF_TASK = 32,	/* the one that makes the call */
	PATH_OF_REGISTERS,	/* as they were when it was made: needs USE_REGISTERS */
};

/* Where members of structs lead, one to the next: see resolve.h. */
struct arg_path {
	__u8 source;		/* parameter of the call, or enum path_source */
	__u8 pointers;		/* so many are read before the value */
	__u8 size;		/* of the value in bytes; 0: it is the place itself */
	__u8 is_signed;
	__u8 up;		/* the value is shifted up so many bits, then */
	__u8 down;		/* down so many, and has those above them no more */
	__u8 zero[2];
	__u32 offsets[POINTERS_MAX + 1]; /* of each pointer behind what the one before points to, and of the value */
};

/* field.kind */
enum field_kind {
	FIELD_NONE = 0,		/* not read */
	FIELD_UNSIGNED,
	FIELD_SIGNED,
	FIELD_ARRAY,		/* bytes in the record */
	FIELD_DATA_LOC,		/* says where in the record bytes are: offset and size, 16 bits each */
	FIELD_REL_LOC,		/* the same, counted from its own end */
};

/* Where a field of a tracepoint's record is. */
struct field {
	__u16 offset;
	__u16 size;
	__u16 kind;		/* enum field_kind */
	__u16 element;		/* FIELD_ARRAY: bytes of one of its elements */
};

/* hook_spec.use */
enum hook_use {
	USE_ENFORCE = 1u << 0,	/* some entry has ACT_STOPS, ACT_CLOSES or ACT_STOPS_LATER */
	USE_NUMBER_EVENTS = 1u << 1, /* events have nothing but arguments that are numbers */
	USE_RATES = 1u << 2,	/* some Post has a rate limit */
	USE_FUNCTIONS = 1u << 4, /* the program is attached to many, whose cookies are for hook_event.entry */
	USE_RETURNED = 1u << 3,	/* events wait for what the call returns, or have it */
	USE_SOCKETS = 1u << 5,	/* some event is about a socket */
	USE_UNREAD = 1u << 6,	/* what some parameters are may not be told: call_scratch.unread */
	USE_WHOLE = 1u << 7,	/* some reading has READ_WHOLE */
	USE_STACKS = 1u << 8,	/* some entry has ACT_KERNEL_STACK or ACT_USER_STACK */
	USE_HASHES = 1u << 9,	/* some entry has ACT_HASH: see hash.h */
	USE_CHANGES = 1u << 11,	/* some cap_test compares with what the process was before */
	USE_REGISTERS = 1u << 10, /* some path begins at PATH_OF_REGISTERS */
	USE_DIGESTS = 1u << 12,	/* some entry has ACT_DIGEST: see digest.h */
};

/* hook_spec.syscall */
enum hook_syscall {
	SYSCALL_NONE = 0,	/* a function: parameters are its own */
	SYSCALL_OWN = 1,	/* parameters are in the pt_regs that parameter 0 points to */
	SYSCALL_32BIT = 2,	/* the same, of a 32-bit system call */
	SYSCALL_OF_PROGRAM = 3,	/* no system call: a program's function, whose pointers are its own */
};

/*
 * Constants of one loaded program. What they rule out the agent drops before it loads the program
 * (agent/kernel/native/specialise). What depends on which round of a loop it is, the verifier drops: the
 * agent joins all rounds.
 */
struct hook_spec {
	__u32 words;		/* 1, 2, 4, 8, 16 or WORDS_MAX */
	__u32 use;
	__u8 syscall;		/* enum hook_syscall */
	__u8 facet_count;
	__u8 event_args;	/* so many event_readings count */
	__u8 entry;		/* for hook_event.entry */
	__u32 reads;		/* a bit for each parameter that some reading needs */
	__u32 actions;		/* a bit for each enum action_code that is some operation's */
	__u32 types[2];		/* a bit for each enum arg_type that some reading has */
	__u32 kinds;		/* a bit for each enum facet_kind that some facet has */
	__u32 point;		/* USE_RETURNED: the same of the programs at both ends of a call */
	__u32 substring_size;	/* bytes of an entry of `substrings`, a power of two; 0: it has none */
	__u8 event_readings[PARAMETERS_MAX]; /* USE_NUMBER_EVENTS: what many events have */
	__u8 path_count;
	__u8 is_hashed;		/* USE_DIGESTS: this program comes when the file was hashed */
	__u8 zero;
	struct facet facets[FACETS_MAX];
	struct reading readings[READINGS_MAX];
	struct field fields[FIELDS_MAX];
	struct arg_path paths[PATHS_MAX];
};

/* cap_test.set */
enum cap_set {
	CAP_SET_EFFECTIVE = 0,
	CAP_SET_INHERITABLE,
	CAP_SET_PERMITTED,
	CAP_SET_CHANGED,	/* with one of those: what is in it now, or was before, and not both */
	CAP_SET_NAMESPACES = 2 * CAP_SET_CHANGED, /* a bit for each enum namespace_part that is another */
};
/* cap_test.user_ns */
enum cap_user_ns { CAP_NS_ANY = 0, CAP_NS_HOST, CAP_NS_NESTED };

struct cap_test {
	__u64 mask;
	__u32 set;
	__u32 user_ns;
};

/*
 * One slot of one attach point; all zero: this program acts for nobody in this slot. It has the rows
 * that most calls need: the selectors of the host's scope class, those that stop something, then for each facet what is left
 * when its value is not listed or cannot be told, when by its nature there is none, when its
 * text equals none, and when it ends with none; and who wants to know it surely. The others are in the map `rows`: scope classes, and from table_facet.base on those that a kind of facet has.
 * Where bitmaps have several words, a row of `rows` has one more behind them: of a scope class the
 * number of the only word that has a bit, or WORD_SEVERAL, or WORD_NONE.
 */
enum only_word { WORD_SEVERAL = WORDS_MAX, WORD_NONE };
enum facet_row { ROW_OTHERWISE, ROW_ABSENT, ROW_UNEQUAL, ROW_UNENDED, ROW_SURE, FACET_ROW_COUNT };
enum table_row {
	HOST_ROW,
	STOPPING_ROW,		/* a call in their scope that cannot be decided is refused, where it can be */
	FACET_ROWS,		/* FACET_ROW_COUNT for each facet */
	TABLE_ROWS = FACET_ROWS + FACET_ROW_COUNT * FACETS_MAX,
};

/*
 * The rows of a facet in `rows`. FACET_CAPABILITIES: per test not held, held, and void (its user
 * namespace does not count). FACET_ARG_FOLLOWED: not followed, then by group. FACET_BINARY*: per id,
 * from 1. FACET_ARG_RANGE: per interval, ascending. FACET_ARG_MASK: see mask.h. FACET_ARG_TEXT: none;
 * `count` is how many bytes the longest text has that others are to end with. FACET_ARG_SUBSTRING*: see
 * substring.h, FACET_ARG_GLOB: see glob.h; `count` is its entry in `substrings`.
 */
struct table_facet {
	__u32 base;
	__u32 count;		/* of tests, ids or intervals; FACET_ARG_MASK: of lists, and digits */
};

struct hook_table {
	__u32 classes;
	__u32 host;		/* whether some selector holds in the host's scope class */
	__u32 host_word;	/* of that class, as behind the other classes' bits */
	__u32 zero;
	struct table_facet facets[FACETS_MAX];
	struct cap_test caps[CAP_TESTS_MAX];
	__u64 rows[TABLE_ROWS * WORDS_MAX]; /* as many as there are facets, of spec.words each */
};

/* operation.flags */
enum operation_flag {
	OPERATION_STOPS = 1u << 0, /* not carried out for a process that is a part of the node */
};

/* What one action does beside the event. */
struct operation {
	__u16 action;		/* enum action_code */
	__u8 flags;
	__u8 reading;		/* what it is done to, where `arg` is something else */
	__s32 arg;		/* what it means, the action says */
};

/* action_entry.flags */
enum act_flag {
	ACT_STOPS = 1u << 0,	/* some action stops something, or would in enforce mode */
	ACT_MONITORED = 1u << 1, /* monitor mode left those out */
	ACT_WAITS = 1u << 2,	/* the event goes out when the call has returned */
	ACT_RETURNED = 1u << 3,	/* the event says what the call returned */
	ACT_CLOSES = 1u << 4,	/* who opens what cannot be followed is stopped, or would be */
	ACT_GOES_ON = 1u << 5,	/* something is done when the call has returned, reported or not */
	ACT_STOPS_LATER = 1u << 6, /* then it stops something, or would in enforce mode */
	ACT_KERNEL_STACK = 1u << 7, /* the event says through which functions the call came */
	ACT_USER_STACK = 1u << 8, /* the same, of the process */
	ACT_HASH = 1u << 9,	/* the event has the hash of the file */
	ACT_EVENT_READINGS = 1u << 10, /* the event's arguments are hook_spec.event_readings */
	ACT_DIGEST = 1u << 11,	/* the selector asks for the digest of what is executed */
	ACT_NOTHING = 1u << 12,	/* nothing is done nor reported */
};

/* What one selector does, indexed by its bit. */
struct action_entry {
	__u64 group;		/* this policy's bit among the followers */
	__u32 hook;		/* number for hook_event.hook, and key of `stops` */
	__u16 selector;
	__u16 next;		/* first bit of the next hook: the rest of this one lost */
	__u16 flags;
	__u16 code;		/* enum action_code for the event */
	__u16 operation_count;
	__u8 args;		/* how many of arg_readings count */
	__u8 arg_readings[PARAMETERS_MAX];
	__u8 returned_reading;	/* ACT_RETURNED */
	__u8 socket;		/* USE_SOCKETS: reading of the socket that the event is about, from 1; 0: none */
	__u8 zero[2];
	__u32 set;		/* the policy's number, never 0: the same at each attach point */
	__u32 zero_too;
	struct operation operations[OPERATIONS_MAX]; /* carried out in their order */
};

/* Keys of the value tables. */
struct number_key {
	__u32 dim;
	__u32 list;		/* of a facet with several */
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
	__u32 dim;		/* with PREFIX_REVERSED: the text begins with its last byte */
	char text[TEXT_SIZE];
};
enum prefix_flag { PREFIX_REVERSED = 1u << 16 };

const volatile struct hook_spec spec = {.words = 1};

/* Unrolled: the verifier knows spec.words, and drops the words behind it. Not of more than UNROLLED_MAX. */
#define FOR_EACH_WORD_OF(words, i) \
	_Pragma("unroll") for (__u32 i = 0; i < UNROLLED_MAX; i++) if (i < words)

/* Slot -> struct hook_table. Writer: agent, the slot that is not active. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, __builtin_offsetof(struct hook_table, rows));
} tables SEC(".maps");

/*
 * Bitmaps by row number. Value sizes below are set at load to spec.words * 8, those above by it; of numbers, equals and
 * prefixes to 8 where there are more words than UNROLLED_MAX: then a value is the number of a row behind all others.
 */
BY_SLOT(rows, BPF_MAP_TYPE_ARRAY, BPF_F_INNER_MAP,
	__type(key, __u32), __type(value, __u64));

/*
 * By row number, of the rows of a FACET_ARG_RANGE: the least number that the row is for, up to that of
 * the next one. A slot of an attach point that has no such facet has none.
 */
BY_SLOT(starts, BPF_MAP_TYPE_ARRAY, BPF_F_INNER_MAP,
	__type(key, __u32), __type(value, __u64));

/* An entry for each FACET_ARG_SUBSTRING* (substring.h) and FACET_ARG_GLOB, of spec.substring_size. Without any a slot has none. */
BY_SLOT(substrings, BPF_MAP_TYPE_ARRAY, BPF_F_INNER_MAP,
	__type(key, __u32), __type(value, __u64));

BY_SLOT(numbers, BPF_MAP_TYPE_HASH, BPF_F_NO_PREALLOC,
	__uint(key_size, sizeof(struct number_key)), __uint(value_size, sizeof(__u64)));

BY_SLOT(equals, BPF_MAP_TYPE_HASH, BPF_F_NO_PREALLOC,
	__uint(key_size, sizeof(struct equal_key)), __uint(value_size, sizeof(__u64)));

BY_SLOT(prefixes, BPF_MAP_TYPE_LPM_TRIE, BPF_F_NO_PREALLOC,
	__uint(key_size, sizeof(struct prefix_key)), __uint(value_size, sizeof(__u64)));

BY_SLOT(actions, BPF_MAP_TYPE_ARRAY, BPF_F_INNER_MAP,
	__type(key, __u32), __uint(value_size, sizeof(struct action_entry)));

#endif
