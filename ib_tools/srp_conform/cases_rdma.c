// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Requirements of RDMA failures (RDM). */
#include <errno.h>
#include <string.h>

#include "conform.h"

#define NR		8		/* blocks of the usual command */
#define LEN		(NR * BLOCK)
#define AT		(256u << 10)	/* of the data: the buffer of a command that must fail */
#define BACK		(1u << 20)
#define LIMIT_MS	1000		/* in which the target has to close the channel */
#define NO_ANSWER	90000		/* ms: all retries of a connection */

static u64 seed;

/* ---- common ------------------------------------------------------------------------------------------ */

/* The medium, known, by a channel that is to stay. */
static struct srpi_chan *bystander(u32 nr)
{
	struct srpi_chan *ch = shared();

	lay_canary();
	fill_pattern(0, nr * BLOCK, ++seed);
	write_blocks(ch, 0, nr, 0);
	return ch;
}

/* It goes on, and what failed has changed nothing. */
static void expect_bystander(struct srpi_chan *ch, u32 nr)
{
	read_blocks(ch, 0, nr, BACK);
	expect_same(BACK, 0, nr * BLOCK);
	expect_conserved(ch);
}

/* The target closes the channel in time, and has not answered GOOD to @tag. */
static void expect_lost(struct srpi_chan *ch, u64 tag, long limit)
{
	const long begin = now_ms();
	enum wait_result result;
	struct srpi_rsp r;
	long took;

	while ((result = wait_rsp(ch, &r, limit + conf.timeout)) == WAIT_RSP)
		if (r.tag == tag && !r.status)
			fail("GOOD, although the data was not moved");
	took = now_ms() - begin;
	if (result != WAIT_CLOSED)
		fail("the channel was not closed");
	if (conf.verbose)
		fprintf(stderr, "  closed after %ld ms\n", took);
	saw("closed");
	if (took > limit)
		fail("the channel was closed after %ld ms only", took);
	close_chan(ch);
}

/* ---- RDM-01, RDM-02: keys ---------------------------------------------------------------------------- */

enum key { KEY_RANDOM, KEY_ZERO, KEY_GONE, KEY_OTHER_PD, KEY_NO_ACCESS, KEY_SHORT };

struct refused {
	const char	*name;
	enum key	key;
	bool		out;
};

static struct srp_wire_desc refused_desc(const struct refused *f)
{
	const int access = IBV_ACCESS_LOCAL_WRITE | (f->out ? IBV_ACCESS_REMOTE_WRITE : IBV_ACCESS_REMOTE_READ);
	struct srp_wire_desc desc = srpi_desc(&data_mem, AT, LEN);
	struct srpi_mem *mem;

	switch (f->key) {
	case KEY_RANDOM:
		desc.key = htobe32((u32)next_random());
		break;
	case KEY_ZERO:
		desc.key = 0;
		break;
	case KEY_GONE:
		mem = own_mem(ini, LEN, SRPI_ACCESS_DATA);
		desc = srpi_desc(mem, 0, LEN);
		take_back(mem);
		break;
	case KEY_OTHER_PD:
		desc = srpi_desc(own_mem(other_initiator(2), LEN, SRPI_ACCESS_DATA), 0, LEN);
		break;
	case KEY_NO_ACCESS:
		desc = srpi_desc(own_mem(ini, LEN, access), 0, LEN);
		break;
	case KEY_SHORT:
		desc = srpi_desc(own_mem(ini, 4096, SRPI_ACCESS_DATA), BLOCK, LEN);
		break;
	}
	return desc;
}

static void one_refused(const void *arg)
{
	const struct refused *f = arg;
	struct srpi_chan *by = bystander(NR), *ch;
	struct srpi_iu iu;

	ch = login(SRP_LOGIN_MC_MULTI);
	tur(ch);
	begin_cmd(&iu, f->out ? AS_CDB(CDB_WRITE(0, NR)) : AS_CDB(CDB_READ(0, NR)), 0);
	srpi_direct(&iu, f->out ? SRPI_OUT : SRPI_IN, refused_desc(f));
	send_iu(ch, &iu);
	expect_lost(ch, srpi_iu_tag(&iu), LIMIT_MS);
	expect_canary(AT - 4096, 16384);
	expect_bystander(by, NR);
}

/* Another initiator must not notice. */
static void refused(bool out)
{
	struct refused f[] = {
		{ "a random key", KEY_RANDOM }, { "key 0", KEY_ZERO }, { "the key of deregistered memory", KEY_GONE },
		{ "the key of another protection domain", KEY_OTHER_PD },
		{ out ? "memory without remote read" : "memory without remote write", KEY_NO_ACCESS },
		{ "a length beyond the memory", KEY_SHORT },
	};
	struct srpi_chan *other = login_by(other_initiator(1), NULL);
	unsigned int i;

	settle(other);
	for (i = 0; i < ARRAY_SIZE(f); i++) {
		f[i].out = out;
		/* A row that fails closes all channels. */
		if (!row(one_refused, &f[i], "%s with %s", out ? "WRITE" : "READ", f[i].name))
			return;
	}
	tur(other);
	expect_conserved(other);
}

static void rdm_01(void)
{
	refused(true);
}

static void rdm_02(void)
{
	refused(false);
}

/* ---- RDM-03, RDM-09: one bad entry of a table --------------------------------------------------------- */

struct entry {
	bool	out;
	u32	nr, bad;	/* entries, which of them; counted from 0 */
	u32	behind;		/* good commands that are sent behind it */
};

#define NO_ENTRY	(~0u)

static void build_entry(struct srpi_iu *iu, const struct entry *e, u32 bad)
{
	struct srp_wire_desc *list = (void *)(iu->b + 48 + sizeof(struct srp_wire_indirect));

	build_table(iu, e->out ? AS_CDB(CDB_WRITE(0, e->nr)) : AS_CDB(CDB_READ(0, e->nr)), e->out ? SRPI_OUT : SRPI_IN, AT,
		    e->nr, BLOCK);
	if (bad != NO_ENTRY)
		list[bad].key ^= htobe32(1u << 31);
}

static void one_entry(const void *arg)
{
	const struct entry *e = arg;
	struct srpi_chan *by = bystander(e->nr), *ch = login(SRP_LOGIN_MC_MULTI);
	struct srpi_iu iu;
	u64 tag;
	u32 i;

	tur(ch);
	build_entry(&iu, e, e->bad);
	tag = srpi_iu_tag(&iu);
	send_iu(ch, &iu);
	for (i = 0; i < e->behind; i++) {
		build_in(&iu, AS_CDB(CDB_READ(0, NR)), BACK, LEN);
		send_iu(ch, &iu);
	}
	expect_lost(ch, tag, LIMIT_MS);
	/* What follows the entry may have come, but nothing else. */
	expect_canary(AT - 4096, 4096);
	expect_canary(AT + e->bad * BLOCK, BLOCK);
	expect_canary(AT + e->nr * BLOCK, 4096);
	expect_bystander(by, e->nr);

	/* No work request is missing now: the same with a good table, by all that can be sent at once. */
	build_entry(&iu, e, NO_ENTRY);
	do_good(by, &iu);
}

static void rdm_03(void)
{
	static const struct entry e[] = {
		{ true, 255, 200 }, { false, 255, 200 }, { true, 255, 0 }, { false, 255, 254 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(e); i++)
		row(one_entry, &e[i], "%s, entry %u of %u has a bad key", e[i].out ? "WRITE" : "READ", e[i].bad + 1, e[i].nr);
}

static void rdm_09(void)
{
	static const struct entry e[] = {
		{ false, 1, 0, 16 }, { false, 8, 3, 16 }, { false, 8, 7, 16 }, { true, 8, 3, 16 }, { true, 8, 6, 16 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(e); i++)
		row(one_entry, &e[i], "%s, entry %u of %u has a bad key, %u good commands behind it",
		    e[i].out ? "WRITE" : "READ", e[i].bad + 1, e[i].nr, e[i].behind);
}

/* ---- RDM-04: memory that is lost during the transfer --------------------------------------------------- */

#define NR_BIG		8
#define BIG		1024		/* blocks of each: takes long enough */
#define BIG_LEN		(BIG * BLOCK)
#define TRIES		3		/* for it is a race */
#define OLD		0x11
#define NEW		0x22

/* All of the blocks of a command are as they were, or all are as it wrote them. */
static void expect_whole(struct srpi_chan *ch, u32 nr, bool answered)
{
	u32 i;

	read_blocks(ch, nr * BIG, BIG, 0);
	for (i = 1; i < BIG_LEN && data[i] == data[0]; i++)
		;
	if (i < BIG_LEN || (data[0] != OLD && data[0] != NEW))
		fail("WRITE %u: byte %u is %02x, byte %u is %02x", nr, 0, data[0], i, data[i]);
	if (answered && data[0] != NEW)
		fail("WRITE %u: GOOD, but not written", nr);
}

/*
 * Until the others are under way: of WRITEs when the first has ended, of READs when its first byte has come. Who slept here
 * would find all of them there.
 */
static void wait_begun(struct srpi_chan *ch, struct tasks *t, const struct srpi_mem *mem, bool out)
{
	const volatile u8 *first = mem->addr;
	const long end = now_ms() + 1000;
	struct srpi_rsp r;

	if (out) {
		task_answer(t, ch, &r);
		expect_good(&r);
		return;
	}
	while (*first == NEW && now_ms() < end)
		;
}

/* Returns whether that was in time. */
static bool lose_memory(bool out)
{
	struct srpi_chan *by = shared(), *ch = login(SRP_LOGIN_MC_MULTI);
	struct srpi_mem *mem = own_mem(ini, NR_BIG * BIG_LEN + 4096, SRPI_ACCESS_DATA);
	static struct tasks t;
	enum wait_result result;
	struct srpi_rsp r;
	struct srpi_iu iu;
	u32 i;

	tur(ch);
	memset(&t, 0, sizeof(t));
	memset(data, OLD, BIG_LEN);
	memset(mem->addr, NEW, mem->len);
	for (i = 0; i < NR_BIG; i++)
		write_blocks(by, i * BIG, BIG, 0);
	for (i = 0; i < NR_BIG; i++) {
		begin_cmd(&iu, out ? AS_CDB(CDB_WRITE(i * BIG, BIG)) : AS_CDB(CDB_READ(i * BIG, BIG)), 0);
		srpi_direct(&iu, out ? SRPI_OUT : SRPI_IN, srpi_desc(mem, i * BIG_LEN, BIG_LEN));
		task_send(&t, ch, &iu);
	}
	wait_begun(ch, &t, mem, out);
	if (ibv_dereg_mr(mem->mr))
		fail("memory cannot be deregistered");
	mem->mr = NULL;
	while (t.left && (result = wait_rsp(ch, &r, conf.timeout)) == WAIT_RSP)
		for (i = 0; i < NR_BIG; i++)
			if (t.task[i].tag == r.tag)
				task_over(&t, i);
	saw(t.left ? "closed, %u of %u were answered" : "%u of %u were answered", NR_BIG - t.left, NR_BIG);
	if (t.left && result != WAIT_CLOSED)
		fail("%u of %u were not answered, but the channel was not closed", t.left, NR_BIG);
	close_chan(ch);
	for (i = 0; i < NR_BIG; i++) {
		if (out)
			expect_whole(by, i, t.task[i].over);
		else if (t.task[i].over && (mem->addr[i * BIG_LEN] != OLD || mem->addr[(i + 1) * BIG_LEN - 1] != OLD))
			fail("READ %u: GOOD, but the data is not there", i);
	}
	expect_conserved(by);
	srpi_mem_free(mem);
	return t.left;
}

static void lose_memory_once(const void *arg)
{
	u32 tries = 0;

	while (!lose_memory(*(const bool *)arg) && ++tries < TRIES)
		;
}

static void rdm_04(void)
{
	row(lose_memory_once, (bool[]){ false }, "%u READs of %u KiB, their memory deregistered meanwhile", NR_BIG, BIG / 2);
	row(lose_memory_once, (bool[]){ true }, "%u WRITEs of %u KiB, their memory deregistered meanwhile", NR_BIG, BIG / 2);
}

/* ---- RDM-05, RDM-08: many commands, and the QP ends ---------------------------------------------------- */

#define NR_FLIGHT	64

static void build_mixed(struct srpi_iu *iu, u32 i)
{
	if (i % 3 == 2)
		build_tur(iu);
	else if (i % 3)
		build_out(iu, AS_CDB(CDB_WRITE(4096 + i * NR, NR)), AT + i * LEN, LEN);
	else
		build_in(iu, AS_CDB(CDB_READ(i * NR, NR)), AT + i * LEN, LEN);
}

static void qp_gone(const void *arg)
{
	const struct srpi_login_opts opts = { .flags = SRP_LOGIN_MC_MULTI, .retry_count = 1 };
	struct ibv_qp_attr attr = { .qp_state = IBV_QPS_ERR };
	struct srpi_chan *by = bystander(NR), *ch = login_by(ini, &opts);
	struct srpi_iu iu;
	u32 i;

	for (i = 0; i < NR_FLIGHT; i++) {
		build_mixed(&iu, i);
		send_iu(ch, &iu);
	}
	if (*(const bool *)arg)
		srpi_chan_kill_qp(ch);
	else if (ibv_modify_qp(srpi_chan_qp(ch), &attr, IBV_QP_STATE))
		fail("the QP cannot be stopped");
	tur(by);
	/* A QP that has nothing to send, or gets no answer, takes its retries. */
	expect_lost(ch, 0, NO_ANSWER);
	expect_bystander(by, NR);
}

static void rdm_05(void)
{
	row(qp_gone, (bool[]){ false }, "%u commands, and the QP goes to error", NR_FLIGHT);
	row(qp_gone, (bool[]){ true }, "%u commands, and the QP is destroyed", NR_FLIGHT);
}

struct flush {
	bool	out;
	u32	bad;	/* which command */
};

static void flush_order(const void *arg)
{
	const struct flush *f = arg;
	struct srpi_chan *by = bystander(NR), *ch = login(SRP_LOGIN_MC_MULTI);
	static struct srpi_iu iu[NR_FLIGHT];
	const struct srpi_iu *ius[NR_FLIGHT];
	u32 i, nr, sent_nr = 0, limit = srpi_chan_login(ch)->limit;
	struct srp_wire_desc bad = srpi_desc(&data_mem, AT, LEN);
	u64 tag = 0;

	bad.key ^= htobe32(1u << 31);
	for (limit = limit > 128 ? 128 : limit; sent_nr < limit; sent_nr += nr) {
		for (nr = 0; nr < NR_FLIGHT && sent_nr + nr < limit; nr++) {
			ius[nr] = &iu[nr];
			build_mixed(&iu[nr], 1 + sent_nr + nr);
			if (sent_nr + nr != f->bad)
				continue;
			begin_cmd(&iu[nr], f->out ? AS_CDB(CDB_WRITE(0, NR)) : AS_CDB(CDB_READ(0, NR)), 0);
			srpi_direct(&iu[nr], f->out ? SRPI_OUT : SRPI_IN, bad);
			tag = srpi_iu_tag(&iu[nr]);
		}
		i = srpi_send_list(ch, ius, nr);
		if (i)
			fail("%s", srpi_error(ch));
	}
	expect_lost(ch, tag, LIMIT_MS + 1000);
	expect_bystander(by, NR);
}

static void rdm_08(void)
{
	static const struct flush f[] = { { true, 0 }, { false, 0 }, { true, 64 }, { false, 64 } };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(f); i++)
		row(flush_order, &f[i], "%s with a bad key as number %u of as many commands as the limit allows",
		    f[i].out ? "WRITE" : "READ", f[i].bad + 1);
}

/* ---- RDM-06, RDM-07: receives --------------------------------------------------------------------------- */

static struct srpi_chan *without_receives(struct tasks *t)
{
	const struct srpi_login_opts opts = { .flags = SRP_LOGIN_MC_MULTI, .recvs = -1 };
	struct srpi_chan *by = bystander(NR), *ch = login_by(ini, &opts);
	struct srpi_rx rx;
	struct srpi_iu iu;
	u32 i;

	memset(t, 0, sizeof(*t));
	for (i = 0; i < NR_FLIGHT; i++) {
		build_mixed(&iu, i);
		task_send(t, ch, &iu);
	}
	if (srpi_recv(ch, &rx, 500) != -ETIMEDOUT)
		fail("the channel has ended, or a response has come that nobody could receive");
	tur(by);
	return ch;
}

static void late_receives(const void *arg)
{
	static struct tasks t;
	struct srpi_chan *ch = without_receives(&t);

	(void)arg;
	if (srpi_post_recvs(ch))
		fail("%s", srpi_error(ch));
	tasks_good(&t, ch);
	expect_conserved(ch);
	close_chan(ch);
}

static void no_receives(const void *arg)
{
	static struct tasks t;
	struct srpi_chan *ch = without_receives(&t);
	const long begin = now_ms();

	(void)arg;
	close_chan(ch);
	/* This one ends the session, and waits for what the other has left. */
	tur(login_settled(SRP_LOGIN_MC_SINGLE));
	if (now_ms() - begin > 10000)
		fail("the next login took %ld ms", now_ms() - begin);
}

static void rdm_06(void)
{
	row(late_receives, NULL, "%u commands without a receive, which are posted half a second later", NR_FLIGHT);
	row(no_receives, NULL, "%u commands without a receive, then a disconnect", NR_FLIGHT);
}

static void short_receives(const void *arg)
{
	const u32 size = *(const u32 *)arg;
	const struct srpi_login_opts opts = { .flags = SRP_LOGIN_MC_MULTI, .recv_size = size };
	struct srpi_chan *by = bystander(NR), *ch = login_by(ini, &opts);
	struct srpi_iu iu;

	if (size >= 36)
		tur(ch);
	/* With sense data. */
	build_in(&iu, AS_CDB(CDB_READ(0xfffffff0u, 1)), AT, BLOCK);
	send_iu(ch, &iu);
	expect_lost(ch, 0, LIMIT_MS);
	expect_bystander(by, NR);
}

static void rdm_07(void)
{
	static const u32 sizes[] = { 16, 35, 36, 48 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++)
		row(short_receives, &sizes[i], "receives of %u bytes, and a command that ends with sense data", sizes[i]);
}

/* ---- RDM-10: an initiator that is dead and idle --------------------------------------------------------- */

static void rdm_10(void)
{
	const struct srpi_login_opts opts = { .retry_count = 1 };
	struct ibv_qp_attr attr = { .qp_state = IBV_QPS_ERR };
	struct srpi_chan *ch;
	long begin;

	sent("the QP goes to error, and nothing is sent any more");
	hook("set keepalive 1");
	ch = login_by(ini, &opts);
	settle(ch);
	if (ibv_modify_qp(srpi_chan_qp(ch), &attr, IBV_QP_STATE))
		fail("the QP cannot be stopped");
	begin = now_ms();
	expect_lost(ch, 0, NO_ANSWER);
	saw("noticed after %ld s", (now_ms() - begin + 500) / 1000);
}

/* ---- RDM-11: events -------------------------------------------------------------------------------------- */

static void one_event(const void *arg)
{
	const enum ibv_wr_opcode *opcode = arg;
	struct srpi_chan *by = bystander(NR), *ch = login(SRP_LOGIN_MC_MULTI);
	struct ibv_sge sge = { .addr = (uintptr_t)data + AT, .length = 8, .lkey = data_mem.mr->lkey };
	struct ibv_send_wr wr = { .sg_list = &sge, .num_sge = 1, .opcode = *opcode };

	if (*opcode == IBV_WR_ATOMIC_FETCH_AND_ADD) {
		wr.wr.atomic.remote_addr = 4096;
		wr.wr.atomic.rkey = 0x12345678;
	} else {
		wr.wr.rdma.remote_addr = 4096;
		wr.wr.rdma.rkey = 0x12345678;
	}
	tur(ch);
	if (srpi_post_send(ch, &wr))
		fail("%s", srpi_error(ch));
	expect_lost(ch, 0, LIMIT_MS);
	expect_bystander(by, NR);
}

static void rdm_11(void)
{
	static const enum ibv_wr_opcode opcodes[] = { IBV_WR_RDMA_WRITE, IBV_WR_RDMA_READ, IBV_WR_ATOMIC_FETCH_AND_ADD };
	static const char *const names[] = { "RDMA WRITE", "RDMA READ", "ATOMIC" };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(opcodes); i++)
		row(one_event, &opcodes[i], "%s to the target, which is an access error there", names[i]);
}

/* ---- RDM-12: no RDMA behind an answer -------------------------------------------------------------------- */

struct trap {
	u8	function;
	bool	out;
};

#define TRAPS		4

static void spring_traps(const void *arg)
{
	const struct trap *p = arg;
	struct srpi_chan *ch = shared();
	struct srpi_mem *mem;
	struct srpi_iu iu;
	bool answered;
	int code;
	u32 i;

	for (i = 0; i < TRAPS; i++) {
		mem = own_mem(ini, BIG_LEN + 4096, SRPI_ACCESS_DATA);
		begin_cmd(&iu, p->out ? AS_CDB(CDB_WRITE(0, BIG)) : AS_CDB(CDB_READ(0, BIG)), 0);
		srpi_direct(&iu, p->out ? SRPI_OUT : SRPI_IN, srpi_desc(mem, 0, BIG_LEN));
		code = manage(ch, &iu, mem, p->function, below(20000), &answered);
		saw("RSP_CODE %02x, %s", code, answered ? "answered before" : "aborted");
		/* A late RDMA ends the channel, a late answer is one too many. */
		expect_silence(ch, 50);
		settle(ch);
		expect_conserved(ch);
		srpi_mem_free(mem);
	}
}

static void rdm_12(void)
{
	static const struct trap p[] = {
		{ SRP_TMF_ABORT_TASK, true }, { SRP_TMF_ABORT_TASK, false },
		{ SRP_TMF_LUN_RESET, true }, { SRP_TMF_LUN_RESET, false }, { SRP_TMF_ABORT_TASK_SET, true },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(p); i++)
		row(spring_traps, &p[i], "%s behind %u KiB of %s, whose memory is taken back with the answer",
		    srpi_tmf_str(p[i].function), BIG / 2, p[i].out ? "WRITE" : "READ");
}

const struct conf_case rdma_cases[] = {
	{ "RDM-01", "RDMA READ is refused", "closed within 1 s, medium unchanged, others go on", rdm_01 },
	{ "RDM-02", "RDMA WRITE is refused", "closed within 1 s, no GOOD, others go on", rdm_02 },
	{ "RDM-03", "failure in the middle of a list", "closed within 1 s, medium unchanged, nothing is lost", rdm_03 },
	{ "RDM-04", "memory is lost during the transfer", "closed, medium unchanged, others go on", rdm_04 },
	{ "RDM-05", "the initiator's QP is gone", "closed after the retries, others go on", rdm_05 },
	{ "RDM-06", "the initiator posts no receives", "it is waited for; others go on, disconnecting is possible", rdm_06 },
	{ "RDM-07", "the initiator's receive is too short", "closed within 1 s, others go on", rdm_07 },
	{ "RDM-08", "many commands behind one that fails", "closed, medium unchanged, others go on", rdm_08 },
	{ "RDM-09", "failure of a work request without a completion", "closed within 1 s, others go on", rdm_09 },
	{ "RDM-10", "the initiator is dead and idle", "closed in bounded time", rdm_10, NEEDS_HOOK },
	{ "RDM-11", "asynchronous events: access errors", "closed within 1 s, others go on", rdm_11 },
	{ "RDM-12", "RDMA and the answer to a function", "no RDMA behind it, no answer to the command behind it", rdm_12 },
	{ .id = NULL }
};
