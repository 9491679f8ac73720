// SPDX-License-Identifier: Apache-2.0
/*
 * Test support: makes forbidden calls beside a sibling that is preempted in the program of their hook.
 *
 *   preempt FOLDER FILE COUNT           opens the file so often, writes to it where it can, and prints how
 *                                       often it could open, and how many signals 10 it was sent
 *   preempt FOLDER FILE COUNT PROGRAM   runs a copy of this program so often, which opens the file, and
 *                                       prints how many ran, and how many of these could open
 *   preempt open FILE                   that copy: ends with 0 where it could
 *   preempt again                       the sibling of those
 *
 * Both run on one processor. The sibling, which has the least weight there is, opens a file so far below
 * the folder, or runs a program there, that the hook is busy with its path nearly always; whoever wakes
 * up meanwhile preempts it.
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define DEPTH 480

static volatile sig_atomic_t signals;

static void count_signal(int signal)
{
	signals++;
}

static int make_deep(const char *folder)
{
	int at = open(folder, O_PATH), below;

	for (int i = 0; at >= 0 && i < DEPTH; i++, at = below) {
		mkdirat(at, "deeper", 0700);
		below = openat(at, "deeper", O_PATH);
		close(at);
	}
	if (at < 0)
		err(2, "%s", folder);
	return at;
}

static void become_lightest(void)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (nice(19) != 19)
		err(2, "nice");
}

static void open_for_ever(int folder)
{
	become_lightest();
	for (;;) {
		int file = openat(folder, "x", O_RDONLY | O_CREAT, 0600);

		if (file < 0)
			err(2, "openat");
		close(file);
	}
}

/* Runs itself by the descriptor 3. */
static void run_again(void)
{
	char *args[] = {"preempt", "again", NULL}, *none[] = {NULL};

	execveat(3, "", args, none, AT_EMPTY_PATH);
	err(2, "execveat");
}

/* A copy of this program so far below the folder, which runs itself for ever. */
static void run_for_ever(int folder)
{
	int from = open("/proc/self/exe", O_RDONLY), to = openat(folder, "x", O_WRONLY | O_CREAT, 0700);
	char bytes[65536];
	ssize_t size;

	while ((size = read(from, bytes, sizeof(bytes))) > 0)
		if (write(to, bytes, size) != size)
			err(2, "write");
	close(to);
	if (dup2(openat(folder, "x", O_PATH), 3) < 0)
		err(2, "dup2");
	become_lightest();
	run_again();
}

/* How a child ended that runs the program: 0 where it could open the file, -1 where it was killed. */
static int run_once(char *program, char *file)
{
	int child = fork(), status;

	if (child < 0)
		err(2, "fork");
	if (child == 0) {
		execl(program, program, "open", file, NULL);
		err(2, "%s", program);
	}
	if (waitpid(child, &status, 0) < 0)
		err(2, "waitpid");
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void run_often(char *program, char *file, int times)
{
	int ran = 0, opened = 0;

	for (; times > 0; times--) {
		usleep(100 + rand() % 200);
		switch (run_once(program, file)) {
		case 0:
			opened++;
			/* fallthrough */
		case 1:
			ran++;
			break;
		case 2:
			errx(2, "%s: could not run", program);
		}
	}
	printf("ran %d opened %d\n", ran, opened);
}

int main(int count, char **args)
{
	struct sigaction action = {.sa_handler = count_signal};
	int opened = 0, folder;
	cpu_set_t one;

	if (count == 2 && !strcmp(args[1], "again"))
		run_again();
	if (count == 3 && !strcmp(args[1], "open"))
		return open(args[2], O_RDONLY) < 0;
	if (count < 4)
		errx(2, "FOLDER FILE COUNT");
	CPU_ZERO(&one);
	CPU_SET(0, &one);
	if (sched_setaffinity(0, sizeof(one), &one))
		err(2, "sched_setaffinity");
	folder = make_deep(args[1]);
	if (count == 5) {
		if (!fork())
			run_for_ever(folder);
		run_often(args[4], args[2], atoi(args[3]));
		return 0;
	}
	sigaction(SIGUSR1, &action, NULL);
	if (!fork())
		open_for_ever(folder);
	for (int left = atoi(args[3]); left > 0; left--) {
		int file;

		usleep(100 + rand() % 200);
		file = open(args[2], O_RDWR);
		if (file < 0)
			continue;
		opened++;
		if (write(file, "x", 1) < 0)
			err(2, "write");
		close(file);
	}
	printf("opened %d signals %d\n", opened, (int)signals);
	return 0;
}
