/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What leads to a file, compared and reported by its path: struct path *, and what has one in it. */
#ifndef GUARDBEE_ENGINE_ARG_LOCATION_H
#define GUARDBEE_ENGINE_ARG_LOCATION_H

#include "../lookup.h"
#include "error.h"

/* Where a file is: `path` is a mount's, `dentry` a name of a file system; at most one is there. */
struct location {
	struct path *path;
	struct dentry *dentry;
};

static __always_inline struct path_text location__write(struct call *call,
							struct location location)
{
	struct path_text text = {};

	path__find(&call->scratch->path, &text, (__u64)location.path, (__u64)location.dentry);
	return text;
}

static __always_inline struct dentry *location__dentry(struct location location)
{
	struct path *path = location.path;

	return location.dentry ? location.dentry : BPF_CORE_READ(path, dentry);
}

/* The path of a file; of a pipe or a socket there is none. */
static __always_inline enum known location__text(struct call *call, struct location location,
						 struct text *to)
{
	struct path_text path = {};

	if (location.path || location.dentry)
		path = location__write(call, location);
	if (path.known < KNOWN_SEEMINGLY)
		return path.known;
	to->longer = path.cut || path.size > TEXT_SIZE;
	to->size = to->longer ? TEXT_SIZE : path.size;
	to->tail_size = to->all = path.size;
	to->tail_end = PATH_SIZE - 1;
	path__copy_head(call->scratch->prefix.text, to->size, &call->scratch->path, &path);
	return path.known;
}

/* What kind of file is there: S_IFMT >> 12. */
static __always_inline enum known location__format(struct location location, __u64 *value)
{
	struct dentry *dentry;
	struct inode *inode;
	__u16 mode;

	if (!location.path && !location.dentry)
		return KNOWN_ABSENT;
	dentry = location__dentry(location);
	inode = BPF_CORE_READ(dentry, d_inode);
	if (bpf_core_read(&mode, sizeof(mode), &inode->i_mode))
		return KNOWN_NOT;
	*value = mode >> 12;
	return KNOWN_EXACTLY;
}

struct path_payload {
	__u32 mode;		/* i_mode; the path follows, without NUL */
};

static __always_inline __u32 location__emit(struct call *call, struct location location,
					    struct event_arg *arg, char *to)
{
	struct path_payload *payload = (void *)to;
	struct path_text path;
	struct dentry *dentry;
	__u32 size;

	if (!location.path && !location.dentry)
		return error__emit(arg, to, EBADF);
	path = location__write(call, location);
	size = BOUNDED(path.size, PATH_SIZE - 1);
	if (path.cut)
		arg->flags |= ARG_CUT;
	dentry = location__dentry(location);
	if (path__is_deleted(dentry))
		arg->flags |= ARG_DELETED;
	payload->mode = BPF_CORE_READ(dentry, d_inode, i_mode);
	bpf_probe_read_kernel(payload + 1, size,
			      call->scratch->path.text + BOUNDED(path.start, PATH_SIZE - 1));
	return sizeof(*payload) + size;
}

/* Defines the readers and the writer of a type that leads to a file: NAME__location says where. */
#define LOCATION_TYPE(name)                                                                    \
	static __always_inline enum known name##__number(                                      \
		struct call *call, const volatile struct reading *reading, __u32 part,         \
		__u64 *value)                                                                  \
	{                                                                                      \
		return location__format(name##__location(call, reading), value);               \
	}                                                                                      \
	static __always_inline enum known name##__text(                                        \
		struct call *call, const volatile struct reading *reading, __u32 part,         \
		struct text *to)                                                               \
	{                                                                                      \
		return location__text(call, name##__location(call, reading), to);              \
	}                                                                                      \
	static __always_inline __u32 name##__emit(struct call *call,                           \
						  const volatile struct reading *reading,      \
						  struct event_arg *arg, char *to)             \
	{                                                                                      \
		return location__emit(call, name##__location(call, reading), arg, to);         \
	}

#endif
