// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Task management of commands that the core has, or has completed (TM), see docs/task-management.md. */
#include <string.h>

#include "tm.h"

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

/* The target's HCA has the data and the response, but the initiator has neither. */
struct on_way {
	const char	*name;
	const char	*begin, *end;	/* what the hook does meanwhile */
	u8		function;
};

static void on_its_way(const void *arg)
{
	const struct on_way *w = arg;
	struct srpi_chan *ch = begin_scratch();
	struct task *t;
	u64 tag;

	memset(data, 0x22, TASK_LEN);
	write_blocks(ch, 64, TASK_LEN / BLOCK, 0);
	hook(w->begin);
	t = begin_task(ch, false, 64, NULL);
	wait_for_state(tag_of(t), "SENDING");
	tag = send_tmf(ch, w->function, conf.lun, w->function == SRP_TMF_ABORT_TASK ? tag_of(t) : 0);
	expect_silence(ch, SILENCE);
	if (*(u8 *)t->mem.addr != CANARY)
		fail("the data were not held");
	hook(w->end);
	expect_task(t);
	if (memcmp(t->mem.addr, data, TASK_LEN))
		fail("other data than what was written");
	expect_tmf(ch, tag, SRP_RSP_COMPLETE, 1);
	trap(t);
	end_on(ch);
}

static void tm_e2(void)
{
	static const struct on_way ways[] = {
		{ "data in the target's HCA, ABORT TASK", "hold-sends", "send-on", SRP_TMF_ABORT_TASK },
		{ "data in the target's HCA, LOGICAL UNIT RESET", "hold-sends", "send-on", SRP_TMF_LUN_RESET },
		{ "data that are sent again and again, ABORT TASK",
		  "stall initiator", "go-on initiator", SRP_TMF_ABORT_TASK },
		{ "data that are sent again and again, LOGICAL UNIT RESET",
		  "stall initiator", "go-on initiator", SRP_TMF_LUN_RESET },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ways); i++)
		row(on_its_way, &ways[i], ways[i].name);
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

#define KEY	0x7072ULL

/* Two nexuses that are two registrants; the preempting one may do I/O before and after. */
static void tm_pra(void)
{
	struct srpi_chan *ch, *rival;
	struct srpi_mem *mem;
	struct srpi_rsp r;
	struct srpi_iu iu;
	struct srpi *way;
	struct task *t;

	sent("a held READ of one initiator, PREEMPT AND ABORT by another");
	forget_tasks();
	rival = login_rival(&way);
	mem = own_mem(way, BLOCK, SRPI_ACCESS_DATA);
	ch = login_settled(SRP_LOGIN_MC_SINGLE);
	lun = conf.held_lun;
	settle(ch);
	settle(rival);
	pr_out(ch, &data_mem, 6, 0, 0, KEY);		/* REGISTER AND IGNORE EXISTING KEY */
	pr_out(rival, mem, 6, 0, 0, KEY + 1);
	pr_out(rival, mem, 1, 5, KEY + 1, 0);		/* RESERVE, write exclusive, registrants only */
	hook("hold");
	t = begin_task_of(way, rival, false, 64, NULL);
	expect_silence(rival, SILENCE);
	build_pr_out(&iu, &data_mem, 5, 5, KEY, KEY + 1);
	send_iu(ch, &iu);
	expect_silence(ch, SILENCE);
	hook("release");
	expect_rsp(ch, srpi_iu_tag(&iu));
	if (wait_rsp(rival, &r, SILENCE) == WAIT_RSP) {
		if (r.tag != tag_of(t) || r.status != 0x40)
			fail("status %02x for the task of the other initiator", r.status);
		saw("TASK ABORTED");
	} else {
		saw("silence");
	}
	trap(t);
	settle(rival);
	expect_conserved(rival);
	pr_out(ch, &data_mem, 3, 0, KEY, 0);		/* CLEAR */
	settle(rival);
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
	{ "TM-E2", "abort while read data is on its way", "nothing while held; then the data and its response, then 00h with 1 credit",
	  tm_e2, NEEDS_IB | NEEDS_GATE },
	{ "TM-E3", "abort of what the core has completed on another channel", "nothing while held; then its response there, then 00h",
	  tm_e3, NEEDS_GATE },
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
	{ "TM-PRA", "PREEMPT AND ABORT", "nothing while held; the other's task TASK ABORTED, or silence; GOOD", tm_pra,
	  NEEDS_HOLD | NEEDS_SECOND },
	{ "TM-CRED", "credits under random functions", "conserved on every channel", soak_credits },
	{ .id = NULL }
};
