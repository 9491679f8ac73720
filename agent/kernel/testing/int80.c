/*
 * Makes system calls by int 0x80, the entry of 32-bit processes, which 64-bit ones can use as well.
 * Built without PIE, so that what it points to is below 4 GiB. int80.guest.test.ts runs it:
 *
 *   both          writes "32" by int 0x80, then "64" by the system call of its own architecture
 *   write FILE    opens, writes and closes FILE by int 0x80 alone; prints what write returned
 *   high          writes "32" with the upper halves of its registers set
 *   lseek         lseek(0, -5, SEEK_CUR) by int 0x80
 *   connect       connect(2), then the same as a socketcall; prints what each returned
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static char path[256];
static const char text[] = "32\n";

static long int80(long number, long b, long c, long d, long si)
{
	long result = number;

	asm volatile("int $0x80"
		     : "+a"(result)
		     : "b"(b), "c"(c), "d"(d), "S"(si)
		     : "memory", "r8", "r9", "r10", "r11");
	return (int)result;
}

static int connect_both_ways(void)
{
	static struct sockaddr_un to = {.sun_family = AF_UNIX, .sun_path = "/nowhere"};
	static unsigned int args[3];
	long direct = int80(362, 0, (long)&to, sizeof(to), 0), muxed;

	args[0] = 0;
	args[1] = (unsigned int)(long)&to;
	args[2] = sizeof(to);
	muxed = int80(102, 3 /* SYS_CONNECT */, (long)args, 0, 0);
	printf("%ld %ld\n", direct, muxed);
	return 0;
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "both";
	const long high = 0x7badc0deL << 32;

	if (!strcmp(mode, "both")) {
		int80(4, 1, (long)text, 3, 0);
		return write(1, "64\n", 3) == 3 ? 0 : 1;
	}
	if (!strcmp(mode, "write") && argc > 2) {
		strncpy(path, argv[2], sizeof(path) - 1);
		long fd = int80(295, AT_FDCWD, (long)path, O_WRONLY | O_CREAT, 0600);
		long written = int80(4, fd, (long)text, 3, 0);
		long closed = int80(6, fd, 0, 0, 0);

		printf("%s %ld %ld\n", fd < 0 ? "not open" : "open", written, closed);
		return 0;
	}
	if (!strcmp(mode, "high")) {
		int80(4, high | 1, high | (long)text, high | 3, 0);
		return 0;
	}
	if (!strcmp(mode, "lseek"))
		return (int80(19, 0, -5, SEEK_CUR, 0), 0);
	if (!strcmp(mode, "connect"))
		return connect_both_ways();
	return 2;
}
