/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Addresses of IP, and the ends of what goes from one to another. */
#ifndef GUARDBEE_ENGINE_ARG_ADDRESS_H
#define GUARDBEE_ENGINE_ARG_ADDRESS_H

#include "../lookup.h"

#define AF_INET 2
#define AF_INET6 10

/* facet.part of sockets, packets and addresses */
enum end_part {
	END_FAMILY,
	END_TYPE,
	END_PROTOCOL,
	END_STATE,
	END_SPORT,
	END_DPORT,
	END_SADDR,
	END_DADDR,
};

/* As it is compared: prefix_key.text has the family, then the address in the order of the network. */
struct address_text {
	__u32 family;
	__u8 bytes[16];
};

/* A number of 16 bits in the order of the network, or the other way round. */
static __always_inline __u16 port__of(__be16 port)
{
	return (__u16)(port << 8 | port >> 8);
}

static __always_inline bool family__is_ip(__u16 family)
{
	return family == AF_INET || family == AF_INET6;
}

/* Where an address of IP is written to, in the order of the network: 16 bytes. */
static __always_inline __u8 *address__buffer(struct call *call)
{
	return ((struct address_text *)call->scratch->prefix.text)->bytes;
}

/* What is known of the address that was written there. IPv4 in IPv6 is IPv4. */
static __always_inline enum known address__of_buffer(struct call *call, __u16 family,
						     struct text *to)
{
	struct address_text *text = (void *)call->scratch->prefix.text;
	__u32 *words = (void *)text->bytes;

	if (family == AF_INET6 && words[0] == 0 && words[1] == 0 && words[2] == 0xffff0000) {
		family = AF_INET;
		words[0] = words[3];
	}
	text->family = family;
	to->size = sizeof(text->family) + (family == AF_INET ? 4 : 16);
	return KNOWN_EXACTLY;
}

#endif
