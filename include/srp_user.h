/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* What the wire formats and the protocol code use of the kernel's headers, for user space. */
#ifndef SRP_USER_H
#define SRP_USER_H

#include <endian.h>
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

#undef static_assert
#define static_assert(expr) _Static_assert(expr, #expr)

#define sizeof_field(type, member) sizeof(((type *)0)->member)
#define offsetofend(type, member) (offsetof(type, member) + sizeof_field(type, member))

#define cpu_to_be16(x) htobe16(x)
#define cpu_to_be32(x) htobe32(x)
#define cpu_to_be64(x) htobe64(x)
#define be16_to_cpu(x) be16toh(x)
#define be32_to_cpu(x) be32toh(x)
#define be64_to_cpu(x) be64toh(x)

#endif
