/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What srp_wire.h needs beyond the types of user space, which the headers of libibverbs need. */
#ifndef TOOLS_LINUX_TYPES_H
#define TOOLS_LINUX_TYPES_H

#include_next <linux/types.h>
#include <stdbool.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s32 s32;
typedef __s64 s64;

#ifndef __packed
#define __packed __attribute__((__packed__))
#endif

#endif
