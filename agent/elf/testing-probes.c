// SPDX-License-Identifier: Apache-2.0
/* Test support: a program with probes as sys/sdt.h makes them (.note.stapsdt), in each way that an argument is written. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* Counts who listens to `end`. */
volatile unsigned short probe_semaphore __attribute__((section(".probes")));

#define NOTE(name, semaphore, args)                                                           \
	"990: nop\n"                                                                          \
	".pushsection .note.stapsdt,\"\",@note\n.balign 4\n"                                  \
	".4byte 992f-991f,994f-993f,3\n991: .asciz \"stapsdt\"\n992: .balign 4\n"             \
	"993: .8byte 990b, _.stapsdt.base," semaphore "\n"                                    \
	".asciz \"app\"\n.asciz \"" name "\"\n.asciz \"" args "\"\n994: .balign 4\n.popsection\n"

__asm__(".pushsection .stapsdt.base,\"aG\",\"progbits\",.stapsdt.base,comdat\n"
	".weak _.stapsdt.base\n.hidden _.stapsdt.base\n"
	"_.stapsdt.base: .space 1\n.size _.stapsdt.base, 1\n.popsection\n");

#define FUNCTION __attribute__((noinline, noipa))

struct pair {
	int low;
	unsigned char bytes[8];
};

FUNCTION int begin(long number, const char *text, struct pair *pair, long index)
{
	int low;

	__asm__ volatile(NOTE("begin", "0", "-4@%%edi 8@%%rsi -4@(%%rdx) 1@4(%%rdx,%%rcx,1) -2@$-9")
			 : : "D"(number), "S"(text), "d"(pair), "c"(index) : "memory");
	low = pair->low;
	return low;
}

FUNCTION void end(unsigned long number)
{
	__asm__ volatile(NOTE("end", "probe_semaphore", "1@%%dil") : : "D"(number));
	__asm__ volatile(NOTE("end", "probe_semaphore", "4@$3 8@%%rdi") : : "D"(number));
	__asm__ volatile(NOTE("odd", "0", "4f@%%xmm0") : : "D"(number));
}

int main(int count, char **args)
{
	struct pair here = {.low = -7, .bytes = {1, 2, 200}}, *pair = &here;

	if (count > 1 && !strcmp(args[1], "untouched")) /* a page that is in no memory yet */
		pair = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	printf("%d\n", begin(0xffffffff00000005, count > 1 ? args[1] : "world", pair, 2));
	end(0x1ff);
	printf("%d\n", probe_semaphore);
	return 0;
}
