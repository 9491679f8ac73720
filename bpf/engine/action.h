/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The actions: what events call each, and what carries out its operation. */
#ifndef GUARDBEE_ENGINE_ACTION_H
#define GUARDBEE_ENGINE_ACTION_H

#include "call.h"

/* Numbers are upstream's KprobeAction; below 32. */
enum action_code {
	ACTION_POST = 1,
	ACTION_FOLLOWFD = 2,
	ACTION_SIGKILL = 3,
	ACTION_UNFOLLOWFD = 4,
	ACTION_OVERRIDE = 5,
	ACTION_COPYFD = 6,
	ACTION_GETURL = 7,
	ACTION_DNSLOOKUP = 8,
	ACTION_NOPOST = 9,
	ACTION_SIGNAL = 10,
	ACTION_TRACKSOCK = 11,
	ACTION_UNTRACKSOCK = 12,
	ACTION_NOTIFYENFORCER = 13,
	ACTION_CLEANUPENFORCERNOTIFICATION = 14,
	ACTION_SET = 15,
	ACTION_ENFORCE = 29,	/* in no event */
	ACTION_AGGREGATE = 30,	/* ours: upstream counts up */
};

/* Why an action reported nothing, or could not do what it is for. */
enum action_loss {
	LOSS_FOLLOW_FULL = LOSS_OF_ACTIONS,
	LOSS_AGGREGATED,
	LOSS_RATE_LIMITED,
	LOSS_TRACK_FULL,
	LOSS_NOTICE_FULL,
	LOSS_SET_FAILED,
};

/* The enums of actions that the agent writes (layout.c). */
#define ACTION_ENUMS(X) \
	X(action_code)  \
	X(action_loss)

#include "action/aggregate.h"
#include "action/cleanup_notice.h"
#include "action/enforce.h"
#include "action/follow_fd.h"
#include "action/no_post.h"
#include "action/notify_enforcer.h"
#include "action/override.h"
#include "action/post.h"
#include "action/set.h"
#include "action/sigkill.h"
#include "action/signal.h"
#include "action/track_sock.h"

/* An action and what carries out its operation; none: it does nothing beside the event. */
#define ACTIONS(X)                             \
	X(ACTION_POST, post__run)              \
	X(ACTION_FOLLOWFD, follow_fd__run)     \
	X(ACTION_SIGKILL, sigkill__run)        \
	X(ACTION_UNFOLLOWFD, none__run)        \
	X(ACTION_OVERRIDE, override__run)      \
	X(ACTION_COPYFD, none__run)            \
	X(ACTION_GETURL, none__run)            \
	X(ACTION_DNSLOOKUP, none__run)         \
	X(ACTION_NOPOST, no_post__run)         \
	X(ACTION_SIGNAL, signal__run)          \
	X(ACTION_TRACKSOCK, track_sock__run)   \
	X(ACTION_UNTRACKSOCK, untrack_sock__run) \
	X(ACTION_ENFORCE, enforce__run)        \
	X(ACTION_NOTIFYENFORCER, notify_enforcer__run) \
	X(ACTION_CLEANUPENFORCERNOTIFICATION, cleanup_notice__run) \
	X(ACTION_SET, set__run)                \
	X(ACTION_AGGREGATE, aggregate__run)

static __always_inline enum outcome none__run(struct call *call, struct operation *operation)
{
	return OUTCOME_NONE;
}

/* Carries out one operation; the verifier drops those that spec.actions rules out. */
static __always_inline enum outcome action__run(struct call *call, struct operation *operation)
{
	switch ((enum action_code)operation->action) {
#define CASE(action, run) \
	case action:      \
		return spec.actions & (1u << action) ? run(call, operation) : OUTCOME_NONE;
		ACTIONS(CASE)
#undef CASE
	}
	return OUTCOME_NONE;
}

#endif
