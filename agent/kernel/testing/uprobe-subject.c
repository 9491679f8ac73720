// SPDX-License-Identifier: Apache-2.0
/* Test support: calls its own functions, which uprobes are on. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define FUNCTION __attribute__((noinline, noipa))

/* Counts who listens to `counted` (a USDT probe's semaphore). */
volatile unsigned short listeners __attribute__((section(".probes")));

FUNCTION int greet(const char *name, int times, long mark)
{
	return times + 1;
}

FUNCTION int counted(int number)
{
	return number;
}

/* A page that is in no memory yet. */
static const char *untouched(void)
{
	return mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

int main(int count, char **args)
{
	const char *name = count > 1 ? args[1] : "world";
	char line[16];

	if (!strcmp(name, "wait")) { /* once for each line, and then for what follows */
		while (fgets(line, sizeof(line), stdin)) {
			printf("%d\n", greet(line, 1, 0));
			fflush(stdout);
		}
		return 0;
	}
	if (!strcmp(name, "untouched"))
		name = untouched();
	else if (!strcmp(name, "kernel")) /* an address that a process cannot have */
		name = (const char *)strtoul(args[2], NULL, 16);
	printf("%d\n", greet(name, count > 2 ? atoi(args[2]) : 1, -5));
	printf("%d %d\n", counted(3), listeners);
	return 0;
}
