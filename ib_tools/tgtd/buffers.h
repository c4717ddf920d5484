/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Room for the data of commands, cut from one stretch of memory.
 *
 * A buddy allocator: a chunk has a power of two of bytes and begins at a multiple of that. No locks:
 * each thread has its own.
 */
#ifndef TGTD_BUFFERS_H
#define TGTD_BUFFERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BUFFERS_MIN	4096u
#define BUFFERS_MAX	(2u << 20)	/* longest chunk, and what the stretch is a multiple of */

struct buffers;

/**
 * buffers_new() - nothing is in use
 * @len: bytes of the stretch, a multiple of BUFFERS_MAX
 *
 * Return: NULL: no memory.
 */
struct buffers *buffers_new(size_t len);
void buffers_free(struct buffers *b);

/**
 * buffers_get() - take a chunk
 * @b: the allocator
 * @len: bytes, 1 to BUFFERS_MAX
 * @off: result: where it is in the stretch
 *
 * Return: false: there is none now.
 */
bool buffers_get(struct buffers *b, uint32_t len, uint32_t *off);

/** buffers_put() - give back the chunk at @off */
void buffers_put(struct buffers *b, uint32_t off);

/** buffers_used() - bytes in use, as chunks */
size_t buffers_used(const struct buffers *b);

#endif /* TGTD_BUFFERS_H */
