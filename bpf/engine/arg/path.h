/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A name in a mount (struct path *), or in a file system whatever it is mounted at (struct dentry *). */
#ifndef GUARDBEE_ENGINE_ARG_PATH_H
#define GUARDBEE_ENGINE_ARG_PATH_H

#include "location.h"

static __always_inline struct location path__location(struct call *call,
						      const volatile struct reading *reading)
{
	return location__of_path((struct path *)call__parameter(call, reading->index));
}

/* Without a mount it is walked to the root of its file system; of the kernel's own ones there is none. */
static __always_inline struct location dentry__location(struct call *call,
							const volatile struct reading *reading)
{
	struct dentry *dentry = (struct dentry *)call__parameter(call, reading->index);
	struct location location = {};

	if (dentry && !(BPF_CORE_READ(dentry, d_sb, s_flags) & SB_NOUSER)) {
		location.dentry = dentry;
		location.is_there = true;
	}
	return location;
}

static __always_inline struct path *path__typed(struct path *path)
{
	return path;
}

TYPED_LOCATION_TYPE(path)
LOCATION_TYPE(dentry)

#endif
