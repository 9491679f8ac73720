// `fork-storm FIRST COUNT`: makes COUNT short-lived processes, one after the other, numbered from FIRST on,
// and prints the number and the pid of each. Each calls getpriority(2) with its number; the odd ones run
// this program again before. A process ends with the last 7 bits of its number.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

static void end(int number)
{
	getpriority(PRIO_PROCESS, number);
	_exit(number & 127);
}

int main(int argc, char **argv)
{
	int first, count;

	if (argc == 3 && strcmp(argv[1], "one") == 0)
		end(atoi(argv[2]));
	if (argc != 3)
		return 99;
	first = atoi(argv[1]);
	count = atoi(argv[2]);
	for (int number = first; number < first + count; number++) {
		char text[16];
		int status;
		pid_t pid;

		snprintf(text, sizeof(text), "%d", number);
		pid = fork();
		if (pid < 0)
			return 98;
		if (pid == 0) {
			if ((number & 1) == 0)
				end(number);
			execl(argv[0], argv[0], "one", text, NULL);
			_exit(97);
		}
		if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status) ||
		    WEXITSTATUS(status) != (number & 127))
			return 96;
		printf("%d %d\n", number, pid);
	}
	return 0;
}
