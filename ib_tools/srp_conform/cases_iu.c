// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Requirements of framing of IUs (IUF). */
#include <stdlib.h>
#include <string.h>

#include "conform.h"

#define WRITTEN_LBA	64	/* of a WRITE that must run once */

/* An IU of this type; a request is good, if @len does not cut it. */
struct iu_row {
	u8	opcode;
	u32	len;
	u32	allowed;
};

static const u8 from_initiator[] = {
	SRP_OP_LOGIN_REQ, SRP_OP_TSK_MGMT, SRP_OP_CMD, SRP_OP_I_LOGOUT, SRP_OP_CRED_RSP, SRP_OP_AER_RSP,
};

static const u8 from_target[] = {
	SRP_OP_T_LOGOUT, SRP_OP_CRED_REQ, SRP_OP_AER_REQ, SRP_OP_LOGIN_RSP, SRP_OP_RSP, SRP_OP_LOGIN_REJ,
};

static void build_row(struct srpi_iu *iu, const struct iu_row *r)
{
	memset(iu->b, 0, sizeof(iu->b));
	if (r->opcode == SRP_OP_TSK_MGMT)
		build_tmf(iu, SRP_TMF_LUN_RESET, LUN_IS(lun), 0);
	else
		build_tur(iu);
	iu->b[0] = r->opcode;
	iu->len = r->len;
}

static void send_row(const void *arg)
{
	const struct iu_row *r = arg;
	struct srpi_chan *ch = shared();
	struct srpi_iu iu;

	build_row(&iu, r);
	/* If a LUN was reset, TEST UNIT READY tells. */
	probe(ch, &iu, r->allowed, NULL);
}

static void one_row(u8 opcode, u32 len, u32 allowed)
{
	const struct iu_row r = { opcode, len, allowed };

	row(send_row, &r, "opcode %02x, %u bytes", opcode, len);
}

/* ---- IUF-01 to IUF-06: too short ------------------------------------------------------------------- */

static void iuf_01(void)
{
	one_row(0, 0, KILL(SRP_LOGOUT_BAD_LEN));
}

static void short_rows(const u8 *opcodes, u32 nr, const u32 *lens, u32 nr_lens)
{
	u32 i, len;

	for (i = 0; i < nr; i++) {
		for (len = 0; conf.run_long && len < 16; len++)
			one_row(opcodes[i], len, KILL(SRP_LOGOUT_BAD_LEN));
		for (len = 0; !conf.run_long && len < nr_lens; len++)
			one_row(opcodes[i], lens[len], KILL(SRP_LOGOUT_BAD_LEN));
	}
}

static void iuf_02(void)
{
	static const u32 lens[] = { 1, 15 }, one[] = { 8 };

	short_rows(from_initiator, ARRAY_SIZE(from_initiator), lens, ARRAY_SIZE(lens));
	short_rows(from_target, ARRAY_SIZE(from_target), one, ARRAY_SIZE(one));
	one_row(SRP_OP_CMD, 2 + below(13), KILL(SRP_LOGOUT_BAD_LEN));
	one_row(SRP_OP_TSK_MGMT, 2 + below(13), KILL(SRP_LOGOUT_BAD_LEN));
}

static void iuf_03(void)
{
	u32 len;

	for (len = 16; len < 48; len++)
		one_row(SRP_OP_CMD, len, FIELD | KILL(SRP_LOGOUT_BAD_LEN));
}

/* A READ that is held, and its channel. */
static struct tasks held;
static struct srpi_chan *held_chan;

/* If the last row was the end of it there is another one. */
static void hold_read(void)
{
	struct srpi_iu iu;

	if (held.left)
		return;
	held_chan = shared();
	settle_held(held_chan);
	held.nr = 0;
	hook("hold");
	build_held(&iu, 1);
	task_send(&held, held_chan, &iu);
}

static void short_tmf(const void *arg)
{
	const struct iu_row *r = arg;
	struct srpi_iu iu;

	hold_read();
	build_tmf(&iu, r->opcode, LUN_IS(conf.held_lun), held.task[0].tag);
	iu.len = r->len;
	if (!(provoke(held_chan, &iu, TMF_INVALID | TMF_FAILED | KILL(SRP_LOGOUT_BAD_LEN), NULL) & CLOSED))
		return;
	hook("release");
	held.left = 0;
}

/* Without the end of its READ nobody knows whether a row has aborted it. */
static void end_held(const void *arg)
{
	(void)arg;
	if (!held.left)
		return;
	hook("release");
	tasks_good(&held, held_chan);
	settle_held(held_chan);
	expect_conserved(held_chan);
}

static void iuf_04(void)
{
	struct iu_row r = { .opcode = SRP_TMF_ABORT_TASK };
	bool good = true;

	held.left = 0;
	for (r.len = 16; r.len < 48 && good; r.len++)
		good &= row(short_tmf, &r, "ABORT TASK, %u bytes", r.len);
	r.opcode = SRP_TMF_LUN_RESET;
	for (r.len = 16; r.len < 48 && good; r.len += 31)
		good &= row(short_tmf, &r, "LOGICAL UNIT RESET, %u bytes", r.len);
	if (good)
		row(end_held, NULL, "the end of what was not aborted");
}

static void iuf_05(void)
{
	static const u8 opcodes[] = { SRP_OP_I_LOGOUT, SRP_OP_CRED_RSP, SRP_OP_AER_RSP };
	static const u32 lens[] = { 2, 8, 14 };

	short_rows(opcodes, ARRAY_SIZE(opcodes), lens, ARRAY_SIZE(lens));
	/* And these are long enough. */
	one_row(SRP_OP_I_LOGOUT, 16, CLOSED);
	one_row(SRP_OP_I_LOGOUT, 17, CLOSED);
	one_row(SRP_OP_I_LOGOUT, 47, CLOSED);
}

/* Leaves a WRITE in every receive buffer; the memory it points to has changed since. */
static struct srpi_chan *leave_writes(u64 seed)
{
	struct srpi_chan *ch = shared();
	struct srpi_iu iu;

	fill_pattern(0, BLOCK, seed);
	build_out(&iu, AS_CDB(CDB_WRITE(WRITTEN_LBA, 1)), 0, BLOCK);
	fill_receives(ch, &iu);
	memset(data, CANARY, BLOCK);
	return ch;
}

/* Many at once. */
static void send_short(struct srpi_chan *ch, const struct iu_row *row)
{
	u32 i, nr = srpi_credits(ch) < 100 ? srpi_credits(ch) : 100;
	struct srpi_rsp r;
	struct srpi_iu iu;

	for (i = 0; i < nr; i++) {
		build_row(&iu, row);
		send_iu(ch, &iu);
	}
	for (i = 0; i < nr; i++) {
		if (wait_rsp(ch, &r, conf.timeout) != WAIT_RSP) {
			expect_closed(ch, SRP_LOGOUT_BAD_LEN);
			return;
		}
		if (!r.status || row->len < 16)
			fail("an answer, status %02x", r.status);
	}
	saw("refused");
}

static void stale_bytes(const void *arg)
{
	const u64 seed = next_random();
	struct srpi_chan *ch = leave_writes(seed);

	send_short(ch, arg);
	send_short(shared(), arg);
	expect_blocks(shared(), WRITTEN_LBA, 1, seed);
}

static void iuf_06(void)
{
	static const struct iu_row rows[] = {
		{ SRP_OP_CMD, 1 }, { SRP_OP_CMD, 16 }, { SRP_OP_CMD, 47 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		row(stale_bytes, &rows[i], "WRITEs, then opcode 02, %u bytes", rows[i].len);
}

/* ---- IUF-07 to IUF-10: long ------------------------------------------------------------------------ */

/* The IU, and what shall be ignored behind it. */
static void send_padded(struct srpi_chan *ch, const struct srpi_iu *iu, u32 len)
{
	u8 *buf = malloc(len);

	memset(buf, 0xff, len);
	memcpy(buf, iu->b, iu->len);
	if (srpi_send_bytes(ch, buf, len))
		fail("%s", srpi_error(ch));
	free(buf);
}

static void padded_write(struct srpi_chan *ch, u32 len)
{
	const u64 seed = next_random();
	struct srpi_rsp r;
	struct srpi_iu iu;

	fill_pattern(0, 8 * BLOCK, seed);
	build_out(&iu, AS_CDB(CDB_WRITE(0, 8)), 0, 8 * BLOCK);
	send_padded(ch, &iu, len);
	if (wait_rsp(ch, &r, conf.timeout) != WAIT_RSP)
		fail("no answer");
	if (r.tag != srpi_iu_tag(&iu))
		fail("an answer to another tag");
	expect_good(&r);
	saw("GOOD");
	expect_blocks(ch, 0, 8, seed);
	expect_conserved(ch);
}

static void longest(const void *arg)
{
	const u32 asked = *(const u32 *)arg;
	struct srpi_chan *ch = login_by(ini, &(struct srpi_login_opts){ .iu_len = asked });
	u32 granted = srpi_chan_login(ch)->max_it_iu_len;

	settle(ch);
	if (granted < asked)
		fail("%u bytes granted, less than asked for", granted);
	padded_write(ch, asked);
	if (granted <= 128 << 10)
		padded_write(ch, granted);
	close_chan(ch);
}

static void iuf_07(void)
{
	static const u32 lens[] = { 64, 80, 1000, SRPI_IU_LEN };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(lens); i++)
		row(longest, &lens[i], "%u bytes agreed; IUs of this and of the granted length", lens[i]);
}

#define PROMPT	5000	/* ms; the guest of a busy machine */

static void beyond(const void *arg)
{
	const u32 more = *(const u32 *)arg;
	struct srpi_chan *ch = shared();
	struct srpi_rsp r;
	struct srpi_iu iu;
	long begin = now_ms();

	build_tur(&iu);
	send_padded(ch, &iu, srpi_chan_login(ch)->max_it_iu_len + more);
	/* A buffer may be longer than what it was agreed for; but not as long as that. */
	if (wait_rsp(ch, &r, conf.timeout) == WAIT_RSP) {
		if (more > 1)
			fail("an answer, status %02x", r.status);
		expect_good(&r);
		saw("GOOD");
		return;
	}
	expect_closed(ch, ANY_LOGOUT);
	if (now_ms() - begin > PROMPT)
		fail("closed after %ld ms", now_ms() - begin);
}

static void iuf_08(void)
{
	static const u32 more[] = { 1, 100 << 10 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(more); i++)
		row(beyond, &more[i], "%u bytes more than agreed", more[i]);
}

/* 64 bytes are agreed. */
static void more_than_agreed(const void *arg)
{
	const u32 entries = *(const u32 *)arg;
	struct srpi_chan *ch = login_by(ini, &(struct srpi_login_opts){ .iu_len = 64 });
	const u64 seed = next_random();
	struct srpi_iu iu;
	u32 outcome;

	settle(ch);
	mark_blocks(ch, 0, 8, seed);
	memset(data, CANARY, MARK_AT);
	if (entries)
		build_table(&iu, AS_CDB(CDB_READ(0, 8)), SRPI_IN, 4096, entries, 4096 / entries);
	else
		build_in(&iu, AS_CDB(CDB_READ(0, 8)), 4096, 4096);
	if (iu.len < 512)
		memset(iu.b + iu.len, 0, 512 - iu.len);
	iu.len = 512;
	outcome = probe(ch, &iu, GOOD | FIELD | KILL(SRP_LOGOUT_BAD_LEN) | CLOSED, NULL);
	if (outcome == GOOD)
		expect_pattern(4096, 4096, seed);
	else
		expect_canary(4096, 4096);
	expect_canary(0, 4096);
	expect_canary(8192, MARK_AT - 8192);
	close_chan(ch);
}

static void iuf_09(void)
{
	static const u32 entries[] = { 0, 16 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(entries); i++)
		row(more_than_agreed, &entries[i], "IU of 512 bytes, %u entries, 64 agreed", entries[i]);
}

/* What is in front of the trailing bytes. */
enum kind { NO_BUFFER, DIRECT_IN, DIRECT_OUT, TABLE_IN, TABLE_OUT };

static void one_trailing(struct srpi_chan *ch, enum kind kind, u32 n, u64 seed)
{
	const struct srp_wire_desc more = srpi_desc(&data_mem, 0, 256);
	struct srpi_iu iu;

	if (kind == NO_BUFFER)
		build_tur(&iu);
	else if (kind == DIRECT_IN)
		build_in(&iu, AS_CDB(CDB_READ(0, 2)), 4096, 1024);
	else if (kind == TABLE_IN)
		build_table(&iu, AS_CDB(CDB_READ(0, 2)), SRPI_IN, 4096, 4, 256);
	else
		fill_pattern(4096, 1024, seed);
	if (kind == DIRECT_OUT)
		build_out(&iu, AS_CDB(CDB_WRITE(0, 2)), 4096, 1024);
	else if (kind == TABLE_OUT)
		build_table(&iu, AS_CDB(CDB_WRITE(0, 2)), SRPI_OUT, 4096, 4, 256);
	memset(iu.b + iu.len, 0xff, n);
	/* Could be taken for one more entry. */
	if (n == 16)
		memcpy(iu.b + iu.len, &more, sizeof(more));
	iu.len += n;
	do_good(ch, &iu);
}

static void trailing(const void *arg)
{
	const enum kind kind = *(const u32 *)arg;
	const bool out = kind == DIRECT_OUT || kind == TABLE_OUT;
	struct srpi_chan *ch = shared();
	u64 seed = next_random();
	u32 n;

	mark_blocks(ch, 0, 2, seed);
	for (n = 1; n <= 64; n += out && !conf.run_long ? 5 : 1) {
		memset(data, CANARY, 16384);
		one_trailing(ch, kind, n, out ? ++seed : seed);
		if (out)
			expect_blocks(ch, 0, 2, seed);
		else if (kind != NO_BUFFER)
			expect_pattern(4096, 1024, seed);
		expect_canary(0, 4096);
		expect_canary(4096 + 1024, 16384 - 4096 - 1024);
	}
	saw("GOOD");
	expect_conserved(ch);
}

static void iuf_10(void)
{
	static const char *const names[] = {
		"TEST UNIT READY", "READ, direct", "WRITE, direct", "READ, table", "WRITE, table",
	};
	u32 i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		row(trailing, &i, "%s, with 1 to 64 bytes behind it", names[i]);
}

/* ---- IUF-11 to IUF-14: types ----------------------------------------------------------------------- */

static bool known_opcode(u8 opcode)
{
	return memchr(from_initiator, opcode, sizeof(from_initiator)) || memchr(from_target, opcode, sizeof(from_target));
}

static void iuf_11(void)
{
	static const u8 some[] = { 0x04, 0x0f, 0x20, 0x40, 0x43, 0x7f, 0x83, 0x8f, 0xbf, 0xc3, 0xdd, 0xff };
	u32 i;

	for (i = 0; i < (conf.run_long ? 256 : ARRAY_SIZE(some)); i++) {
		u8 opcode = conf.run_long ? i : some[i];

		if (!known_opcode(opcode))
			one_row(opcode, opcode % 2 ? 64 : 16, KILL(SRP_LOGOUT_BAD_IU_TYPE));
	}
}

static void iuf_12(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(from_target); i++) {
		one_row(from_target[i], 16, KILL(SRP_LOGOUT_BAD_IU_TYPE));
		one_row(from_target[i], 64, KILL(SRP_LOGOUT_BAD_IU_TYPE));
	}
	/* The same rule for what belongs into the connection request. */
	one_row(SRP_OP_LOGIN_REQ, 16, KILL(SRP_LOGOUT_BAD_IU_TYPE));
	one_row(SRP_OP_LOGIN_REQ, 47, KILL(SRP_LOGOUT_BAD_IU_TYPE));
}

static void iuf_13(void)
{
	static const u32 lens[] = { 16, 17, 47 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(lens); i++) {
		one_row(SRP_OP_CRED_RSP, lens[i], KILL(SRP_LOGOUT_UNSOLICITED));
		one_row(SRP_OP_AER_RSP, lens[i], KILL(SRP_LOGOUT_UNSOLICITED));
	}
}

/* The next IU, whatever it is; what the target asks for is not answered. */
static u8 next_iu(struct srpi_chan *ch, u64 *tag)
{
	const struct srp_wire_short *w;
	struct srpi_rx rx;

	if (srpi_recv(ch, &rx, conf.timeout))
		fail("%s", srpi_error(ch));
	w = (const void *)rx.buf;
	if (rx.len < sizeof(*w))
		fail("an IU of %u bytes", rx.len);
	*tag = w->tag;
	return w->opcode;
}

/*
 * Until there is an answer to @request, or, without one, there are so many credits. SRP_CRED_REQs are answered; but with
 * @asked the first of them ends it.
 */
static bool next_cred_req(struct srpi_chan *ch, const struct srpi_iu *request, s64 credits, u64 *asked)
{
	struct srpi_iu iu;
	u8 opcode;
	u64 tag;

	while (request || srpi_credits(ch) < credits) {
		opcode = next_iu(ch, &tag);
		if (opcode == SRP_OP_CRED_REQ && asked) {
			*asked = tag;
			return true;
		}
		if (opcode == SRP_OP_CRED_REQ) {
			srpi_short(&iu, SRP_OP_CRED_RSP, tag);
			send_iu(ch, &iu);
		}
		if (request && opcode == SRP_OP_RSP && tag == srpi_iu_tag(request))
			break;
	}
	return false;
}

/* So much is aborted that its credits may have to come before the answer to the function. Returns whether @asked. */
static bool abort_many(struct srpi_chan *ch, u64 *asked)
{
	s64 i, n = srpi_credits(ch);
	struct srpi_iu iu;

	hook("hold");
	for (i = 0; i < n - 2; i++) {
		build_held(&iu, 2 * i + 1);
		send_iu(ch, &iu);
	}
	build_tmf(&iu, SRP_TMF_LUN_RESET, LUN_IS(conf.held_lun), 0);
	send_iu(ch, &iu);
	/* When this is answered the function has been noticed. */
	build_tur(&iu);
	send_iu(ch, &iu);
	if (next_cred_req(ch, &iu, 0, asked))
		return true;
	hook("release");
	return next_cred_req(ch, NULL, n, asked);
}

static void iuf_13b(void)
{
	struct srpi_chan *ch = shared();
	struct srpi_iu iu;
	u64 tag;

	sent("SRP_CRED_RSP with another tag than that of the SRP_CRED_REQ");
	settle_held(ch);
	if (!abort_many(ch, &tag)) {
		saw("no SRP_CRED_REQ");
		return;
	}
	srpi_short(&iu, SRP_OP_CRED_RSP, ~tag);
	send_iu(ch, &iu);
	hook("release");
	expect_closed(ch, SRP_LOGOUT_UNSOLICITED);
}

static void iuf_14(void)
{
	const u32 enough = loops(2, 10000);
	struct srpi_chan *ch = shared();
	u32 rounds = 0;

	while (srpi_stats(ch)->cred_reqs < enough) {
		settle_held(ch);
		abort_many(ch, NULL);
		settle_held(ch);
		expect_conserved(ch);
		if (++rounds == 2 && !srpi_stats(ch)->cred_reqs)
			break;
	}
	sent("answers to %llu SRP_CRED_REQs, in %u rounds of aborted commands", srpi_stats(ch)->cred_reqs, rounds);
	if (srpi_stats(ch)->cred_reqs)
		saw("credits conserved");
	else
		saw("no SRP_CRED_REQ");
}

/* ---- IUF-15 to IUF-18: other work requests --------------------------------------------------------- */

struct wr_row {
	const char		*name;
	enum ibv_wr_opcode	opcode;
	u32			len;
	u32			rkey;
};

static void post_row(struct srpi_chan *ch, const struct wr_row *row)
{
	struct ibv_sge sge = { .addr = (uintptr_t)data, .length = row->len, .lkey = data_mem.mr->lkey };
	struct ibv_send_wr wr = { .sg_list = &sge, .num_sge = row->len ? 1 : 0, .opcode = row->opcode };

	switch (row->opcode) {
	case IBV_WR_SEND_WITH_INV:
		wr.invalidate_rkey = row->rkey;
		break;
	case IBV_WR_SEND_WITH_IMM:
		wr.imm_data = row->rkey;
		break;
	case IBV_WR_ATOMIC_FETCH_AND_ADD:
	case IBV_WR_ATOMIC_CMP_AND_SWP:
		wr.wr.atomic.remote_addr = 4096;
		wr.wr.atomic.rkey = row->rkey;
		wr.wr.atomic.compare_add = 1;
		break;
	default:
		if (row->opcode == IBV_WR_RDMA_WRITE_WITH_IMM)
			wr.imm_data = 0x12345678;
		wr.wr.rdma.remote_addr = 4096;
		wr.wr.rdma.rkey = row->rkey;
	}
	if (srpi_post_send(ch, &wr))
		fail("%s", srpi_error(ch));
}

static void with_immediate(const void *arg)
{
	struct srpi_chan *ch = shared();
	struct srpi_rsp r;
	struct srpi_iu iu;

	build_tur(&iu);
	memcpy(data, iu.b, iu.len);
	post_row(ch, arg);
	if (wait_rsp(ch, &r, conf.timeout) != WAIT_RSP) {
		expect_closed(ch, SRP_LOGOUT_BAD_IU_TYPE);
		return;
	}
	expect_good(&r);
	saw("GOOD");
	tur(ch);
	/* The library has not counted it. */
	if (srpi_stats(ch)->deltas != (s64)srpi_stats(ch)->requests + 1)
		fail("the credits are not conserved");
	close_chan(ch);
}

static void iuf_15(void)
{
	static const struct wr_row rows[] = {
		{ "", IBV_WR_SEND_WITH_IMM, 48, 0 },
		{ "", IBV_WR_SEND_WITH_IMM, 48, 0x12345678 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		row(with_immediate, &rows[i], "TEST UNIT READY by SEND with immediate %08x", rows[i].rkey);
}

/*
 * What fills no receive buffer must not find the IU that is there: a valid one in each. And it is what is sent, and must not
 * be executed. Nothing is answered, another channel of the session is not concerned.
 */
static void no_iu(const void *arg)
{
	const struct wr_row *row = arg;
	const u64 seed = next_random();
	struct srpi_chan *other, *ch;
	struct srpi_rsp r;
	struct srpi_iu iu;

	close_all();
	other = login_settled(SRP_LOGIN_MC_SINGLE);
	ch = login_settled(SRP_LOGIN_MC_MULTI);
	fill_pattern(65536, BLOCK, seed);
	build_out(&iu, AS_CDB(CDB_WRITE(WRITTEN_LBA, 1)), 65536, BLOCK);
	if (row->opcode == IBV_WR_RDMA_WRITE_WITH_IMM && !row->len)
		fill_receives(ch, &iu);
	else
		do_good(ch, &iu);
	fill_pattern(65536, BLOCK, ~seed);
	memset(data, 0, 65536);
	memcpy(data, iu.b, iu.len);
	post_row(ch, row);
	if (wait_rsp(ch, &r, conf.timeout) == WAIT_RSP)
		fail("an answer, status %02x", r.status);
	if (srpi_stats(ch)->failed)
		saw("%s", ibv_wc_status_str(srpi_stats(ch)->failed));
	else if (row->opcode != IBV_WR_SEND_WITH_INV && row->opcode != IBV_WR_RDMA_WRITE_WITH_IMM)
		fail("it was carried out");
	/* When the HCA has refused it, the QP cannot say so any more. */
	expect_closed(ch, row->opcode == IBV_WR_RDMA_WRITE_WITH_IMM && srpi_stats(ch)->logout >= 0 ?
		      SRP_LOGOUT_BAD_IU_TYPE : ANY_LOGOUT);
	if (memcmp(data, iu.b, iu.len))
		fail("memory was written");
	expect_blocks(other, WRITTEN_LBA, 1, seed);
	expect_conserved(other);
}

static void wr_rows(const struct wr_row *rows, u32 nr)
{
	u32 i;

	for (i = 0; i < nr; i++)
		row(no_iu, &rows[i], "%s, %u bytes, R_Key %08x", rows[i].name, rows[i].len, rows[i].rkey);
}

static void iuf_16(void)
{
	const struct wr_row rows[] = {
		{ "SEND with invalidate", IBV_WR_SEND_WITH_INV, 64, 0 },
		{ "SEND with invalidate", IBV_WR_SEND_WITH_INV, 64, next_random() },
	};

	wr_rows(rows, ARRAY_SIZE(rows));
}

static void iuf_17(void)
{
	const struct wr_row rows[] = {
		{ "RDMA WRITE with immediate", IBV_WR_RDMA_WRITE_WITH_IMM, 0, 0 },
		{ "RDMA WRITE with immediate", IBV_WR_RDMA_WRITE_WITH_IMM, 0, next_random() },
		{ "RDMA WRITE with immediate", IBV_WR_RDMA_WRITE_WITH_IMM, 64, next_random() },
	};

	wr_rows(rows, ARRAY_SIZE(rows));
}

static void iuf_18(void)
{
	const struct wr_row rows[] = {
		{ "RDMA WRITE", IBV_WR_RDMA_WRITE, 64, 0 },
		{ "RDMA WRITE", IBV_WR_RDMA_WRITE, 64, next_random() },
		{ "RDMA READ", IBV_WR_RDMA_READ, 64, 0 },
		{ "RDMA READ", IBV_WR_RDMA_READ, 64, next_random() },
		{ "FETCH AND ADD", IBV_WR_ATOMIC_FETCH_AND_ADD, 8, next_random() },
		{ "COMPARE AND SWAP", IBV_WR_ATOMIC_CMP_AND_SWP, 8, next_random() },
	};

	wr_rows(rows, ARRAY_SIZE(rows));
}

static void iuf_19(void)
{
	run_fuzz(loops(2000, 1000000));
}

const struct conf_case iu_cases[] = {
	{ "IUF-01", "an empty SEND", "SRP_T_LOGOUT 8, closed", iuf_01 },
	{ "IUF-02", "shorter than opcode and tag", "SRP_T_LOGOUT 8, closed", iuf_02 },
	{ "IUF-03", "SRP_CMD of 16 to 47 bytes", "05/0E/03, or SRP_T_LOGOUT 8 and closed", iuf_03 },
	{ "IUF-04", "SRP_TSK_MGMT of 16 to 47 bytes",
	  "RSP_CODE 02 or 05, or SRP_T_LOGOUT 8 and closed; nothing is aborted", iuf_04, NEEDS_HOLD },
	{ "IUF-05", "other IUs below 16 bytes", "SRP_T_LOGOUT 8, closed", iuf_05 },
	{ "IUF-06", "bytes of an earlier IU are never parsed", "the WRITE runs once", iuf_06 },
	{ "IUF-07", "an IU of the longest length", "GOOD", iuf_07 },
	{ "IUF-08", "longer than the receive buffer", "closed promptly", iuf_08 },
	{ "IUF-09", "longer than agreed, fits the buffer", "SRP_T_LOGOUT 8 and closed, or processed", iuf_09 },
	{ "IUF-10", "trailing bytes", "ignored", iuf_10 },
	{ "IUF-11", "unknown opcodes", "SRP_T_LOGOUT 2, closed", iuf_11 },
	{ "IUF-12", "opcodes of a target", "SRP_T_LOGOUT 2, closed", iuf_12 },
	{ "IUF-13", "a response nobody asked for", "SRP_T_LOGOUT 3, closed", iuf_13 },
	{ "IUF-13b", "a response with a wrong tag", "SRP_T_LOGOUT 3, closed", iuf_13b, NEEDS_HOLD },
	{ "IUF-14", "what is no request leaves the limit alone", "credits are conserved", iuf_14, NEEDS_HOLD },
	{ "IUF-15", "SEND with immediate", "GOOD, or SRP_T_LOGOUT 2 and closed", iuf_15 },
	{ "IUF-16", "SEND with invalidate", "closed, other channels go on", iuf_16 },
	{ "IUF-17", "RDMA WRITE with immediate is no IU", "SRP_T_LOGOUT 2, closed; the buffer is not parsed", iuf_17 },
	{ "IUF-18", "no RDMA to the target", "NAK, closed", iuf_18 },
	{ "IUF-19", "random IUs", "each is answered, or the channel is closed; credits are conserved", iuf_19 },
	{ .id = NULL }
};
