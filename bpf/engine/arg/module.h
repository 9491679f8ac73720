/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Kernel modules (struct module *), and what is being loaded as one (struct load_info *), for events. */
#ifndef GUARDBEE_ENGINE_ARG_MODULE_H
#define GUARDBEE_ENGINE_ARG_MODULE_H

#include "error.h"

#define MODULE_NAME_SIZE 64	/* with its NUL; the kernel's own are shorter */

/* Kernel types of which nothing else is read. */
#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct module {
	char name[MODULE_NAME_SIZE];
	unsigned long taints;
};
struct load_info {
	const char *name;
	struct module *mod;
	bool sig_ok;		/* where the kernel checks signatures */
};

#pragma clang attribute pop

/* module_payload.signature */
enum module_signature { SIGNATURE_UNKNOWN = 0, SIGNATURE_WRONG, SIGNATURE_RIGHT };

struct module_payload {
	__u64 taints;
	__u32 signature;	/* enum module_signature */
	__u32 zero;		/* the name follows, without NUL */
};

/* Writes what is known of `module`, called `name`. */
static __always_inline __u32 module__write(struct module *module, const char *name, __u32 signature,
					   struct event_arg *arg, char *to)
{
	struct module_payload *payload = (void *)to;
	long read = bpf_probe_read_kernel_str(payload + 1, MODULE_NAME_SIZE, name);

	if (read <= 0)
		return error__emit(arg, to, EFAULT);
	payload->taints = BPF_CORE_READ(module, taints);
	payload->signature = signature;
	payload->zero = 0;
	return sizeof(*payload) + BOUNDED(read - 1, MODULE_NAME_SIZE - 1);
}

static __always_inline __u32 module__emit(struct call *call, const volatile struct reading *reading,
					  struct event_arg *arg, char *to)
{
	struct module *module = (void *)call__parameter(call, reading->index);

	return module__write(module, module->name, SIGNATURE_UNKNOWN, arg, to);
}

static __always_inline __u32 load_info__emit(struct call *call,
					     const volatile struct reading *reading,
					     struct event_arg *arg, char *to)
{
	struct load_info *info = (void *)call__parameter(call, reading->index);
	__u32 signature = SIGNATURE_UNKNOWN;

	if (bpf_core_field_exists(info->sig_ok))
		signature = BPF_CORE_READ(info, sig_ok) ? SIGNATURE_RIGHT : SIGNATURE_WRONG;
	return module__write(BPF_CORE_READ(info, mod), BPF_CORE_READ(info, name), signature, arg, to);
}

#endif
