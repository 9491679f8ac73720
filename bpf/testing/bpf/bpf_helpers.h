/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Stands in for libbpf's header of this name where the engine is compiled for this machine: map
 * definitions and the helpers that the engine calls, as ordinary C. shim.c has the helpers.
 */
#ifndef GUARDBEE_SHIM_HELPERS_H
#define GUARDBEE_SHIM_HELPERS_H

#define SEC(name)
#define __uint(name, value) int (*name)[value]
#define __type(name, value) typeof(value) *name
#define __array(name, value) typeof(value) *name[]
#define __always_inline inline __attribute__((always_inline))
#define __noinline __attribute__((noinline))

/* There is no verifier that has to be told. */
#define BOUNDED(value, mask) ((__u64)(value) & (mask))
#define BOUNDED_BY(value, mask) BOUNDED(value, mask)

void *bpf_map_lookup_elem(void *map, const void *key);
long bpf_map_update_elem(void *map, const void *key, const void *value, __u64 flags);
long bpf_map_delete_elem(void *map, const void *key);
void *bpf_task_storage_get(void *map, struct task_struct *task, void *value, __u64 flags);
struct task_struct *bpf_get_current_task_btf(void);
__u64 bpf_get_current_cgroup_id(void);
__u64 bpf_get_current_ancestor_cgroup_id(int level);
__u32 bpf_get_smp_processor_id(void);
__u64 bpf_ktime_get_boot_ns(void);
/* Addresses below the first page cannot be read, as in a process. */
long bpf_probe_read_kernel(void *to, __u32 size, const void *from);
long bpf_probe_read_user(void *to, __u32 size, const void *from);
long bpf_probe_read_kernel_str(void *to, __u32 size, const void *from);
long bpf_probe_read_user_str(void *to, __u32 size, const void *from);
long bpf_loop(__u32 count, void *step, void *context, __u64 flags);
long bpf_send_signal(__u32 signal);
long bpf_ringbuf_output(void *ring, void *record, __u64 size, __u64 flags);
void *bpf_ringbuf_reserve(void *ring, __u64 size, __u64 flags);
void bpf_ringbuf_submit(void *record, __u64 flags);
long bpf_ringbuf_reserve_dynptr(void *ring, __u32 size, __u64 flags, struct bpf_dynptr *record);
long bpf_dynptr_write(const struct bpf_dynptr *record, __u32 at, void *from, __u32 size, __u64 flags);
void bpf_ringbuf_submit_dynptr(struct bpf_dynptr *record, __u64 flags);
void bpf_ringbuf_discard_dynptr(struct bpf_dynptr *record, __u64 flags);
__u64 bpf_ringbuf_query(void *ring, __u64 what);
long bpf_get_func_arg(void *context, __u32 index, __u64 *value);
long bpf_get_func_ret(void *context, __u64 *value);
long bpf_probe_write_user(void *to, const void *from, __u32 size);
long bpf_get_stack(void *context, void *to, __u32 size, __u64 flags);

#endif
