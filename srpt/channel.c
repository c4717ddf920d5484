// SPDX-License-Identifier: GPL-2.0
/*
 * The life of an RDMA channel.
 *
 * A login makes it (CONNECTING), the RTU or the first IU makes it LIVE, and any
 * of a DREQ, a REJ, a bad completion, a QP, port or device event, a rule broken
 * by the initiator, or the administrator starts the one way down,
 * srpt_channel_close():
 *
 *  close_work	SRP_T_LOGOUT and DREQ (or REJ, if no REP was sent), QP to error,
 *		drain: now every work request has completed, and the last user of
 *		the hardware is gone (hw_ref).
 *  hw_work	after TimeWait the QP and the mappings go, and the HCA may. Neither
 *		of the two waits for a target core, but for a back-end that blocks
 *		the context it was called in.
 *  release_work when the last command has ended (cmd_ref), however long the
 *		core takes, the channel leaves its nexus; the last one ends the
 *		session.
 *
 * Whichever is last frees the channel.
 */
#include <rdma/ib_verbs.h>
#include "srpt.h"
#include "trace.h"

#define SRPT_MIN_SQ_SIZE	16

static void put_cqs(struct srpt_channel *ch)
{
	if (ch->send_cq != ch->recv_cq)
		ib_cq_pool_put(ch->send_cq, ch->send_cq_size);
	ib_cq_pool_put(ch->recv_cq, ch->recv_cq_size);
}

static void channel_free(struct kref *ref)
{
	struct srpt_channel *ch = container_of(ref, struct srpt_channel, ref);

	percpu_ref_exit(&ch->hw_ref);
	srpt_cmd_pool_free(ch);
	srpt_rxq_put(ch->rxq);
	kfree(ch);
}

static void timewait_left(struct srpt_channel *ch)
{
	struct srpt_device *sdev = ch->sdev;

	spin_lock_irq(&sdev->timewait_lock);
	if (!list_empty(&ch->timewait_node)) {
		list_del_init(&ch->timewait_node);
		sdev->nr_timewait--;
	}
	spin_unlock_irq(&sdev->timewait_lock);
}

/* A command may still be at the core: memory stays, everything of the HCA goes. */
static void hw_work(struct work_struct *work)
{
	struct srpt_channel *ch = container_of(to_delayed_work(work), struct srpt_channel, hw_work);
	struct srpt_conn *conn = ch->conn;

	timewait_left(ch);
	if (!ch->rxq->srq)
		srpt_rxq_unmap(ch->rxq);
	srpt_cmd_pool_unmap(ch);
	conn->ops->destroy_qp(conn, ch->qp);
	put_cqs(ch);
	conn->ops->destroy(conn);
	srpt_conn_free(conn);
	/* Nobody is left who could say that the connection is established. */
	cancel_delayed_work_sync(&ch->alive_work);
	kref_put(&ch->ref, channel_free);
}

/*
 * Who logs in and out again as fast as he can would fill the memory with channels
 * that only wait: then those that have waited longest need not any more.
 */
static void timewait_entered(struct srpt_channel *ch)
{
	struct srpt_device *sdev = ch->sdev;
	struct srpt_channel *oldest;

	lockdep_assert_held(&sdev->timewait_lock);
	list_add_tail(&ch->timewait_node, &sdev->timewait);
	if (++sdev->nr_timewait <= SRPT_TIMEWAIT_CHANNELS)
		return;
	oldest = list_first_entry(&sdev->timewait, struct srpt_channel, timewait_node);
	list_del_init(&oldest->timewait_node);
	sdev->nr_timewait--;
	srpt_channel_end_timewait(oldest);
}

/*
 * The number of the QP must not be used again before the peer has forgotten it
 * (IBA 12.9.8.4). iWARP knows no TimeWait; nobody waits on an HCA that leaves.
 */
static void begin_timewait(struct srpt_channel *ch)
{
	struct srpt_device *sdev = ch->sdev;
	struct srpt_conn *conn = ch->conn;
	unsigned long delay = 0;

	/* Keeps hw_work from freeing them. */
	spin_lock_irq(&sdev->timewait_lock);
	spin_lock(&conn->lock);
	if (ch->accepted && !conn->timewait_over && !READ_ONCE(sdev->removing) &&
	    !rdma_protocol_iwarp(sdev->device, ch->port->num))
		delay = SRPT_TIMEWAIT_MAX;
	queue_delayed_work(srpt_wq, &ch->hw_work, delay);
	spin_unlock(&conn->lock);
	if (delay)
		timewait_entered(ch);
	spin_unlock_irq(&sdev->timewait_lock);
}

/**
 * srpt_channel_end_timewait() - the QP may go now; does nothing before TimeWait and after it
 * @ch: cannot be freed meanwhile
 *
 * Context: any.
 */
void srpt_channel_end_timewait(struct srpt_channel *ch)
{
	/* mod_delayed_work() would start it again while it runs. */
	if (cancel_delayed_work(&ch->hw_work))
		queue_delayed_work(srpt_wq, &ch->hw_work, 0);
}

static void send_reject(struct srpt_channel *ch)
{
	struct srp_wire_login_rej rej;

	srp_encode_login_rej(&rej, ch->login_tag, ch->reject);
	ch->conn->ops->reject(ch->conn, &rej, sizeof(rej));
}

static void disconnect(struct srpt_channel *ch)
{
	struct srp_wire_t_logout iu;

	if (ch->logout == SRPT_NO_LOGOUT) {
		ch->conn->ops->disconnect(ch->conn, NULL, 0);
		return;
	}
	srpt_send_logout(ch);
	srp_encode_t_logout(&iu, 0, ch->logout);
	ch->conn->ops->disconnect(ch->conn, &iu, sizeof(iu));
}

/*
 * After this no completion of the channel is to come. Who holds a hw_ref may
 * still post, so they are waited for first: for what they sent, or did not get
 * rid of whole. On an SRQ the QP may own a receive that the marker in the send
 * queue does not wait for; the event tells when it does not, but soft RoCE
 * before 6.4 never sends it.
 */
static void drain(struct srpt_channel *ch)
{
	struct ib_qp_attr attr = { .qp_state = IB_QPS_ERR };

	ib_modify_qp(ch->qp, &attr, IB_QP_STATE);
	do {
		srpt_send_reap_failed(ch);
	} while (!wait_for_completion_timeout(&ch->hw_idle, HZ / 10));

	if (!ch->rxq->srq) {
		srpt_rxq_stop(ch->rxq);
		ib_drain_qp(ch->qp);
	} else {
		wait_for_completion_timeout(&ch->last_wqe, HZ);
		ib_drain_sq(ch->qp);	/* the same CQ: what came before it has been handled */
	}
}

static void close_work(struct work_struct *work)
{
	struct srpt_channel *ch = container_of(work, struct srpt_channel, close_work);

	mutex_lock(&ch->conn_mutex);
	if (ch->accepted)
		disconnect(ch);
	else
		send_reject(ch);
	mutex_unlock(&ch->conn_mutex);

	cancel_delayed_work_sync(&ch->alive_work);
	/* From here on nobody starts to use the QP; who has it will finish. */
	percpu_ref_kill(&ch->hw_ref);
	atomic_set(&ch->state, SRPT_CH_DRAINING);
	drain(ch);
	cancel_work_sync(&ch->park_work);
	srpt_park_purge(ch);

	atomic_set(&ch->state, SRPT_CH_DISCONNECTED);
	trace_srpt_channel_state(ch, SRPT_CH_DISCONNECTED, "drained");
	if (ch->nexus)
		srpt_nexus_drained(ch);
	srpt_channel_put_cmd_ref(ch);
	begin_timewait(ch);
}

static void release_work(struct work_struct *work)
{
	struct srpt_channel *ch = container_of(work, struct srpt_channel, release_work);

	cancel_work_sync(&ch->park_work);
	if (ch->nexus)
		srpt_nexus_leave(ch);
	kref_put(&ch->ref, channel_free);
}

static void hw_ref_gone(struct percpu_ref *ref)
{
	complete(&container_of(ref, struct srpt_channel, hw_ref)->hw_idle);
}

/**
 * srpt_channel_close() - start the way down; does nothing if it has started
 * @ch: in any state
 * @logout: the reason for the SRP_T_LOGOUT, or SRPT_NO_LOGOUT if the initiator
 *	has gone or said so itself
 * @why: for the trace; a constant
 *
 * Context: any.
 */
void srpt_channel_close(struct srpt_channel *ch, int logout, const char *why)
{
	int state = atomic_read(&ch->state);

	do {
		if (!srpt_ch_may_go(state, SRPT_CH_DISCONNECTING))
			return;
	} while (!atomic_try_cmpxchg(&ch->state, &state, SRPT_CH_DISCONNECTING));

	ch->logout = logout;
	trace_srpt_channel_state(ch, SRPT_CH_DISCONNECTING, why);
	pr_debug("%s: closing: %s\n", ch->name, why);
	queue_work(srpt_wq, &ch->close_work);
}

/* ---- keepalive ------------------------------------------------------------------- */

static void alive_done(struct ib_cq *cq, struct ib_wc *wc)
{
	struct srpt_channel *ch = container_of(wc->wr_cqe, struct srpt_channel, alive_cqe);

	WRITE_ONCE(ch->alive_posted, false);
	if (wc->status != IB_WC_SUCCESS)
		srpt_wc_error(ch, wc, "keepalive");
	percpu_ref_put(&ch->hw_ref);
}

/*
 * An initiator that died without a word is found when it is sent something. An
 * RDMA WRITE of no data needs no key (IBA C9-88) and none of its receives.
 */
static void alive_work(struct work_struct *work)
{
	struct srpt_channel *ch = container_of(to_delayed_work(work), struct srpt_channel,
					       alive_work);
	struct ib_rdma_wr wr = {
		.wr = {
			.wr_cqe		= &ch->alive_cqe,
			.opcode		= IB_WR_RDMA_WRITE,
			.send_flags	= IB_SEND_SIGNALED,
		},
	};

	if (!srpt_channel_is_live(ch))
		return;
	/* One that takes longer than the period is on its way to fail. */
	if (!READ_ONCE(ch->alive_posted) && percpu_ref_tryget_live(&ch->hw_ref)) {
		WRITE_ONCE(ch->alive_posted, true);
		if (ib_post_send(ch->qp, &wr.wr, NULL)) {
			srpt_channel_close(ch, SRP_LOGOUT_NO_REASON, "posting a keepalive failed");
			percpu_ref_put(&ch->hw_ref);
		}
	}
	queue_delayed_work(srpt_wq, &ch->alive_work, ch->keepalive);
}

/**
 * srpt_channel_established() - the RTU, or an IU before it, has arrived
 * @ch: the channel
 *
 * Context: any.
 */
void srpt_channel_established(struct srpt_channel *ch)
{
	if (atomic_cmpxchg(&ch->state, SRPT_CH_CONNECTING, SRPT_CH_LIVE) != SRPT_CH_CONNECTING)
		return;
	trace_srpt_channel_state(ch, SRPT_CH_LIVE, "established");
	queue_work(srpt_wq, &ch->park_work);
	if (ch->keepalive)
		queue_delayed_work(srpt_wq, &ch->alive_work, ch->keepalive);
}

static void qp_event(struct ib_event *event, void *context)
{
	struct srpt_channel *ch = context;

	switch (event->event) {
	case IB_EVENT_COMM_EST:
		ch->conn->ops->notify(ch->conn);
		break;
	case IB_EVENT_QP_FATAL:
	case IB_EVENT_QP_REQ_ERR:
	case IB_EVENT_QP_ACCESS_ERR:
		pr_info_ratelimited("%s: %s\n", ch->name, ib_event_msg(event->event));
		srpt_channel_close(ch, SRP_LOGOUT_NO_REASON, "QP event");
		break;
	case IB_EVENT_QP_LAST_WQE_REACHED:
		complete_all(&ch->last_wqe);
		break;
	default:
		break;
	}
}

/* Divide the @nr_wr work requests that are there for RDMA. */
static void share_sq(struct srpt_channel *ch, u32 nr_wr)
{
	u32 own = ch->nr_slots * SRPT_SLOT_WR;
	u32 max_sge = min(ch->qp->max_write_sge, ch->qp->max_read_sge);

	ch->slot_wr = 0;
	if (nr_wr >= 2 * own) {
		ch->slot_wr = SRPT_SLOT_WR;
		nr_wr -= own;
	}
	ch->sq_budget = max(nr_wr, 1U);
	ch->sq_free = ch->sq_budget;
	/* One piece may take half of the budget; an unaligned one has a page more. */
	ch->max_piece = min_t(u64, SRPT_MAX_TRANSFER,
			      (u64)max(ch->sq_budget / 2, 1U) * max(max_sge / 2, 1U) * PAGE_SIZE);
}

/*
 * IUs are handled where the core may sleep. A response that was sent needs no
 * such context, so its completion wakes nobody up. On an SRQ the two are one:
 * the drain of the send queue has to find the receives in front of it.
 */
static int get_cqs(struct srpt_channel *ch, u32 nr_send, u32 nr_recv)
{
	struct ib_device *device = ch->sdev->device;
	bool srq = ch->rxq->srq;

	ch->send_cq_size = srq ? 0 : nr_send;
	ch->recv_cq_size = srq ? nr_send + nr_recv : nr_recv;
	if (max(ch->send_cq_size, ch->recv_cq_size) > device->attrs.max_cqe)
		return -EINVAL;
	ch->recv_cq = ib_cq_pool_get(device, ch->recv_cq_size, -1, IB_POLL_WORKQUEUE);
	if (IS_ERR(ch->recv_cq))
		return PTR_ERR(ch->recv_cq);
	ch->send_cq = ch->recv_cq;
	if (srq)
		return 0;
	/* The same interrupt vector: what a command needs stays on one CPU. */
	ch->send_cq = ib_cq_pool_get(device, ch->send_cq_size, ch->recv_cq->comp_vector,
				     IB_POLL_SOFTIRQ);
	if (IS_ERR(ch->send_cq)) {
		ib_cq_pool_put(ch->recv_cq, ch->recv_cq_size);
		return PTR_ERR(ch->send_cq);
	}
	return 0;
}

/* Returns -errno and leaves nothing behind, or 0 with the QP ready to receive. */
static int create_qp(struct srpt_channel *ch, u32 sq_size, u32 max_inline)
{
	struct ib_device *device = ch->sdev->device;
	const struct ib_device_attr *attrs = &device->attrs;
	u32 sends = ch->nr_slots + SRPT_EXTRA_WR;
	struct ib_qp_init_attr init = {
		.event_handler	= qp_event,
		.qp_context	= ch,
		.sq_sig_type	= IB_SIGNAL_REQ_WR,
		.qp_type	= IB_QPT_RC,
		.port_num	= ch->port->num,
		.srq		= ch->rxq->srq,
		.cap = {
			.max_send_wr	= sends,
			.max_recv_wr	= ch->rxq->srq ? 0 : ch->rxq->nr_rx + 1,
			.max_rdma_ctxs	= sq_size,
			.max_send_sge	= attrs->max_send_sge,
			.max_recv_sge	= 1,
			.max_inline_data = max_inline,
		},
	};
	u32 nr_wr;
	int ret;

	/*
	 * rdma_rw adds its work requests to max_send_wr, up to what the device
	 * has. All of them complete when the QP fails, and CQs are shared: they
	 * must have room for them, and for all that an initiator without regard
	 * for its limit can take from an SRQ. One more each is the drain's.
	 */
	nr_wr = min_t(u32, rdma_rw_max_send_wr(device, ch->port->num, sq_size, 0) + sends,
		      attrs->max_qp_wr);
	if (nr_wr <= sends)
		return -EINVAL;
	ret = get_cqs(ch, nr_wr + 1, ch->rxq->nr_rx + 1);
	if (ret)
		return ret;
	init.send_cq = ch->send_cq;
	init.recv_cq = ch->recv_cq;

	ch->qp = ch->conn->ops->create_qp(ch->conn, &init);
	if (IS_ERR(ch->qp)) {
		put_cqs(ch);
		return PTR_ERR(ch->qp);
	}
	/* Some devices grant more than was asked for; the CQ has no room for that. */
	share_sq(ch, min(init.cap.max_send_wr, nr_wr) - sends);
	ch->max_inline = min(max_inline, init.cap.max_inline_data);
	return 0;
}

static int create_qp_retry(struct srpt_channel *ch, u32 sq_size)
{
	int ret;

	/* What is configured is the whole queue; the SENDs come out of it. */
	sq_size = max_t(int, sq_size - ch->nr_slots - SRPT_EXTRA_WR, SRPT_MIN_SQ_SIZE);
	for (;;) {
		/* No attribute tells how much a device takes inline. */
		ret = create_qp(ch, sq_size, sizeof(struct srp_wire_rsp));
		if (ret)
			ret = create_qp(ch, sq_size, 0);
		if (!ret || sq_size <= SRPT_MIN_SQ_SIZE)
			return ret;
		pr_debug("%s: no QP with %u RDMA contexts (%d), trying half\n", ch->name,
			 sq_size, ret);
		sq_size = max_t(u32, sq_size / 2, SRPT_MIN_SQ_SIZE);
	}
}

static struct srpt_rxq *get_rxq(struct srpt_device *sdev, u16 imm_off, bool use_srq)
{
	struct srpt_rxq *rxq;

	if (use_srq) {
		rxq = srpt_device_srq(sdev);
		if (!IS_ERR(rxq))
			return rxq;
		pr_info_ratelimited("%s: no SRQ (%ld), using a receive queue\n",
				    dev_name(&sdev->device->dev), PTR_ERR(rxq));
	}
	return srpt_rxq_create(sdev, SRPT_RQ_SIZE + SRPT_RQ_EXTRA, imm_off, false);
}

static struct srpt_channel *channel_alloc(struct srpt_login *login)
{
	struct srpt_channel *ch = kzalloc(sizeof(*ch), GFP_KERNEL);

	if (!ch)
		return NULL;
	if (percpu_ref_init(&ch->hw_ref, hw_ref_gone, 0, GFP_KERNEL)) {
		kfree(ch);
		return NULL;
	}
	refcount_set(&ch->cmd_ref, 1);

	ch->conn = login->conn;
	ch->port = login->port;
	ch->sdev = login->sdev;
	ch->core = login->core;
	ch->login_tag = login->req.tag;
	ch->reject = SRP_REJ_NO_RESOURCES;
	ch->params.imm_off = srp_login_imm_off(&login->req);
	ch->max_rsp_len = min_t(u32, login->attrib.max_rsp_size, SRPT_MAX_TI_IU_LEN);
	ch->park_active = true;		/* until the connection is established */
	srp_credit_init(&ch->credit, SRPT_RQ_SIZE);
	kref_init(&ch->ref);
	kref_get(&ch->ref);		/* hw work, release work */
	init_completion(&ch->hw_idle);
	init_completion(&ch->logout_sent);
	mutex_init(&ch->conn_mutex);
	spin_lock_init(&ch->sq_lock);
	spin_lock_init(&ch->park_lock);
	INIT_LIST_HEAD(&ch->node);
	INIT_LIST_HEAD(&ch->timewait_node);
	INIT_LIST_HEAD(&ch->sq_waiters);
	INIT_LIST_HEAD(&ch->failed);
	INIT_LIST_HEAD(&ch->parked);
	INIT_LIST_HEAD(&ch->behind);
	INIT_WORK(&ch->park_work, srpt_park_work);
	ch->keepalive = min(READ_ONCE(srpt_keepalive), SRPT_KEEPALIVE_MAX) * HZ;
	ch->alive_cqe.done = alive_done;
	INIT_DELAYED_WORK(&ch->alive_work, alive_work);
	INIT_WORK(&ch->close_work, close_work);
	INIT_DELAYED_WORK(&ch->hw_work, hw_work);
	init_completion(&ch->last_wqe);
	INIT_WORK(&ch->release_work, release_work);
	snprintf(ch->name, sizeof(ch->name), "%s/%u: initiator %16phN",
		 dev_name(&ch->sdev->device->dev), ch->port->num, login->req.i_port_id);
	return ch;
}

/**
 * srpt_channel_create() - everything of a channel that can fail
 * @login: authorized; its connection belongs to the channel on success
 *
 * Context: may sleep. Return: a channel in state CONNECTING that belongs to no
 * nexus, with its receives posted and a cmd_ref for the login, which keeps it
 * when it closes meanwhile; or an ERR_PTR, the connection untouched.
 */
struct srpt_channel *srpt_channel_create(struct srpt_login *login)
{
	struct srpt_conn *conn = login->conn;
	struct srpt_channel *ch;
	int ret;

	ch = channel_alloc(login);
	if (!ch)
		return ERR_PTR(-ENOMEM);
	ch->rxq = get_rxq(ch->sdev, ch->params.imm_off, login->attrib.use_srq);
	if (IS_ERR(ch->rxq)) {
		ret = PTR_ERR(ch->rxq);
		goto free;
	}
	ret = srpt_cmd_pool_create(ch);
	if (ret)
		goto put_rxq;
	ret = create_qp_retry(ch, login->attrib.sq_size);
	if (ret)
		goto free_cmds;
	if (!ch->rxq->srq) {
		ch->rxq->qp = ch->qp;
		ret = srpt_rxq_post_all(ch->rxq);
		if (ret)
			goto destroy_qp;
	}

	refcount_inc(&ch->cmd_ref);
	spin_lock_irq(&conn->lock);
	conn->ch = ch;
	if (conn->gone)
		srpt_channel_close(ch, SRPT_NO_LOGOUT,
				   "the connection went away during the login");
	spin_unlock_irq(&conn->lock);
	return ch;

destroy_qp:
	conn->ops->destroy_qp(conn, ch->qp);
	put_cqs(ch);
free_cmds:
	srpt_cmd_pool_unmap(ch);
	srpt_cmd_pool_free(ch);
put_rxq:
	if (!ch->rxq->srq) {
		srpt_rxq_stop(ch->rxq);
		srpt_rxq_unmap(ch->rxq);
	}
	srpt_rxq_put(ch->rxq);
free:
	percpu_ref_exit(&ch->hw_ref);
	kfree(ch);
	return ERR_PTR(ret);
}

/**
 * srpt_channel_accept() - send the REP
 * @ch: joined to its nexus
 * @req: the login request
 * @result: multi-channel result
 *
 * Context: may sleep. Return: 0, or -errno with the channel closing.
 */
int srpt_channel_accept(struct srpt_channel *ch, const struct srp_login *req,
			enum srp_mc_result result)
{
	struct srp_login_answer answer = {
		.tag		= req->tag,
		.delta		= SRPT_RQ_SIZE,
		.max_it_iu_len	= srpt_max_req_size,
		.max_ti_iu_len	= SRPT_MAX_TI_IU_LEN,
		.mc_result	= result,
		.imm		= ch->params.imm_off != 0,
	};
	struct srp_wire_login_rsp rsp;
	struct srpt_accept acc = {
		.data			= &rsp,
		.data_len		= srp_encode_login_rsp(&rsp, &answer),
		.responder_resources	= 1,	/* the initiator has nothing to read here */
		.srq			= ch->rxq->srq,
	};
	int ret = -ECONNABORTED;

	mutex_lock(&ch->conn_mutex);
	if (atomic_read(&ch->state) == SRPT_CH_CONNECTING) {
		acc.initiator_depth = min3((int)ch->conn->peer_depth, SRPT_RDMA_DEPTH,
					   ch->sdev->device->attrs.max_qp_init_rd_atom);
		ret = ch->conn->ops->accept(ch->conn, &acc);
		ch->accepted = !ret;
	}
	mutex_unlock(&ch->conn_mutex);
	if (ret)
		srpt_channel_close(ch, SRPT_NO_LOGOUT, "the REP could not be sent");
	return ret;
}
