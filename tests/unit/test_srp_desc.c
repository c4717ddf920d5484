// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* The walk over remote memory, against the obvious byte-by-byte one. */
#include "test.h"
#include "iu.h"
#include "srp_proto.h"

#define MAX_ENTRIES 300

struct walk_case {
	const char	*name;
	u32		nr;
	u32		lens[8];
	u32		len;		/* asked for; 0: all */
	u32		max;
	u32		nr_pieces;	/* expected */
};

static const struct walk_case walk_cases[] = {
	{ "CMD-02 one entry, one piece", 1, { 4096 }, 0, 0xffffffff, 1 },
	{ "DSC-31 one entry, cut by the maximum", 1, { 10000 }, 0, 4096, 3 },
	{ "one entry, maximum 1", 1, { 5 }, 0, 1, 5 },
	{ "DSC-01 pieces do not cross entries", 3, { 1, 511, 513 }, 0, 4096, 3 },
	{ "DSC-24 zero-length entries are skipped", 6, { 0, 512, 0, 0, 512, 0 }, 0, 4096, 2 },
	{ "DSC-24 only zero-length entries", 3, { 0, 0, 0 }, 0, 4096, 0 },
	{ "RES-02 less than the buffer", 3, { 512, 512, 512 }, 600, 4096, 2 },
	{ "RES-02 exactly one entry", 3, { 512, 512, 512 }, 512, 4096, 1 },
	{ "RES-04 more than the buffer is clipped", 2, { 512, 512 }, 0xffffffff, 4096, 2 },
	{ "DSC-29 odd lengths and maximum", 4, { 3, 5, 7, 11 }, 0, 2, 2 + 3 + 4 + 6 },
	{ "DSC-23 no buffer", 0, { 0 }, 0, 4096, 0 },
};

/* In a block of its own, so that an entry too many is seen. */
static struct exact make_list(const u32 *lens, u32 nr, struct srp_buf *buf)
{
	static u8 bytes[MAX_ENTRIES * 16];
	struct exact e;
	u32 i;

	memset(buf, 0, sizeof(*buf));
	for (i = 0; i < nr; i++) {
		put64(bytes + 16 * i, IU_VA + i * 0x100000000ull + 1);
		put32(bytes + 16 * i + 8, i + 1);
		put32(bytes + 16 * i + 12, lens[i]);
		buf->len += lens[i];
	}
	e = exact_copy(bytes, 16 * nr);
	buf->nr_desc = nr;
	buf->desc = (void *)e.data;
	return e;
}

/* Every piece continues where the last one ended. Return: the number of pieces. */
static u32 check_walk(const u32 *lens, u32 nr, u32 len, u32 max)
{
	struct srp_desc_iter it;
	struct srp_remote piece;
	struct srp_buf buf;
	struct exact e = make_list(lens, nr, &buf);
	u32 entry = 0, off = 0, done = 0, pieces = 0;

	srp_desc_iter_init(&it, &buf, len);
	if (len > buf.len)
		len = buf.len;
	while (srp_desc_iter_next(&it, max, &piece)) {
		while (off == lens[entry]) {
			entry++;
			off = 0;
		}
		assert_true(piece.len > 0 && piece.len <= max);
		assert_true(piece.len <= lens[entry] - off);
		assert_int_equal(piece.key, entry + 1);
		assert_true(piece.va == IU_VA + entry * 0x100000000ull + 1 + off);
		off += piece.len;
		done += piece.len;
		pieces++;
	}
	assert_int_equal(done, len);
	assert_false(srp_desc_iter_next(&it, max, &piece));
	exact_free(&e);
	return pieces;
}

static void one_walk(void **state)
{
	const struct walk_case *c = *state;

	assert_int_equal(check_walk(c->lens, c->nr, c->len ? c->len : 0xffffffff, c->max),
			 c->nr_pieces);
}

static void nothing_asked(void **state)
{
	static const u32 lens[] = { 512 };

	(void)state;
	assert_int_equal(check_walk(lens, 1, 0, 4096), 0);
}

/* DSC-28: the address wraps as the HCA would have it. */
static void address_wrap(void **state)
{
	u8 bytes[16];
	struct srp_buf buf = { .len = 0x100, .nr_desc = 1, .desc = (void *)bytes };
	struct srp_desc_iter it;
	struct srp_remote piece;

	(void)state;
	put64(bytes, 0xfffffffffffffff0ull);
	put32(bytes + 8, 7);
	put32(bytes + 12, 0x100);
	srp_desc_iter_init(&it, &buf, 0x100);
	assert_true(srp_desc_iter_next(&it, 0x80, &piece));
	assert_true(piece.va == 0xfffffffffffffff0ull);
	assert_true(srp_desc_iter_next(&it, 0x80, &piece));
	assert_true(piece.va == 0x70);
	assert_false(srp_desc_iter_next(&it, 0x80, &piece));
}

/* A list that is shorter than it should be ends the walk. */
static void list_too_short(void **state)
{
	static const u32 lens[] = { 512 };
	struct srp_desc_iter it;
	struct srp_remote piece;
	struct srp_buf buf;
	struct exact e = make_list(lens, 1, &buf);

	(void)state;
	buf.len = 4096;
	srp_desc_iter_init(&it, &buf, 4096);
	assert_true(srp_desc_iter_next(&it, 4096, &piece));
	assert_int_equal(piece.len, 512);
	assert_false(srp_desc_iter_next(&it, 4096, &piece));
	exact_free(&e);
}

static void huge(void **state)
{
	static const u32 lens[] = { 0x7fffffff, 0x80000000 };

	(void)state;
	assert_int_equal(check_walk(lens, 1, 0xffffffff, 0x40000000), 2);
	assert_int_equal(check_walk(lens, 2, 0xffffffff, 0xffffffff), 2);
}

static void random_lists(void **state)
{
	u64 seed = 42;
	u32 lens[MAX_ENTRIES], round, i, nr;

	(void)state;
	for (round = 0; round < 2000; round++) {
		nr = next_random(&seed) % MAX_ENTRIES;
		for (i = 0; i < nr; i++)
			lens[i] = next_random(&seed) % 4 ? next_random(&seed) % 10000 : 0;
		check_walk(lens, nr, next_random(&seed) % 2000000,
			   next_random(&seed) % 5000 + 1);
	}
}

int main(void)
{
	static struct CMUnitTest tests[ARRAY_SIZE(walk_cases) + 8];
	size_t nr = 0;

	ADD_ROWS(tests, nr, walk_cases, one_walk);
	ADD(tests, nr, "RES-13 nothing asked for", nothing_asked);
	ADD(tests, nr, "DSC-28 address wraps", address_wrap);
	ADD(tests, nr, "list shorter than the buffer", list_too_short);
	ADD(tests, nr, "DSC-22 2 GiB and more", huge);
	ADD(tests, nr, "DSC-01 random lists", random_lists);
	return RUN("srp_desc", tests, nr);
}
