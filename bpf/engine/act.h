/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Runs the actions of the selectors that are left: of each hook of each policy, the first. */
#ifndef GUARDBEE_ENGINE_ACT_H
#define GUARDBEE_ENGINE_ACT_H

#include "emit.h"

static __always_inline bool file__is_last(struct file *file)
{
	struct file___ref *counted = (void *)file;

	if (bpf_core_field_exists(counted->f_ref))
		return BPF_CORE_READ(counted, f_ref.refcnt.counter) == 0;
	return BPF_CORE_READ(file, f_count.counter) == 1;
}

static __always_inline struct file *act__file(struct call *call, struct action_entry *entry)
{
	return arg__file(call, &spec.readings[entry->follow_slot & (READINGS_MAX - 1)]);
}

static __always_inline void act__follow(struct call *call, struct action_entry *entry)
{
	__u64 file = (__u64)act__file(call, entry), *groups, none = 0;

	if (!file)
		return; /* nothing was opened */
	groups = bpf_map_lookup_elem(&followed, &file);
	if (!groups) {
		bpf_map_update_elem(&followed, &file, &none, BPF_NOEXIST);
		groups = bpf_map_lookup_elem(&followed, &file);
	}
	if (groups)
		__sync_fetch_and_or(groups, entry->group);
	else
		losses__count(LOSS_FOLLOW_FULL);
}

/* A duplicate of the descriptor keeps the open file, and so keeps it followed. */
static __always_inline void act__unfollow(struct call *call, struct action_entry *entry)
{
	struct file *file = act__file(call, entry);
	__u64 key = (__u64)file, *groups;

	if (!file || !file__is_last(file))
		return;
	groups = bpf_map_lookup_elem(&followed, &key);
	if (groups)
		__sync_fetch_and_and(groups, ~entry->group);
}

/*
 * Stops the call or its process, unless in monitor mode or protected, and counts it: events are
 * optional and can be lost. Returns what to say of it in hook_event.flags.
 */
static __always_inline __u16 act__stop(struct call *call, struct action_entry *entry)
{
	struct hook_stops *counts = bpf_map_lookup_elem(&stops, &entry->hook);
	struct process_info *info = call__info(call);
	bool stopped = false;

	if (info && info->flags & PROCESS_PROTECTED) {
		if (counts)
			stops__count(&counts->of_protected);
		return HOOK_MONITORED;
	}
	if (entry->flags & ACT_MONITORED) {
		if (counts)
			stops__count(&counts->would_stop);
		return HOOK_MONITORED | HOOK_WOULD_STOP;
	}
	if (entry->flags & ACT_SIGNAL)
		stopped = bpf_send_signal(entry->signal) == 0;
	if (entry->flags & ACT_OVERRIDE) {
		if (call->override == 0)
			call->override = entry->error;
		stopped = true;
	}
	if (!stopped)
		return 0; /* no signal reaches it: it is ending already, or the host's pid 1 */
	if (counts)
		stops__count(&counts->stopped);
	return HOOK_STOPPED;
}

static __always_inline void act__run(struct call *call, struct action_entry *entry)
{
	__u16 flags = 0;

	if (spec.use & USE_FOLLOW) {
		if (entry->flags & ACT_FOLLOW)
			act__follow(call, entry);
		if (entry->flags & ACT_UNFOLLOW)
			act__unfollow(call, entry);
	}
	if (spec.use & USE_ENFORCE && entry->flags & (ACT_SIGNAL | ACT_OVERRIDE | ACT_MONITORED))
		flags = act__stop(call, entry);
	if (entry->flags & ACT_POST)
		emit__hook(call, entry, flags);
}

/* In the product of a single bit with a de Bruijn sequence the upper six bits say which it was. */
#define DE_BRUIJN 0x03f79d71b4cb0a89ULL
static const __u8 bit_number[64] = {
	0, 1, 48, 2, 57, 49, 28, 3, 61, 58, 50, 42, 38, 29, 17, 4,
	62, 55, 59, 36, 53, 51, 43, 22, 45, 39, 33, 30, 24, 18, 12, 5,
	63, 47, 56, 27, 60, 41, 37, 16, 54, 35, 52, 21, 44, 32, 23, 11,
	46, 26, 40, 15, 34, 20, 31, 10, 25, 14, 19, 9, 13, 8, 7, 6,
};

/* The lowest bit of a word that is set from bit `from` of all on, or WORDS_MAX * 64. */
static __always_inline __u32 act__next_in(__u64 bits, __u32 word, __u32 from)
{
	if (word < from / 64)
		return WORDS_MAX * 64;
	if (word == from / 64)
		bits &= ~0ULL << (from & 63);
	if (bits == 0)
		return WORDS_MAX * 64;
	return word * 64 + bit_number[(bits & -bits) * DE_BRUIJN >> 58];
}

/* The lowest bit that is set from bit `from` on, or WORDS_MAX * 64. */
static __always_inline __u32 act__next_bit(struct call *call, __u32 from)
{
	__u32 words = spec.words, only = call__only_word(call, words);

	if (only < words)
		return act__next_in(call->scratch->left[only], only, from);
	FOR_EACH_WORD_OF(words, word) {
		__u32 bit = act__next_in(call->scratch->left[word], word, from);

		if (bit < WORDS_MAX * 64)
			return bit;
	}
	return WORDS_MAX * 64;
}

static long act__step(__u32 index, void *context)
{
	struct call *call = context;
	struct action_entry *entry;
	void *table;

	table = bpf_map_lookup_elem(&actions, &call->slot);
	entry = table ? bpf_map_lookup_elem(table, &call->at) : NULL;
	if (!entry)
		return 1; /* cannot be: each bit has its entry */
	call->at = act__next_bit(call, entry->next);
	act__run(call, entry);
	return call->at >= WORDS_MAX * 64;
}

#endif
