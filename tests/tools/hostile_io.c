// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Tests of channels, credits, residuals, completions, and the end of a channel. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hostile.h"

/* WRITE, READ, compare: 4 KiB at @lba */
static void write_read(struct chan *ch, u32 lba)
{
	struct iu iu;

	lay_canary();
	fill_pattern(0, 4096, lba);
	build_out(&iu, (struct cdb){ CDB_WRITE(lba, 8) }, 0, 4096);
	do_good(ch, &iu);
	build_in(&iu, (struct cdb){ CDB_READ(lba, 8) }, 8192, 4096);
	do_good(ch, &iu);
	if (memcmp(data, data + 8192, 4096))
		fail("block %u was not read as written", lba);
	expect_canary(4096, 4096);
	expect_canary(12288, 4096);
}

static void run_channels(const void *arg)
{
	int i, n = *(const int *)arg;
	struct chan *ch[MAX_CHANS], *last;
	struct iu iu;

	if (n < 1 || n >= MAX_CHANS)
		fail("%d channels", n);
	for (i = 0; i < n; i++) {
		ch[i] = login(i ? SRP_LOGIN_MC_MULTI : SRP_LOGIN_MC_SINGLE);
		if (ch[i]->mc_result != (i ? SRP_MC_CONTINUED : SRP_MC_NO_CHANNEL))
			fail("result %d of login %d", ch[i]->mc_result, i);
	}
	for (i = 0; i < n; i++) {
		settle(ch[i]);
		build_in(&iu, (struct cdb){ CDB_INQUIRY(36) }, 0, 36);
		do_good(ch[i], &iu);
		if (memcmp(data + 8, "LIO-ORG ", 8))
			fail("vendor %.8s", data + 8);
		write_read(ch[i], 8 * i);
	}
	for (i = 0; i < n; i++)
		expect_conserved(ch[i]);
	/* One more ends them all. */
	last = login(SRP_LOGIN_MC_SINGLE);
	if (last->mc_result != SRP_MC_TERMINATED)
		fail("result %d of the last login", last->mc_result);
	for (i = 0; i < n; i++)
		expect_closed(ch[i], SRP_LOGOUT_RELOGIN);
	settle(last);
	write_read(last, 0);
}

bool test_channels(char **args)
{
	int n = args[0] ? atoi(args[0]) : 8;

	return attempt(run_channels, &n);
}

/* @n requests at once; reads and TEST UNIT READY by turns */
static void use_credits(struct chan *ch, int n)
{
	u64 tags[NR_RX];
	struct rsp r;
	struct iu iu;
	int i, j;

	for (i = 0; i < n; i++) {
		if (i % 2)
			build_tur(&iu);
		else
			build_in(&iu, (struct cdb){ CDB_READ(i, 8) }, i * 4096, 4096);
		tags[i] = iu_tag(&iu);
		send_iu(ch, &iu);
	}
	for (i = 0; i < n; i++) {
		if (wait_rsp(ch, &r, TIMEOUT) != WAIT_RSP)
			fail("%d of %d answered", i, n);
		check_rsp(ch, &r);
		expect_good(&r);
		for (j = 0; j < n && tags[j] != as_rsp(&r)->tag; j++)
			;
		if (j == n)
			fail("answer to tag %llx", as_rsp(&r)->tag);
		tags[j] = 0;
	}
	expect_conserved(ch);
}

static void run_credits(const void *arg)
{
	struct chan *ch = login_settled(SRP_LOGIN_MC_SINGLE);
	int i;

	(void)arg;
	printf("request limit %d\n", ch->limit);
	for (i = 0; i < 4; i++)
		use_credits(ch, ch->limit);
	close_chan(ch);
}

/* WRITEs of @len bytes, more than the limit, whatever was answered; returns how many */
static int overrun(struct chan *ch, u32 len)
{
	int i, n = ch->limit * 3;
	struct iu iu;

	if (n > NR_TX)
		n = NR_TX;
	printf("%d requests, limit %d\n", n, ch->limit);
	for (i = 0; i < n; i++) {
		build_out(&iu, (struct cdb){ CDB_WRITE(0, len / BLOCK) }, 0, len);
		send_iu(ch, &iu);
	}
	return n;
}

/* The target may be quick enough not to notice; then all are answered. */
static void run_flood(const void *arg)
{
	struct chan *ch = login_settled(SRP_LOGIN_MC_SINGLE);
	int n = overrun(ch, *(const u32 *)arg);
	enum wait_result result;
	struct rsp r;

	while (n && (result = wait_rsp(ch, &r, TIMEOUT)) != WAIT_CLOSED) {
		if (result == WAIT_TIMEOUT)
			fail("%d are not answered", n);
		check_rsp(ch, &r);
		n--;
	}
	if (n) {
		printf("closed, %d were not answered\n", n);
	} else {
		printf("all were answered\n");
		expect_conserved(ch);
	}
	close_chan(ch);
	tur(login_settled(SRP_LOGIN_MC_SINGLE));
}

bool test_credits(char **args)
{
	bool good = attempt(run_credits, NULL);

	(void)args;
	good &= attempt(run_flood, (u32[]){ 512 });
	good &= attempt(run_flood, (u32[]){ 65536 });
	return good;
}

/* For a disk that answers nothing: the channel ends, and what it has in flight is not waited for. */
static void run_overrun(const void *arg)
{
	struct chan *ch = login_settled(SRP_LOGIN_MC_SINGLE);

	(void)arg;
	overrun(ch, BLOCK);
	expect_closed(ch, SRP_LOGOUT_NO_REASON);
}

bool test_overrun(char **args)
{
	bool good;

	lun = args[0] ? atoi(args[0]) : LUN;
	good = attempt(run_overrun, NULL);
	lun = LUN;
	return good;
}

static void expect_residual(const struct rsp *r, u8 status, u8 flag, u32 count)
{
	const struct srp_wire_rsp *w = as_rsp(r);
	u32 out = be32toh(w->data_out_res_cnt), in = be32toh(w->data_in_res_cnt);
	bool is_out = flag & (SRP_RSP_DOOVER | SRP_RSP_DOUNDER);

	if (w->status != status || (w->flags & ~SRP_RSP_SNSVALID) != flag || out != (is_out ? count : 0) ||
	    in != (is_out ? 0 : count))
		fail("status %02x, flags %02x, residuals %u %u", w->status, w->flags, out, in);
}

static void run_residuals(const void *arg)
{
	struct chan *ch = login_settled(SRP_LOGIN_MC_SINGLE);
	struct iu iu;
	struct rsp r;

	(void)arg;
	write_read(ch, 0);

	printf("READ, buffer too large\n");
	memset(data + 8192, CANARY, DATA_SIZE - 8192);
	build_in(&iu, (struct cdb){ CDB_READ(0, 1) }, 8192, 65536);
	ask(ch, &iu, &r);
	expect_residual(&r, 0, SRP_RSP_DIUNDER, 65536 - 512);
	if (memcmp(data, data + 8192, 512))
		fail("wrong data");
	expect_canary(8192 + 512, 131072);

	printf("READ, buffer too small\n");
	memset(data + 8192, CANARY, 8192);
	build_in(&iu, (struct cdb){ CDB_READ(0, 8) }, 8192, 512);
	ask(ch, &iu, &r);
	expect_residual(&r, 0, SRP_RSP_DIOVER, 4096 - 512);
	if (memcmp(data, data + 8192, 512))
		fail("wrong data");
	expect_canary(8192 + 512, 8192);

	printf("WRITE, buffer too small\n");
	build_out(&iu, (struct cdb){ CDB_WRITE(0, 8) }, 65536, 512);
	ask(ch, &iu, &r);
	expect_residual(&r, 2, SRP_RSP_DOOVER, 4096 - 512);
	build_in(&iu, (struct cdb){ CDB_READ(0, 8) }, 8192, 4096);
	do_good(ch, &iu);
	if (memcmp(data, data + 8192, 4096))
		fail("the medium was changed");

	printf("INQUIRY, buffer too large\n");
	lay_canary();
	build_in(&iu, (struct cdb){ CDB_INQUIRY(36) }, 8192, 4096);
	ask(ch, &iu, &r);
	expect_residual(&r, 0, SRP_RSP_DIUNDER, 4096 - 36);
	expect_canary(8192 + 36, 8192);

	printf("TEST UNIT READY with buffers\n");
	build_in(&iu, (struct cdb){ CDB_TUR }, 0, 512);
	ask(ch, &iu, &r);
	expect_residual(&r, 0, SRP_RSP_DIUNDER, 512);
	build_out(&iu, (struct cdb){ CDB_TUR }, 0, 512);
	ask(ch, &iu, &r);
	expect_residual(&r, 0, SRP_RSP_DOUNDER, 512);
	expect_canary(0, 8192);
	expect_conserved(ch);
}

bool test_residuals(char **args)
{
	(void)args;
	return attempt(run_residuals, NULL);
}

struct wr_row {
	const char		*name;
	enum ibv_wr_opcode	opcode;
	u32			len;
	bool			goes_on;	/* executed as if it were a plain SEND */
	int			logout;
};

static const struct wr_row wr_rows[] = {
	{ "SEND with immediate", IBV_WR_SEND_WITH_IMM, 48, true, 0 },
	{ "SEND of the maximum length", IBV_WR_SEND, IU_LEN, true, 0 },
	{ "SEND beyond any length", IBV_WR_SEND, 65536, false, ANY_LOGOUT },
	{ "RDMA WRITE with immediate, no data", IBV_WR_RDMA_WRITE_WITH_IMM, 0, false, ANY_LOGOUT },
	{ "RDMA WRITE with immediate", IBV_WR_RDMA_WRITE_WITH_IMM, 48, false, ANY_LOGOUT },
	{ "SEND with invalidate", IBV_WR_SEND_WITH_INV, 48, false, ANY_LOGOUT },
	{ "RDMA WRITE", IBV_WR_RDMA_WRITE, 48, false, ANY_LOGOUT },
	{ "RDMA READ", IBV_WR_RDMA_READ, 48, false, ANY_LOGOUT },
	{ "ATOMIC", IBV_WR_ATOMIC_FETCH_AND_ADD, 8, false, ANY_LOGOUT },
};

static void run_wr(const void *arg)
{
	const struct wr_row *row = arg;
	struct chan *other = login_settled(SRP_LOGIN_MC_SINGLE), *ch = login_settled(SRP_LOGIN_MC_MULTI);
	struct ibv_sge sge = { .addr = (uintptr_t)data, .length = row->len, .lkey = data_mr->lkey };
	struct ibv_send_wr wr = { .sg_list = &sge, .num_sge = row->len ? 1 : 0, .opcode = row->opcode };
	struct rsp r;
	struct iu iu;

	printf("%s\n", row->name);
	switch (row->opcode) {
	case IBV_WR_SEND_WITH_INV:
		wr.invalidate_rkey = 0x12345678;
		break;
	case IBV_WR_SEND_WITH_IMM:
		wr.imm_data = 0x12345678;
		break;
	case IBV_WR_ATOMIC_FETCH_AND_ADD:
		wr.wr.atomic.remote_addr = 4096;
		wr.wr.atomic.rkey = 0x12345678;
		wr.wr.atomic.compare_add = 1;
		break;
	default:
		wr.wr.rdma.remote_addr = 4096;
		wr.wr.rdma.rkey = 0x12345678;
	}
	/* Leaves a valid IU in a buffer, where it must not be found again. */
	tur(ch);
	build_tur(&iu);
	memset(data, 0, 65536);
	memcpy(data, iu.b, iu.len);
	post_wr(ch, &wr);
	if (row->goes_on) {
		ch->requests++;
		if (wait_rsp(ch, &r, TIMEOUT) != WAIT_RSP)
			fail("no answer");
		check_rsp(ch, &r);
		expect_good(&r);
		tur(ch);
		expect_conserved(ch);
		close_chan(ch);
	} else {
		expect_closed(ch, row->logout);
	}
	tur(other);
	close_chan(other);
}

bool test_completions(char **args)
{
	bool good = true;
	unsigned int i;

	(void)args;
	for (i = 0; i < ARRAY_SIZE(wr_rows); i++)
		good &= attempt(run_wr, &wr_rows[i]);
	return good;
}

#define NO_ANSWER	90000	/* ms: all retries of the connection */

/* The initiator's QP dies without a word, and nothing is sent to it: only a keepalive can tell. */
static void run_silence(const void *arg)
{
	struct ibv_qp_attr attr = { .qp_state = IBV_QPS_ERR };
	struct chan *ch;
	struct rsp r;

	(void)arg;
	/* Soft RoCE never gives up when it shall try seven times. */
	retry_count = 1;
	ch = login_settled(SRP_LOGIN_MC_SINGLE);
	retry_count = 7;
	if (ibv_modify_qp(ch->qp, &attr, IBV_QP_STATE))
		fail("the QP cannot be stopped");
	if (wait_rsp(ch, &r, NO_ANSWER) != WAIT_CLOSED)
		fail("the target has not noticed");
	close_chan(ch);
}

bool test_silence(char **args)
{
	(void)args;
	return attempt(run_silence, NULL);
}

static void run_disconnect(const void *arg)
{
	struct chan *ch = login(SRP_LOGIN_MC_SINGLE);
	struct iu iu;
	int i;

	(void)arg;
	for (i = 0; i < 64; i++) {
		if (i % 2)
			build_out(&iu, (struct cdb){ CDB_WRITE(i * 16, 16) }, i * 8192, 8192);
		else
			build_in(&iu, (struct cdb){ CDB_READ(i * 16, 16) }, i * 8192, 8192);
		send_iu(ch, &iu);
	}
	if (below(4))
		usleep(below(20000));
	close_chan(ch);
}

bool test_disconnect(char **args)
{
	int i, n = args[0] ? atoi(args[0]) : 100;

	for (i = 0; i < n; i++) {
		if (!attempt(run_disconnect, NULL)) {
			printf("in round %d\n", i);
			return false;
		}
	}
	return attempt(run_residuals, NULL);
}
