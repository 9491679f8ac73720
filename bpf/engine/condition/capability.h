/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Capabilities that the process holds, tested one mask after the other. */
#ifndef GUARDBEE_ENGINE_CONDITION_CAPABILITY_H
#define GUARDBEE_ENGINE_CONDITION_CAPABILITY_H

#include "../../identity.h"
#include "../bits.h"

#define CHANGES_MASK 7

/* Compares the process with what it was before: what is another, to scratch->changes. Not static: see path__find. */
__noinline int capability__compare(struct call_scratch *scratch)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct identity *before;
	__u64 namespaces = 0;

	if (!scratch || !(spec.use & USE_CHANGES))
		return 0;
	before = identity__before(task);
	identity__read(&scratch->identity, task);
#pragma unroll
	for (__u32 set = 0; set < CAP_SET_CHANGED; set++)
		scratch->changes[set] = before ? before->sets[set] ^ scratch->identity.sets[set] : 0;
#pragma unroll
	for (__u32 part = 0; part < NAMESPACE_PARTS; part++) {
		__u32 then = before ? before->namespaces[part] : 0;
		__u32 is = scratch->identity.namespaces[part];

		if (then && is && then != is)
			namespaces |= 1ULL << part;
	}
	scratch->changes[CAP_SET_NAMESPACES - CAP_SET_CHANGED] = namespaces;
	return 0;
}

static __always_inline void capability__match(struct call *call, __u32 dim)
{
	struct task_struct *task = call->task; /* CO-RE would relocate `call`, too */
	const struct cred *cred = BPF_CORE_READ(task, cred);
	bool host = BPF_CORE_READ(cred, user_ns, level) == 0;
	struct table_facet *table = &call->table->facets[dim];
	__u64 sets[3];

	bpf_core_read(&sets[CAP_SET_EFFECTIVE], 8, &cred->cap_effective);
	bpf_core_read(&sets[CAP_SET_INHERITABLE], 8, &cred->cap_inheritable);
	bpf_core_read(&sets[CAP_SET_PERMITTED], 8, &cred->cap_permitted);
	if (spec.use & USE_CHANGES)
		capability__compare(call->scratch);
	for (__u32 i = 0; i < CAP_TESTS_MAX; i++) {
		struct cap_test *test = &call->table->caps[i];
		__u64 held;
		__u32 row;

		if (i >= table->count)
			break;
		held = test->set == CAP_SET_EFFECTIVE ? sets[CAP_SET_EFFECTIVE] :
		       test->set == CAP_SET_PERMITTED ? sets[CAP_SET_PERMITTED] :
							sets[CAP_SET_INHERITABLE];
		if (spec.use & USE_CHANGES && test->set >= CAP_SET_CHANGED)
			held = call->scratch->changes[(test->set - CAP_SET_CHANGED) & CHANGES_MASK];
		row = (held & test->mask) != 0;
		if (test->user_ns == CAP_NS_HOST && !host)
			row = 0;
		if (test->user_ns == CAP_NS_NESTED && host)
			row = 2;
		if (spec.use & USE_CHANGES && test->set >= CAP_SET_CHANGED && held == 0)
			row = 2;
		call__and_row(call, table->base + 3 * i + row);
	}
}

#endif
