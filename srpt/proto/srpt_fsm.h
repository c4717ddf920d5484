/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Transition tables of commands and channels, as data. A state names its
 * owner and what is waited for; an event names what happened.
 */
#ifndef SRPT_FSM_H
#define SRPT_FSM_H

#include <linux/types.h>

enum srpt_cmd_state {
	SRPT_CMD_FREE,		/* pool: waits for a received IU */
	SRPT_CMD_NEW,		/* CQ context: waits for decoding */
	SRPT_CMD_WAIT_TBL,	/* send-queue wait list: waits for slots to fetch the table */
	SRPT_CMD_FETCHING,	/* HCA: waits for the descriptor table */
	SRPT_CMD_EXEC,		/* target core: waits for it to ask for data, answer or drop */
	SRPT_CMD_WAIT_RD,	/* send-queue wait list: waits for slots for RDMA READ */
	SRPT_CMD_READING,	/* HCA: waits for the READ chain */
	SRPT_CMD_WAIT_TX,	/* send-queue wait list: waits for slots for RDMA WRITE + SEND */
	SRPT_CMD_SENDING,	/* HCA: waits for the SEND */
	SRPT_CMD_REAP,		/* nobody: waits for the last reference */
	SRPT_CMD_NR_STATES
};

enum srpt_cmd_event {
	SRPT_EV_RECV,		/* an IU was received */
	SRPT_EV_SUBMIT,		/* handed to the target core */
	SRPT_EV_RESPOND,	/* the core, or the decoder, answers */
	SRPT_EV_DROP,		/* aborted, or the channel closes: no response */
	SRPT_EV_GET_TABLE,	/* the descriptor table is not in the IU */
	SRPT_EV_GET_DATA,	/* the core asks for the write data */
	SRPT_EV_SQ_READY,	/* send-queue slots were reserved */
	SRPT_EV_CANCEL,		/* gave up waiting for send-queue slots */
	SRPT_EV_READ_OK,
	SRPT_EV_READ_ERR,
	SRPT_EV_SENT,		/* the SEND completed or was flushed */
	SRPT_EV_LAST_REF,
	SRPT_EV_NR
};

/* Next state + 1; 0 is an event that is illegal in the state. */
extern const u8 srpt_cmd_table[SRPT_CMD_NR_STATES][SRPT_EV_NR];

/* The next state, or -1 if the event is illegal; for values that are known to be in range. */
static inline int srpt_cmd_step(int state, enum srpt_cmd_event ev)
{
	return srpt_cmd_table[state][ev] - 1;
}

/* The next state, or SRPT_CMD_NR_STATES if the event is illegal in this state. */
static inline enum srpt_cmd_state srpt_cmd_next(enum srpt_cmd_state state, enum srpt_cmd_event ev)
{
	int to = -1;

	if ((unsigned int)state < SRPT_CMD_NR_STATES && (unsigned int)ev < SRPT_EV_NR)
		to = srpt_cmd_step(state, ev);
	return to < 0 ? SRPT_CMD_NR_STATES : (enum srpt_cmd_state)to;
}

const char *srpt_cmd_state_str(enum srpt_cmd_state state);
const char *srpt_cmd_event_str(enum srpt_cmd_event ev);

/* Channel states only grow. */
enum srpt_ch_state {
	SRPT_CH_CONNECTING,
	SRPT_CH_LIVE,
	SRPT_CH_DISCONNECTING,
	SRPT_CH_DRAINING,
	SRPT_CH_DISCONNECTED,
	SRPT_CH_NR_STATES
};

/* May the channel go from one state to the other? Forward only; LIVE only from CONNECTING. */
bool srpt_ch_may_go(enum srpt_ch_state from, enum srpt_ch_state to);
const char *srpt_ch_state_str(enum srpt_ch_state state);

#endif /* SRPT_FSM_H */
