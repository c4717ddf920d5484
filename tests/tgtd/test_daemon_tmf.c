// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Commands and task management in each state of a command, see held.h. */
#include "held.h"

/* ---- ABORT TASK in each state ------------------------------------------------------------------- */

static void abort_in_io(void **state)
{
	uint64_t id, other, tmf;

	(void)state;
	login(0, 1);
	hold_io();
	id = READ(0, 1, 0, 0);
	other = READ(0, 1, 1, 0);
	settle();
	assert_int_equal(cmds[id].state, AT_DAEMON);
	tmf = send_tmf(0, 1, 0, TGT_ABORT_TASK, 0);
	settle_io();
	assert_true(cmds[id].aborted);
	assert_true(tmfs[tmf].answered);
	assert_int_equal(tmfs[tmf].result, TGT_TMF_COMPLETE);
	assert_int_equal(cmds[other].state, AT_DAEMON);
	end_all();
	assert_false(cmds[other].aborted);
}

/* The I/O cannot be cancelled: it is waited for. @rw: it has an answer behind it */
static void abort_waits(bool rw)
{
	uint64_t id, tmf;

	login(0, 1);
	hold_io();
	id = rw ? WRITE(0, 1, 0, 7) : send_rw(0, 1, 0, 7, TGT_ATTR_SIMPLE, VERIFY_10, 8);
	if (rw) {
		assert_int_equal(cmds[id].state, FETCHING);
		cmd_done(id, TGT_DONE_OK);
	}
	/* Not submitted yet, so there is nothing to cancel when the request to cancel is carried out before. */
	tmf = send_tmf(0, 1, 0, TGT_ABORT_TASK, 7);
	obeys = false;
	assert_false(tmfs[tmf].answered);
	release_io();
	assert_true(cmds[id].aborted);
	assert_int_equal(tmfs[tmf].result, TGT_TMF_COMPLETE);
	end_all();
}

static void abort_waits_for_io(void **state)
{
	(void)state;
	abort_waits(false);
}

static void abort_withdraws_answer(void **state)
{
	(void)state;
	abort_waits(true);
}

/* The function waits for what was answered. */
static void abort_is_too_late(uint64_t id, uint64_t tag)
{
	uint64_t tmf;

	assert_int_equal(cmds[id].state, RESPONDED);
	tmf = send_tmf(0, 1, 0, TGT_ABORT_TASK, tag);
	settle_io();
	assert_false(tmfs[tmf].answered);
	cmd_done(id, TGT_DONE_OK);
	settle();
	assert_true(tmfs[tmf].answered);
	assert_int_equal(tmfs[tmf].result, TGT_TMF_TASK_COMPLETED);
	end_all();
}

/* The I/O has ended, and so its answer is with the kernel. */
static void abort_comes_too_late(void **state)
{
	uint64_t id;

	(void)state;
	login(0, 1);
	id = READ(0, 1, 0, 7);
	release_io();
	abort_is_too_late(id, 7);
}

static void abort_in_fetch(void **state)
{
	uint64_t id, first, second;

	(void)state;
	login(0, 1);
	id = WRITE(0, 1, 0, 9);
	assert_int_equal(cmds[id].state, FETCHING);
	first = send_tmf(0, 1, 0, TGT_ABORT_TASK, 9);
	second = send_tmf(0, 1, 0, TGT_ABORT_TASK_SET, 0);
	settle();
	assert_false(tmfs[first].answered || tmfs[second].answered);
	cmd_done(id, TGT_DONE_CANCELLED);
	settle();
	assert_true(cmds[id].aborted);
	assert_int_equal(tmfs[first].result, TGT_TMF_COMPLETE);
	assert_true(tmfs[first].answered && tmfs[second].answered);
	end_all();
}

static void abort_after_response(void **state)
{
	uint64_t id;

	(void)state;
	login(0, 1);
	id = send_cmd(0, 1, 0, 3, TUR, 0, 0);
	abort_is_too_late(id, 3);
}

static void nothing_to_abort(void **state)
{
	static const struct {
		uint32_t lun, function, result;
	} cases[] = {
		{ 0, TGT_ABORT_TASK, TGT_TMF_TASK_NOT_FOUND },
		{ 0, TGT_ABORT_TASK_SET, TGT_TMF_COMPLETE },
		{ 0, TGT_CLEAR_TASK_SET, TGT_TMF_COMPLETE },
		{ 0, TGT_LUN_RESET, TGT_TMF_COMPLETE },
		{ 0, TGT_CLEAR_ACA, TGT_TMF_NOT_SUPPORTED },
		{ 0, 99, TGT_TMF_NOT_SUPPORTED },
		{ 5, TGT_ABORT_TASK, TGT_TMF_LUN_NOT_FOUND },
		{ 5, TGT_ABORT_TASK_SET, TGT_TMF_LUN_NOT_FOUND },
		{ 5, TGT_CLEAR_TASK_SET, TGT_TMF_LUN_NOT_FOUND },
		{ 5, TGT_LUN_RESET, TGT_TMF_LUN_NOT_FOUND },
	};
	uint64_t id, other;
	unsigned int i;

	(void)state;
	login(0, 1);
	hold_io();
	other = READ(0, 1, 1, 4);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		id = send_tmf(0, 1, cases[i].lun, cases[i].function, 4);
		settle();
		assert_true(tmfs[id].answered);
		assert_int_equal(tmfs[id].result, cases[i].result);
	}
	assert_int_equal(cmds[other].state, AT_DAEMON);
	end_all();
}

/* Memory for data is used up: who waits is aborted at once, who is left goes on in turn. */
static void abort_in_queue(void **state)
{
	uint64_t ids[6], tmf;
	unsigned int i;

	(void)state;
	login(0, 1);
	hold_io();
	/* 4 MiB for the thread: four of 1 MiB get room. */
	for (i = 0; i < 6; i++)
		ids[i] = send_rw(0, 1, 0, i, TGT_ATTR_SIMPLE, 0x28, 2048);
	settle();
	assert_int_equal(fake_d.workers[0].counters.buffer_waits, 2);
	tmf = send_tmf(0, 1, 0, TGT_ABORT_TASK, 4);
	settle();
	assert_true(cmds[ids[4]].aborted);
	assert_true(tmfs[tmf].answered);
	release_io();
	hold_io();
	assert_int_equal(cmds[ids[0]].state, RESPONDED);
	assert_int_equal(cmds[ids[0]].len, 1 << 20);
	assert_int_equal(cmds[ids[5]].state, AT_DAEMON);
	cmd_done(ids[0], TGT_DONE_OK);
	settle();
	release_io();
	assert_int_equal(cmds[ids[5]].state, RESPONDED);
	end_all();
}

/* ---- several nexuses, several threads ----------------------------------------------------------- */

static void all_nexuses(uint32_t function)
{
	uint64_t own, foreign, fetching, other_lun, tmf;

	login(0, 1);
	login(1, 2);
	hold_io();
	own = READ(0, 1, 0, 1);
	foreign = READ(1, 2, 0, 1);
	fetching = WRITE(1, 2, 0, 2);
	other_lun = READ(1, 2, 1, 3);
	settle();
	tmf = send_tmf(0, 1, 0, function, 0);
	settle_io();
	assert_true(cmds[own].aborted);
	assert_false(tmfs[tmf].answered);
	/* TAS is 1 */
	assert_int_equal(cmds[foreign].state, RESPONDED);
	assert_int_equal(cmds[foreign].status, 0x40);
	assert_int_equal(cmds[foreign].len, 0);
	cmd_done(foreign, TGT_DONE_OK);
	settle();
	assert_false(tmfs[tmf].answered);
	cmd_done(fetching, TGT_DONE_CANCELLED);
	settle();
	assert_int_equal(cmds[fetching].status, 0x40);
	cmd_done(fetching, TGT_DONE_OK);
	settle();
	assert_true(tmfs[tmf].answered);
	assert_int_equal(tmfs[tmf].result, TGT_TMF_COMPLETE);
	assert_int_equal(cmds[other_lun].state, AT_DAEMON);
	end_all();
	assert_int_equal(cmds[other_lun].status, 0);
}

static void lun_reset(void **state)
{
	uint64_t id;

	(void)state;
	all_nexuses(TGT_LUN_RESET);
	id = send_cmd(1, 2, 0, 0, TUR, 0, 0);
	assert_int_equal(cmds[id].status, 2);	/* unit attention */
	end_all();
}

static void clear_task_set(void **state)
{
	uint64_t id;

	(void)state;
	all_nexuses(TGT_CLEAR_TASK_SET);
	id = send_cmd(1, 2, 0, 0, TUR, 0, 0);
	assert_int_equal(cmds[id].status, 0);
	end_all();
}

/* MODE SELECT(6) of the control page: TAS as given. */
static void set_tas(uint32_t ring, uint32_t host_no, bool tas)
{
	static const uint8_t cdb[16] = { 0x15, 0x10, 0, 0, 16 };
	uint8_t page[16] = { 0, 0, 0, 0, 0x0a, 10, 0x02, 0x10, 0, tas ? 0x40 : 0 };
	struct worker *w = &fake_d.workers[ring];
	uint64_t id = send_cmd(ring, host_no, 0, 0, cdb, sizeof(page), 0);

	assert_int_equal(cmds[id].state, FETCHING);
	memcpy(container_of(w->tasks.prev, struct task, node)->scsi.buf, page, sizeof(page));
	cmd_done(id, TGT_DONE_OK);
	assert_int_equal(cmds[id].status, 0);
	cmd_done(id, TGT_DONE_OK);
}

static void clear_without_tas(void **state)
{
	uint64_t foreign, tmf, id;

	(void)state;
	login(0, 1);
	set_tas(0, 1, false);
	login(1, 2);
	hold_io();
	foreign = READ(1, 2, 0, 1);
	settle();
	tmf = send_tmf(0, 1, 0, TGT_CLEAR_TASK_SET, 0);
	settle_io();
	assert_true(cmds[foreign].aborted);
	assert_true(tmfs[tmf].answered);
	id = send_cmd(1, 2, 0, 0, TUR, 0, 0);
	assert_int_equal(cmds[id].status, 2);	/* COMMANDS CLEARED BY ANOTHER INITIATOR */
	end_all();
}

static void host_goes(void **state)
{
	uint64_t reading, writing, responded, queued[4], tmf, i;

	(void)state;
	login(0, 1);
	hold_io();
	reading = READ(0, 1, 0, 1);
	writing = WRITE(0, 1, 0, 2);
	responded = send_cmd(0, 1, 0, 3, TUR, 0, 0);
	for (i = 0; i < 4; i++)
		queued[i] = send_rw(0, 1, 1, 10 + i, TGT_ATTR_SIMPLE, 0x28, 2048);
	tmf = send_tmf(0, 1, 0, TGT_ABORT_TASK_SET, 0);
	settle();
	host_down(0, 1);
	settle_io();
	assert_true(cmds[reading].aborted);
	for (i = 0; i < 4; i++)
		assert_true(cmds[queued[i]].aborted);
	assert_false(tmfs[tmf].answered);
	assert_false(list_empty(&target()->nexuses));
	cmd_done(writing, TGT_DONE_LOST);
	assert_true(cmds[writing].aborted);
	cmd_done(responded, TGT_DONE_LOST);
	settle();
	assert_true(tmfs[tmf].answered);
	assert_true(list_empty(&target()->nexuses));
	end_all();
}

/* ---- PREEMPT AND ABORT -------------------------------------------------------------------------- */

static void preempt_and_abort(void **state)
{
	uint64_t victim, own, id;

	(void)state;
	reserve();
	hold_io();
	victim = READ(1, 2, 0, 1);
	own = READ(0, 1, 0, 1);
	settle();
	id = pr_out(0, 1, 5, 5, 1, 2);
	assert_int_equal(cmds[id].state, AT_DAEMON);
	settle_io();
	assert_int_equal(cmds[id].state, AT_DAEMON);
	assert_true(cmds[victim].state == RESPONDED && cmds[victim].status == 0x40);
	cmd_done(victim, TGT_DONE_OK);
	settle();
	assert_int_equal(cmds[id].state, RESPONDED);
	assert_int_equal(cmds[id].status, 0);
	assert_int_equal(cmds[own].state, AT_DAEMON);
	end_all();
	assert_false(cmds[own].aborted);
}

/* It is aborted itself while it waits, and does not come back. */
static void preempt_is_aborted(void **state)
{
	uint64_t victim, id, tmf;

	(void)state;
	reserve();
	hold_io();
	victim = WRITE(1, 2, 0, 1);
	id = pr_out(0, 1, 5, 5, 1, 2);
	settle();
	tmf = send_tmf(0, 1, 0, TGT_ABORT_TASK, 99);
	settle();
	assert_true(cmds[id].aborted);
	assert_true(tmfs[tmf].answered);
	host_down(0, 1);
	settle();
	cmd_done(victim, TGT_DONE_CANCELLED);
	settle();
	end_all();
	assert_int_equal(fake_d.workers[0].tasks.next == &fake_d.workers[0].tasks, true);
}

void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
static bool no_memory;

void *__wrap_calloc(size_t n, size_t size)
{
	return no_memory ? NULL : __real_calloc(n, size);
}

/* What cannot be aborted is not preempted either. */
static void preempt_without_memory(void **state)
{
	uint64_t id;

	(void)state;
	reserve();
	id = pr_begin(0, 1, TGT_ATTR_SIMPLE, 5, 5, 1, 2);
	no_memory = true;
	cmd_done(id, TGT_DONE_OK);
	no_memory = false;
	assert_int_equal(cmds[id].state, RESPONDED);
	assert_int_equal(cmds[id].status, 8);	/* BUSY */
	id = pr_out(1, 2, 1, 5, 2, 0);		/* it has its reservation yet */
	assert_int_equal(cmds[id].status, 0);
	id = pr_out(0, 1, 5, 5, 1, 2);
	settle();
	assert_int_equal(cmds[id].status, 0);
	id = send_cmd(1, 2, 0, 0, TUR, 0, 0);
	assert_int_equal(cmds[id].status, 2);	/* unit attention */
	end_all();
}

/* With the wrong key it preempts nobody. */
static void preempt_fails(void **state)
{
	uint64_t id, other;

	(void)state;
	reserve();
	hold_io();
	other = READ(1, 2, 0, 1);
	id = pr_out(0, 1, 5, 5, 9, 2);
	assert_int_equal(cmds[id].state, RESPONDED);
	assert_int_equal(cmds[id].status, 0x18);
	assert_true(list_empty(&fake_d.workers[0].tmfs));
	end_all();
	assert_int_equal(cmds[other].status, 0);
}

/* Two preempt the same nexus, which is back in between: each waits for the commands that it has found. */
static void preempted_twice(void **state)
{
	uint64_t victim, first, second;

	(void)state;
	reserve();
	login(0, 3);
	first = pr_out(0, 3, 0, 0, 0, 3);
	assert_int_equal(cmds[first].status, 0);
	victim = WRITE(1, 2, 0, 1);
	first = pr_out(0, 1, 5, 5, 1, 2);
	settle();
	assert_int_equal(cmds[first].state, AT_DAEMON);
	/* Unit attention, then a new registration with the key that is preempted next. */
	send_cmd(1, 2, 0, 0, TUR, 0, 0);
	second = pr_out(1, 2, 0, 0, 0, 2);
	assert_int_equal(cmds[second].status, 0);
	second = pr_out(0, 3, 5, 5, 3, 2);
	settle();
	assert_int_equal(cmds[first].state, AT_DAEMON);
	assert_int_equal(cmds[second].state, AT_DAEMON);
	cmd_done(victim, TGT_DONE_CANCELLED);
	assert_true(cmds[victim].state == RESPONDED);
	cmd_done(victim, TGT_DONE_OK);
	settle();
	end_all();
	assert_true(!cmds[first].aborted && !cmds[second].aborted);
}

/* ---- anything ----------------------------------------------------------------------------------- */

#define HOSTS 4

static void some_done(void)
{
	uint64_t i;

	for (i = 0; i < nr_cmds; i++)
		if ((cmds[i].state == FETCHING || cmds[i].state == RESPONDED) && rand() % 4 == 0)
			cmd_done(i, rand() % 8 ? TGT_DONE_OK : TGT_DONE_LOST);
}

static void random_step(bool *up)
{
	uint32_t host = 1 + rand() % HOSTS, ring = host & 1, lun = rand() & 1, tag = rand() % 8;
	uint8_t attr = rand() % 4 ? TGT_ATTR_SIMPLE : rand() % 3;

	if (!up[host]) {
		/* A host comes once; the others go on. */
		return;
	}
	switch (rand() % 16) {
	case 0:
		send_tmf(ring, host, lun, 1 + rand() % 4, tag);
		break;
	case 1:
		release_io();
		hold_io();
		break;
	case 2:
	case 3:
	case 4:
		some_done();
		break;
	case 5:
		settle();
		break;
	case 6:
		if (rand() % 100 == 0) {
			host_down(ring, host);
			up[host] = false;
		}
		break;
	case 7:
		send_rw(ring, host, lun, tag, rand() % 3, 0x28, 2048);
		break;
	default:
		send_rw(ring, host, lun, tag, attr, rand() & 1 ? 0x28 : 0x2a, 1 + rand() % 64);
	}
}

static void anything(void **state)
{
	bool up[HOSTS + 1] = { false };
	uint32_t i;

	(void)state;
	srand(7);
	for (i = 1; i <= HOSTS; i++) {
		login(i & 1, i);
		up[i] = true;
	}
	hold_io();
	while (nr_cmds < 4000 && (up[1] || up[2] || up[3] || up[4]))
		random_step(up);
	end_all();
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(abort_in_io),
		TEST(abort_waits_for_io),
		TEST(abort_withdraws_answer),
		TEST(abort_comes_too_late),
		TEST(abort_in_fetch),
		TEST(abort_after_response),
		TEST(nothing_to_abort),
		TEST(abort_in_queue),
		TEST(lun_reset),
		TEST(clear_task_set),
		TEST(clear_without_tas),
		TEST(host_goes),
		TEST(preempt_and_abort),
		TEST(preempt_is_aborted),
		TEST(preempt_without_memory),
		TEST(preempt_fails),
		TEST(preempted_twice),
		TEST(anything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
