/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Credentials (struct cred *) and user namespaces (struct user_namespace *), for events. */
#ifndef GUARDBEE_ENGINE_ARG_CRED_H
#define GUARDBEE_ENGINE_ARG_CRED_H

#include "error.h"

struct user_namespace_payload {
	__s32 level;		/* 0: the host's */
	__u32 uid;		/* who made it */
	__u32 gid;
	__u32 inum;
};

static __always_inline void user_namespace__write(struct user_namespace_payload *to,
						  struct user_namespace *users)
{
	to->level = BPF_CORE_READ(users, level);
	to->uid = BPF_CORE_READ(users, owner.val);
	to->gid = BPF_CORE_READ(users, group.val);
	to->inum = BPF_CORE_READ(users, ns.inum);
}

static __always_inline __u32 user_namespace__emit(struct call *call,
						  const volatile struct reading *reading,
						  struct event_arg *arg, char *to)
{
	struct user_namespace *users = (void *)call__parameter(call, reading->index);
	int level;

	if (bpf_core_read(&level, sizeof(level), &users->level))
		return error__emit(arg, to, EFAULT);
	user_namespace__write((void *)to, users);
	return sizeof(struct user_namespace_payload);
}

struct cred_payload {
	__u64 permitted;
	__u64 effective;
	__u64 inheritable;
	__u32 uid;
	__u32 gid;
	__u32 suid;
	__u32 sgid;
	__u32 euid;
	__u32 egid;
	__u32 fsuid;
	__u32 fsgid;
	struct user_namespace_payload user_ns;
	__u32 securebits;
	__u32 zero;
};

static __always_inline __u32 cred__emit(struct call *call, const volatile struct reading *reading,
					struct event_arg *arg, char *to)
{
	struct cred *cred = (void *)call__parameter(call, reading->index);
	struct cred_payload *payload = (void *)to;

	if (bpf_core_read(&payload->permitted, 8, &cred->cap_permitted))
		return error__emit(arg, to, EFAULT);
	bpf_core_read(&payload->effective, 8, &cred->cap_effective);
	bpf_core_read(&payload->inheritable, 8, &cred->cap_inheritable);
	payload->uid = BPF_CORE_READ(cred, uid.val);
	payload->gid = BPF_CORE_READ(cred, gid.val);
	payload->suid = BPF_CORE_READ(cred, suid.val);
	payload->sgid = BPF_CORE_READ(cred, sgid.val);
	payload->euid = BPF_CORE_READ(cred, euid.val);
	payload->egid = BPF_CORE_READ(cred, egid.val);
	payload->fsuid = BPF_CORE_READ(cred, fsuid.val);
	payload->fsgid = BPF_CORE_READ(cred, fsgid.val);
	user_namespace__write(&payload->user_ns, BPF_CORE_READ(cred, user_ns));
	payload->securebits = BPF_CORE_READ(cred, securebits);
	payload->zero = 0;
	return sizeof(*payload);
}

#endif
