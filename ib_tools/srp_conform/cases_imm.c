// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Requirements of immediate data (IMM). */
#include <string.h>

#include "conform.h"

#define MAX_IMM		8192
#define OLD_BLOCKS	24		/* of the medium that are known, more than any of these writes */
#define SOURCE		65536u		/* of the data: what goes into IUs */
#define NO_IMM		0		/* an offset: immediate data is not agreed */

/**
 * struct imm - a command with immediate data
 * @blocks: of the WRITE; ~0: TEST UNIT READY
 * @says: the length in the IU
 * @carried: bytes that are there
 * @behind: bytes behind those
 * @add: of additional CDB
 * @cut: the IU ends here
 * @flag, @residual: of an answer that is GOOD, or of a WRITE that has too little
 */
struct imm {
	u32	blocks;
	u32	says, carried, behind;
	u8	add, cut;
	u32	allowed;
	u8	flag;
	u32	residual;
};

static void build_imm(struct srpi_iu *iu, const struct imm *m, u32 off)
{
	static const u8 zero[256];

	begin_cmd(iu, m->blocks == ~0u ? AS_CDB(CDB_TUR) : AS_CDB(CDB_WRITE(0, m->blocks)), 0)->add_cdb_len = m->add;
	srpi_append(iu, zero, m->add);
	srpi_immediate(iu, off, data + SOURCE, m->carried);
	*(__be32 *)(iu->b + 48 + m->add) = htobe32(m->says);
	memset(iu->b + iu->len, 0xff, m->behind);
	iu->len += m->behind;
	if (m->cut)
		iu->len = m->cut;
}

/* The medium has the beginning of the source, and behind it what it had. */
static void expect_medium(struct srpi_chan *ch, u32 written, u64 old)
{
	read_blocks(ch, 0, OLD_BLOCKS, MARK_AT);
	expect_same(MARK_AT, SOURCE, written);
	fill_pattern(SOURCE, OLD_BLOCKS * BLOCK, old);
	expect_same(MARK_AT + written, SOURCE + written, OLD_BLOCKS * BLOCK - written);
}

static void run_imm(struct srpi_chan *ch, const struct imm *m, u32 off)
{
	const u32 wanted = m->blocks == ~0u ? 0 : m->blocks * BLOCK;
	const u64 seed = next_random();
	struct srpi_rsp r;
	struct srpi_iu iu;
	u32 outcome;

	mark_blocks(ch, 0, OLD_BLOCKS, ~seed);
	fill_pattern(SOURCE, MAX_IMM, seed);
	build_imm(&iu, m, off);
	outcome = probe(ch, &iu, m->allowed, &r);
	if (outcome == GOOD || r.flags & 0x3c)
		expect_residual(&r, m->flag, m->residual);
	if (outcome & CLOSED)
		ch = shared();
	expect_medium(ch, outcome != GOOD ? 0 : wanted < m->says ? wanted : m->says, ~seed);
}

static void with_imm(const void *arg)
{
	run_imm(shared_imm(), arg, SRPI_IMM_OFF);
}

static void imm_rows(const struct imm *m, u32 nr)
{
	for (; nr--; m++) {
		if (m->blocks == ~0u)
			row(with_imm, m, "TEST UNIT READY, %u of %u bytes", m->carried, m->says);
		else
			row(with_imm, m, "WRITE of %u blocks, %u of %u bytes, %u behind, %u of additional CDB%s", m->blocks,
			    m->carried, m->says, m->behind, m->add, m->cut ? ", cut" : "");
	}
}

#define ROWS(...) do { \
	static const struct imm rows[] = { __VA_ARGS__ }; \
	imm_rows(rows, ARRAY_SIZE(rows)); \
} while (0)

/* ---- IMM-01 to IMM-03: agreed or not --------------------------------------------------------------- */

static void imm_01(void)
{
	ROWS(
		{ 0, 1, 1, .allowed = GOOD, .flag = SRP_RSP_DOUNDER, .residual = 1 },
		{ 1, 512, 512, .allowed = GOOD }, { 8, 4096, 4096, .allowed = GOOD }, { 16, 8192, 8192, .allowed = GOOD },
		{ 3, 1536, 1536, .allowed = GOOD },
	);
}

static struct srpi_chan *login_imm(u16 off, u32 iu_len)
{
	struct srpi_chan *ch;

	close_all();
	ch = login_by(ini, &(struct srpi_login_opts){ .flags = SRP_LOGIN_IMM, .imm_off = off, .iu_len = iu_len });
	settle(ch);
	return ch;
}

static void at_offset(const void *arg)
{
	static const struct imm sizes[] = {
		{ 1, 512, 512, .allowed = GOOD }, { 8, 4096, 4096, .allowed = GOOD }, { 1, 512, 511, .allowed = FIELD },
	};
	const u32 off = *(const u32 *)arg;
	struct srpi_chan *ch = login_imm(off, 0);
	unsigned int i;

	/* Which offsets there may be is up to the target. */
	if (!srpi_chan_login(ch)->imm) {
		saw("offset not accepted");
		return;
	}
	for (i = 0; i < ARRAY_SIZE(sizes); i++)
		run_imm(ch, &sizes[i], off);
}

static void imm_02(void)
{
	static const u32 offs[] = { 52, 64, 80, 100, 512 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(offs); i++)
		row(at_offset, &offs[i], "offset %u", offs[i]);
}

static const struct imm one_block = { 1, 512, 512, .allowed = FIELD | KILL(SRP_LOGOUT_OUT_FMT) };

static void not_asked(const void *arg)
{
	(void)arg;
	run_imm(shared(), &one_block, SRPI_IMM_OFF);
}

/* Asked for with an offset that no target can take; one that takes it all the same has agreed. */
static void not_granted(const void *arg)
{
	struct login_pd pd = login_pd(SRP_LOGIN_IMM);
	struct srpi_chan *ch;

	close_all();
	pd_set_be16(&pd, PD_IMM_OFF, *(const u32 *)arg);
	ch = login_with(&pd);
	settle(ch);
	if (srpi_chan_login(ch)->imm)
		saw("offset accepted");
	else
		run_imm(ch, &one_block, SRPI_IMM_OFF);
}

static void imm_03(void)
{
	static const u32 offs[] = { 0, 47, 53, 65535 };
	unsigned int i;

	row(not_asked, NULL, "not asked for");
	for (i = 0; i < ARRAY_SIZE(offs); i++)
		row(not_granted, &offs[i], "asked for with offset %u", offs[i]);
}

/* ---- IMM-04 to IMM-10: lengths --------------------------------------------------------------------- */

/* What an IU says and has not, is in every receive buffer. */
static void imm_04(void)
{
	struct srpi_chan *ch = shared_imm();
	struct srpi_iu iu;

	memset(data + SOURCE, 0x5a, MAX_IMM);
	build_imm(&iu, &(struct imm){ 16, 8192, 8192 }, SRPI_IMM_OFF);
	fill_receives(ch, &iu);
	ROWS(
		{ 1, 512, 511, .allowed = FIELD }, { 1, 512, 508, .allowed = FIELD }, { 1, 512, 256, .allowed = FIELD },
		{ 1, 512, 0, .allowed = FIELD }, { 8, 4096, 4095, .allowed = FIELD }, { 8, 4096, 512, .allowed = FIELD },
		{ 8, 4096, 0, .allowed = FIELD }, { 16, 8192, 8191, .allowed = FIELD }, { 16, 8192, 0, .allowed = FIELD },
		{ 1, 512, 0, .cut = 52, .allowed = FIELD }, { 1, 512, 0, .cut = 51, .allowed = FIELD | KILL(SRP_LOGOUT_BAD_LEN) },
		{ 1, 512, 0, .cut = 48, .allowed = FIELD | KILL(SRP_LOGOUT_BAD_LEN) },
		{ 1, 8192, 512, .allowed = FIELD }, { 0, 1, 0, .allowed = FIELD }, { ~0u, 512, 511, .allowed = FIELD },
	);
}

static void imm_05(void)
{
	ROWS(
		{ 1, 0xffffffff, 512, .allowed = FIELD }, { 1, 0xffffffbc, 512, .allowed = FIELD },
		{ 1, 0x80000000, 512, .allowed = FIELD }, { 1, 0xffffffbd, 512, .allowed = FIELD },
		{ 1, 0xfffffff0, 8192, .allowed = FIELD }, { ~0u, 0xffffffff, 512, .allowed = FIELD },
	);
}

/* The descriptor is behind the additional CDB, the data where it always is. */
static void imm_06(void)
{
	ROWS(
		{ 1, 512, 512, .add = 16, .allowed = GOOD }, { 1, 512, 512, .add = 4, .allowed = GOOD },
		{ 1, 512, 512, .add = 20, .allowed = FIELD }, { 1, 512, 512, .add = 24, .allowed = FIELD },
		{ 1, 512, 512, .add = 128, .allowed = FIELD }, { 8, 4096, 4096, .add = 244, .allowed = FIELD },
	);
}

#define NO_BUFFER	(GOOD | FIELD | BAD_CDB | CHECK)

static void imm_07(void)
{
	ROWS(
		{ 1, 0, 0, .allowed = NO_BUFFER, .flag = SRP_RSP_DOOVER, .residual = 512 },
		{ 1, 0, 512, .allowed = NO_BUFFER, .flag = SRP_RSP_DOOVER, .residual = 512 },
		{ 0, 0, 0, .allowed = GOOD }, { ~0u, 0, 0, .allowed = GOOD },
	);
}

static void imm_08(void)
{
	ROWS(
		{ 1, 4096, 4096, .allowed = GOOD, .flag = SRP_RSP_DOUNDER, .residual = 3584 },
		{ 1, 513, 513, .allowed = GOOD, .flag = SRP_RSP_DOUNDER, .residual = 1 },
		{ 0, 512, 512, .allowed = GOOD, .flag = SRP_RSP_DOUNDER, .residual = 512 },
		{ ~0u, 512, 512, .allowed = GOOD, .flag = SRP_RSP_DOUNDER, .residual = 512 },
		{ 8, 512, 512, .allowed = FIELD | BAD_CDB | CHECK, .flag = SRP_RSP_DOOVER, .residual = 3584 },
		{ 1, 511, 511, .allowed = FIELD | BAD_CDB | CHECK, .flag = SRP_RSP_DOOVER, .residual = 1 },
		{ 24, 8192, 8192, .allowed = FIELD | BAD_CDB | CHECK, .flag = SRP_RSP_DOOVER, .residual = 4096 },
	);
}

static void imm_09(void)
{
	struct imm m = { 1, 512, 512, .allowed = GOOD };

	ROWS({ 8, 4096, 4096, .behind = 4096, .allowed = GOOD }, { 1, 511, 511, .behind = 512,
	       .allowed = FIELD | BAD_CDB | CHECK, .flag = SRP_RSP_DOOVER, .residual = 1 });
	for (m.behind = 1; m.behind <= 64; m.behind += m.behind < 4 ? 1 : 4)
		row(with_imm, &m, "WRITE of 1 block, %u bytes behind the data", m.behind);
}

struct both {
	struct cdb	cdb;
	enum srp_desc_fmt in;
};

#define IN_AT	4096u

/* The data-in descriptor, if any, is behind the four bytes of the data-out one, with room enough up to the data. */
static void both_ways(const void *arg)
{
	const struct both *b = arg;
	struct srpi_chan *ch = login_imm(128, 0);
	const u32 off = srpi_chan_login(ch)->imm ? 128 : SRPI_IMM_OFF;
	const struct srp_wire_desc desc = srpi_desc(&data_mem, IN_AT, BLOCK);
	const u64 seed = next_random();
	struct srpi_iu iu;
	u32 outcome;

	if (off != 128)
		ch = shared_imm();
	mark_blocks(ch, 0, OLD_BLOCKS, ~seed);
	memset(data, CANARY, SOURCE);
	fill_pattern(SOURCE, MAX_IMM, seed);
	begin_cmd(&iu, b->cdb, SRP_DESC_IMM << 4);
	srpi_append_be32(&iu, BLOCK);
	if (b->in == SRP_DESC_DIRECT)
		srpi_direct(&iu, SRPI_IN, desc);
	else if (b->in)
		srpi_indirect(&iu, SRPI_IN, srpi_desc(&data_mem, 0, sizeof(desc)), &desc, 1, BLOCK);
	memset(iu.b + iu.len, 0, 128);
	memcpy(iu.b + off, data + SOURCE, BLOCK);
	iu.len = off + BLOCK;
	/* Data may not flow against the CDB. */
	outcome = probe(ch, &iu, FIELD | (b->in ? GOOD : 0) | (b->cdb.b[0] == 0x53 ? BAD_OPCODE : 0), NULL);
	expect_canary(0, IN_AT);
	if (outcome != GOOD || b->cdb.b[0] == 0x2a)
		expect_canary(IN_AT, BLOCK);
	expect_canary(IN_AT + BLOCK, SOURCE - IN_AT - BLOCK);
	expect_medium(ch, outcome == GOOD && b->cdb.b[0] != 0x28 ? BLOCK : 0, ~seed);
}

static void imm_10(void)
{
	static const struct both rows[] = {
		{ CDB_WRITE(0, 1), SRP_DESC_DIRECT }, { CDB_WRITE(0, 1), SRP_DESC_INDIRECT },
		{ CDB_READ(0, 1), SRP_DESC_DIRECT }, { CDB_READ(0, 1), SRP_DESC_INDIRECT },
		{ { { 0x53, [8] = 1 } }, SRP_DESC_DIRECT }, { { { 0x53, [8] = 1 } }, SRP_DESC_INDIRECT },
		{ CDB_READ(0, 1), SRP_DESC_NONE },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		row(both_ways, &rows[i], "data-in format %d, opcode %02x", rows[i].in, rows[i].cdb.b[0]);
}

/* ---- IMM-11, IMM-12: buffers ----------------------------------------------------------------------- */

static struct tasks tasks;

/* A WRITE of one block to the held LUN, and what it wrote. */
static void build_held_imm(struct srpi_iu *iu, u32 lba, u64 seed)
{
	fill_pattern(SOURCE, BLOCK, seed + lba);
	lun = conf.held_lun;
	begin_cmd(iu, AS_CDB(CDB_WRITE(lba, 1)), 0);
	lun = conf.lun;
	srpi_immediate(iu, SRPI_IMM_OFF, data + SOURCE, BLOCK);
}

static void expect_held(struct srpi_chan *ch, u32 lba, u64 seed)
{
	lun = conf.held_lun;
	expect_blocks(ch, lba, 1, seed + lba);
	lun = conf.lun;
}

/* So many that @left credits remain; they are not answered. */
static void hold_writes(struct srpi_chan *ch, u32 left, u64 seed)
{
	struct srpi_iu iu;

	settle_held(ch);
	hook("hold");
	tasks.nr = tasks.left = 0;
	while (srpi_credits(ch) > left && tasks.nr < 250) {
		build_held_imm(&iu, tasks.nr, seed);
		task_send(&tasks, ch, &iu);
	}
	expect_silence(ch, 100);
}

/* More commands than there are buffers, with a mistake; then without. */
static void use_all_buffers(struct srpi_chan *ch)
{
	struct srpi_rsp r;
	struct srpi_iu iu;
	u32 i, n = srpi_chan_login(ch)->limit + 16;

	memset(data + SOURCE, 0, MAX_IMM);
	tasks.nr = tasks.left = 0;
	for (i = 0; i < n && i < MAX_TASKS; i++) {
		while (srpi_credits(ch) < 1 || tasks.left > 100)
			task_answer(&tasks, ch, &r);
		build_imm(&iu, &(struct imm){ 1, 512, 511 }, SRPI_IMM_OFF);
		task_send(&tasks, ch, &iu);
	}
	while (tasks.left) {
		task_answer(&tasks, ch, &r);
		if (!r.status)
			fail("GOOD, although data was missing");
	}
	build_imm(&iu, &(struct imm){ 1, 512, 512 }, SRPI_IMM_OFF);
	fill_receives(ch, &iu);
	expect_conserved(ch);
}

static void function_gets_through(const void *arg)
{
	struct srpi_chan *ch = shared_imm();
	const u64 seed = next_random();
	struct srpi_rsp r;
	struct srpi_iu iu;
	u32 i;

	(void)arg;
	hold_writes(ch, 1, seed);
	build_tmf(&iu, SRP_TMF_ABORT_TASK, LUN_IS(conf.lun), TASK);
	ask(ch, &iu, &r);
	saw("RSP_CODE %02x", r.code);
	hook("release");
	tasks_good(&tasks, ch);
	for (i = 0; i < tasks.nr; i += 7)
		expect_held(ch, i, seed);
	use_all_buffers(ch);
}

/* No credit is left. It is received, which the end of the channel shows, while all is held. */
static void response_gets_through(const void *arg)
{
	const u8 opcode = *(const u32 *)arg;
	struct srpi_chan *ch;
	struct srpi_iu iu;

	close_all();
	ch = shared_imm();
	hold_writes(ch, 0, 1);
	srpi_short(&iu, opcode, TASK);
	send_iu(ch, &iu);
	expect_closed(ch, opcode == SRP_OP_I_LOGOUT ? ANY_LOGOUT : SRP_LOGOUT_UNSOLICITED);
	hook("release");
	use_all_buffers(shared_imm());
}

/* Buffers of what was aborted are used again. */
static void aborted_buffers(const void *arg)
{
	struct srpi_chan *ch = shared_imm();
	struct srpi_rsp r;
	struct srpi_iu iu;

	(void)arg;
	hold_writes(ch, 2, 2);
	build_tmf(&iu, SRP_TMF_LUN_RESET, LUN_IS(conf.held_lun), 0);
	send_iu(ch, &iu);
	hook("release");
	/* Some may have ended before the function came to them. */
	do {
		if (wait_rsp(ch, &r, conf.timeout) != WAIT_RSP)
			fail("LOGICAL UNIT RESET is not answered");
	} while (r.tag != srpi_iu_tag(&iu));
	saw("RSP_CODE %02x", r.code);
	settle_held(ch);
	use_all_buffers(ch);
}

static void imm_11(void)
{
	static const u32 opcodes[] = { SRP_OP_CRED_RSP, SRP_OP_I_LOGOUT };
	unsigned int i;

	row(function_gets_through, NULL, "all credits but one in held WRITEs, then SRP_TSK_MGMT");
	for (i = 0; i < ARRAY_SIZE(opcodes); i++)
		row(response_gets_through, &opcodes[i], "all credits in held WRITEs, then opcode %02x", opcodes[i]);
	row(aborted_buffers, NULL, "held WRITEs that are aborted");
}

#define NR_SENT	8

/*
 * Sent from memory of this program, which changes when another command that was sent behind it is answered: then it has
 * arrived.
 */
static void imm_12(void)
{
	struct srpi_chan *ch = shared_imm();
	const u64 seed = next_random();
	struct ibv_sge sge = { .length = SRPI_IMM_OFF + BLOCK, .lkey = data_mem.mr->lkey };
	struct ibv_send_wr wr = { .sg_list = &sge, .num_sge = 1, .opcode = IBV_WR_SEND };
	struct srpi_rsp r;
	struct srpi_iu iu;
	u32 i;

	sent("%u held WRITEs, their memory changed after the sends", NR_SENT);
	settle_held(ch);
	hook("hold");
	for (i = 0; i < NR_SENT; i++) {
		build_held_imm(&iu, i, seed);
		memcpy(data + i * 4096, iu.b, iu.len);
		sge.addr = (uintptr_t)data + i * 4096;
		if (srpi_post_send(ch, &wr))
			fail("%s", srpi_error(ch));
	}
	tur(ch);
	memset(data, 0xff, NR_SENT * 4096);
	hook("release");
	for (i = 0; i < NR_SENT; i++) {
		if (wait_rsp(ch, &r, conf.timeout) != WAIT_RSP)
			fail("%u of %u are answered", i, NR_SENT);
		expect_good(&r);
	}
	for (i = 0; i < NR_SENT; i++)
		expect_held(ch, i, seed);
	saw("data as it was sent");
	/* The library has not counted these. */
	if (srpi_stats(ch)->deltas != (s64)srpi_stats(ch)->requests + NR_SENT)
		fail("the credits are not conserved");
}

const struct conf_case imm_cases[] = {
	{ "IMM-01", "immediate data", "GOOD, data exact", imm_01 },
	{ "IMM-02", "another offset", "data taken from there, if it is accepted", imm_02 },
	{ "IMM-03", "immediate data that was not agreed", "05/0E/03, or SRP_T_LOGOUT 6 and closed", imm_03 },
	{ "IMM-04", "data beyond the IU", "05/0E/03; stale bytes are not used", imm_04 },
	{ "IMM-05", "lengths that overflow", "05/0E/03", imm_05 },
	{ "IMM-06", "a descriptor in the data", "05/0E/03", imm_06 },
	{ "IMM-07", "length 0", "as without a buffer", imm_07 },
	{ "IMM-08", "another length than the CDB's", "DOUNDER; or CHECK CONDITION and DOOVER", imm_08 },
	{ "IMM-09", "trailing bytes", "ignored", imm_09 },
	{ "IMM-10", "immediate data, and data-in", "done right, or 05/0E/03", imm_10 },
	{ "IMM-11", "receive buffers", "more than the limit; used again after everything", imm_11, NEEDS_HOLD },
	{ "IMM-12", "the initiator's memory after the send", "does not matter", imm_12, NEEDS_HOLD },
	{ .id = NULL }
};
