// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Task management of commands that have not got to the core, or have no data yet: behind a command whose descriptor table is
 * fetched (TM-A), and waiting for the send queue (TM-C2).
 */
#include <string.h>

#include "tm.h"

#define TABLE_AT	(DATA_SIZE - 4096)	/* of the data */

static const u8 aborting[] = { SRP_TMF_ABORT_TASK, SRP_TMF_ABORT_TASK_SET, SRP_TMF_LUN_RESET };
static const char *const aborting_names[] = { "ABORT TASK", "ABORT TASK SET", "LOGICAL UNIT RESET" };

/* A READ of the other LUN whose table has one descriptor, and is not in the IU. */
static void build_with_table(struct srpi_iu *iu)
{
	const struct srp_wire_desc entry = srpi_desc(&data_mem, 0, TASK_LEN);

	memcpy(data + TABLE_AT, &entry, sizeof(entry));
	lun = conf.held_lun;
	begin_cmd(iu, AS_CDB(CDB_READ(0, TASK_LEN / BLOCK)), 0);
	lun = conf.lun;
	srpi_indirect(iu, SRPI_IN, srpi_desc(&data_mem, TABLE_AT, sizeof(entry)), NULL, 0, TASK_LEN);
}

/* Until the gate is opened no later command of the channel gets to the core. Returns the tag. */
static u64 begin_fetching(struct srpi_chan *ch)
{
	struct srpi_iu iu;

	build_with_table(&iu);
	gate("arm", "read_done", srpi_iu_tag(&iu));
	send_iu(ch, &iu);
	gate("wait", "read_done", srpi_iu_tag(&iu));
	return srpi_iu_tag(&iu);
}

#define OLD_LBA		64

static void lay_old_data(struct srpi_chan *ch, u32 nr)
{
	fill_pattern(0, nr * TASK_LEN, 5);
	write_blocks(ch, OLD_LBA, nr * TASK_LEN / BLOCK, 0);
}

static void expect_old_data(struct srpi_chan *ch, u32 nr)
{
	memset(data, 0, nr * TASK_LEN);
	read_blocks(ch, OLD_LBA, nr * TASK_LEN / BLOCK, 0);
	expect_pattern(0, nr * TASK_LEN, 5);
}

/* ---- A: behind another command ---------------------------------------------------------------------- */

/* A WRITE to where old data is, behind a READ whose tag is @first. */
static struct task *begin_behind(struct srpi_chan *ch, u64 *first)
{
	struct task *t;

	settle_held(ch);
	lay_old_data(ch, 1);
	*first = begin_fetching(ch);
	t = begin_task(ch, true, OLD_LBA, NULL);
	wait_for_state(tag_of(t), "NEW");
	return t;
}

static void abort_behind(const void *arg)
{
	struct srpi_chan *ch = begin_scratch();
	u64 first, tag;
	struct task *t;

	(void)arg;
	t = begin_behind(ch, &first);
	tag = send_tmf(ch, SRP_TMF_ABORT_TASK, conf.lun, tag_of(t));
	expect_tmf(ch, tag, SRP_RSP_COMPLETE, 2);
	trap(t);
	open_gate("read_done");
	expect_rsp(ch, first);
	expect_old_data(ch, 1);
	end_on(ch);
}

/* The channel of the function gets its credit with the answer; the other one by itself. */
static void abort_behind_elsewhere(const void *arg)
{
	const u8 function = *(const u8 *)arg;
	struct srpi_chan *ch = begin_scratch(), *other = further_channel();
	u64 first, tag;
	struct task *t;

	t = begin_behind(other, &first);
	tag = send_tmf(ch, function, conf.lun, tag_of(t));
	expect_tmf(ch, tag, SRP_RSP_COMPLETE, 1);
	trap(t);
	open_gate("read_done");
	expect_rsp(other, first);
	settle(ch);
	expect_old_data(ch, 1);
	settle(other);
	expect_conserved(other);
	end_on(ch);
}

/* The command whose table is fetched is on its way: it ends as it would. */
static void abort_fetching(const void *arg)
{
	struct srpi_chan *ch = begin_scratch();
	u64 first, tag;

	(void)arg;
	settle_held(ch);
	first = begin_fetching(ch);
	tag = send_tmf(ch, SRP_TMF_ABORT_TASK, conf.held_lun, first);
	expect_silence(ch, SILENCE);
	open_gate("read_done");
	expect_rsp(ch, first);
	expect_tmf(ch, tag, SRP_RSP_COMPLETE, 1);
	end_on(ch);
}

static void tm_a1(void)
{
	unsigned int i;

	row(abort_behind, NULL, "WRITE behind another command, ABORT TASK");
	for (i = 0; i < ARRAY_SIZE(aborting); i++)
		row(abort_behind_elsewhere, &aborting[i], "the same, %s by another channel", aborting_names[i]);
	row(abort_fetching, NULL, "READ whose table is fetched, ABORT TASK");
}

static void race_behind(struct srpi_chan *ch)
{
	const struct srpi_iu *list[3];
	struct srpi_iu first, tmf;
	bool first_over = false, answered = false, over = false;
	struct srpi_mem *mem = own_mem(ini, TASK_LEN, SRPI_ACCESS_DATA);
	struct srpi_rsp r;
	struct srpi_iu cmd;

	build_with_table(&first);
	begin_cmd(&cmd, AS_CDB(CDB_WRITE(OLD_LBA, TASK_LEN / BLOCK)), 0);
	srpi_direct(&cmd, SRPI_OUT, srpi_desc(mem, 0, TASK_LEN));
	build_tmf(&tmf, SRP_TMF_ABORT_TASK, LUN_IS(conf.lun), srpi_iu_tag(&cmd));
	list[0] = &first;
	list[1] = &cmd;
	list[2] = &tmf;
	if (srpi_send_list(ch, list, ARRAY_SIZE(list)))
		fail("%s", srpi_error(ch));
	while (!first_over || !answered) {
		next_rsp(ch, &r, "answer");
		if (r.tag == srpi_iu_tag(&first) && !first_over) {
			first_over = true;
		} else if (r.tag == srpi_iu_tag(&tmf) && !answered) {
			answered = true;
			expect_code(&r, SRP_RSP_COMPLETE);
			/* Written by the command it may be, but not from now on. */
			take_back(mem);
		} else if (r.tag == srpi_iu_tag(&cmd) && !answered && !over) {
			over = true;
		} else {
			fail("an answer to something else, or of a command that was aborted");
		}
	}
	saw(over ? "answered before" : "aborted");
}

static void tm_a2(void)
{
	const u32 nr = loops(50, 1000);
	struct srpi_chan *ch = begin_scratch();
	u32 i;

	sent("%u times a READ with a table, a WRITE and its ABORT TASK at once, then a WRITE to the same place", nr);
	settle_held(ch);
	for (i = 0; i < nr; i++) {
		race_behind(ch);
		lay_old_data(ch, 1);
		expect_old_data(ch, 1);
	}
	end_on(ch);
}

static void only_this_lun(const void *arg)
{
	const u8 function = *(const u8 *)arg;
	struct srpi_chan *ch = begin_scratch();
	struct task *other;
	u64 first, tag;

	settle_held(ch);
	lay_old_data(ch, 2);
	first = begin_fetching(ch);
	begin_task(ch, true, OLD_LBA, NULL);
	lun = conf.held_lun;
	other = begin_task(ch, false, 0, NULL);
	lun = conf.lun;
	begin_task(ch, true, OLD_LBA + TASK_LEN / BLOCK, NULL);
	wait_for_state(tag_of(&tasks[2]), "NEW");
	tag = send_tmf(ch, function, conf.lun, 0);
	expect_tmf(ch, tag, SRP_RSP_COMPLETE, 3);
	trap(&tasks[0]);
	trap(&tasks[2]);
	open_gate("read_done");
	expect_both(ch, first, tag_of(other));
	trap(other);
	settle(ch);
	expect_old_data(ch, 2);
	end_on(ch);
}

static void tm_a3(void)
{
	row(only_this_lun, &aborting[1], "two WRITEs and a READ of another LUN, ABORT TASK SET");
	row(only_this_lun, &aborting[2], "two WRITEs and a READ of another LUN, LOGICAL UNIT RESET");
}

struct drop {
	enum ending	ending;
	bool		tmf;
};

static void drop_behind(const void *arg)
{
	const struct drop *d = arg;
	struct srpi_chan *ch = begin_scratch();
	struct task *t;
	u64 first;

	t = begin_behind(ch, &first);
	/* What it covers stays at the gate, so it is not answered. */
	if (d->tmf)
		send_tmf(ch, SRP_TMF_ABORT_TASK_SET, conf.held_lun, 0);
	expect_silence(ch, 50);
	end_channel(ch, d->ending);
	open_gate("read_done");
	ch = login_settled(SRP_LOGIN_MC_SINGLE);
	trap(t);
	expect_old_data(ch, 1);
	end_on(ch);
}

static void tm_n1(void)
{
	unsigned int i;

	for (i = 0; i < 2 * NR_ENDINGS; i++) {
		const struct drop d = { i >> 1, i & 1 };

		row(drop_behind, &d, "WRITE behind another command, %s%s", d.tmf ? "ABORT TASK SET, " : "", ending_names[d.ending]);
	}
}

/* ---- C2: waiting for the send queue ------------------------------------------------------------------ */

/* Writes until none of them finds room in the send queue: what they used of it is not given back. Returns the one that waits. */
static struct task *fill_send_queue(struct srpi_chan *ch)
{
	const u64 tag = srpi_next_tag();
	struct task *t;
	u32 i;

	gate("arm", "sq", tag);
	for (i = 0; i < NR_TASKS - 1; i++)
		begin_task(ch, true, OLD_LBA + 8 * (i + 1), &tag);
	t = begin_task(ch, true, OLD_LBA, NULL);
	wait_for_state(tag_of(t), "WAIT_RD");
	return t;
}

static void abort_waiting(const void *arg)
{
	const u8 function = *(const u8 *)arg;
	struct srpi_chan *ch = begin_scratch();
	bool over = false, answered = false;
	struct srpi_rsp r;
	struct task *t;
	u64 tag;

	lay_old_data(ch, 1);
	t = fill_send_queue(ch);
	tag = send_tmf(ch, function, conf.lun, tag_of(t));
	/* Before the function is answered: others that had room, and its own response, which tells that it was aborted. */
	while (!answered) {
		next_rsp(ch, &r, "answer");
		if (r.tag == tag) {
			expect_code(&r, SRP_RSP_COMPLETE);
			answered = true;
		} else if (r.tag == tag_of(t)) {
			over = true;
			if (r.status != 2)
				fail("status %02x of a command that has no data", r.status);
		}
	}
	saw(over ? "CHECK CONDITION, then RSP_CODE 00" : "RSP_CODE 00");
	trap(t);
	open_gate("sq");
	while (wait_rsp(ch, &r, SILENCE) == WAIT_RSP)
		if (r.tag == tag_of(t))
			fail("a response of the task after the answer to the function");
	settle(ch);
	expect_old_data(ch, 1);
	end_on(ch);
}

static void tm_c2(void)
{
	unsigned int i;

	hook("set srp_sq_size 128");
	for (i = 0; i < ARRAY_SIZE(aborting); i++)
		row(abort_waiting, &aborting[i], "a WRITE that waits for the send queue, %s", aborting_names[i]);
}

const struct conf_case tm_queue_cases[] = {
	{ "TM-A1", "abort of what has not got to the core", "00h at once, with 2 credits; it is never executed", tm_a1, NEEDS_HOLD | NEEDS_GATE },
	{ "TM-A2", "the same, as fast as possible", "answered, or aborted; nothing is written after the function is answered", tm_a2,
	  NEEDS_HOLD },
	{ "TM-A3", "aborts of a set, some not at the core", "00h with 3 credits; only those of the LUN", tm_a3, NEEDS_HOLD | NEEDS_GATE },
	{ "TM-C2", "abort of what waits for the send queue", "00h at once; before it CHECK CONDITION, or nothing; nothing is written", tm_c2,
	  NEEDS_GATE },
	{ "TM-N1b", "the connection ends for what is not at the core", "it is never executed; no leak, no hang; the next login works", tm_n1,
	  NEEDS_HOLD | NEEDS_GATE },
	{ .id = NULL }
};
