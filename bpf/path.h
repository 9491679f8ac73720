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

/* The two as they lie in struct dentry. */
struct dentry_name {
	struct dentry *parent;
	struct qstr name;
};

/* One read instead of two wherever the kernel has them side by side. */
static __always_inline void path__read_name(struct dentry_name *named, struct dentry *dentry)
{
	if (bpf_core_field_offset(dentry->d_name) ==
	    bpf_core_field_offset(dentry->d_parent) + sizeof(named->parent)) {
		bpf_core_read(named, sizeof(*named), &dentry->d_parent);
		return;
	}
	bpf_core_read(&named->parent, sizeof(named->parent), &dentry->d_parent);
	bpf_core_read(&named->name, sizeof(named->name), &dentry->d_name);
}

/* The three as they lie in struct mount. */
struct mount_place {
	struct mount *parent;
	struct dentry *mountpoint;
	struct dentry *root;
};

struct path_walk {
	struct path_buffer *buffer;
	struct dentry *dentry;
	struct vfsmount *mnt;
	struct mount_place place; /* of mnt */
	struct dentry *root_dentry;
	struct vfsmount *root_mnt;
	__u32 start;		/* first byte written */
	__u32 cut;
	__u32 done;
	__u32 zero;
};

static __always_inline void path__read_mount(struct mount_place *place, struct mount *mount)
{
	const __u32 at = bpf_core_field_offset(mount->mnt_parent);

	if (bpf_core_field_offset(mount->mnt_mountpoint) == at + 8 &&
	    bpf_core_field_offset(mount->mnt.mnt_root) == at + 16) {
		bpf_core_read(place, sizeof(*place), &mount->mnt_parent);
		return;
	}
	place->parent = BPF_CORE_READ(mount, mnt_parent);
	place->mountpoint = BPF_CORE_READ(mount, mnt_mountpoint);
	place->root = BPF_CORE_READ(mount, mnt.mnt_root);
}

static __always_inline struct mount *mount__of(struct vfsmount *mnt)
{
	return (void *)mnt - bpf_core_field_offset(struct mount, mnt);
}

static long path__step(__u32 index, void *context)
{
	struct path_walk *walk = context;
	struct dentry *dentry = walk->dentry;
	struct vfsmount *mnt = walk->mnt;
	struct dentry_name named;
	__u32 size, start = walk->start;
	bool at_root;

	if (dentry == walk->root_dentry && mnt == walk->root_mnt)
		goto done;
	at_root = dentry == walk->place.root;
	if (!at_root) {
		path__read_name(&named, dentry);
		at_root = dentry == named.parent;
	}
	if (at_root) {
		struct mount *above = walk->place.parent;

		if (above == mount__of(mnt))
			goto done; /* it is mounted nowhere */
		walk->dentry = walk->place.mountpoint;
		walk->mnt = (void *)above + bpf_core_field_offset(struct mount, mnt);
		path__read_mount(&walk->place, above);
		return 0;
	}
	size = BOUNDED(named.name.len, PATH_NAME_MAX - 1);
	if (start < size + 1) {
		walk->cut = 1;
		goto done;
	}
	start = BOUNDED(start - size, PATH_SIZE - 1);
	bpf_probe_read_kernel(walk->buffer->text + start, size, named.name.name);
	start = BOUNDED(start - 1, PATH_SIZE - 1);
	walk->buffer->text[start] = '/';
	walk->start = start;
	walk->dentry = named.parent;
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
	struct fs_struct *fs = bpf_get_current_task_btf()->fs;
	struct path_walk walk = {.buffer = buffer, .start = PATH_SIZE - 1};
	struct path at;

	if (!buffer || !text)
		return 0; /* cannot be: the verifier wants it asked */
	bpf_probe_read_kernel(&at, sizeof(at), (void *)path);
	if (!at.dentry)
		return 0;
	walk.dentry = at.dentry;
	walk.mnt = at.mnt;
	path__read_mount(&walk.place, mount__of(at.mnt));
	walk.root_dentry = fs->root.dentry;
	walk.root_mnt = fs->root.mnt;
	/* a NUL at the end, so that text[PATH_SIZE - 1] is never part of a path */
	buffer->text[PATH_SIZE - 1] = 0;
	bpf_loop(PATH_COMPONENTS_MAX, path__step, &walk, 0);
	if (!walk.done)
		losses__count(LOSS_PATH_TOO_DEEP);
	text->start = BOUNDED(walk.start, PATH_SIZE - 1);
	text->size = PATH_SIZE - 1 - text->start;
	text->cut = walk.cut | !walk.done;
	/* the root folder itself has no component */
	if (text->size == 0 && at.dentry == walk.root_dentry) {
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
