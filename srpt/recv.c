// SPDX-License-Identifier: GPL-2.0
/*
 * Receive buffers, and what is done with the IUs in them.
 *
 * A receive queue has as many buffers as the request limit, and three for the
 * IUs that are outside the limit. A buffer stays with its command until the
 * response is posted, because the descriptors and the CDB are used where they
 * arrived: no copy, and nobody can change them there.
 *
 * IUs are handled in the order in which they arrive. Before the connection is
 * established, and when no command slot is free, they wait in ch->parked, and
 * then every later one queues behind them (DR-1). The park work empties that
 * list; while it does, ch->park_active holds back the CQ context, so that one
 * context at a time handles the IUs of a channel.
 */
#include "srpt.h"
#include "trace.h"

static void recv_done(struct ib_cq *cq, struct ib_wc *wc);

/* ---- buffers --------------------------------------------------------------- */

static int post_rx(struct srpt_rx *rx)
{
	struct srpt_rxq *rxq = rx->rxq;

	if (rxq->srq)
		return ib_post_srq_recv(rxq->srq, &rx->wr, NULL);
	return ib_post_recv(rxq->qp, &rx->wr, NULL);
}

/**
 * srpt_rx_post() - give a receive buffer back to the HCA
 * @rx: nobody looks at it any more; the caller holds a hw_ref of its channel
 *
 * Context: any.
 */
void srpt_rx_post(struct srpt_rx *rx)
{
	ib_dma_sync_single_for_device(rx->rxq->device, rx->sge.addr, srpt_max_req_size,
				      DMA_FROM_DEVICE);
	/* Fails only on a QP that is going away; its buffers go with it. */
	if (post_rx(rx))
		pr_debug("a receive could not be posted\n");
}

/**
 * srpt_rx_repost() - give a receive buffer back to the HCA if there still is one
 * @rx: nobody looks at it any more
 *
 * Context: any.
 */
void srpt_rx_repost(struct srpt_rx *rx)
{
	struct srpt_rxq *rxq = rx->rxq;

	if (!percpu_ref_tryget_live(&rxq->live))
		return;
	srpt_rx_post(rx);
	percpu_ref_put(&rxq->live);
}

static void rxq_dead(struct percpu_ref *ref)
{
	complete(&container_of(ref, struct srpt_rxq, live)->dead);
}

static void unmap_rx(struct srpt_rxq *rxq)
{
	u32 i;

	for (i = 0; i < rxq->nr_rx && rxq->rx[i].wr.num_sge; i++)
		ib_dma_unmap_single(rxq->device, rxq->rx[i].sge.addr, srpt_max_req_size,
				    DMA_FROM_DEVICE);
}

static void rxq_free(struct kref *ref)
{
	struct srpt_rxq *rxq = container_of(ref, struct srpt_rxq, ref);
	u32 i;

	for (i = 0; i < rxq->nr_rx && rxq->rx[i].mem; i++)
		kmem_cache_free(srpt_rx_cache, rxq->rx[i].mem);
	percpu_ref_exit(&rxq->live);
	kvfree(rxq->rx);
	kfree(rxq);
}

void srpt_rxq_put(struct srpt_rxq *rxq)
{
	kref_put(&rxq->ref, rxq_free);
}

static int map_rx(struct srpt_device *sdev, struct srpt_rxq *rxq, struct srpt_rx *rx, u16 imm_off)
{
	u64 dma;

	rx->rxq = rxq;
	rx->cqe.done = recv_done;
	INIT_LIST_HEAD(&rx->park_node);
	rx->mem = kmem_cache_alloc(srpt_rx_cache, GFP_KERNEL);
	if (!rx->mem)
		return -ENOMEM;
	rx->buf = rx->mem + SRPT_RX_ALIGN - imm_off;
	dma = ib_dma_map_single(rxq->device, rx->buf, srpt_max_req_size, DMA_FROM_DEVICE);
	if (ib_dma_mapping_error(rxq->device, dma))
		return -ENOMEM;
	rx->sge = (struct ib_sge) {
		.addr	= dma,
		.length	= srpt_max_req_size,
		.lkey	= sdev->pd->local_dma_lkey,
	};
	rx->wr = (struct ib_recv_wr) {
		.wr_cqe		= &rx->cqe,
		.sg_list	= &rx->sge,
		.num_sge	= 1,
	};
	return 0;
}

static int create_srq(struct srpt_device *sdev, struct srpt_rxq *rxq)
{
	struct ib_srq_init_attr attr = {
		.attr.max_wr	= rxq->nr_rx,
		.attr.max_sge	= 1,
		.srq_type	= IB_SRQT_BASIC,
	};
	struct ib_srq *srq = ib_create_srq(sdev->pd, &attr);

	if (IS_ERR(srq))
		return PTR_ERR(srq);
	rxq->srq = srq;
	return 0;
}

/**
 * srpt_rxq_create() - make and map receive buffers
 * @sdev: the HCA
 * @nr_rx: how many
 * @imm_off: offset of immediate data, at most SRPT_RX_ALIGN; the data will lie on
 *	a boundary of SRPT_RX_ALIGN, so that a back-end can write it from here
 * @srq: make an SRQ for them; otherwise the caller sets rxq->qp
 *
 * Context: may sleep. Return: the queue, nothing posted yet, or an ERR_PTR.
 */
struct srpt_rxq *srpt_rxq_create(struct srpt_device *sdev, u32 nr_rx, u16 imm_off, bool srq)
{
	struct srpt_rxq *rxq;
	int ret;
	u32 i;

	rxq = kzalloc(sizeof(*rxq), GFP_KERNEL);
	if (!rxq)
		return ERR_PTR(-ENOMEM);
	kref_init(&rxq->ref);
	init_completion(&rxq->dead);
	rxq->device = sdev->device;
	rxq->nr_rx = nr_rx;
	ret = percpu_ref_init(&rxq->live, rxq_dead, 0, GFP_KERNEL);
	if (ret)
		goto free;
	ret = -ENOMEM;
	rxq->rx = kvcalloc(nr_rx, sizeof(*rxq->rx), GFP_KERNEL);
	if (!rxq->rx)
		goto exit_ref;

	for (i = 0; i < nr_rx; i++) {
		ret = map_rx(sdev, rxq, &rxq->rx[i], imm_off);
		if (ret)
			goto unmap;
	}
	if (srq) {
		ret = create_srq(sdev, rxq);
		if (ret)
			goto unmap;
	}
	return rxq;

unmap:
	unmap_rx(rxq);
	srpt_rxq_put(rxq);
	return ERR_PTR(ret);
exit_ref:
	percpu_ref_exit(&rxq->live);
free:
	kfree(rxq);
	return ERR_PTR(ret);
}

int srpt_rxq_post_all(struct srpt_rxq *rxq)
{
	int ret = 0;
	u32 i;

	for (i = 0; i < rxq->nr_rx && !ret; i++)
		ret = post_rx(&rxq->rx[i]);
	return ret;
}

/**
 * srpt_rxq_stop() - nothing is posted any more, so a drain finds the last receive
 * @rxq: the queue
 *
 * Context: may sleep.
 */
void srpt_rxq_stop(struct srpt_rxq *rxq)
{
	percpu_ref_kill(&rxq->live);
	wait_for_completion(&rxq->dead);
}

/**
 * srpt_rxq_unmap() - end the hardware part
 * @rxq: stopped, and nothing will be received any more
 *
 * Context: may sleep.
 */
void srpt_rxq_unmap(struct srpt_rxq *rxq)
{
	if (rxq->srq)
		ib_destroy_srq(rxq->srq);
	unmap_rx(rxq);
}

/* ---- IUs --------------------------------------------------------------------- */

/* The framing cannot be trusted, or the initiator breaks a rule: the channel ends. */
static void kill_channel(struct srpt_channel *ch, struct srpt_rx *rx, enum srp_reason reason)
{
	pr_info_ratelimited("%s: closing the channel: %s (%u bytes received)\n",
			    ch->name, srp_reason_str(reason), rx->len);
	srpt_rx_repost(rx);
	srpt_channel_close(ch, srp_reason_logout(reason), srp_reason_str(reason));
}

/**
 * srpt_request() - hand a request on to the core, or answer it
 * @cmd: in state NEW
 * @reason: what is wrong with it, or SRP_OK
 *
 * Context: process; the one that handles the IUs of the channel.
 */
void srpt_request(struct srpt_cmd *cmd, enum srp_reason reason)
{
	bool tmf = cmd->iu.opcode == SRP_OP_TSK_MGMT;

	if (reason)
		trace_srpt_iu_refused(cmd, reason);
	if (tmf) {
		srpt_tmf_receive(cmd, reason);
	} else if (reason) {
		srpt_send_field_error(cmd, reason);
	} else if (cmd->iu.cmd.buf.table) {
		srpt_table_fetch(cmd);
	} else {
		srpt_cmd_event(cmd, SRPT_EV_SUBMIT);
		cmd->ch->nexus->core->queue_command(cmd);
	}
}

/* All but SRP_CMD and SRP_TSK_MGMT: these have no answer and take no slot. */
static void handle_other_iu(struct srpt_channel *ch, struct srpt_rx *rx)
{
	enum srp_reason reason;
	struct srp_iu iu;

	reason = srp_decode_iu(rx->buf, rx->len, &ch->params, &iu);
	/* There is no SRP_AER_REQ of ours to answer. */
	if (!reason && (iu.opcode == SRP_OP_AER_RSP ||
			(iu.opcode == SRP_OP_CRED_RSP && !srpt_cred_rsp(ch, iu.tag))))
		reason = SRP_BAD_UNSOLICITED;
	if (reason) {
		kill_channel(ch, rx, reason);
		return;
	}
	srpt_rx_repost(rx);
	if (iu.opcode == SRP_OP_I_LOGOUT)
		srpt_channel_close(ch, SRPT_NO_LOGOUT, "SRP_I_LOGOUT");
}

/* Returns false if there was no slot for the request: nothing has been done. */
static bool handle_iu(struct srpt_channel *ch, struct srpt_rx *rx)
{
	enum srp_reason reason;
	struct srpt_cmd *cmd;
	u8 opcode = rx->len ? *(u8 *)rx->buf : SRP_OP_CMD;

	if (opcode != SRP_OP_CMD && opcode != SRP_OP_TSK_MGMT) {
		handle_other_iu(ch, rx);
		return true;
	}

	cmd = srpt_cmd_get(ch, opcode == SRP_OP_TSK_MGMT);
	if (!cmd)
		return false;
	reason = srp_decode_iu(rx->buf, rx->len, &ch->params, &cmd->iu);
	srpt_cmd_event(cmd, SRPT_EV_RECV);
	if ((reason && srp_reason_action(reason) == SRP_ACT_KILL) ||
	    !srp_credit_use(&ch->credit)) {
		kill_channel(ch, rx, reason ?: SRP_BAD_CREDIT);
		cmd->responded = true;	/* it never held a credit */
		srpt_cmd_event(cmd, SRPT_EV_DROP);
		srpt_cmd_put(cmd);
		return true;
	}
	cmd->rx = rx;
	if (cmd->iu.opcode != SRP_OP_CMD || reason || !srpt_table_wait(cmd))
		srpt_request(cmd, reason);
	return true;
}

static void park_rx(struct srpt_channel *ch, struct srpt_rx *rx)
{
	spin_lock(&ch->park_lock);
	list_add_tail(&rx->park_node, &ch->parked);
	WRITE_ONCE(ch->park_active, true);
	spin_unlock(&ch->park_lock);
	/* Pairs with smp_mb() in srpt_cmd_put(). */
	smp_mb();
	if (!llist_empty(&ch->free_cmds) || !llist_empty(&ch->free_tmfs))
		queue_work(srpt_wq, &ch->park_work);
}

static void recv_done(struct ib_cq *cq, struct ib_wc *wc)
{
	struct srpt_rx *rx = container_of(wc->wr_cqe, struct srpt_rx, cqe);
	struct srpt_channel *ch = wc->qp->qp_context;

	if (wc->status != IB_WC_SUCCESS) {
		srpt_wc_error(ch, wc, "receive");
		if (rx->rxq->srq)
			srpt_rx_repost(rx);
		return;
	}
	/* Only a plain SEND is an IU: anything else has left the buffer as it was. */
	if (wc->opcode != IB_WC_RECV || (wc->wc_flags & IB_WC_WITH_INVALIDATE)) {
		rx->len = 0;
		kill_channel(ch, rx, SRP_BAD_OPCODE);
		return;
	}
	/* What comes behind a logout is not executed (LGO-07). */
	if (atomic_read(&ch->state) > SRPT_CH_LIVE) {
		srpt_rx_repost(rx);
		return;
	}
	rx->len = wc->byte_len;
	ib_dma_sync_single_for_cpu(rx->rxq->device, rx->sge.addr, srpt_max_req_size,
				   DMA_FROM_DEVICE);

	/* Pairs with smp_store_release() in srpt_park_work(). */
	if (smp_load_acquire(&ch->park_active)) {
		if (atomic_read(&ch->state) == SRPT_CH_CONNECTING)
			ch->conn->ops->notify(ch->conn);
		park_rx(ch, rx);
	} else if (!handle_iu(ch, rx)) {
		park_rx(ch, rx);
	}
}

/**
 * srpt_park_work() - handle parked IUs
 * @work: ch->park_work
 *
 * Runs when the channel went live, or a slot was freed.
 * Stops when no slot is free; the next one freed queues it again.
 */
void srpt_park_work(struct work_struct *work)
{
	struct srpt_channel *ch = container_of(work, struct srpt_channel, park_work);
	struct srpt_rx *rx;

	if (!srpt_channel_is_live(ch))
		return;
	for (;;) {
		spin_lock(&ch->park_lock);
		rx = list_first_entry_or_null(&ch->parked, struct srpt_rx, park_node);
		if (!rx) {
			/* The CQ context sees all that was done here; pairs with recv_done(). */
			smp_store_release(&ch->park_active, false);
			spin_unlock(&ch->park_lock);
			return;
		}
		list_del_init(&rx->park_node);
		spin_unlock(&ch->park_lock);

		if (handle_iu(ch, rx))
			continue;

		spin_lock(&ch->park_lock);
		list_add(&rx->park_node, &ch->parked);
		spin_unlock(&ch->park_lock);
		/* Pairs with smp_mb() in srpt_cmd_put(). */
		smp_mb();
		if (llist_empty(&ch->free_cmds))
			return;
		if (!srpt_channel_is_live(ch))
			return;
	}
}

/* The channel closes: parked IUs were never executed and are forgotten. */
void srpt_park_purge(struct srpt_channel *ch)
{
	struct srpt_rx *rx, *next;
	LIST_HEAD(parked);

	spin_lock(&ch->park_lock);
	list_splice_init(&ch->parked, &parked);
	spin_unlock(&ch->park_lock);
	list_for_each_entry_safe(rx, next, &parked, park_node) {
		list_del_init(&rx->park_node);
		srpt_rx_repost(rx);
	}
}
