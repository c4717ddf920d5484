// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Task management in each state that a command can be in (TM), see docs/task-management.md.
 *
 * Every command has a memory region of its own. When a function that covers it is answered, the region is deregistered at once, as
 * the kernel's initiator does: an RDMA that comes too late ends the channel.
 */
#include <string.h>

#include "conform.h"

#define SILENCE		300	/* ms without an answer that show that it is held */
#define TASK_LEN	4096
#define NR_TASKS	16

struct task {
	struct srpi_chan	*ch;
	struct srpi_mem		mem;
	struct srpi_iu		iu;
	bool			out;
};

static struct task tasks[NR_TASKS];
static u32 nr_tasks;

/* ---- tasks and functions --------------------------------------------------------------------------- */

/* 8 blocks at @lba of the LUN, with the next tag unless one is given. @way: the channel's */
static struct task *begin_task_of(struct srpi *way, struct srpi_chan *ch, bool out, u32 lba, const u64 *tag)
{
	struct task *t = &tasks[nr_tasks++];
	struct cdb write = CDB_WRITE(lba, TASK_LEN / BLOCK), read = CDB_READ(lba, TASK_LEN / BLOCK);

	if (srpi_mem_alloc(way, TASK_LEN, SRPI_ACCESS_DATA, &t->mem))
		fail("no memory for a task");
	memset(t->mem.addr, out ? lba + 1 : CANARY, TASK_LEN);
	t->ch = ch;
	t->out = out;
	begin_cmd(&t->iu, out ? write : read, 0);
	if (tag)
		memcpy(t->iu.b + 8, tag, sizeof(*tag));
	srpi_direct(&t->iu, out ? SRPI_OUT : SRPI_IN, srpi_desc(&t->mem, 0, TASK_LEN));
	send_iu(ch, &t->iu);
	return t;
}

static struct task *begin_task(struct srpi_chan *ch, bool out, u32 lba, const u64 *tag)
{
	return begin_task_of(ini, ch, out, lba, tag);
}

/* RDMA READs end in their order: when this one has, the data of the tasks before is at the disk that is held. */
static void reach_backend(struct srpi_chan *ch)
{
	lun = conf.lun;
	write_blocks(ch, 4096, 1, DATA_SIZE);
	lun = conf.held_lun;
}

static struct task *begin_held_task(struct srpi_chan *ch, bool out, u32 lba, const u64 *tag)
{
	struct task *t = begin_task(ch, out, lba, tag);

	if (out)
		reach_backend(ch);
	return t;
}

static u64 tag_of(const struct task *t)
{
	return srpi_iu_tag(&t->iu);
}

/* The function that covers it was answered: nobody may touch its memory any more. */
static void trap(struct task *t)
{
	if (t->mem.mr)
		ibv_dereg_mr(t->mem.mr);
	t->mem.mr = NULL;
	memset(t->mem.addr, CANARY, TASK_LEN);
}

static void trap_all(void)
{
	u32 i;

	for (i = 0; i < nr_tasks; i++)
		trap(&tasks[i]);
}

/* Nothing was written there since; the channels go on, and credits are back. */
static void check_traps(void)
{
	u32 i, j;

	for (i = 0; i < nr_tasks; i++) {
		for (j = 0; j < TASK_LEN && !tasks[i].mem.mr; j++)
			if (tasks[i].mem.addr[j] != CANARY)
				fail("memory of a task was written after the function was answered");
		srpi_mem_free(&tasks[i].mem);
	}
	nr_tasks = 0;
}

static void forget_tasks(void)
{
	while (nr_tasks)
		srpi_mem_free(&tasks[--nr_tasks].mem);
}

static u64 send_tmf(struct srpi_chan *ch, u8 function, u16 on_lun, u64 task_tag)
{
	struct srpi_iu iu;

	build_tmf(&iu, function, LUN_IS(on_lun), task_tag);
	send_iu(ch, &iu);
	return srpi_iu_tag(&iu);
}

static void next_rsp(struct srpi_chan *ch, struct srpi_rsp *r, const char *what)
{
	switch (wait_rsp(ch, r, conf.timeout)) {
	case WAIT_RSP:
		break;
	case WAIT_CLOSED:
		fail("the channel was closed instead of %s", what);
	case WAIT_TIMEOUT:
		fail("no %s", what);
	}
}

/* The next thing that comes is the answer to this function. */
static void expect_tmf(struct srpi_chan *ch, u64 tag, int code, s32 delta)
{
	struct srpi_rsp r;

	next_rsp(ch, &r, "answer to the function");
	if (r.tag != tag)
		fail("another answer before that to the function: status %02x, response code %d", r.status, r.code);
	expect_code(&r, code);
	if (delta && r.delta != delta)
		fail("request limit delta %d instead of %d", r.delta, delta);
	saw("RSP_CODE %02x", code);
}

/* The next thing that comes is the SRP_RSP of this task, GOOD. */
static void expect_task(struct task *t)
{
	struct srpi_rsp r;

	next_rsp(t->ch, &r, "response of the task");
	if (r.tag != tag_of(t))
		fail("another answer before that of the task: response code %d", r.code);
	expect_good(&r);
}

/* Logged in, and the disk that answers nothing is addressed. */
static struct srpi_chan *begin_held(void)
{
	struct srpi_chan *ch = login_settled(SRP_LOGIN_MC_SINGLE);

	forget_tasks();
	lun = conf.held_lun;
	settle(ch);
	hook("hold");
	return ch;
}

static struct srpi_chan *begin_scratch(void)
{
	forget_tasks();
	return login_settled(SRP_LOGIN_MC_SINGLE);
}

static struct srpi_chan *further_channel(void)
{
	struct srpi_chan *ch = login(SRP_LOGIN_MC_MULTI);

	settle(ch);
	return ch;
}

/* After everything: other LUNs go on, nothing comes late. */
static void end_on(struct srpi_chan *ch)
{
	lun = conf.lun;
	settle(ch);
	expect_silence(ch, 50);
	check_traps();
	settle(ch);
	expect_conserved(ch);
}

/* ---- gates in the driver --------------------------------------------------------------------------- */

static void gate(const char *what, const char *point, u64 tag)
{
	char command[100];

	snprintf(command, sizeof(command), "gate %s %s %016llx", what, point, (u64)be64toh(tag));
	hook(command);
}

/* A command that is held there: one at a tag that is known before it is sent. */
static struct task *begin_gated(struct srpi_chan *ch, const char *point, bool out, u32 lba)
{
	u64 tag = srpi_next_tag();
	struct task *t;

	gate("arm", point, tag);
	t = begin_task(ch, out, lba, &tag);
	gate("wait", point, tag);
	return t;
}

static void open_gate(const char *point)
{
	gate("open", point, 0);
}

/* ---- B, D: at the core, at the back-end ------------------------------------------------------------ */

static void set_of_eight(u8 function)
{
	struct srpi_chan *ch = begin_held();
	u64 tag;
	int i;

	for (i = 0; i < 8; i++)
		begin_held_task(ch, i % 2, 8 * i, NULL);
	expect_silence(ch, SILENCE);
	tag = send_tmf(ch, function, conf.held_lun, 0);
	expect_silence(ch, SILENCE);
	hook("release");
	expect_tmf(ch, tag, SRP_RSP_COMPLETE, 9);
	trap_all();
	end_on(ch);
}

static void tm_b2_ats(void)
{
	sent("4 reads and 4 writes, ABORT TASK SET");
	set_of_eight(SRP_TMF_ABORT_TASK_SET);
}

static void tm_b2_lr(void)
{
	sent("4 reads and 4 writes, LOGICAL UNIT RESET");
	set_of_eight(SRP_TMF_LUN_RESET);
}

static void tm_b2_cts(void)
{
	struct srpi_chan *ch = begin_held();
	struct srpi_rsp r;
	struct srpi_iu iu;
	int i;

	sent("4 reads and 4 writes, CLEAR TASK SET");
	for (i = 0; i < 8; i++)
		begin_held_task(ch, i % 2, 8 * i, NULL);
	build_tmf(&iu, SRP_TMF_CLEAR_TASK_SET, LUN_IS(conf.held_lun), 0);
	send_iu(ch, &iu);
	/* Supported, it waits for the tasks; if not, nothing is aborted and nothing waited for. */
	if (wait_rsp(ch, &r, SILENCE) == WAIT_RSP) {
		expect_code(&r, SRP_RSP_NOT_SUPPORTED);
		saw("RSP_CODE 04");
		hook("release");
		for (i = 0; i < 8; i++) {
			next_rsp(ch, &r, "response of a task");
			expect_good(&r);
		}
	} else {
		hook("release");
		expect_tmf(ch, srpi_iu_tag(&iu), SRP_RSP_COMPLETE, 9);
	}
	trap_all();
	end_on(ch);
}

static void abort_at_backend(const void *arg)
{
	const bool out = *(const bool *)arg;
	struct srpi_chan *ch = begin_held();
	struct task *t = begin_held_task(ch, out, 0, NULL);
	u64 tag = send_tmf(ch, SRP_TMF_ABORT_TASK, conf.held_lun, tag_of(t));

	/* Longer than the kernel's initiator waits for it. */
	expect_silence(ch, conf.run_long ? 6000 : SILENCE);
	hook("release");
	expect_tmf(ch, tag, SRP_RSP_COMPLETE, 2);
	trap(t);
	/* What it would have written cannot come after what is written now. */
	fill_pattern(0, TASK_LEN, 77);
	write_blocks(ch, 0, TASK_LEN / BLOCK, 0);
	read_blocks(ch, 0, TASK_LEN / BLOCK, 8192);
	expect_same(0, 8192, TASK_LEN);
	end_on(ch);
}

static void tm_d1(void)
{
	row(abort_at_backend, (bool[]){ true }, "WRITE at the back-end, ABORT TASK");
	row(abort_at_backend, (bool[]){ false }, "READ at the back-end, ABORT TASK");
}

static void tm_d2(void)
{
	struct srpi_chan *ch = begin_held();
	struct task *t = begin_held_task(ch, true, 0, NULL);
	u64 first, second;

	sent("WRITE at the back-end, ABORT TASK, LOGICAL UNIT RESET");
	first = send_tmf(ch, SRP_TMF_ABORT_TASK, conf.held_lun, tag_of(t));
	second = send_tmf(ch, SRP_TMF_LUN_RESET, conf.held_lun, 0);
	expect_silence(ch, SILENCE);
	hook("release");
	expect_tmf(ch, first, SRP_RSP_COMPLETE, 0);
	expect_tmf(ch, second, SRP_RSP_COMPLETE, 0);
	trap(t);
	end_on(ch);
}

/* ---- C, E, F: data moves, the response is on its way ----------------------------------------------- */

static void tm_c1(void)
{
	struct srpi_chan *ch = begin_scratch();
	struct task *t;
	u64 tag;

	sent("WRITE whose data has just been fetched, ABORT TASK");
	fill_pattern(0, TASK_LEN, 5);
	write_blocks(ch, 64, TASK_LEN / BLOCK, 0);
	t = begin_gated(ch, "read_done", true, 64);
	tag = send_tmf(ch, SRP_TMF_ABORT_TASK, conf.lun, tag_of(t));
	expect_silence(ch, SILENCE);
	open_gate("read_done");
	expect_tmf(ch, tag, SRP_RSP_COMPLETE, 2);
	trap(t);
	read_blocks(ch, 64, TASK_LEN / BLOCK, 8192);
	expect_same(0, 8192, TASK_LEN);
	end_on(ch);
}

static void tm_e1(void)
{
	struct srpi_chan *ch = begin_scratch();
	struct task *t = begin_gated(ch, "respond", false, 64);
	u64 tag = send_tmf(ch, SRP_TMF_ABORT_TASK, conf.lun, tag_of(t));

	sent("READ that the core has completed, ABORT TASK");
	expect_silence(ch, SILENCE);
	open_gate("respond");
	expect_task(t);
	expect_tmf(ch, tag, SRP_RSP_COMPLETE, 1);
	trap(t);
	end_on(ch);
}

static void tm_e3(void)
{
	struct srpi_chan *ch = begin_scratch(), *other = further_channel();
	struct task *t = begin_gated(other, "respond", false, 64);
	u64 tag = send_tmf(ch, SRP_TMF_LUN_RESET, conf.lun, 0);

	sent("READ that the core has completed on one channel, LOGICAL UNIT RESET on another");
	expect_silence(ch, SILENCE);
	open_gate("respond");
	expect_task(t);
	expect_tmf(ch, tag, SRP_RSP_COMPLETE, 1);
	trap(t);
	settle(other);
	expect_conserved(other);
	end_on(ch);
}

/* A channel that has no receive for a response: one is posted when something is waited for. */
static struct srpi_chan *deaf_channel(u8 flags)
{
	struct srpi_chan *ch = login_by(ini, &(struct srpi_login_opts){ .tag = srpi_next_tag(), .flags = flags, .recvs = 1 });

	settle(ch);
	return ch;
}

static void wait_for_data(const struct task *t)
{
	const long end = now_ms() + conf.timeout;
	const volatile u8 *last = t->mem.addr + TASK_LEN - 1;

	while (*last == CANARY && now_ms() < end)
		sleep_ms(1);
	if (*last == CANARY)
		fail("no data");
}

static void tm_f1(void)
{
	struct srpi_chan *ch;
	struct task *t;
	u64 tag;

	sent("READ whose response is not received, ABORT TASK");
	forget_tasks();
	ch = deaf_channel(SRP_LOGIN_MC_SINGLE);
	lay_canary();
	memset(data, 0x11, TASK_LEN);
	write_blocks(ch, 64, TASK_LEN / BLOCK, 0);
	t = begin_task(ch, false, 64, NULL);
	wait_for_data(t);
	tag = send_tmf(ch, SRP_TMF_ABORT_TASK, conf.lun, tag_of(t));
	expect_task(t);
	expect_tmf(ch, tag, SRP_RSP_COMPLETE, 1);
	trap(t);
	end_on(ch);
}

static void tm_f2(void)
{
	struct srpi_chan *ch = begin_scratch(), *other = deaf_channel(SRP_LOGIN_MC_MULTI);
	struct task *t;
	u64 tag;

	sent("READ whose response is not received on one channel, LOGICAL UNIT RESET on another");
	memset(data, 0x11, TASK_LEN);
	write_blocks(ch, 64, TASK_LEN / BLOCK, 0);
	t = begin_task(other, false, 64, NULL);
	wait_for_data(t);
	tag = send_tmf(ch, SRP_TMF_LUN_RESET, conf.lun, 0);
	expect_silence(ch, SILENCE);
	expect_task(t);
	expect_tmf(ch, tag, SRP_RSP_COMPLETE, 1);
	trap(t);
	settle(other);
	end_on(ch);
}

/* ---- G, H, I, J: other tags, other sessions, other LUNs -------------------------------------------- */

static void unknown_tag(const void *arg)
{
	struct srpi_chan *ch = shared();
	u64 tag = send_tmf(ch, SRP_TMF_ABORT_TASK, conf.lun, *(const u64 *)arg);

	expect_tmf(ch, tag, SRP_RSP_COMPLETE, 1);
	tur(ch);
	expect_conserved(ch);
}

static void tm_g1(void)
{
	u64 tags[] = { TASK, 0, 0, ~0ULL };
	static const char *const names[] = { "that was never used", "that has just ended", "0", "of all ones" };
	struct srpi_iu iu;
	unsigned int i;

	build_tur(&iu);
	do_good(shared(), &iu);
	tags[1] = srpi_iu_tag(&iu);
	for (i = 0; i < ARRAY_SIZE(tags); i++)
		row(unknown_tag, &tags[i], "ABORT TASK of a tag %s", names[i]);
}

/* Two sessions with a task each on the held disk, of one tag. tasks[0] is the first's. */
static void begin_two_sessions(struct srpi_chan **ch, struct srpi_chan **other)
{
	struct srpi *way = other_initiator(0x20);
	const u64 tag = srpi_next_tag();

	*other = login_by(way, NULL);
	settle(*other);
	*ch = login_settled(SRP_LOGIN_MC_SINGLE);
	forget_tasks();
	lun = conf.held_lun;
	settle(*ch);
	settle(*other);
	hook("hold");
	begin_held_task(*ch, true, 0, &tag);
	begin_task_of(way, *other, false, 64, &tag);
	expect_silence(*other, SILENCE);
}

static void tm_h1(void)
{
	struct srpi_chan *ch, *other;
	u64 tmf;

	sent("two sessions, the same tag, ABORT TASK by one");
	begin_two_sessions(&ch, &other);
	tmf = send_tmf(ch, SRP_TMF_ABORT_TASK, conf.held_lun, tag_of(&tasks[0]));
	expect_silence(ch, SILENCE);
	hook("release");
	expect_tmf(ch, tmf, SRP_RSP_COMPLETE, 2);
	trap(&tasks[0]);
	expect_task(&tasks[1]);
	trap(&tasks[1]);
	expect_conserved(other);
	end_on(ch);
}

static void tm_h2(void)
{
	struct srpi_chan *ch, *other;
	struct srpi_rsp r;
	struct srpi_iu iu;
	u64 reset;

	sent("two sessions, LOGICAL UNIT RESET by one");
	begin_two_sessions(&ch, &other);
	reset = send_tmf(ch, SRP_TMF_LUN_RESET, conf.held_lun, 0);
	expect_silence(ch, SILENCE);
	hook("release");
	expect_tmf(ch, reset, SRP_RSP_COMPLETE, 2);
	trap(&tasks[0]);
	/* With TAS it is told; else it is silent, and its credit comes with what is next. */
	if (wait_rsp(other, &r, SILENCE) == WAIT_RSP) {
		if (r.tag != tag_of(&tasks[1]) || r.status != 0x40)
			fail("status %02x for the task of the other session", r.status);
		saw("TASK ABORTED");
	} else {
		saw("silence");
	}
	trap(&tasks[1]);
	build_tur(&iu);
	ask(other, &iu, &r);
	saw("sense key %x", srpi_sense(&r) >> 16);
	settle(other);
	expect_conserved(other);
	end_on(ch);
}

static void duplicates(const void *arg)
{
	const bool aborted = *(const bool *)arg;
	struct srpi_chan *ch = begin_held();
	u64 tag = srpi_next_tag(), tmf;
	struct srpi_rsp r;
	int i;

	begin_held_task(ch, true, 0, &tag);
	begin_held_task(ch, false, 8, &tag);
	expect_silence(ch, SILENCE);
	if (aborted) {
		tmf = send_tmf(ch, SRP_TMF_ABORT_TASK, conf.held_lun, tag);
		expect_silence(ch, SILENCE);
		hook("release");
		expect_tmf(ch, tmf, SRP_RSP_COMPLETE, 3);
	} else {
		hook("release");
		for (i = 0; i < 2; i++) {
			next_rsp(ch, &r, "response of a task");
			expect_good(&r);
		}
	}
	trap_all();
	end_on(ch);
}

static void tm_i1(void)
{
	row(duplicates, (bool[]){ false }, "two tasks of one tag");
	row(duplicates, (bool[]){ true }, "two tasks of one tag, ABORT TASK");
}

static void tm_i2(void)
{
	struct srpi_chan *ch = begin_scratch();
	bool seen_cmd = false, seen_tmf = false;
	struct srpi_iu cmd, tmf;
	struct srpi_rsp r;
	int i;

	sent("a function with the tag of a command; two functions with one tag");
	build_tur(&cmd);
	build_tmf(&tmf, SRP_TMF_ABORT_TASK, LUN_IS(conf.lun), TASK);
	memcpy(tmf.b + 8, cmd.b + 8, 8);
	send_iu(ch, &cmd);
	send_iu(ch, &tmf);
	for (i = 0; i < 2; i++) {
		next_rsp(ch, &r, "answer");
		seen_tmf |= r.code >= 0;
		seen_cmd |= r.code < 0;
	}
	if (!seen_tmf || !seen_cmd)
		fail("two answers of one kind");
	send_iu(ch, &tmf);
	send_iu(ch, &tmf);
	expect_tmf(ch, srpi_iu_tag(&tmf), SRP_RSP_COMPLETE, 0);
	expect_tmf(ch, srpi_iu_tag(&tmf), SRP_RSP_COMPLETE, 0);
	end_on(ch);
}

static void tm_j1(void)
{
	struct srpi_chan *ch = begin_held();
	struct task *t = begin_held_task(ch, false, 0, NULL);
	u64 tag = send_tmf(ch, SRP_TMF_ABORT_TASK, conf.lun, tag_of(t));

	sent("ABORT TASK with the LUN of another disk");
	expect_silence(ch, SILENCE);
	hook("release");
	expect_task(t);
	expect_tmf(ch, tag, SRP_RSP_FIELDS_INVALID, 1);
	trap(t);
	end_on(ch);
}

static void tm_2x(void)
{
	struct srpi_chan *ch = begin_held(), *other = further_channel();
	struct task *t;
	u64 first, second;

	sent("two ABORT TASKs of one task, by two channels");
	t = begin_held_task(ch, true, 0, NULL);
	first = send_tmf(ch, SRP_TMF_ABORT_TASK, conf.held_lun, tag_of(t));
	expect_silence(ch, SILENCE);
	second = send_tmf(other, SRP_TMF_ABORT_TASK, conf.held_lun, tag_of(t));
	expect_silence(other, SILENCE);
	hook("release");
	expect_tmf(ch, first, SRP_RSP_COMPLETE, 0);
	expect_tmf(other, second, SRP_RSP_COMPLETE, 0);
	trap(t);
	end_on(ch);
}

static void other_lun(const void *arg)
{
	struct srpi_chan *ch = begin_held();
	const u64 tag = 0;
	struct task *t = begin_held_task(ch, true, 0, &tag);

	expect_tmf(ch, send_tmf(ch, *(const u8 *)arg, conf.lun, 0), SRP_RSP_COMPLETE, 1);
	expect_silence(ch, SILENCE);
	hook("release");
	expect_task(t);
	trap(t);
	end_on(ch);
}

static void tm_lun(void)
{
	row(other_lun, (u8[]){ SRP_TMF_ABORT_TASK_SET }, "a task of tag 0 on another LUN, ABORT TASK SET");
	row(other_lun, (u8[]){ SRP_TMF_LUN_RESET }, "a task of tag 0 on another LUN, LOGICAL UNIT RESET");
}

/* ---- functions and functions ----------------------------------------------------------------------- */

static void tm_lr_tmf(void)
{
	struct srpi_chan *ch = begin_held(), *other = login_by(other_initiator(0x20), NULL);
	struct task *t = begin_held_task(ch, true, 0, NULL);
	u64 abort, reset;

	sent("ABORT TASK waits, LOGICAL UNIT RESET by another session");
	abort = send_tmf(ch, SRP_TMF_ABORT_TASK, conf.held_lun, tag_of(t));
	expect_silence(ch, SILENCE);
	reset = send_tmf(other, SRP_TMF_LUN_RESET, conf.held_lun, 0);
	expect_silence(ch, SILENCE);
	hook("release");
	expect_tmf(ch, abort, SRP_RSP_COMPLETE, 2);
	expect_tmf(other, reset, SRP_RSP_COMPLETE, 1);
	trap(t);
	end_on(ch);
}

static const u8 unknown_functions[] = { 0x00, 0x03, 0x05, 0x10, 0x20, 0x80, 0xff };

static void tm_unk(void)
{
	struct srpi_chan *ch = begin_held();
	struct task *t = begin_held_task(ch, true, 0, NULL);
	unsigned int i;

	sent("functions 00, 03, 05, 10, 20, 80, FF while a task is held");
	for (i = 0; i < ARRAY_SIZE(unknown_functions); i++)
		expect_tmf(ch, send_tmf(ch, unknown_functions[i], conf.held_lun, tag_of(t)), SRP_RSP_NOT_SUPPORTED, 1);
	hook("release");
	expect_task(t);
	trap(t);
	end_on(ch);
}

/* ---- N: the connection ends ------------------------------------------------------------------------ */

enum ending { BY_DREQ, BY_DEATH, BY_LOGOUT };

struct drop {
	const char	*name;
	const char	*point;		/* a gate, or NULL: at the back-end */
	bool		out;
	bool		tmf;
	enum ending	ending;
};

static void end_channel(struct srpi_chan *ch, enum ending ending)
{
	struct srpi_iu iu;

	switch (ending) {
	case BY_DREQ:
		break;
	case BY_DEATH:
		srpi_chan_kill_qp(ch);
		break;
	case BY_LOGOUT:
		srpi_short(&iu, SRP_OP_I_LOGOUT, srpi_next_tag());
		send_iu(ch, &iu);
		expect_closed(ch, ANY_LOGOUT);
		return;
	}
	close_chan(ch);
}

static void one_drop(const void *arg)
{
	const struct drop *d = arg;
	struct srpi_chan *ch = d->point ? begin_scratch() : begin_held();
	struct task *t;

	t = d->point ? begin_gated(ch, d->point, d->out, 64) : begin_held_task(ch, d->out, 0, NULL);
	if (d->tmf)
		send_tmf(ch, SRP_TMF_ABORT_TASK, lun, tag_of(t));
	expect_silence(ch, 50);
	end_channel(ch, d->ending);
	/* The fence of the next login waits for it. */
	if (d->point)
		open_gate(d->point);
	else
		hook("release");
	lun = conf.lun;
	ch = login_settled(SRP_LOGIN_MC_SINGLE);
	trap(t);
	end_on(ch);
}

static void tm_n(void)
{
	static const struct { const char *point; bool out; const char *name; } states[] = {
		{ "read_done", true, "WRITE with its data" },
		{ NULL, true, "WRITE at the back-end" },
		{ NULL, false, "READ at the back-end" },
		{ "respond", false, "READ that is completed" },
		{ "respond", true, "WRITE that is completed" },
	};
	static const char *const endings[] = { "DREQ", "death of the QP", "SRP_I_LOGOUT" };
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(states); i++) {
		for (j = 0; j < 6; j++) {
			struct drop d = { states[i].name, states[i].point, states[i].out, j & 1, j >> 1 };

			row(one_drop, &d, "%s, %s%s", d.name, d.tmf ? "ABORT TASK, " : "", endings[j >> 1]);
		}
	}
}

/* A WRITE of the old session is held, the new one logs in. @ms: how long it has to wait, 0 until the target gives up. */
static struct srpi_chan *relogin(long ms)
{
	struct srpi_login_opts opts = { .tag = srpi_next_tag() };
	struct srpi_chan *ch;
	const long begin = now_ms();

	if (srpi_chan_create(ini, &opts, &ch) || srpi_connect(ch, &opts))
		fail("the login cannot be sent");
	if (ms) {
		sleep_ms(ms);
		hook("release");
	}
	if (!srpi_wait_rep(ch)) {
		if (now_ms() - begin < ms)
			fail("logged in while a command of the old session was held");
		srpi_establish(ch);
		return ch;
	}
	if (ms)
		fail("%s", srpi_error(ch));
	if (srpi_chan_login(ch)->reason != SRP_REJ_NO_RESOURCES)
		fail("%s, instead of reason 0x10001", srpi_error(ch));
	saw("REJ 0x10001");
	srpi_chan_close(ch);
	return NULL;
}

static void new_data_wins(struct srpi_chan *ch)
{
	lun = conf.held_lun;
	settle(ch);
	fill_pattern(0, TASK_LEN, 99);
	write_blocks(ch, 0, TASK_LEN / BLOCK, 0);
	read_blocks(ch, 0, TASK_LEN / BLOCK, 8192);
	expect_same(0, 8192, TASK_LEN);
	saw("the new data");
	srpi_chan_close(ch);
}

static void tm_n7(void)
{
	struct srpi_chan *ch = begin_held();

	sent("a WRITE is held, disconnected, login, released 2 s later, WRITE of new data");
	begin_held_task(ch, true, 0, NULL);
	expect_silence(ch, SILENCE);
	close_chan(ch);
	ch = relogin(2000);
	new_data_wins(ch);
	forget_tasks();
}

static void tm_n8(void)
{
	struct srpi_chan *ch = begin_held();

	sent("a WRITE is held, disconnected, login, which gives up; released, login, WRITE of new data");
	begin_held_task(ch, true, 0, NULL);
	expect_silence(ch, SILENCE);
	close_chan(ch);
	if (relogin(0))
		fail("logged in while a command of the old session was held");
	hook("release");
	ch = relogin(1);
	new_data_wins(ch);
	forget_tasks();
}

#define NEEDS_GATE	NEEDS_HOOK

const struct conf_case tm_cases[] = {
	{ "TM-B2", "ABORT TASK SET aborts all of the LUN", "after all have ended one answer, 00h with 9 credits, and nothing for them",
	  tm_b2_ats, NEEDS_HOLD },
	{ "TM-B2b", "so does LOGICAL UNIT RESET", "the same", tm_b2_lr, NEEDS_HOLD },
	{ "TM-B2c", "CLEAR TASK SET", "the same; or 04h at once, and nothing aborted", tm_b2_cts, NEEDS_HOLD },
	{ "TM-C1", "abort while write data is fetched", "nothing while held; then 00h with 2 credits, the medium unchanged", tm_c1,
	  NEEDS_GATE },
	{ "TM-D1", "abort at the back-end", "nothing while held; then 00h with 2 credits, and no late write", tm_d1, NEEDS_HOLD },
	{ "TM-D2", "ABORT TASK, then LOGICAL UNIT RESET", "nothing while held; then both 00h, in their order", tm_d2, NEEDS_HOLD },
	{ "TM-E1", "abort of what the core has completed", "nothing while held; then its response, then 00h with 1 credit", tm_e1,
	  NEEDS_GATE },
	{ "TM-E3", "the same on another channel", "nothing while held; then its response there, then 00h", tm_e3, NEEDS_GATE },
	{ "TM-F1", "abort of what is answered but not received", "its response first, then 00h with 1 credit", tm_f1 },
	{ "TM-F2", "the same on another channel", "nothing until it is received; then 00h", tm_f2 },
	{ "TM-G1", "abort of no task", "00h with 1 credit", tm_g1 },
	{ "TM-H1", "the tag of another session", "that one is not touched", tm_h1, NEEDS_HOLD },
	{ "TM-H2", "a reset means all sessions", "after all have ended 00h; the other's task TASK ABORTED, or silence; unit attention",
	  tm_h2, NEEDS_HOLD },
	{ "TM-I1", "a tag that two tasks bear", "both are executed; both are aborted, 00h with 3 credits", tm_i1, NEEDS_HOLD },
	{ "TM-I2", "tags of functions", "each is answered once", tm_i2 },
	{ "TM-J1", "abort with the wrong LUN", "nothing while held; then the response of the task, then 02h", tm_j1, NEEDS_HOLD },
	{ "TM-2X", "two aborts of one task", "nothing while held; then both 00h", tm_2x, NEEDS_HOLD },
	{ "TM-LUN", "tag 0 is a tag, and another LUN another", "00h at once; the task is not touched", tm_lun, NEEDS_HOLD },
	{ "TM-LR", "a reset terminates functions", "the abort is answered 00h, the reset too", tm_lr_tmf, NEEDS_HOLD },
	{ "TM-UNK", "unknown functions abort nothing", "04h at once; the task is not touched", tm_unk, NEEDS_HOLD },
	{ "TM-N1", "the connection ends in each state", "no leak, no hang; the next login works", tm_n, NEEDS_HOLD | NEEDS_GATE },
	{ "TM-N7", "a login waits for the old session", "no answer while held; the new data stays", tm_n7, NEEDS_HOLD },
	{ "TM-N8", "but not for ever", "REJ 0x10001 after some seconds; then the new data stays", tm_n8, NEEDS_HOLD },
	{ "TM-PRA", "PREEMPT AND ABORT", "the other session's tasks are aborted; the response comes last", NULL, 0,
	  "sessions of one address are one registrant here; the core does it with the code of a reset" },
	{ "TM-CRED", "credits under random functions", "conserved on every channel", soak_credits },
	{ .id = NULL }
};
