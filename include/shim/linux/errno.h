/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
#ifndef SHIM_LINUX_ERRNO_H
#define SHIM_LINUX_ERRNO_H

/* Not <errno.h>: the C library's includes this file. */
#include <asm/errno.h>

#endif
