// SPDX-License-Identifier: Apache-2.0
/*
 * Test support: one attempt to get around a policy, then `survived` on standard output.
 *
 *   attempt NAME ARGUMENT...   the names are at the end of execs.c, paths.c, writes.c...
 */
#define _GNU_SOURCE
#include "attempt.h"
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

void fail(const char *what)
{
	int error = errno, lacking = error == ENOSYS || error == EOPNOTSUPP || error == ENOTTY ||
				     error == EPROTONOSUPPORT || error == EAFNOSUPPORT || error == ENODEV ||
				     error == ENOEXEC;

	warn("%s", what);
	_exit(error == EPERM ? DENIED : lacking ? LACKING : BROKEN);
}

long check(long result, const char *what)
{
	if (result < 0)
		fail(what);
	return result;
}

void wait_for(int child)
{
	int status;

	check(waitpid(child, &status, __WALL), "waitpid");
	if (WIFSIGNALED(status))
		raise(WTERMSIG(status));
	if (WEXITSTATUS(status))
		_exit(WEXITSTATUS(status));
}

void end_as(int child)
{
	wait_for(child);
	_exit(0);
}

long int80(long number, long b, long c, long d, long si)
{
	long result = number;

	asm volatile("int $0x80"
		     : "+a"(result)
		     : "b"(b), "c"(c), "d"(d), "S"(si)
		     : "memory", "r8", "r9", "r10", "r11");
	result = (int)result;
	if (result >= 0)
		return result;
	errno = -result;
	return -1;
}

union control {
	struct cmsghdr header;
	char bytes[CMSG_SPACE(sizeof(int))];
};

static struct msghdr a_message(union control *control, struct iovec *vector)
{
	return (struct msghdr){
		.msg_iov = vector, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(*control),
	};
}

void send_descriptor(int socket, int descriptor)
{
	char byte = 0;
	struct iovec vector = {&byte, 1};
	union control control = {.header = {CMSG_LEN(sizeof(int)), SOL_SOCKET, SCM_RIGHTS}};
	struct msghdr message = a_message(&control, &vector);

	memcpy(CMSG_DATA(&control.header), &descriptor, sizeof(int));
	check(sendmsg(socket, &message, 0), "sendmsg");
}

int receive_descriptor(int socket)
{
	char byte;
	int descriptor;
	struct iovec vector = {&byte, 1};
	union control control;
	struct msghdr message = a_message(&control, &vector);

	if (check(recvmsg(socket, &message, 0), "recvmsg") != 1 || !CMSG_FIRSTHDR(&message))
		errx(BROKEN, "no descriptor came");
	memcpy(&descriptor, CMSG_DATA(&control.header), sizeof(int));
	return descriptor;
}

int open_below(const char *folder, int depth)
{
	int at = check(open(folder, O_PATH), folder);

	for (; depth > 0; depth--) {
		int below;

		mkdirat(at, "deeper", 0700);
		below = check(openat(at, "deeper", O_PATH), "deeper");
		close(at);
		at = below;
	}
	return at;
}

void enter_cgroup(const char *folder)
{
	int at = check(open(folder, O_PATH), folder);
	int processes = check(openat(at, "cgroup.procs", O_WRONLY), "cgroup.procs");

	check(write(processes, "0", 1), "cgroup.procs");
	close(processes);
	close(at);
}

int main(int count, char **args)
{
	static const struct attempt *const parts[] = {execs, paths, writes, descriptors, connects};

	for (unsigned int part = 0; part < sizeof(parts) / sizeof(parts[0]); part++) {
		for (const struct attempt *one = parts[part]; one->name; one++) {
			if (count < 2 || strcmp(one->name, args[1]) || count - 2 < one->args)
				continue;
			one->make(args + 2);
			puts("survived");
			return 0;
		}
	}
	errx(BROKEN, "an unknown attempt, or too few arguments");
}
