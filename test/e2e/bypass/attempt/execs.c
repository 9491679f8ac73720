// SPDX-License-Identifier: Apache-2.0
/*
 * Test support: ways to start a program. args: the program, then its arguments; the program prints
 * what shows that it runs.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "attempt.h"

extern char **environ;

static void run(char **command)
{
	execve(command[0], command, environ);
	fail(command[0]);
}

static void copy_to(int to, const char *program)
{
	int from = check(open(program, O_RDONLY), program);
	struct stat about;

	check(fstat(from, &about), program);
	check(sendfile(to, from, NULL, about.st_size), "sendfile");
	close(from);
}

/* Its file has no path. */
static void from_memory(char **command)
{
	int memory = check(memfd_create("attempt", MFD_CLOEXEC), "memfd_create");

	copy_to(memory, command[0]);
	fexecve(memory, command, environ);
	fail("fexecve");
}

/* A descriptor of a copy that has no name any more. */
static int open_unlinked(const char *program)
{
	const char *name = "/tmp/bypass/unlinked";
	int copy = check(open(name, O_WRONLY | O_CREAT | O_TRUNC, 0700), name), at;

	copy_to(copy, program);
	close(copy);
	at = check(open(name, O_PATH | O_CLOEXEC), name);
	unlink(name);
	return at;
}

static void from_unlinked(char **command)
{
	fexecve(open_unlinked(command[0]), command, environ);
	fail("fexecve");
}

static void from_unlinked_proc(char **command)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", open_unlinked(command[0]));
	execve(path, command, environ);
	fail(path);
}

static void by_empty_path(char **command)
{
	int at = check(open(command[0], O_PATH | O_CLOEXEC), command[0]);

	syscall(SYS_execveat, at, "", command, environ, AT_EMPTY_PATH);
	fail("execveat");
}

/* args: where the program is, where it goes and runs, its arguments. It is put back at the end. */
static void renamed(char **args)
{
	int child;

	check(rename(args[0], args[1]), args[1]);
	child = check(fork(), "fork");
	if (child == 0)
		run(args + 1);
	waitid(P_PID, child, NULL, WEXITED | WNOWAIT);
	check(rename(args[1], args[0]), args[0]);
	end_as(child);
}

/* args: a library, the command that loads it. */
static void with_preloaded(char **args)
{
	check(setenv("LD_PRELOAD", args[0], 1), "setenv");
	run(args + 1);
}

/* args: a link, a listed program that fails with these arguments, the program, the arguments. */
static void by_flipped_link(char **args)
{
	const char *next = "/tmp/bypass/flip-next";
	int flipping = check(fork(), "fork"), got_through = 0, was_denied = 0;

	for (int i = 0; flipping == 0; i++) {
		unlink(next);
		check(symlink(args[1 + i % 2], next), next);
		check(rename(next, args[0]), args[0]);
		usleep(500);
	}
	for (int i = 0; i < 60 && !got_through; i++) {
		int status, child = vfork();

		if (child == 0) {
			char *command[] = {args[0], args[3], NULL};

			execve(args[0], command, environ);
			_exit(errno == EPERM ? DENIED : BROKEN);
		}
		check(waitpid(child, &status, 0), "waitpid");
		got_through = WIFEXITED(status) && WEXITSTATUS(status) == 0;
		was_denied |= WIFSIGNALED(status) || WEXITSTATUS(status) == DENIED;
	}
	kill(flipping, SIGKILL);
	waitpid(flipping, NULL, 0);
	if (!got_through)
		exit(was_denied ? DENIED : BROKEN);
}

/* args: a folder, how many folders deeper, the command. */
static void from_deep(char **args)
{
	int at = open_below(args[0], atoi(args[1]));
	int copy = check(openat(at, "program", O_WRONLY | O_CREAT, 0700), "program");

	copy_to(copy, args[2]);
	close(copy);
	syscall(SYS_execveat, at, "program", args + 2, environ, 0);
	fail("execveat");
}

static void *run_in_thread(void *command)
{
	run(command);
	return NULL;
}

static void from_thread(char **command)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, run_in_thread, command))
		fail("pthread_create");
	pthread_join(thread, NULL);
}

static void *run_later(void *command)
{
	usleep(50000);
	run(command);
	return NULL;
}

/* When the thread that the process began with has ended. */
static void after_leader(char **command)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, run_later, command))
		fail("pthread_create");
	syscall(SYS_exit, 0);
}

static void from_vfork(char **command)
{
	int child = vfork();

	if (child == 0) {
		execve(command[0], command, environ);
		_exit(errno == EPERM ? DENIED : BROKEN);
	}
	end_as(check(child, "vfork"));
}

static void in_pid_namespace(char **command)
{
	int child;

	check(unshare(CLONE_NEWUSER | CLONE_NEWPID), "unshare");
	child = check(fork(), "fork");
	if (child == 0)
		run(command);
	end_as(child);
}

/* args: a path below 4 GiB is made of the program. */
static void by_int80(char **command)
{
	static char path[4096];
	static unsigned int args[8];
	static char texts[8][256];
	int count = 0;

	for (char *from = command[0], *to = path; (*to = *from); from++, to++)
		;
	for (; count < 7 && command[count]; count++) {
		for (char *from = command[count], *to = texts[count]; (*to = *from); from++, to++)
			;
		args[count] = (unsigned long)texts[count];
	}
	int80(11, (long)path, (long)args, 0, 0);
	fail("int $0x80");
}

/* args: the folder that becomes the working directory, the command in it. */
static void in_folder(char **args)
{
	check(chdir(args[0]), args[0]);
	run(args + 1);
}

/* args: the folder that becomes the root, the command in it. */
static void in_chroot(char **args)
{
	if (chroot(args[0]) || chdir("/"))
		fail(args[0]);
	run(args + 1);
}

/* The same by a mount namespace of its own, as a container has. */
static void in_image(char **args)
{
	check(unshare(CLONE_NEWNS), "unshare");
	check(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), "private mounts");
	check(mount(args[0], args[0], NULL, MS_BIND, NULL), args[0]);
	check(chdir(args[0]), args[0]);
	check(syscall(SYS_pivot_root, ".", "."), "pivot_root");
	check(umount2(".", MNT_DETACH), "umount2");
	run(args + 1);
}

static void map_root(void)
{
	const char *const files[] = {"/proc/self/setgroups", "/proc/self/uid_map",
				     "/proc/self/gid_map"};
	const char *const texts[] = {"deny", "0 0 1", "0 0 1"};

	for (int i = 0; i < 3; i++) {
		int file = check(open(files[i], O_WRONLY), files[i]);

		check(write(file, texts[i], strlen(texts[i])), files[i]);
		close(file);
	}
}

/* args: a folder with l, u and w, which an overlay at m is made of that becomes the root; the command in it. */
static void in_overlay(char **args)
{
	check(unshare(CLONE_NEWUSER | CLONE_NEWNS), "unshare");
	map_root();
	check(chdir(args[0]), args[0]);
	check(mount("overlay", "m", "overlay", 0,
		    "lowerdir=l,upperdir=u,workdir=w,userxattr"), "overlay");
	check(chdir("m"), "m");
	check(syscall(SYS_pivot_root, ".", "."), "pivot_root");
	check(umount2(".", MNT_DETACH), "umount2");
	run(args + 1);
}

/* args: a listed program over which the other is mounted, the command. */
static void mounted_over(char **args)
{
	check(unshare(CLONE_NEWUSER | CLONE_NEWNS), "unshare");
	check(mount(args[1], args[0], NULL, MS_BIND, NULL), args[0]);
	args[1] = args[0];
	run(args + 1);
}

/* args: the cgroup's folder, the command. */
static void in_cgroup(char **args)
{
	enter_cgroup(args[0]);
	run(args + 1);
}

/* What shows that a program runs. */
static void hello(char **args)
{
	(void)args;
}

const struct attempt execs[] = {
	{"hello", 0, hello},
	{"run", 1, run},
	{"folder-run", 2, in_folder},
	{"memory", 1, from_memory},
	{"unlinked", 1, from_unlinked},
	{"unlinked-proc", 1, from_unlinked_proc},
	{"empty-path", 1, by_empty_path},
	{"renamed-run", 2, renamed},
	{"preload", 2, with_preloaded},
	{"flip", 4, by_flipped_link},
	{"deep-run", 3, from_deep},
	{"thread", 1, from_thread},
	{"after-leader", 1, after_leader},
	{"vfork", 1, from_vfork},
	{"pid-namespace", 1, in_pid_namespace},
	{"int80-run", 1, by_int80},
	{"chroot-run", 2, in_chroot},
	{"image-run", 2, in_image},
	{"overlay-run", 2, in_overlay},
	{"mounted-over", 2, mounted_over},
	{"cgroup-run", 2, in_cgroup},
	{NULL, 0, NULL},
};
