/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A packet (struct sk_buff *), as its headers say from the network's on. */
#ifndef GUARDBEE_ENGINE_ARG_SKB_H
#define GUARDBEE_ENGINE_ARG_SKB_H

#include "address.h"
#include "error.h"

enum header_limit {
	HEADERS_MAX = 8,	/* behind that of IPv6; with more, its protocol cannot be told */
	IPV4_FRAGMENT = 0x1fff,
	IPV6_FRAGMENT = 0xfff8,
};
enum ip_protocol {
	PROTOCOL_HOP_BY_HOP = 0,
	PROTOCOL_TCP = 6,
	PROTOCOL_UDP = 17,
	PROTOCOL_ROUTING = 43,
	PROTOCOL_FRAGMENT = 44,
	PROTOCOL_AH = 51,
	PROTOCOL_OPTIONS = 60,
};

/* Kernel types of which nothing else is read. */
#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct sk_buff {
	unsigned int len;
	__u32 priority, hash, mark;
	unsigned char *head;
	__u16 network_header;
};

#pragma clang attribute pop

/* The headers of IP, the same in every kernel. */
struct ipv4_header {
	__u8 version_and_words;
	__u8 service;
	__be16 size, id, fragment;
	__u8 lifetime, protocol;
	__be16 sum;
	__u8 saddr[4], daddr[4];
};
struct ipv6_header {
	__u8 version;
	__u8 flow[3];
	__be16 size;
	__u8 next, hops;
	__u8 saddr[16], daddr[16];
};

/* What is behind the header of IP. `ports` and `protocol`: how far that is known. */
static __always_inline void packet__read_ports(struct packet *packet, __u64 at)
{
	__be16 ports[2];

	packet->ports = KNOWN_ABSENT;
	if (packet->protocol != PROTOCOL_TCP && packet->protocol != PROTOCOL_UDP)
		return;
	packet->ports = KNOWN_NOT;
	if (packet->is_part || bpf_probe_read_kernel(ports, sizeof(ports), (void *)at))
		return;
	packet->sport = port__of(ports[0]);
	packet->dport = port__of(ports[1]);
	packet->ports = KNOWN_EXACTLY;
}

static __always_inline enum known packet__read_ipv4(struct packet *packet, __u64 at)
{
	struct ipv4_header header;

	if (bpf_probe_read_kernel(&header, sizeof(header), (void *)at))
		return KNOWN_NOT;
	packet->family = AF_INET;
	packet->protocol = header.protocol;
	packet->has_protocol = KNOWN_EXACTLY;
	packet->is_part = (port__of(header.fragment) & IPV4_FRAGMENT) != 0;
	__builtin_memcpy(packet->saddr, header.saddr, sizeof(header.saddr));
	__builtin_memcpy(packet->daddr, header.daddr, sizeof(header.daddr));
	packet__read_ports(packet, at + 4 * (header.version_and_words & 0xf));
	return KNOWN_EXACTLY;
}

/* How many bytes a header of that protocol has which is not the last; 0: it is the last. */
static __always_inline __u32 packet__header_size(__u8 protocol, __u8 size)
{
	switch (protocol) {
	case PROTOCOL_HOP_BY_HOP:
	case PROTOCOL_ROUTING:
	case PROTOCOL_OPTIONS:
		return 8 * (size + 1);
	case PROTOCOL_FRAGMENT:
		return 8;
	case PROTOCOL_AH:
		return 4 * (size + 2);
	}
	return 0;
}

static __always_inline enum known packet__read_ipv6(struct packet *packet, __u64 at)
{
	struct {
		__u8 next, size;
		__be16 fragment;
	} more;
	struct ipv6_header header;
	__u8 protocol;

	if (bpf_probe_read_kernel(&header, sizeof(header), (void *)at))
		return KNOWN_NOT;
	packet->family = AF_INET6;
	__builtin_memcpy(packet->saddr, header.saddr, sizeof(header.saddr));
	__builtin_memcpy(packet->daddr, header.daddr, sizeof(header.daddr));
	packet->has_protocol = packet->ports = KNOWN_NOT;
	protocol = header.next;
	at += sizeof(header);
	for (__u32 i = 0; i <= HEADERS_MAX; i++) {
		__u32 size = packet__header_size(protocol, 0);

		if (size == 0) {
			packet->protocol = protocol;
			packet->has_protocol = KNOWN_EXACTLY;
			packet__read_ports(packet, at);
			return KNOWN_EXACTLY;
		}
		if (bpf_probe_read_kernel(&more, sizeof(more), (void *)at))
			return KNOWN_EXACTLY; /* but not its protocol */
		if (protocol == PROTOCOL_FRAGMENT && port__of(more.fragment) & IPV6_FRAGMENT)
			packet->is_part = 1;
		at += packet__header_size(protocol, more.size);
		protocol = more.next;
	}
	return KNOWN_EXACTLY; /* but not its protocol */
}

/*
 * Reads the packet of `skb` (a struct sk_buff *) to scratch->packet: an enum known, KNOWN_ABSENT where it
 * is none of IP. Not static: see path__find.
 */
__noinline int packet__read(struct call_scratch *scratch, __u64 skb)
{
	struct sk_buff *buffer = (void *)skb;
	struct packet *packet;
	__u16 header;
	__u8 version;
	__u64 at;

	if (!scratch)
		return KNOWN_NOT; /* cannot be: the verifier wants it asked */
	packet = &scratch->packet;
	__builtin_memset(packet, 0, sizeof(*packet));
	if (bpf_core_read(&at, sizeof(at), &buffer->head) ||
	    bpf_core_read(&header, sizeof(header), &buffer->network_header))
		return KNOWN_NOT;
	at += header;
	if (bpf_probe_read_kernel(&version, sizeof(version), (void *)at))
		return KNOWN_NOT;
	if (version >> 4 == 4)
		return packet__read_ipv4(packet, at);
	if (version >> 4 == 6)
		return packet__read_ipv6(packet, at);
	return KNOWN_ABSENT;
}

static __always_inline enum known skb__number(struct call *call,
					      const volatile struct reading *reading, __u32 part,
					      __u64 *value)
{
	enum known known = packet__read(call->scratch, call__parameter(call, reading->index));
	struct packet *packet = &call->scratch->packet;

	if (known == KNOWN_NOT)
		return known;
	switch ((enum end_part)part) {
	case END_FAMILY:
		*value = packet->family;
		return KNOWN_EXACTLY;
	case END_PROTOCOL:
		*value = packet->protocol;
		return known == KNOWN_ABSENT ? known : packet->has_protocol;
	case END_SPORT:
		*value = packet->sport;
		return known == KNOWN_ABSENT ? known : packet->ports;
	case END_DPORT:
		*value = packet->dport;
		return known == KNOWN_ABSENT ? known : packet->ports;
	case END_TYPE:
	case END_STATE:
	case END_SADDR:
	case END_DADDR:
		break;
	}
	return KNOWN_NOT; /* cannot be: a packet has no such number */
}

static __always_inline enum known skb__address(struct call *call,
					       const volatile struct reading *reading, __u32 part,
					       struct text *to)
{
	enum known known = packet__read(call->scratch, call__parameter(call, reading->index));
	struct packet *packet = &call->scratch->packet;

	if (known != KNOWN_EXACTLY)
		return known;
	if (part == END_SADDR)
		__builtin_memcpy(address__buffer(call), packet->saddr, sizeof(packet->saddr));
	else
		__builtin_memcpy(address__buffer(call), packet->daddr, sizeof(packet->daddr));
	return address__of_buffer(call, packet->family, to);
}

/* First the RATE_ARG_SIZE bytes that are equal in events which a rate limit takes for alike. */
struct skb_payload {
	__u8 saddr[16];		/* of AF_INET the first 4 bytes, of what is no IP none */
	__u8 daddr[16];
	__u16 family;
	__u16 protocol;
	__u16 sport;
	__u16 dport;
	__u16 has_protocol;	/* enum known */
	__u16 has_ports;	/* enum known */
	__u32 hash;
	__u32 len;
	__u32 priority;
	__u32 mark;
};
_Static_assert(__builtin_offsetof(struct skb_payload, hash) == RATE_ARG_SIZE, "see above");

static __always_inline __u32 skb__emit(struct call *call, const volatile struct reading *reading,
				       struct event_arg *arg, char *to)
{
	struct sk_buff *buffer = (void *)call__parameter(call, reading->index);
	struct packet *packet = &call->scratch->packet;
	struct skb_payload *payload = (void *)to;

	if (packet__read(call->scratch, (__u64)buffer) == KNOWN_NOT)
		return error__emit(arg, to, EFAULT);
	payload->hash = BPF_CORE_READ(buffer, hash);
	payload->len = BPF_CORE_READ(buffer, len);
	payload->priority = BPF_CORE_READ(buffer, priority);
	payload->mark = BPF_CORE_READ(buffer, mark);
	__builtin_memcpy(payload->saddr, packet->saddr, sizeof(payload->saddr));
	__builtin_memcpy(payload->daddr, packet->daddr, sizeof(payload->daddr));
	payload->family = packet->family;
	payload->protocol = packet->protocol;
	payload->sport = packet->sport;
	payload->dport = packet->dport;
	payload->has_protocol = packet->has_protocol;
	payload->has_ports = packet->ports;
	return sizeof(*payload);
}

#endif
