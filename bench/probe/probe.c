// SPDX-License-Identifier: Apache-2.0
/*
 * Counts what calls cost. In a guest with icount a nanosecond is one instruction.
 *   probe write COUNT ROUNDS FD [PATH]
 *                                    ns a write(2) of one byte to /dev/null, or the same at PATH, open as FD
 *   probe connect COUNT ROUNDS PORT  ns a connect(2) of a UDP socket to that port of 127.0.0.1
 *   probe exec COUNT ROUNDS PROGRAM  ns a fork, exec and exit of PROGRAM
 *   probe cost PID write FD N...     CPU ns that process PID spends on N such writes, once settled
 *   probe cost PID exec PROGRAM N... the same for N fork, exec and exit
 *   probe idle PID SECONDS           CPU ns that process PID spends in that time, once settled
 *   probe flood SECONDS FD           writes so to FD for so long, as fast as it can
 * write, connect and exec print "least mean" over the rounds; cost prints a line for each N; flood prints how
 * many writes there were.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BURST_WRITES 100	/* then a pause, so that a reader on the same processor keeps up */
#define BURST_EXECS 10
#define PAUSE_NS 10000000
#define SETTLE_NS 300000000
#define SETTLED_NS 3000000	/* an idle process spends less than this in SETTLE_NS */

static void die(const char *what)
{
	fprintf(stderr, "probe: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t read_clock(clockid_t clock)
{
	struct timespec now;

	if (clock_gettime(clock, &now))
		die("clock_gettime");
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

static void sleep_ns(long ns)
{
	struct timespec time = {.tv_nsec = ns};

	nanosleep(&time, NULL);
}

static void open_null_as(int wanted, const char *path)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0 || (fd != wanted && dup2(fd, wanted) < 0))
		die(path);
	if (fd != wanted)
		close(fd);
}

static void write_many(int fd, long count)
{
	for (long i = 0; i < count; i++)
		if (write(fd, "x", 1) != 1)
			die("write");
}

static void exec_once(char *program)
{
	char *argv[] = {program, NULL}, *envp[] = {NULL};
	int status;
	pid_t child = fork();

	if (child == 0) {
		execve(program, argv, envp);
		_exit(127);
	}
	if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
		die(program);
}

static void exec_many(char *program, long count)
{
	for (long i = 0; i < count; i++)
		exec_once(program);
}

/* Nothing is sent: such a socket only keeps to whom it is connected. */
static void connect_many(int fd, int port, long count)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port),
				 .sin_addr = {htonl(INADDR_LOOPBACK)}};

	for (long i = 0; i < count; i++)
		if (connect(fd, (struct sockaddr *)&to, sizeof(to)))
			die("connect");
}

/* What is repeated: a write to `fd`, with `port` its connection, or with `program` its execution. */
struct work {
	char *program;
	int fd, port;
};

static void work_run(const struct work *work, long count)
{
	if (work->program)
		exec_many(work->program, count);
	else if (work->port)
		connect_many(work->fd, work->port, count);
	else
		write_many(work->fd, count);
}

static void measure(const struct work *work, long count, int rounds)
{
	double least = 0, sum = 0;

	work_run(work, count); /* caches, page tables and the kernel's own free lists fill */
	for (int round = 0; round < rounds; round++) {
		uint64_t before = read_clock(CLOCK_MONOTONIC);
		double each;

		work_run(work, count);
		each = (double)(read_clock(CLOCK_MONOTONIC) - before) / count;
		sum += each;
		if (round == 0 || each < least)
			least = each;
	}
	printf("%.2f %.2f\n", least, sum / rounds);
}

/* Returns the CPU time once the process has nothing left to do. */
static uint64_t wait_until_idle(clockid_t clock)
{
	uint64_t before = read_clock(clock), now;

	for (;;) {
		sleep_ns(SETTLE_NS);
		now = read_clock(clock);
		if (now - before < SETTLED_NS)
			return now;
		before = now;
	}
}

static void measure_cost(pid_t pid, const struct work *work, char **counts)
{
	long burst = work->program ? BURST_EXECS : BURST_WRITES;
	clockid_t clock;

	if (clock_getcpuclockid(pid, &clock))
		die("clock_getcpuclockid");
	for (; *counts; counts++) {
		long left = atol(*counts);
		uint64_t before = wait_until_idle(clock);

		for (; left > 0; left -= burst) {
			work_run(work, left < burst ? left : burst);
			sleep_ns(PAUSE_NS);
		}
		printf("%llu\n", (unsigned long long)(wait_until_idle(clock) - before));
		fflush(stdout);
	}
}

static void measure_idle(pid_t pid, long seconds)
{
	clockid_t clock;
	uint64_t before;

	if (clock_getcpuclockid(pid, &clock))
		die("clock_getcpuclockid");
	before = wait_until_idle(clock);
	sleep(seconds);
	printf("%llu\n", (unsigned long long)(read_clock(clock) - before));
}

static void flood(long seconds, int fd)
{
	uint64_t end = read_clock(CLOCK_MONOTONIC) + seconds * 1000000000ULL;
	unsigned long count = 0;

	for (; read_clock(CLOCK_MONOTONIC) < end; count += BURST_WRITES)
		write_many(fd, BURST_WRITES);
	printf("%lu\n", count);
}

static struct work work_of(const char *kind, char *subject, const char *null)
{
	struct work work = {0};

	if (!strcmp(kind, "exec")) {
		work.program = subject;
		return work;
	}
	if (!strcmp(kind, "connect")) {
		work.port = atoi(subject);
		work.fd = socket(AF_INET, SOCK_DGRAM, 0);
		if (work.fd < 0)
			die("socket");
		return work;
	}
	work.fd = atoi(subject);
	open_null_as(work.fd, null);
	return work;
}

int main(int argc, char **argv)
{
	struct work work;

	if (argc >= 6 && !strcmp(argv[1], "cost")) {
		work = work_of(argv[3], argv[4], "/dev/null");
		measure_cost(atoi(argv[2]), &work, argv + 5);
		return 0;
	}
	if (argc == 4 && !strcmp(argv[1], "idle")) {
		measure_idle(atoi(argv[2]), atol(argv[3]));
		return 0;
	}
	if (argc == 4 && !strcmp(argv[1], "flood")) {
		work = work_of("write", argv[3], "/dev/null");
		flood(atol(argv[2]), work.fd);
		return 0;
	}
	if ((argc != 5 && argc != 6) || (strcmp(argv[1], "write") && strcmp(argv[1], "exec") &&
			  strcmp(argv[1], "connect"))) {
		fprintf(stderr, "usage: see the head of probe.c\n");
		return 2;
	}
	work = work_of(argv[1], argv[4], argc == 6 ? argv[5] : "/dev/null");
	measure(&work, atol(argv[2]), atoi(argv[3]));
	return 0;
}
