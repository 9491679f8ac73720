// SPDX-License-Identifier: Apache-2.0
/*
 * Test support: attempts to have an open file that is not followed.
 *
 *   follow hold FILE COUNT       opens it so often, says `held`, and waits
 *   follow share FILE            a process with the same descriptors opens it; writes by those
 *   follow send CGROUP FILE ROUNDS   a process moves to the cgroup, opens it in one thread and sends it by
 *                                another; whoever receives it writes. Says how many had it, and wrote
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void hold(const char *path, int count)
{
	for (int i = 0; i < count; i++)
		if (open(path, O_RDONLY) < 0)
			err(2, "%s", path);
	puts("held");
	fflush(stdout);
	pause();
}

static void share(const char *path)
{
	long child = syscall(SYS_clone, CLONE_FILES | SIGCHLD, 0, 0, 0, 0);
	int wrote = 0, status;

	if (child < 0)
		err(2, "clone");
	if (child == 0) {
		open(path, O_WRONLY);
		_exit(0);
	}
	waitpid(child, &status, 0);
	for (int fd = 3; fd < 16; fd++)
		if (fcntl(fd, F_GETFD) >= 0 && write(fd, "shared", 6) == 6)
			wrote++;
	printf("wrote %d\n", wrote);
}

static int ends[2];
static volatile int sending;

static void send_descriptor(int fd)
{
	char byte = 0, control[CMSG_SPACE(sizeof(int))] = {};
	struct iovec part = {.iov_base = &byte, .iov_len = 1};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1,
				 .msg_control = control, .msg_controllen = sizeof(control)};
	struct cmsghdr *head = CMSG_FIRSTHDR(&message);

	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(head), &fd, sizeof(fd));
	sendmsg(ends[1], &message, MSG_DONTWAIT);
}

static void *send_early(void *fd)
{
	sending = 1;
	for (;;)
		send_descriptor((long)fd);
	return NULL;
}

static void open_and_send(const char *cgroup, const char *path)
{
	int procs = open(cgroup, O_WRONLY), next;
	pthread_t thread;

	if (procs < 0 || write(procs, "0", 1) != 1)
		err(2, "%s", cgroup);
	close(procs);
	next = dup(0);
	close(next);
	pthread_create(&thread, NULL, send_early, (void *)(long)next);
	while (!sending)
		;
	open(path, O_WRONLY | O_APPEND);
	send_descriptor(next);
	_exit(0);
}

static int receive(void)
{
	char byte, control[CMSG_SPACE(sizeof(int))];
	struct iovec part = {.iov_base = &byte, .iov_len = 1};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1,
				 .msg_control = control, .msg_controllen = sizeof(control)};
	int fd;

	if (recvmsg(ends[0], &message, MSG_DONTWAIT) != 1 || !CMSG_FIRSTHDR(&message))
		return -1;
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
	return fd;
}

static void send_all(const char *cgroup, const char *path, int rounds)
{
	int had = 0, wrote = 0, status;

	for (int round = 0; round < rounds; round++) {
		if (socketpair(AF_UNIX, SOCK_DGRAM, 0, ends))
			err(2, "socketpair");
		if (fork() == 0)
			open_and_send(cgroup, path);
		wait(&status);
		if (fork() == 0) {
			int fd = receive();

			_exit(fd < 0 ? 0 : write(fd, "sent", 4) == 4 ? 2 : 1);
		}
		wait(&status);
		had += WIFSIGNALED(status) || WEXITSTATUS(status) != 0;
		wrote += WIFEXITED(status) && WEXITSTATUS(status) == 2;
		close(ends[0]);
		close(ends[1]);
	}
	printf("had %d wrote %d\n", had, wrote);
}

int main(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[1], "hold"))
		hold(argv[2], atoi(argv[3]));
	else if (argc == 3 && !strcmp(argv[1], "share"))
		share(argv[2]);
	else if (argc == 5 && !strcmp(argv[1], "send"))
		send_all(argv[2], argv[3], atoi(argv[4]));
	else
		return 2;
	return 0;
}
