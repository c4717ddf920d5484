// SPDX-License-Identifier: GPL-2.0
/*
 * Commands: what the fabric driver queues, and what the daemon answers.
 *
 * An answer is first claimed, then checked: a command that is the caller's cannot
 * end meanwhile. What is wrong with it gives the command back to the daemon, as
 * if the answer had not been sent.
 */
#include <linux/module.h>
#include <scsi/scsi_proto.h>
#include <scsi/scsi_common.h>
#include "tgt.h"
#include "trace.h"

/* As a DATA_ONLY of the daemon would do; so is a lack of memory told. */
static void fetch_ahead(struct scsi_tgt_cmd *cmd, struct tgt_buf *buf, u64 off)
{
	if (tgt_buf_map_part(buf, cmd, off, cmd->data_out_len)) {
		tgt_buf_put(buf);
		scsi_tgt_data_done(cmd, TGT_DONE_CANCELLED);
		return;
	}
	cmd->host->target->fabric->transfer_data(cmd, cmd->sgt.sgl, cmd->sgt.nents,
						 cmd->data_out_len);
}

int scsi_tgt_queue_command(struct scsi_tgt_cmd *cmd, const u8 *lun, u64 tag)
{
	struct scsi_tgt_host *host = cmd->host;
	struct tgt_buf *ahead = NULL;
	unsigned long flags;
	LIST_HEAD(ended);
	int ret = 0;
	u64 off;

	if (cmd->cdb_len > TGT_CDB_LEN)
		return -EINVAL;
	spin_lock_irqsave(&host->lock, flags);
	if (host->down) {
		ret = -ESHUTDOWN;
	} else if (host->gone) {
		ret = -ENODEV;
	} else {
		tgt_begin_locked(cmd, TGT_ST_REQ_QUEUED, lun, tag);
		trace_tgt_queue_command(cmd);
		ahead = tgt_plan_ahead_locked(cmd, &off);
		tgt_host_push_locked(host, &ended);
		if (ahead && cmd->state == TGT_ST_REQ_QUEUED) {
			/* Who waits for room in the ring leaves that in the memory to others. */
			tgt_put_lent_locked(cmd);
			tgt_buf_put(ahead);
			ahead = NULL;
		}
	}
	spin_unlock_irqrestore(&host->lock, flags);
	tgt_release_ended(host, &ended);
	/* On its way: nobody else does anything with it meanwhile. */
	if (ahead)
		fetch_ahead(cmd, ahead, off);
	return ret;
}
EXPORT_SYMBOL_GPL(scsi_tgt_queue_command);

/* ---- the end of a phase ------------------------------------------------------------ */

/* The memory is the daemon's again: tell it. */
static void done(struct scsi_tgt_cmd *cmd, enum tgt_done result)
{
	struct scsi_tgt_host *host = cmd->host;
	unsigned long flags;
	LIST_HEAD(ended);

	tgt_buf_unmap(cmd);
	spin_lock_irqsave(&host->lock, flags);
	cmd->result = result;
	if (cmd->known) {
		tgt_set_state(cmd, TGT_ST_DONE_QUEUED, "done");
		list_add_tail(&cmd->node, &host->pending);
		tgt_host_push_locked(host, &ended);
	} else if (cmd->final) {
		tgt_end_locked(cmd, &ended);
	} else {
		/* Its daemon is gone: how it ends is decided in process context. */
		tgt_set_state(cmd, TGT_ST_STRANDED, "done");
		queue_work(tgt_wq, &host->target->work);
	}
	spin_unlock_irqrestore(&host->lock, flags);
	tgt_release_ended(host, &ended);
}

void scsi_tgt_data_done(struct scsi_tgt_cmd *cmd, enum tgt_done result)
{
	done(cmd, result);
}
EXPORT_SYMBOL_GPL(scsi_tgt_data_done);

void scsi_tgt_response_done(struct scsi_tgt_cmd *cmd, enum tgt_done result)
{
	done(cmd, result);
}
EXPORT_SYMBOL_GPL(scsi_tgt_response_done);

/* ---- what the kernel itself ends --------------------------------------------------- */

/**
 * tgt_abort_all() - commands that end without a word
 * @cmds: claimed; linked by node
 *
 * Context: may sleep; no locks.
 */
void tgt_abort_all(struct list_head *cmds)
{
	struct scsi_tgt_cmd *cmd, *next;

	list_for_each_entry_safe(cmd, next, cmds, node) {
		list_del_init(&cmd->node);
		cmd->host->target->fabric->eh_abort_handler(cmd);
		tgt_end(cmd);
	}
}

/**
 * tgt_end_by_kernel() - commands whose daemon has died: the initiator may try again
 * @cmds: claimed, final; linked by node
 *
 * Context: may sleep; no locks.
 */
void tgt_end_by_kernel(struct list_head *cmds)
{
	u8 sense[18] = { };
	const struct scsi_tgt_rsp rsp = {
		.status		= SAM_STAT_CHECK_CONDITION,
		.sense_len	= sizeof(sense),
		.sense		= sense,
	};
	struct scsi_tgt_cmd *cmd, *next;

	scsi_build_sense_buffer(0, sense, ABORTED_COMMAND, 0, 0);
	list_for_each_entry_safe(cmd, next, cmds, node) {
		list_del_init(&cmd->node);
		cmd->host->target->fabric->transfer_response(cmd, &rsp);
	}
}

/* ---- answers ----------------------------------------------------------------------- */

/* Does what the daemon says fit what the initiator wants? */
static int check_rsp(const struct scsi_tgt_cmd *cmd, const struct tgt_cmd_rsp *rsp)
{
	if (rsp->len > TGT_MAX_TRANSFER)
		return -EINVAL;
	if (rsp->flags & TGT_RSP_DATA_ONLY)
		return rsp->len && rsp->len <= cmd->data_out_len ? 0 : -EINVAL;
	if (rsp->sense_len > TGT_SENSE_LEN)
		return -EINVAL;
	if (cmd->data_out_len) {
		/* Data that came before, or is to come before GOOD. */
		if (rsp->len && (rsp->status || cmd->staged || rsp->len > cmd->data_out_len))
			return -EINVAL;
		return 0;
	}
	/* The residual must not promise what is not sent. */
	return rsp->len == min(rsp->produced, cmd->data_in_len) ? 0 : -EINVAL;
}

static void transfer(struct scsi_tgt_cmd *cmd, const struct tgt_cmd_rsp *rsp)
{
	const struct scsi_tgt_fabric *fabric = cmd->host->target->fabric;
	struct scsi_tgt_rsp r = {
		.status		= rsp->status,
		.sense_len	= rsp->sense_len,
		.sense		= rsp->sense,
		.produced	= rsp->produced,
		.len		= rsp->len,
	};

	if (rsp->len) {
		r.sg = cmd->sgt.sgl;
		r.sg_cnt = cmd->sgt.nents;
	}
	if (rsp->flags & TGT_RSP_DATA_ONLY)
		fabric->transfer_data(cmd, r.sg, r.sg_cnt, r.len);
	else
		fabric->transfer_response(cmd, &r);
}

static int abort_cmd(struct scsi_tgt_host *host, u64 id)
{
	struct scsi_tgt_cmd *cmd;
	LIST_HEAD(list);

	cmd = tgt_claim(host, id, TGT_ST_AT_DAEMON, TGT_ST_XFER, "ABORTED");
	if (!cmd)
		return -ENOENT;
	list_add(&cmd->node, &list);
	tgt_abort_all(&list);
	return 0;
}

static void give_back(struct scsi_tgt_cmd *cmd)
{
	struct scsi_tgt_host *host = cmd->host;

	spin_lock_irq(&host->lock);
	tgt_set_state(cmd, TGT_ST_AT_DAEMON, "refused");
	spin_unlock_irq(&host->lock);
}

static int cmd_rsp(struct tgt_daemon *d, struct scsi_tgt_host *host, const struct tgt_cmd_rsp *rsp)
{
	struct scsi_tgt_cmd *cmd;
	int ret;

	if (rsp->flags & ~TGT_RSP_FLAGS || rsp->flags == TGT_RSP_FLAGS ||
	    memchr_inv(rsp->reserved, 0, sizeof(rsp->reserved)))
		return -EINVAL;
	if (rsp->flags & TGT_RSP_ABORTED)
		return abort_cmd(host, rsp->cmd_id);

	cmd = tgt_claim(host, rsp->cmd_id, TGT_ST_AT_DAEMON, TGT_ST_XFER, "CMD_RSP");
	if (!cmd)
		return -ENOENT;
	ret = check_rsp(cmd, rsp);
	if (!ret && rsp->len)
		ret = tgt_buf_map(d, cmd, rsp->buf_id, rsp->off, rsp->len);
	if (ret) {
		give_back(cmd);
		return ret;
	}
	/* From here on it may end at any time. */
	if (rsp->flags & TGT_RSP_DATA_ONLY)
		cmd->staged = true;
	else
		cmd->final = true;
	transfer(cmd, rsp);
	return 0;
}

/**
 * tgt_handle_answer() - carry out an answer
 * @d: alive; its sem is held for reading
 * @ans: the kernel's own copy
 *
 * Context: may sleep. Return: 0, or an error as struct tgt_enter says, without effect.
 */
int tgt_handle_answer(struct tgt_daemon *d, const struct tgt_answer *ans)
{
	struct scsi_tgt_host *host = tgt_host_get(d, ans->host_no);
	int ret;

	if (!host)
		return -ENOENT;
	switch (ans->type) {
	case TGT_CMD_RSP:
		ret = cmd_rsp(d, host, &ans->cmd_rsp);
		break;
	case TGT_TSK_MGMT_RSP:
		ret = tgt_tsk_mgmt_rsp(host, &ans->tsk_mgmt_rsp);
		break;
	default:
		ret = -EINVAL;
		break;
	}
	trace_tgt_answer(ans, ret);
	tgt_host_put(host);
	return ret;
}
