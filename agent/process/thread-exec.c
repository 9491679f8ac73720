// A thread that is not its process's first one runs argv[1] with the rest.
#include <pthread.h>
#include <unistd.h>

static void *run(void *argv)
{
	char **args = argv;

	execv(args[1], args + 1);
	_exit(99);
}

int main(int argc, char **argv)
{
	pthread_t thread;

	pthread_create(&thread, NULL, run, argv);
	for (;;)
		pause();
}
