/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A descriptor of the current process: what file.h says of the file behind it. */
#ifndef GUARDBEE_ENGINE_ARG_FD_H
#define GUARDBEE_ENGINE_ARG_FD_H

#include "file.h"

/* The open file behind the descriptor, or NULL. */
static __always_inline struct file *fd__file(struct call *call, const volatile struct reading *reading)
{
	__u32 fd = call__parameter(call, reading->index);
	struct task_struct *task = bpf_get_current_task_btf();
	struct fdtable *table = BPF_CORE_READ(task, files, fdt);
	struct file **files = BPF_CORE_READ(table, fd), *file = NULL;

	if (fd >= BPF_CORE_READ(table, max_fds))
		return NULL;
	bpf_probe_read_kernel(&file, sizeof(file), files + fd);
	return file;
}

static __always_inline struct location fd__location(struct call *call,
						 const volatile struct reading *reading)
{
	return location__of_file(fd__file(call, reading));
}

LOCATION_TYPE(fd)

#endif
