/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Where a probe (USDT) has its arguments, as the agent tells its program. */
#ifndef GUARDBEE_ATTACH_USDT_H
#define GUARDBEE_ATTACH_USDT_H

#include "../engine/tables.h"

/* usdt_arg.place */
enum usdt_place {
	USDT_NOWHERE = 0,	/* there is no such argument, or it cannot be read */
	USDT_CONSTANT = 1,	/* it is usdt_arg.value */
	USDT_REGISTER = 2,
	USDT_MEMORY = 3,	/* of the process, at value + base + scale * index */
};

struct usdt_arg {
	__u64 value;
	__u16 base;		/* of the register in struct pt_regs */
	__u16 index;		/* the same */
	__u8 place;		/* enum usdt_place */
	__u8 scale;		/* 0: there is no index */
	__u8 bytes;
	__u8 is_signed;
};

struct usdt_spec {
	struct usdt_arg args[PARAMETERS_MAX];
};

#endif
