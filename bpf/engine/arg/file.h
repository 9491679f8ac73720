/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A pointer to an open file (struct file *): compared and reported by its path. */
#ifndef GUARDBEE_ENGINE_ARG_FILE_H
#define GUARDBEE_ENGINE_ARG_FILE_H

#include "../lookup.h"
#include "error.h"

static __always_inline struct file *file__file(struct call *call, const volatile struct reading *reading)
{
	return (struct file *)call__parameter(call, reading->index);
}

/* The path of `file`; of a pipe or a socket there is none. */
static __always_inline enum known path__text(struct call *call, struct file *file, struct text *to)
{
	struct path_text path = {};

	if (file)
		path = path__write(&call->scratch->path, &file->f_path);
	if (path.known < KNOWN_SEEMINGLY)
		return path.known;
	to->longer = path.cut || path.size > TEXT_SIZE;
	to->size = to->longer ? TEXT_SIZE : path.size;
	to->tail_size = path.size;
	to->tail_end = PATH_SIZE - 1;
	path__copy_head(call->scratch->prefix.text, to->size, &call->scratch->path, &path);
	return path.known;
}

struct path_payload {
	__u32 mode;		/* i_mode; the path follows, without NUL */
};

static __always_inline __u32 path__emit(struct call *call, struct file *file,
					struct event_arg *arg, char *to)
{
	struct path_payload *payload = (void *)to;
	struct path_text path;
	__u32 size;

	if (!file)
		return error__emit(arg, to, EBADF);
	path = path__write(&call->scratch->path, &file->f_path);
	size = BOUNDED(path.size, PATH_SIZE - 1);
	if (path.cut)
		arg->flags |= ARG_CUT;
	if (path__is_deleted(BPF_CORE_READ(file, f_path.dentry)))
		arg->flags |= ARG_DELETED;
	payload->mode = BPF_CORE_READ(file, f_inode, i_mode);
	bpf_probe_read_kernel(payload + 1, size,
			      call->scratch->path.text + BOUNDED(path.start, PATH_SIZE - 1));
	return sizeof(*payload) + size;
}

static __always_inline enum known file__text(struct call *call,
					     const volatile struct reading *reading, __u32 part,
					     struct text *to)
{
	return path__text(call, file__file(call, reading), to);
}

static __always_inline __u32 file__emit(struct call *call, const volatile struct reading *reading,
					struct event_arg *arg, char *to)
{
	return path__emit(call, file__file(call, reading), arg, to);
}

#endif
