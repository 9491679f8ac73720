// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What the agent runs to free events that nobody takes any more: their pods' shares are counted here. */
#include "../wait_room.h"

SEC("syscall")
int waiting_forgotten(struct waiting_key *asked)
{
	struct waiting_key key = {.frame = asked->frame, .point = asked->point,
				  .number = asked->number};

	wait_room__forget(&key);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
