// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Of a hook that is asked about a file: has it hashed, where an event or a decision waits for that. See
 * engine/hash.h and engine/digest.h.
 */
#include "../maps.h"
#include "../overlay.h"

#define MNT_INTERNAL 0x4000

/* The hook's first parameter is no file, but what is executed. */
const volatile __u32 is_of_binprm;
/* Some events of the hook have the hash: then what has no digest is hashed for these, before it is decided. */
const volatile __u32 is_of_events;

/* File systems of the node's own disks: a file's content changes by who has it open for writing alone. */
static __always_inline bool hash__is_on_disk(__u64 magic)
{
	switch (magic) {
	case 0xef53: /* ext2, ext3, ext4 */
	case 0x58465342: /* xfs */
	case 0x9123683e: /* btrfs */
	case 0xf2f52010: /* f2fs */
	case 0xe0f5e1e2: /* erofs */
	case 0x73717368: /* squashfs */
		return true;
	}
	return false;
}

/* Of a larger one the kernel would read for too long: it does not end that for a signal. */
#define DIGEST_FILE_MAX (1LL << 30)

/*
 * Whether what is hashed is what runs: nobody writes to the file while it is executed, which exec sees to
 * where the count of writers is below 0. Not so of files in memory, where pages that somebody has got hold
 * of can be written when they have closed the file; nor of what others have, over a network or in FUSE.
 */
static __always_inline bool hash__is_lasting(struct file *file)
{
	struct inode *inode = BPF_CORE_READ(file, f_inode);
	struct super_block *sb = BPF_CORE_READ(inode, i_sb);
	__s64 size = BPF_CORE_READ(inode, i_size);
	__u64 magic = BPF_CORE_READ(sb, s_magic);
	struct overlaid overlaid = {};
	struct dentry *upper;

	if (BPF_CORE_READ(inode, i_writecount.counter) >= 0 || size < 0 || size > DIGEST_FILE_MAX)
		return false;
	if (BPF_CORE_READ(file, f_path.mnt, mnt_flags) & MNT_INTERNAL)
		return false;
	if (!BPF_CORE_READ(sb, s_user_ns) || BPF_CORE_READ(sb, s_user_ns, level) != 0)
		return false;
	if (magic != OVERLAYFS_MAGIC)
		return hash__is_on_disk(magic);
	if (!overlay__read(inode, &overlaid))
		return false;
	if (!overlaid.upper)
		return overlaid.lower != 0; /* nobody can write to what is below */
	upper = (struct dentry *)overlaid.upper; /* CO-RE would relocate `overlaid`, too */
	return hash__is_on_disk(BPF_CORE_READ(upper, d_sb, s_magic));
}

/* Has the kernel hash the file; the task sleeps meanwhile. */
static __always_inline void hash__make(struct file_hash *hash, struct file *file)
{
	__u64 task = bpf_get_current_pid_tgid(), since = bpf_ktime_get_ns();

	if (bpf_map_update_elem(&hashing, &task, &since, 0)) {
		losses__count(LOSS_HASH_FULL); /* as many sleep as may: it has no hash */
		return;
	}
	hash->is_reading = 1;
	hash->algorithm = bpf_ima_file_hash(file, hash->bytes, sizeof(hash->bytes));
	hash->is_reading = 0;
	bpf_map_delete_elem(&hashing, &task);
}

/* Whether policies were changed while the file was hashed. */
static __always_inline bool hash__is_late(struct file_hash *hash)
{
	return engine_state.binary_generation[engine_state.active & 1] != hash->generation;
}

SEC("lsm.s/")
int hook(__u64 *context)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct file_hash *hash = bpf_task_storage_get(&file_hashes, task, 0, 0);
	struct file *file;

	if (!hash || hash->is_hashed)
		return 0; /* another one has done it; the answer is another program's */
	if (hash->frame != (__u64)context && hash->digest_frame != (__u64)context)
		return 0; /* nothing waits: the answer is another program's */
	if (is_of_binprm)
		file = ((struct linux_binprm *)context[0])->file;
	else
		file = (struct file *)context[0];
	if (!file)
		return 0; /* memory that is of no file; the answer is another program's */
	hash->is_hashed = 1;
	hash->is_lasting = hash->digest_frame && hash__is_lasting(file);
	if (hash->digest_frame && !hash->is_lasting && !is_of_events)
		return 0; /* it has no digest; the answer is another program's */
	hash__make(hash, file);
	if (hash->digest_frame && hash__is_late(hash))
		return hash->verdict ? -EAGAIN : 0; /* what decides now this call may not come to */
	return 0; /* the answer is another program's */
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
