// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* At a place that a program's authors have marked (USDT): the file says where its arguments are. */
#include "uprobe.h"
#include "usdt.h"

/*
 * By the cookie of an attachment, where its arguments are. Written by the agent before it attaches;
 * entries stay until the program goes. As many as there are different places in files.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, __u32);
	__type(value, struct usdt_spec);
} usdt_specs SEC(".maps");

/* The number that so many bytes are. */
static __always_inline __u64 usdt__number(const struct usdt_arg *arg, __u64 value)
{
	switch (arg->bytes) {
	case 1:
		return arg->is_signed ? (__u64)(__s64)(__s8)value : (__u8)value;
	case 2:
		return arg->is_signed ? (__u64)(__s64)(__s16)value : (__u16)value;
	case 4:
		return arg->is_signed ? (__u64)(__s64)(__s32)value : (__u32)value;
	}
	return value;
}

static __always_inline __u64 usdt__register(struct pt_regs *context, __u16 at)
{
	__u64 value = 0;

	bpf_probe_read_kernel(&value, sizeof(value), (void *)context + at);
	return value;
}

/* Reads so many bytes of the process; false: they are not there. */
static __always_inline bool usdt__memory(const struct usdt_arg *arg, __u64 from, __u64 *value)
{
	*value = 0;
	switch (arg->bytes) {
	case 1:
		return !bpf_probe_read_user(value, 1, (void *)from);
	case 2:
		return !bpf_probe_read_user(value, 2, (void *)from);
	case 4:
		return !bpf_probe_read_user(value, 4, (void *)from);
	}
	return !bpf_probe_read_user(value, 8, (void *)from);
}

/* False where it cannot be told. `place`: where in memory it is; as it was, where it is in none. */
static __always_inline bool usdt__read(struct pt_regs *context, const struct usdt_arg *arg,
				       __u64 *to, __u64 *place)
{
	__u64 value = arg->value;

	switch ((enum usdt_place)arg->place) {
	case USDT_NOWHERE:
		return false;
	case USDT_CONSTANT:
		break;
	case USDT_REGISTER:
		value = usdt__register(context, arg->base);
		break;
	case USDT_MEMORY:
		value += usdt__register(context, arg->base);
		if (arg->scale)
			value += arg->scale * usdt__register(context, arg->index);
		*place = value;
		if (!usdt__memory(arg, value, &value))
			return false;
		break;
	}
	*to = usdt__number(arg, value);
	return true;
}

/* Makes the arguments parameters, and says of which it cannot be told. */
static __always_inline void usdt__take(struct call *call, struct pt_regs *context)
{
	__u32 cookie = bpf_get_attach_cookie(context), reads = spec.reads;
	struct usdt_spec *where = bpf_map_lookup_elem(&usdt_specs, &cookie);

	call->scratch->unread = ~0u;
	if (!where)
		return; /* cannot be: it is there before the attachment */
#pragma unroll
	for (__u32 i = 0; i < PARAMETERS_MAX; i++) {
		__u64 place = 0;

		call->scratch->parameters[i] = 0;
		if (reads & (1u << i) &&
		    usdt__read(context, &where->args[i], &call->scratch->parameters[i], &place))
			call->scratch->unread &= ~(1u << i);
		if (spec.actions & (1u << ACTION_SET))
			call->scratch->places[i] = place;
	}
}

SEC("uprobe")
int hook(struct pt_regs *context)
{
	struct call call;

	if (!uprobe__enter(&call))
		return 0;
	usdt__take(&call, context);
	if (engine__match(&call))
		engine__act(&call);
	call__leave(&call);
	return 0; /* a uprobe's value means nothing */
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
