/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Test support: what the parts of attempt.c share. A part has one function for each of its attempts,
 * which returns when the attempt got through.
 */
#ifndef ATTEMPT_H
#define ATTEMPT_H

#include <linux/io_uring.h>

/* How an attempt ends that did not get through. */
enum {
	DENIED = 1,  /* with EPERM, as a policy denies */
	BROKEN = 2,  /* it could not be made, for another reason */
	LACKING = 3, /* the kernel has no such thing */
};

/* Ends the process as `errno` says. */
void fail(const char *what) __attribute__((noreturn));
/* The same where `result` is negative; otherwise the result. */
long check(long result, const char *what);
/* Waits for a child's end, and ends as it did unless it got through. */
void wait_for(int child);
/* The same, and ends with 0 otherwise. */
void end_as(int child) __attribute__((noreturn));

/* One attempt: its name on the command line, how many arguments it takes at least. */
struct attempt {
	const char *name;
	int args;
	void (*make)(char **args);
};
extern const struct attempt execs[], paths[], writes[], descriptors[], connects[];

/* A system call by int $0x80; pointers must be below 4 GiB. Sets errno and returns -1 as others. */
long int80(long number, long b, long c, long d, long si);

/* One operation by io_uring, on a ring of its own; its result, or -1 with errno. */
struct uring {
	int fd;
	struct io_uring_params params;
	char *submission, *completion;
	struct io_uring_sqe *entries;
};
void uring_open(struct uring *ring);
long uring_do(struct uring *ring, struct io_uring_sqe entry);
long uring_register(struct uring *ring, unsigned int what, void *of, unsigned int count);

/* Sends and receives a descriptor over a socket. */
void send_descriptor(int socket, int descriptor);
int receive_descriptor(int socket);
/* Opens a folder that many folders below another, which it makes. */
int open_below(const char *folder, int depth);
/* Moves this process to the cgroup in that folder. */
void enter_cgroup(const char *folder);

#endif
