// SPDX-License-Identifier: Apache-2.0
/*
 * Test support: one attempt to get around a policy, then `survived` on standard output. It fails with
 * what went wrong where the attempt itself could not be made.
 *
 *   attempt memory PROGRAM [ARG...]   runs the program from memory: its file has no path
 *   attempt unread FILE               writes a page that is not in memory yet
 */
#define _GNU_SOURCE
#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

extern char **environ;

static void run_from_memory(char **command)
{
	int from = open(command[0], O_RDONLY), memory = memfd_create("attempt", MFD_CLOEXEC);
	struct stat about;

	if (from < 0 || memory < 0 || fstat(from, &about))
		err(2, "%s", command[0]);
	if (sendfile(memory, from, NULL, about.st_size) != about.st_size)
		err(2, "sendfile");
	fexecve(memory, command, environ);
	err(2, "fexecve");
}

static void write_unread(const char *path)
{
	int file = open(path, O_RDONLY), to = open("/tmp/unread-copy", O_WRONLY | O_CREAT, 0600);
	char *page;

	page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, file, 0);
	if (page == MAP_FAILED || to < 0)
		err(2, "%s", path);
	if (write(to, page, 4) != 4)
		err(2, "write");
}

static int is(char **args, const char *name, int count)
{
	return args[1] && !strcmp(args[1], name) && count >= 3;
}

int main(int count, char **args)
{
	if (is(args, "memory", count))
		run_from_memory(args + 2);
	else if (is(args, "unread", count))
		write_unread(args[2]);
	else
		errx(2, "an unknown attempt");
	puts("survived");
	return 0;
}
