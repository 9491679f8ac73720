/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Who the process is: scope class, pids, binary, capabilities. */
#ifndef GUARDBEE_ENGINE_SCOPE_H
#define GUARDBEE_ENGINE_SCOPE_H

#include "call.h"

#define PID_TREE_DEPTH 11	/* the process and 10 generations above it, as upstream */

/*
 * The selectors in whose scope the current process is, or NULL when the table has no such row; sets
 * call->word where there are several.
 */
static __always_inline const __u64 *scope__find(struct call *call)
{
	__u32 words = spec.words, *class;

	call->cgroup_id = bpf_get_current_cgroup_id();
	class = bpf_map_lookup_elem(&cgroup_class, &call->cgroup_id);
	if (class && *class < call->table->classes) {
		const __u64 *row = call__row(call, *class);

		if (row && words > 1)
			call->word = row[words];
		return row;
	}
	if (!call->table->host)
		return NULL;
	if (words > 1)
		call->word = call->table->host_word;
	return table__row(call, HOST_ROW);
}

static __always_inline const __u64 *number__find(struct call *call, __u32 dim, __u64 value)
{
	struct number_key key = {.dim = dim, .value = value};
	void *table = bpf_map_lookup_elem(&numbers, &call->slot);

	return table ? bpf_map_lookup_elem(table, &key) : NULL;
}

static __always_inline void number__match(struct call *call, __u32 dim, __u64 value)
{
	const __u64 *bits = number__find(call, dim, value);

	if (bits)
		call__and(call, bits);
	else
		call__and_default(call, dim);
}

/*
 * In: some generation is listed. NotIn: none is. `in`: the dimension of the former, behind which is
 * that of the latter. `nested`: pids are those of the process's own namespace, and the generations
 * end where it does.
 */
static __always_inline void scope__match_pid_tree(struct call *call, const __u32 in,
						  const bool nested)
{
	struct task_struct *task = call->task->group_leader;
	struct call_scratch *scratch = call->scratch;
	struct pid_namespace *ns = NULL;
	const __u64 *bits;

	bits__copy(scratch->sum, table__row(call, 2 * in));
	bits__clear(scratch->minus);
	for (__u32 depth = 0; depth < PID_TREE_DEPTH; depth++) {
		__u32 pid;

		if (nested) {
			struct upid upid;

			task__read_upid(task, &upid);
			if (depth == 0)
				ns = upid.ns;
			else if (upid.ns != ns)
				break;
			pid = upid.nr;
		} else {
			pid = BPF_CORE_READ(task, tgid);
		}
		bits = number__find(call, in, pid);
		if (bits)
			bits__add(scratch->sum, bits);
		bits = number__find(call, in + 1, pid);
		if (bits)
			bits__add(scratch->minus, bits);
		if (pid <= 1)
			break;
		task = BPF_CORE_READ(task, real_parent);
	}
	FOR_EACH_WORD(i)
			scratch->sum[i] &= ~scratch->minus[i];
	call__and(call, scratch->sum);
}

static __always_inline void scope__match_capabilities(struct call *call)
{
	struct task_struct *task = call->task; /* CO-RE would relocate `call`, too */
	const struct cred *cred = BPF_CORE_READ(task, cred);
	bool host = BPF_CORE_READ(cred, user_ns, level) == 0;
	__u64 sets[3];

	bpf_core_read(&sets[CAP_SET_EFFECTIVE], 8, &cred->cap_effective);
	bpf_core_read(&sets[CAP_SET_INHERITABLE], 8, &cred->cap_inheritable);
	bpf_core_read(&sets[CAP_SET_PERMITTED], 8, &cred->cap_permitted);
	for (__u32 i = 0; i < CAP_TESTS_MAX; i++) {
		struct cap_test *test = &call->table->caps[i];
		__u64 held;
		__u32 row;

		if (i >= call->table->cap_count)
			break;
		held = test->set == CAP_SET_EFFECTIVE ? sets[CAP_SET_EFFECTIVE] :
		       test->set == CAP_SET_PERMITTED ? sets[CAP_SET_PERMITTED] :
							sets[CAP_SET_INHERITABLE];
		row = (held & test->mask) != 0;
		if (test->user_ns == CAP_NS_HOST && !host)
			row = 0;
		if (test->user_ns == CAP_NS_NESTED && host)
			row = 2;
		call__and_row(call, call->table->cap_base + 3 * i + row);
	}
}

/* An id: there is no path that can be compared. Those of listed paths are from 1; 0: not listed. */
#define BINARY_UNKNOWN 0xffffffff

/* Looks the two ids up again when the tables have changed since; threads may both do it. */
static __always_inline void binary__refresh(struct call *call, struct process_info *info)
{
	struct prefix_key *key = &call->scratch->prefix;
	void *exact = bpf_map_lookup_elem(&binaries_exact, &call->slot);
	void *prefix = bpf_map_lookup_elem(&binaries_prefix, &call->slot);
	struct binary_prefix_key *path = (void *)&key->dim;
	__u32 size = info->binary_size, none = size ? 0 : BINARY_UNKNOWN, *id;

	id = exact && size && size < BINARY_SIZE ? bpf_map_lookup_elem(exact, info->binary) : NULL;
	info->binary_exact = id ? *id : none;
	if (size > sizeof(path->path))
		size = sizeof(path->path);
	path->prefix_bits = 8 * size;
	bpf_probe_read_kernel(path->path, sizeof(path->path), info->binary);
	id = prefix && size ? bpf_map_lookup_elem(prefix, path) : NULL;
	info->binary_prefix = id ? *id : none;
	info->binary_generation = call->binary_generation;
}

static __always_inline void binary__and(struct call *call, __u32 dim, __u32 id, __u32 base,
					__u32 count)
{
	if (id == 0)
		call__and_default(call, dim);
	else if (id <= count)
		call__and_row(call, base + id - 1);
	else
		call__and_absent(call, DIM_BINARY);
}

static __always_inline void scope__match_binary(struct call *call)
{
	struct process_info *info = info__of(call->task, &call->scratch->path);
	struct hook_table *table = call->table;

	call->info = info;
	if (!info) {
		call__and_absent(call, DIM_BINARY);
		return;
	}
	if (info->binary_generation != call->binary_generation)
		binary__refresh(call, info);
	if (spec.use & USE_BINARY_EXACT)
		binary__and(call, DIM_BINARY, info->binary_exact, table->exact_base,
			    table->exact_count);
	if (spec.use & USE_BINARY_PREFIX)
		binary__and(call, DIM_BINARY_PREFIX, info->binary_prefix, table->prefix_base,
			    table->prefix_count);
}

#endif
