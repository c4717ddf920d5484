// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Tags are 64 bits that nobody interprets, and belong to a nexus. */
#include "harness.h"

#define LOW		0x89abcdefULL
#define SWAPPED		0x0123456789abcdefULL

/* Each of them in flight at the same time. */
static const u64 tags[] = {
	0, 1, ~0ULL, 1ULL << 63, 1ULL << 32, LOW, 1ULL << 32 | LOW, 0xfedcba9800000000ULL | LOW,
	SWAPPED, __builtin_bswap64(SWAPPED), __builtin_bswap64(1),
};

static void tags_are_64_bits(void)
{
	struct daemon *d = daemon_open(&(struct options) { 0 });
	struct nexus *n = login(d, 1);
	struct tgt_event req[ARRAY_SIZE(tags)];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(tags); i++)
		req[i] = submit(d, n, &(struct io) { .tag = tags[i], .len = 512, .off = i * 512 });
	for (i = ARRAY_SIZE(tags); i-- > 0;) {
		fill(d->mem + i * 512, 512, i);
		must_answer(d, read_data(d, &req[i], i * 512, 512));
		expect_status(n, tags[i], GOOD);
		expect_filled(n->mem.addr + i * 512, 512, i, "data-in");
		expect_done(d, &req[i], TGT_DONE_OK);
	}
	expect_nothing(d);
}

static void abort_one_of(u64 victim, u64 other)
{
	struct daemon *d = daemon_open(&(struct options) { 0 });
	struct nexus *n = login(d, 1);
	struct tgt_event a = submit(d, n, &(struct io) { .tag = victim });
	struct tgt_event b = submit(d, n, &(struct io) { .tag = other });
	struct tgt_event tmf = submit_tmf(d, n, 0x5555, SRP_TMF_ABORT_TASK, 0, victim);

	check(tmf.tsk_mgmt_req.function == TGT_ABORT_TASK, "function %u", tmf.tsk_mgmt_req.function);
	check(tmf.tsk_mgmt_req.tag == victim, "ABORT TASK of %#llx", (unsigned long long)tmf.tsk_mgmt_req.tag);
	must_answer(d, aborted(&a));
	must_answer(d, tmf_result(&tmf, TGT_TMF_COMPLETE));
	expect_tmf(n, 0x5555, SRP_RSP_COMPLETE);
	must_answer(d, good(&b));
	expect_status(n, other, GOOD);
	expect_done(d, &b, TGT_DONE_OK);
	expect_idle(d, n);
	logout(n);
	daemon_close(d);
}

static void aborts_are_by_64_bits(void)
{
	abort_one_of(1ULL << 32 | LOW, 2ULL << 32 | LOW);
	abort_one_of(LOW, 1ULL << 32 | LOW);
	abort_one_of(SWAPPED, __builtin_bswap64(SWAPPED));
	abort_one_of(__builtin_bswap64(SWAPPED), SWAPPED);
}

static void tags_belong_to_a_nexus(void)
{
	struct daemon *d = daemon_open(&(struct options) { 0 });
	struct nexus *n[2] = { login(d, 1), login(d, 2) };
	const struct io io = { .tag = SWAPPED, .len = 4096 };
	struct tgt_event req[2];
	int i;

	check(n[0]->host_no != n[1]->host_no, "two nexuses have one number");
	for (i = 0; i < 2; i++) {
		req[i] = submit(d, n[i], &io);
		fill(d->mem + i * 4096, 4096, 50 + i);
	}
	for (i = 1; i >= 0; i--) {
		must_answer(d, read_data(d, &req[i], i * 4096, 4096));
		expect_status(n[i], SWAPPED, GOOD);
		expect_done(d, &req[i], TGT_DONE_OK);
	}
	for (i = 0; i < 2; i++)
		expect_filled(n[i]->mem.addr, 4096, 50 + i, "data-in");
}

static void abort_stays_in_its_nexus(void)
{
	struct daemon *d = daemon_open(&(struct options) { 0 });
	struct nexus *a = login(d, 1), *b = login(d, 2);
	const struct io io = { .tag = SWAPPED };
	struct tgt_event of_a = submit(d, a, &io), of_b = submit(d, b, &io), tmf;

	tmf = submit_tmf(d, a, 7, SRP_TMF_ABORT_TASK, 0, SWAPPED);
	must_answer(d, aborted(&of_a));
	must_answer(d, tmf_result(&tmf, TGT_TMF_COMPLETE));
	/* That of the other nexus does not hold it. */
	expect_tmf(a, 7, SRP_RSP_COMPLETE);
	must_answer(d, good(&of_b));
	expect_status(b, SWAPPED, GOOD);
	expect_done(d, &of_b, TGT_DONE_OK);
	expect_idle(d, a);
}

static void tag_0_is_a_tag(void)
{
	abort_one_of(0, 1);
	abort_one_of(1, 0);
}

const struct test tag_tests[] = {
	{ "TC-01 tags have 64 bits", tags_are_64_bits },
	{ "TC-02 X-TAG64 aborts compare 64 bits", aborts_are_by_64_bits },
	{ "TC-03 the same tag in two nexuses, answers crossed", tags_belong_to_a_nexus },
	{ "TC-04 an abort stays in its nexus", abort_stays_in_its_nexus },
	{ "TC-29 tag 0", tag_0_is_a_tag },
	{ }
};
