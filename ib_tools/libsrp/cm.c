// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Connections. The QP is made and moved here and not by librdmacm, so that the caller can do something between the REP
 * and the RTU.
 */
#include <errno.h>
#include <fcntl.h>
#include <infiniband/ib.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "libsrp_priv.h"

int srpi_fail(struct srpi_chan *ch, int err, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(ch->error, sizeof(ch->error), fmt, args);
	va_end(args);
	return err;
}

/* ---- events ---------------------------------------------------------------------------------------- */

int srpi_next_event(struct rdma_event_channel *events, int timeout_ms, struct rdma_cm_event *copy,
		    void *private_data, u8 *private_data_len)
{
	struct pollfd fd = { .fd = events->fd, .events = POLLIN };
	struct rdma_cm_event *event;
	int n;

	do {
		n = poll(&fd, 1, timeout_ms);
	} while (n < 0 && errno == EINTR);
	if (n != 1)
		return -ETIMEDOUT;
	if (rdma_get_cm_event(events, &event))
		return -errno;
	*copy = *event;
	if (private_data) {
		u8 len = event->param.conn.private_data_len;

		if (len > *private_data_len)
			len = *private_data_len;
		if (len)
			memcpy(private_data, event->param.conn.private_data, len);
		*private_data_len = len;
	}
	rdma_ack_cm_event(event);
	return 0;
}

/* The next event must be this one. */
static int expect_event(struct rdma_event_channel *events, int timeout_ms, enum rdma_cm_event_type type)
{
	struct rdma_cm_event event;
	int ret = srpi_next_event(events, timeout_ms, &event, NULL, NULL);

	if (ret)
		return ret;
	return event.event == type ? 0 : -EADDRNOTAVAIL;
}

static void note_event(struct srpi_chan *ch, const struct rdma_cm_event *event)
{
	srpi_log(&ch->log, SRPI_LOG_CM, event->event, event->status, 0);
	/* A REJ comes instead of a DREQ if the target had no RTU yet. */
	if (event->event == RDMA_CM_EVENT_DISCONNECTED || event->event == RDMA_CM_EVENT_REJECTED ||
	    event->event == RDMA_CM_EVENT_DEVICE_REMOVAL)
		ch->stats.closed = true;
}

void srpi_drain_events(struct srpi_chan *ch)
{
	struct rdma_cm_event event;

	while (!srpi_next_event(ch->events, 0, &event, NULL, NULL))
		note_event(ch, &event);
}

/* ---- the way to a target --------------------------------------------------------------------------- */

static int resolve(struct rdma_event_channel *events, const struct srpi_target *target, int timeout_ms,
		   struct rdma_cm_id **id)
{
	struct sockaddr_storage src = target->src, dst = target->dst;
	enum rdma_port_space ps = dst.ss_family == AF_IB ? RDMA_PS_IB : RDMA_PS_TCP;
	struct sockaddr_ib *ib = (void *)&src;
	int ret;

	/* The path is looked for in the partition of the source. */
	if (src.ss_family == AF_IB)
		ib->sib_pkey = ((const struct sockaddr_ib *)&dst)->sib_pkey;
	if (rdma_create_id(events, id, NULL, ps))
		return -errno;
	if (rdma_resolve_addr(*id, src.ss_family ? (struct sockaddr *)&src : NULL, (struct sockaddr *)&dst,
			      timeout_ms))
		ret = errno == ENODEV ? -EADDRNOTAVAIL : -errno;
	else
		ret = expect_event(events, timeout_ms, RDMA_CM_EVENT_ADDR_RESOLVED);
	if (!ret && target->device[0] && strcmp(target->device, ibv_get_device_name((*id)->verbs->device)))
		ret = -EADDRNOTAVAIL;
	if (ret) {
		rdma_destroy_id(*id);
		*id = NULL;
	}
	return ret;
}

static bool device_exists(const char *name)
{
	struct ibv_device **list;
	bool found = false;
	int i, nr;

	list = ibv_get_device_list(&nr);
	for (i = 0; list && i < nr; i++)
		found |= !strcmp(ibv_get_device_name(list[i]), name);
	ibv_free_device_list(list);
	return found;
}

/* The kernel's initiator is called after the GUID of its port. */
static int fill_i_port_id(struct srpi *s)
{
	static const u8 zero[8];
	union ibv_gid gid;

	if (memcmp(s->target.i_port_id + 8, zero, 8))
		return 0;
	if (ibv_query_gid(s->id->verbs, s->id->port_num, 0, &gid))
		return -errno;
	memcpy(s->target.i_port_id + 8, gid.raw + 8, 8);
	return 0;
}

struct srpi *srpi_open(const struct srpi_target *target, int timeout_ms, int *err)
{
	struct srpi *s = calloc(1, sizeof(*s));

	*err = -ENOMEM;
	if (!s)
		return NULL;
	s->target = *target;
	s->timeout_ms = timeout_ms ? timeout_ms : SRPI_TIMEOUT;
	*err = -ENODEV;
	if (target->device[0] && !device_exists(target->device))
		goto failed;
	s->events = rdma_create_event_channel();
	*err = -errno;
	if (!s->events)
		goto failed;
	*err = resolve(s->events, target, s->timeout_ms, &s->id);
	if (*err)
		goto failed;
	s->pd = ibv_alloc_pd(s->id->verbs);
	*err = -errno;
	if (!s->pd)
		goto failed;
	*err = fill_i_port_id(s);
	if (*err)
		goto failed;
	return s;
failed:
	srpi_close(s);
	return NULL;
}

void srpi_close(struct srpi *s)
{
	if (!s)
		return;
	while (s->chans)
		srpi_chan_close(s->chans);
	srpi_mem_free(&s->spare);
	if (s->pd)
		ibv_dealloc_pd(s->pd);
	if (s->id)
		rdma_destroy_id(s->id);
	if (s->events)
		rdma_destroy_event_channel(s->events);
	free(s);
}

const struct srpi_target *srpi_target(const struct srpi *s)
{
	return &s->target;
}

struct ibv_context *srpi_verbs(const struct srpi *s)
{
	return s->id->verbs;
}

u8 srpi_port(const struct srpi *s)
{
	return s->id->port_num;
}

struct ibv_pd *srpi_pd(const struct srpi *s)
{
	return s->pd;
}

int srpi_mem_alloc(struct srpi *s, size_t len, int access, struct srpi_mem *mem)
{
	memset(mem, 0, sizeof(*mem));
	mem->addr = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (mem->addr == MAP_FAILED) {
		mem->addr = NULL;
		return -errno;
	}
	mem->len = len;
	mem->mr = ibv_reg_mr(s->pd, mem->addr, len, access);
	if (!mem->mr) {
		int err = -errno;

		srpi_mem_free(mem);
		return err;
	}
	return 0;
}

void srpi_mem_free(struct srpi_mem *mem)
{
	if (mem->mr)
		ibv_dereg_mr(mem->mr);
	if (mem->addr)
		munmap(mem->addr, mem->len);
	memset(mem, 0, sizeof(*mem));
}

/* ---- a channel ------------------------------------------------------------------------------------- */

static void fill_defaults(struct srpi_login_opts *o)
{
	o->iu_len = o->iu_len ? o->iu_len : SRPI_IU_LEN;
	o->formats = o->formats ? o->formats : SRP_LOGIN_FMT_SUPPORTED;
	o->imm_off = o->imm_off ? o->imm_off : SRPI_IMM_OFF;
	o->responder_resources = o->responder_resources ? o->responder_resources : 4;
	o->retry_count = o->retry_count ? o->retry_count : 7;
	o->recvs = o->recvs ? o->recvs : 256;
	o->recv_size = o->recv_size ? o->recv_size : 1024;
	o->sends = o->sends ? o->sends : 512;
	o->send_mem = o->send_mem ? o->send_mem : 256 << 10;
}

static int make_rings(struct srpi_chan *ch)
{
	struct srpi *s = ch->s;
	size_t len = (size_t)srpi_nr_recvs(&ch->opts) * ch->opts.recv_size + ch->opts.send_mem;

	ch->tx_len = calloc(ch->opts.sends, sizeof(*ch->tx_len));
	if (!ch->tx_len)
		return -ENOMEM;
	if (s->spare.len == len) {
		ch->mem = s->spare;
		memset(&s->spare, 0, sizeof(s->spare));
		return 0;
	}
	return srpi_mem_alloc(s, len, IBV_ACCESS_LOCAL_WRITE, &ch->mem);
}

static int modify_qp(struct srpi_chan *ch, enum ibv_qp_state state)
{
	struct ibv_qp_attr attr = { .qp_state = state };
	int mask;

	if (rdma_init_qp_attr(ch->id, &attr, &mask))
		return srpi_fail(ch, -errno, "rdma_init_qp_attr for state %d: %m", state);
	if (state == IBV_QPS_RTS && ch->opts.retry_count != 7) {
		attr.retry_cnt = ch->opts.retry_count;
		mask |= IBV_QP_RETRY_CNT;
	}
	if (ibv_modify_qp(ch->qp, &attr, mask))
		return srpi_fail(ch, -errno, "the QP cannot go to state %d: %m", state);
	return 0;
}

static int make_qp(struct srpi_chan *ch)
{
	const u32 recvs = srpi_nr_recvs(&ch->opts);
	struct ibv_qp_init_attr init = {
		.qp_type = IBV_QPT_RC,
		.sq_sig_all = 1,
		.cap = {
			.max_send_wr = ch->opts.sends,
			.max_recv_wr = recvs,
			.max_send_sge = 1,
			.max_recv_sge = 1,
		},
	};
	int ret;

	ch->comp = ibv_create_comp_channel(ch->id->verbs);
	if (!ch->comp)
		return srpi_fail(ch, -errno, "ibv_create_comp_channel: %m");
	fcntl(ch->comp->fd, F_SETFL, O_NONBLOCK);
	ch->cq = ibv_create_cq(ch->id->verbs, ch->opts.sends + recvs, NULL, ch->comp, 0);
	if (!ch->cq)
		return srpi_fail(ch, -errno, "ibv_create_cq: %m");
	init.send_cq = ch->cq;
	init.recv_cq = ch->cq;
	ch->qp = ibv_create_qp(ch->s->pd, &init);
	if (!ch->qp)
		return srpi_fail(ch, -errno, "ibv_create_qp: %m");
	ret = modify_qp(ch, IBV_QPS_INIT);
	if (!ret && ch->opts.recvs > 0)
		ret = srpi_post_recvs(ch);
	return ret;
}

static int make_channel(struct srpi_chan *ch)
{
	struct srpi *s = ch->s;
	int ret;

	ch->events = rdma_create_event_channel();
	if (!ch->events)
		return -errno;
	ret = resolve(ch->events, &s->target, s->timeout_ms, &ch->id);
	if (ret)
		return ret;
	if (ch->opts.ack_timeout && rdma_set_option(ch->id, RDMA_OPTION_ID, RDMA_OPTION_ID_ACK_TIMEOUT,
						    &ch->opts.ack_timeout, sizeof(ch->opts.ack_timeout)))
		return -errno;
	if (rdma_resolve_route(ch->id, s->timeout_ms))
		return -errno;
	ret = expect_event(ch->events, s->timeout_ms, RDMA_CM_EVENT_ROUTE_RESOLVED);
	if (!ret)
		ret = make_rings(ch);
	return ret ? ret : make_qp(ch);
}

int srpi_chan_create(struct srpi *s, const struct srpi_login_opts *opts, struct srpi_chan **result)
{
	struct srpi_chan *ch = calloc(1, sizeof(*ch));
	int ret;

	*result = NULL;
	if (!ch)
		return -ENOMEM;
	ch->s = s;
	ch->next = s->chans;
	s->chans = ch;
	if (opts)
		ch->opts = *opts;
	fill_defaults(&ch->opts);
	ch->rdma_cm = s->target.dst.ss_family != AF_IB;
	ch->held_rx = -1;
	ch->stats.logout = -1;
	ret = make_channel(ch);
	if (ret)
		srpi_chan_close(ch);
	else
		*result = ch;
	return ret;
}

int srpi_disconnect(struct srpi_chan *ch)
{
	struct ibv_qp_attr attr = { .qp_state = IBV_QPS_ERR };

	if (ch->qp)
		ibv_modify_qp(ch->qp, &attr, IBV_QP_STATE);
	if (!ch->connected)
		return 0;
	ch->connected = false;
	return rdma_disconnect(ch->id) ? -errno : 0;
}

void srpi_chan_kill_qp(struct srpi_chan *ch)
{
	if (ch->qp)
		ibv_destroy_qp(ch->qp);
	ch->qp = NULL;
}

void srpi_chan_close(struct srpi_chan *ch)
{
	struct srpi_chan **p;

	if (!ch)
		return;
	for (p = &ch->s->chans; *p != ch; p = &(*p)->next)
		;
	*p = ch->next;
	srpi_disconnect(ch);
	srpi_chan_kill_qp(ch);
	if (ch->cq)
		ibv_destroy_cq(ch->cq);
	if (ch->comp)
		ibv_destroy_comp_channel(ch->comp);
	if (ch->id)
		rdma_destroy_id(ch->id);
	if (ch->events)
		rdma_destroy_event_channel(ch->events);
	/* Nothing can be written there any more: the QP is gone. */
	srpi_mem_free(&ch->s->spare);
	ch->s->spare = ch->mem;
	free(ch->tx_len);
	free(ch);
}

/* ---- login ----------------------------------------------------------------------------------------- */

static void build_ib_login(const struct srpi_target *t, const struct srpi_login_opts *o,
			   struct srp_wire_login_req *req)
{
	*req = (struct srp_wire_login_req) {
		.opcode = SRP_OP_LOGIN_REQ,
		.tag = o->tag,
		.req_it_iu_len = htobe32(o->iu_len),
		.req_buf_fmt = htobe16(o->formats),
		.req_flags = o->flags,
		.imm_data_offset = htobe16(o->imm_off),
	};
	memcpy(req->initiator_port_id, t->i_port_id, sizeof(t->i_port_id));
	memcpy(req->target_port_id, t->t_port_id, sizeof(t->t_port_id));
}

static void build_rdma_login(const struct srpi_target *t, const struct srpi_login_opts *o,
			     struct srp_wire_login_req_rdma *req)
{
	*req = (struct srp_wire_login_req_rdma) {
		.opcode = SRP_OP_LOGIN_REQ,
		.tag = o->tag,
		.req_it_iu_len = htobe32(o->iu_len),
		.req_buf_fmt = htobe16(o->formats),
		.req_flags = o->flags,
		.imm_data_offset = htobe16(o->imm_off),
	};
	memcpy(req->initiator_port_id, t->i_port_id, sizeof(t->i_port_id));
	memcpy(req->target_port_id, t->t_port_id, sizeof(t->t_port_id));
}

u8 srpi_build_login(const struct srpi *s, const struct srpi_login_opts *opts, void *buf)
{
	struct srpi_login_opts o = { 0 };

	if (opts)
		o = *opts;
	fill_defaults(&o);
	if (s->target.dst.ss_family == AF_IB) {
		build_ib_login(&s->target, &o, buf);
		return sizeof(struct srp_wire_login_req);
	}
	build_rdma_login(&s->target, &o, buf);
	return sizeof(struct srp_wire_login_req_rdma);
}

int srpi_connect(struct srpi_chan *ch, const struct srpi_login_opts *opts)
{
	struct srpi_login_opts o = { 0 };
	u8 built[sizeof(struct srp_wire_login_req)];
	struct rdma_conn_param param = { .rnr_retry_count = 7 };

	if (opts)
		o = *opts;
	fill_defaults(&o);
	param.responder_resources = o.no_reads ? 0 : o.responder_resources;
	param.retry_count = o.retry_count;
	param.qp_num = o.qp_num ? o.qp_num : ch->qp->qp_num;
	if (o.private_data) {
		param.private_data = o.private_data;
		param.private_data_len = o.private_data_len;
	} else {
		param.private_data_len = srpi_build_login(ch->s, &o, built);
		param.private_data = built;
	}
	ch->login.tag = o.tag;
	if (rdma_connect(ch->id, &param))
		return srpi_fail(ch, -errno, "rdma_connect: %m");
	return 0;
}

static int take_reject(struct srpi_chan *ch, const struct rdma_cm_event *event)
{
	const struct srp_wire_login_rej *rej = (const void *)ch->login.private_data;

	ch->login.rejected = true;
	ch->login.cm_status = event->status;
	if (ch->login.private_data_len >= sizeof(*rej) && rej->opcode == SRP_OP_LOGIN_REJ) {
		ch->login.reason = be32toh(rej->reason);
		ch->login.tag = rej->tag;
		ch->login.formats = be16toh(rej->buf_fmt);
		return srpi_fail(ch, -ECONNREFUSED, "login rejected, reason %#x: %s", ch->login.reason,
				 srpi_reject_str(ch->login.reason));
	}
	return srpi_fail(ch, -ECONNREFUSED, "connection rejected, CM reason %d: %s", event->status,
			 srpi_cm_reject_str(event->status));
}

static int take_response(struct srpi_chan *ch, const struct rdma_cm_event *event)
{
	const struct srp_wire_login_rsp *rsp = (const void *)ch->login.private_data;

	ch->connected = true;
	ch->login.initiator_depth = event->param.conn.initiator_depth;
	if (ch->login.private_data_len < sizeof(*rsp) || rsp->opcode != SRP_OP_LOGIN_RSP)
		return srpi_fail(ch, -EPROTO, "accepted with %u bytes of opcode %02x instead of an SRP_LOGIN_RSP",
				 ch->login.private_data_len, rsp->opcode);
	ch->login.tag = rsp->tag;
	ch->login.limit = (s32)be32toh(rsp->req_lim_delta);
	ch->login.max_it_iu_len = be32toh(rsp->max_it_iu_len);
	ch->login.max_ti_iu_len = be32toh(rsp->max_ti_iu_len);
	ch->login.formats = be16toh(rsp->buf_fmt);
	ch->login.mc_result = rsp->rsp_flags & SRP_LOGIN_MC_MASK;
	ch->login.imm = rsp->rsp_flags & SRP_LOGIN_IMM;
	return 0;
}

int srpi_wait_rep(struct srpi_chan *ch)
{
	struct rdma_cm_event event;
	int ret;

	ch->login.private_data_len = sizeof(ch->login.private_data);
	/* The CM of the kernel knows how long to wait; a login may have to wait for an old session. */
	ret = srpi_next_event(ch->events, 4 * ch->s->timeout_ms, &event, ch->login.private_data,
			      &ch->login.private_data_len);
	if (ret)
		return srpi_fail(ch, ret, "no answer to the login");
	note_event(ch, &event);
	switch (event.event) {
	case RDMA_CM_EVENT_CONNECT_RESPONSE:
		ret = take_response(ch, &event);
		/* Only now does the CM know what access the target needs. */
		if (!ret)
			ret = modify_qp(ch, IBV_QPS_INIT);
		if (!ret)
			ret = modify_qp(ch, IBV_QPS_RTR);
		return ret ? ret : modify_qp(ch, IBV_QPS_RTS);
	case RDMA_CM_EVENT_REJECTED:
		return take_reject(ch, &event);
	case RDMA_CM_EVENT_UNREACHABLE:
		return srpi_fail(ch, event.status == -ETIMEDOUT ? -ETIMEDOUT : -EHOSTUNREACH,
				 "no answer to the login, status %d", event.status);
	default:
		return srpi_fail(ch, -EPROTO, "%s, status %d", rdma_event_str(event.event), event.status);
	}
}

int srpi_establish(struct srpi_chan *ch)
{
	if (rdma_establish(ch->id))
		return srpi_fail(ch, -errno, "rdma_establish: %m");
	return 0;
}

int srpi_reject(struct srpi_chan *ch)
{
	ch->connected = false;
	if (rdma_reject(ch->id, NULL, 0))
		return srpi_fail(ch, -errno, "rdma_reject: %m");
	return 0;
}

int srpi_login(struct srpi *s, const struct srpi_login_opts *opts, struct srpi_chan **ch)
{
	int ret = srpi_chan_create(s, opts, ch);

	if (ret)
		return ret;
	ret = srpi_connect(*ch, opts);
	if (!ret)
		ret = srpi_wait_rep(*ch);
	if (!ret)
		ret = srpi_establish(*ch);
	return ret;
}

const struct srpi_login_rsp *srpi_chan_login(const struct srpi_chan *ch)
{
	return &ch->login;
}

struct ibv_qp *srpi_chan_qp(const struct srpi_chan *ch)
{
	return ch->qp;
}

struct rdma_cm_id *srpi_chan_cm_id(const struct srpi_chan *ch)
{
	return ch->id;
}

const char *srpi_error(const struct srpi_chan *ch)
{
	return ch->error;
}
