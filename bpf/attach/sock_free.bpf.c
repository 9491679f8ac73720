// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Forgets a tracked socket that is gone; its address may be another socket's next. */
#include "../tracked.h"

struct sock;

SEC("fentry/security_sk_free")
int BPF_PROG(sock_freed, struct sock *sk)
{
	tracked__forget((__u64)sk);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
