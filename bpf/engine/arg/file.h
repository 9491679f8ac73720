/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A pointer to an open file (struct file *), and what has one in it. */
#ifndef GUARDBEE_ENGINE_ARG_FILE_H
#define GUARDBEE_ENGINE_ARG_FILE_H

#include "location.h"

/* Kernel types of which nothing else is read. */
#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct kiocb {
	struct file *ki_filp;
};

#pragma clang attribute pop

static __always_inline struct location location__of_file(struct file *file)
{
	return location__of_path(file ? &file->f_path : NULL);
}

static __always_inline struct file *file__file(struct call *call, const volatile struct reading *reading)
{
	return (struct file *)call__parameter(call, reading->index);
}

static __always_inline struct location file__location(struct call *call,
						   const volatile struct reading *reading)
{
	return location__of_file(file__file(call, reading));
}

/* What is read or written (struct kiocb *). */
static __always_inline struct location kiocb__location(struct call *call,
						    const volatile struct reading *reading)
{
	struct kiocb *kiocb = (struct kiocb *)call__parameter(call, reading->index);

	return location__of_file(BPF_CORE_READ(kiocb, ki_filp));
}

/* What is executed (struct linux_binprm *). */
static __always_inline struct location linux_binprm__location(struct call *call,
							   const volatile struct reading *reading)
{
	struct linux_binprm *binprm = (struct linux_binprm *)call__parameter(call, reading->index);

	return location__of_file(BPF_CORE_READ(binprm, file));
}

static __always_inline struct path *file__typed(struct file *file)
{
	return file ? &file->f_path : NULL;
}

static __always_inline struct path *kiocb__typed(struct kiocb *kiocb)
{
	return file__typed(kiocb->ki_filp);
}

TYPED_LOCATION_TYPE(file)
TYPED_LOCATION_TYPE(kiocb)

#endif
