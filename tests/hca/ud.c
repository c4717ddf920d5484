// SPDX-License-Identifier: GPL-2.0
/* UD messages, QP0 and QP1 included. A message that nobody wants is lost without a word. */
#include "hca.h"

#define GRH_NEXT_HEADER		0x1b
#define GRH_VERSION_SHIFT	28
#define GRH_TCLASS_SHIFT	20
/* What is behind the GRH but for the message: BTH, DETH, ICRC */
#define UD_OVERHEAD		(12 + 8 + 4)

/* A message on its way */
struct ud_message {
	struct rvt_qp		*qp;
	struct rvt_swqe		*wqe;
	struct hca_port		*port;
	struct rdma_ah_attr	*ah;
	u16			dlid;
	u16			pkey;
};

/* The header of the MAD in a message; false if it is too short for one */
static bool mad_header(struct rvt_swqe *wqe, struct ib_mad_hdr *hdr)
{
	u32 length = sizeof(*hdr), n;
	struct rvt_sge_state ss;
	void *to = hdr;

	if (wqe->length < length)
		return false;
	for (hca_wqe_sges(wqe, &ss); length; length -= n, to += n) {
		n = rvt_get_sge_length(&ss.sge, length);
		memcpy(to, ss.sge.vaddr, n);
		rvt_update_sge(&ss, n, false);
	}
	return true;
}

static void make_grh(struct ud_message *msg, struct ib_grh *grh)
{
	const struct ib_global_route *route = rdma_ah_read_grh(msg->ah);
	struct hca_port *port = msg->port;
	unsigned long flags;

	grh->version_tclass_flow = cpu_to_be32(6 << GRH_VERSION_SHIFT |
					       route->traffic_class << GRH_TCLASS_SHIFT |
					       route->flow_label);
	grh->paylen = cpu_to_be16(ALIGN(msg->wqe->length, 4) + UD_OVERHEAD);
	grh->next_hdr = GRH_NEXT_HEADER;
	grh->hop_limit = route->hop_limit;
	grh->dgid = route->dgid;
	spin_lock_irqsave(&port->lock, flags);
	grh->sgid.global.subnet_prefix = port->rvp.gid_prefix;
	grh->sgid.global.interface_id = port->guids[route->sgid_index % HCA_NR_GUIDS];
	spin_unlock_irqrestore(&port->lock, flags);
}

/* May @to receive this message? Also finds the index of its P_Key in the table of the receiver. */
static bool ud_accepts(struct ud_message *msg, struct hca_port *port, struct rvt_qp *to,
		       u16 *pkey_index)
{
	u32 qkey = rvt_get_swqe_remote_qkey(msg->wqe);

	*pkey_index = 0;
	if (to->port_num != port->num)
		return false;
	if (msg->qp->ibqp.qp_type == IB_QPT_SMI)
		return to->ibqp.qp_type == IB_QPT_SMI;
	if (to->ibqp.qp_type != IB_QPT_UD && to->ibqp.qp_type != IB_QPT_GSI)
		return false;
	/* With the high bit set: that of the sender's QP. */
	if ((s32)qkey < 0)
		qkey = msg->qp->qkey;
	if (qkey != to->qkey) {
		port->rvp.qkey_violations += port->rvp.qkey_violations < U16_MAX;
		return false;
	}
	if (to->ibqp.qp_type == IB_QPT_GSI)
		return hca_port_find_pkey(port, msg->pkey, pkey_index);
	*pkey_index = to->s_pkey_index;
	return hca_pkeys_match(port->pkeys[to->s_pkey_index], msg->pkey);
}

static void ud_complete(struct ud_message *msg, struct hca_port *port, struct rvt_qp *to,
			u16 pkey_index, int wc_flags)
{
	bool smi = to->ibqp.qp_type == IB_QPT_SMI;
	u8 path_bits = rdma_ah_get_path_bits(msg->ah);
	struct ib_wc wc = {
		.wr_id = to->r_wr_id,
		.status = IB_WC_SUCCESS,
		.opcode = IB_WC_RECV,
		.byte_len = msg->wqe->length + sizeof(struct ib_grh),
		.qp = &to->ibqp,
		.src_qp = msg->qp->ibqp.qp_num,
		.wc_flags = wc_flags,
		.pkey_index = pkey_index,
		.sl = rdma_ah_get_sl(msg->ah),
		.port_num = port->num,
	};

	wc.slid = msg->port->lid ? msg->port->lid | (path_bits & ((1 << msg->port->lmc) - 1)) :
				   be16_to_cpu(IB_LID_PERMISSIVE);
	if (!smi || msg->dlid != be16_to_cpu(IB_LID_PERMISSIVE))
		wc.dlid_path_bits = msg->dlid & ((1 << port->lmc) - 1);
	if (msg->wqe->wr.opcode == IB_WR_SEND_WITH_IMM) {
		wc.wc_flags |= IB_WC_WITH_IMM;
		wc.ex.imm_data = msg->wqe->wr.ex.imm_data;
	}
	rvt_recv_cq(to, &wc, msg->wqe->wr.send_flags & IB_SEND_SOLICITED);
}

/* Takes a receive request of @to, unless the one that was too short is still there. */
static bool ud_get_rwqe(struct rvt_qp *to)
{
	int ret;

	lockdep_assert_held(&to->r_lock);
	if (to->r_flags & RVT_R_REUSE_SGE) {
		to->r_flags &= ~RVT_R_REUSE_SGE;
		return true;
	}
	ret = rvt_get_rwqe(to, false);
	if (ret < 0)
		rvt_rc_error(to, IB_WC_LOC_QP_OP_ERR);
	return ret > 0;
}

/* Returns false if the message is lost. */
static bool ud_receive(struct ud_message *msg, struct hca_port *port, struct rvt_qp *to)
{
	u32 length = msg->wqe->length;
	struct rvt_sge_state ss;
	struct ib_grh grh;
	bool ok = false;
	int wc_flags = 0;
	u16 pkey_index;

	if (!ud_accepts(msg, port, to, &pkey_index))
		return false;
	spin_lock_irq(&to->r_lock);
	if (!(ib_rvt_state_ops[to->state] & RVT_PROCESS_RECV_OK) || !ud_get_rwqe(to))
		goto unlock;
	if (length + sizeof(grh) > to->r_len) {
		to->r_flags |= RVT_R_REUSE_SGE;
		goto unlock;
	}
	if (rdma_ah_get_ah_flags(msg->ah) & IB_AH_GRH) {
		make_grh(msg, &grh);
		rvt_copy_sge(to, &to->r_sge, &grh, sizeof(grh), true, false);
		wc_flags = IB_WC_GRH;
	} else {
		rvt_skip_sge(&to->r_sge, sizeof(grh), true);
	}
	hca_wqe_sges(msg->wqe, &ss);
	while (length) {
		u32 n = rvt_get_sge_length(&ss.sge, length);

		rvt_copy_sge(to, &to->r_sge, ss.sge.vaddr, n, true, false);
		rvt_update_sge(&ss, n, false);
		length -= n;
	}
	rvt_put_ss(&to->r_sge);
	if (test_and_clear_bit(RVT_R_WRID_VALID, &to->r_aflags)) {
		ud_complete(msg, port, to, pkey_index, wc_flags);
		ok = true;
	}
unlock:
	spin_unlock_irq(&to->r_lock);
	return ok;
}

/* The port where a message arrives */
static struct hca_port *ud_route(struct ud_message *msg)
{
	if (msg->qp->ibqp.qp_type != IB_QPT_SMI)
		return hca_port_route(msg->port, msg->dlid);
	if (msg->dlid == be16_to_cpu(IB_LID_PERMISSIVE))
		return hca_port_peer(msg->port);
	return hca_port_route_smp(msg->port, msg->dlid);
}

static bool ud_lost(struct ud_message *msg, struct hca_port *port)
{
	bool mad = msg->qp->ibqp.qp_num <= 1;
	struct ib_mad_hdr hdr;

	if (mad && mad_header(msg->wqe, &hdr) && hca_fault_mad(msg->port, &hdr))
		return true;
	/* SMPs get through: a port that does not receive is not one whose link is down. */
	return msg->qp->ibqp.qp_type != IB_QPT_SMI && hca_fault_stalled(port);
}

static void ud_deliver(struct rvt_qp *qp, struct rvt_swqe *wqe)
{
	struct ud_message msg = {
		.qp = qp,
		.wqe = wqe,
		.port = qp_to_port(qp),
		.ah = rvt_get_swqe_ah_attr(wqe),
	};
	struct hca_port *port;
	struct rvt_qp *to;
	bool ok = false;
	u16 index;
	int idx;

	msg.dlid = rdma_ah_get_dlid(msg.ah);
	index = qp->ibqp.qp_type == IB_QPT_GSI ? rvt_get_swqe_pkey_index(wqe) : qp->s_pkey_index;
	msg.pkey = index < HCA_NR_PKEYS ? READ_ONCE(msg.port->pkeys[index]) : 0;

	idx = srcu_read_lock(&hca_wire);
	port = ud_route(&msg);
	if (port && !ud_lost(&msg, port)) {
		rcu_read_lock();
		to = rvt_lookup_qpn(&port->hca->rdi, &port->rvp, rvt_get_swqe_remote_qpn(wqe));
		if (to)
			ok = ud_receive(&msg, port, to);
		rcu_read_unlock();
	}
	if (ok)
		hca_count(port, HCA_UD, 1);
	else
		hca_count(msg.port, HCA_LOST, 1);
	srcu_read_unlock(&hca_wire, idx);
}

/* The next request to process, with s_last; NULL: none now */
static struct rvt_swqe *ud_next(struct rvt_qp *qp, bool *flush)
{
	struct rvt_swqe *wqe = NULL;
	u32 head;
	int ops;

	spin_lock_irq(&qp->s_lock);
	ops = ib_rvt_state_ops[qp->state];
	*flush = ops & RVT_FLUSH_SEND;
	/* Pairs with the barrier before s_head is written in rdmavt. */
	head = smp_load_acquire(&qp->s_head);
	if ((ops & (RVT_PROCESS_NEXT_SEND_OK | RVT_FLUSH_SEND)) && qp->s_last != head)
		wqe = rvt_get_swqe_ptr(qp, qp->s_last);
	spin_unlock_irq(&qp->s_lock);
	return wqe;
}

/**
 * hca_ud_send() - process the send queue of a QP for UD messages
 * @qp: the QP
 *
 * Context: the work item of @qp, and nothing else takes requests from the queue.
 */
void hca_ud_send(struct rvt_qp *qp)
{
	struct rvt_swqe *wqe;
	bool flush;

	while ((wqe = ud_next(qp, &flush))) {
		if (!flush)
			ud_deliver(qp, wqe);
		spin_lock_irq(&qp->r_lock);
		spin_lock(&qp->s_lock);
		/* If it was reset meanwhile, that waits for us before it drops the requests. */
		rvt_send_complete(qp, wqe, flush ? IB_WC_WR_FLUSH_ERR : IB_WC_SUCCESS);
		spin_unlock(&qp->s_lock);
		spin_unlock_irq(&qp->r_lock);
		cond_resched();
	}
}
