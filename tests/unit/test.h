/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * What every test file needs.
 *
 * A test is named after the requirements it proves. A row of a table is a test
 * of its own: its name says what it is, and a failure names the row.
 */
#ifndef TEST_H
#define TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <linux/kernel.h>

/* One test per row; rows have a member "name" and are handed over as the state. */
#define ADD_ROWS(tests, nr, rows, func) do {				\
	size_t _i;							\
									\
	for (_i = 0; _i < ARRAY_SIZE(rows); _i++)			\
		(tests)[(nr)++] = (struct CMUnitTest) {			\
			.name = (rows)[_i].name,			\
			.test_func = (func),				\
			.initial_state = (void *)&(rows)[_i],		\
		};							\
} while (0)

#define ADD(tests, nr, text, func)					\
	((tests)[(nr)++] = (struct CMUnitTest) { .name = (text), .test_func = (func) })

/* cmocka takes the number of tests from an array type; ours is filled at run time. */
#define RUN(group, tests, nr)						\
	_cmocka_run_group_tests(group, tests, nr, NULL, NULL)

/*
 * A copy that ends where its block ends, so that the sanitizer sees any read
 * beyond it. The block is never empty: that of malloc(0) has one good byte.
 */
struct exact {
	void	*block;
	u8	*data;
};

static inline struct exact exact_copy(const void *from, size_t len)
{
	struct exact e;
	size_t pad = len ? 0 : 8;

	e.block = malloc(len + pad);
	if (!e.block)
		abort();
	e.data = (u8 *)e.block + pad;
	memcpy(e.data, from, len);
	return e;
}

static inline void exact_free(struct exact *e)
{
	free(e->block);
}

/* Deterministic pseudo-random numbers (xorshift64). */
static inline u64 next_random(u64 *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

#endif
