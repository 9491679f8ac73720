// SPDX-License-Identifier: Apache-2.0
/*
 * Test support: makes the system calls that it is told to on standard input, one a line, and nothing
 * else that the oracle's policies hook: it reads with read(2) and answers, by the
 * socket that standard output is, with sendto(2). Each call
 * comes after getpriority(1000, its number), which marks the call's events.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile sig_atomic_t first, second;
static char results[1 << 16];
static size_t used;

static void count(int signal)
{
	*(signal == SIGUSR1 ? &first : &second) += 1;
}

static void answer(const char *text, size_t size)
{
	if (send(1, text, size, 0) < 0)
		_exit(3);
}

/* Reads up to a newline, which becomes NUL. */
static void read_line(char *line, size_t size)
{
	for (size_t at = 0; at < size; at++) {
		if (read(0, line + at, 1) != 1)
			_exit(0); /* the test is over */
		if (line[at] == '\n') {
			line[at] = 0;
			return;
		}
	}
	_exit(4);
}

static unsigned char address[28];

/* Reads `text` into `address`: how many bytes. */
static size_t read_hex(const char *text)
{
	size_t size = 0;

	for (; text[2 * size] && size < sizeof(address); size++)
		sscanf(text + 2 * size, "%2hhx", &address[size]);
	return size;
}

static struct iovec parts[8];

/* Cuts `text` where `cuts` says, in ascending order (`1,3`, or `-`): how many parts. */
static int cut(char *text, char *cuts)
{
	size_t size = strlen(text), at = 0;
	int count = 0;

	if (text[0] == '-') { /* no memory of ours */
		parts[0] = (struct iovec){.iov_base = (void *)8, .iov_len = 4};
		return 1;
	}
	for (char *one = strtok(cuts, ",-"); one; one = strtok(NULL, ",-")) {
		size_t end = strtoul(one, NULL, 10);

		if (end > size)
			end = size;
		parts[count++] = (struct iovec){.iov_base = text + at, .iov_len = end - at};
		at = end;
	}
	parts[count++] = (struct iovec){.iov_base = text + at, .iov_len = size - at};
	return count;
}

/* Sockets with descriptors from 100 on, in the order of oracle-model.ts. */
static void make_sockets(void)
{
	static const int kinds[][2] = {{AF_INET, SOCK_DGRAM}, {AF_INET6, SOCK_DGRAM},
				       {AF_INET, SOCK_STREAM}, {AF_UNIX, SOCK_STREAM}};

	for (int i = 0; i < 4; i++) {
		int fd = socket(kinds[i][0], kinds[i][1], 0);

		if (fd < 0 || dup2(fd, 100 + i) < 0)
			_exit(6);
		close(fd);
	}
}

/* Runs `path`, which ends at once; the child's signals are its default ones. */
static long run(const char *path, int *killed_by)
{
	int status = 0;
	pid_t child = fork();

	if (child == 0) {
		signal(SIGUSR1, SIG_DFL);
		signal(SIGUSR2, SIG_DFL);
		execl(path, path, "end", NULL);
		_exit(5);
	}
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	*killed_by = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
	return child;
}

/* What policies hook by a uprobe. */
__attribute__((noinline, noipa)) long oracle_call(unsigned long fd, const char *text, unsigned long size)
{
	return 7;
}

static void call(int number, const char *line)
{
	char kind = line[0], text[512] = "", cuts[64] = "";
	int count = 0;
	unsigned long a = 0, b = 0;
	long result = 0;
	int killed_by = 0;

	first = second = 0;
	if (kind == 'o' || kind == 'n' || kind == 'x')
		sscanf(line + 2, "%511s", text);
	else if (kind == 'v' || kind == 'm')
		sscanf(line + 2, "%lu %63s %511s", &a, cuts, text);
	else if (kind == 'b')
		sscanf(line + 2, "%lu %511s", &a, text);
	else
		sscanf(line + 2, "%lu %lu %511s", &a, &b, text);
	if (kind == 'v' || kind == 'm')
		count = cut(text, cuts);
	syscall(SYS_getpriority, 1000, number);
	errno = 0;
	switch (kind) {
	case 'o':
		result = syscall(SYS_openat, AT_FDCWD, text, O_RDONLY);
		break;
	case 'd':
		result = syscall(SYS_dup, a);
		break;
	case 'c':
		result = syscall(SYS_close, a);
		break;
	case 'w': /* without a text the buffer is no memory of ours */
		result = syscall(SYS_write, a, text[0] == '-' ? (void *)8 : text, b);
		break;
	case 'v':
		result = syscall(SYS_pwritev, a, parts, count, 0, 0);
		break;
	case 'm': /* to a socket without a peer, so that nothing comes of it */
		result = syscall(SYS_writev, a, parts, count);
		break;
	case 'f':
		result = syscall(SYS_fcntl, a, b, strtoul(text, NULL, 10));
		break;
	case 'b': /* to an address that is none of this machine's, so that nothing comes of it */
		result = syscall(SYS_bind, a, address, read_hex(text));
		break;
	case 'u':
		result = oracle_call(a, text[0] == '-' ? (void *)8 : text, b);
		errno = result == -1; /* it was overridden */
		break;
	case 's':
		result = syscall(SYS_lseek, a, b, SEEK_SET);
		break;
	case 'n':
		result = syscall(SYS_prctl, PR_SET_NAME, text);
		break;
	case 'x':
		result = run(text, &killed_by);
		break;
	}
	used += snprintf(results + used, sizeof(results) - used, "%ld %d %d %d %d\n", result, errno,
			 (int)first, (int)second, killed_by);
}

int main(int count_of_args, char **args)
{
	char line[1024];
	int number = 0;

	if (count_of_args > 1)
		return 0;
	signal(SIGUSR1, count);
	signal(SIGUSR2, count);
	make_sockets();
	answer("ready\n", 6);
	for (;;) {
		read_line(line, sizeof(line));
		if (line[0] != '.') {
			call(number++, line);
			continue;
		}
		syscall(SYS_getpriority, 1000, -1);
		syscall(SYS_close_range, 3, 99, 0);
		memcpy(results + used, ".\n", 2);
		answer(results, used + 2);
		used = number = 0;
	}
}
