// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "raw.h"

#define CM_TIMEOUT	5000
#define LOGIN_TIMEOUT	20000
#define NR_SEND		1200

struct target target = {
	.port		= "5555",
	.missing_lun	= 200,
	.hold_lun	= -1,
};

static void __attribute__((noreturn)) die(const char *what)
{
	printf("# %s: %s\n", what, strerror(errno));
	exit(2);
}

static void *check(void *p, const char *what)
{
	if (!p)
		die(what);
	return p;
}

long long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000ll + t.tv_nsec / 1000000;
}

void msleep(int ms)
{
	poll(NULL, 0, ms);
}

u64 new_tag(void)
{
	static u64 tag = 0x5a5a000000000000ull;

	return ++tag;
}

/* ---- connection manager ------------------------------------------------------ */

/* The next event, or NULL after ms. */
static struct rdma_cm_event *next_event(struct chan *ch, int ms)
{
	struct pollfd fd = { .fd = ch->events->fd, .events = POLLIN };
	struct rdma_cm_event *event;

	if (poll(&fd, 1, ms) <= 0 || rdma_get_cm_event(ch->events, &event))
		return NULL;
	return event;
}

static bool expect_event(struct chan *ch, enum rdma_cm_event_type type)
{
	struct rdma_cm_event *event = next_event(ch, CM_TIMEOUT);
	bool ok = event && event->event == type;

	if (!ok)
		printf("# %s instead of %s\n", event ? rdma_event_str(event->event) : "nothing",
		       rdma_event_str(type));
	if (event)
		rdma_ack_cm_event(event);
	return ok;
}

static void resolve(struct chan *ch)
{
	struct rdma_addrinfo hints = { .ai_port_space = RDMA_PS_TCP }, *ai;

	ch->events = check(rdma_create_event_channel(), "event channel");
	fcntl(ch->events->fd, F_SETFL, O_NONBLOCK);
	if (rdma_create_id(ch->events, &ch->id, ch, RDMA_PS_TCP))
		die("rdma_create_id");
	if (rdma_getaddrinfo((char *)target.address, (char *)target.port, &hints, &ai))
		die(target.address);
	if (rdma_resolve_addr(ch->id, NULL, ai->ai_dst_addr, CM_TIMEOUT) ||
	    !expect_event(ch, RDMA_CM_EVENT_ADDR_RESOLVED) ||
	    rdma_resolve_route(ch->id, CM_TIMEOUT) ||
	    !expect_event(ch, RDMA_CM_EVENT_ROUTE_RESOLVED))
		die("no route to the target");
	rdma_freeaddrinfo(ai);
}

static void create_objects(struct chan *ch)
{
	int rights = IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_READ | IBV_ACCESS_REMOTE_WRITE;
	struct ibv_qp_init_attr qp = {
		.qp_type	= IBV_QPT_RC,
		.cap		= { .max_send_wr = NR_SEND, .max_recv_wr = 1200,
				    .max_send_sge = 1, .max_recv_sge = 1 },
	};

	ch->pd = check(ibv_alloc_pd(ch->id->verbs), "PD");
	ch->comp = check(ibv_create_comp_channel(ch->id->verbs), "completion channel");
	ch->cq = check(ibv_create_cq(ch->id->verbs, 2 * NR_SEND + 64, NULL, ch->comp, 0), "CQ");
	qp.send_cq = ch->cq;
	qp.recv_cq = ch->cq;
	if (rdma_create_qp(ch->id, ch->pd, &qp))
		die("QP");
	ch->send_buf = check(calloc(NR_SEND, IU_SIZE), "send buffers");
	ch->send_mr = check(ibv_reg_mr(ch->pd, ch->send_buf, (size_t)NR_SEND * IU_SIZE, 0), "MR");
	if (posix_memalign((void **)&ch->data, 4096, DATA_SIZE))
		die("data");
	memset(ch->data, 0, DATA_SIZE);
	ch->data_mr = check(ibv_reg_mr(ch->pd, ch->data, DATA_SIZE, rights), "data MR");
	ibv_req_notify_cq(ch->cq, 0);
}

static void post_recv(struct chan *ch, u32 i)
{
	struct ibv_sge sge = {
		.addr	= (uintptr_t)ch->recv_buf + i * sizeof(ch->queue[0].iu),
		.length	= sizeof(ch->queue[0].iu),
		.lkey	= ch->recv_mr->lkey,
	};
	struct ibv_recv_wr wr = { .wr_id = i, .sg_list = &sge, .num_sge = 1 }, *bad;

	ibv_post_recv(ch->id->qp, &wr, &bad);
}

/* As Linux does it: only when the connection is up; the target is silent until asked. */
static void post_receives(struct chan *ch)
{
	u32 i, size = sizeof(ch->queue[0].iu);

	ch->nr_recv = ch->initial + 8 < 1200 ? ch->initial + 8 : 1200;
	ch->recv_buf = check(calloc(ch->nr_recv, size), "receive buffers");
	ch->recv_mr = check(ibv_reg_mr(ch->pd, ch->recv_buf, ch->nr_recv * size,
				       IBV_ACCESS_LOCAL_WRITE), "receive MR");
	for (i = 0; i < ch->nr_recv; i++)
		post_recv(ch, i);
}

static void connect_to(struct chan *ch, const struct login_options *opt)
{
	struct srp_wire_login_req_rdma req = {
		.tag			= new_tag(),
		.req_buf_fmt		= be16(opt->formats),
		.req_flags		= opt->flags,
		.opcode			= opt->opcode,
		.req_it_iu_len		= be(opt->it_iu_len),
		.imm_data_offset	= be16(opt->imm_offset),
	};
	struct rdma_conn_param param = {
		.private_data		= &req,
		.private_data_len	= opt->private_len ? opt->private_len : sizeof(req),
		.responder_resources	= opt->read_depth,
		.retry_count		= 7,
		.rnr_retry_count	= 7,
	};
	u64 ids[4] = { be64(target.extension), be64(0x0002c90300000000ull | target.extension),
		       be64(target.guid ^ opt->target_id_xor), be64(target.guid) };

	memcpy(req.initiator_port_id, ids, 16);
	memcpy(req.target_port_id, ids + 2, 16);
	if (rdma_connect(ch->id, &param))
		die("rdma_connect");
}

static void take_reject(struct chan *ch, const struct rdma_cm_event *event)
{
	const struct srp_wire_login_rej *rej = event->param.conn.private_data;

	ch->state = CHAN_REJECTED;
	ch->cm_status = event->status;
	if (event->event == RDMA_CM_EVENT_REJECTED && rej &&
	    event->param.conn.private_data_len >= sizeof(*rej) && rej->opcode == SRP_OP_LOGIN_REJ)
		ch->reject_reason = be(rej->reason);
}

/* Returns a channel in state LIVE or REJECTED. */
struct chan *chan_open(const struct login_options *opt)
{
	struct chan *ch = check(calloc(1, sizeof(*ch)), "memory");
	struct rdma_cm_event *event;

	ch->logout_reason = -1;
	resolve(ch);
	create_objects(ch);
	connect_to(ch, opt);
	event = next_event(ch, LOGIN_TIMEOUT);
	if (!event) {
		printf("# no answer to the login\n");
		ch->state = CHAN_REJECTED;
		return ch;
	}
	if (event->event == RDMA_CM_EVENT_ESTABLISHED) {
		memcpy(&ch->login, event->param.conn.private_data, sizeof(ch->login));
		ch->initial = be(ch->login.req_lim_delta);
		ch->granted = ch->initial;
		ch->state = CHAN_LIVE;
		post_receives(ch);
	} else {
		take_reject(ch, event);
	}
	rdma_ack_cm_event(event);
	return ch;
}

/* ---- what arrives ---------------------------------------------------------------- */

static void take_iu(struct chan *ch, u32 i, u32 len)
{
	const u8 *iu = ch->recv_buf + i * sizeof(ch->queue[0].iu);
	const struct srp_wire_rsp *rsp = (const void *)iu;
	struct received *r;

	if (len >= 16 && iu[0] == SRP_OP_T_LOGOUT) {
		ch->logout_reason = be(((const struct srp_wire_t_logout *)iu)->reason);
	} else {
		if (len >= 16 && (iu[0] == SRP_OP_RSP || iu[0] == SRP_OP_CRED_REQ))
			ch->granted += (s32)be(rsp->req_lim_delta);
		if (ch->queued < 256) {
			r = &ch->queue[ch->queued++];
			r->len = len;
			memcpy(r->iu, iu, len);
		}
	}
	post_recv(ch, i);
}

static void take_completions(struct chan *ch)
{
	struct ibv_wc wc;

	while (ibv_poll_cq(ch->cq, 1, &wc) > 0) {
		bool send = wc.wr_id >> 63;

		if (send)
			ch->sends_pending--;
		if (wc.status == IBV_WC_SUCCESS) {
			if (!send)
				take_iu(ch, wc.wr_id, wc.byte_len);
		} else if (wc.status != IBV_WC_WR_FLUSH_ERR && !ch->wc_error) {
			ch->wc_error = wc.status;
		}
	}
}

static void take_events(struct chan *ch)
{
	struct rdma_cm_event *event;

	while (!rdma_get_cm_event(ch->events, &event)) {
		if (event->event == RDMA_CM_EVENT_DISCONNECTED) {
			ch->disconnected = true;
			rdma_disconnect(ch->id);
		}
		rdma_ack_cm_event(event);
	}
}

void chan_pump(struct chan *ch, int ms)
{
	struct pollfd fds[2] = {
		{ .fd = ch->comp->fd, .events = POLLIN },
		{ .fd = ch->events->fd, .events = POLLIN },
	};
	struct ibv_cq *cq;
	void *context;

	take_completions(ch);
	if (ch->queued)
		ms = 0;
	if (poll(fds, 2, ms) > 0 && (fds[0].revents & POLLIN) &&
	    !ibv_get_cq_event(ch->comp, &cq, &context)) {
		ibv_ack_cq_events(cq, 1);
		ibv_req_notify_cq(cq, 0);
	}
	take_completions(ch);
	if (fds[1].revents & POLLIN)
		take_events(ch);
}

const struct received *chan_wait_rsp(struct chan *ch, u64 tag, int ms)
{
	static struct received found;
	long long end = now_ms() + ms;
	u32 i;

	for (;;) {
		for (i = 0; i < ch->queued; i++) {
			const struct srp_wire_rsp *rsp = rsp_of(&ch->queue[i]);

			if (ch->queue[i].len < 36 || rsp->opcode != SRP_OP_RSP || rsp->tag != tag)
				continue;
			found = ch->queue[i];
			memmove(&ch->queue[i], &ch->queue[i + 1],
				(--ch->queued - i) * sizeof(found));
			return &found;
		}
		if (ch->disconnected || now_ms() >= end)
			return NULL;
		/* What waits for somebody else must not make this a busy loop. */
		if (ch->queued)
			msleep(1);
		chan_pump(ch, 50);
	}
}

bool chan_wait_closed(struct chan *ch, int ms)
{
	long long end = now_ms() + ms;

	while (!ch->disconnected && now_ms() < end) {
		ch->queued = 0;
		chan_pump(ch, 50);
	}
	/* A logout may be in the queue still. */
	take_completions(ch);
	return ch->disconnected;
}

bool chan_credits_conserved(const struct chan *ch)
{
	return ch->granted - ch->requests == ch->initial;
}

/* ---- what is sent ------------------------------------------------------------------ */

static void post(struct chan *ch, struct ibv_send_wr *wr)
{
	struct ibv_send_wr *bad;

	while (ch->sends_pending >= NR_SEND - 1 && !ch->disconnected)
		chan_pump(ch, 10);
	wr->wr_id = 1ull << 63;
	wr->send_flags = IBV_SEND_SIGNALED;
	if (!ibv_post_send(ch->id->qp, wr, &bad))
		ch->sends_pending++;
}

void chan_send_op(struct chan *ch, const void *iu, u32 len, enum ibv_wr_opcode op, u32 imm)
{
	u8 *buf = ch->send_buf + ch->next_send++ % NR_SEND * IU_SIZE, opcode = len ? *(u8 *)iu : 0xff;
	struct ibv_sge sge = { .addr = (uintptr_t)buf, .length = len, .lkey = ch->send_mr->lkey };
	struct ibv_send_wr wr = { .sg_list = &sge, .num_sge = len ? 1 : 0, .opcode = op };

	if (op == IBV_WR_SEND_WITH_INV)
		wr.invalidate_rkey = imm;
	else
		wr.imm_data = imm;
	memcpy(buf, iu, len);
	if (opcode == SRP_OP_CMD || opcode == SRP_OP_TSK_MGMT)
		ch->requests++;
	post(ch, &wr);
}

void chan_send(struct chan *ch, const void *iu, u32 len)
{
	chan_send_op(ch, iu, len, IBV_WR_SEND, 0);
}

void chan_rdma(struct chan *ch, enum ibv_wr_opcode op, u64 va, u32 key, u32 len)
{
	struct ibv_sge sge = { .addr = (uintptr_t)ch->data, .length = len, .lkey = ch->data_mr->lkey };
	struct ibv_send_wr wr = {
		.sg_list = &sge, .num_sge = len ? 1 : 0, .opcode = op,
		.wr.rdma = { .remote_addr = va, .rkey = key },
	};

	post(ch, &wr);
}

/* ---- the end ----------------------------------------------------------------------- */

void chan_drop(struct chan *ch)
{
	if (ch->id->qp)
		rdma_destroy_qp(ch->id);
	ibv_destroy_cq(ch->cq);
	ibv_destroy_comp_channel(ch->comp);
	ibv_dereg_mr(ch->send_mr);
	if (ch->recv_mr)
		ibv_dereg_mr(ch->recv_mr);
	ibv_dereg_mr(ch->data_mr);
	ibv_dealloc_pd(ch->pd);
	rdma_destroy_id(ch->id);
	rdma_destroy_event_channel(ch->events);
	free(ch->send_buf);
	free(ch->recv_buf);
	free(ch->data);
	free(ch);
}

void chan_close(struct chan *ch)
{
	if (ch->state == CHAN_LIVE && !ch->disconnected) {
		rdma_disconnect(ch->id);
		chan_wait_closed(ch, CM_TIMEOUT);
	}
	chan_drop(ch);
}
