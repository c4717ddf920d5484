// SPDX-License-Identifier: GPL-2.0
/*
 * The send queue.
 *
 * It has two parts. Every command slot has work requests of its own: one for
 * the SEND of its response and, if the queue is long enough, ch->slot_wr for
 * RDMA, so a response without much data never waits and counts nothing. Longer
 * transfers share the rest, ch->sq_free: one that does not fit waits in a FIFO,
 * and the completion that makes room posts it. Nothing is dropped for lack of
 * room and nothing fails for it (DR-7).
 *
 * A waiter needs no cancelling when the channel closes: somebody holds the
 * slots it waits for, and those work requests are flushed; then it is posted
 * to a QP in error and flushed itself.
 *
 * A credit is granted for a posted receive: the buffer of the request goes
 * back to the HCA before its response is posted.
 */
#include <scsi/scsi_proto.h>
#include "srpt.h"
#include "trace.h"

static void run(struct srpt_cmd *cmd)
{
	if (cmd->xfer_dir == DMA_FROM_DEVICE)
		srpt_rdma_read_run(cmd);
	else
		srpt_send_run(cmd);
}

/**
 * srpt_sq_reserve() - reserve send-queue slots for RDMA
 * @cmd: holds a hw_ref of its channel
 * @nr_wr: slots
 *
 * Context: any that may not sleep. Return: true if the slots are the command's;
 * false if it was queued and will be run by a completion.
 */
bool srpt_sq_reserve(struct srpt_cmd *cmd, u32 nr_wr)
{
	struct srpt_channel *ch = cmd->ch;
	bool granted;

	cmd->sq_used = 0;
	if (nr_wr <= ch->slot_wr)
		return true;
	cmd->sq_used = nr_wr;
	spin_lock_bh(&ch->sq_lock);
	granted = list_empty(&ch->sq_waiters) && ch->sq_free >= nr_wr;
	if (granted)
		ch->sq_free -= nr_wr;
	else
		list_add_tail(&cmd->sq_node, &ch->sq_waiters);
	spin_unlock_bh(&ch->sq_lock);
	if (!granted)
		trace_srpt_sq_wait(cmd, READ_ONCE(ch->sq_free));
	return granted;
}

/**
 * srpt_sq_give_back() - give slots back and run who waited for them
 * @ch: the channel
 * @nr_wr: slots
 *
 * Context: process or softirq.
 */
void srpt_sq_give_back(struct srpt_channel *ch, u32 nr_wr)
{
	struct srpt_cmd *cmd, *next;
	LIST_HEAD(ready);

	spin_lock_bh(&ch->sq_lock);
	ch->sq_free += nr_wr;
	list_for_each_entry_safe(cmd, next, &ch->sq_waiters, sq_node) {
		if (cmd->sq_used > ch->sq_free)
			break;
		ch->sq_free -= cmd->sq_used;
		list_move_tail(&cmd->sq_node, &ready);
	}
	spin_unlock_bh(&ch->sq_lock);

	list_for_each_entry_safe(cmd, next, &ready, sq_node) {
		list_del_init(&cmd->sq_node);
		run(cmd);
	}
}

/* An error completion: say so once and close; flushes only follow from that. */
void srpt_wc_error(struct srpt_channel *ch, const struct ib_wc *wc, const char *what)
{
	if (wc->status != IB_WC_WR_FLUSH_ERR)
		pr_info_ratelimited("%s: %s failed: %s\n", ch->name, what,
				    ib_wc_status_msg(wc->status));
	srpt_channel_close(ch, SRP_LOGOUT_NO_REASON, what);
}

/* The response is sent, or flushed, or never was: nothing of it is at the HCA. */
static void send_finished(struct srpt_cmd *cmd)
{
	struct srpt_channel *ch = cmd->ch;
	u32 used = cmd->sq_used;

	if (cmd->nr_rw)
		srpt_rdma_unmap(cmd);
	srpt_cmd_event(cmd, SRPT_EV_SENT);
	if (cmd->from_core)
		ch->nexus->core->response_done(cmd);
	srpt_cmd_put(cmd);
	srpt_sq_release(ch, used);
	percpu_ref_put(&ch->hw_ref);	/* last: now the channel may go */
}

void srpt_send_done(struct ib_cq *cq, struct ib_wc *wc)
{
	struct srpt_cmd *cmd = container_of(wc->wr_cqe, struct srpt_cmd, send_cqe);

	if (wc->status != IB_WC_SUCCESS)
		srpt_wc_error(cmd->ch, wc, "SEND");
	send_finished(cmd);
}

/**
 * srpt_send_reap_failed() - end what could not be posted whole
 * @ch: closing, its QP drained
 *
 * Context: may sleep.
 */
void srpt_send_reap_failed(struct srpt_channel *ch)
{
	struct srpt_cmd *cmd, *next;
	LIST_HEAD(failed);

	spin_lock_bh(&ch->sq_lock);
	list_splice_init(&ch->failed, &failed);
	spin_unlock_bh(&ch->sq_lock);
	if (list_empty(&failed))
		return;

	ib_drain_sq(ch->qp);
	list_for_each_entry_safe(cmd, next, &failed, sq_node) {
		struct ib_wc wc = { .status = IB_WC_WR_FLUSH_ERR };

		list_del_init(&cmd->sq_node);
		if (atomic_read(&cmd->state) == SRPT_CMD_SENDING) {
			wc.wr_cqe = &cmd->send_cqe;
			srpt_send_done(ch->send_cq, &wc);
		} else {
			wc.wr_cqe = &cmd->rdma_cqe;
			srpt_rdma_done(ch->send_cq, &wc);
		}
	}
}

static void repost_rx(struct srpt_cmd *cmd)
{
	if (cmd->rx)
		srpt_rx_post(cmd->rx);
	cmd->rx = NULL;
}

/* The delta is written last: everything that ended until now can ride along. */
static s32 grant_credits(struct srpt_cmd *cmd)
{
	s32 delta = srp_credit_take(&cmd->ch->credit);

	((struct srp_wire_rsp *)cmd->rsp)->req_lim_delta = cpu_to_be32(delta);
	cmd->responded = true;
	return delta;
}

/**
 * srpt_send_prepare() - make cmd->send_wr send what is in the slot's buffer
 * @cmd: a slot with an IU of cmd->rsp_len bytes
 *
 * Context: any.
 */
void srpt_send_prepare(struct srpt_cmd *cmd)
{
	cmd->send_sge.length = cmd->rsp_len;
	if (cmd->rsp_len <= cmd->ch->max_inline) {
		/* The usual SRP_RSP: the HCA need not fetch it. */
		cmd->send_wr.send_flags = IB_SEND_SIGNALED | IB_SEND_INLINE;
		cmd->send_sge.addr = (uintptr_t)cmd->rsp;
	} else {
		cmd->send_wr.send_flags = IB_SEND_SIGNALED;
		cmd->send_sge.addr = cmd->rsp_dma;
		ib_dma_sync_single_for_device(cmd->ch->sdev->device, cmd->rsp_dma, cmd->rsp_len,
					      DMA_TO_DEVICE);
	}
}

/**
 * srpt_send_run() - post the next part of a response
 * @cmd: in state WAIT_TX; slots for the round chosen last are reserved
 *
 * The last part is the SEND itself, with the last round of RDMA WRITEs chained
 * in front. Context: process or softirq.
 */
void srpt_send_run(struct srpt_cmd *cmd)
{
	struct srpt_channel *ch = cmd->ch;
	struct ib_send_wr *first;
	s32 delta = 0;
	int ret;

	/* All of the round is posted, and more is to come: the next. */
	if (cmd->rw_next == cmd->rw_round && cmd->rw_next < cmd->nr_rw &&
	    !srpt_sq_reserve(cmd, srpt_rdma_round(cmd)))
		return;

	if (cmd->rw_round < cmd->nr_rw) {
		first = srpt_rdma_wrs(cmd, &cmd->rdma_cqe, NULL);
	} else {
		repost_rx(cmd);
		delta = grant_credits(cmd);
		srpt_send_prepare(cmd);
		srpt_cmd_event(cmd, SRPT_EV_SQ_READY);
		first = cmd->nr_rw ? srpt_rdma_wrs(cmd, NULL, &cmd->send_wr) : &cmd->send_wr;
	}
	cmd->rw_next = cmd->rw_round;
	trace_srpt_send(cmd, delta);

	ret = ib_post_send(ch->qp, first, NULL);
	if (ret) {
		if (delta) {
			srp_credit_undo(&ch->credit, delta);
			cmd->responded = true;	/* undo() has given its credit back */
		}
		srpt_channel_close(ch, SRP_LOGOUT_NO_REASON, "posting a response failed");
		spin_lock_bh(&ch->sq_lock);
		list_add_tail(&cmd->sq_node, &ch->failed);
		spin_unlock_bh(&ch->sq_lock);
	}
}

/* Where the request came in. */
void srpt_send_work(struct work_struct *work)
{
	srpt_send_run(container_of(work, struct srpt_cmd, send_work));
}

/*
 * Soft RDMA works on the CPU of who posts. A daemon answers all commands of a
 * nexus in one thread, which would do all of that work while the CPUs where the
 * requests came in idle. So responses go back there, as LIO's do by themselves;
 * but not that of a command which is alone: it would only wait for another
 * thread to wake up. An HCA works by itself.
 */
static bool belongs_elsewhere(const struct srpt_cmd *cmd)
{
	return cmd->cpu != raw_smp_processor_id() &&
	       ib_uses_virt_dma(cmd->ch->sdev->device) &&
	       srp_credit_in_progress(&cmd->ch->credit) > 1;
}

/* The channel closes: end the command as if it had been answered. */
static void swallow(struct srpt_cmd *cmd)
{
	srpt_cmd_event(cmd, SRPT_EV_CANCEL);
	if (cmd->from_core)
		cmd->ch->nexus->core->response_done(cmd);
	srpt_cmd_put(cmd);
}

/*
 * Encode and send. The caller's reference goes to the SEND. @sg is what an
 * RDMA WRITE is made of, or NULL.
 */
static void respond(struct srpt_cmd *cmd, struct srp_rsp *rsp, struct scatterlist *sg,
		    u32 sg_cnt)
{
	struct srpt_channel *ch = cmd->ch;
	u32 len = 0;

	/* Behind an SRP_T_LOGOUT nothing is said any more. */
	if (atomic_read(&ch->state) > SRPT_CH_LIVE || !percpu_ref_tryget_live(&ch->hw_ref)) {
		swallow(cmd);
		return;
	}

	cmd->xfer_dir = DMA_TO_DEVICE;
	if (sg)
		len = min(rsp->produced, rsp->offered);
	if (len && srpt_rdma_map(cmd, &cmd->iu.cmd.buf, sg, sg_cnt, len, DMA_TO_DEVICE)) {
		/* Out of memory for the mapping: the initiator may try again. */
		rsp->status = SAM_STAT_BUSY;
		rsp->produced = 0;
		len = 0;
	}
	rsp->tag = cmd->iu.tag;
	cmd->rsp_len = srp_encode_rsp(cmd->rsp, ch->max_rsp_len, rsp);
	if (len && !srpt_sq_reserve(cmd, srpt_rdma_round(cmd)))
		return;
	if (cmd->from_core && belongs_elsewhere(cmd))
		queue_work_on(cmd->cpu, srpt_data_wq, &cmd->send_work);
	else
		srpt_send_run(cmd);
}

void srpt_transfer_response(struct srpt_cmd *cmd, struct srp_rsp *rsp, struct scatterlist *sg,
			    u32 sg_cnt)
{
	srpt_gate(SRPT_GATE_RESPOND, cmd);
	if (!srpt_cmd_event(cmd, SRPT_EV_RESPOND))
		return;
	rsp->dir = cmd->iu.cmd.dir;
	rsp->offered = cmd->iu.cmd.buf.len;
	cmd->from_core = true;
	refcount_inc(&cmd->ref);
	respond(cmd, rsp, sg, sg_cnt);
}

void srpt_eh_abort_handler(struct srpt_cmd *cmd)
{
	srpt_cmd_event(cmd, SRPT_EV_DROP);
}

void srpt_cmd_release(struct srpt_cmd *cmd)
{
	srpt_cmd_put(cmd);
}

/**
 * srpt_send_busy() - there is no memory for a command
 * @cmd: in state NEW; never reached the core
 */
void srpt_send_busy(struct srpt_cmd *cmd)
{
	struct srp_rsp rsp = { .status = SAM_STAT_BUSY };

	if (srpt_cmd_event(cmd, SRPT_EV_RESPOND))
		respond(cmd, &rsp, NULL, 0);
}

/**
 * srpt_send_field_error() - refuse a command for a field of its IU
 * @cmd: in state NEW; never reached the core
 * @reason: what is wrong with it
 *
 * CHECK CONDITION with sense data: the Linux initiator takes RSP_CODE 02h with
 * status 0 for success (INI-26).
 */
void srpt_send_field_error(struct srpt_cmd *cmd, enum srp_reason reason)
{
	u8 sense[SRP_SENSE_FIELD_LEN];
	struct srp_rsp rsp = {
		.status		= SAM_STAT_CHECK_CONDITION,
		.sense		= sense,
		.sense_len	= sizeof(sense),
	};

	srp_sense_reason(sense, reason);
	if (srpt_cmd_event(cmd, SRPT_EV_RESPOND))
		respond(cmd, &rsp, NULL, 0);
}

/**
 * srpt_send_tmf_code() - answer an SRP_TSK_MGMT
 * @cmd: in state NEW or EXEC; the caller's reference goes to the SEND
 * @code: SRP r16a table 24
 */
void srpt_send_tmf_code(struct srpt_cmd *cmd, enum srp_rsp_code code)
{
	struct srp_rsp rsp = { .has_code = true, .code = code };

	if (srpt_cmd_event(cmd, SRPT_EV_RESPOND))
		respond(cmd, &rsp, NULL, 0);
}
