// SPDX-License-Identifier: Apache-2.0
/*
 * What a container runtime does to start a container, and what a container does to look like one.
 *
 *   runtime start CGROUP INIT...  enters the cgroup as it is, then does INIT
 *   runtime send CGROUP INIT...   makes a process in the cgroup that executes this program for INIT
 *   runtime move CGROUP INIT...   the same, of a process that it moves there before that executes anything
 *   runtime init INIT...          what such a process executes
 *   runtime run PROGRAM ARG...    executes a program of the root folder that it has
 *   runtime escape PROGRAM...     the same, with the host's root folder
 *
 * INIT is ROOT LOG PROGRAM ARG...: writes to LOG, makes ROOT, a mount, its root folder and executes PROGRAM.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static void append(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT, 0644);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		fail(path);
	close(fd);
}

static void run(char **program)
{
	execv(program[0], program);
	fail(program[0]);
}

static void enter_root(const char *root)
{
	if (unshare(CLONE_NEWNS) || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL))
		fail("unshare");
	if (chdir(root) || syscall(SYS_pivot_root, ".", ".") || umount2(".", MNT_DETACH))
		fail(root);
	if (chdir("/"))
		fail("/");
}

static void init(char **rest)
{
	append(rest[1], "entered\n");
	if (strcmp(rest[0], "/"))
		enter_root(rest[0]);
	run(rest + 2);
}

static void put(const char *cgroup, const char *pid)
{
	char procs[4096];

	snprintf(procs, sizeof(procs), "%s/cgroup.procs", cgroup);
	append(procs, pid);
}

static void start(char **rest)
{
	put(rest[0], "0");
	init(rest + 1);
}

/* self init ROOT... in the place of send CGROUP ROOT... */
static void execute_init(char **rest, char *self)
{
	rest[-1] = self;
	rest[0] = "init";
	execv("/proc/self/exe", rest - 1);
	fail("/proc/self/exe");
}

static int await(pid_t pid)
{
	int status;

	if (waitpid(pid, &status, 0) != pid)
		fail("waitpid");
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static int send_to(char **rest, char *self)
{
	struct clone_args args = {.flags = CLONE_INTO_CGROUP, .exit_signal = SIGCHLD};
	long pid;

	args.cgroup = open(rest[0], O_RDONLY | O_DIRECTORY);
	pid = syscall(SYS_clone3, &args, sizeof(args));
	if (pid < 0)
		fail("clone3");
	if (pid == 0)
		execute_init(rest, self);
	return await(pid);
}

static int move_to(char **rest, char *self)
{
	char text[16], byte;
	int moved[2];
	pid_t pid;

	if (pipe(moved))
		fail("pipe");
	pid = fork();
	if (pid < 0)
		fail("fork");
	if (pid == 0) {
		close(moved[1]);
		if (read(moved[0], &byte, 1) != 0)
			fail("moved");
		execute_init(rest, self);
	}
	snprintf(text, sizeof(text), "%d", pid);
	put(rest[0], text);
	close(moved[1]);
	return await(pid);
}

int main(int argc, char **argv)
{
	const char *mode = argc > 2 ? argv[1] : "";

	if (!strcmp(mode, "start"))
		start(argv + 2);
	if (!strcmp(mode, "send"))
		return send_to(argv + 2, argv[0]);
	if (!strcmp(mode, "move"))
		return move_to(argv + 2, argv[0]);
	if (!strcmp(mode, "init"))
		init(argv + 2);
	if (!strcmp(mode, "run"))
		run(argv + 2);
	if (!strcmp(mode, "escape")) {
		if (chroot("/proc/1/root") || chdir("/"))
			fail("/proc/1/root");
		run(argv + 2);
	}
	fprintf(stderr, "runtime: unknown mode %s\n", mode);
	return 2;
}
