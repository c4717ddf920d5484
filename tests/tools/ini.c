// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* An SRP initiator: failures and time, channels, IUs, commands. See ini.h. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "ini.h"

#define IS_SEND		(1ULL << 63)	/* in wr_id */

struct sockaddr_in target;
u64 guid;
u8 lun = LUN;
u8 retry_count = 7;
struct ibv_mr *data_mr;
u8 *data;

static struct chan chans[MAX_CHANS];
static struct ibv_pd *pd;
static struct ibv_mr *ring_mr;
static jmp_buf on_failure;

/* ---- failures and time ----------------------------------------------------------------------------- */

/* Ends what attempt() runs. */
void fail(const char *fmt, ...)
{
	va_list args;

	printf("not ok: ");
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	printf("\n");
	longjmp(on_failure, 1);
}

/* Rows of a test go on after one failed, so each is run by this. Returns whether it passed. */
bool attempt(void (*fn)(const void *), const void *arg)
{
	if (setjmp(on_failure)) {
		close_all();
		return false;
	}
	fn(arg);
	return true;
}

static void require(bool good, const char *what)
{
	if (!good)
		fail("%s: %s", what, strerror(errno));
}

long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

u64 random_state = 1;

u64 next_random(void)
{
	u64 z = random_state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

u32 below(u32 n)
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

void close_chan(struct chan *ch)
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

void close_all(void)
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
	p = mmap(NULL, size + MR_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	require(p != MAP_FAILED, "mmap");
	ring_mr = ibv_reg_mr(pd, p, size, IBV_ACCESS_LOCAL_WRITE);
	require(ring_mr, "ibv_reg_mr");
	for (i = 0; i < MAX_CHANS; i++) {
		chans[i].rx = p + i * ring;
		chans[i].tx = chans[i].rx + NR_RX * RX_SIZE;
	}
	data = p + size;
	data_mr = ibv_reg_mr(pd, data, MR_SIZE,
			     IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_READ | IBV_ACCESS_REMOTE_WRITE);
	require(data_mr, "ibv_reg_mr");
}

/*
 * What comes before and with the login; private data of the event goes to @pdata. If it is a reject that is waited for, its
 * reason is returned, 0 if it has none.
 */
static u32 wait_cm(struct chan *ch, enum rdma_cm_event_type type, void *pdata, u8 size)
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

		if (rej->opcode == SRP_OP_LOGIN_REJ)
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
	return reason;
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

struct srp_wire_login_req_rdma login_req(u8 flags)
{
	struct srp_wire_login_req_rdma req = {
		.tag = next_tag(),
		.req_buf_fmt = htobe16(SRP_LOGIN_FMT_SUPPORTED),
		.req_flags = flags,
		.opcode = SRP_OP_LOGIN_REQ,
		.req_it_iu_len = htobe32(IU_LEN),
		.initiator_port_id = "hostile",
		.imm_data_offset = htobe16(IMM_OFF),
	};
	u64 be_guid = htobe64(guid);

	memcpy(req.target_port_id, &be_guid, 8);
	memcpy(req.target_port_id + 8, &be_guid, 8);
	return req;
}

static struct chan *send_login(const struct srp_wire_login_req_rdma *req, u8 len, u8 depth)
{
	struct chan *ch = free_chan();
	struct rdma_conn_param param = {
		.private_data = req,
		.private_data_len = len,
		.responder_resources = depth,
		.initiator_depth = 1,
		.retry_count = retry_count,
		.rnr_retry_count = 7,
	};

	ch->logout = NO_LOGOUT;
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
	return ch;
}

struct chan *login_with(const struct srp_wire_login_req_rdma *req, u8 len)
{
	struct chan *ch = send_login(req, len, 4);
	struct srp_wire_login_rsp rsp = { 0 };

	wait_cm(ch, RDMA_CM_EVENT_ESTABLISHED, &rsp, sizeof(rsp));
	ch->connected = true;
	check_login_rsp(ch, &rsp, req->tag);
	require(!fcntl(ch->events->fd, F_SETFL, O_NONBLOCK), "fcntl");
	require(!fcntl(ch->comp->fd, F_SETFL, O_NONBLOCK), "fcntl");
	return ch;
}

/* @flags: SRP_LOGIN_MC_*, SRP_LOGIN_IMM */
struct chan *login(u8 flags)
{
	struct srp_wire_login_req_rdma req = login_req(flags);

	return login_with(&req, sizeof(req));
}

u32 login_refused(const struct srp_wire_login_req_rdma *req, u8 depth)
{
	struct chan *ch = send_login(req, sizeof(*req), depth);
	u32 reason = wait_cm(ch, RDMA_CM_EVENT_REJECTED, NULL, 0);

	close_chan(ch);
	return reason;
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
void post_wr(struct chan *ch, struct ibv_send_wr *wr)
{
	struct ibv_send_wr *bad;

	wr->wr_id = IS_SEND;
	if (ibv_post_send(ch->qp, wr, &bad))
		fail("a send cannot be posted");
	ch->sq_used++;
}

void post_bytes(struct chan *ch, const void *buf, u32 len)
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
		ch->logout = be32toh(((const struct srp_wire_t_logout *)r->iu)->reason);
		return true;
	case SRP_OP_CRED_REQ:
		ch->cred_reqs++;
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
enum wait_result wait_rsp(struct chan *ch, struct rsp *r, long ms)
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
		if (ch->closed) {
			/* What came before the end may have come since. */
			while (poll_cq(ch, r))
				if (r->len && !target_iu(ch, r))
					return WAIT_RSP;
			return WAIT_CLOSED;
		}
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

const struct srp_wire_rsp *as_rsp(const struct rsp *r)
{
	return (const struct srp_wire_rsp *)r->iu;
}

/* Everything that is true of every SRP_RSP; counts its credits. */
void check_rsp(struct chan *ch, const struct rsp *r)
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

void send_iu(struct chan *ch, const struct iu *iu)
{
	if (iu->len && (iu->b[0] == SRP_OP_CMD || iu->b[0] == SRP_OP_TSK_MGMT))
		ch->requests++;
	post_bytes(ch, iu->b, iu->len);
}

u64 iu_tag(const struct iu *iu)
{
	u64 tag;

	memcpy(&tag, iu->b + 8, sizeof(tag));
	return tag;
}

/* Sends a request and gets its answer, with one credit. */
void ask(struct chan *ch, const struct iu *iu, struct rsp *r)
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

void expect_closed(struct chan *ch, int logout)
{
	enum wait_result result;
	struct rsp r;

	do {
		result = wait_rsp(ch, &r, TIMEOUT);
	} while (result == WAIT_RSP);
	if (result != WAIT_CLOSED)
		fail("the channel was not closed");
	if (logout != ANY_LOGOUT && ch->logout != logout)
		fail("closed with logout reason %d instead of %d", ch->logout, logout);
	close_chan(ch);
}

void expect_conserved(const struct chan *ch)
{
	if (ch->deltas != ch->requests)
		fail("%ld requests, but deltas of %ld", ch->requests, ch->deltas);
}

/* ---- commands -------------------------------------------------------------------------------------- */

struct srp_wire_cmd *begin_cmd(struct iu *iu, struct cdb cdb, u8 buf_fmt)
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

void append(struct iu *iu, const void *p, u32 len)
{
	assert(iu->len + len <= sizeof(iu->b));
	memcpy(iu->b + iu->len, p, len);
	iu->len += len;
}

void append_be32(struct iu *iu, u32 v)
{
	__be32 be = htobe32(v);

	append(iu, &be, sizeof(be));
}

/* Memory at @off of the data. */
void append_desc(struct iu *iu, u32 off, u32 len)
{
	struct srp_wire_desc desc = {
		.va = htobe64((uintptr_t)(data + off)), .key = htobe32(data_mr->rkey), .len = htobe32(len),
	};

	append(iu, &desc, sizeof(desc));
}

void build_tur(struct iu *iu)
{
	begin_cmd(iu, (struct cdb){ CDB_TUR }, 0);
}

void build_in(struct iu *iu, struct cdb cdb, u32 off, u32 len)
{
	begin_cmd(iu, cdb, SRP_DESC_DIRECT);
	append_desc(iu, off, len);
}

void build_out(struct iu *iu, struct cdb cdb, u32 off, u32 len)
{
	begin_cmd(iu, cdb, SRP_DESC_DIRECT << 4);
	append_desc(iu, off, len);
}

void build_tmf(struct iu *iu, u8 function, u64 on_lun, u64 task_tag)
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

void expect_good(const struct rsp *r)
{
	const struct srp_wire_rsp *w = as_rsp(r);

	if (w->status || w->flags || r->len != sizeof(*w) || w->data_out_res_cnt || w->data_in_res_cnt)
		fail("status %02x, flags %02x, residuals %u %u, sense %02x/%02x/%02x", w->status, w->flags,
		     be32toh(w->data_out_res_cnt), be32toh(w->data_in_res_cnt),
		     w->data[2], w->data[12], w->data[13]);
}

/* CHECK CONDITION with @sense: key, ASC, ASCQ */
void expect_sense(const struct rsp *r, u32 sense)
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

void do_good(struct chan *ch, const struct iu *iu)
{
	struct rsp r;

	ask(ch, iu, &r);
	expect_good(&r);
}

void tur(struct chan *ch)
{
	struct iu iu;

	build_tur(&iu);
	do_good(ch, &iu);
}

/* Until unit attentions are over. */
void settle(struct chan *ch)
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

struct chan *login_settled(u8 flags)
{
	struct chan *ch = login(flags);

	settle(ch);
	return ch;
}

void fill_pattern(u32 off, u32 len, u64 seed)
{
	u32 i;

	for (i = 0; i < len; i++)
		data[off + i] = (seed * 7 + i + (i >> 8)) % 251;
}

void expect_canary(u32 off, u32 len)
{
	u32 i;

	for (i = 0; i < len; i++) {
		if (data[off + i] != CANARY)
			fail("memory at offset %u was written", off + i);
	}
}

void lay_canary(void)
{
	memset(data, CANARY, DATA_SIZE);
}
