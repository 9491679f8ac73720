// SPDX-License-Identifier: Apache-2.0
/*
 * Test support: other ways to a file x in a folder that a policy names, which is then written to by
 * write(2). args: the folder, and a place beside it where nothing is yet.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "attempt.h"

static void write_at(int folder, const char *name)
{
	int file = check(openat(folder, name, O_WRONLY | O_CREAT, 0600), name);

	check(write(file, "hi", 2), "write");
	close(file);
}

static const char *in(const char *folder)
{
	static char paths[4][PATH_MAX];
	static int next;
	char *path = paths[next++ % 4];

	snprintf(path, PATH_MAX, "%s/x", folder);
	return path;
}

static void by_symlink(char **args)
{
	check(symlink(args[0], args[1]), args[1]);
	write_at(AT_FDCWD, in(args[1]));
}

static void by_proc_root(char **args)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "/proc/self/root%s/x", args[0]);
	write_at(AT_FDCWD, path);
}

static void by_proc_fd(char **args)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%ld", check(open(in(args[0]), O_RDONLY), "open"));
	write_at(AT_FDCWD, path);
}

static void by_renamed_folder(char **args)
{
	check(rename(args[0], args[1]), "rename");
	write_at(AT_FDCWD, in(args[1]));
}

static void by_renamed_file(char **args)
{
	check(rename(in(args[0]), args[1]), "rename");
	write_at(AT_FDCWD, args[1]);
}

static void by_link(char **args)
{
	check(link(in(args[0]), args[1]), "link");
	write_at(AT_FDCWD, args[1]);
}

/* In a mount namespace that any user may make. */
static void by_bind(char **args)
{
	check(mkdir(args[1], 0700), args[1]);
	check(unshare(CLONE_NEWUSER | CLONE_NEWNS), "unshare");
	check(mount(args[0], args[1], NULL, MS_BIND, NULL), "mount");
	write_at(AT_FDCWD, in(args[1]));
}

/* With the capability to mount. */
static void by_own_bind(char **args)
{
	check(mkdir(args[1], 0700), args[1]);
	check(unshare(CLONE_NEWNS), "unshare");
	check(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "private mounts");
	check(mount(args[0], args[1], NULL, MS_BIND, NULL), "mount");
	write_at(AT_FDCWD, in(args[1]));
}

static int detached(const char *folder)
{
	return check(syscall(SYS_open_tree, AT_FDCWD, folder, OPEN_TREE_CLONE), "open_tree");
}

static void by_moved_mount(char **args)
{
	check(mkdir(args[1], 0700), args[1]);
	check(unshare(CLONE_NEWNS), "unshare");
	check(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "private mounts");
	check(syscall(SYS_move_mount, detached(args[0]), "", AT_FDCWD, args[1], MOVE_MOUNT_F_EMPTY_PATH),
	      "move_mount");
	write_at(AT_FDCWD, in(args[1]));
}

static void by_detached(char **args)
{
	write_at(detached(args[0]), args[1]);
}

static void by_unmounted(char **args)
{
	int at;

	check(unshare(CLONE_NEWNS), "unshare");
	check(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "private mounts");
	check(mount(args[0], args[0], NULL, MS_BIND, NULL), args[0]);
	at = check(open(args[0], O_PATH), args[0]);
	check(umount2(args[0], MNT_DETACH), "umount2");
	write_at(at, args[1]);
}

/* args: the folder that becomes the root, the file in it. */
static void by_chroot(char **args)
{
	if (chroot(args[0]) || chdir("/"))
		fail(args[0]);
	write_at(AT_FDCWD, args[1]);
}

/* The same by a mount namespace of its own. */
static void by_pivot_root(char **args)
{
	check(unshare(CLONE_NEWUSER | CLONE_NEWNS), "unshare");
	check(mount(args[0], args[0], NULL, MS_BIND | MS_REC, NULL), args[0]);
	check(chdir(args[0]), args[0]);
	check(syscall(SYS_pivot_root, ".", "."), "pivot_root");
	write_at(AT_FDCWD, args[1]);
}

/* args: the folder, how many folders deeper. */
static void by_depth(char **args)
{
	write_at(open_below(args[0], atoi(args[1])), "x");
}

/* args: a file, of which a page that is not in memory yet is written elsewhere. */
static void by_unread(char **args)
{
	int file = check(open(args[0], O_RDONLY), args[0]);
	int to = check(open("/tmp/unread-copy", O_WRONLY | O_CREAT | O_TRUNC, 0600), "/tmp/unread-copy");
	char *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, file, 0);

	if (page == MAP_FAILED)
		fail(args[0]);
	check(write(to, page, 4), "write");
}

/*
 * A child in a new pid namespace, whose first process is another one: that goes with this process. As
 * `kubectl exec` starts one.
 */
static int fork_into_container(void)
{
	int ends[2], first;
	char byte;

	check(pipe(ends), "pipe");
	check(unshare(CLONE_NEWPID), "unshare");
	first = check(fork(), "fork");
	if (first == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close_range(0, ~0U, 0); /* nobody waits for what it writes */
		for (;;)
			pause();
	}
	close(ends[1]);
	check(read(ends[0], &byte, 1), "pipe"); /* until it is ready */
	return check(fork(), "fork");
}

/* As the first process of a pid namespace that it makes. */
static void write_as_first(char **args)
{
	int child;

	check(unshare(CLONE_NEWUSER | CLONE_NEWPID), "unshare");
	child = check(fork(), "fork");
	if (child == 0) {
		write_at(AT_FDCWD, in(args[0]));
		_exit(0);
	}
	end_as(child);
}

static void by_nested_first(char **args)
{
	int child = fork_into_container();

	if (child == 0)
		write_as_first(args);
	wait_for(child);
}

static void by_first(char **args)
{
	write_as_first(args);
}

/* As a process whose parent has ended, and which the container's first one has adopted. */
static void by_orphan(char **args)
{
	int child, ends[2];
	char byte;

	check(pipe(ends), "pipe");
	child = fork_into_container();
	if (child == 0) {
		if (check(fork(), "fork"))
			_exit(0);
		while (getppid() != 1)
			sched_yield();
		write_at(AT_FDCWD, in(args[0]));
		check(write(ends[1], "y", 1), "pipe");
		_exit(0);
	}
	close(ends[1]);
	wait_for(child);
	if (read(ends[0], &byte, 1) == 1)
		return;
	raise(SIGKILL); /* as the orphan, whose end nobody is told */
}

const struct attempt paths[] = {
	{"symlink", 2, by_symlink},
	{"proc-root", 1, by_proc_root},
	{"proc-fd", 1, by_proc_fd},
	{"renamed-folder", 2, by_renamed_folder},
	{"renamed-file", 2, by_renamed_file},
	{"link", 2, by_link},
	{"bind", 2, by_bind},
	{"own-bind", 2, by_own_bind},
	{"moved-mount", 2, by_moved_mount},
	{"detached", 2, by_detached},
	{"unmounted", 2, by_unmounted},
	{"chroot", 2, by_chroot},
	{"pivot-root", 2, by_pivot_root},
	{"deep", 2, by_depth},
	{"unread", 1, by_unread},
	{"first", 1, by_first},
	{"nested-first", 1, by_nested_first},
	{"orphan", 1, by_orphan},
	{NULL, 0, NULL},
};
