/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tracepoints. Tags are hexadecimal, as the host stores the eight bytes;
 * lengths are bytes, decimal. Nexuses, channels and commands are named by their
 * address, which is a number that means nothing.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM srpt

#if !defined(SRPT_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define SRPT_TRACE_H

#include <linux/tracepoint.h>
#include "srpt.h"

#define srpt_show_cmd_state(s)			\
	__print_symbolic(s,			\
		{ SRPT_CMD_FREE,	"FREE" },	\
		{ SRPT_CMD_NEW,		"NEW" },	\
		{ SRPT_CMD_WAIT_TBL,	"WAIT_TBL" },	\
		{ SRPT_CMD_FETCHING,	"FETCHING" },	\
		{ SRPT_CMD_EXEC,	"EXEC" },	\
		{ SRPT_CMD_WAIT_RD,	"WAIT_RD" },	\
		{ SRPT_CMD_READING,	"READING" },	\
		{ SRPT_CMD_WAIT_TX,	"WAIT_TX" },	\
		{ SRPT_CMD_SENDING,	"SENDING" },	\
		{ SRPT_CMD_REAP,	"REAP" })

/* Who has to act next. */
#define srpt_show_cmd_owner(s)			\
	__print_symbolic(s,			\
		{ SRPT_CMD_FREE,	"nobody" },	\
		{ SRPT_CMD_NEW,		"driver" },	\
		{ SRPT_CMD_WAIT_TBL,	"send queue" },	\
		{ SRPT_CMD_FETCHING,	"HCA" },	\
		{ SRPT_CMD_EXEC,	"core" },	\
		{ SRPT_CMD_WAIT_RD,	"send queue" },	\
		{ SRPT_CMD_READING,	"HCA" },	\
		{ SRPT_CMD_WAIT_TX,	"send queue" },	\
		{ SRPT_CMD_SENDING,	"HCA" },	\
		{ SRPT_CMD_REAP,	"last reference" })

#define srpt_show_cmd_event(e)			\
	__print_symbolic(e,			\
		{ SRPT_EV_RECV,		"RECV" },	\
		{ SRPT_EV_SUBMIT,	"SUBMIT" },	\
		{ SRPT_EV_RESPOND,	"RESPOND" },	\
		{ SRPT_EV_DROP,		"DROP" },	\
		{ SRPT_EV_GET_TABLE,	"GET_TABLE" },	\
		{ SRPT_EV_GET_DATA,	"GET_DATA" },	\
		{ SRPT_EV_SQ_READY,	"SQ_READY" },	\
		{ SRPT_EV_CANCEL,	"CANCEL" },	\
		{ SRPT_EV_READ_OK,	"READ_OK" },	\
		{ SRPT_EV_READ_ERR,	"READ_ERR" },	\
		{ SRPT_EV_SENT,		"SENT" },	\
		{ SRPT_EV_LAST_REF,	"LAST_REF" })

DECLARE_EVENT_CLASS(srpt_cmd_transition,
	TP_PROTO(const struct srpt_cmd *cmd, int from, int event, int to),
	TP_ARGS(cmd, from, event, to),
	TP_STRUCT__entry(
		__field(const void *, nexus)
		__field(const void *, ch)
		__field(const void *, cmd)
		__field(u64, tag)
		__array(u8, lun, 8)
		__field(u8, opcode)
		__field(int, from)
		__field(int, event)
		__field(int, to)
	),
	TP_fast_assign(
		__entry->nexus = cmd->ch->nexus;
		__entry->ch = cmd->ch;
		__entry->cmd = cmd;
		__entry->tag = cmd->iu.tag;
		__entry->opcode = cmd->iu.opcode;
		memcpy(__entry->lun, cmd->iu.opcode == SRP_OP_CMD ?
		       cmd->iu.cmd.lun : cmd->iu.tmf.lun, sizeof(__entry->lun));
		__entry->from = from;
		__entry->event = event;
		__entry->to = to;
	),
	TP_printk("nexus=%p ch=%p cmd=%p tag=%#llx lun=%8phN opcode=%#x %s --%s--> %s, next: %s",
		  __entry->nexus, __entry->ch, __entry->cmd, __entry->tag, __entry->lun,
		  __entry->opcode, srpt_show_cmd_state(__entry->from),
		  srpt_show_cmd_event(__entry->event), srpt_show_cmd_state(__entry->to),
		  srpt_show_cmd_owner(__entry->to))
);

DEFINE_EVENT(srpt_cmd_transition, srpt_cmd_transition,
	TP_PROTO(const struct srpt_cmd *cmd, int from, int event, int to),
	TP_ARGS(cmd, from, event, to));

/* An event that the state does not allow: a bug of ours, or of the target core. */
DEFINE_EVENT(srpt_cmd_transition, srpt_cmd_illegal,
	TP_PROTO(const struct srpt_cmd *cmd, int from, int event, int to),
	TP_ARGS(cmd, from, event, to));

DECLARE_EVENT_CLASS(srpt_cmd_len,
	TP_PROTO(const struct srpt_cmd *cmd, int val),
	TP_ARGS(cmd, val),
	TP_STRUCT__entry(
		__field(const void *, ch)
		__field(const void *, cmd)
		__field(u64, tag)
		__field(u32, len)
		__field(u32, nr_wr)
		__field(int, val)
	),
	TP_fast_assign(
		__entry->ch = cmd->ch;
		__entry->cmd = cmd;
		__entry->tag = cmd->iu.tag;
		__entry->len = cmd->xfer_len;
		__entry->nr_wr = cmd->sq_used;
		__entry->val = val;
	),
	TP_printk("ch=%p cmd=%p tag=%#llx len=%u nr_wr=%u val=%d",
		  __entry->ch, __entry->cmd, __entry->tag, __entry->len, __entry->nr_wr,
		  __entry->val)
);

/* val: request limit delta of the response, 0 if only RDMA WRITEs are posted */
DEFINE_EVENT(srpt_cmd_len, srpt_send,
	TP_PROTO(const struct srpt_cmd *cmd, int val), TP_ARGS(cmd, val));
/* val: pieces posted so far */
DEFINE_EVENT(srpt_cmd_len, srpt_rdma_read,
	TP_PROTO(const struct srpt_cmd *cmd, int val), TP_ARGS(cmd, val));
/* val: free slots of the send queue */
DEFINE_EVENT(srpt_cmd_len, srpt_sq_wait,
	TP_PROTO(const struct srpt_cmd *cmd, int val), TP_ARGS(cmd, val));
/* val: enum srp_reason */
DEFINE_EVENT(srpt_cmd_len, srpt_iu_refused,
	TP_PROTO(const struct srpt_cmd *cmd, int val), TP_ARGS(cmd, val));
/* val: commands that a task management function waits for; 0 again when it is answered */
DEFINE_EVENT(srpt_cmd_len, srpt_fence,
	TP_PROTO(const struct srpt_cmd *cmd, int val), TP_ARGS(cmd, val));
/* val: enum srpt_tmf_result */
DEFINE_EVENT(srpt_cmd_len, srpt_tmf_response,
	TP_PROTO(const struct srpt_cmd *cmd, int val), TP_ARGS(cmd, val));

TRACE_EVENT(srpt_tmf_request,
	TP_PROTO(const struct srpt_cmd *cmd, const struct srp_tmf_req *req),
	TP_ARGS(cmd, req),
	TP_STRUCT__entry(
		__field(const void *, ch)
		__field(const void *, cmd)
		__field(u64, tag)
		__field(u64, task_tag)
		__field(u8, function)
		__array(u8, lun, 8)
	),
	TP_fast_assign(
		__entry->ch = cmd->ch;
		__entry->cmd = cmd;
		__entry->tag = cmd->iu.tag;
		__entry->task_tag = req->task_tag;
		__entry->function = req->function;
		memcpy(__entry->lun, req->lun, 8);
	),
	TP_printk("ch=%p cmd=%p tag=%#llx function=%#x lun=%8phN task_tag=%#llx",
		  __entry->ch, __entry->cmd, __entry->tag, __entry->function, __entry->lun,
		  __entry->task_tag)
);

TRACE_EVENT(srpt_channel_state,
	TP_PROTO(const struct srpt_channel *ch, int state, const char *why),
	TP_ARGS(ch, state, why),
	TP_STRUCT__entry(
		__field(const void *, ch)
		__field(int, state)
		__array(char, name, 96)
		__array(char, why, 48)
	),
	TP_fast_assign(
		__entry->ch = ch;
		__entry->state = state;
		memcpy(__entry->name, ch->name, sizeof(__entry->name));
		strscpy(__entry->why, why, sizeof(__entry->why));
	),
	TP_printk("ch=%p %s: %s: %s", __entry->ch, __entry->name,
		  __print_symbolic(__entry->state,
			{ SRPT_CH_CONNECTING,	 "CONNECTING" },
			{ SRPT_CH_LIVE,		 "LIVE" },
			{ SRPT_CH_DISCONNECTING, "DISCONNECTING" },
			{ SRPT_CH_DRAINING,	 "DRAINING" },
			{ SRPT_CH_DISCONNECTED,	 "DISCONNECTED" }),
		  __entry->why)
);

TRACE_EVENT(srpt_cred_req,
	TP_PROTO(const struct srpt_channel *ch, int delta),
	TP_ARGS(ch, delta),
	TP_STRUCT__entry(
		__field(const void *, ch)
		__field(int, delta)
	),
	TP_fast_assign(
		__entry->ch = ch;
		__entry->delta = delta;
	),
	TP_printk("ch=%p delta=%d", __entry->ch, __entry->delta)
);

/* reason: enum srp_login_reject, 0 if the login was accepted */
TRACE_EVENT(srpt_login,
	TP_PROTO(const struct srpt_login *login, u32 reason),
	TP_ARGS(login, reason),
	TP_STRUCT__entry(
		__array(u8, i_port_id, 16)
		__field(u32, it_iu_len)
		__field(u8, mc_action)
		__field(u16, imm_off)
		__field(u32, reason)
	),
	TP_fast_assign(
		memcpy(__entry->i_port_id, login->req.i_port_id, 16);
		__entry->it_iu_len = login->req.it_iu_len;
		__entry->mc_action = login->req.mc_action;
		__entry->imm_off = login->req.imm_off;
		__entry->reason = reason;
	),
	TP_printk("initiator=%16phN it_iu_len=%u mc_action=%u imm_off=%u reason=%#x",
		  __entry->i_port_id, __entry->it_iu_len, __entry->mc_action, __entry->imm_off,
		  __entry->reason)
);

#endif /* SRPT_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
