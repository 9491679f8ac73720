// SPDX-License-Identifier: Apache-2.0
/*
 * Test support: ways to change what is in a file, each on a descriptor of its own. args: the file, and
 * for some another one in the same file system, whose content is taken.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>
#include "attempt.h"

static char text[] = "hi";
static struct iovec vector = {text, 2};

static int file(char **args)
{
	return check(open(args[0], O_RDWR), args[0]);
}

static int source(char **args)
{
	return check(open(args[1], O_RDONLY), args[1]);
}

static void by_write(char **args)
{
	check(write(file(args), text, 2), "write");
}

static void by_int80(char **args)
{
	check(int80(4, file(args), (long)text, 2, 0), "int $0x80");
}

static void by_int80_writev(char **args)
{
	static unsigned int vector32[2];

	vector32[0] = (unsigned long)text;
	vector32[1] = 2;
	check(int80(146, file(args), (long)vector32, 1, 0), "int $0x80 writev");
}

static void by_x32(char **args)
{
	check(syscall(0x40000000 | SYS_write, file(args), text, 2), "x32");
}

static void by_writev(char **args)
{
	check(writev(file(args), &vector, 1), "writev");
}

static void by_pwrite64(char **args)
{
	check(pwrite(file(args), text, 2, 0), "pwrite64");
}

static void by_pwritev2(char **args)
{
	check(pwritev2(file(args), &vector, 1, 0, 0), "pwritev2");
}

static void by_sendfile(char **args)
{
	check(sendfile(file(args), source(args), NULL, 2), "sendfile");
}

static void by_splice(char **args)
{
	int ends[2], to = file(args);

	if (pipe(ends) || write(ends[1], text, 2) != 2)
		fail("pipe");
	check(splice(ends[0], NULL, to, NULL, 2, 0), "splice");
}

static void by_copy_file_range(char **args)
{
	check(copy_file_range(source(args), NULL, file(args), NULL, 2, 0), "copy_file_range");
}

static void by_mmap(char **args)
{
	char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file(args), 0);

	if (page == MAP_FAILED)
		fail("mmap");
	memcpy(page, text, 2);
}

/* The mapping is made for reading alone. */
static void by_mprotect(char **args)
{
	char *page = mmap(NULL, 4096, PROT_READ, MAP_SHARED, file(args), 0);

	if (page == MAP_FAILED)
		fail("mmap");
	check(mprotect(page, 4096, PROT_READ | PROT_WRITE), "mprotect");
	memcpy(page, text, 2);
}

static void by_ftruncate(char **args)
{
	check(ftruncate(file(args), 0), "ftruncate");
}

static void by_truncate(char **args)
{
	check(truncate(args[0], 0), "truncate");
}

static void by_open_truncating(char **args)
{
	check(open(args[0], O_WRONLY | O_TRUNC), "O_TRUNC");
}

static void by_fallocate(char **args)
{
	check(fallocate(file(args), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 2), "fallocate");
}

static void by_clone(char **args)
{
	check(ioctl(file(args), FICLONE, source(args)), "FICLONE");
}

static void by_aio(char **args)
{
	aio_context_t context = 0;
	struct iocb block = {
		.aio_lio_opcode = IOCB_CMD_PWRITE, .aio_fildes = file(args),
		.aio_buf = (unsigned long)text, .aio_nbytes = 2,
	};
	struct iocb *blocks[] = {&block};
	struct io_event event;

	check(syscall(SYS_io_setup, 1, &context), "io_setup");
	check(syscall(SYS_io_submit, context, 1, blocks), "io_submit");
	check(syscall(SYS_io_getevents, context, 1, 1, &event, NULL), "io_getevents");
	if ((long)event.res < 0) {
		errno = -event.res;
		fail("a write by aio");
	}
}

static struct io_uring_sqe writing(int opcode, int to)
{
	return (struct io_uring_sqe){.opcode = opcode, .fd = to, .addr = (unsigned long)text, .len = 2};
}

static void by_uring(char **args)
{
	struct uring ring;

	uring_open(&ring);
	check(uring_do(&ring, writing(IORING_OP_WRITE, file(args))), "a write by io_uring");
}

/* From a buffer that was registered, to a file that was registered and has no descriptor any more. */
static void by_uring_registered(char **args)
{
	struct uring ring;
	struct io_uring_sqe entry;
	int to = file(args);

	uring_open(&ring);
	check(uring_register(&ring, IORING_REGISTER_BUFFERS, &vector, 1), "buffers");
	check(uring_register(&ring, IORING_REGISTER_FILES, &to, 1), "files");
	close(to);
	entry = writing(IORING_OP_WRITE_FIXED, 0);
	entry.flags = IOSQE_FIXED_FILE;
	check(uring_do(&ring, entry), "a write by io_uring");
}

/* The file is opened by io_uring and never has a descriptor. */
static void by_uring_alone(char **args)
{
	struct uring ring;
	struct io_uring_sqe entry;
	int none = -1;

	uring_open(&ring);
	check(uring_register(&ring, IORING_REGISTER_FILES, &none, 1), "files");
	entry = (struct io_uring_sqe){
		.opcode = IORING_OP_OPENAT, .fd = AT_FDCWD, .addr = (unsigned long)args[0],
		.open_flags = O_RDWR, .file_index = 1,
	};
	check(uring_do(&ring, entry), "an open by io_uring");
	entry = writing(IORING_OP_WRITE, 0);
	entry.flags = IOSQE_FIXED_FILE;
	check(uring_do(&ring, entry), "a write by io_uring");
}

const struct attempt writes[] = {
	{"write", 1, by_write},
	{"int80", 1, by_int80},
	{"int80-writev", 1, by_int80_writev},
	{"x32", 1, by_x32},
	{"writev", 1, by_writev},
	{"pwrite64", 1, by_pwrite64},
	{"pwritev2", 1, by_pwritev2},
	{"sendfile", 2, by_sendfile},
	{"splice", 1, by_splice},
	{"copy_file_range", 2, by_copy_file_range},
	{"mmap", 1, by_mmap},
	{"mprotect", 1, by_mprotect},
	{"ftruncate", 1, by_ftruncate},
	{"truncate", 1, by_truncate},
	{"open-truncating", 1, by_open_truncating},
	{"fallocate", 1, by_fallocate},
	{"clone", 2, by_clone},
	{"aio", 1, by_aio},
	{"uring", 1, by_uring},
	{"uring-registered", 1, by_uring_registered},
	{"uring-alone", 1, by_uring_alone},
	{NULL, 0, NULL},
};
