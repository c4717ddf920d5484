// SPDX-License-Identifier: GPL-2.0
/*
 * Data movement.
 *
 * The core owns the local buffer, sized by the CDB; the initiator described
 * the remote one. A transfer is cut into pieces, each with one rdma_rw context:
 * a piece lies in one remote descriptor and is at most ch->max_piece long. The
 * usual command has one descriptor and one piece; then the core's scatterlist
 * is used as it is. Otherwise slices of it are made: copies of the entries,
 * trimmed at both ends.
 *
 * All pieces are mapped before the first is posted. They go out in rounds that
 * fit the send queue; each round ends with a signalled work request. A READ
 * ends with its last round, a WRITE has the SRP_RSP chained to its last round.
 * As work requests of one QP complete in order, one completion stands for all
 * before it.
 */
#include "srpt.h"
#include "trace.h"

/* A position in a scatterlist. */
struct sg_pos {
	struct scatterlist	*sg;
	u32			off;
};

/* Describe the next @len bytes at @pos (not 0) in the entries at @out; returns how many. */
static u32 slice(struct sg_pos *pos, u32 len, struct scatterlist *out)
{
	u32 n = 0;

	while (len) {
		u32 part = min(len, pos->sg->length - pos->off);

		sg_set_page(&out[n++], sg_page(pos->sg), part, pos->sg->offset + pos->off);
		len -= part;
		pos->off += part;
		if (pos->off == pos->sg->length) {
			pos->sg = sg_next(pos->sg);
			pos->off = 0;
		}
	}
	sg_mark_end(&out[n - 1]);
	return n;
}

static u64 sg_bytes(struct scatterlist *sg, u32 sg_cnt)
{
	u64 sum = 0;

	for (; sg_cnt; sg_cnt--, sg = sg_next(sg))
		sum += sg->length;
	return sum;
}

static int map_piece(struct srpt_cmd *cmd, struct srpt_rw *rw, const struct srp_remote *remote)
{
	struct srpt_channel *ch = cmd->ch;
	int ret;

	ret = rdma_rw_ctx_init(&rw->ctx, ch->qp, ch->port->num, rw->sg, rw->sg_cnt, 0,
			       remote->va, remote->key, cmd->xfer_dir);
	if (ret < 0)
		return ret;
	rw->nr_wr = ret;
	cmd->nr_rw++;
	return 0;
}

static u32 count_pieces(const struct srp_buf *buf, u32 len, u32 max)
{
	struct srp_desc_iter it;
	struct srp_remote remote;
	u32 n = 0;

	srp_desc_iter_init(&it, buf, len);
	while (srp_desc_iter_next(&it, max, &remote))
		n++;
	return n;
}

static int map_slices(struct srpt_cmd *cmd, const struct srp_buf *buf, struct scatterlist *sg,
		      u32 sg_cnt, u32 len)
{
	struct sg_pos pos = { .sg = sg };
	struct scatterlist *out;
	struct srp_desc_iter it;
	struct srp_remote remote;
	u32 nr_pieces = count_pieces(buf, len, cmd->ch->max_piece);
	int ret = 0;

	cmd->rw = kvcalloc(nr_pieces, sizeof(*cmd->rw), GFP_KERNEL);
	/* Every border between pieces splits at most one entry. */
	cmd->rw_sg = kvcalloc(sg_cnt + nr_pieces, sizeof(*out), GFP_KERNEL);
	if (!cmd->rw || !cmd->rw_sg)
		return -ENOMEM;

	out = cmd->rw_sg;
	srp_desc_iter_init(&it, buf, len);
	while (!ret && srp_desc_iter_next(&it, cmd->ch->max_piece, &remote)) {
		struct srpt_rw *rw = &cmd->rw[cmd->nr_rw];

		rw->sg = out;
		rw->sg_cnt = slice(&pos, remote.len, out);
		out += rw->sg_cnt;
		ret = map_piece(cmd, rw, &remote);
	}
	return ret;
}

/**
 * srpt_rdma_map() - map a transfer
 * @cmd: holds a hw_ref of its channel
 * @buf: the initiator's buffer, with descriptors
 * @sg: local buffer
 * @sg_cnt: entries
 * @len: bytes to move, not 0, at most what @sg and @buf hold
 * @dir: DMA_FROM_DEVICE for RDMA READ, DMA_TO_DEVICE for RDMA WRITE
 *
 * Context: may sleep. Return: 0, or -errno with nothing mapped.
 */
int srpt_rdma_map(struct srpt_cmd *cmd, const struct srp_buf *buf, struct scatterlist *sg,
		  u32 sg_cnt, u32 len, enum dma_data_direction dir)
{
	int ret;

	cmd->xfer_len = len;
	cmd->xfer_dir = dir;
	cmd->nr_rw = 0;
	cmd->rw_next = 0;
	cmd->rw = &cmd->rw1;
	cmd->rw_sg = NULL;

	if (buf->nr_desc == 1 && len <= cmd->ch->max_piece && sg_bytes(sg, sg_cnt) == len) {
		struct srp_remote remote = srp_desc_remote(buf->desc);

		cmd->rw1.sg = sg;
		cmd->rw1.sg_cnt = sg_cnt;
		ret = map_piece(cmd, &cmd->rw1, &remote);
	} else {
		ret = map_slices(cmd, buf, sg, sg_cnt, len);
	}
	if (ret)
		srpt_rdma_unmap(cmd);
	return ret;
}

/* All of the transfer has completed, or none of it was posted. */
void srpt_rdma_unmap(struct srpt_cmd *cmd)
{
	struct srpt_channel *ch = cmd->ch;
	u32 i;

	for (i = 0; i < cmd->nr_rw; i++) {
		struct srpt_rw *rw = &cmd->rw[i];

		rdma_rw_ctx_destroy(&rw->ctx, ch->qp, ch->port->num, rw->sg, rw->sg_cnt,
				    cmd->xfer_dir);
	}
	cmd->nr_rw = 0;
	if (cmd->rw != &cmd->rw1) {
		kvfree(cmd->rw);
		kvfree(cmd->rw_sg);
		cmd->rw = &cmd->rw1;
	}
}

/**
 * srpt_rdma_round() - choose the pieces that go out together
 * @cmd: mapped
 *
 * At least one piece; as many more as half of the send queue takes. One piece
 * always fits, by the choice of max_piece.
 *
 * Return: work requests of the round, 0 if all pieces have been posted.
 */
u32 srpt_rdma_round(struct srpt_cmd *cmd)
{
	u32 max = max(cmd->ch->sq_budget / 2, 1U);
	u32 i, nr_wr = 0;

	for (i = cmd->rw_next; i < cmd->nr_rw; i++) {
		if (nr_wr && nr_wr + cmd->rw[i].nr_wr > max)
			break;
		nr_wr += cmd->rw[i].nr_wr;
	}
	cmd->rw_round = i;
	return nr_wr;
}

/**
 * srpt_rdma_wrs() - link the work requests of the round
 * @cmd: with a round chosen
 * @cqe: completion of the last one; NULL if @chain follows
 * @chain: what comes behind, or NULL
 *
 * Return: the first work request.
 */
struct ib_send_wr *srpt_rdma_wrs(struct srpt_cmd *cmd, struct ib_cqe *cqe,
				 struct ib_send_wr *chain)
{
	struct srpt_channel *ch = cmd->ch;
	u32 i;

	for (i = cmd->rw_round; i > cmd->rw_next; i--) {
		chain = rdma_rw_ctx_wrs(&cmd->rw[i - 1].ctx, ch->qp, ch->port->num, cqe, chain);
		cqe = NULL;
	}
	return chain;
}

/* Could not be posted whole: what was posted must drain before it is unmapped. */
static void post_failed(struct srpt_cmd *cmd)
{
	struct srpt_channel *ch = cmd->ch;

	srpt_channel_close(ch, SRP_LOGOUT_NO_REASON, "posting RDMA failed");
	spin_lock_bh(&ch->sq_lock);
	list_add_tail(&cmd->sq_node, &ch->failed);
	spin_unlock_bh(&ch->sq_lock);
}

/* Slots for a round of RDMA READs are reserved. */
void srpt_rdma_read_run(struct srpt_cmd *cmd)
{
	struct ib_send_wr *first;

	if (!cmd->rw_next)
		srpt_cmd_event(cmd, SRPT_EV_SQ_READY);
	first = srpt_rdma_wrs(cmd, &cmd->rdma_cqe, NULL);
	cmd->rw_next = cmd->rw_round;
	trace_srpt_rdma_read(cmd, cmd->rw_next);
	if (ib_post_send(cmd->ch->qp, first, NULL))
		post_failed(cmd);
}

/* The core may sleep, and take its time: neither the HCA nor other commands wait for it. */
void srpt_data_work(struct work_struct *work)
{
	struct srpt_cmd *cmd = container_of(work, struct srpt_cmd, data_work);
	const struct srpt_core_ops *core = cmd->ch->nexus->core;

	srpt_gate(SRPT_GATE_READ_DONE, cmd);
	if (atomic_read(&cmd->state) == SRPT_CMD_NEW) {
		srpt_table_fetched(cmd);
		return;
	}
	if (cmd->xfer_len)
		core->data_ready(cmd);
	else
		core->data_failed(cmd);
}

static void read_finished(struct srpt_cmd *cmd, bool ok, u32 used)
{
	struct srpt_channel *ch = cmd->ch;
	bool keep = srpt_gate_keep(cmd, used);

	srpt_rdma_unmap(cmd);
	srpt_cmd_event(cmd, ok ? SRPT_EV_READ_OK : SRPT_EV_READ_ERR);
	if (!ok)
		cmd->xfer_len = 0;
	queue_work(srpt_data_wq, &cmd->data_work);
	if (!keep)
		srpt_sq_release(ch, used);
	percpu_ref_put(&ch->hw_ref);
}

/* A round of RDMA READs, or a round of RDMA WRITEs that is not the last, completed. */
void srpt_rdma_done(struct ib_cq *cq, struct ib_wc *wc)
{
	struct srpt_cmd *cmd = container_of(wc->wr_cqe, struct srpt_cmd, rdma_cqe);
	struct srpt_channel *ch = cmd->ch;
	u32 used = cmd->sq_used;
	bool ok = wc->status == IB_WC_SUCCESS;

	if (!ok)
		srpt_wc_error(ch, wc, cmd->xfer_dir == DMA_FROM_DEVICE ?
			      "RDMA READ" : "RDMA WRITE");
	cmd->sq_used = 0;

	if (cmd->xfer_dir == DMA_FROM_DEVICE && (!ok || !srpt_rdma_round(cmd))) {
		read_finished(cmd, ok, used);
		return;
	}

	/* After an error the rest is posted too, and flushed: one way to the end. */
	srpt_sq_release(ch, used);
	if (cmd->xfer_dir == DMA_TO_DEVICE)
		srpt_send_run(cmd);
	else if (srpt_sq_reserve(cmd, srpt_rdma_round(cmd)))
		srpt_rdma_read_run(cmd);
}

/* Nothing was posted, and nothing is mapped. */
static void cancel_transfer(struct srpt_cmd *cmd)
{
	cmd->xfer_len = 0;
	srpt_cmd_event(cmd, SRPT_EV_CANCEL);
	cmd->ch->nexus->core->data_failed(cmd);
}

void srpt_transfer_data(struct srpt_cmd *cmd, struct scatterlist *sg, u32 sg_cnt, u32 len)
{
	struct srpt_channel *ch = cmd->ch;
	const struct srp_buf *buf = &cmd->iu.cmd.buf;

	if (buf->imm) {
		/* The core may have been lent the buffer the data arrived in. */
		if (sg_virt(sg) != buf->imm)
			sg_copy_from_buffer(sg, sg_cnt, buf->imm, len);
		cmd->xfer_len = len;
		ch->nexus->core->data_ready(cmd);
		return;
	}

	if (!srpt_cmd_event(cmd, SRPT_EV_GET_DATA))
		return;
	if (!percpu_ref_tryget_live(&ch->hw_ref))
		goto cancel;
	if (srpt_rdma_map(cmd, buf, sg, sg_cnt, len, DMA_FROM_DEVICE))
		goto put;
	if (srpt_sq_reserve(cmd, srpt_rdma_round(cmd)))
		srpt_rdma_read_run(cmd);
	return;

put:
	percpu_ref_put(&ch->hw_ref);
cancel:
	cancel_transfer(cmd);
}

void srpt_tmf_cancel_transfers(u64 data)
{
	struct srpt_cmd *tmf = (struct srpt_cmd *)(uintptr_t)data, *cmd, *next;
	struct srpt_channel *ch;
	LIST_HEAD(cancelled);

	mutex_lock(&srpt_nexus_mutex);
	list_for_each_entry(ch, &tmf->ch->nexus->channels, node) {
		spin_lock_bh(&ch->sq_lock);
		list_for_each_entry_safe(cmd, next, &ch->sq_waiters, sq_node)
			if (atomic_read(&cmd->state) == SRPT_CMD_WAIT_RD &&
			    srpt_fence_aborts(tmf, cmd))
				list_move_tail(&cmd->sq_node, &cancelled);
		spin_unlock_bh(&ch->sq_lock);
	}
	mutex_unlock(&srpt_nexus_mutex);

	list_for_each_entry_safe(cmd, next, &cancelled, sq_node) {
		ch = cmd->ch;
		list_del_init(&cmd->sq_node);
		cmd->sq_used = 0;
		srpt_rdma_unmap(cmd);
		cancel_transfer(cmd);
		/* The next in the list may want less than this one did. */
		srpt_sq_give_back(ch, 0);
		percpu_ref_put(&ch->hw_ref);
	}
}
