/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * What the fuzzers have in common. A broken rule is a trap, which the fuzzer
 * reports like any other crash, with the input that led to it.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(rule) do {						\
	if (!(rule)) {							\
		fprintf(stderr, "%s:%d: broken: %s\n", __FILE__, __LINE__, #rule); \
		abort();						\
	}								\
} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A copy whose end is the end of its block: the sanitizer sees what is read beyond. */
static inline uint8_t *exact_copy(const uint8_t *data, size_t size)
{
	uint8_t *p = calloc(1, size ? size : 1);

	if (!p)
		abort();
	if (size)
		memcpy(p, data, size);
	return p;
}

#endif
