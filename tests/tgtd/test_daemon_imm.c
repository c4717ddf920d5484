// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Data that come with a command: used where they are, unless more room is needed. See held.h. */
#include "held.h"

#define SLOT	4u

static const uint8_t *slot(void)
{
	return fake_slots[0] + (SLOT - 1) * SLOT_LEN;
}

static void good_end(uint64_t id)
{
	release_io();
	assert_int_equal(cmds[id].state, RESPONDED);
	assert_int_equal(cmds[id].status, 0);
	end_all();
}

static void written_from_slot(void **state)
{
	uint64_t id;

	(void)state;
	login(0, 1);
	hold_io();
	fake_imm = SLOT;
	id = WRITE(0, 1, 0, 7);
	assert_int_equal(last_task()->state, TASK_IO);
	assert_ptr_equal(last_task()->io.buf, slot());
	assert_int_equal(buffers_used(fake_d.workers[0].bufs), 0);
	assert_false(cmds[id].fetched);
	good_end(id);
}

/* The next one has none. */
static void fetched_without(void **state)
{
	uint64_t id;

	(void)state;
	login(0, 1);
	hold_io();
	id = WRITE(0, 1, 0, 7);
	assert_true(cmds[id].fetched);
	cmd_done(id, TGT_DONE_OK);
	good_end(id);
}

/* WRITE SAME makes much of one block. */
static void larger_than_slot(void **state)
{
	static const uint8_t cdb[16] = { 0x41, [8] = 4 * SLOT_LEN / BS };
	uint64_t id;

	(void)state;
	login(0, 1);
	hold_io();
	fake_imm = SLOT;
	id = send_cmd(0, 1, 0, 7, cdb, BS, 0);
	assert_int_equal(cmds[id].state, FETCHING);
	assert_int_equal(cmds[id].len, BS);
	cmd_done(id, TGT_DONE_OK);
	end_all();
}

/* It wants no data, whatever came. */
static void not_wanted(void **state)
{
	static const uint8_t cdb[16] = { 0x28, [8] = 8 };
	uint64_t id;

	(void)state;
	login(0, 1);
	hold_io();
	fake_imm = SLOT;
	id = send_cmd(0, 1, 0, 7, TUR, 4096, 0);
	assert_int_equal(cmds[id].state, RESPONDED);
	fake_imm = SLOT;
	id = send_cmd(0, 1, 0, 8, cdb, 4096, 8 * BS);
	assert_int_equal(last_task()->state, TASK_IO);
	assert_ptr_not_equal(last_task()->io.buf, slot());
	assert_int_equal(buffers_used(fake_d.workers[0].bufs), 4096);
	good_end(id);
}

static void aborted_in_slot(void **state)
{
	uint64_t id, tmf;

	(void)state;
	login(0, 1);
	hold_io();
	fake_imm = SLOT;
	id = WRITE(0, 1, 0, 7);
	tmf = send_tmf(0, 1, 0, TGT_ABORT_TASK, 7);
	settle_io();
	assert_true(cmds[id].aborted);
	assert_int_equal(tmfs[tmf].result, TGT_TMF_COMPLETE);
	end_all();
}

/* Memory is used up: who has his data already does not wait. */
static void without_memory(void **state)
{
	uint64_t id;
	int i;

	(void)state;
	login(0, 1);
	hold_io();
	for (i = 0; i < 5; i++)
		send_rw(0, 1, 0, i, TGT_ATTR_SIMPLE, 0x28, (1 << 20) / BS);
	assert_int_equal(last_task()->state, TASK_WAIT_BUFFER);
	fake_imm = SLOT;
	id = WRITE(0, 1, 0, 7);
	assert_int_equal(last_task()->state, TASK_IO);
	good_end(id);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(written_from_slot, setup, teardown),
		cmocka_unit_test_setup_teardown(fetched_without, setup, teardown),
		cmocka_unit_test_setup_teardown(larger_than_slot, setup, teardown),
		cmocka_unit_test_setup_teardown(not_wanted, setup, teardown),
		cmocka_unit_test_setup_teardown(aborted_in_slot, setup, teardown),
		cmocka_unit_test_setup_teardown(without_memory, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
