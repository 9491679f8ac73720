/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A network device (struct net_device *): its name. */
#ifndef GUARDBEE_ENGINE_ARG_NET_DEVICE_H
#define GUARDBEE_ENGINE_ARG_NET_DEVICE_H

#include "../lookup.h"
#include "error.h"

#define DEVICE_NAME_SIZE 16	/* with its NUL */

/* Kernel types of which nothing else is read. */
#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct net_device {
	char name[DEVICE_NAME_SIZE];
};

#pragma clang attribute pop

/* How many bytes were read, the NUL included, or negative. */
static __always_inline long net_device__read(char *to, struct call *call,
					     const volatile struct reading *reading)
{
	struct net_device *device = (struct net_device *)call__parameter(call, reading->index);

	return bpf_probe_read_kernel_str(to, DEVICE_NAME_SIZE, &device->name);
}

static __always_inline enum known net_device__text(struct call *call,
						   const volatile struct reading *reading,
						   __u32 part, struct text *to)
{
	long read = net_device__read(text__buffer(call), call, reading);

	if (read <= 0)
		return KNOWN_NOT;
	return text__of_buffer(call, BOUNDED(read - 1, DEVICE_NAME_SIZE - 1), to);
}

static __always_inline __u32 net_device__emit(struct call *call,
					      const volatile struct reading *reading,
					      struct event_arg *arg, char *to)
{
	long read = net_device__read(to, call, reading);

	if (read <= 0)
		return error__emit(arg, to, EFAULT);
	return BOUNDED(read - 1, DEVICE_NAME_SIZE - 1);
}

#endif
