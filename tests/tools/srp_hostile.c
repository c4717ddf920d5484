// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * An SRP initiator that does what no initiator should do, over the RDMA CM.
 *
 *	srp_hostile ADDR PORT GUID TEST...
 *
 * GUID is the target's srpt_service_guid in hexadecimal. The tests are listed at the end of this file; some take
 * arguments, which follow their name after colons: channels:8, fuzz:10:4711. Each begins without a channel.
 *
 * All commands go to LUN 1, which has to be a disk of 512-byte blocks, of 1 MiB at least, and which is overwritten.
 * LUN 0 is left alone, so that others can do I/O there and see that they are not disturbed.
 */
#include <arpa/inet.h>
#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <infiniband/verbs.h>
#include <linux/types.h>
#include <poll.h>
#include <rdma/rdma_cma.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef unsigned long long u64;
#define __packed __attribute__((__packed__))
#include "srp_wire.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

#define LUN		1	/* of all commands, unless a test is given another one */
#define NO_LUN		77	/* there is none of this number */
#define BLOCK		512
#define IU_LEN		8260	/* asked for at login */
#define IMM_OFF		68	/* likewise */
#define CANARY		0xa5
#define TIMEOUT		20000	/* ms; a kernel with debugging on a busy machine */

#define MAX_CHANS	17
#define NR_RX		256	/* receives of a channel: more than any request limit */
#define RX_SIZE		512
#define NR_TX		448	/* sends of a channel, without a look at completions */
#define TX_SIZE		1024
#define IS_SEND		(1ULL << 63)	/* in wr_id */

#define DATA_SIZE	(1 << 20)

struct chan {
	bool			used;
	struct rdma_event_channel *events;
	struct rdma_cm_id	*id;
	struct ibv_comp_channel	*comp;
	struct ibv_cq		*cq;
	struct ibv_qp		*qp;
	u8			*rx, *tx;
	u32			next_tx, sq_used;
	bool			connected, closed;
	/* from the login */
	int			limit;
	u32			it_iu_len;
	u8			mc_result;
	bool			imm;
	/* credits */
	long			requests, deltas;
};

/* An IU under construction. */
struct iu {
	u8	b[TX_SIZE];
	u32	len;
};

struct rsp {
	u8	iu[RX_SIZE];
	u32	len;
};

static struct sockaddr_in target;
static u64 guid;
static u8 lun = LUN;
static struct chan chans[MAX_CHANS];
static struct ibv_pd *pd;
static struct ibv_mr *ring_mr, *data_mr;
static u8 *data;		/* what the target may read and write */
static jmp_buf on_failure;

/* ---- failures and time ----------------------------------------------------------------------------- */

/* Ends what attempt() runs. */
static void __attribute__((noreturn, format(printf, 1, 2))) fail(const char *fmt, ...)
{
	va_list args;

	printf("not ok: ");
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	printf("\n");
	longjmp(on_failure, 1);
}

static void require(bool good, const char *what)
{
	if (!good)
		fail("%s: %s", what, strerror(errno));
}

static long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static u64 random_state = 1;

static u64 next_random(void)
{
	u64 z = random_state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

static u32 below(u32 n)
{
	return next_random() % n;
}

/* All 64 bits of a tag are in use, and none comes twice. */
static u64 next_tag(void)
{
	static u64 n;

	return 0x9d39247e33776d41ULL * ++n;
}

/* ---- channels -------------------------------------------------------------------------------------- */

static void close_chan(struct chan *ch)
{
	if (!ch->used)
		return;
	if (ch->connected)
		rdma_disconnect(ch->id);
	if (ch->qp)
		rdma_destroy_qp(ch->id);
	if (ch->cq)
		ibv_destroy_cq(ch->cq);
	if (ch->comp)
		ibv_destroy_comp_channel(ch->comp);
	if (ch->id)
		rdma_destroy_id(ch->id);
	if (ch->events)
		rdma_destroy_event_channel(ch->events);
	ch->used = false;
}

static void close_all(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(chans); i++)
		close_chan(&chans[i]);
}

static void post_recv(struct chan *ch, u32 i)
{
	struct ibv_sge sge = {
		.addr = (uintptr_t)(ch->rx + i * RX_SIZE), .length = RX_SIZE, .lkey = ring_mr->lkey,
	};
	struct ibv_recv_wr wr = { .wr_id = i, .sg_list = &sge, .num_sge = 1 }, *bad;

	if (ibv_post_recv(ch->qp, &wr, &bad))
		fail("a receive cannot be posted");
}

/* Once, when the device is known. */
static void make_memory(struct ibv_context *verbs)
{
	const size_t ring = NR_RX * RX_SIZE + NR_TX * TX_SIZE, size = MAX_CHANS * ring;
	unsigned int i;
	u8 *p;

	if (pd)
		return;
	pd = ibv_alloc_pd(verbs);
	require(pd, "ibv_alloc_pd");
	p = mmap(NULL, size + DATA_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	require(p != MAP_FAILED, "mmap");
	ring_mr = ibv_reg_mr(pd, p, size, IBV_ACCESS_LOCAL_WRITE);
	require(ring_mr, "ibv_reg_mr");
	for (i = 0; i < MAX_CHANS; i++) {
		chans[i].rx = p + i * ring;
		chans[i].tx = chans[i].rx + NR_RX * RX_SIZE;
	}
	data = p + size;
	data_mr = ibv_reg_mr(pd, data, DATA_SIZE,
			     IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_READ | IBV_ACCESS_REMOTE_WRITE);
	require(data_mr, "ibv_reg_mr");
}

/* What comes before and with the login; private data of the event goes to @pdata. */
static void wait_cm(struct chan *ch, enum rdma_cm_event_type type, void *pdata, u8 size)
{
	struct pollfd fd = { .fd = ch->events->fd, .events = POLLIN };
	struct rdma_cm_event *event;
	enum rdma_cm_event_type got;
	u32 reason = 0;
	int status;

	if (poll(&fd, 1, TIMEOUT) != 1)
		fail("no CM event, waited for %s", rdma_event_str(type));
	require(!rdma_get_cm_event(ch->events, &event), "rdma_get_cm_event");
	got = event->event;
	status = event->status;
	if (got == RDMA_CM_EVENT_REJECTED &&
	    event->param.conn.private_data_len >= sizeof(struct srp_wire_login_rej)) {
		const struct srp_wire_login_rej *rej = event->param.conn.private_data;

		reason = be32toh(rej->reason);
	}
	if (got == type && pdata) {
		if (event->param.conn.private_data_len < size)
			size = event->param.conn.private_data_len;
		memcpy(pdata, event->param.conn.private_data, size);
	}
	rdma_ack_cm_event(event);
	if (got != type)
		fail("%s instead of %s, status %d, login reject reason %x", rdma_event_str(got),
		     rdma_event_str(type), status, reason);
}

static void make_qp(struct chan *ch)
{
	struct ibv_qp_init_attr init = {
		.qp_type = IBV_QPT_RC,
		.sq_sig_all = 1,
		.cap = {
			.max_send_wr = NR_TX,
			.max_recv_wr = NR_RX,
			.max_send_sge = 1,
			.max_recv_sge = 1,
		},
	};
	u32 i;

	ch->comp = ibv_create_comp_channel(ch->id->verbs);
	require(ch->comp, "ibv_create_comp_channel");
	ch->cq = ibv_create_cq(ch->id->verbs, NR_TX + NR_RX, NULL, ch->comp, 0);
	require(ch->cq, "ibv_create_cq");
	init.send_cq = ch->cq;
	init.recv_cq = ch->cq;
	require(!rdma_create_qp(ch->id, pd, &init), "rdma_create_qp");
	ch->qp = ch->id->qp;
	for (i = 0; i < NR_RX; i++)
		post_recv(ch, i);
}

static struct chan *free_chan(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(chans); i++) {
		struct chan *ch = &chans[i];
		u8 *rx = ch->rx, *tx = ch->tx;

		if (ch->used)
			continue;
		memset(ch, 0, sizeof(*ch));
		ch->used = true;
		ch->rx = rx;
		ch->tx = tx;
		return ch;
	}
	fail("out of channels");
}

static void check_login_rsp(struct chan *ch, const struct srp_wire_login_rsp *rsp, u64 tag)
{
	if (rsp->opcode != SRP_OP_LOGIN_RSP || rsp->tag != tag)
		fail("bad SRP_LOGIN_RSP: opcode %02x, tag %llx", rsp->opcode, rsp->tag);
	ch->limit = (int)be32toh(rsp->req_lim_delta);
	ch->it_iu_len = be32toh(rsp->max_it_iu_len);
	ch->mc_result = rsp->rsp_flags & SRP_LOGIN_MC_MASK;
	ch->imm = rsp->rsp_flags & SRP_LOGIN_IMM;
	if (ch->limit < 2 || ch->limit > NR_RX || ch->it_iu_len < IU_LEN)
		fail("request limit %d, IU length %u", ch->limit, ch->it_iu_len);
}

/* @flags: SRP_LOGIN_MC_*, SRP_LOGIN_IMM */
static struct chan *login(u8 flags)
{
	struct chan *ch = free_chan();
	struct srp_wire_login_req_rdma req = {
		.tag = next_tag(),
		.req_buf_fmt = htobe16(SRP_LOGIN_FMT_SUPPORTED),
		.req_flags = flags,
		.opcode = SRP_OP_LOGIN_REQ,
		.req_it_iu_len = htobe32(IU_LEN),
		.initiator_port_id = "hostile",
		.imm_data_offset = htobe16(IMM_OFF),
	};
	struct rdma_conn_param param = {
		.private_data = &req,
		.private_data_len = sizeof(req),
		.responder_resources = 4,
		.initiator_depth = 1,
		.retry_count = 7,
		.rnr_retry_count = 7,
	};
	struct srp_wire_login_rsp rsp = { 0 };
	u64 be_guid = htobe64(guid);

	memcpy(req.target_port_id, &be_guid, 8);
	memcpy(req.target_port_id + 8, &be_guid, 8);

	ch->events = rdma_create_event_channel();
	require(ch->events, "rdma_create_event_channel");
	require(!rdma_create_id(ch->events, &ch->id, NULL, RDMA_PS_TCP), "rdma_create_id");
	require(!rdma_resolve_addr(ch->id, NULL, (struct sockaddr *)&target, TIMEOUT), "rdma_resolve_addr");
	wait_cm(ch, RDMA_CM_EVENT_ADDR_RESOLVED, NULL, 0);
	require(!rdma_resolve_route(ch->id, TIMEOUT), "rdma_resolve_route");
	wait_cm(ch, RDMA_CM_EVENT_ROUTE_RESOLVED, NULL, 0);
	make_memory(ch->id->verbs);
	make_qp(ch);
	require(!rdma_connect(ch->id, &param), "rdma_connect");
	wait_cm(ch, RDMA_CM_EVENT_ESTABLISHED, &rsp, sizeof(rsp));
	ch->connected = true;
	check_login_rsp(ch, &rsp, req.tag);
	require(!fcntl(ch->events->fd, F_SETFL, O_NONBLOCK), "fcntl");
	require(!fcntl(ch->comp->fd, F_SETFL, O_NONBLOCK), "fcntl");
	return ch;
}

static void drain_cm_events(struct chan *ch)
{
	struct rdma_cm_event *event;

	while (!rdma_get_cm_event(ch->events, &event)) {
		if (event->event == RDMA_CM_EVENT_DISCONNECTED)
			ch->closed = true;
		rdma_ack_cm_event(event);
	}
}

/* ---- IUs ------------------------------------------------------------------------------------------- */

/* Any work request that sends something; the caller sees to it that the queue is not full. */
static void post_wr(struct chan *ch, struct ibv_send_wr *wr)
{
	struct ibv_send_wr *bad;

	wr->wr_id = IS_SEND;
	if (ibv_post_send(ch->qp, wr, &bad))
		fail("a send cannot be posted");
	ch->sq_used++;
}

static void post_bytes(struct chan *ch, const void *buf, u32 len)
{
	u8 *slot = ch->tx + ch->next_tx * TX_SIZE;
	struct ibv_sge sge = { .addr = (uintptr_t)slot, .length = len, .lkey = ring_mr->lkey };
	struct ibv_send_wr wr = { .sg_list = &sge, .num_sge = len ? 1 : 0, .opcode = IBV_WR_SEND };

	memcpy(slot, buf, len);
	ch->next_tx = (ch->next_tx + 1) % NR_TX;
	post_wr(ch, &wr);
}

/* Returns whether there was one; *r.len = 0 if it was not an IU. */
static bool poll_cq(struct chan *ch, struct rsp *r)
{
	struct ibv_wc wc;

	r->len = 0;
	if (ibv_poll_cq(ch->cq, 1, &wc) != 1)
		return false;
	if (wc.wr_id & IS_SEND) {
		ch->sq_used--;
	} else if (wc.status == IBV_WC_SUCCESS) {
		r->len = wc.byte_len;
		memcpy(r->iu, ch->rx + wc.wr_id * RX_SIZE, r->len);
		post_recv(ch, wc.wr_id);
	}
	return true;
}

/* IUs that the target sends of its own accord. Returns whether it is one. */
static bool target_iu(struct chan *ch, const struct rsp *r)
{
	const struct srp_wire_cred_req *req = (const void *)r->iu;
	struct srp_wire_short answer = { .tag = req->tag };

	switch (req->opcode) {
	case SRP_OP_T_LOGOUT:
		return true;
	case SRP_OP_CRED_REQ:
		answer.opcode = SRP_OP_CRED_RSP;
		break;
	case SRP_OP_AER_REQ:
		answer.opcode = SRP_OP_AER_RSP;
		break;
	default:
		return false;
	}
	ch->deltas += (int)be32toh(req->req_lim_delta);
	post_bytes(ch, &answer, sizeof(answer));
	return true;
}

enum wait_result { WAIT_RSP, WAIT_CLOSED, WAIT_TIMEOUT };

static void sleep_until_event(struct chan *ch, long ms)
{
	struct pollfd fds[2] = {
		{ .fd = ch->events->fd, .events = POLLIN },
		{ .fd = ch->comp->fd, .events = POLLIN },
	};
	struct ibv_cq *cq;
	void *context;

	poll(fds, 2, ms);
	while (!ibv_get_cq_event(ch->comp, &cq, &context))
		ibv_ack_cq_events(cq, 1);
}

/* Waits for the next response, or for the end of the channel. */
static enum wait_result wait_rsp(struct chan *ch, struct rsp *r, long ms)
{
	const long end = now_ms() + ms;
	bool armed = false;

	for (;;) {
		if (poll_cq(ch, r)) {
			if (r->len && !target_iu(ch, r))
				return WAIT_RSP;
			continue;
		}
		drain_cm_events(ch);
		if (ch->closed)
			return WAIT_CLOSED;
		if (armed) {
			if (now_ms() >= end)
				return WAIT_TIMEOUT;
			sleep_until_event(ch, end - now_ms());
		}
		/* What came in between is seen by the next poll_cq(). */
		ibv_req_notify_cq(ch->cq, 0);
		armed = true;
	}
}

static const struct srp_wire_rsp *as_rsp(const struct rsp *r)
{
	return (const struct srp_wire_rsp *)r->iu;
}

/* Everything that is true of every SRP_RSP; counts its credits. */
static void check_rsp(struct chan *ch, const struct rsp *r)
{
	const struct srp_wire_rsp *w = as_rsp(r);
	u32 sense, resp;

	if (r->len < sizeof(*w) || w->opcode != SRP_OP_RSP)
		fail("%u bytes of opcode %02x instead of an SRP_RSP", r->len, w->opcode);
	sense = be32toh(w->sense_data_len);
	resp = be32toh(w->resp_data_len);
	if (r->len != sizeof(*w) + (u64)sense + resp)
		fail("SRP_RSP of %u bytes with %u of sense and %u of response data", r->len, sense, resp);
	if (!(w->flags & SRP_RSP_SNSVALID) != !sense || !(w->flags & SRP_RSP_RSPVALID) != !resp)
		fail("SRP_RSP: flags %02x, %u bytes of sense, %u of response data", w->flags, sense, resp);
	ch->deltas += (int)be32toh(w->req_lim_delta);
}

static void send_iu(struct chan *ch, const struct iu *iu)
{
	if (iu->len && (iu->b[0] == SRP_OP_CMD || iu->b[0] == SRP_OP_TSK_MGMT))
		ch->requests++;
	post_bytes(ch, iu->b, iu->len);
}

static u64 iu_tag(const struct iu *iu)
{
	u64 tag;

	memcpy(&tag, iu->b + 8, sizeof(tag));
	return tag;
}

/* Sends a request and gets its answer, with one credit. */
static void ask(struct chan *ch, const struct iu *iu, struct rsp *r)
{
	send_iu(ch, iu);
	switch (wait_rsp(ch, r, TIMEOUT)) {
	case WAIT_CLOSED:
		fail("the channel was closed");
	case WAIT_TIMEOUT:
		fail("no answer");
	case WAIT_RSP:
		break;
	}
	check_rsp(ch, r);
	if (as_rsp(r)->tag != iu_tag(iu))
		fail("tag %llx instead of %llx", as_rsp(r)->tag, iu_tag(iu));
	if (be32toh(as_rsp(r)->req_lim_delta) != 1)
		fail("request limit delta %d", be32toh(as_rsp(r)->req_lim_delta));
}

static void expect_closed(struct chan *ch)
{
	enum wait_result result;
	struct rsp r;

	do {
		result = wait_rsp(ch, &r, TIMEOUT);
	} while (result == WAIT_RSP);
	if (result != WAIT_CLOSED)
		fail("the channel was not closed");
	close_chan(ch);
}

static void expect_conserved(const struct chan *ch)
{
	if (ch->deltas != ch->requests)
		fail("%ld requests, but deltas of %ld", ch->requests, ch->deltas);
}

/* ---- commands -------------------------------------------------------------------------------------- */

#define CDB_TUR		{ 0x00 }
#define CDB_INQUIRY(n)	{ 0x12, 0, 0, 0, (n) }
#define CDB_READ(lba, n)	{ 0x28, 0, 0, 0, (lba) >> 8, (lba) & 0xff, 0, 0, (n) }
#define CDB_WRITE(lba, n)	{ 0x2a, 0, 0, 0, (lba) >> 8, (lba) & 0xff, 0, 0, (n) }

struct cdb {
	u8	b[SRP_CDB_LEN];
};

static struct srp_wire_cmd *begin_cmd(struct iu *iu, struct cdb cdb, u8 buf_fmt)
{
	struct srp_wire_cmd *w = (struct srp_wire_cmd *)iu->b;

	memset(iu, 0, sizeof(*iu));
	w->opcode = SRP_OP_CMD;
	w->tag = next_tag();
	w->lun[1] = lun;
	w->buf_fmt = buf_fmt;
	memcpy(w->cdb, cdb.b, sizeof(cdb.b));
	iu->len = sizeof(*w);
	return w;
}

static void append(struct iu *iu, const void *p, u32 len)
{
	assert(iu->len + len <= sizeof(iu->b));
	memcpy(iu->b + iu->len, p, len);
	iu->len += len;
}

static void append_be32(struct iu *iu, u32 v)
{
	__be32 be = htobe32(v);

	append(iu, &be, sizeof(be));
}

/* Memory at @off of the data. */
static void append_desc(struct iu *iu, u32 off, u32 len)
{
	struct srp_wire_desc desc = {
		.va = htobe64((uintptr_t)(data + off)), .key = htobe32(data_mr->rkey), .len = htobe32(len),
	};

	append(iu, &desc, sizeof(desc));
}

static void build_tur(struct iu *iu)
{
	begin_cmd(iu, (struct cdb){ CDB_TUR }, 0);
}

static void build_in(struct iu *iu, struct cdb cdb, u32 off, u32 len)
{
	begin_cmd(iu, cdb, SRP_DESC_DIRECT);
	append_desc(iu, off, len);
}

static void build_out(struct iu *iu, struct cdb cdb, u32 off, u32 len)
{
	begin_cmd(iu, cdb, SRP_DESC_DIRECT << 4);
	append_desc(iu, off, len);
}

static void build_tmf(struct iu *iu, u8 function, u64 on_lun, u64 task_tag)
{
	struct srp_wire_tsk_mgmt *w = (struct srp_wire_tsk_mgmt *)iu->b;

	memset(iu, 0, sizeof(*iu));
	w->opcode = SRP_OP_TSK_MGMT;
	w->tag = next_tag();
	w->function = function;
	w->task_tag = task_tag;
	on_lun = htobe64(on_lun);
	memcpy(w->lun, &on_lun, sizeof(w->lun));
	iu->len = sizeof(*w);
}

static void expect_good(const struct rsp *r)
{
	const struct srp_wire_rsp *w = as_rsp(r);

	if (w->status || w->flags || r->len != sizeof(*w) || w->data_out_res_cnt || w->data_in_res_cnt)
		fail("status %02x, flags %02x, residuals %u %u, sense %02x/%02x/%02x", w->status, w->flags,
		     be32toh(w->data_out_res_cnt), be32toh(w->data_in_res_cnt),
		     w->data[2], w->data[12], w->data[13]);
}

/* CHECK CONDITION with @sense: key, ASC, ASCQ */
static void expect_sense(const struct rsp *r, u32 sense)
{
	const struct srp_wire_rsp *w = as_rsp(r);
	const u8 *s = w->data;
	u32 got;

	if (w->status != 0x02 || !(w->flags & SRP_RSP_SNSVALID) || (w->flags & SRP_RSP_RSPVALID) ||
	    be32toh(w->sense_data_len) < 14 || (s[0] & 0x7f) != 0x70)
		fail("no CHECK CONDITION with sense: status %02x, flags %02x", w->status, w->flags);
	got = (s[2] & 0xf) << 16 | s[12] << 8 | s[13];
	if (got != sense)
		fail("sense %06x instead of %06x", got, sense);
}

static void do_good(struct chan *ch, const struct iu *iu)
{
	struct rsp r;

	ask(ch, iu, &r);
	expect_good(&r);
}

static void tur(struct chan *ch)
{
	struct iu iu;

	build_tur(&iu);
	do_good(ch, &iu);
}

/* Until unit attentions are over. */
static void settle(struct chan *ch)
{
	struct rsp r;
	struct iu iu;
	int i;

	for (i = 0; i < 8; i++) {
		build_tur(&iu);
		ask(ch, &iu, &r);
		if (!as_rsp(&r)->status)
			return;
		if ((as_rsp(&r)->data[2] & 0xf) != 6)
			break;
	}
	fail("no unit attention, but status %02x, sense key %x", as_rsp(&r)->status, as_rsp(&r)->data[2] & 0xf);
}

static struct chan *login_settled(u8 flags)
{
	struct chan *ch = login(flags);

	settle(ch);
	return ch;
}

static void fill_pattern(u32 off, u32 len, u64 seed)
{
	u32 i;

	for (i = 0; i < len; i++)
		data[off + i] = (seed * 7 + i + (i >> 8)) % 251;
}

static void expect_canary(u32 off, u32 len)
{
	u32 i;

	for (i = 0; i < len; i++) {
		if (data[off + i] != CANARY)
			fail("memory at offset %u was written", off + i);
	}
}

static void lay_canary(void)
{
	memset(data, CANARY, DATA_SIZE);
}

/* ---- tests ----------------------------------------------------------------------------------------- */

/* Rows of a test go on after one failed, so each is run by this. Returns whether it passed. */
static bool attempt(void (*fn)(const void *), const void *arg)
{
	if (setjmp(on_failure)) {
		close_all();
		return false;
	}
	fn(arg);
	return true;
}

static struct chan *shared;	/* by the rows of a test */

static struct chan *shared_chan(void)
{
	if (!shared || !shared->used || shared->closed)
		shared = login_settled(SRP_LOGIN_MC_SINGLE);
	return shared;
}

static void one_length(u8 opcode, u32 len)
{
	struct chan *ch = shared_chan();
	struct rsp r;
	struct iu iu;

	if (opcode == SRP_OP_TSK_MGMT)
		build_tmf(&iu, SRP_TMF_LUN_RESET, (u64)LUN << 48, 0);
	else
		build_tur(&iu);
	iu.b[0] = opcode;
	iu.len = len;

	if (len < 16 || opcode == SRP_OP_LOGIN_REQ || opcode == SRP_OP_I_LOGOUT) {
		send_iu(ch, &iu);
		expect_closed(ch);
		return;
	}
	switch (opcode) {
	case SRP_OP_CMD:
		ask(ch, &iu, &r);
		expect_sense(&r, 0x050e03);
		break;
	case SRP_OP_TSK_MGMT:
		ask(ch, &iu, &r);
		if (!(as_rsp(&r)->flags & SRP_RSP_RSPVALID) || as_rsp(&r)->data[3] != SRP_RSP_FIELDS_INVALID)
			fail("flags %02x, response code %02x", as_rsp(&r)->flags, as_rsp(&r)->data[3]);
		break;
	default:
		send_iu(ch, &iu);
	}
	/* Nothing was reset: there is no unit attention. */
	tur(ch);
	expect_conserved(ch);
}

static const u8 known_opcodes[] = {
	SRP_OP_LOGIN_REQ, SRP_OP_TSK_MGMT, SRP_OP_CMD, SRP_OP_I_LOGOUT, SRP_OP_CRED_RSP, SRP_OP_AER_RSP,
};

static void run_length(const void *arg)
{
	const u32 *row = arg;

	printf("opcode %02x, %u bytes\n", row[0], row[1]);
	one_length(row[0], row[1]);
}

static bool test_lengths(char **args)
{
	unsigned int i;
	bool good = true;
	u32 row[2];

	(void)args;
	for (i = 0; i < ARRAY_SIZE(known_opcodes); i++) {
		row[0] = known_opcodes[i];
		for (row[1] = i ? 1 : 0; row[1] < 48; row[1]++) {
			/* These are just a little too long. */
			if (row[1] > 17 && row[1] < 47 &&
			    (row[0] == SRP_OP_LOGIN_REQ || row[0] == SRP_OP_I_LOGOUT))
				continue;
			good &= attempt(run_length, row);
		}
	}
	return good;
}

static void run_opcode(const void *arg)
{
	struct chan *ch = login(SRP_LOGIN_MC_SINGLE);
	struct iu iu;

	build_tur(&iu);
	iu.b[0] = *(const u8 *)arg;
	iu.len = 64;
	printf("opcode %02x\n", iu.b[0]);
	post_bytes(ch, iu.b, iu.len);
	expect_closed(ch);
}

static bool test_opcodes(char **args)
{
	bool good = true;
	int i;

	(void)args;
	for (i = 0; i < 256; i++) {
		u8 opcode = i;

		if (!memchr(known_opcodes, opcode, sizeof(known_opcodes)))
			good &= attempt(run_opcode, &opcode);
	}
	good &= attempt(run_length, (u32[]){ SRP_OP_CMD, 16 });
	return good;
}

enum body { BODY_NONE, BODY_DIRECT, BODY_TABLE, BODY_IMM };

struct field {
	const char	*name;
	struct cdb	cdb;
	u8		fmt;		/* byte 5 */
	u8		out_cnt, in_cnt;
	u8		attr;
	u8		add;		/* byte 31 */
	u8		add_bytes;	/* of them in the IU */
	enum body	body;
	u32		table_len;
	u32		total;		/* of direct, table and immediate data */
	u32		entry_len;
	u8		nr_entries;	/* in the IU */
	u16		imm_bytes;	/* in the IU */
	u16		cut;		/* the IU ends here */
	bool		imm;		/* immediate data is agreed */
	bool		other_sense;	/* 05/24/00 */
	bool		good_too;	/* may be executed */
};

#define READ1	.cdb = { CDB_READ(0, 1) }
#define WRITE1	.cdb = { CDB_WRITE(0, 1) }
#define VAR(n)	.cdb = { { 0x7f, 0, 0, 0, 0, 0, 0, (n), 0, 9 } }
#define DIN	.fmt = 0x01, .body = BODY_DIRECT
#define DOUT	.fmt = 0x10, .body = BODY_DIRECT
#define IIN	.fmt = 0x02, .body = BODY_TABLE
#define IOUT	.fmt = 0x20, .body = BODY_TABLE

static const struct field fields[] = {
	{ "table of 1 byte", READ1, IIN, .in_cnt = 0, .table_len = 1, .total = 512, .entry_len = 512, .nr_entries = 1 },
	{ "table of 15 bytes", READ1, IIN, .in_cnt = 1, .table_len = 15, .total = 512, .entry_len = 512, .nr_entries = 1 },
	{ "table of 17 bytes", READ1, IIN, .in_cnt = 1, .table_len = 17, .total = 512, .entry_len = 512, .nr_entries = 1 },
	{ "table of 17 bytes, out", WRITE1, IOUT, .out_cnt = 1, .table_len = 17, .total = 512, .entry_len = 512,
	  .nr_entries = 1 },
	{ "table of 2^32 - 1 bytes", READ1, IIN, .in_cnt = 1, .table_len = 0xffffffff, .total = 512, .entry_len = 512,
	  .nr_entries = 1 },
	{ "table of 2^32 - 16 bytes", READ1, IIN, .in_cnt = 1, .table_len = 0xfffffff0, .total = 512, .entry_len = 512,
	  .nr_entries = 1 },
	{ "table of 256 MiB", READ1, IIN, .in_cnt = 1, .table_len = 0x10000000, .total = 512, .entry_len = 512,
	  .nr_entries = 1 },
	{ "table shorter than the count", READ1, IIN, .in_cnt = 4, .table_len = 16, .total = 512, .entry_len = 512,
	  .nr_entries = 4 },
	{ "count beyond the IU", READ1, IIN, .in_cnt = 255, .table_len = 4080, .total = 1024, .entry_len = 512,
	  .nr_entries = 2 },
	{ "count beyond the IU, out", WRITE1, IOUT, .out_cnt = 255, .table_len = 4080, .total = 1024, .entry_len = 512,
	  .nr_entries = 2 },
	{ "last entry cut", READ1, IIN, .in_cnt = 2, .table_len = 32, .total = 1024, .entry_len = 512, .nr_entries = 2,
	  .cut = 48 + 20 + 31 },
	{ "total above the sum", READ1, IIN, .in_cnt = 2, .table_len = 32, .total = 1025, .entry_len = 512, .nr_entries = 2 },
	{ "total below the sum", WRITE1, IOUT, .out_cnt = 2, .table_len = 32, .total = 512, .entry_len = 512, .nr_entries = 2 },
	{ "total with an empty table", READ1, IIN, .total = 512 },
	{ "total with an empty table, out", WRITE1, IOUT, .total = 512 },
	{ "sum of 2^32", READ1, IIN, .in_cnt = 2, .table_len = 32, .total = 0, .entry_len = 0x80000000, .nr_entries = 2 },
	{ "sum of 2^32 + 2^28", WRITE1, IOUT, .out_cnt = 17, .table_len = 272, .total = 0x10000000,
	  .entry_len = 0x10000000, .nr_entries = 17 },
	{ "direct, 2^31 bytes", READ1, DIN, .total = 0x80000000, .good_too = true },
	{ "direct, 2^32 - 1 bytes", READ1, DIN, .total = 0xffffffff, .good_too = true },
	{ "data-in format 3", READ1, .fmt = 0x03, .body = BODY_DIRECT, .total = 512 },
	{ "data-in format 3, agreed", READ1, .fmt = 0x03, .body = BODY_IMM, .total = 512, .imm_bytes = 512, .imm = true },
	{ "bidirectional 1/1", READ1, .fmt = 0x11, .body = BODY_DIRECT, .total = 512 },
	{ "bidirectional 1/2", READ1, .fmt = 0x12, .body = BODY_DIRECT, .total = 512 },
	{ "bidirectional 2/1", WRITE1, .fmt = 0x21, .body = BODY_TABLE, .out_cnt = 1, .table_len = 16, .total = 512,
	  .entry_len = 512, .nr_entries = 1 },
	{ "bidirectional 2/2", WRITE1, .fmt = 0x22, .body = BODY_TABLE, .out_cnt = 1, .table_len = 16, .total = 512,
	  .entry_len = 512, .nr_entries = 1 },
	{ "bidirectional 3/1", WRITE1, .fmt = 0x31, .body = BODY_IMM, .total = 512, .imm_bytes = 512, .imm = true },
	{ "bidirectional 3/2", WRITE1, .fmt = 0x32, .body = BODY_IMM, .total = 512, .imm_bytes = 512, .imm = true },
	{ "immediate data, not agreed", WRITE1, .fmt = 0x30, .body = BODY_IMM, .total = 512, .imm_bytes = 512 },
	{ "immediate data, none there", WRITE1, .fmt = 0x30, .body = BODY_IMM, .total = 512, .imm = true },
	{ "immediate data beyond the IU", WRITE1, .fmt = 0x30, .body = BODY_IMM, .total = 512, .imm_bytes = 511, .imm = true },
	{ "immediate data of 2^32 - 1 bytes", WRITE1, .fmt = 0x30, .body = BODY_IMM, .total = 0xffffffff, .imm_bytes = 512,
	  .imm = true },
	{ "immediate data, offset and length overflow", WRITE1, .fmt = 0x30, .body = BODY_IMM, .total = -IMM_OFF,
	  .imm_bytes = 512, .imm = true },
	{ "immediate descriptor cut", WRITE1, .fmt = 0x30, .body = BODY_IMM, .total = 512, .cut = 51, .imm = true },
	{ "immediate descriptor behind the data", WRITE1, .fmt = 0x30, .add = 0x80, .add_bytes = 0x80, .body = BODY_IMM,
	  .total = 4, .imm = true },
	{ "additional CDB beyond the IU", .cdb = { CDB_TUR }, .add = 0xfc },
	{ "additional CDB cut", .cdb = { CDB_TUR }, .add = 0x20, .add_bytes = 31 },
	{ "additional CDB, then no room for the descriptor", READ1, .fmt = 0x01, .add = 0x10, .add_bytes = 0x10 },
	{ "CDB longer than carried", VAR(24), DIN, .total = 512, .other_sense = true },
	{ "CDB much longer than carried", VAR(252), DIN, .total = 512, .other_sense = true },
	{ "CDB longer than carried, with additional CDB", VAR(0x1c), .add = 0x10, .add_bytes = 0x10, .other_sense = true },
	{ "CDB of 261 bytes", VAR(253), .add = 0xfc, .add_bytes = 0xfc, .other_sense = true },
	{ "CDB of 263 bytes", VAR(255), .add = 0xfc, .add_bytes = 0xfc, .other_sense = true },
	{ "READ with data-out", READ1, DOUT, .total = 512 },
	{ "READ with data-out table", READ1, IOUT, .out_cnt = 1, .table_len = 16, .total = 512, .entry_len = 512,
	  .nr_entries = 1 },
	{ "READ with immediate data", READ1, .fmt = 0x30, .body = BODY_IMM, .total = 512, .imm_bytes = 512, .imm = true },
	{ "INQUIRY with data-out", .cdb = { CDB_INQUIRY(36) }, DOUT, .total = 512 },
	{ "WRITE with data-in", WRITE1, DIN, .total = 512 },
	{ "WRITE with data-in table", WRITE1, IIN, .in_cnt = 1, .table_len = 16, .total = 512, .entry_len = 512,
	  .nr_entries = 1 },
	{ "task attribute 3", READ1, DIN, .total = 512, .attr = 3 },
	{ "task attribute 5", READ1, DIN, .total = 512, .attr = 5 },
	{ "task attribute 6", WRITE1, DOUT, .total = 512, .attr = 6 },
	{ "task attribute 7", .cdb = { CDB_TUR }, .attr = 7 },
};

static void build_field(struct iu *iu, const struct field *f)
{
	static const u8 zero[TX_SIZE];
	struct srp_wire_cmd *w = begin_cmd(iu, f->cdb, f->fmt);
	u32 i;

	w->data_out_desc_cnt = f->out_cnt;
	w->data_in_desc_cnt = f->in_cnt;
	w->task_attr = f->attr;
	w->add_cdb_len = f->add;
	append(iu, zero, f->add_bytes);
	switch (f->body) {
	case BODY_NONE:
		break;
	case BODY_DIRECT:
		append_desc(iu, 0, f->total);
		break;
	case BODY_TABLE:
		append_desc(iu, 0, f->table_len);
		append_be32(iu, f->total);
		for (i = 0; i < f->nr_entries; i++)
			append_desc(iu, i * BLOCK, f->entry_len);
		break;
	case BODY_IMM:
		append_be32(iu, f->total);
		if (f->imm_bytes && iu->len < IMM_OFF)
			append(iu, zero, IMM_OFF - iu->len);
		append(iu, zero, f->imm_bytes);
		break;
	}
	if (f->cut)
		iu->len = f->cut;
}

static struct chan *field_chans[2];	/* [1]: with immediate data */

static struct chan *field_chan(bool imm)
{
	struct chan *ch = field_chans[imm];

	if (!ch || !ch->used || ch->closed) {
		ch = login_settled(SRP_LOGIN_MC_MULTI | (imm ? SRP_LOGIN_IMM : 0));
		field_chans[imm] = ch;
	}
	if (ch->imm != imm)
		fail("immediate data %sagreed", ch->imm ? "" : "not ");
	return ch;
}

static void run_field(const void *arg)
{
	const struct field *f = arg;
	struct chan *ch;
	struct iu iu;
	struct rsp r;

	printf("%s\n", f->name);
	ch = field_chan(f->imm);
	build_field(&iu, f);
	lay_canary();
	ask(ch, &iu, &r);
	if (!f->good_too || as_rsp(&r)->status) {
		expect_sense(&r, f->other_sense ? 0x052400 : 0x050e03);
		expect_canary(0, 4096);
	} else {
		expect_canary(BLOCK, 4096);
	}
	tur(ch);
	expect_conserved(ch);
}

static bool test_fields(char **args)
{
	struct field f;
	bool good = true;
	unsigned int i;

	(void)args;
	for (i = 0; i < ARRAY_SIZE(fields); i++)
		good &= attempt(run_field, &fields[i]);
	for (i = 4; i < 16; i++) {
		f = (struct field){ "reserved data-in format", READ1, .fmt = i, .body = BODY_DIRECT, .total = 512 };
		good &= attempt(run_field, &f);
		f = (struct field){ "reserved data-out format", WRITE1, .fmt = i << 4, .body = BODY_DIRECT, .total = 512 };
		good &= attempt(run_field, &f);
	}
	for (i = 0; i < 16; i++) {
		f = (struct field){ "direct descriptor cut", READ1, DIN, .total = 512, .cut = 48 + i };
		good &= attempt(run_field, &f);
	}
	for (i = 0; i < 20; i++) {
		f = (struct field){ "table header cut", WRITE1, IOUT, .out_cnt = 1, .table_len = 16, .total = 512,
				    .cut = 48 + i };
		good &= attempt(run_field, &f);
	}
	return good;
}

#define LUN_IS(n)	((u64)(n) << 48)
#define TASK		0xfedcba9876543210ULL

struct tmf {
	u8	function;
	u64	lun;
	int	code, other;	/* either will do */
};

static const struct tmf tmfs[] = {
	{ 0x01, LUN_IS(LUN), 0x00, 0x00 },
	{ 0x08, LUN_IS(LUN), 0x00, 0x00 },
	{ 0x02, LUN_IS(LUN), 0x00, 0x04 },
	{ 0x04, LUN_IS(LUN), 0x00, 0x04 },
	{ 0x40, LUN_IS(LUN), 0x00, 0x04 },
	/* unknown function */
	{ 0x00, LUN_IS(LUN), 0x04, 0x04 },
	{ 0x03, LUN_IS(LUN), 0x04, 0x04 },
	{ 0x10, LUN_IS(LUN), 0x04, 0x04 },
	{ 0x20, LUN_IS(LUN), 0x04, 0x04 },
	{ 0x80, LUN_IS(LUN), 0x04, 0x04 },
	{ 0xff, LUN_IS(LUN), 0x04, 0x04 },
	{ 0xff, LUN_IS(NO_LUN), 0x04, 0x04 },
	{ 0xff, 0xc000000000000001ULL, 0x04, 0x04 },
	/* no such LUN; a function that is not supported may say so */
	{ 0x08, LUN_IS(NO_LUN), 0x05, 0x05 },
	{ 0x01, LUN_IS(NO_LUN), 0x05, 0x05 },
	{ 0x02, LUN_IS(NO_LUN), 0x05, 0x04 },
	{ 0x04, LUN_IS(NO_LUN), 0x05, 0x04 },
	{ 0x40, LUN_IS(NO_LUN), 0x05, 0x04 },
	/* malformed LUN: a second level, addressing methods 2 and 3 */
	{ 0x08, LUN_IS(LUN) | 1ULL << 32, 0x02, 0x02 },
	{ 0x08, LUN_IS(LUN) | 1, 0x02, 0x02 },
	{ 0x01, 0x8001000000000000ULL, 0x02, 0x02 },
	{ 0x08, 0xc001000000000000ULL, 0x02, 0x02 },
};

static void run_tmf(const void *arg)
{
	const struct tmf *t = arg;
	const struct srp_wire_rsp *w;
	struct chan *ch;
	struct iu iu;
	struct rsp r;

	printf("function %02x, LUN %016llx\n", t->function, t->lun);
	ch = shared_chan();
	build_tmf(&iu, t->function, t->lun, TASK);
	ask(ch, &iu, &r);
	w = as_rsp(&r);
	if (r.len != 40 || w->flags != SRP_RSP_RSPVALID || w->status || w->data_in_res_cnt || w->data_out_res_cnt)
		fail("%u bytes, flags %02x, status %02x", r.len, w->flags, w->status);
	if (w->data[3] != t->code && w->data[3] != t->other)
		fail("response code %02x", w->data[3]);
	settle(ch);
	expect_conserved(ch);
}

static bool test_tmf(char **args)
{
	bool good = true;
	unsigned int i;

	(void)args;
	for (i = 0; i < ARRAY_SIZE(tmfs); i++)
		good &= attempt(run_tmf, &tmfs[i]);
	return good;
}

/* WRITE, READ, compare: 4 KiB at @lba */
static void write_read(struct chan *ch, u32 lba)
{
	struct iu iu;

	lay_canary();
	fill_pattern(0, 4096, lba);
	build_out(&iu, (struct cdb){ CDB_WRITE(lba, 8) }, 0, 4096);
	do_good(ch, &iu);
	build_in(&iu, (struct cdb){ CDB_READ(lba, 8) }, 8192, 4096);
	do_good(ch, &iu);
	if (memcmp(data, data + 8192, 4096))
		fail("block %u was not read as written", lba);
	expect_canary(4096, 4096);
	expect_canary(12288, 4096);
}

static void run_channels(const void *arg)
{
	int i, n = *(const int *)arg;
	struct chan *ch[MAX_CHANS], *last;
	struct iu iu;

	if (n < 1 || n >= MAX_CHANS)
		fail("%d channels", n);
	for (i = 0; i < n; i++) {
		ch[i] = login(i ? SRP_LOGIN_MC_MULTI : SRP_LOGIN_MC_SINGLE);
		if (ch[i]->mc_result != (i ? SRP_MC_CONTINUED : SRP_MC_NO_CHANNEL))
			fail("result %d of login %d", ch[i]->mc_result, i);
	}
	for (i = 0; i < n; i++) {
		settle(ch[i]);
		build_in(&iu, (struct cdb){ CDB_INQUIRY(36) }, 0, 36);
		do_good(ch[i], &iu);
		if (memcmp(data + 8, "LIO-ORG ", 8))
			fail("vendor %.8s", data + 8);
		write_read(ch[i], 8 * i);
	}
	for (i = 0; i < n; i++)
		expect_conserved(ch[i]);
	/* One more ends them all. */
	last = login(SRP_LOGIN_MC_SINGLE);
	if (last->mc_result != SRP_MC_TERMINATED)
		fail("result %d of the last login", last->mc_result);
	for (i = 0; i < n; i++)
		expect_closed(ch[i]);
	settle(last);
	write_read(last, 0);
}

static bool test_channels(char **args)
{
	int n = args[0] ? atoi(args[0]) : 8;

	return attempt(run_channels, &n);
}

/* @n requests at once; reads and TEST UNIT READY by turns */
static void use_credits(struct chan *ch, int n)
{
	u64 tags[NR_RX];
	struct rsp r;
	struct iu iu;
	int i, j;

	for (i = 0; i < n; i++) {
		if (i % 2)
			build_tur(&iu);
		else
			build_in(&iu, (struct cdb){ CDB_READ(i, 8) }, i * 4096, 4096);
		tags[i] = iu_tag(&iu);
		send_iu(ch, &iu);
	}
	for (i = 0; i < n; i++) {
		if (wait_rsp(ch, &r, TIMEOUT) != WAIT_RSP)
			fail("%d of %d answered", i, n);
		check_rsp(ch, &r);
		expect_good(&r);
		for (j = 0; j < n && tags[j] != as_rsp(&r)->tag; j++)
			;
		if (j == n)
			fail("answer to tag %llx", as_rsp(&r)->tag);
		tags[j] = 0;
	}
	expect_conserved(ch);
}

static void run_credits(const void *arg)
{
	struct chan *ch = login_settled(SRP_LOGIN_MC_SINGLE);
	struct iu iu;
	int i;

	(void)arg;
	printf("request limit %d\n", ch->limit);
	for (i = 0; i < 4; i++)
		use_credits(ch, ch->limit);
	/* These are outside the limit. */
	for (i = 0; i < 100; i++) {
		build_tur(&iu);
		iu.b[0] = i % 2 ? SRP_OP_CRED_RSP : SRP_OP_AER_RSP;
		iu.len = 16;
		send_iu(ch, &iu);
		if (i % 10 == 9)
			use_credits(ch, 10);
	}
	use_credits(ch, ch->limit);
	close_chan(ch);
}

/* WRITEs of @len bytes, more than the limit, whatever was answered; returns how many */
static int overrun(struct chan *ch, u32 len)
{
	int i, n = ch->limit * 3;
	struct iu iu;

	if (n > NR_TX)
		n = NR_TX;
	printf("%d requests, limit %d\n", n, ch->limit);
	for (i = 0; i < n; i++) {
		build_out(&iu, (struct cdb){ CDB_WRITE(0, len / BLOCK) }, 0, len);
		send_iu(ch, &iu);
	}
	return n;
}

/* The target may be quick enough not to notice; then all are answered. */
static void run_flood(const void *arg)
{
	struct chan *ch = login_settled(SRP_LOGIN_MC_SINGLE);
	int n = overrun(ch, *(const u32 *)arg);
	enum wait_result result;
	struct rsp r;

	while (n && (result = wait_rsp(ch, &r, TIMEOUT)) != WAIT_CLOSED) {
		if (result == WAIT_TIMEOUT)
			fail("%d are not answered", n);
		check_rsp(ch, &r);
		n--;
	}
	if (n) {
		printf("closed, %d were not answered\n", n);
	} else {
		printf("all were answered\n");
		expect_conserved(ch);
	}
	close_chan(ch);
	tur(login_settled(SRP_LOGIN_MC_SINGLE));
}

static bool test_credits(char **args)
{
	bool good = attempt(run_credits, NULL);

	(void)args;
	good &= attempt(run_flood, (u32[]){ 512 });
	good &= attempt(run_flood, (u32[]){ 65536 });
	return good;
}

/* For a disk that answers nothing: the channel ends, and what it has in flight is not waited for. */
static void run_overrun(const void *arg)
{
	struct chan *ch = login_settled(SRP_LOGIN_MC_SINGLE);

	(void)arg;
	overrun(ch, BLOCK);
	expect_closed(ch);
}

static bool test_overrun(char **args)
{
	bool good;

	lun = args[0] ? atoi(args[0]) : LUN;
	good = attempt(run_overrun, NULL);
	lun = LUN;
	return good;
}

static void expect_residual(const struct rsp *r, u8 status, u8 flag, u32 count)
{
	const struct srp_wire_rsp *w = as_rsp(r);
	u32 out = be32toh(w->data_out_res_cnt), in = be32toh(w->data_in_res_cnt);
	bool is_out = flag & (SRP_RSP_DOOVER | SRP_RSP_DOUNDER);

	if (w->status != status || (w->flags & ~SRP_RSP_SNSVALID) != flag || out != (is_out ? count : 0) ||
	    in != (is_out ? 0 : count))
		fail("status %02x, flags %02x, residuals %u %u", w->status, w->flags, out, in);
}

static void run_residuals(const void *arg)
{
	struct chan *ch = login_settled(SRP_LOGIN_MC_SINGLE);
	struct iu iu;
	struct rsp r;

	(void)arg;
	write_read(ch, 0);

	printf("READ, buffer too large\n");
	memset(data + 8192, CANARY, DATA_SIZE - 8192);
	build_in(&iu, (struct cdb){ CDB_READ(0, 1) }, 8192, 65536);
	ask(ch, &iu, &r);
	expect_residual(&r, 0, SRP_RSP_DIUNDER, 65536 - 512);
	if (memcmp(data, data + 8192, 512))
		fail("wrong data");
	expect_canary(8192 + 512, 131072);

	printf("READ, buffer too small\n");
	memset(data + 8192, CANARY, 8192);
	build_in(&iu, (struct cdb){ CDB_READ(0, 8) }, 8192, 512);
	ask(ch, &iu, &r);
	expect_residual(&r, 0, SRP_RSP_DIOVER, 4096 - 512);
	if (memcmp(data, data + 8192, 512))
		fail("wrong data");
	expect_canary(8192 + 512, 8192);

	printf("WRITE, buffer too small\n");
	build_out(&iu, (struct cdb){ CDB_WRITE(0, 8) }, 65536, 512);
	ask(ch, &iu, &r);
	expect_residual(&r, 2, SRP_RSP_DOOVER, 4096 - 512);
	build_in(&iu, (struct cdb){ CDB_READ(0, 8) }, 8192, 4096);
	do_good(ch, &iu);
	if (memcmp(data, data + 8192, 4096))
		fail("the medium was changed");

	printf("INQUIRY, buffer too large\n");
	lay_canary();
	build_in(&iu, (struct cdb){ CDB_INQUIRY(36) }, 8192, 4096);
	ask(ch, &iu, &r);
	expect_residual(&r, 0, SRP_RSP_DIUNDER, 4096 - 36);
	expect_canary(8192 + 36, 8192);

	printf("TEST UNIT READY with buffers\n");
	build_in(&iu, (struct cdb){ CDB_TUR }, 0, 512);
	ask(ch, &iu, &r);
	expect_residual(&r, 0, SRP_RSP_DIUNDER, 512);
	build_out(&iu, (struct cdb){ CDB_TUR }, 0, 512);
	ask(ch, &iu, &r);
	expect_residual(&r, 0, SRP_RSP_DOUNDER, 512);
	expect_canary(0, 8192);
	expect_conserved(ch);
}

static bool test_residuals(char **args)
{
	(void)args;
	return attempt(run_residuals, NULL);
}

struct wr_row {
	const char		*name;
	enum ibv_wr_opcode	opcode;
	u32			len;
	bool			goes_on;	/* executed as if it were a plain SEND */
};

static const struct wr_row wr_rows[] = {
	{ "SEND with immediate", IBV_WR_SEND_WITH_IMM, 48, true },
	{ "SEND of the maximum length", IBV_WR_SEND, IU_LEN, true },
	{ "SEND beyond any length", IBV_WR_SEND, 65536, false },
	{ "RDMA WRITE with immediate, no data", IBV_WR_RDMA_WRITE_WITH_IMM, 0, false },
	{ "RDMA WRITE with immediate", IBV_WR_RDMA_WRITE_WITH_IMM, 48, false },
	{ "SEND with invalidate", IBV_WR_SEND_WITH_INV, 48, false },
	{ "RDMA WRITE", IBV_WR_RDMA_WRITE, 48, false },
	{ "RDMA READ", IBV_WR_RDMA_READ, 48, false },
	{ "ATOMIC", IBV_WR_ATOMIC_FETCH_AND_ADD, 8, false },
};

static void run_wr(const void *arg)
{
	const struct wr_row *row = arg;
	struct chan *other = login_settled(SRP_LOGIN_MC_SINGLE), *ch = login_settled(SRP_LOGIN_MC_MULTI);
	struct ibv_sge sge = { .addr = (uintptr_t)data, .length = row->len, .lkey = data_mr->lkey };
	struct ibv_send_wr wr = { .sg_list = &sge, .num_sge = row->len ? 1 : 0, .opcode = row->opcode };
	struct rsp r;
	struct iu iu;

	printf("%s\n", row->name);
	switch (row->opcode) {
	case IBV_WR_SEND_WITH_INV:
		wr.invalidate_rkey = 0x12345678;
		break;
	case IBV_WR_SEND_WITH_IMM:
		wr.imm_data = 0x12345678;
		break;
	case IBV_WR_ATOMIC_FETCH_AND_ADD:
		wr.wr.atomic.remote_addr = 4096;
		wr.wr.atomic.rkey = 0x12345678;
		wr.wr.atomic.compare_add = 1;
		break;
	default:
		wr.wr.rdma.remote_addr = 4096;
		wr.wr.rdma.rkey = 0x12345678;
	}
	/* Leaves a valid IU in a buffer, where it must not be found again. */
	tur(ch);
	build_tur(&iu);
	memset(data, 0, 65536);
	memcpy(data, iu.b, iu.len);
	post_wr(ch, &wr);
	if (row->goes_on) {
		ch->requests++;
		if (wait_rsp(ch, &r, TIMEOUT) != WAIT_RSP)
			fail("no answer");
		check_rsp(ch, &r);
		expect_good(&r);
		tur(ch);
		expect_conserved(ch);
		close_chan(ch);
	} else {
		expect_closed(ch);
	}
	tur(other);
	close_chan(other);
}

static bool test_completions(char **args)
{
	bool good = true;
	unsigned int i;

	(void)args;
	for (i = 0; i < ARRAY_SIZE(wr_rows); i++)
		good &= attempt(run_wr, &wr_rows[i]);
	return good;
}

static void run_disconnect(const void *arg)
{
	struct chan *ch = login(SRP_LOGIN_MC_SINGLE);
	struct iu iu;
	int i;

	(void)arg;
	for (i = 0; i < 64; i++) {
		if (i % 2)
			build_out(&iu, (struct cdb){ CDB_WRITE(i * 16, 16) }, i * 8192, 8192);
		else
			build_in(&iu, (struct cdb){ CDB_READ(i * 16, 16) }, i * 8192, 8192);
		send_iu(ch, &iu);
	}
	if (below(4))
		usleep(below(20000));
	close_chan(ch);
}

static bool test_disconnect(char **args)
{
	int i, n = args[0] ? atoi(args[0]) : 100;

	for (i = 0; i < n; i++) {
		if (!attempt(run_disconnect, NULL)) {
			printf("in round %d\n", i);
			return false;
		}
	}
	return attempt(run_residuals, NULL);
}

/* ---- fuzzing --------------------------------------------------------------------------------------- */

static void build_seed(struct iu *iu)
{
	u32 lba = below(1024), i;
	static const u8 functions[] = { 0x01, 0x02, 0x04, 0x08, 0x40 };

	switch (below(7)) {
	case 0:
		build_tur(iu);
		break;
	case 1:
		build_in(iu, (struct cdb){ CDB_INQUIRY(255) }, 0, 255);
		break;
	case 2:
		build_in(iu, (struct cdb){ CDB_READ(lba, 8) }, 0, 4096);
		break;
	case 3:
		build_out(iu, (struct cdb){ CDB_WRITE(lba, 8) }, 0, 4096);
		break;
	case 4:
		begin_cmd(iu, (struct cdb){ CDB_READ(lba, 8) }, 0x02)->data_in_desc_cnt = 8;
		append_desc(iu, 65536, 8 * 16);
		append_be32(iu, 4096);
		for (i = 0; i < 8; i++)
			append_desc(iu, i * 1024, 512);
		break;
	case 5:
		begin_cmd(iu, (struct cdb){ CDB_WRITE(lba, 1) }, 0x30);
		append_be32(iu, 512);
		iu->len = IMM_OFF + 512;
		break;
	default:
		build_tmf(iu, functions[below(sizeof(functions))], LUN_IS(LUN), TASK);
	}
}

static void mutate(struct iu *iu)
{
	static const u32 interesting[] = { 0, 1, 15, 16, 17, 511, 512, 0x7fffffff, 0x80000000, 0xfffffff0, 0xffffffff };
	u32 n = 1 + below(4), pos, v;

	while (n--) {
		pos = below(iu->len ? iu->len : 1);
		switch (below(6)) {
		case 0:
			iu->b[pos] ^= 1 << below(8);
			break;
		case 1:
			iu->b[pos] = next_random();
			break;
		case 2:
			v = htobe32(interesting[below(ARRAY_SIZE(interesting))]);
			memcpy(iu->b + (pos & ~3), &v, 4);
			break;
		case 3:
			/* where the counts, formats and lengths are */
			iu->b[(const u8[]){ 5, 6, 7, 29, 31, 39 }[below(6)]] = next_random();
			break;
		case 4:
			iu->b[32] = next_random();
			break;
		default:
			iu->len = below(8) ? iu->len + below(64) : below(iu->len + 1);
			if (iu->len > sizeof(iu->b))
				iu->len = sizeof(iu->b);
		}
	}
	/* Most are requests; and none goes to the disk of others. */
	if (below(64))
		iu->b[0] = iu->b[0] & 1 ? SRP_OP_TSK_MGMT : SRP_OP_CMD;
	if (!(iu->b[20] & 0x3f) && !iu->b[21])
		iu->b[21] = LUN;
}

static void print_iu(const struct iu *iu)
{
	u32 i;

	printf("IU of %u bytes:", iu->len);
	for (i = 0; i < iu->len; i++)
		printf("%s%02x", i % 4 ? "" : " ", iu->b[i]);
	printf("\n");
}

/* One IU at a time. Returns whether the channel is still there. */
static bool fuzz_one(struct chan *ch, const struct iu *iu)
{
	struct rsp r;
	struct iu probe;

	send_iu(ch, iu);
	if (iu->len < 1 || (iu->b[0] != SRP_OP_CMD && iu->b[0] != SRP_OP_TSK_MGMT)) {
		build_tur(&probe);
		send_iu(ch, &probe);
	}
	switch (wait_rsp(ch, &r, TIMEOUT)) {
	case WAIT_RSP:
		check_rsp(ch, &r);
		expect_conserved(ch);
		return true;
	case WAIT_CLOSED:
		close_chan(ch);
		return false;
	case WAIT_TIMEOUT:
		break;
	}
	print_iu(iu);
	fail("neither an answer nor the end of the channel");
}

static void run_fuzz(const void *arg)
{
	const long end = now_ms() + 1000L * *(const int *)arg;
	long count = 0, logins = 0;
	struct chan *ch = NULL;
	struct iu iu;

	while (now_ms() < end) {
		if (!ch) {
			ch = login(SRP_LOGIN_MC_SINGLE | SRP_LOGIN_IMM);
			logins++;
		}
		build_seed(&iu);
		mutate(&iu);
		count++;
		if (!fuzz_one(ch, &iu))
			ch = NULL;
	}
	printf("%ld IUs, %ld logins\n", count, logins);
}

static bool test_fuzz(char **args)
{
	int seconds = args[0] ? atoi(args[0]) : 10;

	random_state = args[0] && args[1] ? strtoull(args[1], NULL, 0) : (u64)time(NULL);
	printf("seed %llu\n", random_state);
	return attempt(run_fuzz, &seconds);
}

/* ---- */

static const struct {
	const char	*name;
	bool		(*run)(char **args);
} tests[] = {
	{ "lengths", test_lengths },
	{ "opcodes", test_opcodes },
	{ "fields", test_fields },
	{ "tmf", test_tmf },
	{ "channels", test_channels },		/* :N */
	{ "credits", test_credits },
	{ "overrun", test_overrun },		/* :LUN, of a disk that is held */
	{ "residuals", test_residuals },
	{ "completions", test_completions },
	{ "disconnect", test_disconnect },	/* :TIMES */
	{ "fuzz", test_fuzz },			/* :SECONDS:SEED */
};

/* @spec: NAME[:ARG[:ARG]] */
static bool run_test(char *spec)
{
	const char *name = strtok(spec, ":");
	char *args[3];
	unsigned int i;
	bool good;

	for (i = 0; i < ARRAY_SIZE(args); i++)
		args[i] = strtok(NULL, ":");
	for (i = 0; i < ARRAY_SIZE(tests); i++) {
		if (strcmp(tests[i].name, name))
			continue;
		good = tests[i].run(args);
		close_all();
		printf("%s %s\n", good ? "ok" : "not ok", name);
		return good;
	}
	printf("not ok %s: no such test\n", name);
	return false;
}

int main(int argc, char **argv)
{
	bool good = true;
	int i;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc < 5 || inet_pton(AF_INET, argv[1], &target.sin_addr) != 1) {
		fprintf(stderr, "usage: srp_hostile ADDR PORT GUID TEST...\n");
		return 2;
	}
	target.sin_family = AF_INET;
	target.sin_port = htons(atoi(argv[2]));
	guid = strtoull(argv[3], NULL, 16);
	for (i = 4; i < argc; i++)
		good &= run_test(argv[i]);
	return good ? 0 : 1;
}
