// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Requirements of task management (TMF). */
#include <string.h>

#include "conform.h"

#define NR_HELD		6
#define UNMAPPED	77

static struct tasks tasks;

/* ---- common ------------------------------------------------------------------------------------------ */

static void send_held(struct srpi_chan *ch, struct tasks *t, const struct srpi_mem *mem, u32 nr)
{
	struct srpi_iu iu;
	u32 i;

	memset(t, 0, sizeof(*t));
	for (i = 0; i < nr; i++) {
		build_held_in(&iu, mem, i);
		task_send(t, ch, &iu);
	}
}

/* Logged in, with commands that are held: they are not answered. */
static struct srpi_chan *begin_held(u32 nr)
{
	struct srpi_chan *ch = login_settled(SRP_LOGIN_MC_SINGLE);

	settle_held(ch);
	lay_canary();
	hook("hold");
	send_held(ch, &tasks, &data_mem, nr);
	expect_silence(ch, 200);
	return ch;
}

/* Nothing may be said of it before what it manages has ended; other LUNs do not wait. Returns its number. */
static u32 send_silent(struct srpi_chan *ch, u8 function, int on_lun, u64 task_tag)
{
	struct srpi_iu iu;
	u32 nr;

	build_tmf(&iu, function, LUN_IS(on_lun), task_tag);
	nr = task_send(&tasks, ch, &iu);
	expect_silence(ch, 300);
	tur(ch);
	return nr;
}

/* One that needs not wait for anything. */
static int ask_tmf(struct srpi_chan *ch, u8 function, u64 on_lun, u64 task_tag)
{
	struct srpi_rsp r;
	struct srpi_iu iu;

	build_tmf(&iu, function, on_lun, task_tag);
	ask(ch, &iu, &r);
	expect_code(&r, r.code);
	return r.code;
}

static void expect_tmf(struct srpi_chan *ch, u8 function, u64 on_lun, u64 task_tag, int code)
{
	int got = ask_tmf(ch, function, on_lun, task_tag);

	if (got != code)
		fail("response code %02x instead of %02x", got, code);
}

/* ---- a table of those that need no held disk ---------------------------------------------------------- */

struct tmf {
	u8	function;
	u64	lun;
	int	code, other;	/* either will do */
	u64	task;
};

static void one_tmf(const void *arg)
{
	const struct tmf *t = arg;
	struct srpi_chan *ch = shared();
	int code = ask_tmf(ch, t->function, t->lun, t->task);

	saw("RSP_CODE %02x", code);
	if (code != t->code && code != t->other)
		fail("response code %02x", code);
	settle(ch);
	expect_conserved(ch);
}

static void tmfs(const struct tmf *t, unsigned int nr)
{
	for (; nr--; t++)
		row(one_tmf, t, "function %02x, LUN %016llx, task %016llx", t->function, t->lun, t->task);
}

#define SCRATCH		LUN_IS(conf.lun)
#define NOWHERE		LUN_IS(UNMAPPED)

static void tmf_03(void)
{
	const struct tmf t[] = {
		{ 0x01, SCRATCH, 0, 0, TASK }, { 0x01, SCRATCH, 0, 0, 0 }, { 0x01, SCRATCH, 0, 0, ~0ULL },
	};
	struct srpi_iu iu;
	struct tmf done;

	tmfs(t, ARRAY_SIZE(t));
	build_in(&iu, AS_CDB(CDB_READ(0, 8)), 0, 4096);
	do_good(shared(), &iu);
	done = (struct tmf){ 0x01, SCRATCH, 0, 0, srpi_iu_tag(&iu) };
	row(one_tmf, &done, "ABORT TASK of a command that is answered already");
}

static void tmf_08(void)
{
	const struct tmf t[] = { { 0x40, SCRATCH, 0x04, 0x00, 0 } };

	tmfs(t, ARRAY_SIZE(t));
}

static void tmf_09(void)
{
	static const u8 functions[] = { 0x00, 0x03, 0x05, 0x10, 0x20, 0x80, 0x81, 0xff };
	const u64 luns[] = { SCRATCH, NOWHERE, SCRATCH | 1, 0xc001000000000000ULL };
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(luns); i++) {
		for (j = 0; j < ARRAY_SIZE(functions); j++) {
			const struct tmf t = { functions[j], luns[i], 0x04, 0x04, TASK };

			tmfs(&t, 1);
		}
	}
}

/* A function that is not supported may say that. */
static void tmf_10(void)
{
	const struct tmf t[] = {
		{ 0x01, NOWHERE, 0x05, 0x05, TASK }, { 0x08, NOWHERE, 0x05, 0x05, 0 }, { 0x02, NOWHERE, 0x05, 0x04, 0 },
		{ 0x04, NOWHERE, 0x05, 0x04, 0 }, { 0x40, NOWHERE, 0x05, 0x04, 0 },
	};

	tmfs(t, ARRAY_SIZE(t));
}

static void tmf_11(void)
{
	const u64 luns[] = {
		SCRATCH | 1ULL << 40, SCRATCH | 1ULL << 32, SCRATCH | 1ULL << 16, SCRATCH | 1, LUN_IS(0x8000 | conf.lun),
		LUN_IS(0xc000 | conf.lun), ~0ULL,
	};
	static const u8 functions[] = { 0x01, 0x08 };
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(luns); i++) {
		for (j = 0; j < ARRAY_SIZE(functions); j++) {
			const struct tmf t = { functions[j], luns[i], 0x02, 0x02, TASK };

			tmfs(&t, 1);
		}
	}
}

/* ---- TMF-01, TMF-02: ABORT TASK ------------------------------------------------------------------------- */

/* One of several is aborted; its memory is taken back with the answer. */
static void abort_one(const void *arg)
{
	const u32 kind = *(const u32 *)arg;	/* 0: WRITE, 1: READ */
	struct srpi_mem *mem = own_mem(ini, 8 * 4096, SRPI_ACCESS_DATA);
	struct srpi_chan *ch = begin_held(NR_HELD);
	struct srpi_iu iu;
	struct srpi_rsp r;
	u32 victim, tmf;
	bool early;

	build_held_in(&iu, mem, kind);
	victim = task_send(&tasks, ch, &iu);
	expect_silence(ch, 100);
	build_tmf(&iu, SRP_TMF_ABORT_TASK, LUN_IS(conf.held_lun), tasks.task[victim].tag);
	tmf = task_send(&tasks, ch, &iu);
	early = wait_rsp(ch, &r, 300) == WAIT_RSP;
	if (early) {
		if (r.tag != srpi_iu_tag(&iu))
			fail("a command that is held is answered");
		task_over(&tasks, tmf);
	}
	tur(ch);
	if (!early)
		hook("release");
	while (!tasks.task[tmf].over)
		if (task_answer(&tasks, ch, &r) != tmf)
			expect_good(&r);
	take_back(mem);
	expect_code(&r, SRP_RSP_COMPLETE);
	saw(early ? "00 while it was held" : tasks.task[victim].over ? "00 after its answer" : "00, it is not answered");
	task_over(&tasks, victim);
	if (early)
		hook("release");
	tasks_good(&tasks, ch);
	expect_silence(ch, 100);
	tur(ch);
	expect_conserved(ch);
}

static void tmf_01(void)
{
	row(abort_one, (u32[]){ 1 }, "ABORT TASK of one READ of several commands that are held");
	row(abort_one, (u32[]){ 0 }, "ABORT TASK of one WRITE of several commands that are held");
}

#define BIG		2048		/* blocks: fetching them takes a while */
#define BIG_LEN		(BIG * BLOCK)

/* What is not written when the answer comes is never written. */
static void abort_fetch(const void *arg)
{
	struct srpi_mem *mem = own_mem(ini, BIG_LEN + 4096, SRPI_ACCESS_DATA);
	struct srpi_chan *ch = shared();
	struct srpi_iu iu;
	bool answered;
	int code;

	memset(mem->addr, next_random(), BIG_LEN);
	begin_cmd(&iu, AS_CDB(CDB_WRITE(0, BIG)), 0);
	srpi_direct(&iu, SRPI_OUT, srpi_desc(mem, 0, BIG_LEN));
	code = manage(ch, &iu, mem, SRP_TMF_ABORT_TASK, *(const u32 *)arg, &answered);
	if (code != SRP_RSP_COMPLETE)
		fail("response code %02x", code);
	saw("00, it is %sanswered", answered ? "" : "not ");
	read_blocks(ch, 0, BIG, 0);
	expect_silence(ch, 50);
	read_blocks(ch, 0, BIG, BIG_LEN);
	expect_same(0, BIG_LEN, BIG_LEN);
	expect_conserved(ch);
	srpi_mem_free(mem);
}

static void tmf_02(void)
{
	static const u32 us[] = { 0, 0, 200, 500, 1000, 2000, 4000, 8000, 12000, 16000 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(us); i++)
		row(abort_fetch, &us[i], "WRITE of %u KiB, and ABORT TASK %u us behind it", BIG / 2, us[i]);
}

/* ---- TMF-04: the wrong LUN -------------------------------------------------------------------------------- */

static void tmf_04(void)
{
	struct srpi_chan *ch;
	struct srpi_rsp r;
	u32 tmf, i;

	sent("ABORT TASK of a command that is held, with the LUN of another");
	ch = begin_held(NR_HELD);
	tmf = send_silent(ch, SRP_TMF_ABORT_TASK, conf.lun, tasks.task[0].tag);
	/* A function that waits is no task, although it has a tag. */
	expect_tmf(ch, SRP_TMF_ABORT_TASK, LUN_IS(conf.held_lun), tasks.task[tmf].tag, SRP_RSP_COMPLETE);
	hook("release");
	do {
		i = task_answer(&tasks, ch, &r);
		if (i != tmf)
			expect_good(&r);
	} while (i != tmf);
	expect_code(&r, SRP_RSP_FIELDS_INVALID);
	if (!tasks.task[0].over)
		fail("answered before the command");
	tasks_good(&tasks, ch);
	expect_conserved(ch);
}

/* ---- TMF-05 to TMF-07: all tasks ---------------------------------------------------------------------------- */

struct set {
	u8	function;
	bool	others;		/* the tasks of other initiators too */
	bool	optional;
	u32	attention;	/* of others */
};

#define NR_OTHERS	4

/* The rival's commands: they stay, or end in one of two ways. */
static void expect_others(struct srpi_chan *ch, struct tasks *t, const struct set *s)
{
	struct srpi_iu iu;
	u32 aborted;

	if (!s->others) {
		tasks_good(t, ch);
		saw("the others' are answered");
	} else {
		aborted = tasks_end(t, ch, 0x40);
		saw("%u of %u of the others' end with TASK ABORTED", aborted, NR_OTHERS);
		lun = conf.held_lun;
		build_tur(&iu);
		if (provoke(ch, &iu, GOOD | CHECK, NULL) == GOOD && s->attention)
			fail("no unit attention for other initiators");
		settle(ch);
		lun = conf.lun;
	}
	expect_conserved(ch);
}

static void whole_set(const void *arg)
{
	const struct set *s = arg;
	struct srpi *way;
	struct srpi_chan *ch, *rival = login_rival(&way);
	static struct tasks others;
	struct srpi_mem *mem;
	struct srpi_rsp r;
	struct srpi_iu iu;
	u32 tmf;

	mem = own_mem(way, NR_OTHERS * 4096, SRPI_ACCESS_DATA);
	settle_held(rival);
	ch = begin_held(NR_HELD);
	send_held(rival, &others, mem, NR_OTHERS);
	expect_silence(rival, 200);
	build_tmf(&iu, s->function, LUN_IS(conf.held_lun), TASK);
	tmf = task_send(&tasks, ch, &iu);
	if (wait_rsp(ch, &r, 300) == WAIT_RSP) {
		if (r.tag != srpi_iu_tag(&iu))
			fail("a command that is held is answered");
		task_over(&tasks, tmf);
	}
	hook("release");
	while (!tasks.task[tmf].over)
		task_answer(&tasks, ch, &r);
	expect_code(&r, s->optional && r.code ? SRP_RSP_NOT_SUPPORTED : SRP_RSP_COMPLETE);
	saw("RSP_CODE %02x%s", r.code, r.code ? ": not supported" : "");
	if (r.code) {
		tasks_good(&tasks, ch);
		tasks_good(&others, rival);
		return;
	}
	saw("%u of %u are not answered", tasks.left, NR_HELD);
	/* Now none may be. */
	expect_silence(ch, 200);
	expect_others(rival, &others, s);
	settle_held(ch);
	expect_conserved(ch);
}

/* Commands of another LUN stay. */
static void other_lun(const void *arg)
{
	const struct set *s = arg;
	struct srpi_chan *ch = begin_held(NR_HELD);
	int code = ask_tmf(ch, s->function, SCRATCH, tasks.task[0].tag);

	if (code && (!s->optional || code != SRP_RSP_NOT_SUPPORTED))
		fail("response code %02x", code);
	settle(ch);
	hook("release");
	tasks_good(&tasks, ch);
	expect_conserved(ch);
}

static void set(const struct set *s)
{
	const char *name = srpi_tmf_str(s->function);

	row(whole_set, s, "%s with %u own commands held, and %u of another initiator", name, NR_HELD, NR_OTHERS);
	row(other_lun, s, "%s for another LUN, %u commands held", name, NR_HELD);
}

static void tmf_05(void)
{
	/* Not all have it yet: 04 passes, and is in the table. */
	static const struct set s = { SRP_TMF_ABORT_TASK_SET, .others = false, .optional = true };

	set(&s);
}

static void tmf_06(void)
{
	static const struct set s = { SRP_TMF_CLEAR_TASK_SET, .others = true, .optional = true };

	set(&s);
}

static void tmf_07(void)
{
	static const struct set s = { SRP_TMF_LUN_RESET, .others = true, .attention = 0x062903 };

	set(&s);
}

/* ---- TMF-12: fields that do not count ------------------------------------------------------------------------ */

static void reserved_bytes(const void *arg)
{
	static const u8 bytes[] = { 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 28, 29, 31, 40, 41, 42, 43, 44, 45, 46, 47 };
	const u8 *function = arg;
	struct srpi_chan *ch = shared();
	struct srpi_rsp r;
	struct srpi_iu iu;
	unsigned int i;

	build_tmf(&iu, *function, SCRATCH, TASK);
	for (i = 0; i < ARRAY_SIZE(bytes); i++)
		iu.b[bytes[i]] = 0xff;
	ask(ch, &iu, &r);
	expect_code(&r, SRP_RSP_COMPLETE);
	settle(ch);
	expect_conserved(ch);
}

static void tmf_12(void)
{
	static const struct set reset = { SRP_TMF_LUN_RESET };

	row(reserved_bytes, (u8[]){ SRP_TMF_ABORT_TASK }, "ABORT TASK with all reserved bytes set");
	row(reserved_bytes, (u8[]){ SRP_TMF_LUN_RESET }, "LUN RESET with all reserved bytes set");
	if (conf.held_lun >= 0 && conf.hook)
		row(other_lun, &reset, "LUN RESET with the tag of a command of another LUN, which stays");
}

/* ---- TMF-13, TMF-14, TMF-16: many, late, early ------------------------------------------------------------------ */

#define NR_MANY		100

static void many(const void *arg)
{
	const u8 function = *(const u8 *)arg;
	struct srpi_chan *ch = shared();
	u32 i, nr = srpi_chan_login(ch)->limit;
	struct srpi_rsp r;
	struct srpi_iu iu;

	memset(&tasks, 0, sizeof(tasks));
	for (i = 0; i < NR_MANY && i < nr; i++) {
		build_tmf(&iu, function, SCRATCH, TASK + i);
		task_send(&tasks, ch, &iu);
	}
	while (tasks.left) {
		task_answer(&tasks, ch, &r);
		/* One LUN RESET may end another. */
		expect_code(&r, function == SRP_TMF_LUN_RESET && r.code == SRP_RSP_FAILED ? r.code : SRP_RSP_COMPLETE);
		saw("RSP_CODE %02x", r.code);
	}
	settle(ch);
	expect_conserved(ch);
}

/* Two functions for one task, of one channel or of two. */
static void two_for_one(const void *arg)
{
	const bool two = *(const bool *)arg;
	struct srpi_chan *ch = begin_held(NR_HELD), *second = ch;
	static struct tasks own;
	struct srpi_rsp r;
	struct srpi_iu iu;
	u32 first;

	if (two) {
		second = login(SRP_LOGIN_MC_MULTI);
		tur(second);
	}
	first = send_silent(ch, SRP_TMF_ABORT_TASK, conf.held_lun, tasks.task[1].tag);
	build_tmf(&iu, SRP_TMF_ABORT_TASK, LUN_IS(conf.held_lun), tasks.task[1].tag);
	memset(&own, 0, sizeof(own));
	task_send(two ? &own : &tasks, second, &iu);
	expect_silence(second, 300);
	hook("release");
	while (!tasks.task[first].over || (!two && !tasks.task[first + 1].over)) {
		task_answer(&tasks, ch, &r);
		if (r.code >= 0)
			expect_code(&r, SRP_RSP_COMPLETE);
	}
	if (two) {
		task_answer(&own, second, &r);
		expect_code(&r, SRP_RSP_COMPLETE);
		expect_conserved(second);
	}
	task_over(&tasks, 1);
	tasks_good(&tasks, ch);
	expect_silence(ch, 100);
	tur(ch);
	expect_conserved(ch);
}

static void tmf_13(void)
{
	row(many, (u8[]){ SRP_TMF_ABORT_TASK }, "%u ABORT TASKs at once", NR_MANY);
	row(many, (u8[]){ SRP_TMF_LUN_RESET }, "%u LUN RESETs at once", NR_MANY);
	if (conf.held_lun < 0 || !conf.hook)
		return;
	row(two_for_one, (bool[]){ false }, "two ABORT TASKs for one command that is held");
	row(two_for_one, (bool[]){ true }, "two ABORT TASKs for one command that is held, on two channels");
}

/* Nothing that is sent arrives, until the initiator posts receives. */
static void tmf_14(void)
{
	const struct srpi_login_opts opts = { .flags = SRP_LOGIN_MC_MULTI, .recvs = -1 };
	struct srpi_chan *by = shared(), *ch = login_by(ini, &opts);
	struct srpi_rsp r;
	struct srpi_rx rx;
	struct srpi_iu iu;
	u32 i, tmf, limit = srpi_chan_login(ch)->limit;

	limit = limit > 200 ? 200 : limit;
	sent("%u commands and an ABORT TASK, while no answer can be sent", limit - 1);
	memset(&tasks, 0, sizeof(tasks));
	for (i = 1; i < limit; i++) {
		build_tur(&iu);
		task_send(&tasks, ch, &iu);
	}
	build_tmf(&iu, SRP_TMF_ABORT_TASK, SCRATCH, tasks.task[0].tag);
	tmf = task_send(&tasks, ch, &iu);
	if (!srpi_recv(ch, &rx, 300) || srpi_stats(ch)->closed)
		fail("the channel has ended, or a response has come that nobody could receive");
	tur(by);
	if (srpi_post_recvs(ch))
		fail("%s", srpi_error(ch));
	while (tasks.left) {
		i = task_answer(&tasks, ch, &r);
		if (i == tmf)
			expect_code(&r, SRP_RSP_COMPLETE);
		else
			expect_good(&r);
		if (i == 0 && tasks.task[tmf].over)
			fail("the command was answered behind the function");
	}
	expect_conserved(ch);
}

/* The commands must be found, or they would be answered when they are released. */
static void tmf_16(void)
{
	struct srpi_chan *ch = login_settled(SRP_LOGIN_MC_SINGLE);
	static struct srpi_iu iu[4];
	static const struct srpi_iu *const pairs[2][2] = { { &iu[0], &iu[1] }, { &iu[2], &iu[3] } };
	struct srpi_rsp r;
	u32 i, answers = 0;

	sent("READ and ABORT TASK by one doorbell; WRITE and ABORT TASK by one doorbell");
	settle_held(ch);
	hook("hold");
	for (i = 0; i < 2; i++) {
		build_held(&iu[2 * i], i);
		build_tmf(&iu[2 * i + 1], SRP_TMF_ABORT_TASK, LUN_IS(conf.held_lun), srpi_iu_tag(&iu[2 * i]));
		if (srpi_send_list(ch, pairs[i], 2))
			fail("%s", srpi_error(ch));
	}
	/* If they can be aborted at once, they may. */
	while (answers < 2 && wait_rsp(ch, &r, 300) == WAIT_RSP) {
		expect_code(&r, SRP_RSP_COMPLETE);
		answers++;
	}
	hook("release");
	for (; answers < 2; answers++) {
		if (wait_rsp(ch, &r, conf.timeout) != WAIT_RSP)
			fail("%u functions are not answered", 2 - answers);
		expect_code(&r, SRP_RSP_COMPLETE);
	}
	expect_silence(ch, 200);
	tur(ch);
	expect_conserved(ch);
}

/* ---- TMF-15: a back-end that does not answer ---------------------------------------------------------------------- */

/* Of an ABORT TASK nothing may be heard; what follows is not lost. */
static void patience(const void *arg)
{
	struct srpi_chan *ch = begin_held(NR_HELD);
	u32 abort[2], reset, i;
	struct srpi_rsp r;

	(void)arg;
	abort[0] = send_silent(ch, SRP_TMF_ABORT_TASK, conf.held_lun, tasks.task[0].tag);
	abort[1] = send_silent(ch, SRP_TMF_ABORT_TASK, conf.held_lun, tasks.task[1].tag);
	reset = send_silent(ch, SRP_TMF_LUN_RESET, conf.held_lun, 0);
	hook("release");
	while (!tasks.task[abort[0]].over || !tasks.task[abort[1]].over || !tasks.task[reset].over) {
		i = task_answer(&tasks, ch, &r);
		if (i == abort[0] || i == abort[1] || i == reset)
			expect_code(&r, SRP_RSP_COMPLETE);
		/* Others may end before the reset has come to them. */
		if (i < 2 || (i < NR_HELD && tasks.task[reset].over))
			fail("command %u is answered, although it was aborted", i);
	}
	expect_silence(ch, 100);
	settle_held(ch);
	expect_conserved(ch);
}

static void teardown(const void *arg)
{
	struct srpi_chan *ch = begin_held(NR_HELD);
	long begin;

	(void)arg;
	send_silent(ch, SRP_TMF_ABORT_TASK, conf.held_lun, tasks.task[0].tag);
	send_silent(ch, SRP_TMF_LUN_RESET, conf.held_lun, 0);
	close_chan(ch);
	hook("release");
	begin = now_ms();
	ch = login_settled(SRP_LOGIN_MC_SINGLE);
	settle_held(ch);
	if (now_ms() - begin > 10000)
		fail("the next login took %ld ms", now_ms() - begin);
}

static void tmf_15(void)
{
	row(patience, NULL, "%u commands held, two of them aborted, then LUN RESET", NR_HELD);
	row(teardown, NULL, "%u commands held, ABORT TASK, LUN RESET, then a disconnect", NR_HELD);
}

const struct conf_case tmf_cases[] = {
	{ "TMF-01", "ABORT TASK, task outstanding", "00; behind it neither an answer nor RDMA", tmf_01, NEEDS_HOLD },
	{ "TMF-02", "ABORT TASK while write data is fetched", "00; behind it neither an answer nor RDMA nor a write", tmf_02 },
	{ "TMF-03", "ABORT TASK, no such task", "00", tmf_03 },
	{ "TMF-04", "ABORT TASK, the task has another LUN", "02 when the command has ended, which is not aborted", tmf_04,
	  NEEDS_HOLD },
	{ "TMF-05", "ABORT TASK SET", "00, only tasks of this nexus and LUN; 04 if not supported", tmf_05, NEEDS_HOLD },
	{ "TMF-06", "CLEAR TASK SET", "00, or 04 if not supported", tmf_06, NEEDS_HOLD },
	{ "TMF-07", "LUN RESET", "00, all tasks of the LUN; unit attention 29/03 for others", tmf_07, NEEDS_HOLD },
	{ "TMF-08", "CLEAR ACA", "04, or 00", tmf_08 },
	{ "TMF-09", "unknown function", "04, whatever the LUN", tmf_09 },
	{ "TMF-10", "function for a LUN that is not there", "05; 04 if not supported", tmf_10 },
	{ "TMF-11", "malformed LUN", "02", tmf_11 },
	{ "TMF-12", "reserved bytes, a task tag with LUN RESET", "ignored", tmf_12 },
	{ "TMF-13", "many functions, two for one task", "each is answered", tmf_13 },
	{ "TMF-14", "no answer can be sent", "the function is answered later, behind the commands", tmf_14 },
	{ "TMF-15", "the back-end does not answer", "silence; then all functions are answered; teardown works", tmf_15,
	  NEEDS_HOLD },
	{ "TMF-16", "a function right behind its command", "the command is found", tmf_16, NEEDS_HOLD },
	{ .id = NULL }
};
