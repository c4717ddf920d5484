// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* TC-22: what is wrong with an answer is said, it has no effect, and the command can still be answered well. */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "harness.h"

#define LEN	4096u
#define HUGE	(68u << 20)

/* A command at the daemon, and its good answer, to be spoilt. */
struct scene {
	struct daemon		*d;
	struct nexus		*n;
	struct tgt_event	req;
	struct tgt_answer	ans;
};

static struct scene begin(bool write)
{
	struct scene s = { .d = daemon_open(&(struct options) { 0 }) };

	s.n = login(s.d, 1);
	s.req = submit(s.d, s.n, &(struct io) { .tag = 1, .len = LEN, .write = write });
	s.ans = read_data(s.d, &s.req, 0, LEN);
	return s;
}

#define REJECT(s, error, change) do { \
	struct tgt_answer bad = (s)->ans; \
	struct tgt_cmd_rsp *r = &bad.cmd_rsp; \
	\
	(void)r; \
	change; \
	must_reject((s)->d, bad, error, #change); \
} while (0)

static void end(struct scene *s)
{
	fill(s->d->mem, LEN, 9);
	must_answer(s->d, s->ans);
	expect_status(s->n, 1, GOOD);
	expect_done(s->d, &s->req, TGT_DONE_OK);
	if (!s->req.cmd_req.data_out_len)
		expect_filled(s->n->mem.addr, LEN, 9, "data-in");
	expect_idle(s->d, s->n);
}

static void bad_names(void)
{
	struct scene s = begin(false);

	REJECT(&s, -ENOENT, bad.host_no++);
	REJECT(&s, -ENOENT, bad.host_no = 0);
	REJECT(&s, -ENOENT, bad.host_no = ~0u);
	/* The slot below, the generation above. */
	REJECT(&s, -ENOENT, r->cmd_id++);
	REJECT(&s, -ENOENT, r->cmd_id += 1 << 20);
	REJECT(&s, -ENOENT, r->cmd_id -= 1 << 20);
	REJECT(&s, -ENOENT, r->cmd_id = 0);
	REJECT(&s, -ENOENT, r->cmd_id = ~0ULL);
	REJECT(&s, -EINVAL, bad.type = 0);
	REJECT(&s, -EINVAL, bad.type = TGT_CMD_REQ);
	REJECT(&s, -EINVAL, bad.type = ~0u);
	REJECT(&s, -ENOENT, bad = tmf_result(&s.req, 0));
	end(&s);
}

static void bad_fields(void)
{
	struct scene s = begin(false);
	int i;

	for (i = 2; i < 32; i++)
		REJECT(&s, -EINVAL, r->flags = 1u << i);
	REJECT(&s, -EINVAL, r->flags = TGT_RSP_ABORTED | TGT_RSP_DATA_ONLY);
	for (i = 0; i < 6; i++)
		REJECT(&s, -EINVAL, r->reserved[i] = 1);
	REJECT(&s, -EINVAL, r->sense_len = TGT_SENSE_LEN + 1);
	REJECT(&s, -EINVAL, r->sense_len = 255);
	end(&s);
}

static void bad_data_in(void)
{
	struct scene s = begin(false);

	REJECT(&s, -EINVAL, r->len++);
	REJECT(&s, -EINVAL, r->len = ~0u);
	REJECT(&s, -EINVAL, r->len--);
	REJECT(&s, -EINVAL, r->len = 0);
	REJECT(&s, -EINVAL, r->produced--);
	REJECT(&s, -EINVAL, r->produced = 0);
	REJECT(&s, -EINVAL, r->flags = TGT_RSP_DATA_ONLY);
	REJECT(&s, -EINVAL, r->buf_id++);
	REJECT(&s, -EINVAL, r->buf_id = 0);
	REJECT(&s, -EINVAL, r->buf_id = ~0u);
	REJECT(&s, -ERANGE, r->off = MEM_SIZE - LEN + 1);
	REJECT(&s, -ERANGE, r->off = MEM_SIZE);
	REJECT(&s, -ERANGE, r->off = ~0ULL);
	REJECT(&s, -ERANGE, r->off = -(__u64)LEN);
	REJECT(&s, -ERANGE, r->off = 1ULL << 63);
	end(&s);
}

static void bad_data_out(void)
{
	struct scene s = begin(true);

	REJECT(&s, -EINVAL, r->len++);
	REJECT(&s, -EINVAL, r->status = CHECK_CONDITION);
	REJECT(&s, -EINVAL, r->flags = TGT_RSP_DATA_ONLY; r->len = 0);
	REJECT(&s, -EINVAL, r->flags = TGT_RSP_DATA_ONLY; r->len = LEN + 1);
	REJECT(&s, -ERANGE, r->flags = TGT_RSP_DATA_ONLY; r->off = ~0ULL);
	must_answer(s.d, fetch_data(s.d, &s.req, 0, LEN));
	expect_done(s.d, &s.req, TGT_DONE_OK);
	/* The data is there; it does not come again with the status. */
	REJECT(&s, -EINVAL, r->len = LEN);
	s.ans = good(&s.req);
	s.ans.cmd_rsp.produced = LEN;
	end(&s);
}

static void bad_functions(void)
{
	struct daemon *d = daemon_open(&(struct options) { 0 });
	struct nexus *n = login(d, 1);
	struct tgt_event tmf = submit_tmf(d, n, 2, SRP_TMF_LUN_RESET, 0, 0);
	struct scene s = { .d = d, .n = n, .ans = tmf_result(&tmf, TGT_TMF_COMPLETE) };

	REJECT(&s, -EINVAL, bad.tsk_mgmt_rsp.result = TGT_TMF_FAILED + 1);
	REJECT(&s, -EINVAL, bad.tsk_mgmt_rsp.result = ~0u);
	REJECT(&s, -EINVAL, bad.tsk_mgmt_rsp.reserved = 1);
	REJECT(&s, -ENOENT, bad.tsk_mgmt_rsp.tmf_id++);
	REJECT(&s, -ENOENT, bad.host_no++);
	REJECT(&s, -ENOENT, bad = good(&tmf));
	REJECT(&s, -ENOENT, bad = aborted(&tmf));
	must_answer(d, s.ans);
	expect_tmf(n, 2, SRP_RSP_COMPLETE);
	expect_idle(d, n);
}

/* More than TGT_MAX_TRANSFER at once; nothing is moved, so the initiator need not have as much. */
static void too_much_data(void)
{
	struct daemon *d = daemon_open(&(struct options) { 0 });
	struct nexus *n = login(d, 1);
	void *mem = mmap(NULL, HUGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct scene s = { .d = d, .n = n };
	__u32 id;
	int ret;

	check(mem != MAP_FAILED, "mmap");
	ret = reg_buf(d, mem, HUGE, &id);
	munmap(mem, HUGE);
	check(!ret, "TGT_IOC_REG_BUF: %s", strerror(-ret));
	s.req = submit(d, n, &(struct io) { .tag = 1, .len = LEN, .claim = HUGE });
	s.ans = read_data(d, &s.req, 0, HUGE);
	REJECT(&s, -EINVAL, r->buf_id = id);
	must_answer(d, good(&s.req));
	expect_status(n, 1, GOOD);
	expect_done(d, &s.req, TGT_DONE_OK);
	expect_idle(d, n);
}

/* One call, several answers: the bad ones do not take the good ones along. */
static void good_among_bad(void)
{
	struct scene s = begin(false);
	struct tgt_answer bad = s.ans;

	bad.host_no++;
	put_answer(s.d, &bad);
	put_answer(s.d, &s.ans);
	put_answer(s.d, &s.ans);
	check(!enter(s.d), "TGT_IOC_ENTER");
	check(s.d->last.consumed == 3 && s.d->last.rejected == 2 && s.d->last.error == -ENOENT,
	      "%u taken, %u rejected, error %d", s.d->last.consumed, s.d->last.rejected, s.d->last.error);
	expect_status(s.n, 1, GOOD);
	expect_done(s.d, &s.req, TGT_DONE_OK);
	expect_idle(s.d, s.n);
}

const struct test bad_answer_tests[] = {
	{ "TC-22 names of others", bad_names },
	{ "TC-22 flags, reserved, sense", bad_fields },
	{ "TC-22 data-in", bad_data_in },
	{ "TC-22 data-out", bad_data_out },
	{ "TC-22 functions", bad_functions },
	{ "TC-22 more than TGT_MAX_TRANSFER", too_much_data },
	{ "TC-22 good answers among bad ones", good_among_bad },
	{ }
};
