/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The fields of a tracepoint's record, as its format file has them. */
#ifndef GUARDBEE_ATTACH_TRACEPOINT_H
#define GUARDBEE_ATTACH_TRACEPOINT_H

#include "../engine/engine.h"

/* A field that is a number, of 8 bytes at most. */
static __always_inline __u64 field__number(const volatile struct field *field, void *at)
{
	__u32 size = field->size, unused;
	__u64 value = 0;

	if (size == 0 || size > sizeof(value))
		return 0; /* cannot be: others are no numbers */
	bpf_probe_read_kernel(&value, size, at);
	unused = 8 * (sizeof(value) - size);
	if (field->kind == FIELD_SIGNED)
		return (__s64)(value << unused) >> unused;
	return value;
}

/* Makes field `index` of `record` a parameter of the call: its value, or where its bytes are. */
static __always_inline void field__read(struct call *call, __u32 index, char *record)
{
	const volatile struct field *field = &spec.fields[index];
	struct call_scratch *scratch = call->scratch;
	char *at = record + field->offset;
	__u32 where = 0;

	switch ((enum field_kind)field->kind) {
	case FIELD_NONE:
		scratch->parameters[index] = 0;
		return;
	case FIELD_UNSIGNED:
	case FIELD_SIGNED:
		scratch->parameters[index] = field__number(field, at);
		return;
	case FIELD_ARRAY:
		scratch->parameters[index] = (__u64)at;
		scratch->sizes[index] = field->size;
		return;
	case FIELD_DATA_LOC:
		bpf_probe_read_kernel(&where, sizeof(where), at);
		scratch->parameters[index] = (__u64)record + (where & 0xffff);
		scratch->sizes[index] = where >> 16;
		return;
	case FIELD_REL_LOC:
		bpf_probe_read_kernel(&where, sizeof(where), at);
		scratch->parameters[index] = (__u64)at + sizeof(where) + (where & 0xffff);
		scratch->sizes[index] = where >> 16;
		return;
	}
}

static __always_inline void tracepoint__run(char *record)
{
	struct call call;
	__u32 reads;

	if (!engine__enter(&call))
		return; /* not ours to decide */
	reads = spec.reads;
	call.scratch->result = 0;
	/* Code for one field: what a program does not read, the verifier takes out. */
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < FIELDS_MAX; i++) {
		if (reads & (1u << i))
			field__read(&call, i, record);
	}
	if (engine__match(&call))
		engine__act(&call);
	call__leave(&call);
}

#endif
