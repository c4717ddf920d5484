// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* The ledger: held + owed + in progress = limit, whatever happens. */
#include <pthread.h>
#include "test.h"
#include "srp_proto.h"

static void check(const struct srp_credit *c, u32 held, u32 owed)
{
	assert_int_equal(srp_credit_held(c), held);
	assert_int_equal(srp_credit_owed(c), owed);
}

static void whole_limit(void **state)
{
	struct srp_credit c;
	unsigned int i;

	(void)state;
	srp_credit_init(&c, 3);
	for (i = 0; i < 3; i++) {
		assert_true(srp_credit_use(&c));
		check(&c, 2 - i, 0);
	}
	assert_false(srp_credit_use(&c));
	check(&c, 0, 0);
	for (i = 0; i < 3; i++)
		assert_int_equal(srp_credit_take(&c), 1);
	check(&c, 3, 0);
}

static void overrun_changes_nothing(void **state)
{
	struct srp_credit c;
	unsigned int i;

	(void)state;
	srp_credit_init(&c, 1);
	assert_true(srp_credit_use(&c));
	for (i = 0; i < 1000; i++)
		assert_false(srp_credit_use(&c));
	check(&c, 0, 0);
	assert_int_equal(srp_credit_take(&c), 1);
	check(&c, 1, 0);
}

static void owed_by_next_response(void **state)
{
	struct srp_credit c;
	unsigned int i;

	(void)state;
	srp_credit_init(&c, 10);
	for (i = 0; i < 4; i++)
		srp_credit_use(&c);
	srp_credit_owe(&c);
	srp_credit_owe(&c);
	srp_credit_owe(&c);
	check(&c, 6, 3);
	assert_int_equal(srp_credit_take(&c), 4);
	check(&c, 10, 0);
}

static void stranded(void **state)
{
	struct srp_credit c;

	(void)state;
	srp_credit_init(&c, 10);
	assert_int_equal(srp_credit_take_stranded(&c), 0);
	srp_credit_use(&c);
	srp_credit_use(&c);
	assert_int_equal(srp_credit_take_stranded(&c), 0);
	srp_credit_owe(&c);
	/* One is in progress: its response will carry the credit. */
	assert_int_equal(srp_credit_take_stranded(&c), 0);
	assert_false(srp_credit_is_stranded(&c));
	check(&c, 8, 1);
	srp_credit_owe(&c);
	assert_true(srp_credit_is_stranded(&c));
	assert_int_equal(srp_credit_take_stranded(&c), 2);
	assert_false(srp_credit_is_stranded(&c));
	check(&c, 10, 0);
}

static void stranded_at_half(void **state)
{
	struct srp_credit c;
	unsigned int i;

	(void)state;
	srp_credit_init(&c, 9);
	for (i = 0; i < 9; i++)
		srp_credit_use(&c);
	for (i = 0; i < 4; i++)
		srp_credit_owe(&c);
	assert_int_equal(srp_credit_take_stranded(&c), 0);
	srp_credit_owe(&c);
	assert_int_equal(srp_credit_take_stranded(&c), 5);
	check(&c, 5, 0);

	srp_credit_init(&c, 8);
	for (i = 0; i < 8; i++)
		srp_credit_use(&c);
	for (i = 0; i < 4; i++)
		srp_credit_owe(&c);
	assert_int_equal(srp_credit_take_stranded(&c), 4);
	check(&c, 4, 0);
}

static void undo(void **state)
{
	struct srp_credit c;

	(void)state;
	srp_credit_init(&c, 4);
	srp_credit_use(&c);
	srp_credit_use(&c);
	srp_credit_owe(&c);
	assert_int_equal(srp_credit_take(&c), 2);
	srp_credit_undo(&c, 2);
	check(&c, 2, 2);
	assert_int_equal(srp_credit_take_stranded(&c), 2);
	srp_credit_undo(&c, 2);
	check(&c, 2, 2);
	srp_credit_undo(&c, 0);
	check(&c, 2, 2);
}

/* The initiator used a credit that was taken but never reached it. */
static void undo_after_overrun(void **state)
{
	struct srp_credit c;

	(void)state;
	srp_credit_init(&c, 1);
	assert_true(srp_credit_use(&c));
	assert_int_equal(srp_credit_take(&c), 1);
	assert_true(srp_credit_use(&c));
	srp_credit_undo(&c, 1);
	check(&c, 0, 0);
	assert_int_equal(srp_credit_take(&c), 1);
	check(&c, 1, 0);
}

static void no_limit(void **state)
{
	struct srp_credit c;

	(void)state;
	srp_credit_init(&c, 0);
	assert_false(srp_credit_use(&c));
	assert_int_equal(srp_credit_take_stranded(&c), 0);
}

static void large_limit(void **state)
{
	struct srp_credit c;

	(void)state;
	srp_credit_init(&c, 0x7fffffff);
	assert_true(srp_credit_use(&c));
	srp_credit_owe(&c);
	check(&c, 0x7ffffffe, 1);
	assert_int_equal(srp_credit_take_stranded(&c), 1);
	check(&c, 0x7fffffff, 0);
}

/* CRD-02: the initiator's own sum of the deltas is the judge. */
static void random_walk(void **state)
{
	const u32 limit = 37;
	struct srp_credit c;
	u64 seed = 4711;
	u32 credits = limit, in_progress = 0, round;
	s32 delta;

	(void)state;
	srp_credit_init(&c, limit);
	for (round = 0; round < 200000; round++) {
		switch (next_random(&seed) % 6) {
		case 0:
		case 1:
			assert_int_equal(srp_credit_use(&c), credits > 0);
			if (credits) {
				credits--;
				in_progress++;
			}
			break;
		case 2:
			if (!in_progress)
				break;
			in_progress--;
			srp_credit_owe(&c);
			break;
		case 3:
			if (!in_progress)
				break;
			in_progress--;
			credits += srp_credit_take(&c);
			break;
		case 4:
			credits += srp_credit_take_stranded(&c);
			break;
		case 5:
			if (!in_progress)
				break;
			in_progress--;
			delta = srp_credit_take(&c);
			srp_credit_undo(&c, delta);
			break;
		}
		assert_int_equal(srp_credit_held(&c), credits);
		assert_int_equal(credits + in_progress + srp_credit_owed(&c), limit);
		assert_int_equal(srp_credit_in_progress(&c), in_progress);
	}
}

static void *thread(void *arg)
{
	struct srp_credit *c = arg;
	u64 seed = (uintptr_t)&seed | 1;
	unsigned int i;

	for (i = 0; i < 200000; i++) {
		if (!srp_credit_use(c)) {
			srp_credit_take_stranded(c);
			continue;
		}
		switch (next_random(&seed) % 3) {
		case 0:
			srp_credit_take(c);
			break;
		case 1:
			srp_credit_owe(c);
			break;
		case 2:
			srp_credit_undo(c, srp_credit_take(c));
			break;
		}
	}
	return NULL;
}

/* Overruns cannot be told from races here, but nothing may get lost or doubled. */
static void threads(void **state)
{
	struct srp_credit c;
	pthread_t id[4];
	unsigned int i;

	(void)state;
	srp_credit_init(&c, 8);
	for (i = 0; i < ARRAY_SIZE(id); i++)
		assert_int_equal(pthread_create(&id[i], NULL, thread, &c), 0);
	for (i = 0; i < ARRAY_SIZE(id); i++)
		pthread_join(id[i], NULL);
	assert_int_equal(srp_credit_held(&c) + srp_credit_owed(&c), 8);
	srp_credit_take_stranded(&c);
	check(&c, 8, 0);
}

int main(void)
{
	static struct CMUnitTest tests[16];
	size_t nr = 0;

	ADD(tests, nr, "CRD-01 the whole limit can be used", whole_limit);
	ADD(tests, nr, "CRD-03 an overrun changes nothing", overrun_changes_nothing);
	ADD(tests, nr, "CRD-05 the next response covers aborted tasks", owed_by_next_response);
	ADD(tests, nr, "CRD-05 nothing in progress: stranded", stranded);
	ADD(tests, nr, "CRD-05 half the limit owed: stranded", stranded_at_half);
	ADD(tests, nr, "CRD-02 undo", undo);
	ADD(tests, nr, "CRD-03 undo after an overrun", undo_after_overrun);
	ADD(tests, nr, "limit 0", no_limit);
	ADD(tests, nr, "INI-05 largest limit", large_limit);
	ADD(tests, nr, "CRD-02 CRD-04 random walk", random_walk);
	ADD(tests, nr, "CRD-02 four threads", threads);
	return RUN("srp_credit", tests, nr);
}
