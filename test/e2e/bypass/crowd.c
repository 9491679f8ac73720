// SPDX-License-Identifier: Apache-2.0
/*
 * Test support: takes the room of a table in the kernel, says `held`, and keeps it until it is killed.
 *
 *   crowd opens FILE COUNT      so many threads open a FIFO that nobody writes to: their calls last
 *   crowd sockets PORT COUNT    so many connections that are refused, and stay open
 *   crowd processes COUNT       so many processes
 *   crowd leaderless COUNT      so many processes whose first thread has ended
 *   crowd exec PROGRAM          runs a program from a thread when the first one has ended
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void start(void *(*run)(void *), void *with)
{
	pthread_attr_t attributes;
	pthread_t thread;

	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, 16384);
	if (pthread_create(&thread, &attributes, run, with))
		err(2, "pthread_create");
}

static void hold(void)
{
	puts("held");
	fflush(stdout);
	for (;;)
		pause();
}

static void *open_one(void *path)
{
	open(path, O_RDONLY);
	return NULL;
}

static void connect_one(int port)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0)
		err(2, "socket");
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	connect(fd, (struct sockaddr *)&to, sizeof(to));
}

/* A child that goes with its parent; `run` never returns. */
static void spawn(void (*run)(void))
{
	int child = fork();

	if (child < 0)
		err(2, "fork");
	if (child)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	run();
	_exit(0);
}

static void wait_forever(void)
{
	for (;;)
		pause();
}

static int ready[2];

static void *when_alone(void *program)
{
	char path[64], state;
	FILE *stat;

	snprintf(path, sizeof(path), "/proc/%d/stat", getpid());
	do { /* the first thread is a zombie once it has ended */
		stat = fopen(path, "r");
		if (!stat || fscanf(stat, "%*d (%*[^)]) %c", &state) != 1)
			err(2, "%s", path);
		fclose(stat);
	} while (state != 'Z');
	if (program) {
		execl(program, program, NULL);
		err(2, "%s", (char *)program);
	}
	if (write(ready[1], "", 1) != 1)
		err(2, "write");
	wait_forever();
	return NULL;
}

static void end_first_thread(void)
{
	start(when_alone, NULL);
	syscall(SYS_exit, 0);
}

int main(int argc, char **argv)
{
	const char *what = argc > 2 ? argv[1] : "";
	int count = atoi(argv[argc - 1]);
	struct rlimit files = {65536, 65536};
	char byte;

	setrlimit(RLIMIT_NOFILE, &files);
	if (!strcmp(what, "opens")) {
		for (int i = 0; i < count; i++)
			start(open_one, argv[2]);
	} else if (!strcmp(what, "sockets")) {
		for (int i = 0; i < count; i++)
			connect_one(atoi(argv[2]));
	} else if (!strcmp(what, "processes")) {
		for (int i = 0; i < count; i++)
			spawn(wait_forever);
	} else if (!strcmp(what, "leaderless")) {
		if (pipe(ready))
			err(2, "pipe");
		for (int i = 0; i < count; i++) {
			spawn(end_first_thread);
			if (read(ready[0], &byte, 1) != 1)
				err(2, "read");
		}
	} else if (!strcmp(what, "exec")) {
		start(when_alone, argv[2]);
		syscall(SYS_exit, 0);
	} else {
		errx(2, "see crowd.c");
	}
	hold();
}
