/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the call was given: reading parameters and matching them. */
#ifndef GUARDBEE_ENGINE_ARGS_H
#define GUARDBEE_ENGINE_ARGS_H

#include "scope.h"

static __always_inline __u64 args__parameter(struct call *call, __u32 index)
{
	return index < PARAMETERS_MAX ? call->scratch->parameters[index] : 0;
}

static __always_inline __u64 args__number(struct call *call, const volatile struct arg_slot *slot)
{
	__u64 value = args__parameter(call, slot->index);

	switch (slot->type) {
	case ARG_INT:
		return (__s64)(__s32)value;
	case ARG_UINT32:
	case ARG_FD:
		return (__u32)value;
	default:
		return value;
	}
}

/* The open file behind descriptor `fd` of the current process, or NULL. */
static __always_inline struct file *args__file_of(__u32 fd)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct fdtable *table = BPF_CORE_READ(task, files, fdt);
	struct file **files = BPF_CORE_READ(table, fd), *file = NULL;

	if (fd >= BPF_CORE_READ(table, max_fds))
		return NULL;
	bpf_probe_read_kernel(&file, sizeof(file), files + fd);
	return file;
}

static __always_inline struct file *args__file(struct call *call,
					       const volatile struct arg_slot *slot)
{
	__u64 value = args__parameter(call, slot->index);

	return slot->type == ARG_FILE ? (struct file *)value : args__file_of(value);
}

static __always_inline __u32 args__buffer_size(struct call *call,
					       const volatile struct arg_slot *slot)
{
	__u64 size;

	if (slot->size_index == SIZE_IS_RETURN)
		return (__s64)call->scratch->result < 0 ? 0 : call->scratch->result;
	if (slot->size_index == 0)
		return 0;
	size = args__parameter(call, slot->size_index - 1);
	return size > 0x7fffffff ? 0x7fffffff : size;
}

static __always_inline long args__read_buffer(void *to, __u64 size, __u64 from)
{
	if (spec.syscall)
		return bpf_probe_read_user(to, size, (void *)from);
	if (!bpf_probe_read_kernel(to, size, (void *)from))
		return 0;
	return bpf_probe_read_user(to, size, (void *)from);
}

/* Matches the first `size` bytes at scratch->prefix.text. */
static __always_inline void text__match(struct call *call, __u32 dim, __u32 match, __u32 size,
					bool longer)
{
	struct call_scratch *scratch = call->scratch;
	const __u64 *bits;
	void *table;

	if (match & MATCH_PREFIX) {
		scratch->prefix.dim = dim;
		scratch->prefix.prefix_bits = 8 * (sizeof(scratch->prefix.dim) + size);
		table = bpf_map_lookup_elem(&prefixes, &call->slot);
		bits = table ? bpf_map_lookup_elem(table, &scratch->prefix) : NULL;
		if (bits)
			call__and(call, bits);
		else
			call__and_default(call, dim);
	}
	if (match & MATCH_EQUAL) {
		scratch->equal.dim_and_size = dim << 16 | size;
		__builtin_memset(scratch->equal.text, 0, TEXT_SIZE);
		bpf_probe_read_kernel(scratch->equal.text, BOUNDED(size, TEXT_MASK),
				      scratch->prefix.text);
		table = bpf_map_lookup_elem(&equals, &call->slot);
		bits = table && !longer ? bpf_map_lookup_elem(table, &scratch->equal) : NULL;
		if (bits)
			call__and(call, bits);
		else
			call__and(call, table__row(call, EQUAL_ROW + dim - DIM_SLOT));
	}
}

static __always_inline void args__match_path(struct call *call,
					     const volatile struct arg_slot *slot, __u32 dim)
{
	struct file *file = args__file(call, slot);
	struct path_text text = {};
	__u32 size;

	if (file)
		text = path__write(&call->scratch->path, &file->f_path);
	/* a path that lost its head cannot be compared from its head */
	if (text.size == 0 || text.cut) {
		call__and_absent(call, dim);
		return;
	}
	size = text.size > TEXT_SIZE ? TEXT_SIZE : text.size;
	bpf_probe_read_kernel(call->scratch->prefix.text, BOUNDED(size, TEXT_MASK),
			      call->scratch->path.text + BOUNDED(text.start, PATH_SIZE - 1));
	text__match(call, dim, slot->match, size, text.size > TEXT_SIZE);
}

static __always_inline void args__match_buffer(struct call *call,
					       const volatile struct arg_slot *slot, __u32 dim)
{
	__u32 whole = args__buffer_size(call, slot), size = whole;

	if (size > TEXT_SIZE)
		size = TEXT_SIZE;
	if (args__read_buffer(call->scratch->prefix.text, BOUNDED(size, TEXT_MASK),
			      args__parameter(call, slot->index))) {
		call__and_absent(call, dim);
		return;
	}
	text__match(call, dim, slot->match, size, whole > TEXT_SIZE);
}

/* Leaves the selectors of policies that follow the descriptor, and those that do not ask. */
static __always_inline void args__match_followed(struct call *call,
						 const volatile struct arg_slot *slot)
{
	__u64 file = (__u64)args__file(call, slot), *groups;
	__u32 base = call->table->follow_base + slot->follow_block * (FOLLOW_GROUPS + 1);
	const __u64 *row;

	groups = file ? bpf_map_lookup_elem(&followed, &file) : NULL;
	row = call__row(call, base);
	if (!row || !groups) {
		call__and_row(call, base);
		return;
	}
	bits__copy(call->scratch->sum, row);
	for (__u32 group = 0; group < FOLLOW_GROUPS; group++) {
		if (!(*groups & (1ULL << group)))
			continue;
		row = call__row(call, base + 1 + group);
		if (row)
			bits__add(call->scratch->sum, row);
	}
	call__and(call, call->scratch->sum);
}

static __always_inline void args__match_slot(struct call *call, __u32 number)
{
	const volatile struct arg_slot *slot = &spec.slots[number];
	__u32 dim = DIM_SLOT + number;

	if (slot->match & MATCH_FOLLOWED) {
		args__match_followed(call, slot);
		if (call__is_empty(call))
			return;
	}
	if (slot->match & MATCH_NUMBER)
		number__match(call, dim, args__number(call, slot));
	if (slot->match & (MATCH_EQUAL | MATCH_PREFIX)) {
		if (slot->type == ARG_CHAR_BUF)
			args__match_buffer(call, slot, dim);
		else
			args__match_path(call, slot, dim);
	}
}

#endif
