// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Task attributes: whose turn it is, and that nobody waits for what does not come any more. See held.h. */
#include "held.h"

#define S	TGT_ATTR_SIMPLE
#define O	TGT_ATTR_ORDERED
#define H	TGT_ATTR_HEAD

/* READ and WRITE of LUN 0 */
static uint64_t rd(uint32_t host_no, uint8_t attr, uint64_t tag)
{
	return send_rw(host_no - 1, host_no, 0, tag, attr, 0x28, 8);
}

static uint64_t wr(uint32_t host_no, uint8_t attr, uint64_t tag)
{
	return send_rw(host_no - 1, host_no, 0, tag, attr, 0x2a, 8);
}

/* Host 1 is on the first thread, host 2 on the second. */
static void login_both(void)
{
	login(0, 1);
	login(1, 2);
	hold_io();
}

/* What a READ that runs asks for, or has got. */
static bool runs(uint64_t id)
{
	struct list *node;
	struct task *t;

	list_for_each(node, &fake_d.workers[cmds[id].ring].tasks) {
		t = container_of(node, struct task, node);
		if (t->cmd_id == id)
			return t->state != TASK_DORMANT;
	}
	return cmds[id].state == ENDED;
}

/* It is answered with GOOD, and the kernel has sent that. */
static void complete(uint64_t id)
{
	release_io();
	hold_io();
	assert_int_equal(cmds[id].state, RESPONDED);
	assert_int_equal(cmds[id].status, 0);
	cmd_done(id, TGT_DONE_OK);
	settle();
}

/* ---- the rules ---------------------------------------------------------------------------------- */

/* Back to back on one thread: the next one begins when the answer of the last one has left. */
static void ordered_writes(void **state)
{
	uint64_t ids[16];
	unsigned int i;

	(void)state;
	login(0, 1);
	hold_io();
	for (i = 0; i < 16; i++)
		ids[i] = wr(1, O, i);
	settle();
	for (i = 0; i < 16; i++) {
		assert_int_equal(cmds[ids[i]].state, FETCHING);
		if (i < 15)
			assert_int_equal(cmds[ids[i + 1]].state, AT_DAEMON);
		cmd_done(ids[i], TGT_DONE_OK);
		release_io();
		hold_io();
		assert_int_equal(cmds[ids[i]].state, RESPONDED);
		if (i < 15)
			assert_int_equal(cmds[ids[i + 1]].state, AT_DAEMON);
		cmd_done(ids[i], TGT_DONE_OK);
		settle();
	}
	end_all();
}

/* The nexuses of two threads have one task set, another logical unit has its own. */
static void on_two_threads(void **state)
{
	uint64_t older[2], ordered, younger[2], other;

	(void)state;
	login_both();
	older[0] = rd(1, S, 1);
	older[1] = rd(2, S, 2);
	ordered = rd(2, O, 3);
	younger[0] = rd(1, S, 4);
	younger[1] = rd(2, S, 5);
	other = READ(0, 1, 1, 6);
	settle();
	assert_true(runs(older[0]) && runs(older[1]) && runs(other));
	assert_false(runs(ordered) || runs(younger[0]) || runs(younger[1]));
	complete(older[1]);
	assert_false(runs(ordered));
	cmd_done(older[0], TGT_DONE_OK);
	settle();
	assert_true(runs(ordered));
	assert_false(runs(younger[0]) || runs(younger[1]));
	complete(ordered);
	assert_true(runs(younger[0]) && runs(younger[1]));
	end_all();
}

/* It overtakes all that wait, and those wait for it, whoever is older. */
static void head_of_queue(void **state)
{
	uint64_t older, ordered, simple, head, late;

	(void)state;
	login_both();
	older = rd(1, S, 1);
	ordered = rd(1, O, 2);
	simple = rd(1, S, 3);
	settle();
	complete(older);
	assert_true(runs(ordered));
	head = rd(2, H, 4);
	late = rd(1, S, 5);
	settle();
	assert_true(runs(head));
	assert_false(runs(simple) || runs(late));
	complete(ordered);
	assert_false(runs(simple) || runs(late));
	cmd_done(head, TGT_DONE_OK);
	settle();
	assert_true(runs(simple) && runs(late));
	/* Alone it keeps others back, too. */
	end_all();
	hold_io();
	head = rd(1, H, 6);
	simple = rd(2, S, 7);
	ordered = rd(2, O, 8);
	settle();
	assert_false(runs(simple) || runs(ordered));
	complete(head);
	assert_true(runs(simple));
	assert_false(runs(ordered));
	end_all();
}

/* When the queue is empty nobody takes the lock any more. */
static void fast_again(void **state)
{
	struct order *o;

	(void)state;
	login_both();
	o = &container_of(target()->lus.next, struct lu, node)->order;
	rd(1, S, 1);
	assert_int_equal(o->running, 1);
	rd(2, O, 2);
	assert_true(o->running > 2);
	end_all();
	assert_int_equal(o->running, 0);
	rd(1, H, 3);
	assert_true(o->running > 2);
	end_all();
	assert_int_equal(o->running, 0);
}

static void unknown_lun(void **state)
{
	uint64_t waits, id;

	(void)state;
	login_both();
	rd(1, S, 1);
	waits = rd(1, O, 2);
	id = send_rw(0, 1, 5, 3, O, 0x28, 8);
	assert_int_equal(cmds[id].state, RESPONDED);
	assert_int_equal(cmds[id].status, 2);
	assert_false(runs(waits));
	end_all();
}

/* It has looked at nothing before its turn: the reservation that conflicts comes meanwhile. */
static void looks_when_it_runs(void **state)
{
	uint64_t id, reserved;

	(void)state;
	login_both();
	end_all();
	id = pr_out(0, 1, 0, 0, 0, 1);
	cmd_done(id, TGT_DONE_OK);
	reserved = pr_begin(0, 1, O, 1, 1, 1, 0);	/* RESERVE, write exclusive */
	id = wr(2, S, 1);
	cmd_done(reserved, TGT_DONE_OK);
	assert_int_equal(cmds[reserved].status, 0);
	assert_int_equal(cmds[id].state, AT_DAEMON);
	cmd_done(reserved, TGT_DONE_OK);
	settle();
	assert_int_equal(cmds[id].state, RESPONDED);
	assert_int_equal(cmds[id].status, 0x18);
	end_all();
}

/* ---- aborted while it waits --------------------------------------------------------------------- */

static void abort_waiting(void **state)
{
	uint64_t older, first, second, simple, tmf;

	(void)state;
	login_both();
	older = rd(1, S, 1);
	first = rd(2, O, 2);
	second = rd(2, O, 3);
	simple = rd(1, S, 4);
	tmf = send_tmf(1, 2, 0, TGT_ABORT_TASK, 2);
	settle();
	assert_true(cmds[first].aborted);
	assert_true(tmfs[tmf].answered);
	assert_int_equal(tmfs[tmf].result, TGT_TMF_COMPLETE);
	assert_false(runs(second) || runs(simple));
	/* The last one that kept the SIMPLE one back: it runs although the older one has not ended. */
	tmf = send_tmf(1, 2, 0, TGT_ABORT_TASK_SET, 0);
	settle();
	assert_true(cmds[second].aborted);
	assert_true(tmfs[tmf].answered);
	assert_true(runs(simple) && runs(older));
	end_all();
}

/* Its turn has come, but its thread does not know yet: it does not run, and lets the next one go. */
static void abort_on_its_turn(void **state)
{
	uint64_t older, first, second, tmf;

	(void)state;
	login_both();
	older = rd(1, O, 1);
	first = rd(2, O, 2);
	second = rd(1, O, 3);
	release_io();
	hold_io();
	cmd_done(older, TGT_DONE_OK);	/* and no settle() */
	assert_false(runs(first));
	tmf = send_tmf(1, 2, 0, TGT_ABORT_TASK, 2);
	settle();
	assert_true(cmds[first].aborted);
	assert_true(tmfs[tmf].answered);
	assert_true(runs(second));
	end_all();
}

/* The one that runs is aborted: in whatever state, the next one waits until it has ended. */
static void abort_running(void **state)
{
	uint64_t first, second, tmf;

	(void)state;
	login_both();
	first = wr(1, O, 1);
	second = rd(2, S, 2);
	tmf = send_tmf(0, 1, 0, TGT_ABORT_TASK, 1);
	settle();
	assert_int_equal(cmds[first].state, FETCHING);
	assert_false(tmfs[tmf].answered || runs(second));
	cmd_done(first, TGT_DONE_CANCELLED);
	settle();
	assert_true(cmds[first].aborted && tmfs[tmf].answered && runs(second));
	end_all();
}

static void lun_reset(void **state)
{
	uint64_t own[8], foreign[8], tmf;
	unsigned int i;

	(void)state;
	login_both();
	rd(1, S, 1);
	for (i = 0; i < 8; i++) {
		own[i] = rd(1, i & 1 ? O : S, 2);
		foreign[i] = wr(2, i & 1 ? S : O, 3);
	}
	tmf = send_tmf(0, 1, 0, TGT_LUN_RESET, 0);
	settle_io();
	assert_false(tmfs[tmf].answered);
	for (i = 0; i < 8; i++) {
		assert_true(cmds[own[i]].aborted);
		if (cmds[foreign[i]].state == FETCHING)		/* its turn had come before its thread knew */
			cmd_done(foreign[i], TGT_DONE_CANCELLED);
		settle();
		assert_int_equal(cmds[foreign[i]].state, RESPONDED);
		assert_int_equal(cmds[foreign[i]].status, 0x40);
		cmd_done(foreign[i], TGT_DONE_OK);
	}
	settle();
	assert_true(tmfs[tmf].answered);
	assert_int_equal(tmfs[tmf].result, TGT_TMF_COMPLETE);
	end_all();
	own[0] = rd(1, O, 4);	/* unit attention */
	assert_int_equal(cmds[own[0]].status, 2);
	end_all();
}

static void host_goes(void **state)
{
	uint64_t running, waits, other;

	(void)state;
	login_both();
	running = rd(1, O, 1);
	waits = rd(1, O, 2);
	other = rd(2, O, 3);
	host_down(0, 1);
	settle_io();
	assert_true(cmds[running].aborted && cmds[waits].aborted);
	assert_true(runs(other));
	end_all();
	assert_false(cmds[other].aborted);
}

/* teardown() frees what waits. */
static void daemon_ends(void **state)
{
	(void)state;
	login_both();
	wr(1, S, 1);
	wr(2, O, 2);
	wr(1, S, 3);
	rd(2, H, 4);
}

/* Those who came before it goes are carried out, with the logical unit that they were for. */
static void lun_goes(void **state)
{
	struct config *c = load(CONF(LUN("0")));
	char error[CONFIG_ERROR_LEN];
	uint64_t older, waits;

	(void)state;
	login(0, 1);
	hold_io();
	older = READ(0, 1, 1, 1);
	waits = send_rw(0, 1, 1, 2, O, 0x28, 8);
	assert_int_equal(daemon_apply(&fake_d, c, error), 0);
	config_free(c);
	assert_true(daemon_reap(&fake_d));
	complete(older);
	assert_true(daemon_reap(&fake_d));
	complete(waits);
	assert_false(daemon_reap(&fake_d));
}

/* ---- others that wait --------------------------------------------------------------------------- */

static void preempt_ordered(void **state)
{
	uint64_t id, waits[2], own;

	(void)state;
	reserve();
	hold_io();
	id = pr_begin(0, 1, O, 5, 5, 1, 2);
	waits[0] = wr(2, O, 1);
	waits[1] = rd(2, S, 2);
	own = rd(1, S, 3);
	cmd_done(id, TGT_DONE_OK);
	settle();
	/* It waits for those whose turn is behind it: they end at once. */
	assert_int_equal(cmds[waits[0]].status, 0x40);
	assert_int_equal(cmds[waits[1]].status, 0x40);
	cmd_done(waits[0], TGT_DONE_OK);
	cmd_done(waits[1], TGT_DONE_OK);
	settle();
	assert_int_equal(cmds[id].state, RESPONDED);
	assert_int_equal(cmds[id].status, 0);
	assert_false(runs(own));
	cmd_done(id, TGT_DONE_OK);
	settle();
	assert_true(runs(own));
	end_all();
	assert_false(cmds[own].aborted);
}

/* It is aborted while it waits for what it has preempted: it keeps nobody back. */
static void preempt_is_aborted(void **state)
{
	uint64_t id, victim, own, tmf;

	(void)state;
	reserve();
	hold_io();
	id = pr_begin(0, 1, O, 5, 5, 1, 2);
	victim = send_rw(1, 2, 0, 1, H, 0x2a, 8);
	own = rd(1, S, 2);
	cmd_done(id, TGT_DONE_OK);
	settle();
	assert_int_equal(cmds[victim].state, FETCHING);
	tmf = send_tmf(0, 1, 0, TGT_ABORT_TASK, 99);
	settle();
	assert_true(cmds[id].aborted && tmfs[tmf].answered);
	assert_false(runs(own));	/* of HEAD OF QUEUE */
	cmd_done(victim, TGT_DONE_CANCELLED);
	cmd_done(victim, TGT_DONE_OK);
	settle();
	assert_true(runs(own));
	end_all();
}

/* COMPARE AND WRITE waits for its turn among those that run only. */
static void compare_and_write(void **state)
{
	static const uint8_t cdb[16] = { 0x89, [13] = 1 };
	static const uint8_t attrs[] = { S, S, O, S, H, O };
	uint64_t ids[sizeof(attrs)];
	unsigned int i;

	(void)state;
	login_both();
	for (i = 0; i < sizeof(attrs); i++) {
		ids[i] = send_attr(i & 1, 1 + (i & 1), 0, i, attrs[i], cdb, 2 * BS, 0);
		if (cmds[ids[i]].state == FETCHING)
			cmd_done(ids[i], TGT_DONE_OK);
	}
	settle();
	assert_true(runs(ids[0]) && runs(ids[1]) && runs(ids[4]));
	assert_false(runs(ids[2]) || runs(ids[3]) || runs(ids[5]));
	end_all();
}

/* The memory for data is used up by those that run; who waits for its turn has none. */
static void without_memory(void **state)
{
	uint64_t id;
	unsigned int i;

	(void)state;
	login(0, 1);
	hold_io();
	for (i = 0; i < 6; i++)
		send_rw(0, 1, 0, i, i == 2 ? O : S, 0x28, 2048);
	for (; i < 12; i++)
		send_rw(0, 1, 1, i, i == 8 ? H : S, 0x28, 2048);
	settle();
	id = send_rw(0, 1, 1, i, O, 0x28, 2048);
	end_all();
	assert_int_equal(cmds[id].status, 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(ordered_writes),
		TEST(on_two_threads),
		TEST(head_of_queue),
		TEST(fast_again),
		TEST(unknown_lun),
		TEST(looks_when_it_runs),
		TEST(abort_waiting),
		TEST(abort_on_its_turn),
		TEST(abort_running),
		TEST(lun_reset),
		TEST(host_goes),
		TEST(daemon_ends),
		TEST(lun_goes),
		TEST(preempt_ordered),
		TEST(preempt_is_aborted),
		TEST(compare_and_write),
		TEST(without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
