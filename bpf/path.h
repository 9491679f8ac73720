/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The path of a file within its mount namespace, walked by hand: bpf_d_path is refused where most hooks
 * are (kprobes, fd_install, tracepoints), and ends at a chroot, which a process makes for itself.
 */
#ifndef GUARDBEE_PATH_H
#define GUARDBEE_PATH_H

#include "maps.h"

enum path_limit {
	PATH_COMPONENTS_MAX = 1u << 17, /* reaching it is counted as LOSS_PATH_TOO_DEEP */
	PATH_NAME_MAX = 256,
	PATH_HEAD_SIZE = 2048,
	PATH_HEAD_KEPT = 256,	/* of the head there are always so many bytes; more than are compared */
	PATH_SHORT_NAME = 16,	/* bytes of a name that are read together with it; two words */
	PATH_SHORT = 32,	/* bytes of a path that are copied in words */
};

/* What is known of a value. */
enum known {
	KNOWN_ABSENT,		/* by its nature there is none: it meets no condition */
	KNOWN_NOT,		/* there is one that cannot be told: it meets the negated conditions */
	KNOWN_SEEMINGLY,	/* as what it seems it may meet a selector, or as one that is in no list */
	KNOWN_EXACTLY,
};

/* The three as they lie in struct mount. */
struct mount_place {
	struct mount *parent;
	struct dentry *mountpoint;
	struct dentry *root;
};

/*
 * As they lie in struct dentry. Of a short name the kernel has the bytes there as well: `name.name` is
 * where `text` was read from.
 */
struct dentry_name {
	struct dentry *parent;
	struct qstr name;
	__u64 inode;
	char text[PATH_SHORT_NAME];
};

/*
 * A walk to the root. Not on the stack: there is no room, and kernels before 6.7 verify one step only,
 * of whose values they then take the first ones for constant.
 */
struct path_walk {
	struct dentry *dentry;
	struct vfsmount *mnt;
	struct mount_place place; /* of mnt */
	struct mount *top;	/* root of the process's mount namespace */
	struct dentry *top_root; /* its root folder, on which the root folder that is seen is mounted */
	__u32 start;		/* first byte written of buffer->text */
	__u32 head;		/* of buffer->head, once `cut` is set */
	__u32 cut;
	__u32 done;
	__u32 detached;		/* goes on in the file system: its mount is attached nowhere */
	enum known known;
	struct dentry_name named; /* the last one read */
};

/*
 * `text` and `head` are written from the end towards the start, for a walk goes from the file to the
 * root; a name may overhang by its size. `text` has the path; where that is longer, its tail, and `head`
 * has what is nearest to the root. When `head` is full, too, what it has last is moved to its end.
 */
struct path_buffer {
	struct path_walk walk;
	char before[PATH_SHORT_NAME]; /* a short name is written in whole words */
	char text[PATH_SIZE + PATH_NAME_MAX];
	char head[PATH_HEAD_SIZE + PATH_NAME_MAX];
};

static __always_inline bool path__is_together(struct dentry *dentry)
{
	return bpf_core_field_offset(dentry->d_name) ==
	       bpf_core_field_offset(dentry->d_parent) + sizeof(dentry);
}

/* One read instead of three wherever the kernel has them side by side. */
static __always_inline void path__read_name(struct dentry_name *named, struct dentry *dentry)
{
	if (path__is_together(dentry)) {
		bpf_core_read(named, sizeof(*named), &dentry->d_parent);
		return;
	}
	bpf_core_read(&named->parent, sizeof(named->parent), &dentry->d_parent);
	bpf_core_read(&named->name, sizeof(named->name), &dentry->d_name);
}

/* Whether `named->text` has the whole name. */
static __always_inline bool path__is_short(struct dentry_name *named, struct dentry *dentry,
					   __u32 size)
{
	const void *text = (void *)dentry + bpf_core_field_offset(struct dentry, d_parent) +
			   __builtin_offsetof(struct dentry_name, text);

	return path__is_together(dentry) && named->name.name == text && size <= PATH_SHORT_NAME;
}

/* Writes a name so that it ends before `start`: what is garbage of its words lies in front of it. */
static __always_inline void path__write_short(struct path_buffer *buffer, __u32 start, __u32 size)
{
	char *end = buffer->text + BOUNDED(start, PATH_SIZE - 1);
	char *from = buffer->walk.named.text + BOUNDED(size, 2 * PATH_SHORT_NAME - 1);

	*(__u64 *)(end - 8) = *(__u64 *)(from - 8);
	if (size > 8)
		*(__u64 *)(end - 16) = *(__u64 *)(from - 16);
}

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

/*
 * What becomes of a walk at a mount that has none above it. Where that is the root of some mount
 * namespace, the path is known: there it is called so.
 */
static __always_inline void path__end_mount(struct path_walk *walk, struct mount *mount)
{
	struct mnt_namespace *ns;
	__u32 inum;

	walk->done = 1;
	if (mount == walk->top)
		return;
	ns = BPF_CORE_READ(mount, mnt_ns);
	if ((unsigned long)ns >= ERR_PTR_MIN) {
		walk->known = KNOWN_ABSENT; /* of the kernel itself, as for pipes, sockets, memory */
		return;
	}
	inum = ns ? BPF_CORE_READ(ns, ns.inum) : 0;
	if (inum != 0 && inum != MNT_NS_ANON_INO)
		return;
	walk->known = KNOWN_SEEMINGLY;
	walk->detached = 1;
	walk->done = 0;
}

/* Writes a name in front of what `head` has, and of what `text` has the first time. */
static __always_inline void path__write_head(struct path_buffer *buffer, struct qstr *name,
					     __u32 size)
{
	struct path_walk *walk = &buffer->walk;
	char *kept = buffer->head + PATH_HEAD_SIZE - PATH_HEAD_KEPT;
	__u32 at = walk->head;

	if (!walk->cut) {
		walk->cut = 1;
		at = PATH_HEAD_SIZE - PATH_HEAD_KEPT;
		bpf_probe_read_kernel(kept, PATH_HEAD_KEPT,
				      buffer->text + BOUNDED(walk->start, PATH_SIZE - 1));
	} else if (at < size + 1) {
		bpf_probe_read_kernel(kept, PATH_HEAD_KEPT,
				      buffer->head + BOUNDED(at, PATH_HEAD_SIZE - 1));
		at = PATH_HEAD_SIZE - PATH_HEAD_KEPT;
	}
	at = BOUNDED(at - size, PATH_HEAD_SIZE - 1);
	bpf_probe_read_kernel(buffer->head + at, size, name->name);
	at = BOUNDED(at - 1, PATH_HEAD_SIZE - 1);
	buffer->head[at] = '/';
	walk->head = at;
}

/* From the root of a mount to where that is mounted, or no further. */
static __always_inline void path__leave_mount(struct path_walk *walk)
{
	struct mount *mount = mount__of(walk->mnt), *above = walk->place.parent;

	if (above == mount) {
		path__end_mount(walk, mount);
		return;
	}
	if (above == walk->top && walk->place.mountpoint == walk->top_root) {
		walk->done = 1; /* this is the root folder */
		return;
	}
	walk->dentry = walk->place.mountpoint;
	walk->mnt = (void *)above + bpf_core_field_offset(struct mount, mnt);
	path__read_mount(&walk->place, above);
}

static long path__step(__u32 index, void *context)
{
	struct path_buffer *buffer = *(struct path_buffer **)context;
	struct path_walk *walk = &buffer->walk;
	struct dentry *dentry = walk->dentry;
	struct dentry_name *named = &walk->named;
	__u32 size, start = walk->start;

	if (dentry == walk->place.root && !walk->detached) {
		path__leave_mount(walk);
		return BOUNDED(walk->done, 1);
	}
	path__read_name(named, dentry);
	if (dentry == named->parent) {
		if (walk->detached) {
			walk->done = 1;
		} else {
			/* outside of its mount: a folder that was moved away, or no folder at all */
			walk->known = KNOWN_SEEMINGLY;
			path__leave_mount(walk);
		}
		return BOUNDED(walk->done, 1);
	}
	size = BOUNDED(named->name.len, PATH_NAME_MAX - 1);
	walk->dentry = named->parent;
	if (walk->cut || start < size + 1) {
		path__write_head(buffer, &named->name, size);
		return 0;
	}
	if (path__is_short(named, dentry, size)) {
		path__write_short(buffer, start, size);
		start = BOUNDED(start - size, PATH_SIZE - 1);
	} else {
		start = BOUNDED(start - size, PATH_SIZE - 1);
		bpf_probe_read_kernel(buffer->text + start, size, named->name.name);
	}
	start = BOUNDED(start - 1, PATH_SIZE - 1);
	buffer->text[start] = '/';
	walk->start = start;
	return 0;
}

/* Where a path is in its buffer. */
struct path_text {
	__u32 start;		/* of buffer->text, as what an event has */
	__u32 size;		/* from there; 0: nothing (a pipe) */
	__u32 cut;		/* that is the tail, and the head is in buffer->head */
	__u32 head;		/* from here */
	enum known known;
};

/*
 * Writes the path of `path` (struct path * of the kernel) into `buffer`, and to `text` where; of `dentry`
 * instead, where that is not 0, what its file system calls it. Not static, so the verifier walks it once,
 * not once for each caller.
 */
__noinline int path__find(struct path_buffer *buffer, struct path_text *text, __u64 path,
			  __u64 dentry)
{
	struct mount *top = bpf_get_current_task_btf()->nsproxy->mnt_ns->root;
	struct path_walk *walk;
	struct path at;

	if (!buffer || !text)
		return 0; /* cannot be: the verifier wants it asked */
	walk = &buffer->walk;
	at.dentry = (void *)dentry;
	at.mnt = NULL;
	if (!dentry)
		bpf_probe_read_kernel(&at, sizeof(at), (void *)path);
	if (!at.dentry)
		return 0;
	walk->dentry = at.dentry;
	walk->mnt = at.mnt;
	if (at.mnt)
		path__read_mount(&walk->place, mount__of(at.mnt));
	walk->top = top;
	walk->top_root = top->mnt.mnt_root;
	walk->start = PATH_SIZE - 1;
	walk->head = walk->cut = walk->done = 0;
	walk->detached = at.mnt == NULL;
	walk->known = KNOWN_EXACTLY;
	/* a NUL at the end, so that text[PATH_SIZE - 1] is never part of a path */
	buffer->text[PATH_SIZE - 1] = 0;
	bpf_loop(PATH_COMPONENTS_MAX, path__step, &buffer, 0);
	if (!walk->done) {
		losses__count(LOSS_PATH_TOO_DEEP);
		walk->known = KNOWN_NOT;
	}
	text->start = BOUNDED(walk->start, PATH_SIZE - 1);
	text->size = PATH_SIZE - 1 - text->start;
	text->cut = walk->cut;
	text->head = walk->head;
	text->known = walk->known;
	/* the root folder itself has no component */
	if (text->size == 0 && walk->known > KNOWN_NOT) {
		text->start = PATH_SIZE - 2;
		buffer->text[PATH_SIZE - 2] = '/';
		text->size = 1;
	}
	return 0;
}

/* Copies the path's first `size` bytes, which it has; PATH_HEAD_KEPT - 1 at most. */
static __always_inline void path__read_head(char *to, __u32 size, struct path_buffer *buffer,
					    struct path_text *text)
{
	size = BOUNDED(size, PATH_HEAD_KEPT - 1);
	if (text->cut)
		bpf_probe_read_kernel(to, size,
				      buffer->head + BOUNDED(text->head, PATH_HEAD_SIZE - 1));
	else
		bpf_probe_read_kernel(to, size, buffer->text + BOUNDED(text->start, PATH_SIZE - 1));
}

/*
 * The same, to where all that is behind them may be written, too: PATH_SHORT bytes at least, and as
 * many as path__read_head copies.
 */
static __always_inline void path__copy_head(char *to, __u32 size, struct path_buffer *buffer,
					    struct path_text *text)
{
	__u64 *from = (void *)(buffer->text + BOUNDED(text->start, PATH_SIZE - 1));

	if (size > PATH_SHORT || text->cut) {
		path__read_head(to, size, buffer, text);
		return;
	}
#pragma unroll
	for (__u32 i = 0; i < PATH_SHORT / sizeof(*from); i++)
		((__u64 *)to)[i] = from[i];
}

static __always_inline struct path_text path__write(struct path_buffer *buffer, struct path *path)
{
	struct path_text text = {};

	path__find(buffer, &text, (__u64)path, 0);
	return text;
}

static __always_inline bool path__is_deleted(struct dentry *dentry)
{
	return BPF_CORE_READ(dentry, d_hash.pprev) == NULL &&
	       dentry != BPF_CORE_READ(dentry, d_parent);
}

#endif
