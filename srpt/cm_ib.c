// SPDX-License-Identifier: GPL-2.0
/* IB/CM: translates its events and calls. Ports with an InfiniBand link layer only. */
#include <rdma/ib_cache.h>
#include <rdma/ib_cm.h>
#include "compat.h"
#include "srpt.h"

/* How long a login may take, once the initiator has asked again: 4.096 us * 2^24 is 69 s. */
#define LOGIN_SERVICE_TIMEOUT 24
static_assert(SRPT_RELOGIN_MAX < 69);

static struct ib_qp *create_qp(struct srpt_conn *conn, struct ib_qp_init_attr *init)
{
	struct ib_qp_attr attr = {
		.qp_state	= IB_QPS_INIT,
		.port_num	= conn->port->num,
		.pkey_index	= conn->pkey_index,
	};
	struct ib_qp *qp = ib_create_qp(conn->port->sdev->pd, init);
	int ret;

	if (IS_ERR(qp))
		return qp;
	/* No access flags: the initiator has no rights on this QP. */
	ret = ib_modify_qp(qp, &attr, IB_QP_STATE | IB_QP_ACCESS_FLAGS | IB_QP_PORT |
			   IB_QP_PKEY_INDEX);
	if (ret) {
		ib_destroy_qp(qp);
		return ERR_PTR(ret);
	}
	return qp;
}

static void destroy_qp(struct srpt_conn *conn, struct ib_qp *qp)
{
	ib_destroy_qp(qp);
}

static int modify_qp(struct srpt_conn *conn, enum ib_qp_state state,
		     const struct srpt_accept *acc)
{
	struct ib_qp_attr attr = { .qp_state = state };
	int mask, ret;

	ret = ib_cm_init_qp_attr(conn->ib_id, &attr, &mask);
	if (ret)
		return ret;
	attr.qp_access_flags = 0;
	if (state == IB_QPS_RTR)
		attr.max_dest_rd_atomic = acc->responder_resources;
	else
		attr.max_rd_atomic = acc->initiator_depth;
	return ib_modify_qp(conn->ch->qp, &attr, mask);
}

static int send_rep(struct srpt_conn *conn, const struct srpt_accept *acc)
{
	struct ib_cm_rep_param param = {
		.qp_num			= conn->ch->qp->qp_num,
		.private_data		= acc->data,
		.private_data_len	= acc->data_len,
		.responder_resources	= acc->responder_resources,
		.initiator_depth	= acc->initiator_depth,
		.flow_control		= 1,
		.rnr_retry_count	= 7,
		.srq			= acc->srq,
	};

	return modify_qp(conn, IB_QPS_RTR, acc) ?: modify_qp(conn, IB_QPS_RTS, acc) ?:
	       ib_send_cm_rep(conn->ib_id, &param);
}

static void send_rej(struct srpt_conn *conn, const void *data, u8 len)
{
	ib_send_cm_rej(conn->ib_id, IB_CM_REJ_CONSUMER_DEFINED, NULL, 0, data, len);
}

static void disconnect(struct srpt_conn *conn, const void *data, u8 len)
{
	/*
	 * No RTU yet: only a REJ is possible. It is sent when the id is destroyed,
	 * without TimeWait; an earlier one would leave the retries of the REP, and
	 * the id is not gone before their end.
	 */
	if (ib_send_cm_dreq(conn->ib_id, data, len) && ib_send_cm_drep(conn->ib_id, NULL, 0))
		srpt_conn_timewait_exit(conn);
}

static void notify(struct srpt_conn *conn)
{
	ib_cm_notify(conn->ib_id, IB_EVENT_COMM_EST);
}

static void destroy(struct srpt_conn *conn)
{
	ib_destroy_cm_id(conn->ib_id);
}

static const struct srpt_conn_ops srpt_cm_ib_ops = {
	.create_qp	= create_qp,
	.destroy_qp	= destroy_qp,
	.accept		= send_rep,
	.reject		= send_rej,
	.disconnect	= disconnect,
	.notify		= notify,
	.destroy	= destroy,
};

/*
 * No fall-back to another partition: partitions are there to separate. P_Key 0 is
 * none (IBA 10.9.1.2), but the cache would find an unused entry for it.
 */
static int find_pkey(struct ib_device *device, u32 port, u16 pkey, u16 *index)
{
	return pkey & 0x7fff ? ib_find_cached_pkey(device, port, pkey, index) : -EINVAL;
}

static int req_received(struct ib_cm_id *id, const struct ib_cm_event *event)
{
	const struct ib_cm_req_event_param *req = &event->param.req_rcvd;
	u16 pkey = be16_to_cpu(req->primary_path->pkey);
	struct ib_device *device = id->device;
	struct srpt_conn *conn;
	int ret;

	if (req->qp_type != IB_QPT_RC)
		return -ECONNREFUSED;
	conn = srpt_conn_create(&srpt_cm_ib_ops, device, req->port);
	if (!conn)
		return -ECONNREFUSED;
	conn->ib_id = id;
	conn->peer_depth = req->initiator_depth;	/* as it looks from here */
	id->context = conn;
	ret = find_pkey(device, req->port, pkey, &conn->pkey_index);
	if (ret) {
		pr_info_ratelimited("%s/%u: rejected a login with the unknown P_Key %#x\n",
				    dev_name(&device->dev), req->port, pkey);
		goto refuse;
	}
	/* The login may have to wait for the old session: who repeats the REQ gets an MRA. */
	srpt_prepare_mra(id, LOGIN_SERVICE_TIMEOUT);
	ret = srpt_login_start(conn, event->private_data, IB_CM_REQ_PRIVATE_DATA_SIZE,
			       SRP_LOGIN_FORM_IB, &req->primary_path->dgid, NULL);
	if (ret)
		goto refuse;
	return 0;

refuse:
	id->context = NULL;
	srpt_conn_free(conn);
	return -ECONNREFUSED;	/* the CM destroys the id, with a REJ if none was sent */
}

static int handler(struct ib_cm_id *id, const struct ib_cm_event *event)
{
	struct srpt_conn *conn = id->context;

	if (event->event == IB_CM_REQ_RECEIVED)
		return req_received(id, event);
	if (!conn)
		return -EINVAL;	/* a SIDR_REQ: no such service here; the CM destroys the id */

	switch (event->event) {
	case IB_CM_RTU_RECEIVED:
	case IB_CM_USER_ESTABLISHED:
		srpt_conn_established(conn);
		break;
	case IB_CM_DREQ_RECEIVED:
		srpt_conn_gone(conn, "DREQ received");
		break;
	case IB_CM_REJ_RECEIVED:
	case IB_CM_REP_ERROR:
		srpt_conn_timewait_exit(conn);
		srpt_conn_gone(conn, "the REP was rejected or lost");
		break;
	case IB_CM_DREQ_ERROR:
	case IB_CM_DREP_RECEIVED:
		srpt_conn_gone(conn, "disconnected");
		break;
	case IB_CM_TIMEWAIT_EXIT:
		srpt_conn_gone(conn, "TimeWait is over");
		srpt_conn_timewait_exit(conn);
		break;
	default:
		break;
	}
	return 0;
}

static bool has_ib_port(const struct srpt_device *sdev)
{
	u32 i;

	for (i = 1; i <= sdev->nr_ports; i++)
		if (rdma_port_get_link_layer(sdev->device, i) == IB_LINK_LAYER_INFINIBAND)
			return true;
	return false;
}

/**
 * srpt_cm_ib_listen() - listen on the service id of the target
 * @sdev: the HCA
 *
 * A service id the CM reserves for itself is not an error of the HCA: RDMA/CM
 * logins still work. Context: may sleep. Return: 0 or -errno.
 */
int srpt_cm_ib_listen(struct srpt_device *sdev)
{
	u64 id = srpt_service_guid();
	struct ib_cm_id *cm_id;
	int ret;

	if (!has_ib_port(sdev))
		return 0;
	if ((cpu_to_be64(id) & IB_SERVICE_ID_AGN_MASK) == IB_CM_ASSIGN_SERVICE_ID) {
		pr_err("%s: the service id %#llx cannot be listened on; load the module with another srpt_service_guid\n",
		       dev_name(&sdev->device->dev), id);
		return 0;
	}
	cm_id = ib_create_cm_id(sdev->device, handler, NULL);
	if (IS_ERR(cm_id))
		return PTR_ERR(cm_id);
	ret = ib_cm_listen(cm_id, cpu_to_be64(id));
	if (ret) {
		ib_destroy_cm_id(cm_id);
		return ret;
	}
	sdev->listen_id = cm_id;
	return 0;
}

void srpt_cm_ib_unlisten(struct srpt_device *sdev)
{
	if (sdev->listen_id)
		ib_destroy_cm_id(sdev->listen_id);
	sdev->listen_id = NULL;
}
