/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The table of tracked sockets, of which no pod may take the room of the others. */
#ifndef GUARDBEE_TRACKED_H
#define GUARDBEE_TRACKED_H

#include "share.h"

/* Makes an entry of a socket that has none, which counts for the current pod. Whether it has one now. */
static __always_inline bool tracked__enter(__u64 sk, struct sock_owner *owner)
{
	owner->pod = share__pod();
	if (!share__take(owner->pod, SHARED_SOCKS, TRACKED_SOCKS_OF_POD))
		return false;
	if (!bpf_map_update_elem(&tracked_socks, &sk, owner, BPF_NOEXIST))
		return true;
	share__give(owner->pod, SHARED_SOCKS);
	return bpf_map_lookup_elem(&tracked_socks, &sk); /* another thread has made it */
}

/* Has the events of a socket be about `owner` from now on; false where there is no room for it. */
static __always_inline bool tracked__add(__u64 sk, struct sock_owner *owner)
{
	struct sock_owner *before = bpf_map_lookup_elem(&tracked_socks, &sk);

	if (!before)
		return tracked__enter(sk, owner);
	owner->pod = before->pod;
	return !bpf_map_update_elem(&tracked_socks, &sk, owner, BPF_EXIST);
}

static __always_inline void tracked__forget(__u64 sk)
{
	struct sock_owner *owner = bpf_map_lookup_elem(&tracked_socks, &sk);
	__u64 pod;

	if (!owner)
		return;
	pod = owner->pod;
	if (!bpf_map_delete_elem(&tracked_socks, &sk))
		share__give(pod, SHARED_SOCKS);
}

#endif
