// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * The life of a command, as a table. What is not in the table is illegal.
 *
 * Once a command is in SRPT_CMD_EXEC only the target core ends it: by one
 * RESPOND or one DROP. The wait list and the HCA give it back, they do not
 * drop it; only a response that will never be posted ends in a CANCEL.
 */
#include <linux/kernel.h>
#include "srpt_fsm.h"

/* 0 is SRPT_CMD_FREE; an absent entry must not mean that. */
#define TO(state) ((state) + 1)

const u8 srpt_cmd_table[SRPT_CMD_NR_STATES][SRPT_EV_NR] = {
	[SRPT_CMD_FREE] = {
		[SRPT_EV_RECV]		= TO(SRPT_CMD_NEW),
	},
	[SRPT_CMD_NEW] = {
		[SRPT_EV_GET_TABLE]	= TO(SRPT_CMD_WAIT_TBL),
		[SRPT_EV_SUBMIT]	= TO(SRPT_CMD_EXEC),
		[SRPT_EV_RESPOND]	= TO(SRPT_CMD_WAIT_TX),
		[SRPT_EV_DROP]		= TO(SRPT_CMD_REAP),
	},
	[SRPT_CMD_WAIT_TBL] = {
		[SRPT_EV_SQ_READY]	= TO(SRPT_CMD_FETCHING),
		[SRPT_EV_CANCEL]	= TO(SRPT_CMD_NEW),
	},
	[SRPT_CMD_FETCHING] = {
		[SRPT_EV_READ_OK]	= TO(SRPT_CMD_NEW),
		[SRPT_EV_READ_ERR]	= TO(SRPT_CMD_NEW),
	},
	[SRPT_CMD_EXEC] = {
		[SRPT_EV_GET_DATA]	= TO(SRPT_CMD_WAIT_RD),
		[SRPT_EV_RESPOND]	= TO(SRPT_CMD_WAIT_TX),
		[SRPT_EV_DROP]		= TO(SRPT_CMD_REAP),
	},
	[SRPT_CMD_WAIT_RD] = {
		[SRPT_EV_SQ_READY]	= TO(SRPT_CMD_READING),
		[SRPT_EV_CANCEL]	= TO(SRPT_CMD_EXEC),
	},
	[SRPT_CMD_READING] = {
		[SRPT_EV_READ_OK]	= TO(SRPT_CMD_EXEC),
		[SRPT_EV_READ_ERR]	= TO(SRPT_CMD_EXEC),
	},
	[SRPT_CMD_WAIT_TX] = {
		[SRPT_EV_SQ_READY]	= TO(SRPT_CMD_SENDING),
		[SRPT_EV_CANCEL]	= TO(SRPT_CMD_REAP),
	},
	[SRPT_CMD_SENDING] = {
		[SRPT_EV_SENT]		= TO(SRPT_CMD_REAP),
	},
	[SRPT_CMD_REAP] = {
		[SRPT_EV_LAST_REF]	= TO(SRPT_CMD_FREE),
	},
};

const char *srpt_cmd_state_str(enum srpt_cmd_state state)
{
	static const char *const names[SRPT_CMD_NR_STATES] = {
		[SRPT_CMD_FREE]		= "FREE",
		[SRPT_CMD_NEW]		= "NEW",
		[SRPT_CMD_WAIT_TBL]	= "WAIT_TBL",
		[SRPT_CMD_FETCHING]	= "FETCHING",
		[SRPT_CMD_EXEC]		= "EXEC",
		[SRPT_CMD_WAIT_RD]	= "WAIT_RD",
		[SRPT_CMD_READING]	= "READING",
		[SRPT_CMD_WAIT_TX]	= "WAIT_TX",
		[SRPT_CMD_SENDING]	= "SENDING",
		[SRPT_CMD_REAP]		= "REAP",
	};

	return (unsigned int)state < ARRAY_SIZE(names) ? names[state] : "?";
}

const char *srpt_cmd_event_str(enum srpt_cmd_event ev)
{
	static const char *const names[SRPT_EV_NR] = {
		[SRPT_EV_RECV]		= "RECV",
		[SRPT_EV_SUBMIT]	= "SUBMIT",
		[SRPT_EV_RESPOND]	= "RESPOND",
		[SRPT_EV_DROP]		= "DROP",
		[SRPT_EV_GET_TABLE]	= "GET_TABLE",
		[SRPT_EV_GET_DATA]	= "GET_DATA",
		[SRPT_EV_SQ_READY]	= "SQ_READY",
		[SRPT_EV_CANCEL]	= "CANCEL",
		[SRPT_EV_READ_OK]	= "READ_OK",
		[SRPT_EV_READ_ERR]	= "READ_ERR",
		[SRPT_EV_SENT]		= "SENT",
		[SRPT_EV_LAST_REF]	= "LAST_REF",
	};

	return (unsigned int)ev < ARRAY_SIZE(names) ? names[ev] : "?";
}

/* LIVE can only be reached from CONNECTING because nothing else is before it. */
bool srpt_ch_may_go(enum srpt_ch_state from, enum srpt_ch_state to)
{
	return (unsigned int)to < SRPT_CH_NR_STATES && from < to;
}

const char *srpt_ch_state_str(enum srpt_ch_state state)
{
	static const char *const names[SRPT_CH_NR_STATES] = {
		[SRPT_CH_CONNECTING]	= "CONNECTING",
		[SRPT_CH_LIVE]		= "LIVE",
		[SRPT_CH_DISCONNECTING]	= "DISCONNECTING",
		[SRPT_CH_DRAINING]	= "DRAINING",
		[SRPT_CH_DISCONNECTED]	= "DISCONNECTED",
	};

	return (unsigned int)state < ARRAY_SIZE(names) ? names[state] : "?";
}
