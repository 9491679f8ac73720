// SPDX-License-Identifier: Apache-2.0
/* Test support: io_uring without a library, one operation at a time. */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "attempt.h"

static char *map(int fd, unsigned long bytes, long offset)
{
	char *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, offset);

	if (at == MAP_FAILED)
		fail("mmap of a ring");
	return at;
}

void uring_open(struct uring *ring)
{
	struct io_uring_params *is = &ring->params;

	memset(ring, 0, sizeof(*ring));
	ring->fd = check(syscall(SYS_io_uring_setup, 4, is), "io_uring_setup");
	ring->submission = map(ring->fd, is->sq_off.array + is->sq_entries * sizeof(int), IORING_OFF_SQ_RING);
	ring->completion = map(ring->fd, is->cq_off.cqes + is->cq_entries * sizeof(struct io_uring_cqe),
			       IORING_OFF_CQ_RING);
	ring->entries = (void *)map(ring->fd, is->sq_entries * sizeof(struct io_uring_sqe), IORING_OFF_SQES);
}

long uring_do(struct uring *ring, struct io_uring_sqe entry)
{
	const struct io_uring_params *is = &ring->params;
	unsigned int *sq_tail = (void *)(ring->submission + is->sq_off.tail);
	unsigned int *cq_head = (void *)(ring->completion + is->cq_off.head);
	unsigned int mask = *(unsigned int *)(ring->submission + is->sq_off.ring_mask);
	unsigned int *array = (void *)(ring->submission + is->sq_off.array), at = *sq_tail & mask;
	struct io_uring_cqe *done;
	int result;

	ring->entries[at] = entry;
	array[at] = at;
	__atomic_store_n(sq_tail, *sq_tail + 1, __ATOMIC_RELEASE);
	check(syscall(SYS_io_uring_enter, ring->fd, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0), "io_uring_enter");
	mask = *(unsigned int *)(ring->completion + is->cq_off.ring_mask);
	done = (struct io_uring_cqe *)(ring->completion + is->cq_off.cqes) + (*cq_head & mask);
	result = done->res;
	__atomic_store_n(cq_head, *cq_head + 1, __ATOMIC_RELEASE);
	if (result >= 0)
		return result;
	errno = -result;
	return -1;
}

long uring_register(struct uring *ring, unsigned int what, void *of, unsigned int count)
{
	return syscall(SYS_io_uring_register, ring->fd, what, of, count);
}
