// SPDX-License-Identifier: Apache-2.0
/*
 * Test support: makes forbidden calls beside a sibling that is preempted in the program of their hook.
 *
 *   preempt FOLDER FILE COUNT   opens the file so often, writes to it where it can, and prints how often
 *                               it could open, and how many signals 10 it was sent
 *
 * Both run on one processor. The sibling, which has the least weight there is, opens a file so far below
 * the folder that the hook is busy with its path nearly always; whoever wakes up meanwhile preempts it.
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
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

static void open_for_ever(int folder)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (nice(19) != 19)
		err(2, "nice");
	for (;;) {
		int file = openat(folder, "x", O_RDONLY | O_CREAT, 0600);

		if (file < 0)
			err(2, "openat");
		close(file);
	}
}

int main(int count, char **args)
{
	struct sigaction action = {.sa_handler = count_signal};
	int opened = 0, folder;
	cpu_set_t one;

	if (count != 4)
		errx(2, "FOLDER FILE COUNT");
	CPU_ZERO(&one);
	CPU_SET(0, &one);
	if (sched_setaffinity(0, sizeof(one), &one))
		err(2, "sched_setaffinity");
	folder = make_deep(args[1]);
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
