/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A socket of the kernel (struct sock *), and what stands for one (struct socket *). */
#ifndef GUARDBEE_ENGINE_ARG_SOCK_H
#define GUARDBEE_ENGINE_ARG_SOCK_H

#include "address.h"
#include "error.h"

/* Kernel types of which nothing else is read. */
#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct in6_addr {
	__u8 in6_u[16];
};
struct sock_common {
	__be32 skc_daddr, skc_rcv_saddr;
	__be16 skc_dport;
	__u16 skc_num;
	unsigned short skc_family;
	unsigned char skc_state;
	struct in6_addr skc_v6_daddr, skc_v6_rcv_saddr;
};
struct sock {
	struct sock_common __sk_common;
	__u16 sk_type, sk_protocol;
	__u32 sk_mark, sk_priority;
};
struct socket {
	struct sock *sk;
};

#pragma clang attribute pop

/* Reads a member of a socket; false when that cannot be read. */
#define SOCK_READ(to, sk, member) (!bpf_core_read(&(to), sizeof(to), &(sk)->member))

static __always_inline enum known sk__number(struct sock *sk, __u32 part, __u64 *value)
{
	unsigned short family;
	unsigned char state;
	__u16 half;

	if (!SOCK_READ(family, sk, __sk_common.skc_family))
		return KNOWN_NOT;
	switch ((enum end_part)part) {
	case END_FAMILY:
		*value = family;
		return KNOWN_EXACTLY;
	case END_TYPE:
		if (!SOCK_READ(half, sk, sk_type))
			return KNOWN_NOT;
		*value = half;
		return KNOWN_EXACTLY;
	case END_PROTOCOL:
		if (!SOCK_READ(half, sk, sk_protocol))
			return KNOWN_NOT;
		*value = half;
		return KNOWN_EXACTLY;
	case END_STATE:
		if (!SOCK_READ(state, sk, __sk_common.skc_state))
			return KNOWN_NOT;
		*value = state;
		return KNOWN_EXACTLY;
	case END_SPORT:
		if (!family__is_ip(family))
			return KNOWN_ABSENT;
		if (!SOCK_READ(half, sk, __sk_common.skc_num))
			return KNOWN_NOT;
		*value = half;
		return KNOWN_EXACTLY;
	case END_DPORT:
		if (!family__is_ip(family))
			return KNOWN_ABSENT;
		if (!SOCK_READ(half, sk, __sk_common.skc_dport))
			return KNOWN_NOT;
		*value = port__of(half);
		return KNOWN_EXACTLY;
	case END_SADDR:
	case END_DADDR:
		break;
	}
	return KNOWN_NOT; /* cannot be: it is no number */
}

/* Reads the address at one end into 16 bytes; false when it cannot be read. */
static __always_inline bool sk__read_address(void *to, struct sock *sk, __u16 family, __u32 part)
{
	if (family == AF_INET && part == END_SADDR)
		return !bpf_core_read(to, 4, &sk->__sk_common.skc_rcv_saddr);
	if (family == AF_INET)
		return !bpf_core_read(to, 4, &sk->__sk_common.skc_daddr);
	if (part == END_SADDR)
		return !bpf_core_read(to, 16, &sk->__sk_common.skc_v6_rcv_saddr);
	return !bpf_core_read(to, 16, &sk->__sk_common.skc_v6_daddr);
}

static __always_inline enum known sk__address(struct call *call, struct sock *sk, __u32 part,
					      struct text *to)
{
	unsigned short family;

	if (!SOCK_READ(family, sk, __sk_common.skc_family))
		return KNOWN_NOT;
	if (!family__is_ip(family))
		return KNOWN_ABSENT;
	if (!sk__read_address(address__buffer(call), sk, family, part))
		return KNOWN_NOT;
	return address__of_buffer(call, family, to);
}

/* First the RATE_ARG_SIZE bytes that are equal in events which a rate limit takes for alike. */
struct sock_payload {
	__u8 saddr[16];		/* of AF_INET the first 4 bytes, of what is no IP none */
	__u8 daddr[16];
	__u16 family;
	__u16 type;
	__u16 protocol;
	__u16 state;
	__u16 sport;
	__u16 dport;
	__u32 mark;
	__u32 priority;
	__u32 zero;
	__u64 cookie;		/* where the kernel has it */
};
_Static_assert(__builtin_offsetof(struct sock_payload, mark) == RATE_ARG_SIZE, "see above");

static __always_inline __u32 sk__emit(struct sock *sk, struct event_arg *arg, char *to)
{
	struct sock_payload *payload = (void *)to;
	unsigned short family;

	if (!SOCK_READ(family, sk, __sk_common.skc_family))
		return error__emit(arg, to, EFAULT);
	__builtin_memset(payload, 0, sizeof(*payload));
	payload->cookie = (__u64)sk;
	payload->family = family;
	payload->mark = BPF_CORE_READ(sk, sk_mark);
	payload->priority = BPF_CORE_READ(sk, sk_priority);
	payload->type = BPF_CORE_READ(sk, sk_type);
	payload->protocol = BPF_CORE_READ(sk, sk_protocol);
	payload->state = BPF_CORE_READ(sk, __sk_common.skc_state);
	if (!family__is_ip(family))
		return sizeof(*payload);
	payload->sport = BPF_CORE_READ(sk, __sk_common.skc_num);
	payload->dport = port__of(BPF_CORE_READ(sk, __sk_common.skc_dport));
	sk__read_address(payload->saddr, sk, family, END_SADDR);
	sk__read_address(payload->daddr, sk, family, END_DADDR);
	return sizeof(*payload);
}

static __always_inline struct sock *sock__of(struct call *call,
					     const volatile struct reading *reading)
{
	return (struct sock *)call__parameter(call, reading->index);
}

static __always_inline struct sock *socket__of(struct call *call,
					       const volatile struct reading *reading)
{
	struct socket *socket = (struct socket *)call__parameter(call, reading->index);

	return BPF_CORE_READ(socket, sk);
}

/* Defines the readers and the writer of a type that is a socket. */
#define SOCK_TYPE(name)                                                                        \
	static __always_inline enum known name##__number(                                      \
		struct call *call, const volatile struct reading *reading, __u32 part,         \
		__u64 *value)                                                                  \
	{                                                                                      \
		return sk__number(name##__of(call, reading), part, value);                     \
	}                                                                                      \
	static __always_inline enum known name##__address(                                     \
		struct call *call, const volatile struct reading *reading, __u32 part,         \
		struct text *to)                                                               \
	{                                                                                      \
		return sk__address(call, name##__of(call, reading), part, to);                 \
	}                                                                                      \
	static __always_inline __u32 name##__emit(struct call *call,                           \
						  const volatile struct reading *reading,      \
						  struct event_arg *arg, char *to)             \
	{                                                                                      \
		return sk__emit(name##__of(call, reading), arg, to);                           \
	}

SOCK_TYPE(sock)
SOCK_TYPE(socket)

#endif
