// SPDX-License-Identifier: GPL-2.0
/* RDMA/CM: translates its events and calls; one listener on any address. */
#include <linux/in.h>
#include <linux/in6.h>
#include <rdma/rdma_cm.h>
#include "srpt.h"

/* RDMA/CM passes on the rejection reason of IBA 12.6.7.2; private data goes with this one. */
#define REJ_CONSUMER_DEFINED	28

static struct rdma_cm_id *listener;	/* [G] */
static u16 listen_port;			/* [G] */

static struct ib_qp *create_qp(struct srpt_conn *conn, struct ib_qp_init_attr *init)
{
	int ret = rdma_create_qp(conn->rdma_id, conn->port->sdev->pd, init);

	return ret ? ERR_PTR(ret) : conn->rdma_id->qp;
}

static void destroy_qp(struct srpt_conn *conn, struct ib_qp *qp)
{
	rdma_destroy_qp(conn->rdma_id);
}

/*
 * The CM grants the peer RDMA to this QP. There is no memory it could reach,
 * but a target has nothing to grant. iWARP needs the rights for its own READs.
 */
static void revoke_rights(struct ib_qp *qp)
{
	struct ib_qp_attr attr = { .qp_access_flags = 0 };

	ib_modify_qp(qp, &attr, IB_QP_ACCESS_FLAGS);
}

static int accept(struct srpt_conn *conn, const struct srpt_accept *acc)
{
	struct rdma_conn_param param = {
		.private_data		= acc->data,
		.private_data_len	= acc->data_len,
		.responder_resources	= acc->responder_resources,
		.initiator_depth	= acc->initiator_depth,
		.flow_control		= 1,
		.rnr_retry_count	= 7,
		.srq			= acc->srq,
	};
	int ret;

	rdma_lock_handler(conn->rdma_id);
	ret = rdma_accept(conn->rdma_id, &param);
	rdma_unlock_handler(conn->rdma_id);
	if (!ret && !rdma_protocol_iwarp(conn->port->sdev->device, conn->port->num))
		revoke_rights(conn->rdma_id->qp);
	return ret;
}

static void reject(struct srpt_conn *conn, const void *data, u8 len)
{
	rdma_reject(conn->rdma_id, data, len, REJ_CONSUMER_DEFINED);
}

/* The RDMA CM has no private data for a DREQ. */
static void disconnect(struct srpt_conn *conn, const void *data, u8 len)
{
	rdma_disconnect(conn->rdma_id);
	/* No RTU yet: see cm_ib.c */
	if (!READ_ONCE(conn->established))
		srpt_conn_timewait_exit(conn);
}

static void notify(struct srpt_conn *conn)
{
	rdma_notify(conn->rdma_id, IB_EVENT_COMM_EST);
}

static void destroy(struct srpt_conn *conn)
{
	rdma_destroy_id(conn->rdma_id);
}

static const struct srpt_conn_ops srpt_cm_rdma_ops = {
	.create_qp	= create_qp,
	.destroy_qp	= destroy_qp,
	.accept		= accept,
	.reject		= reject,
	.disconnect	= disconnect,
	.notify		= notify,
	.destroy	= destroy,
};

static int connect_request(struct rdma_cm_id *id, const struct rdma_cm_event *event)
{
	struct srpt_conn *conn;

	conn = srpt_conn_create(&srpt_cm_rdma_ops, id->device, id->port_num);
	if (!conn)
		return -ECONNREFUSED;
	conn->rdma_id = id;
	/* The CM gives these as they look from here. */
	conn->peer_depth = event->param.conn.initiator_depth;
	id->context = conn;
	if (srpt_login_start(conn, event->param.conn.private_data,
			     event->param.conn.private_data_len, SRP_LOGIN_FORM_RDMA, NULL,
			     &id->route.addr.dst_addr)) {
		srpt_conn_free(conn);
		id->context = NULL;
		return -ECONNREFUSED;	/* the CM destroys the id */
	}
	return 0;
}

static int handler(struct rdma_cm_id *id, struct rdma_cm_event *event)
{
	struct srpt_conn *conn = id->context;

	if (event->event == RDMA_CM_EVENT_CONNECT_REQUEST)
		return connect_request(id, event);
	if (!conn)
		return 0;	/* the listener */

	switch (event->event) {
	case RDMA_CM_EVENT_ESTABLISHED:
		srpt_conn_established(conn);
		break;
	case RDMA_CM_EVENT_DISCONNECTED:
		srpt_conn_gone(conn, "disconnected");
		break;
	case RDMA_CM_EVENT_REJECTED:
	case RDMA_CM_EVENT_UNREACHABLE:
	case RDMA_CM_EVENT_CONNECT_ERROR:
		srpt_conn_timewait_exit(conn);
		srpt_conn_gone(conn, "the REP was rejected or lost");
		break;
	case RDMA_CM_EVENT_TIMEWAIT_EXIT:
		srpt_conn_gone(conn, "TimeWait is over");
		srpt_conn_timewait_exit(conn);
		break;
	case RDMA_CM_EVENT_DEVICE_REMOVAL:
		/* We destroy the id: the CM waits for that. */
		srpt_conn_timewait_exit(conn);
		srpt_conn_gone(conn, "the HCA is removed");
		break;
	case RDMA_CM_EVENT_ADDR_CHANGE:
		srpt_conn_gone(conn, "the address moved to another port");
		break;
	default:
		break;
	}
	return 0;
}

static struct rdma_cm_id *listen_on(struct sockaddr *addr)
{
	struct rdma_cm_id *id;
	int ret;

	id = rdma_create_id(&init_net, handler, NULL, RDMA_PS_TCP, IB_QPT_RC);
	if (IS_ERR(id))
		return id;
	ret = rdma_bind_addr(id, addr) ?: rdma_listen(id, 128);
	if (ret) {
		rdma_destroy_id(id);
		return ERR_PTR(ret);
	}
	return id;
}

/**
 * srpt_cm_rdma_set_port() - listen on another port; sessions stay
 * @port: 0 for none
 *
 * Context: may sleep. Return: 0, or -errno with the old listener gone.
 */
int srpt_cm_rdma_set_port(u16 port)
{
	struct sockaddr_in6 any6 = { .sin6_family = AF_INET6, .sin6_port = cpu_to_be16(port) };
	struct sockaddr_in any4 = { .sin_family = AF_INET, .sin_port = cpu_to_be16(port) };
	struct rdma_cm_id *old = NULL, *id;
	static DEFINE_MUTEX(set_mutex);
	int ret = 0;

	/* Not under srpt_mutex: destroying a listener waits for its callbacks, which take that. */
	mutex_lock(&set_mutex);
	if (port == listen_port)
		goto unlock;
	old = listener;
	if (old)
		rdma_destroy_id(old);
	listener = NULL;
	listen_port = 0;
	if (!port)
		goto unlock;

	id = listen_on((struct sockaddr *)&any6);
	if (IS_ERR(id))
		id = listen_on((struct sockaddr *)&any4);
	if (IS_ERR(id)) {
		ret = PTR_ERR(id);
		goto unlock;
	}
	listener = id;
	listen_port = port;
unlock:
	mutex_unlock(&set_mutex);
	return ret;
}

u16 srpt_cm_rdma_port(void)
{
	return READ_ONCE(listen_port);
}
