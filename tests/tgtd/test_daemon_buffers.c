// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* The allocator of memory for data: chunks do not overlap, are aligned, and come back whole. */
#include "fake_tgt.h"

#define STRETCH (8u << 20)

static void whole_and_parts(void **state)
{
	struct buffers *b = buffers_new(STRETCH);
	uint32_t off, i;

	(void)state;
	assert_non_null(b);
	assert_false(buffers_get(b, BUFFERS_MAX + 1, &off));
	for (i = 0; i < STRETCH / BUFFERS_MAX; i++)
		assert_true(buffers_get(b, BUFFERS_MAX, &off));
	assert_int_equal(buffers_used(b), STRETCH);
	assert_false(buffers_get(b, 1, &off));
	buffers_put(b, off);
	for (i = 0; i < BUFFERS_MAX / BUFFERS_MIN; i++)
		assert_true(buffers_get(b, 1, &off));
	assert_false(buffers_get(b, 1, &off));
	buffers_free(b);
}

struct chunk {
	uint32_t	off, len, round;
};

static uint32_t round_chunk(uint32_t len)
{
	uint32_t n = BUFFERS_MIN;

	while (n < len)
		n <<= 1;
	return n;
}

static void random_use(void **state)
{
	struct buffers *b = buffers_new(STRETCH);
	static uint8_t used[STRETCH / BUFFERS_MIN];
	struct chunk chunks[256];
	uint32_t nr = 0, i, k, n, off, pages;

	(void)state;
	assert_non_null(b);
	srand(1);
	for (i = 0; i < 200000; i++) {
		if (nr < 256 && rand() & 1) {
			n = 1 + rand() % (rand() & 1 ? BUFFERS_MAX : 4 * BUFFERS_MIN);
			if (!buffers_get(b, n, &off))
				continue;
			chunks[nr++] = (struct chunk) { off, n, round_chunk(n) };
			assert_int_equal(off % round_chunk(n), 0);
			assert_true(off + n <= STRETCH);
			pages = round_chunk(n) / BUFFERS_MIN;
			for (k = 0; k < pages; k++)
				assert_false(used[off / BUFFERS_MIN + k]++);
		} else if (nr) {
			n = rand() % nr;
			memset(used + chunks[n].off / BUFFERS_MIN, 0, chunks[n].round / BUFFERS_MIN);
			buffers_put(b, chunks[n].off);
			chunks[n] = chunks[--nr];
		}
	}
	while (nr)
		buffers_put(b, chunks[--nr].off);
	assert_int_equal(buffers_used(b), 0);
	for (i = 0; i < STRETCH / BUFFERS_MAX; i++)
		assert_true(buffers_get(b, BUFFERS_MAX, &off));
	buffers_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_and_parts),
		cmocka_unit_test(random_use),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
