// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Answers that the kernel gets by a request of io_uring, behind an I/O or not, or at once. See held.h. */
#include "held.h"
#include "scsi_priv.h"

static void request_fails(void **state)
{
	uint64_t id;

	(void)state;
	login(0, 1);
	settle();
	fake_submit_fails = true;
	id = send_cmd(0, 1, 0, 3, TUR, 0, 0);
	settle();
	fake_submit_fails = false;
	assert_int_equal(cmds[id].state, RESPONDED);
	assert_int_equal(fake_submit_res, -EBADF);
	end_all();
}

/*
 * Without TASK ABORTED nothing but the answer tells the kernel that a command is gone: the other thread ends the
 * function behind that. The model looks at it.
 */
static void function_of_other_thread(void **state)
{
	uint64_t id, tmf;

	(void)state;
	login(0, 1);
	login(1, 2);
	hold_io();
	id = READ(0, 1, 0, 7);
	settle();
	scsi_lu_set_flags(last_task()->lu->scsi, LU_TAS, 0);
	tmf = send_tmf(1, 2, 0, TGT_LUN_RESET, 0);
	settle_io();
	assert_true(cmds[id].aborted && cmds[id].known);
	assert_true(tmfs[tmf].answered);
	end_all();
}

/* The thread has nothing to do with it until CMD_DONE. */
static void linked(void **state)
{
	uint64_t id;

	(void)state;
	login(0, 1);
	hold_io();
	id = READ(0, 1, 0, 7);
	settle_io();
	assert_int_equal(cmds[id].state, AT_DAEMON);
	release_io();
	assert_int_equal(cmds[id].state, RESPONDED);
	assert_int_equal(cmds[id].len, 8 * BS);
	assert_int_equal(last_task()->state, TASK_IO);
	assert_int_equal(fake_d.workers[0].in_flight, 1);
	end_all();
	assert_int_equal(fake_d.workers[0].in_flight, 0);
}

/* Lack of memory, say: it is answered once more. */
static void linked_answer_fails(void **state)
{
	uint64_t id;

	(void)state;
	login(0, 1);
	fake_answer_fails = true;
	id = READ(0, 1, 0, 7);
	release_io();
	fake_answer_fails = false;
	assert_int_equal(cmds[id].state, RESPONDED);
	assert_int_equal(cmds[id].status, 0);
	assert_int_equal(last_task()->state, TASK_RESPONDED);
	end_all();
	assert_int_equal(fake_d.workers[0].in_flight, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(request_fails, setup, teardown),
		cmocka_unit_test_setup_teardown(function_of_other_thread, setup, teardown),
		cmocka_unit_test_setup_teardown(linked, setup, teardown),
		cmocka_unit_test_setup_teardown(linked_answer_fails, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
