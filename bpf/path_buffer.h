/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Where a path is written, name by name, from the file to the root, and read from. */
#ifndef GUARDBEE_PATH_BUFFER_H
#define GUARDBEE_PATH_BUFFER_H

#include "maps.h"

enum path_limit {
	PATH_COMPONENTS_MAX = 1u << 17, /* reaching it is counted as LOSS_PATH_TOO_DEEP */
	PATH_NAME_MAX = 256,
	PATH_HEAD_SIZE = 2048,
	PATH_HEAD_KEPT = 256,	/* of the head there are always so many bytes; more than are compared */
	PATH_SHORT_NAME = 16,	/* bytes of a name that are read together with it; two words */
	PATH_SHORT = 32,	/* bytes of a path that are copied in words */
	PATH_STEPS = 4,		/* that most paths need no more than: those behind cost a call each */
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
 * A walk to the root, and where the path is that it has found. Not on the stack: there is no room, and
 * kernels before 6.7 verify one step only, of whose values they then take the first ones for constant.
 */
struct path_walk {
	struct dentry *dentry;
	struct vfsmount *mnt;
	struct mount_place place; /* of mnt */
	struct mount *top;	/* root of the process's mount namespace */
	struct dentry *top_root; /* its root folder, on which the root folder that is seen is mounted */
	__u32 start;		/* first byte written of buffer->text: the path, or its tail */
	__u32 cut;		/* that is the tail, and the head is in buffer->head */
	__u32 head;		/* from here */
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

/* Where `text` is read from. */
static __always_inline void *path__short_name(struct dentry *dentry)
{
	return (void *)dentry + bpf_core_field_offset(struct dentry, d_parent) +
	       __builtin_offsetof(struct dentry_name, text);
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

_Static_assert(2 * PATH_STEPS * PATH_NAME_MAX < PATH_SIZE, "the first names may not fit");

/* Writes the name that was read of `dentry` in front of what there is. `fits`: it is one of the first. */
static __always_inline void path__write_name(struct path_buffer *buffer, struct dentry *dentry,
					     const bool fits)
{
	struct path_walk *walk = &buffer->walk;
	struct qstr *name = &walk->named.name;
	__u32 start = walk->start, size = BOUNDED(name->len, PATH_NAME_MAX - 1);

	if (!fits && (walk->cut || start < size + 1)) {
		path__write_head(buffer, name, size);
		return;
	}
	if (size <= PATH_SHORT_NAME && name->name == path__short_name(dentry)) {
		path__write_short(buffer, start, size);
		start = BOUNDED(start - size, PATH_SIZE - 1);
	} else {
		start = BOUNDED(start - size, PATH_SIZE - 1);
		bpf_probe_read_kernel(buffer->text + start, size, name->name);
	}
	start = BOUNDED(start - 1, PATH_SIZE - 1);
	buffer->text[start] = '/';
	walk->start = start;
}

/* Bytes of the path, or of its tail. */
static __always_inline __u32 path__size(struct path_buffer *buffer)
{
	return PATH_SIZE - 1 - BOUNDED(buffer->walk.start, PATH_SIZE - 1);
}

static __always_inline char *path__bytes(struct path_buffer *buffer)
{
	return buffer->text + BOUNDED(buffer->walk.start, PATH_SIZE - 1);
}

/* Copies the path's first `size` bytes, which it has; PATH_HEAD_KEPT - 1 at most. */
static __always_inline void path__read_head(char *to, __u32 size, struct path_buffer *buffer)
{
	struct path_walk *walk = &buffer->walk;

	size = BOUNDED(size, PATH_HEAD_KEPT - 1);
	if (walk->cut)
		bpf_probe_read_kernel(to, size,
				      buffer->head + BOUNDED(walk->head, PATH_HEAD_SIZE - 1));
	else
		bpf_probe_read_kernel(to, size, path__bytes(buffer));
}

/*
 * The same, to where all that is behind them may be written, too: PATH_SHORT bytes at least, and as
 * many as path__read_head copies.
 */
static __always_inline void path__copy_head(char *to, __u32 size, struct path_buffer *buffer)
{
	__u64 *from = (__u64 *)path__bytes(buffer);

	if (size > PATH_SHORT || buffer->walk.cut) {
		path__read_head(to, size, buffer);
		return;
	}
#pragma unroll
	for (__u32 i = 0; i < PATH_SHORT / sizeof(*from); i++)
		((__u64 *)to)[i] = from[i];
}

#endif
