/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The path of a file as its process sees it, walked by hand: bpf_d_path is refused where most hooks
 * are (kprobes, fd_install, tracepoints).
 */
#ifndef GUARDBEE_PATH_H
#define GUARDBEE_PATH_H

#include "maps.h"

#define PATH_COMPONENTS_MAX 512	/* reaching it is counted as LOSS_PATH_TOO_DEEP */
#define PATH_NAME_MAX 256

/* The path is written from the end of `text` towards its start; a name may overhang by its size. */
struct path_buffer {
	char text[PATH_SIZE + PATH_NAME_MAX];
};

struct path_walk {
	struct path_buffer *buffer;
	struct dentry *dentry;
	struct vfsmount *mnt;
	struct dentry *root_dentry;
	struct vfsmount *root_mnt;
	__u32 start;		/* first byte written */
	__u32 cut;
	__u32 done;
	__u32 zero;
};

static long path__step(__u32 index, void *context)
{
	struct path_walk *walk = context;
	struct dentry *dentry = walk->dentry, *parent;
	struct vfsmount *mnt = walk->mnt;
	struct qstr name;
	__u32 size, start = walk->start;

	if (dentry == walk->root_dentry && mnt == walk->root_mnt)
		goto done;
	parent = BPF_CORE_READ(dentry, d_parent);
	if (dentry == parent || dentry == BPF_CORE_READ(mnt, mnt_root)) {
		struct mount *mount = (void *)mnt - bpf_core_field_offset(struct mount, mnt);
		struct mount *above = BPF_CORE_READ(mount, mnt_parent);

		if (above == mount)
			goto done;
		walk->dentry = BPF_CORE_READ(mount, mnt_mountpoint);
		walk->mnt = (void *)above + bpf_core_field_offset(struct mount, mnt);
		return 0;
	}
	bpf_core_read(&name, sizeof(name), &dentry->d_name);
	size = BOUNDED(name.len, PATH_NAME_MAX - 1);
	if (start < size + 1) {
		walk->cut = 1;
		goto done;
	}
	start = BOUNDED(start - size, PATH_SIZE - 1);
	bpf_probe_read_kernel(walk->buffer->text + start, size, name.name);
	start = BOUNDED(start - 1, PATH_SIZE - 1);
	walk->buffer->text[start] = '/';
	walk->start = start;
	walk->dentry = parent;
	return 0;
done:
	walk->done = 1;
	return 1;
}

/* Where a path is in its buffer. size 0: it has none (a pipe, a socket). */
struct path_text {
	__u32 start;
	__u32 size;
	__u32 cut;
	__u32 zero;
};

/*
 * Writes the path of `path` (struct path * of the kernel) into `buffer`, relative to the current
 * root, and to `text` where. Not static, so the verifier walks it once, not once for each caller.
 */
__noinline int path__find(struct path_buffer *buffer, struct path_text *text, __u64 path)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct path_walk walk = {.buffer = buffer, .start = PATH_SIZE - 1};
	struct path at, root;

	if (!buffer || !text)
		return 0; /* cannot be: the verifier wants it asked */
	bpf_probe_read_kernel(&at, sizeof(at), (void *)path);
	if (!at.dentry)
		return 0;
	bpf_probe_read_kernel(&root, sizeof(root), &BPF_CORE_READ(task, fs)->root);
	walk.dentry = at.dentry;
	walk.mnt = at.mnt;
	walk.root_dentry = root.dentry;
	walk.root_mnt = root.mnt;
	/* a NUL at the end, so that text[PATH_SIZE - 1] is never part of a path */
	buffer->text[PATH_SIZE - 1] = 0;
	bpf_loop(PATH_COMPONENTS_MAX, path__step, &walk, 0);
	if (!walk.done)
		losses__count(LOSS_PATH_TOO_DEEP);
	text->start = BOUNDED(walk.start, PATH_SIZE - 1);
	text->size = PATH_SIZE - 1 - text->start;
	text->cut = walk.cut | !walk.done;
	/* the root folder itself has no component */
	if (text->size == 0 && at.dentry == root.dentry) {
		text->start = PATH_SIZE - 2;
		buffer->text[PATH_SIZE - 2] = '/';
		text->size = 1;
	}
	return 0;
}

static __always_inline struct path_text path__write(struct path_buffer *buffer, struct path *path)
{
	struct path_text text = {};

	path__find(buffer, &text, (__u64)path);
	return text;
}

static __always_inline bool path__is_deleted(struct dentry *dentry)
{
	return BPF_CORE_READ(dentry, d_hash.pprev) == NULL &&
	       dentry != BPF_CORE_READ(dentry, d_parent);
}

#endif
