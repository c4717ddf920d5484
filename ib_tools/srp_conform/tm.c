// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* See tm.h. */
#include <string.h>

#include "tm.h"

struct task tasks[NR_TASKS];
static u32 nr_tasks;

/* ---- tasks and functions --------------------------------------------------------------------------- */

struct task *begin_task_of(struct srpi *way, struct srpi_chan *ch, bool out, u32 lba, const u64 *tag)
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

struct task *begin_task(struct srpi_chan *ch, bool out, u32 lba, const u64 *tag)
{
	return begin_task_of(ini, ch, out, lba, tag);
}

/*
 * RDMA READs end in their order: when this one has, the target has the data of the tasks before. And as long as nothing
 * is at the disk that is held, a function need not wait for it.
 */
static void reach_backend(struct srpi_chan *ch, bool out)
{
	int code;

	if (out) {
		lun = conf.lun;
		write_blocks(ch, 4096, 1, DATA_SIZE);
		lun = conf.held_lun;
	}
	code = call_hook("reached");
	if (code && code != HOOK_CANNOT)
		fail("no command reaches the device that is held");
}

struct task *begin_held_task(struct srpi_chan *ch, bool out, u32 lba, const u64 *tag)
{
	struct task *t = begin_task(ch, out, lba, tag);

	reach_backend(ch, out);
	return t;
}

u64 tag_of(const struct task *t)
{
	return srpi_iu_tag(&t->iu);
}

void trap(struct task *t)
{
	char text[40];

	snprintf(text, sizeof(text), "trap %#llx", tag_of(t));
	mark_trace(text);
	if (t->mem.mr)
		ibv_dereg_mr(t->mem.mr);
	t->mem.mr = NULL;
	memset(t->mem.addr, CANARY, TASK_LEN);
}

void trap_all(void)
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

void forget_tasks(void)
{
	while (nr_tasks)
		srpi_mem_free(&tasks[--nr_tasks].mem);
}

u64 send_tmf(struct srpi_chan *ch, u8 function, u16 on_lun, u64 task_tag)
{
	struct srpi_iu iu;

	build_tmf(&iu, function, LUN_IS(on_lun), task_tag);
	send_iu(ch, &iu);
	return srpi_iu_tag(&iu);
}

void next_rsp(struct srpi_chan *ch, struct srpi_rsp *r, const char *what)
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

void expect_tmf(struct srpi_chan *ch, u64 tag, int code, s32 delta)
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

void expect_rsp(struct srpi_chan *ch, u64 tag)
{
	struct srpi_rsp r;

	next_rsp(ch, &r, "response of the task");
	if (r.tag != tag)
		fail("another answer before that of the task: status %02x, response code %d", r.status, r.code);
	expect_good(&r);
}

void expect_task(struct task *t)
{
	expect_rsp(t->ch, tag_of(t));
}

void expect_both(struct srpi_chan *ch, u64 tag, u64 other)
{
	struct srpi_rsp r;

	next_rsp(ch, &r, "response of one of two tasks");
	if (r.tag != tag && r.tag != other)
		fail("another answer before those of the tasks: status %02x, response code %d", r.status, r.code);
	expect_good(&r);
	expect_rsp(ch, r.tag == tag ? other : tag);
}

struct srpi_chan *begin_held(void)
{
	struct srpi_chan *ch = login_settled(SRP_LOGIN_MC_SINGLE);

	forget_tasks();
	lun = conf.held_lun;
	settle(ch);
	hook("hold");
	return ch;
}

struct srpi_chan *begin_scratch(void)
{
	forget_tasks();
	return login_settled(SRP_LOGIN_MC_SINGLE);
}

struct srpi_chan *further_channel(void)
{
	struct srpi_chan *ch = login(SRP_LOGIN_MC_MULTI);

	settle(ch);
	return ch;
}

void end_on(struct srpi_chan *ch)
{
	lun = conf.lun;
	settle(ch);
	expect_silence(ch, 50);
	check_traps();
	settle(ch);
	expect_conserved(ch);
}

const char *const ending_names[NR_ENDINGS] = { "DREQ", "death of the QP", "SRP_I_LOGOUT", "port disabled" };

void end_channel(struct srpi_chan *ch, enum ending ending)
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
	case BY_DISABLE:
		hook("disable");
		expect_closed(ch, ANY_LOGOUT);
		hook("enable");
		return;
	case NR_ENDINGS:
		break;
	}
	close_chan(ch);
}

/* ---- gates in the driver --------------------------------------------------------------------------- */

void gate(const char *what, const char *point, u64 tag)
{
	char command[100];

	snprintf(command, sizeof(command), "gate %s %s %016llx", what, point, (u64)be64toh(tag));
	hook(command);
}

/* A command that is held there: one at a tag that is known before it is sent. */
struct task *begin_gated(struct srpi_chan *ch, const char *point, bool out, u32 lba)
{
	u64 tag = srpi_next_tag();
	struct task *t;

	gate("arm", point, tag);
	t = begin_task(ch, out, lba, &tag);
	gate("wait", point, tag);
	return t;
}

void wait_for_state(u64 tag, const char *state)
{
	char command[100];

	snprintf(command, sizeof(command), "state %016llx %s", (u64)be64toh(tag), state);
	hook(command);
}

void open_gate(const char *point)
{
	gate("open", point, 0);
}
