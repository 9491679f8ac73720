// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* As sock_free, on a kernel that skips programs on trampolines: none of these is missed. */
#include "../tracked.h"

struct sock;

SEC("kprobe")
int BPF_KPROBE(sock_freed, struct sock *sk)
{
	tracked__forget((__u64)sk);
	return 0; /* a kprobe's value means nothing */
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
