/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What leads to a file, compared and reported by its path: struct path *, and what has one in it. */
#ifndef GUARDBEE_ENGINE_ARG_LOCATION_H
#define GUARDBEE_ENGINE_ARG_LOCATION_H

#include "../lookup.h"
#include "../typed.h"
#include "error.h"

/* Where a file is, if there is one. Without a mount `dentry` is a name of a file system. */
struct location {
	struct vfsmount *mnt;
	struct dentry *dentry;
	bool is_there;
};

/* What `path` leads to; NULL: there is none. */
static __always_inline struct location location__of_path(struct path *path)
{
	struct location location = {.is_there = path};
	struct path at = {};

	if (path)
		bpf_probe_read_kernel(&at, sizeof(at), path);
	location.mnt = at.mnt;
	location.dentry = at.dentry;
	return location;
}

static __always_inline enum known location__write(struct call *call, struct location location)
{
	struct path_buffer *path = &call->scratch->path;

	path__begin(path, location.mnt, location.dentry);
	return path__find(path);
}

/* The path that was found; of a pipe or a socket there is none. */
static __always_inline enum known location__take(struct call *call, enum known known,
						 struct text *to)
{
	struct path_buffer *path = &call->scratch->path;
	__u32 size;

	if (known < KNOWN_SEEMINGLY)
		return known;
	size = path__size(path);
	to->longer = path->walk.cut || size > TEXT_SIZE;
	to->size = to->longer ? TEXT_SIZE : size;
	to->tail_size = to->all = size;
	to->tail_end = PATH_SIZE - 1;
	path__copy_head(call->scratch->prefix.text, to->size, path);
	return known;
}

static __always_inline enum known location__text(struct call *call, struct location location,
						 struct text *to)
{
	enum known known = KNOWN_ABSENT;

	if (location.is_there)
		known = location__write(call, location);
	return location__take(call, known, to);
}

/* The same of a path whose type the verifier knows; NULL: there is none. */
static __always_inline enum known location__text_typed(struct call *call, struct path *path,
						       struct text *to)
{
	enum known known = KNOWN_ABSENT;

	if (path)
		known = path__find_typed(&call->scratch->path, path);
	return location__take(call, known, to);
}

/* What kind of file is there: S_IFMT >> 12. */
static __always_inline enum known location__format(struct location location, __u64 *value)
{
	struct dentry *dentry = location.dentry; /* CO-RE would relocate `location`, too */
	struct inode *inode;
	__u16 mode;

	if (!location.is_there)
		return KNOWN_ABSENT;
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
	struct path_buffer *path = &call->scratch->path;
	struct dentry *dentry = location.dentry; /* as above */
	struct path_payload *payload = (void *)to;
	__u32 size;

	if (!location.is_there)
		return error__emit(arg, to, EBADF);
	location__write(call, location);
	size = BOUNDED(path__size(path), PATH_SIZE - 1);
	if (path->walk.cut)
		arg->flags |= ARG_CUT;
	if (path__is_deleted(dentry))
		arg->flags |= ARG_DELETED;
	payload->mode = BPF_CORE_READ(dentry, d_inode, i_mode);
	bpf_probe_read_kernel(payload + 1, size, path__bytes(path));
	return sizeof(*payload) + size;
}

/* Defines what writes a type that leads to a file to an event: NAME__location says where that is. */
#define LOCATION_EMITTER(name)                                                                 \
	static __always_inline __u32 name##__emit(struct call *call,                           \
						  const volatile struct reading *reading,      \
						  struct event_arg *arg, char *to)             \
	{                                                                                      \
		return location__emit(call, name##__location(call, reading), arg, to);         \
	}

/* That, and its number. */
#define LOCATION_READERS(name)                                                                 \
	static __always_inline enum known name##__number(                                      \
		struct call *call, const volatile struct reading *reading, __u32 part,         \
		__u64 *value)                                                                  \
	{                                                                                      \
		return location__format(name##__location(call, reading), value);               \
	}                                                                                      \
	LOCATION_EMITTER(name)

/* That, and its text. */
#define LOCATION_TYPE(name)                                                                    \
	LOCATION_READERS(name)                                                                 \
	static __always_inline enum known name##__text(                                        \
		struct call *call, const volatile struct reading *reading, __u32 part,         \
		struct text *to)                                                               \
	{                                                                                      \
		return location__text(call, name##__location(call, reading), to);              \
	}

/* Defines its text; NAME__typed says which path it has where the verifier knows its type. */
#define TYPED_LOCATION_TEXT(name)                                                              \
	static __always_inline enum known name##__text(                                        \
		struct call *call, const volatile struct reading *reading, __u32 part,         \
		struct text *to)                                                               \
	{                                                                                      \
		if (call__is_typed(call, reading))                                             \
			return location__text_typed(                                           \
				call, name##__typed(call__typed(call, reading)), to);          \
		return location__text(call, name##__location(call, reading), to);              \
	}

/* The same with what else such a type has. */
#define TYPED_LOCATION_TYPE(name)                                                              \
	LOCATION_READERS(name)                                                                 \
	TYPED_LOCATION_TEXT(name)

#endif
