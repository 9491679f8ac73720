/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What is executed (struct linux_binprm *): by whom, from where, and for whom. */
#ifndef GUARDBEE_ENGINE_ARG_BINPRM_H
#define GUARDBEE_ENGINE_ARG_BINPRM_H

#include "../../overlay.h"
#include "../../waiting.h"
#include "file.h"

/* facet.part of its numbers */
enum binprm_part {
	BINPRM_FORMAT,
	BINPRM_USER,
	BINPRM_GROUP,
	BINPRM_FROM_IMAGE,
	BINPRM_INTERACTIVE,
	BINPRM_STARTS_CONTAINER,
	BINPRM_INTERPRETER,
	BINPRM_SCRIPT,
	BINPRM_DIGEST,		/* its text */
};

#define MNT_NOSUID 1
#define NO_NEW_PRIVS 1	/* bit of atomic_flags: PFA_NO_NEW_PRIVS */
#define SET_UID 04000
#define SET_GID 02010	/* of a group that may execute it: the other bit alone means locking */
#define MOUNTS_ABOVE 8	/* of a file, up to the root folder: who has more of them has made them */

/* Whether the bits of the file that make its user or group that of the process count. */
static __always_inline bool binprm__may_set_ids(struct call *call, struct file *file)
{
	struct task_struct *task = call->task; /* CO-RE would relocate `call`, too */

	return !(BPF_CORE_READ(file, f_path.mnt, mnt_flags) & MNT_NOSUID) &&
	       !(BPF_CORE_READ(task, atomic_flags) & NO_NEW_PRIVS);
}

static __always_inline __u32 binprm__user(struct call *call, struct linux_binprm *binprm)
{
	struct file *file = BPF_CORE_READ(binprm, file);
	struct inode *inode = BPF_CORE_READ(file, f_inode);

	if (BPF_CORE_READ(inode, i_mode) & SET_UID && binprm__may_set_ids(call, file))
		return BPF_CORE_READ(inode, i_uid.val);
	return BPF_CORE_READ(binprm, cred, euid.val);
}

static __always_inline __u32 binprm__group(struct call *call, struct linux_binprm *binprm)
{
	struct file *file = BPF_CORE_READ(binprm, file);
	struct inode *inode = BPF_CORE_READ(file, f_inode);

	if ((BPF_CORE_READ(inode, i_mode) & SET_GID) == SET_GID && binprm__may_set_ids(call, file))
		return BPF_CORE_READ(inode, i_gid.val);
	return BPF_CORE_READ(binprm, cred, egid.val);
}

/*
 * The file system of the root folder of the process's mount namespace, above the file; whatever the
 * process has made its own root folder. NULL: the file is not below it. That folder is the lowest of the
 * mounts of which each covers the root of the one above: below it are the kernel's own, one (rootfs) up to
 * Linux 6, two (nullfs, too) since.
 */
static __always_inline struct super_block *binprm__root(struct call *call, struct file *file)
{
	struct task_struct *task = call->task; /* as above */
	struct mount *mount = mount__of(BPF_CORE_READ(file, f_path.mnt)), *root = NULL;
	struct mount *top = BPF_CORE_READ(task, nsproxy, mnt_ns, root);

#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < MOUNTS_ABOVE; i++) {
		struct mount *above = BPF_CORE_READ(mount, mnt_parent);

		if (mount == top)
			return root ? BPF_CORE_READ(root, mnt.mnt_sb) : BPF_CORE_READ(top, mnt.mnt_sb);
		if (above == mount)
			break;
		if (BPF_CORE_READ(mount, mnt_mountpoint) != BPF_CORE_READ(above, mnt.mnt_root))
			root = NULL;
		else if (!root)
			root = mount;
		mount = above;
	}
	return NULL;
}

/*
 * Whether the file is one of the image that the container runs, as that has it: of the file system that
 * its root folder is, which the host mounted; with nothing of it in the writable layer; and there still.
 * Nothing that cannot be told is.
 */
static __always_inline bool binprm__is_from_image(struct call *call, struct linux_binprm *binprm)
{
	struct file *file = BPF_CORE_READ(binprm, file);
	struct inode *inode = BPF_CORE_READ(file, f_inode);
	struct super_block *sb = BPF_CORE_READ(inode, i_sb);
	struct user_namespace *owner = BPF_CORE_READ(sb, s_user_ns);
	struct overlaid overlaid = {};

	if (!sb || !owner || BPF_CORE_READ(sb, s_magic) != OVERLAYFS_MAGIC)
		return false;
	if (BPF_CORE_READ(owner, level) != 0 || BPF_CORE_READ(inode, i_nlink) == 0)
		return false;
	if (!overlay__read(inode, &overlaid) || overlaid.upper || !overlaid.lower)
		return false;
	return binprm__root(call, file) == sb;
}

/* Whether it is the runtime's own program: see info__set_of_host. */
static __always_inline bool binprm__starts_container(struct call *call)
{
	struct process_info *info = call->in_pod ? call__info(call) : NULL;

	return info && info->flags & PROCESS_SENT && task__has_host_root(call->task->group_leader);
}

/*
 * Whether the kernel runs the file because of another one, about which it has asked before: for a script,
 * or for what binfmt_misc knows. It writes down the interpreter's name then, which until then is the
 * program's own.
 */
static __always_inline bool binprm__is_interpreter(struct linux_binprm *binprm)
{
	return BPF_CORE_READ(binprm, interp) != BPF_CORE_READ(binprm, filename);
}

/* Whether it begins as a script does: by the bytes that the kernel has read, and looks at next. */
static __always_inline bool binprm__is_script(struct linux_binprm *binprm)
{
	char begin[2] = {};

	bpf_core_read(begin, sizeof(begin), &binprm->buf);
	return begin[0] == '#' && begin[1] == '!';
}

static __always_inline enum known linux_binprm__number(struct call *call,
						       const volatile struct reading *reading,
						       __u32 part, __u64 *value)
{
	struct linux_binprm *binprm = (struct linux_binprm *)call__parameter(call, reading->index);
	struct task_struct *task = call->task; /* as above */

	switch ((enum binprm_part)part) {
	case BINPRM_FORMAT:
		return location__format(linux_binprm__location(call, reading), value);
	case BINPRM_USER:
		*value = binprm__user(call, binprm);
		return KNOWN_EXACTLY;
	case BINPRM_GROUP:
		*value = binprm__group(call, binprm);
		return KNOWN_EXACTLY;
	case BINPRM_FROM_IMAGE:
		*value = binprm__is_from_image(call, binprm);
		return KNOWN_EXACTLY;
	case BINPRM_INTERACTIVE:
		*value = BPF_CORE_READ(task, signal, tty) != NULL;
		return KNOWN_EXACTLY;
	case BINPRM_STARTS_CONTAINER:
		*value = binprm__starts_container(call);
		return KNOWN_EXACTLY;
	case BINPRM_INTERPRETER:
		*value = binprm__is_interpreter(binprm);
		return KNOWN_EXACTLY;
	case BINPRM_SCRIPT:
		*value = binprm__is_script(binprm);
		return KNOWN_EXACTLY;
	case BINPRM_DIGEST:
		break;
	}
	return KNOWN_NOT;
}

#define HASH_ALGO_SHA256 4	/* enum hash_algo, which user space knows */
#define SHA256_SIZE 32

/* Writes the SHA-256 digest of the file in hexadecimal; of one that cannot be told, that. */
static __always_inline enum known binprm__digest(struct call *call, struct text *to)
{
	struct file_hash *hash = bpf_task_storage_get(&file_hashes, call->task, 0, 0);
	char *text = call->scratch->prefix.text;

	to->longer = to->tail_size = to->all = 0;
	if (!hash || hash->algorithm != HASH_ALGO_SHA256 || !hash->is_lasting) {
		__builtin_memcpy(text, "unknown", 7);
		to->size = 7;
		return KNOWN_EXACTLY;
	}
#pragma clang loop unroll(disable)
	for (__u32 i = 0; i < 2 * SHA256_SIZE; i++) {
		__u32 byte = (__u8)hash->bytes[i / 2 & (SHA256_SIZE - 1)];
		__u32 digit = i & 1 ? byte & 15 : byte >> 4;

		text[i] = digit < 10 ? '0' + digit : 'a' - 10 + digit;
	}
	to->size = 2 * SHA256_SIZE;
	return KNOWN_EXACTLY;
}

static __always_inline struct path *linux_binprm__typed(struct linux_binprm *binprm)
{
	return file__typed(binprm->file);
}

static __always_inline enum known linux_binprm__text(struct call *call,
						     const volatile struct reading *reading,
						     __u32 part, struct text *to)
{
	if (part == BINPRM_DIGEST)
		return binprm__digest(call, to);
	if (call__is_typed(call, reading))
		return location__text_typed(call, linux_binprm__typed(call__typed(call, reading)),
					    to);
	return location__text(call, linux_binprm__location(call, reading), to);
}

LOCATION_EMITTER(linux_binprm)

#endif
