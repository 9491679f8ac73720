/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Files of overlayfs: what they are in the file systems that it is made of. */
#ifndef GUARDBEE_OVERLAY_H
#define GUARDBEE_OVERLAY_H

#include "kernel.h"

#define OVERLAYFS_MAGIC 0x794c7630

/* Of a module, whose types may be out of reach. */
#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct ovl_inode {
	struct inode vfs_inode;
	struct dentry *__upperdentry;
};

#pragma clang attribute pop

/* Of its inode: what overlayfs has of the file in the writable layer, and behind that, of those below. */
struct overlaid {
	__u64 upper, lower;
};

static __always_inline bool overlay__read(struct inode *inode, struct overlaid *to)
{
	__u32 at = bpf_core_type_size(struct inode);

	/* Where that cannot be asked: it has been behind the inode since there is overlayfs. */
	if (bpf_core_field_exists(((struct ovl_inode *)0)->__upperdentry))
		at = bpf_core_field_offset(struct ovl_inode, __upperdentry) -
		     bpf_core_field_offset(struct ovl_inode, vfs_inode);
	return !bpf_probe_read_kernel(to, sizeof(*to), (void *)inode + at);
}

#endif
