// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Every edge of the command's table, and that there is no other. */
#include "test.h"
#include "srpt_fsm.h"

struct edge {
	enum srpt_cmd_state from;
	enum srpt_cmd_event ev;
	enum srpt_cmd_state to;
};

static const struct edge edges[] = {
	{ SRPT_CMD_FREE, SRPT_EV_RECV, SRPT_CMD_NEW },
	{ SRPT_CMD_NEW, SRPT_EV_SUBMIT, SRPT_CMD_EXEC },
	{ SRPT_CMD_NEW, SRPT_EV_GET_TABLE, SRPT_CMD_WAIT_TBL },
	{ SRPT_CMD_WAIT_TBL, SRPT_EV_SQ_READY, SRPT_CMD_FETCHING },
	{ SRPT_CMD_WAIT_TBL, SRPT_EV_CANCEL, SRPT_CMD_NEW },
	{ SRPT_CMD_FETCHING, SRPT_EV_READ_OK, SRPT_CMD_NEW },
	{ SRPT_CMD_FETCHING, SRPT_EV_READ_ERR, SRPT_CMD_NEW },
	{ SRPT_CMD_NEW, SRPT_EV_RESPOND, SRPT_CMD_WAIT_TX },
	{ SRPT_CMD_NEW, SRPT_EV_DROP, SRPT_CMD_REAP },
	{ SRPT_CMD_EXEC, SRPT_EV_GET_DATA, SRPT_CMD_WAIT_RD },
	{ SRPT_CMD_EXEC, SRPT_EV_RESPOND, SRPT_CMD_WAIT_TX },
	{ SRPT_CMD_EXEC, SRPT_EV_DROP, SRPT_CMD_REAP },
	{ SRPT_CMD_WAIT_RD, SRPT_EV_SQ_READY, SRPT_CMD_READING },
	{ SRPT_CMD_WAIT_RD, SRPT_EV_CANCEL, SRPT_CMD_EXEC },
	{ SRPT_CMD_READING, SRPT_EV_READ_OK, SRPT_CMD_EXEC },
	{ SRPT_CMD_READING, SRPT_EV_READ_ERR, SRPT_CMD_EXEC },
	{ SRPT_CMD_WAIT_TX, SRPT_EV_SQ_READY, SRPT_CMD_SENDING },
	{ SRPT_CMD_WAIT_TX, SRPT_EV_CANCEL, SRPT_CMD_REAP },
	{ SRPT_CMD_SENDING, SRPT_EV_SENT, SRPT_CMD_REAP },
	{ SRPT_CMD_REAP, SRPT_EV_LAST_REF, SRPT_CMD_FREE },
};

static enum srpt_cmd_state expected(unsigned int from, unsigned int ev)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(edges); i++) {
		if (edges[i].from == from && edges[i].ev == ev)
			return edges[i].to;
	}
	return SRPT_CMD_NR_STATES;
}

static void every_pair(void **state)
{
	unsigned int from, ev;

	(void)state;
	for (from = 0; from < SRPT_CMD_NR_STATES; from++) {
		for (ev = 0; ev < SRPT_EV_NR; ev++) {
			if (srpt_cmd_next(from, ev) != expected(from, ev))
				fail_msg("%s + %s", srpt_cmd_state_str(from), srpt_cmd_event_str(ev));
		}
	}
}

static void out_of_range(void **state)
{
	(void)state;
	assert_int_equal(srpt_cmd_next(SRPT_CMD_NR_STATES, SRPT_EV_RECV), SRPT_CMD_NR_STATES);
	assert_int_equal(srpt_cmd_next(SRPT_CMD_FREE, SRPT_EV_NR), SRPT_CMD_NR_STATES);
	assert_int_equal(srpt_cmd_next((enum srpt_cmd_state)-1, SRPT_EV_RECV), SRPT_CMD_NR_STATES);
	assert_int_equal(srpt_cmd_next(SRPT_CMD_FREE, (enum srpt_cmd_event)-1), SRPT_CMD_NR_STATES);
	assert_false(srpt_ch_may_go(SRPT_CH_LIVE, SRPT_CH_NR_STATES));
	assert_false(srpt_ch_may_go(SRPT_CH_LIVE, (enum srpt_ch_state)-1));
	assert_false(srpt_ch_may_go((enum srpt_ch_state)-1, SRPT_CH_LIVE));
	assert_string_equal(srpt_cmd_state_str(SRPT_CMD_NR_STATES), "?");
	assert_string_equal(srpt_cmd_event_str(SRPT_EV_NR), "?");
	assert_string_equal(srpt_ch_state_str(SRPT_CH_NR_STATES), "?");
	assert_string_equal(srpt_ch_state_str((enum srpt_ch_state)-1), "?");
}

/* From every state there is a way back to FREE: no command is stuck by the table. */
static void every_state_leads_home(void **state)
{
	bool home[SRPT_CMD_NR_STATES] = { [SRPT_CMD_FREE] = true };
	unsigned int round, i;

	(void)state;
	for (round = 0; round < SRPT_CMD_NR_STATES; round++) {
		for (i = 0; i < ARRAY_SIZE(edges); i++) {
			if (home[edges[i].to])
				home[edges[i].from] = true;
		}
	}
	for (i = 0; i < SRPT_CMD_NR_STATES; i++)
		assert_true(home[i]);
}

/* Once submitted, only EXEC ends a command: by RESPOND or DROP. */
static void only_exec_ends_a_command(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(edges); i++) {
		if (edges[i].ev == SRPT_EV_RESPOND || edges[i].ev == SRPT_EV_DROP)
			assert_true(edges[i].from == SRPT_CMD_EXEC || edges[i].from == SRPT_CMD_NEW);
		if (edges[i].to == SRPT_CMD_REAP)
			assert_true(edges[i].from != SRPT_CMD_WAIT_RD &&
				    edges[i].from != SRPT_CMD_READING);
	}
}

static void names_differ(void **state)
{
	unsigned int i, j;

	(void)state;
	for (i = 0; i < SRPT_CMD_NR_STATES; i++) {
		for (j = 0; j < i; j++)
			assert_string_not_equal(srpt_cmd_state_str(i), srpt_cmd_state_str(j));
	}
	for (i = 0; i < SRPT_EV_NR; i++) {
		for (j = 0; j < i; j++)
			assert_string_not_equal(srpt_cmd_event_str(i), srpt_cmd_event_str(j));
	}
	for (i = 0; i < SRPT_CH_NR_STATES; i++) {
		for (j = 0; j < i; j++)
			assert_string_not_equal(srpt_ch_state_str(i), srpt_ch_state_str(j));
	}
}

static void channel_only_forward(void **state)
{
	unsigned int from, to;

	(void)state;
	for (from = 0; from < SRPT_CH_NR_STATES; from++) {
		for (to = 0; to < SRPT_CH_NR_STATES; to++)
			assert_int_equal(srpt_ch_may_go(from, to), from < to);
		assert_int_equal(srpt_ch_may_go(from, SRPT_CH_LIVE), from == SRPT_CH_CONNECTING);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		{ "every pair of state and event", every_pair, NULL, NULL, NULL },
		{ "values out of range", out_of_range, NULL, NULL, NULL },
		{ "every state leads back to FREE", every_state_leads_home, NULL, NULL, NULL },
		{ "only the core ends a submitted command", only_exec_ends_a_command, NULL, NULL, NULL },
		{ "names differ", names_differ, NULL, NULL, NULL },
		{ "channel states only grow", channel_only_forward, NULL, NULL, NULL },
	};

	return cmocka_run_group_tests_name("srpt_fsm", tests, NULL, NULL);
}
