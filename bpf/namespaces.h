/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The namespaces that a task is in, by inode number. */
#ifndef GUARDBEE_NAMESPACES_H
#define GUARDBEE_NAMESPACES_H

#include "kernel.h"

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

/* Kernel types of which nothing else is read. */
#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct uts_namespace {
	struct ns_common ns;
};
struct ipc_namespace {
	struct ns_common ns;
};
struct time_namespace {
	struct ns_common ns;
};
struct cgroup_namespace {
	struct ns_common ns;
};
struct net {
	struct ns_common ns;
};
struct nsproxy___all {
	struct mnt_namespace *mnt_ns; /* the first, as in struct nsproxy: bpf/testing knows no flavours */
	struct uts_namespace *uts_ns;
	struct ipc_namespace *ipc_ns;
	struct pid_namespace *pid_ns_for_children;
	struct net *net_ns;
	struct time_namespace *time_ns, *time_ns_for_children;
	struct cgroup_namespace *cgroup_ns;
};
#pragma clang attribute pop

/* Also facet.part of FACET_NAMESPACE. */
enum namespace_part {
	NAMESPACE_UTS,
	NAMESPACE_IPC,
	NAMESPACE_MNT,
	NAMESPACE_PID,
	NAMESPACE_PID_FOR_CHILDREN,
	NAMESPACE_NET,
	NAMESPACE_TIME,
	NAMESPACE_TIME_FOR_CHILDREN,
	NAMESPACE_CGROUP,
	NAMESPACE_USER,
};

/* The pid namespace of a task at a level: 0 is the host's. */
static __always_inline struct pid_namespace *namespace__of_pid(struct pid *pid, __u32 level)
{
	struct upid upid = {};

	bpf_probe_read_kernel(&upid, bpf_core_type_size(struct upid),
			      (void *)pid + bpf_core_field_offset(struct pid, numbers) +
				      level * bpf_core_type_size(struct upid));
	return upid.ns;
}

/* The inode number of a task's namespace; 0: a task that ends has left it. */
static __always_inline __u32 namespace__inode(struct task_struct *task, __u32 part)
{
	struct nsproxy___all *all = (void *)BPF_CORE_READ(task, nsproxy);
	struct pid *pid = BPF_CORE_READ(task, thread_pid);

	switch ((enum namespace_part)part) {
	case NAMESPACE_UTS:
		return BPF_CORE_READ(all, uts_ns, ns.inum);
	case NAMESPACE_IPC:
		return BPF_CORE_READ(all, ipc_ns, ns.inum);
	case NAMESPACE_MNT:
		return BPF_CORE_READ(all, mnt_ns, ns.inum);
	case NAMESPACE_PID: {
		struct pid_namespace *own = namespace__of_pid(pid, BPF_CORE_READ(pid, level));

		return BPF_CORE_READ(own, ns.inum);
	}
	case NAMESPACE_PID_FOR_CHILDREN:
		return BPF_CORE_READ(all, pid_ns_for_children, ns.inum);
	case NAMESPACE_NET:
		return BPF_CORE_READ(all, net_ns, ns.inum);
	case NAMESPACE_TIME:
		return BPF_CORE_READ(all, time_ns, ns.inum);
	case NAMESPACE_TIME_FOR_CHILDREN:
		return BPF_CORE_READ(all, time_ns_for_children, ns.inum);
	case NAMESPACE_CGROUP:
		return BPF_CORE_READ(all, cgroup_ns, ns.inum);
	case NAMESPACE_USER:
		return BPF_CORE_READ(task, cred, user_ns, ns.inum);
	}
	return 0;
}

#endif
