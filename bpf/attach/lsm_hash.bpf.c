// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Of a hook that is asked about a file: has it hashed, where an event waits for that. See engine/hash.h. */
#include "../maps.h"

/* The hook's first parameter is no file, but what is executed. */
const volatile __u32 is_of_binprm;

SEC("lsm.s/")
int hook(__u64 *context)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct file_hash *hash = bpf_task_storage_get(&file_hashes, task, 0, 0);
	struct file *file;

	if (!hash || hash->frame != (__u64)context)
		return 0; /* nothing waits: the answer is another program's */
	if (is_of_binprm)
		file = ((struct linux_binprm *)context[0])->file;
	else
		file = (struct file *)context[0];
	if (!file)
		return 0; /* memory that is of no file; the answer is another program's */
	hash->is_reading = 1;
	hash->algorithm = bpf_ima_file_hash(file, hash->bytes, sizeof(hash->bytes));
	hash->is_reading = 0;
	return 0; /* the answer is another program's */
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
