// SPDX-License-Identifier: GPL-2.0
/*
 * Logins, whichever connection manager they come from.
 *
 * The CM callback only decodes and checks what needs no state; then a work item
 * goes on, so no callback ever waits. Everything that can fail is done before an
 * existing channel of the nexus is touched (NX-2): ACL, memory, QP. Then the
 * nexus is joined, which may wait for the old session, and the REP is sent.
 *
 * A rejected login leaves nothing behind, and one rate-limited line says who
 * was rejected and why.
 */
#include <linux/in.h>
#include <linux/in6.h>
#include "srpt.h"
#include "trace.h"

/* Of a target whose administrator has said nothing else. */
const struct srpt_attrib srpt_default_attrib = {
	.max_rdma_size	= 65536,
	.max_rsp_size	= 256,
	.sq_size	= 4096,
	.max_channels	= 128,
};

/* ---- connections -------------------------------------------------------------- */

/**
 * srpt_conn_create() - a connection request has arrived
 * @ops: of the connection manager
 * @device: where
 * @port_num: 1-based
 *
 * Context: may sleep. Return: a connection that keeps the HCA, or NULL.
 */
struct srpt_conn *srpt_conn_create(const struct srpt_conn_ops *ops, struct ib_device *device,
				   u32 port_num)
{
	struct srpt_device *sdev = srpt_device_get(device);
	struct srpt_conn *conn;

	if (!sdev)
		return NULL;
	conn = kzalloc(sizeof(*conn), GFP_KERNEL);
	if (!conn || port_num < 1 || port_num > sdev->nr_ports) {
		kfree(conn);
		srpt_device_put(sdev);
		return NULL;
	}
	conn->ops = ops;
	conn->port = &sdev->port[port_num - 1];
	spin_lock_init(&conn->lock);
	return conn;
}

void srpt_conn_free(struct srpt_conn *conn)
{
	srpt_device_put(conn->port->sdev);
	kfree(conn);
}

/* The RTU, or an IU before it, has arrived. Context: any. */
void srpt_conn_established(struct srpt_conn *conn)
{
	unsigned long flags;

	spin_lock_irqsave(&conn->lock, flags);
	WRITE_ONCE(conn->established, true);
	if (conn->ch)
		srpt_channel_established(conn->ch);
	spin_unlock_irqrestore(&conn->lock, flags);
}

/* The connection ends, whoever ended it. @why is a constant. Context: any. */
void srpt_conn_gone(struct srpt_conn *conn, const char *why)
{
	unsigned long flags;

	spin_lock_irqsave(&conn->lock, flags);
	if (conn->ch)
		srpt_channel_close(conn->ch, SRPT_NO_LOGOUT, why);
	else
		conn->gone = true;
	spin_unlock_irqrestore(&conn->lock, flags);
}

/* The peer has forgotten the QP, or will never know it. Context: any. */
void srpt_conn_timewait_exit(struct srpt_conn *conn)
{
	unsigned long flags;

	spin_lock_irqsave(&conn->lock, flags);
	conn->timewait_over = true;
	if (conn->ch)
		srpt_channel_end_timewait(conn->ch);
	spin_unlock_irqrestore(&conn->lock, flags);
}

/* ---- who logs in, and where ---------------------------------------------------- */

/**
 * srpt_peer_has_name() - is this a name of the initiator?
 * @peer: the initiator
 * @name: its port id, the GUID or the GID of its port, or its address. A GID and a
 *	port id are written alike
 *
 * Context: any.
 */
bool srpt_peer_has_name(const struct srpt_peer *peer, const struct srp_name *name)
{
	const struct sockaddr_in6 *a6 = (const void *)&peer->addr;
	const struct sockaddr_in *a4 = (const void *)&peer->addr;
	const __be64 guid = peer->gid.global.interface_id;

	switch (name->type) {
	case SRP_NAME_PORT_ID:
		return !memcmp(name->raw, peer->i_port_id, 16) ||
		       (guid && !memcmp(name->raw, peer->gid.raw, 16));
	case SRP_NAME_GUID:
		return guid && !memcmp(name->raw, &guid, 8);
	case SRP_NAME_IP4:
		return peer->addr.ss_family == AF_INET &&
		       !memcmp(name->raw, &a4->sin_addr, 4);
	case SRP_NAME_IP6:
		return peer->addr.ss_family == AF_INET6 &&
		       !memcmp(name->raw, &a6->sin6_addr, 16);
	default:
		return false;
	}
}

/* LIO has the target whose identifier extension is the ioc_guid; all others are daemons'. */
static const struct srpt_core_ops *core_of(const struct srp_login *req)
{
	return memcmp(req->t_port_id, req->t_port_id + 8, 8) ? &srpt_tgt_ops : &srpt_lio_ops;
}

/* ---- the stages of a login ------------------------------------------------------ */

static void log_reject(const struct srpt_login *login, u32 reason, const char *why)
{
	const struct srpt_peer *peer = &login->peer;
	char from[sizeof("[xxxx:xxxx:xxxx:xxxx:xxxx:xxxx:255.255.255.255%4294967295]:65535")];

	if (peer->addr.ss_family)
		snprintf(from, sizeof(from), "%pISpc", &peer->addr);
	else
		snprintf(from, sizeof(from), "GID %pI6c", &peer->gid);
	trace_srpt_login(login, reason);
	pr_info_ratelimited("%s/%u: rejected the login of initiator %16phN from %s with reason %#x: %s\n",
			    dev_name(&login->sdev->device->dev), login->port->num,
			    login->req.i_port_id, from, reason, why);
}

static void reject(const struct srpt_login *login, u32 reason, const char *why)
{
	struct srp_wire_login_rej rej;

	log_reject(login, reason, why);
	srp_encode_login_rej(&rej, login->req.tag, reason);
	login->conn->ops->reject(login->conn, &rej, sizeof(rej));
}

/* What an adapter's or the nexus' -errno means to the initiator. */
static u32 reject_reason(int err, const char **why)
{
	switch (err) {
	case -EACCES:
		*why = "no ACL for this initiator";
		return SRP_REJ_CHANNEL_LIMIT;
	case -ENOENT:
		*why = "no target is configured on this port";
		return SRP_REJ_NO_RESOURCES;
	case -ENXIO:
		*why = "no target has this id_ext";
		return SRP_REJ_NO_NEXUS;
	case -ENODEV:
		*why = "the target port is disabled or going away";
		return SRP_REJ_NO_RESOURCES;
	case -EXDEV:
		*why = "the nexus was let in by another ACL or portal group";
		return SRP_REJ_NO_NEXUS;
	case -ENOTUNIQ:
		*why = "this initiator id has a session from another address";
		return SRP_REJ_NO_NEXUS;
	case -EUSERS:
		*why = "srp_max_channels allows one channel only";
		return SRP_REJ_NO_MULTI;
	case -EMLINK:
		*why = "the session has as many channels as srp_max_channels allows";
		return SRP_REJ_CHANNEL_LIMIT;
	case -ESTALE:
		*why = "the same initiator has sent a newer login";
		return SRP_REJ_NO_RESOURCES;
	case -ETIMEDOUT:
		*why = "commands of the previous session have not ended yet";
		return SRP_REJ_NO_RESOURCES;
	default:
		*why = "out of memory or RDMA resources";
		return SRP_REJ_NO_RESOURCES;
	}
}

static void login_channel(struct srpt_login *login, struct srpt_channel *ch)
{
	enum srp_mc_result result;
	struct srpt_nexus *nexus;
	const char *why;
	int ret;

	nexus = srpt_nexus_join(login, ch, &result);
	ret = PTR_ERR_OR_ZERO(nexus);
	if (!ret && ch->core->channel_open)
		ret = ch->core->channel_open(ch);
	if (ret) {
		ch->reject = reject_reason(ret, &why);
		log_reject(login, ch->reject, why);
		srpt_channel_close(ch, SRPT_NO_LOGOUT, why);
	} else if (!srpt_channel_accept(ch, &login->req, result)) {
		trace_srpt_login(login, 0);
		pr_debug("%s: logged in, multi-channel result %d\n", ch->name, result);
	}
	srpt_channel_put_cmd_ref(ch);
}

static void login_work(struct work_struct *work)
{
	struct srpt_login *login = container_of(work, struct srpt_login, work);
	struct srpt_conn *conn = login->conn;
	struct srpt_channel *ch;
	const char *why;
	u32 reason;
	int ret;

	ret = login->core->authorize(login, &login->attrib, &login->acl);
	if (!ret) {
		ch = srpt_channel_create(login);
		ret = PTR_ERR_OR_ZERO(ch);
	}
	if (ret) {
		reason = reject_reason(ret, &why);
		reject(login, reason, why);
		conn->ops->destroy(conn);
		srpt_conn_free(conn);
	} else {
		login_channel(login, ch);
	}
	srpt_device_put(login->sdev);
	kfree(login);
}

/**
 * srpt_login_start() - a login request has arrived
 * @conn: the connection; belongs to the login on success
 * @data: private data of the REQ
 * @len: bytes
 * @form: its layout
 * @peer_gid: GID of the initiator, or NULL
 * @peer_addr: address of the initiator, or NULL
 *
 * Context: CM callback. Return: 0, or -ECONNREFUSED: the request was rejected
 * and the caller gives up the CM id and @conn.
 */
int srpt_login_start(struct srpt_conn *conn, const void *data, u32 len,
		     enum srp_login_form form, const union ib_gid *peer_gid,
		     const struct sockaddr_storage *peer_addr)
{
	struct srp_login_limits lim = { .max_it_iu_len = srpt_max_req_size };
	__be64 guid = cpu_to_be64(srpt_service_guid());
	struct srpt_login *login;
	u32 reason;

	login = kzalloc(sizeof(*login), GFP_KERNEL);
	if (!login)
		return -ECONNREFUSED;
	login->conn = conn;
	login->port = conn->port;
	login->sdev = conn->port->sdev;
	if (peer_gid)
		login->peer.gid = *peer_gid;
	if (peer_addr)
		login->peer.addr = *peer_addr;
	memcpy(lim.ioc_guid, &guid, 8);

	if (!srp_decode_login(data, len, form, &login->req)) {
		reject(login, SRP_REJ_NO_REASON, "not an SRP_LOGIN_REQ");
		goto refused;
	}
	reason = srp_check_login(&login->req, &lim);
	if (!reason && !conn->peer_depth)
		reason = SRP_REJ_NO_REASON;	/* writes would be impossible (LOG-23) */
	if (reason) {
		reject(login, reason, conn->peer_depth ? srp_login_reject_str(reason) :
		       "the initiator serves no RDMA READ");
		goto refused;
	}

	memcpy(login->peer.i_port_id, login->req.i_port_id, 16);
	login->core = core_of(&login->req);
	kref_get(&login->sdev->users);
	INIT_WORK(&login->work, login_work);
	queue_work(srpt_login_wq, &login->work);
	return 0;

refused:
	kfree(login);
	return -ECONNREFUSED;
}
