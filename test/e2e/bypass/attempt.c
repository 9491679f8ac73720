// SPDX-License-Identifier: Apache-2.0
/*
 * Test support: one attempt to get around a policy, then `survived` on standard output. It fails with
 * what went wrong where the attempt itself could not be made.
 *
 *   attempt memory PROGRAM [ARG...]   runs the program from memory: its file has no path
 *   attempt unread FILE               writes a page that is not in memory yet
 *   attempt chroot FOLDER FILE        writes the file, with that folder for its root
 *   attempt detached FOLDER FILE      writes the file in a copy of the folder that is mounted nowhere
 *   attempt unmounted FOLDER FILE     ... in a mount at the folder that is unmounted meanwhile
 *   attempt deep FOLDER COUNT         writes a file so many folders below
 *   attempt deep-run FOLDER COUNT PROGRAM [ARG...]   runs a copy of the program from there
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

extern char **environ;

static void run_from_memory(char **command)
{
	int from = open(command[0], O_RDONLY), memory = memfd_create("attempt", MFD_CLOEXEC);
	struct stat about;

	if (from < 0 || memory < 0 || fstat(from, &about))
		err(2, "%s", command[0]);
	if (sendfile(memory, from, NULL, about.st_size) != about.st_size)
		err(2, "sendfile");
	fexecve(memory, command, environ);
	err(2, "fexecve");
}

static void write_unread(const char *path)
{
	int file = open(path, O_RDONLY), to = open("/tmp/unread-copy", O_WRONLY | O_CREAT | O_TRUNC, 0600);
	char *page;

	page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, file, 0);
	if (page == MAP_FAILED || to < 0)
		err(2, "%s", path);
	if (write(to, page, 4) != 4)
		err(2, "write");
}

static void write_at(int folder, const char *name)
{
	int file = openat(folder, name, O_WRONLY | O_CREAT, 0600);

	if (file < 0)
		err(2, "%s", name);
	if (write(file, "hi", 2) != 2)
		err(2, "write");
}

static void write_in_chroot(const char *folder, const char *name)
{
	if (chroot(folder) || chdir("/"))
		err(2, "%s", folder);
	write_at(AT_FDCWD, name);
}

static void write_detached(const char *folder, const char *name)
{
	int copy = syscall(SYS_open_tree, AT_FDCWD, folder, OPEN_TREE_CLONE);

	if (copy < 0)
		err(2, "open_tree");
	write_at(copy, name);
}

static void write_unmounted(const char *folder, const char *name)
{
	int at;

	if (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
	    mount(folder, folder, NULL, MS_BIND, NULL))
		err(2, "%s", folder);
	at = open(folder, O_PATH);
	if (umount2(folder, MNT_DETACH))
		err(2, "umount2");
	write_at(at, name);
}

/* The folder so many below `folder`, made where it is not there. */
static int enter_deep(const char *folder, int count)
{
	int at = open(folder, O_PATH);

	while (at >= 0 && count-- > 0) {
		int below;

		mkdirat(at, "deeper", 0700);
		below = openat(at, "deeper", O_PATH);
		close(at);
		at = below;
	}
	if (at < 0)
		err(2, "%s", folder);
	return at;
}

static void copy_at(int folder, const char *program, const char *name)
{
	int from = open(program, O_RDONLY), to = openat(folder, name, O_WRONLY | O_CREAT, 0700);
	struct stat about;

	if (from < 0 || to < 0 || fstat(from, &about) ||
	    sendfile(to, from, NULL, about.st_size) != about.st_size)
		err(2, "%s", program);
	close(to);
}

static void run_deep(int folder, char **command)
{
	copy_at(folder, command[0], "program");
	execveat(folder, "program", command, environ, 0);
	err(2, "execveat");
}

static int is(char **args, const char *name, int count)
{
	return args[1] && !strcmp(args[1], name) && count >= 3;
}

int main(int count, char **args)
{
	if (is(args, "memory", count))
		run_from_memory(args + 2);
	else if (is(args, "unread", count))
		write_unread(args[2]);
	else if (is(args, "chroot", count))
		write_in_chroot(args[2], args[3]);
	else if (is(args, "detached", count))
		write_detached(args[2], args[3]);
	else if (is(args, "unmounted", count))
		write_unmounted(args[2], args[3]);
	else if (is(args, "deep", count))
		write_at(enter_deep(args[2], atoi(args[3])), "x");
	else if (is(args, "deep-run", count))
		run_deep(enter_deep(args[2], atoi(args[3])), args + 4);
	else
		errx(2, "an unknown attempt");
	puts("survived");
	return 0;
}
