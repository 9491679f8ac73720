// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What the agent knows by name: agent/layout/generate.ts makes agent/gen/layout.ts of this object's
 * BTF. It is never loaded.
 */
#include "engine/action.h"
#include "engine/condition.h"
#include "engine/rate.h"
#include "engine/hash.h"
#include "engine/stack.h"
#include "attach/usdt.h"

struct layout {
	/* events */
	enum event_kind event_kind;
	enum text_limit text_limit;
	struct exec_event exec_event;
	enum exec_asked exec_asked;
	struct exec_identity exec_identity;
	enum exec_raised exec_raised;
	struct data_event data_event;
	enum data_what data_what;
	enum exec_flag exec_flag;
	struct clone_event clone_event;
	struct exit_event exit_event;
	struct hook_event hook_event;
	enum hook_flag hook_flag;
	struct event_arg event_arg;
	enum arg_type arg_type;
	enum arg_flag arg_flag;
	struct stack_payload stack_payload;
	struct hash_payload hash_payload;
#define PAYLOAD(name) struct name name;
	ARG_PAYLOADS(PAYLOAD)
#define PART(name) enum name name;
	ARG_ENUMS(PART)
	/* maps that every program shares */
	struct hook_stops hook_stops;
	enum loss loss;
	enum map_limit map_limit;
	enum notice_limit notice_limit;
	struct notices notices;
	struct process_info process_info;
	enum process_flag process_flag;
	struct engine_state engine_state;
	struct waiting waiting;
	struct waiting_key waiting_key;
	enum waiting_limit waiting_limit;
	enum tracked_limit tracked_limit;
	enum scope_class scope_class;
	enum scope_place scope_place;
	struct scope_state scope_state;
	struct followed_file followed_file;
	struct follow_share follow_share;
	struct follow_state follow_state;
	struct follow_request follow_request;
	enum shared_table shared_table;
	struct event_share event_share;
	struct share_key share_key;
	struct table_share table_share;
	struct rate_state rate_state;
	struct event_rate event_rate;
	struct process_state process_state;
	enum move_limit move_limit;
	struct move move;
	struct move_state move_state;
	struct binary_prefix_key binary_prefix_key;
	/* constants and tables of an attach point */
	enum engine_limit engine_limit;
	enum scratch_size scratch_size;
	struct hook_spec hook_spec;
	enum path_source path_source;
	enum hook_use hook_use;
	enum hook_syscall hook_syscall;
	enum usdt_place usdt_place;
	struct usdt_spec usdt_spec;
	enum facet_kind facet_kind;
#define MEMBER(name) enum name name;
	CONDITION_ENUMS(MEMBER)
	ACTION_ENUMS(MEMBER)
	enum field_kind field_kind;
	enum reading_flag reading_flag;
	struct hook_table hook_table;
	enum only_word only_word;
	enum table_row table_row;
	enum facet_row facet_row;
	struct action_entry action_entry;
	enum act_flag act_flag;
	enum rate_limit rate_limit;
	struct operation operation;
	enum operation_flag operation_flag;
	struct number_key number_key;
	struct equal_key equal_key;
	struct glob_head glob_head;
	struct glob_state glob_state;
	struct glob_step glob_step;
	struct substring_head substring_head;
	struct prefix_key prefix_key;
	enum prefix_flag prefix_flag;
	enum compared_text compared_text;
};

struct layout layout;
