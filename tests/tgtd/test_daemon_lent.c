// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Write data in lent memory, or on their way there: used where they are, unless more room is needed. See held.h. */
#include "held.h"

#define PAGE	4u

static const uint8_t *place(void)
{
	return fake_lent[0] + (PAGE - 1) * TGT_LENT_PAGE;
}

static void good_end(uint64_t id)
{
	release_io();
	assert_int_equal(cmds[id].state, RESPONDED);
	assert_int_equal(cmds[id].status, 0);
	end_all();
}

/* The last one */
static void written_there(uint64_t id)
{
	assert_int_equal(last_task()->state, TASK_IO);
	assert_ptr_equal(last_task()->io.buf, place());
	assert_int_equal(buffers_used(fake_d.workers[0].bufs), 0);
	assert_false(cmds[id].fetched);
	good_end(id);
}

static void came_with_it(void **state)
{
	uint64_t id;

	(void)state;
	login(0, 1);
	hold_io();
	fake_page = PAGE;
	id = WRITE(0, 1, 0, 7);
	written_there(id);
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
static void larger_than_that(void **state)
{
	static const uint8_t cdb[16] = { 0x41, [8] = 4 * TGT_LENT_PAGE / BS };
	uint64_t id;

	(void)state;
	login(0, 1);
	hold_io();
	fake_page = PAGE;
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
	fake_page = PAGE;
	id = send_cmd(0, 1, 0, 7, TUR, 4096, 0);
	assert_int_equal(cmds[id].state, RESPONDED);
	fake_page = PAGE;
	id = send_cmd(0, 1, 0, 8, cdb, 4096, 8 * BS);
	assert_int_equal(last_task()->state, TASK_IO);
	assert_ptr_not_equal(last_task()->io.buf, place());
	assert_int_equal(buffers_used(fake_d.workers[0].bufs), 4096);
	good_end(id);
}

static void aborted_there(void **state)
{
	uint64_t id, tmf;

	(void)state;
	login(0, 1);
	hold_io();
	fake_page = PAGE;
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
	fake_page = PAGE;
	id = WRITE(0, 1, 0, 7);
	assert_int_equal(last_task()->state, TASK_IO);
	good_end(id);
}

/* ---- on their way --------------------------------------------------------------------------------- */

static uint64_t write_ahead(uint32_t host_no, uint32_t lun)
{
	uint64_t id;

	fake_page = PAGE;
	fake_ahead = true;
	id = WRITE(0, host_no, lun, 7);
	assert_int_equal(cmds[id].state, FETCHING);
	return id;
}

static void fetched_ahead(void **state)
{
	uint64_t id;

	(void)state;
	login(0, 1);
	hold_io();
	id = write_ahead(1, 0);
	assert_int_equal(last_task()->state, TASK_FETCH);
	cmd_done(id, TGT_DONE_OK);
	written_there(id);
}

/* Before they have come the kernel takes no answer, and the one behind has its turn. */
static void refused_later(void **state)
{
	uint64_t id, other;

	(void)state;
	login(0, 1);
	id = write_ahead(1, 2);
	other = send_cmd(0, 1, 0, 8, TUR, 0, 0);
	assert_int_equal(cmds[other].state, RESPONDED);
	assert_int_equal(cmds[id].state, FETCHING);
	cmd_done(id, TGT_DONE_OK);
	assert_int_equal(cmds[id].state, RESPONDED);
	assert_int_equal(cmds[id].status, 2);
	end_all();
}

/* Nobody has said who sends it, as if there had been no memory for that. */
static void of_a_stranger(void **state)
{
	uint64_t id;

	(void)state;
	id = write_ahead(9, 0);
	cmd_done(id, TGT_DONE_OK);
	assert_int_equal(cmds[id].state, RESPONDED);
	assert_int_equal(cmds[id].status, 8);
	end_all();
}

/* The function waits for the data. */
static void abort_ahead(uint64_t id)
{
	uint64_t tmf = send_tmf(0, 1, 0, TGT_ABORT_TASK, 7);

	settle_io();
	assert_false(tmfs[tmf].answered);
	cmd_done(id, TGT_DONE_OK);
	assert_true(cmds[id].aborted);
	assert_int_equal(tmfs[tmf].result, TGT_TMF_COMPLETE);
	end_all();
}

static void aborted_on_the_way(void **state)
{
	(void)state;
	login(0, 1);
	abort_ahead(write_ahead(1, 0));
}

/* It waits for an ORDERED command, whose I/O is held. Return: it; @first: the other. */
static uint64_t write_behind(uint64_t *first)
{
	uint64_t id;

	login(0, 1);
	hold_io();
	*first = send_rw(0, 1, 0, 1, TGT_ATTR_ORDERED, 0x28, 8);
	id = write_ahead(1, 0);
	assert_int_equal(last_task()->state, TASK_DORMANT);
	return id;
}

static void data_before_turn(void **state)
{
	uint64_t id, first;

	(void)state;
	id = write_behind(&first);
	cmd_done(id, TGT_DONE_OK);
	assert_int_equal(last_task()->state, TASK_DORMANT);
	release_io();
	cmd_done(first, TGT_DONE_OK);
	release_io();
	assert_int_equal(cmds[id].state, RESPONDED);
	good_end(id);
}

static void turn_before_data(void **state)
{
	uint64_t id, first;

	(void)state;
	id = write_behind(&first);
	release_io();
	cmd_done(first, TGT_DONE_OK);
	settle_io();
	assert_int_equal(cmds[id].state, FETCHING);
	assert_int_equal(last_task()->state, TASK_FETCH);
	cmd_done(id, TGT_DONE_OK);
	good_end(id);
}

static void aborted_before_turn(void **state)
{
	uint64_t first;

	(void)state;
	abort_ahead(write_behind(&first));
}

static void not_fetched(void **state)
{
	uint64_t id, first;

	(void)state;
	id = write_behind(&first);
	cmd_done(id, TGT_DONE_CANCELLED);
	release_io();
	cmd_done(first, TGT_DONE_OK);
	settle_io();
	assert_int_equal(cmds[id].state, RESPONDED);
	assert_int_equal(cmds[id].status, 8);
	cmd_done(id, TGT_DONE_OK);
	id = write_ahead(1, 0);
	cmd_done(id, TGT_DONE_LOST);
	assert_true(cmds[id].aborted);
	end_all();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(came_with_it, setup, teardown),
		cmocka_unit_test_setup_teardown(fetched_without, setup, teardown),
		cmocka_unit_test_setup_teardown(larger_than_that, setup, teardown),
		cmocka_unit_test_setup_teardown(not_wanted, setup, teardown),
		cmocka_unit_test_setup_teardown(aborted_there, setup, teardown),
		cmocka_unit_test_setup_teardown(without_memory, setup, teardown),
		cmocka_unit_test_setup_teardown(fetched_ahead, setup, teardown),
		cmocka_unit_test_setup_teardown(refused_later, setup, teardown),
		cmocka_unit_test_setup_teardown(of_a_stranger, setup, teardown),
		cmocka_unit_test_setup_teardown(aborted_on_the_way, setup, teardown),
		cmocka_unit_test_setup_teardown(data_before_turn, setup, teardown),
		cmocka_unit_test_setup_teardown(turn_before_data, setup, teardown),
		cmocka_unit_test_setup_teardown(aborted_before_turn, setup, teardown),
		cmocka_unit_test_setup_teardown(not_fetched, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
