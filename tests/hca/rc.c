// SPDX-License-Identifier: GPL-2.0
/*
 * RC: requester and responder.
 *
 * Messages go one at a time, in the order of the send queue. The work item of the sending QP is
 * requester and responder: it finds the other QP by cable and LID, copies the data between the
 * memory of the two, and completes the request. There are no packets, hence no PSNs; a message
 * gets through as a whole, or is lost and tried again when the timer of the QP has run out.
 *
 * Who changes what: the request at s_last, and all of it up to its completion, belongs to the work
 * item of its QP. The memory of the responder is touched with its r_lock held only, in pieces of
 * HCA_CHUNK, each of which looks whether the QP still receives: when a QP is in error and drained,
 * or reset, nothing can be written through it any more, as with hardware.
 */
#include <linux/sched.h>
#include <rdma/ib_hdrs.h>
#include "hca.h"

/* As much is copied with interrupts off. */
#define HCA_CHUNK	16384

enum rc_answer {
	RC_ACK,
	RC_LOST,
	RC_RNR,
	RC_NAK,
};

/**
 * struct rc_msg - a message on its way
 * @sqp: the requester
 * @wqe: the request
 * @flush: @sqp is in error: complete it with IB_WC_WR_FLUSH_ERR
 * @status: not IB_WC_SUCCESS: complete it with this error
 * @remote_qpn: copies of what @sqp knew of its peer when it began
 * @dlid: "
 * @pkey: "
 * @slid: own LID and path bits
 * @sl: "
 * @src: the port of @sqp; NULL if @flush, as it may have none yet
 * @dst: where it arrived
 * @rqp: the responder, with a reference
 * @flags: of r_lock of @rqp
 * @generation: of @rqp when it arrived
 * @mr: what @rqp has its data in, if that is named by an R_Key: a reference is held
 * @left: bytes that are not copied yet
 * @rnr_timer: how long the responder wants us to wait, encoded as IBA does
 * @events: of @rqp, to be told when no lock is held: bits 1 << enum ib_event_type
 */
struct rc_msg {
	struct rvt_qp		*sqp;
	struct rvt_swqe		*wqe;
	bool			flush;
	enum ib_wc_status	status;
	u32			remote_qpn;
	u32			dlid;
	u16			pkey;
	u16			slid;
	u8			sl;
	struct hca_port		*src;
	struct hca_port		*dst;
	struct rvt_qp		*rqp;
	unsigned long		flags;
	u32			generation;
	struct rvt_mregion	*mr;
	u32			left;
	u8			rnr_timer;
	u32			events;
};

#define RC	BIT(IB_QPT_RC)
#define UD	(BIT(IB_QPT_UD) | BIT(IB_QPT_SMI) | BIT(IB_QPT_GSI))

/*
 * What may be posted. Registration and invalidation are done by rvt_post_send(), what comes to us
 * is their completion.
 */
const struct rvt_operation_params hca_post_parms[RVT_OPERATION_MAX] = {
	[IB_WR_RDMA_WRITE]		= { sizeof(struct ib_rdma_wr), RC },
	[IB_WR_RDMA_WRITE_WITH_IMM]	= { sizeof(struct ib_rdma_wr), RC },
	[IB_WR_RDMA_READ]		= { sizeof(struct ib_rdma_wr), RC, RVT_OPERATION_ATOMIC },
	[IB_WR_ATOMIC_CMP_AND_SWP]	= { sizeof(struct ib_atomic_wr), RC,
					    RVT_OPERATION_ATOMIC | RVT_OPERATION_ATOMIC_SGE },
	[IB_WR_ATOMIC_FETCH_AND_ADD]	= { sizeof(struct ib_atomic_wr), RC,
					    RVT_OPERATION_ATOMIC | RVT_OPERATION_ATOMIC_SGE },
	[IB_WR_SEND]			= { sizeof(struct ib_send_wr), RC | UD },
	[IB_WR_SEND_WITH_IMM]		= { sizeof(struct ib_send_wr), RC | UD },
	[IB_WR_SEND_WITH_INV]		= { sizeof(struct ib_send_wr), RC },
	[IB_WR_REG_MR]			= { sizeof(struct ib_reg_wr), RC,
					    RVT_OPERATION_LOCAL },
	[IB_WR_LOCAL_INV]		= { sizeof(struct ib_send_wr), RC, RVT_OPERATION_LOCAL },
};

/* ---- what rdmavt calls ----------------------------------------------------------------------- */

/**
 * hca_qp_schedule() - there is something to send, or to flush
 * @qp: whose s_lock is held
 *
 * Return: is it queued?
 */
bool hca_qp_schedule(struct rvt_qp *qp)
{
	struct hca_qp *hqp = qp->priv;

	lockdep_assert_held(&qp->s_lock);
	/* Whoever resets it has waited for the work, or is going to. */
	if (!(ib_rvt_state_ops[qp->state] & RVT_PROCESS_OR_FLUSH_SEND))
		return false;
	return queue_delayed_work(qp_to_hca(qp)->wq, &hqp->work, 0);
}

bool hca_qp_schedule_no_lock(struct rvt_qp *qp)
{
	unsigned long flags;
	bool queued;

	spin_lock_irqsave(&qp->s_lock, flags);
	queued = hca_qp_schedule(qp);
	spin_unlock_irqrestore(&qp->s_lock, flags);
	return queued;
}

void hca_qp_do_send(struct rvt_qp *qp)
{
	hca_qp_schedule_no_lock(qp);
}

void hca_qp_stop(struct rvt_qp *qp)
{
	struct hca_qp *hqp = qp->priv;

	cancel_delayed_work_sync(&hqp->work);
}

/**
 * hca_qp_reset() - the QP is as new
 * @qp: whose r_lock, s_hlock and s_lock are held
 */
void hca_qp_reset(struct rvt_qp *qp)
{
	struct hca_qp *hqp = qp->priv;
	struct rvt_krwq *kwq = qp->r_rq.kwq;

	hqp->generation++;
	hqp->lost = false;
	hqp->held = false;
	/* Of requests that rdmavt dropped. */
	atomic_set(&qp->local_ops_pending, 0);
	/* rdmavt forgets the receives of a QP in error, but not that there were some. */
	if (kwq) {
		kwq->count = 0;
		if (!qp->ip)
			kwq->tail = kwq->head;
	}
}

void hca_qp_modified(struct rvt_qp *qp, struct ib_qp_attr *attr, int mask,
		     struct ib_udata *udata)
{
	/* Back from SQD there may be something to send. */
	if ((mask & IB_QP_STATE) && qp->state == IB_QPS_RTS)
		hca_qp_schedule(qp);
}

/* The timer of the QP has run out; rvt_rc_timeout() queues the work, rc_next() counts. */
void hca_qp_restart(struct rvt_qp *qp, u32 psn, int wait)
{
}

/* ---- events ---------------------------------------------------------------------------------- */

/**
 * hca_qp_event() - tell the owner of a QP
 * @qp: a reference is held
 * @type: the event
 */
void hca_qp_event(struct rvt_qp *qp, enum ib_event_type type)
{
	struct ib_event event = {
		.device		= qp->ibqp.device,
		.element.qp	= &qp->ibqp,
		.event		= type,
	};

	if (qp->ibqp.event_handler)
		qp->ibqp.event_handler(&event, qp->ibqp.qp_context);
}

/* The responder goes into error; @err is for the receive that it has begun. */
static void rc_responder_error(struct rc_msg *m, enum ib_wc_status err)
{
	lockdep_assert_held(&m->rqp->r_lock);
	spin_lock(&m->rqp->s_lock);
	if (rvt_error_qp(m->rqp, err))
		m->events |= BIT(IB_EVENT_QP_LAST_WQE_REACHED);
	spin_unlock(&m->rqp->s_lock);
}

static void rc_tell(struct rc_msg *m)
{
	static const enum ib_event_type order[] = {
		IB_EVENT_COMM_EST, IB_EVENT_QP_REQ_ERR, IB_EVENT_QP_ACCESS_ERR, IB_EVENT_QP_FATAL,
		IB_EVENT_QP_LAST_WQE_REACHED,
	};
	int i;

	for (i = 0; i < ARRAY_SIZE(order); i++)
		if (m->events & BIT(order[i]))
			hca_qp_event(m->rqp, order[i]);
}

/* ---- the responder; its r_lock is held ------------------------------------------------------- */

static enum rc_answer rc_nak(struct rc_msg *m, enum ib_wc_status requester,
			     enum ib_wc_status receive)
{
	if (requester == IB_WC_REM_INV_REQ_ERR)
		m->events |= BIT(IB_EVENT_QP_REQ_ERR);
	else if (requester == IB_WC_REM_ACCESS_ERR)
		m->events |= BIT(IB_EVENT_QP_ACCESS_ERR);
	m->status = requester;
	rc_responder_error(m, receive);
	return RC_NAK;
}

static enum rc_answer rc_nak_request(struct rc_msg *m)
{
	return rc_nak(m, IB_WC_REM_INV_REQ_ERR, IB_WC_LOC_QP_OP_ERR);
}

static enum rc_answer rc_nak_access(struct rc_msg *m)
{
	return rc_nak(m, IB_WC_REM_ACCESS_ERR, IB_WC_LOC_PROT_ERR);
}

/* Find the memory that an R_Key names; @ss is made one of it, m->mr has the reference. */
static bool rc_remote(struct rc_msg *m, struct rvt_sge_state *ss, u32 len, u64 addr, u32 rkey,
		      int access)
{
	if (!rvt_rkey_ok(m->rqp, &ss->sge, len, addr, rkey, access))
		return false;
	ss->sg_list = NULL;
	ss->num_sge = 1;
	ss->total_len = len;
	m->mr = ss->sge.mr;
	return true;
}

static bool rc_receives(struct rc_msg *m)
{
	struct hca_qp *hqp = m->rqp->priv;

	return hqp->generation == m->generation &&
	       (ib_rvt_state_ops[m->rqp->state] & RVT_PROCESS_RECV_OK);
}

/* Let others have a turn. Is all as it was? */
static enum rc_answer rc_breathe(struct rc_msg *m, u32 rkey)
	__must_hold(&m->rqp->r_lock)
{
	spin_unlock_irqrestore(&m->rqp->r_lock, m->flags);
	cond_resched();
	spin_lock_irqsave(&m->rqp->r_lock, m->flags);
	if (!rc_receives(m))
		return RC_LOST;
	if (m->mr && (atomic_read(&m->mr->lkey_invalid) || m->mr->lkey != rkey ||
		      !m->mr->lkey_published))
		return rc_nak_access(m);
	return RC_ACK;
}

/* Copy m->left bytes; @release: @to has references of MRs of its own, to be put one by one. */
static enum rc_answer rc_copy(struct rc_msg *m, struct rvt_sge_state *to,
			      struct rvt_sge_state *from, bool release)
	__must_hold(&m->rqp->r_lock)
{
	/* Programs poll for the last byte of what is written. */
	bool ordered = m->wqe->wr.opcode == IB_WR_RDMA_WRITE && rvt_is_user_qp(m->rqp);

	while (m->left) {
		u32 chunk = min_t(u32, m->left, HCA_CHUNK);

		while (chunk) {
			u32 len = rvt_get_sge_length(&from->sge, chunk);

			chunk -= len;
			m->left -= len;
			rvt_copy_sge(m->rqp, to, from->sge.vaddr, len, release,
				     ordered && !m->left);
			rvt_update_sge(from, len, false);
		}
		if (m->left) {
			enum rc_answer answer = rc_breathe(m, m->wqe->rdma_wr.rkey);

			if (answer != RC_ACK)
				return answer;
		}
	}
	return RC_ACK;
}

/* The receive that was begun is done. */
static void rc_received(struct rc_msg *m, struct ib_wc *wc)
{
	struct rvt_qp *qp = m->rqp;
	struct rvt_swqe *wqe = m->wqe;

	if (!test_and_clear_bit(RVT_R_WRID_VALID, &qp->r_aflags))
		return;
	wc->wr_id = qp->r_wr_id;
	wc->status = IB_WC_SUCCESS;
	wc->byte_len = wqe->length;
	wc->qp = &qp->ibqp;
	wc->src_qp = m->sqp->ibqp.qp_num;
	wc->slid = m->slid;
	wc->sl = m->sl;
	wc->port_num = m->dst->num;
	if (!rvt_cq_enter(ibcq_to_rvtcq(qp->ibqp.recv_cq), wc,
			  wqe->wr.send_flags & IB_SEND_SOLICITED)) {
		m->events |= BIT(IB_EVENT_QP_FATAL);
		rc_responder_error(m, IB_WC_LOC_QP_OP_ERR);
	}
}

static enum rc_answer rc_take_receive(struct rc_msg *m, bool wr_id_only)
{
	enum ib_wc_status status;
	int ret;

	ret = rvt_get_rwqe(m->rqp, wr_id_only);
	if (ret < 0)
		return rc_nak(m, IB_WC_REM_OP_ERR, IB_WC_LOC_QP_OP_ERR);
	if (!ret) {
		m->rnr_timer = m->rqp->r_min_rnr_timer;
		return RC_RNR;
	}
	status = hca_fault_recv(m->rqp);
	if (status == IB_WC_LOC_LEN_ERR)
		return rc_nak(m, IB_WC_REM_INV_REQ_ERR, status);
	if (status != IB_WC_SUCCESS)
		return rc_nak(m, IB_WC_REM_OP_ERR, status);
	return RC_ACK;
}

static enum rc_answer rc_respond_send(struct rc_msg *m)
	__must_hold(&m->rqp->r_lock)
{
	struct rvt_qp *qp = m->rqp;
	struct rvt_swqe *wqe = m->wqe;
	struct rvt_sge_state from;
	struct ib_wc wc = { .opcode = IB_WC_RECV };
	enum rc_answer answer;

	answer = rc_take_receive(m, false);
	if (answer != RC_ACK)
		return answer;
	if (wqe->length > qp->r_len)
		return rc_nak(m, IB_WC_REM_INV_REQ_ERR, IB_WC_LOC_LEN_ERR);
	hca_wqe_sges(wqe, &from);
	answer = rc_copy(m, &qp->r_sge, &from, true);
	if (answer != RC_ACK)
		return answer;
	rvt_put_ss(&qp->r_sge);

	if (wqe->wr.opcode == IB_WR_SEND_WITH_IMM) {
		wc.wc_flags = IB_WC_WITH_IMM;
		wc.ex.imm_data = wqe->wr.ex.imm_data;
	} else if (wqe->wr.opcode == IB_WR_SEND_WITH_INV) {
		if (rvt_invalidate_rkey(qp, wqe->wr.ex.invalidate_rkey))
			return rc_nak_access(m);
		wc.wc_flags = IB_WC_WITH_INVALIDATE;
		wc.ex.invalidate_rkey = wqe->wr.ex.invalidate_rkey;
	}
	rc_received(m, &wc);
	return RC_ACK;
}

static enum rc_answer rc_respond_write(struct rc_msg *m)
	__must_hold(&m->rqp->r_lock)
{
	struct rvt_swqe *wqe = m->wqe;
	bool imm = wqe->wr.opcode == IB_WR_RDMA_WRITE_WITH_IMM;
	struct rvt_sge_state from, to;
	enum rc_answer answer;

	if (!(m->rqp->qp_access_flags & IB_ACCESS_REMOTE_WRITE))
		return rc_nak_request(m);
	if (m->left && !rc_remote(m, &to, m->left, wqe->rdma_wr.remote_addr, wqe->rdma_wr.rkey,
				  IB_ACCESS_REMOTE_WRITE))
		return rc_nak_access(m);
	if (imm) {
		answer = rc_take_receive(m, true);
		if (answer != RC_ACK)
			return answer;
	}
	hca_wqe_sges(wqe, &from);
	answer = rc_copy(m, &to, &from, false);
	if (answer == RC_ACK && imm) {
		struct ib_wc wc = {
			.opcode		= IB_WC_RECV_RDMA_WITH_IMM,
			.wc_flags	= IB_WC_WITH_IMM,
			.ex.imm_data	= wqe->wr.ex.imm_data,
		};

		rc_received(m, &wc);
	}
	return answer;
}

static enum rc_answer rc_respond_read(struct rc_msg *m)
	__must_hold(&m->rqp->r_lock)
{
	struct rvt_swqe *wqe = m->wqe;
	struct rvt_sge_state from, to;

	if (!(m->rqp->qp_access_flags & IB_ACCESS_REMOTE_READ) || !m->rqp->r_max_rd_atomic)
		return rc_nak_request(m);
	if (m->left && !rc_remote(m, &from, m->left, wqe->rdma_wr.remote_addr, wqe->rdma_wr.rkey,
				  IB_ACCESS_REMOTE_READ))
		return rc_nak_access(m);
	hca_wqe_sges(wqe, &to);
	return rc_copy(m, &to, &from, false);
}

static enum rc_answer rc_respond_atomic(struct rc_msg *m)
{
	struct ib_atomic_wr *wr = &m->wqe->atomic_wr;
	struct rvt_sge_state ss;
	u64 old;

	if (!(m->rqp->qp_access_flags & IB_ACCESS_REMOTE_ATOMIC) || !m->rqp->r_max_rd_atomic ||
	    (wr->remote_addr & (sizeof(u64) - 1)))
		return rc_nak_request(m);
	if (!rc_remote(m, &ss, sizeof(u64), wr->remote_addr, wr->rkey, IB_ACCESS_REMOTE_ATOMIC))
		return rc_nak_access(m);
	if (wr->wr.opcode == IB_WR_ATOMIC_FETCH_AND_ADD)
		old = atomic64_fetch_add(wr->compare_add, ss.sge.vaddr);
	else
		old = atomic64_cmpxchg(ss.sge.vaddr, wr->compare_add, wr->swap);
	*(u64 *)m->wqe->sg_list[0].vaddr = old;
	return RC_ACK;
}

static enum rc_answer rc_respond(struct rc_msg *m)
	__must_hold(&m->rqp->r_lock)
{
	struct rvt_qp *qp = m->rqp;

	m->left = m->wqe->length;
	if (qp->state == IB_QPS_RTR && !(qp->r_flags & RVT_R_COMM_EST)) {
		qp->r_flags |= RVT_R_COMM_EST;
		m->events |= BIT(IB_EVENT_COMM_EST);
	}
	switch (m->wqe->wr.opcode) {
	case IB_WR_SEND:
	case IB_WR_SEND_WITH_IMM:
	case IB_WR_SEND_WITH_INV:
		return rc_respond_send(m);
	case IB_WR_RDMA_WRITE:
	case IB_WR_RDMA_WRITE_WITH_IMM:
		return rc_respond_write(m);
	case IB_WR_RDMA_READ:
		return rc_respond_read(m);
	case IB_WR_ATOMIC_CMP_AND_SWP:
	case IB_WR_ATOMIC_FETCH_AND_ADD:
		return rc_respond_atomic(m);
	default:
		return rc_nak_request(m);
	}
}

/* ---- on the wire ----------------------------------------------------------------------------- */

/* Is this QP the other end of the connection? */
static bool rc_connected(struct rc_msg *m)
{
	struct rvt_qp *qp = m->rqp;
	u16 pkey = rvt_get_pkey(&m->dst->hca->rdi, m->dst->num - 1, qp->s_pkey_index);

	return qp->ibqp.qp_type == IB_QPT_RC &&
	       (ib_rvt_state_ops[qp->state] & RVT_PROCESS_RECV_OK) &&
	       qp->remote_qpn == m->sqp->ibqp.qp_num && qp->port_num == m->dst->num &&
	       (u16)rdma_ah_get_dlid(&qp->remote_ah_attr) == m->slid &&
	       hca_pkeys_match(m->pkey, pkey);
}

static enum rc_answer rc_arrive(struct rc_msg *m)
{
	struct hca_qp *hqp = m->rqp->priv;
	enum rc_answer answer;

	spin_lock_irqsave(&m->rqp->r_lock, m->flags);
	m->generation = hqp->generation;
	if (!rc_connected(m) || hca_fault_stalled(m->dst))
		answer = RC_LOST;
	else
		answer = rc_respond(m);
	spin_unlock_irqrestore(&m->rqp->r_lock, m->flags);
	if (m->mr)
		rvt_put_mr(m->mr);
	rc_tell(m);
	return answer;
}

static enum rc_answer rc_transmit(struct rc_msg *m)
{
	enum rc_answer answer = RC_LOST;
	int wire = srcu_read_lock(&hca_wire);

	m->dst = hca_port_route(m->src, m->dlid);
	if (m->dst) {
		rcu_read_lock();
		m->rqp = rvt_lookup_qpn(&m->dst->hca->rdi, &m->dst->rvp, m->remote_qpn);
		if (m->rqp)
			rvt_get_qp(m->rqp);
		rcu_read_unlock();
	}
	if (m->rqp) {
		answer = rc_arrive(m);
		rvt_put_qp(m->rqp);
	}
	srcu_read_unlock(&hca_wire, wire);
	return answer;
}

/* ---- the requester --------------------------------------------------------------------------- */

/* Complete the request at s_last; any error but a flush is the end of the connection. */
static void rc_complete(struct rc_msg *m, enum ib_wc_status status)
{
	struct rvt_qp *qp = m->sqp;
	bool error = status != IB_WC_SUCCESS && !m->flush;
	unsigned long flags;
	int last = 0;

	if (error)
		hca_count(m->src, HCA_ERRORS, 1);
	/* Who overflows a completion queue is in error, for which rdmavt wants both locks. */
	spin_lock_irqsave(&qp->r_lock, flags);
	spin_lock(&qp->s_lock);
	qp->s_retry = qp->s_retry_cnt;
	qp->s_rnr_retry = qp->s_rnr_retry_cnt;
	rvt_send_complete(qp, m->wqe, status);
	if (error)
		last = rvt_error_qp(qp, IB_WC_WR_FLUSH_ERR);
	spin_unlock(&qp->s_lock);
	spin_unlock_irqrestore(&qp->r_lock, flags);
	if (last)
		hca_qp_event(qp, IB_EVENT_QP_LAST_WQE_REACHED);
}

/* No answer: once more when the time of the QP is over, unless it goes into error before. */
static void rc_lost(struct rc_msg *m)
{
	struct rvt_qp *qp = m->sqp;
	struct hca_qp *hqp = qp->priv;
	unsigned long flags;

	hca_count(m->src, HCA_LOST, 1);
	spin_lock_irqsave(&qp->s_lock, flags);
	if (ib_rvt_state_ops[qp->state] & RVT_PROCESS_SEND_OK) {
		hqp->lost = true;
		rvt_add_retry_timer(qp);
	}
	spin_unlock_irqrestore(&qp->s_lock, flags);
}

/* Return: false if there have been enough of them */
static bool rc_not_ready(struct rc_msg *m)
{
	struct rvt_qp *qp = m->sqp;
	unsigned long flags;
	bool again = true;

	hca_count(m->src, HCA_RNR, 1);
	spin_lock_irqsave(&qp->s_lock, flags);
	if (!qp->s_rnr_retry) {
		again = false;
	} else if (ib_rvt_state_ops[qp->state] & RVT_PROCESS_SEND_OK) {
		/* 7 is for ever. */
		if (qp->s_rnr_retry_cnt < 7)
			qp->s_rnr_retry--;
		rvt_add_rnr_timer(qp, m->rnr_timer << IB_AETH_CREDIT_SHIFT);
	}
	spin_unlock_irqrestore(&qp->s_lock, flags);
	return again;
}

/* Is the request of a kind that rvt_post_send() has done already, or nearly so? */
static bool rc_local_op(struct rc_msg *m)
{
	struct rvt_qp *qp = m->sqp;
	struct rvt_swqe *wqe = m->wqe;
	unsigned long flags;

	if (wqe->wr.opcode != IB_WR_LOCAL_INV)
		return wqe->wr.opcode == IB_WR_REG_MR;
	if (!(wqe->wr.send_flags & RVT_SEND_COMPLETION_ONLY)) {
		if (!m->flush && rvt_invalidate_rkey(qp, wqe->wr.ex.invalidate_rkey))
			m->status = IB_WC_LOC_PROT_ERR;
		atomic_dec(&qp->local_ops_pending);
	}
	/* Nobody writes there any more when the owner sees the completion. */
	spin_lock_irqsave(&qp->r_lock, flags);
	spin_unlock_irqrestore(&qp->r_lock, flags);
	return true;
}

static void rc_answered(struct rc_msg *m, enum rc_answer answer, enum ib_wc_status late)
{
	switch (answer) {
	case RC_ACK:
		hca_count(m->src, HCA_MESSAGES, 1);
		hca_count(m->src, HCA_BYTES, m->wqe->length);
		hca_fault_delay(m->sqp, true);
		rc_complete(m, late);
		break;
	case RC_LOST:
		rc_lost(m);
		break;
	case RC_RNR:
		if (!rc_not_ready(m))
			rc_complete(m, IB_WC_RNR_RETRY_EXC_ERR);
		break;
	case RC_NAK:
		rc_complete(m, m->status);
		break;
	}
}

static void rc_process(struct rc_msg *m)
{
	enum ib_wc_status planned = IB_WC_SUCCESS;
	bool late = false;
	bool local = rc_local_op(m);

	if (m->flush) {
		rc_complete(m, IB_WC_WR_FLUSH_ERR);
		return;
	}
	if (m->status == IB_WC_SUCCESS)
		planned = hca_fault_wr(m->sqp, m->wqe->wr.opcode, &late);
	if (planned != IB_WC_SUCCESS && !late)
		m->status = planned;
	if (local || m->status != IB_WC_SUCCESS)
		rc_complete(m, m->status);
	else
		rc_answered(m, rc_transmit(m), planned);
}

/* Nothing came back the last time. Return: is there another try? */
static bool rc_retry(struct rvt_qp *qp)
{
	struct hca_qp *hqp = qp->priv;

	hqp->lost = false;
	/* Without a timeout the QP waits for ever. */
	if (qp->timeout) {
		if (!qp->s_retry)
			return false;
		qp->s_retry--;
	}
	hca_count(qp_to_port(qp), HCA_RETRIES, 1);
	return true;
}

/* Where does it go? All the QP knows is known: it is ready to send. */
static void rc_address(struct rc_msg *m)
{
	struct rvt_qp *qp = m->sqp;
	struct hca_qp *hqp = qp->priv;

	m->src = qp_to_port(qp);
	m->remote_qpn = qp->remote_qpn;
	m->dlid = rdma_ah_get_dlid(&qp->remote_ah_attr);
	m->sl = rdma_ah_get_sl(&qp->remote_ah_attr);
	m->slid = READ_ONCE(m->src->lid) | rdma_ah_get_path_bits(&qp->remote_ah_attr);
	m->pkey = rvt_get_pkey(&m->src->hca->rdi, m->src->num - 1, qp->s_pkey_index);
	if (hqp->lost && !rc_retry(qp))
		m->status = IB_WC_RETRY_EXC_ERR;
}

/* Begin with the request at s_last. Return: false if there is none, or not now */
static bool rc_next(struct rvt_qp *qp, struct rc_msg *m)
{
	struct hca_qp *hqp = qp->priv;
	bool found = false;
	unsigned long flags;
	u32 head;
	int ops;

	memset(m, 0, sizeof(*m));
	m->sqp = qp;
	/* rvt_post_send() writes it after the request, with another lock. */
	head = smp_load_acquire(&qp->s_head);
	spin_lock_irqsave(&qp->s_lock, flags);
	ops = ib_rvt_state_ops[qp->state];
	if (!(ops & RVT_PROCESS_OR_FLUSH_SEND) || (qp->s_flags & (RVT_S_TIMER | RVT_S_WAIT_RNR)) ||
	    qp->s_last == head)
		goto out;
	m->flush = ops & RVT_FLUSH_SEND;
	/* In SQD what was begun is finished. */
	if (!m->flush && qp->s_last == qp->s_cur && !(ops & RVT_PROCESS_NEXT_SEND_OK))
		goto out;
	hqp->held = hca_fault_held(qp, m->flush);
	if (hqp->held)
		goto out;

	m->wqe = rvt_get_swqe_ptr(qp, qp->s_last);
	if (qp->s_last == qp->s_cur)
		qp->s_cur = rvt_qp_swqe_incr(qp, qp->s_cur);
	if (!m->flush)
		rc_address(m);
	found = true;
out:
	spin_unlock_irqrestore(&qp->s_lock, flags);
	return found;
}

/**
 * hca_rc_send() - process the send queue of an RC QP
 * @qp: the QP; nobody resets it before this has returned
 *
 * Context: its work item, so once at a time. Returns when the queue is empty, or with a timer
 * running that queues the work again.
 */
void hca_rc_send(struct rvt_qp *qp)
{
	struct rc_msg m;

	for (;;) {
		hca_fault_delay(qp, false);
		if (!rc_next(qp, &m))
			return;
		rc_process(&m);
		cond_resched();
	}
}
