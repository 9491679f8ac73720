/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The types that an argument can have: which facets of each are compared, and how it is written to
 * an event. What is in no row is not read: it cannot be told, and an event has an error for it.
 */
#ifndef GUARDBEE_ENGINE_ARG_H
#define GUARDBEE_ENGINE_ARG_H

/* reading.type and event_arg.type */
enum arg_type {
	ARG_ERROR = 1,		/* in events alone: what could not be read */
	ARG_INT,
	ARG_UINT32,
	ARG_INT64,
	ARG_UINT64,
	ARG_SIZE,
	ARG_INT8,
	ARG_UINT8,
	ARG_INT16,
	ARG_UINT16,
	ARG_FD,
	ARG_FILE,
	ARG_PATH,
	ARG_DENTRY,
	ARG_KIOCB,
	ARG_LINUX_BINPRM,
	ARG_CHAR_BUF,
	ARG_CHAR_IOVEC,
	ARG_IOV_ITER,
	ARG_STRING,
	ARG_FILENAME,
	ARG_SOCK,
	ARG_SOCKET,
	ARG_SOCKADDR,
	ARG_SKB,
	ARG_NET_DEVICE,
	ARG_CAPABILITY,
	ARG_KERNEL_CAP_T,
	ARG_CAP_INHERITABLE,
	ARG_CAP_PERMITTED,
	ARG_CAP_EFFECTIVE,
	ARG_CRED,
	ARG_USER_NAMESPACE,
	ARG_MODULE,
	ARG_LOAD_INFO,
	ARG_DATA_LOC,
	ARG_CONST_BUF,
};

/* A type; its number, text, address and open file (none: it has no such facet); what writes it. */
#define ARG_TYPES(X) \
	X(ARG_INT, int__number, none__text, none__address, none__file, int__emit) \
	X(ARG_UINT32, uint32__number, none__text, none__address, none__file, uint32__emit) \
	X(ARG_INT64, int64__number, none__text, none__address, none__file, int64__emit) \
	X(ARG_UINT64, uint64__number, none__text, none__address, none__file, uint64__emit) \
	X(ARG_SIZE, size_t__number, none__text, none__address, none__file, size_t__emit) \
	X(ARG_INT8, int8__number, none__text, none__address, none__file, int8__emit) \
	X(ARG_UINT8, uint8__number, none__text, none__address, none__file, uint8__emit) \
	X(ARG_INT16, int16__number, none__text, none__address, none__file, int16__emit) \
	X(ARG_UINT16, uint16__number, none__text, none__address, none__file, uint16__emit) \
	X(ARG_FD, fd__number, fd__text, none__address, fd__file, fd__emit) \
	X(ARG_FILE, file__number, file__text, none__address, file__file, file__emit) \
	X(ARG_PATH, path__number, path__text, none__address, none__file, path__emit) \
	X(ARG_DENTRY, dentry__number, dentry__text, none__address, none__file, dentry__emit) \
	X(ARG_KIOCB, kiocb__number, kiocb__text, none__address, none__file, kiocb__emit) \
	X(ARG_LINUX_BINPRM, linux_binprm__number, linux_binprm__text, none__address, none__file, linux_binprm__emit) \
	X(ARG_CHAR_BUF, none__number, char_buf__text, none__address, none__file, char_buf__emit) \
	X(ARG_CHAR_IOVEC, none__number, char_iovec__text, none__address, none__file, char_iovec__emit) \
	X(ARG_IOV_ITER, none__number, iov_iter__text, none__address, none__file, iov_iter__emit) \
	X(ARG_STRING, none__number, string__text, none__address, none__file, string__emit) \
	X(ARG_FILENAME, none__number, filename__text, none__address, none__file, filename__emit) \
	X(ARG_SOCK, sock__number, none__text, sock__address, none__file, sock__emit) \
	X(ARG_SOCKET, socket__number, none__text, socket__address, none__file, socket__emit) \
	X(ARG_SOCKADDR, sockaddr__number, none__text, sockaddr__address, none__file, sockaddr__emit) \
	X(ARG_SKB, skb__number, none__text, skb__address, none__file, skb__emit) \
	X(ARG_NET_DEVICE, none__number, net_device__text, none__address, none__file, net_device__emit) \
	X(ARG_CAPABILITY, int__number, none__text, none__address, none__file, int__emit) \
	X(ARG_KERNEL_CAP_T, capabilities__number, none__text, none__address, none__file, capabilities__emit) \
	X(ARG_CAP_INHERITABLE, capabilities__number, none__text, none__address, none__file, capabilities__emit) \
	X(ARG_CAP_PERMITTED, capabilities__number, none__text, none__address, none__file, capabilities__emit) \
	X(ARG_CAP_EFFECTIVE, capabilities__number, none__text, none__address, none__file, capabilities__emit) \
	X(ARG_CRED, none__number, none__text, none__address, none__file, cred__emit) \
	X(ARG_USER_NAMESPACE, none__number, none__text, none__address, none__file, user_namespace__emit) \
	X(ARG_MODULE, none__number, none__text, none__address, none__file, module__emit) \
	X(ARG_LOAD_INFO, none__number, none__text, none__address, none__file, load_info__emit) \
	X(ARG_DATA_LOC, none__number, data_loc__text, none__address, none__file, data_loc__emit) \
	X(ARG_CONST_BUF, none__number, none__text, none__address, none__file, const_buf__emit)

#include "arg/binprm.h"
#include "arg/capabilities.h"
#include "arg/char_buf.h"
#include "arg/const_buf.h"
#include "arg/cred.h"
#include "arg/data_loc.h"
#include "arg/error.h"
#include "arg/fd.h"
#include "arg/file.h"
#include "arg/module.h"
#include "arg/net_device.h"
#include "arg/number.h"
#include "arg/parts.h"
#include "arg/path.h"
#include "arg/skb.h"
#include "arg/sock.h"
#include "arg/sockaddr.h"
#include "arg/string.h"

/* The structs of the files above that payloads begin with (layout.c). */
#define ARG_PAYLOADS(X)     \
	X(char_buf_payload) \
	X(const_buf_payload) \
	X(cred_payload)     \
	X(error_payload)    \
	X(module_payload)   \
	X(path_payload)     \
	X(skb_payload)      \
	X(sock_payload)     \
	X(sockaddr_payload)

/* Their enums that the agent writes. */
#define ARG_ENUMS(X) \
	X(binprm_part) \
	X(end_part)  \
	X(module_signature)

/* Whether the program has any reading of that type. */
#define HAS_TYPE(type) (spec.types[(type) / 32] & 1u << (type) % 32)

static __always_inline enum known none__number(struct call *call,
					       const volatile struct reading *reading, __u32 part,
					       __u64 *value)
{
	return KNOWN_NOT;
}

static __always_inline enum known none__text(struct call *call,
					     const volatile struct reading *reading, __u32 part,
					     struct text *to)
{
	return KNOWN_NOT;
}

static __always_inline enum known none__address(struct call *call,
						const volatile struct reading *reading, __u32 part,
						struct text *to)
{
	return KNOWN_NOT;
}

static __always_inline struct file *none__file(struct call *call,
					       const volatile struct reading *reading)
{
	return NULL;
}

/* Whether of what `reading` needs it can be told: a parameter that could not be read is any. */
static __always_inline bool arg__is_read(struct call *call,
					  const volatile struct reading *reading)
{
	__u8 size = reading->size_index;

	if (!(spec.use & USE_UNREAD) && (!spec.path_count || reading->index < FIRST_PATH))
		return true; /* known to the verifier, too, of each that is compared */
	if (call->scratch->unread & (1u << (reading->index & 31)))
		return false;
	return !size || !(call->scratch->unread & (1u << ((size - 1) & 31)));
}

/* The number of an argument, as far as it is known. Once in a program: see condition.h. */
static __noinline enum known arg__number(struct call *call, const volatile struct reading *reading,
					 __u32 part, __u64 *value)
{
	if (!arg__is_read(call, reading))
		return KNOWN_NOT;
	switch ((enum arg_type)reading->type) {
#define CASE(type, number, text, address, file, emit) \
	case type:                           \
		if (!HAS_TYPE(type))         \
			break;               \
		return number(call, reading, part, value);
		ARG_TYPES(CASE)
#undef CASE
	case ARG_ERROR:
		break;
	}
	return KNOWN_NOT;
}

/* Writes the text of an argument to scratch->prefix.text, as far as it is known. */
static __always_inline enum known arg__text(struct call *call,
					    const volatile struct reading *reading, __u32 part,
					    struct text *to)
{
	if (!arg__is_read(call, reading))
		return KNOWN_NOT;
	switch ((enum arg_type)reading->type) {
#define CASE(type, number, text, address, file, emit) \
	case type:                           \
		if (!HAS_TYPE(type))         \
			break;               \
		return text(call, reading, part, to);
		ARG_TYPES(CASE)
#undef CASE
	case ARG_ERROR:
		break;
	}
	return KNOWN_NOT;
}

/* Writes the address of an argument to scratch->prefix.text as address.h has it, if it is known. */
static __always_inline enum known arg__address(struct call *call,
					       const volatile struct reading *reading, __u32 part,
					       struct text *to)
{
	if (!arg__is_read(call, reading))
		return KNOWN_NOT;
	switch ((enum arg_type)reading->type) {
#define CASE(type, number, text, address, file, emit) \
	case type:                           \
		if (!HAS_TYPE(type))         \
			break;               \
		return address(call, reading, part, to);
		ARG_TYPES(CASE)
#undef CASE
	case ARG_ERROR:
		break;
	}
	return KNOWN_NOT;
}

/* The open file that an argument is or stands for, or NULL. */
static __always_inline struct file *arg__file(struct call *call,
					      const volatile struct reading *reading)
{
	if (!arg__is_read(call, reading))
		return NULL;
	switch ((enum arg_type)reading->type) {
#define CASE(type, number, text, address, file, emit) \
	case type:                           \
		if (!HAS_TYPE(type))         \
			break;               \
		return file(call, reading);
		ARG_TYPES(CASE)
#undef CASE
	case ARG_ERROR:
		break;
	}
	return NULL;
}

/* Writes an argument's payload to `to` and its flags to `arg`; the result is the payload's size. */
static __always_inline __u32 arg__emit(struct call *call, const volatile struct reading *reading,
				       struct event_arg *arg, char *to)
{
	if (!arg__is_read(call, reading))
		return error__emit(arg, to, EFAULT);
	arg->type = reading->type;
	arg->flags = 0;
	switch ((enum arg_type)reading->type) {
#define CASE(type, number, text, address, file, emit) \
	case type:                           \
		if (!HAS_TYPE(type))         \
			break;               \
		return emit(call, reading, arg, to);
		ARG_TYPES(CASE)
#undef CASE
	case ARG_ERROR:
		break;
	}
	return error__emit(arg, to, EINVAL);
}

#endif
