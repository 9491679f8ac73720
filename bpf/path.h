/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The path of a file within its mount namespace, walked by hand: bpf_d_path is refused where most hooks
 * are (kprobes, fd_install, tracepoints), and ends at a chroot, which a process makes for itself.
 */
#ifndef GUARDBEE_PATH_H
#define GUARDBEE_PATH_H

#include "path_buffer.h"

static __always_inline bool path__is_together(struct dentry *dentry)
{
	const __u32 at = bpf_core_field_offset(dentry->d_parent);

	return bpf_core_field_offset(dentry->d_name) == at + sizeof(dentry) &&
	       bpf_core_field_offset(dentry->d_inode) ==
		       at + __builtin_offsetof(struct dentry_name, inode);
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
	bpf_probe_read_kernel(named->text, sizeof(named->text), path__short_name(dentry));
}

/* The same, without its parent, of a dentry whose type the verifier knows: without any call. */
static __always_inline void path__load_name(struct dentry_name *named, struct dentry *dentry)
{
	__u64 *text = path__short_name(dentry), *to = (__u64 *)named->text;

	if (!path__is_together(dentry)) {
		path__read_name(named, dentry);
		return;
	}
	named->name.len = dentry->d_name.len;
	named->name.name = dentry->d_name.name;
	to[0] = text[0];
	if (named->name.len > sizeof(*to))
		to[1] = text[1];
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

/* One step towards the root; whether the walk has ended with it. `fits`: it is one of the first. */
static __always_inline bool path__step(struct path_buffer *buffer, const bool fits)
{
	struct path_walk *walk = &buffer->walk;
	struct dentry_name *named = &walk->named;
	struct dentry *dentry = walk->dentry;

	if (dentry == walk->place.root && !walk->detached) {
		path__leave_mount(walk);
		return walk->done;
	}
	path__read_name(named, dentry);
	if (dentry != named->parent) {
		path__write_name(buffer, dentry, fits);
		walk->dentry = named->parent;
		return false;
	}
	if (walk->detached) {
		walk->done = 1;
	} else {
		/* outside of its mount: a folder that was moved away, or no folder at all */
		walk->known = KNOWN_SEEMINGLY;
		path__leave_mount(walk);
	}
	return walk->done;
}

static long path__go_on(__u32 index, void *context)
{
	return BOUNDED(path__step(*(struct path_buffer **)context, false), 1);
}

/* A walk begins at `dentry` in the mount `mnt`; NULL: in its file system, whatever that is mounted at. */
static __always_inline void path__begin(struct path_buffer *buffer, struct vfsmount *mnt,
					struct dentry *dentry)
{
	struct path_walk *walk = &buffer->walk;

	walk->dentry = dentry;
	walk->mnt = mnt;
	walk->start = PATH_SIZE - 1;
	walk->cut = 0;
	/* a NUL at the end, so that text[PATH_SIZE - 1] is never part of a path */
	buffer->text[PATH_SIZE - 1] = 0;
}

/*
 * The first steps of a walk that has begun, up to the root of its mount at most. The verifier knows the
 * types of both: reading is cheap. Not inlined, so that its part of the stack is free again.
 */
static __noinline int path__climb(struct path_buffer *buffer, struct dentry *dentry,
				  struct dentry *root)
{
#pragma clang loop unroll(disable)
	for (__u32 step = 0; step < PATH_STEPS; step++) {
		struct dentry *parent;

		if (dentry == root)
			break;
		parent = dentry->d_parent;
		if (dentry == parent || !parent)
			break;
		path__load_name(&buffer->walk.named, dentry);
		path__write_name(buffer, dentry, true);
		dentry = parent;
	}
	buffer->walk.dentry = dentry;
	return 0;
}

static __always_inline void path__find_mounts(struct path_walk *walk)
{
	struct mount *top = bpf_get_current_task_btf()->nsproxy->mnt_ns->root;

	if (walk->mnt)
		path__read_mount(&walk->place, mount__of(walk->mnt));
	walk->top = top;
	walk->top_root = top->mnt.mnt_root;
	walk->done = 0;
	walk->detached = walk->mnt == NULL;
	walk->known = KNOWN_EXACTLY;
}

/*
 * Ends a walk that has begun: writes the path into the buffer. What is known of it; where it is, if it is
 * known, says the walk then. Not static, so the verifier walks it once, not once for each caller.
 */
__noinline int path__find(struct path_buffer *buffer)
{
	struct path_walk *walk;

	if (!buffer)
		return KNOWN_ABSENT; /* cannot be: the verifier wants it asked */
	walk = &buffer->walk;
	if (!walk->dentry)
		return KNOWN_ABSENT;
	path__find_mounts(walk);
#pragma clang loop unroll(disable)
	for (__u32 step = 0; step < PATH_STEPS; step++) {
		if (path__step(buffer, true))
			break;
	}
	if (!walk->done)
		bpf_loop(PATH_COMPONENTS_MAX, path__go_on, &buffer, 0);
	if (!walk->done) {
		losses__count(LOSS_PATH_TOO_DEEP);
		return KNOWN_NOT;
	}
	/* the root folder itself has no component */
	if (walk->start == PATH_SIZE - 1 && walk->known > KNOWN_NOT) {
		walk->start = PATH_SIZE - 2;
		buffer->text[PATH_SIZE - 2] = '/';
	}
	return walk->known;
}

/* Begins with a path whose type the verifier knows. */
static __always_inline void path__begin_typed(struct path_buffer *buffer, struct path *path)
{
	struct vfsmount *mnt = path->mnt;
	struct dentry *dentry = path->dentry;

	path__begin(buffer, mnt, dentry);
	path__climb(buffer, dentry, mnt->mnt_root);
}

/* Writes such a path. What is known of it. */
static __always_inline enum known path__find_typed(struct path_buffer *buffer, struct path *path)
{
	path__begin_typed(buffer, path);
	return path__find(buffer);
}

static __always_inline bool path__is_deleted(struct dentry *dentry)
{
	return BPF_CORE_READ(dentry, d_hash.pprev) == NULL &&
	       dentry != BPF_CORE_READ(dentry, d_parent);
}

#endif
