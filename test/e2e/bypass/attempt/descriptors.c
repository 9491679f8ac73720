// SPDX-License-Identifier: Apache-2.0
/*
 * Test support: ways that a descriptor of a file takes before it is written to by write(2). args: the
 * file; for some, which begin outside of it, the cgroup's folder.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "attempt.h"

static int opened(char **args)
{
	return check(open(args[0], O_WRONLY), args[0]);
}

static void write_to(int file)
{
	check(write(file, "hi", 2), "write");
}

static void by_dup(char **args)
{
	write_to(check(dup(opened(args)), "dup"));
}

static void by_dup2(char **args)
{
	int file = opened(args);

	check(dup2(file, 100), "dup2");
	close(file);
	write_to(100);
}

static void by_fcntl(char **args)
{
	write_to(check(fcntl(opened(args), F_DUPFD, 200), "F_DUPFD"));
}

static void by_fork(char **args)
{
	int file = opened(args), child = check(fork(), "fork");

	if (child == 0) {
		write_to(file);
		_exit(0);
	}
	wait_for(child);
}

/* A program that is given it: `attempt given 100`. */
static void by_exec(char **args)
{
	check(dup2(opened(args), 100), "dup2");
	execl("/proc/self/exe", "attempt", "given", "100", NULL);
	fail("/proc/self/exe");
}

static void given(char **args)
{
	write_to(atoi(args[0]));
}

static void by_socket(char **args)
{
	int ends[2], child;

	check(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), "socketpair");
	child = check(fork(), "fork");
	if (child == 0) {
		write_to(receive_descriptor(ends[1]));
		_exit(0);
	}
	send_descriptor(ends[0], opened(args));
	wait_for(child);
}

static void by_pidfd(char **args)
{
	int ends[2], child, process;
	char byte[1];

	check(pipe(ends), "pipe");
	child = check(fork(), "fork");
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		check(dup2(opened(args), 100), "dup2");
		check(write(ends[1], "", 1), "pipe");
		pause();
	}
	check(read(ends[0], byte, 1), "pipe");
	process = check(syscall(SYS_pidfd_open, child, 0), "pidfd_open");
	write_to(check(syscall(SYS_pidfd_getfd, process, 100, 0), "pidfd_getfd"));
}

static void by_path(char **args)
{
	char again[64];

	snprintf(again, sizeof(again), "/proc/self/fd/%ld", check(open(args[0], O_PATH), args[0]));
	write_to(check(open(again, O_WRONLY), again));
}

/* args: the file, the cgroup's folder. Opened before a policy holds for the process. */
static void opened_before(char **args)
{
	int file = opened(args);

	enter_cgroup(args[1]);
	write_to(file);
}

static void mapped_before(char **args)
{
	char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED,
			  check(open(args[0], O_RDWR), args[0]), 0);

	if (page == MAP_FAILED)
		fail("mmap");
	enter_cgroup(args[1]);
	page[0] = 'h';
}

/* From a process for which no policy holds. */
static void sent_from_outside(char **args)
{
	int ends[2], child;

	check(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), "socketpair");
	child = check(fork(), "fork");
	if (child == 0) {
		enter_cgroup(args[1]);
		write_to(receive_descriptor(ends[1]));
		_exit(0);
	}
	send_descriptor(ends[0], opened(args));
	wait_for(child);
}

const struct attempt descriptors[] = {
	{"dup", 1, by_dup},
	{"dup2", 1, by_dup2},
	{"fcntl", 1, by_fcntl},
	{"fork", 1, by_fork},
	{"exec", 1, by_exec},
	{"given", 1, given},
	{"socket", 1, by_socket},
	{"pidfd", 1, by_pidfd},
	{"path", 1, by_path},
	{"opened-before", 2, opened_before},
	{"mapped-before", 2, mapped_before},
	{"sent-from-outside", 2, sent_from_outside},
	{NULL, 0, NULL},
};
