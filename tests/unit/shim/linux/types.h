/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What srpt/proto uses of the kernel header of this name, for user space. */
#ifndef SHIM_LINUX_TYPES_H
#define SHIM_LINUX_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The kernel prints 64 bits as %llx on every architecture: not uint64_t. */
typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef unsigned long long u64;
typedef int32_t s32;
typedef long long s64;

typedef u16 __be16;
typedef u32 __be32;
typedef u64 __be64;

#ifndef __packed
#define __packed __attribute__((__packed__))
#endif

#endif
