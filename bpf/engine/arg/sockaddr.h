/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* An address that a process gave, or is given (struct sockaddr *). */
#ifndef GUARDBEE_ENGINE_ARG_SOCKADDR_H
#define GUARDBEE_ENGINE_ARG_SOCKADDR_H

#include "address.h"
#include "error.h"
#include "memory.h"

/* Reads as much as its family has to scratch->address; NULL when that cannot be read. */
static __always_inline struct socket_address *sockaddr__read(struct call *call,
							     const volatile struct reading *reading)
{
	__u64 from = call__parameter(call, reading->index);
	struct socket_address *to = &call->scratch->address;

	if (memory__read_of(reading, to, sizeof(to->family), from))
		return NULL;
	if (to->family == AF_INET)
		return memory__read_of(reading, to, 8, from) ? NULL : to;
	if (to->family == AF_INET6)
		return memory__read_of(reading, to, sizeof(*to), from) ? NULL : to;
	return to;
}

static __always_inline enum known sockaddr__number(struct call *call,
						   const volatile struct reading *reading,
						   __u32 part, __u64 *value)
{
	struct socket_address *address = sockaddr__read(call, reading);

	if (!address)
		return KNOWN_NOT;
	if (part == END_FAMILY) {
		*value = address->family;
		return KNOWN_EXACTLY;
	}
	if (!family__is_ip(address->family))
		return KNOWN_ABSENT;
	*value = port__of(address->port);
	return KNOWN_EXACTLY;
}

static __always_inline enum known sockaddr__address(struct call *call,
						    const volatile struct reading *reading,
						    __u32 part, struct text *to)
{
	struct socket_address *address = sockaddr__read(call, reading);

	if (!address)
		return KNOWN_NOT;
	if (!family__is_ip(address->family))
		return KNOWN_ABSENT;
	if (address->family == AF_INET)
		__builtin_memcpy(address__buffer(call), address->of_inet, sizeof(address->of_inet));
	else
		__builtin_memcpy(address__buffer(call), address->of_inet6, sizeof(address->of_inet6));
	return address__of_buffer(call, address->family, to);
}

struct sockaddr_payload {
	__u16 family;
	__u16 port;
	__u8 address[16];	/* of AF_INET the first 4 bytes, of what is no IP none */
};

static __always_inline __u32 sockaddr__emit(struct call *call, const volatile struct reading *reading,
					    struct event_arg *arg, char *to)
{
	struct socket_address *address = sockaddr__read(call, reading);
	struct sockaddr_payload *payload = (void *)to;

	if (!address)
		return error__emit(arg, to, EFAULT);
	__builtin_memset(payload, 0, sizeof(*payload));
	payload->family = address->family;
	if (!family__is_ip(address->family))
		return sizeof(*payload);
	payload->port = port__of(address->port);
	if (address->family == AF_INET)
		__builtin_memcpy(payload->address, address->of_inet, sizeof(address->of_inet));
	else
		__builtin_memcpy(payload->address, address->of_inet6, sizeof(address->of_inet6));
	return sizeof(*payload);
}

#endif
