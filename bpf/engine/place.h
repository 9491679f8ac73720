/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Where in bytes that are in several parts of memory a call is. */
#ifndef GUARDBEE_ENGINE_PLACE_H
#define GUARDBEE_ENGINE_PLACE_H

#include "../kernel.h"

/* A place in bytes that are in several parts of memory (arg/parts.h). */
struct place {
	__u64 next;		/* the struct iovec of the next part */
	__u64 at;		/* the present part: what of it is behind the place */
	__u64 left;		/* how many bytes that are */
	__u64 count;		/* parts behind it */
};

/* Such bytes, while they are gone through. */
struct parts {
	struct place now;
	struct place rest;	/* where what was not read begins, once there is such */
	__u64 skip;		/* bytes of the next parts that do not count */
	__u64 whole;		/* bytes of all parts so far */
	__u32 size;		/* bytes that were read */
	__u32 most;		/* bytes that shall be read */
	__u32 failed;		/* memory that could not be read */
	__u32 zero;
};

#endif
