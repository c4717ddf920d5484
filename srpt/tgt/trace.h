/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tracepoints of scsi_tgt.ko. Tags are hexadecimal numbers as the fabric gave
 * them; a command is named by its host and its slot.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM scsi_tgt

#if !defined(TGT_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define TGT_TRACE_H

#include <linux/tracepoint.h>
#include "tgt.h"

#define tgt_show_state(s)				\
	__print_symbolic(s,				\
		{ TGT_ST_FREE,		"FREE" },	\
		{ TGT_ST_REQ_QUEUED,	"REQ_QUEUED" },	\
		{ TGT_ST_AT_DAEMON,	"AT_DAEMON" },	\
		{ TGT_ST_XFER,		"XFER" },	\
		{ TGT_ST_DONE_QUEUED,	"DONE_QUEUED" },	\
		{ TGT_ST_STRANDED,	"STRANDED" },	\
		{ TGT_ST_TMF_QUEUED,	"TMF_QUEUED" },	\
		{ TGT_ST_TMF_AT_DAEMON,	"TMF_AT_DAEMON" },	\
		{ TGT_ST_TMF_HELD,	"TMF_HELD" })

/* A command or function gets another owner. */
TRACE_EVENT(tgt_state,
	TP_PROTO(const struct scsi_tgt_cmd *cmd, int to, const char *why),
	TP_ARGS(cmd, to, why),
	TP_STRUCT__entry(
		__field(u32, host_no)
		__field(u32, idx)
		__field(u64, gen)
		__field(u64, tag)
		__field(u64, seq)
		__array(u8, lun, 8)
		__field(int, from)
		__field(int, to)
		__array(char, why, 16)
	),
	TP_fast_assign(
		__entry->host_no = cmd->host->no;
		__entry->idx = cmd->idx;
		__entry->gen = cmd->gen;
		__entry->tag = cmd->tag;
		__entry->seq = cmd->seq;
		memcpy(__entry->lun, cmd->lun, sizeof(__entry->lun));
		__entry->from = cmd->state;
		__entry->to = to;
		strscpy(__entry->why, why, sizeof(__entry->why));
	),
	TP_printk("host=%u slot=%u gen=%llu tag=%#llx lun=%8phN seq=%llu %s --%s--> %s",
		  __entry->host_no, __entry->idx, __entry->gen, __entry->tag, __entry->lun,
		  __entry->seq, tgt_show_state(__entry->from), __entry->why,
		  tgt_show_state(__entry->to))
);

TRACE_EVENT(tgt_queue_command,
	TP_PROTO(const struct scsi_tgt_cmd *cmd),
	TP_ARGS(cmd),
	TP_STRUCT__entry(
		__field(u32, host_no)
		__field(u64, tag)
		__field(u32, data_out_len)
		__field(u32, data_in_len)
		__array(u8, lun, 8)
		__array(u8, cdb, TGT_CDB_LEN)
	),
	TP_fast_assign(
		__entry->host_no = cmd->host->no;
		__entry->tag = cmd->tag;
		__entry->data_out_len = cmd->data_out_len;
		__entry->data_in_len = cmd->data_in_len;
		memcpy(__entry->lun, cmd->lun, sizeof(__entry->lun));
		memset(__entry->cdb, 0, sizeof(__entry->cdb));
		memcpy(__entry->cdb, cmd->cdb, cmd->cdb_len);
	),
	TP_printk("host=%u lun=%8phN tag=%#llx data_out=%u data_in=%u CDB %16ph",
		  __entry->host_no, __entry->lun, __entry->tag, __entry->data_out_len,
		  __entry->data_in_len, __entry->cdb)
);

/* error: 0, or why it had no effect */
TRACE_EVENT(tgt_answer,
	TP_PROTO(const struct tgt_answer *ans, int error),
	TP_ARGS(ans, error),
	TP_STRUCT__entry(
		__field(u32, type)
		__field(u32, host_no)
		__field(u64, id)
		__field(int, error)
	),
	TP_fast_assign(
		__entry->type = ans->type;
		__entry->host_no = ans->host_no;
		__entry->id = ans->cmd_rsp.cmd_id;
		__entry->error = error;
	),
	TP_printk("host=%u %s id=%#llx error=%d", __entry->host_no,
		  __print_symbolic(__entry->type,
			{ TGT_CMD_RSP,		"CMD_RSP" },
			{ TGT_TSK_MGMT_RSP,	"TSK_MGMT_RSP" }),
		  __entry->id, __entry->error)
);

#endif /* TGT_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH tgt
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
