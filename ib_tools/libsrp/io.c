// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Sending and receiving IUs. */
#include <errno.h>
#include <poll.h>
#include <string.h>

#include "libsrp_priv.h"

#define IS_SEND		(1ULL << 63)	/* in wr_id; else the number of the receive */

static u8 *rx_buf(const struct srpi_chan *ch, u32 i)
{
	return ch->mem.addr + (size_t)i * ch->opts.recv_size;
}

static int post_recv(struct srpi_chan *ch, u32 i)
{
	struct ibv_sge sge = {
		.addr = (uintptr_t)rx_buf(ch, i), .length = ch->opts.recv_size, .lkey = ch->mem.mr->lkey,
	};
	struct ibv_recv_wr wr = { .wr_id = i, .sg_list = &sge, .num_sge = 1 }, *bad;

	return -ibv_post_recv(ch->qp, &wr, &bad);
}

int srpi_post_recvs(struct srpi_chan *ch)
{
	u32 i;
	int ret;

	for (i = 0; i < srpi_nr_recvs(&ch->opts); i++) {
		ret = post_recv(ch, i);
		if (ret)
			return srpi_fail(ch, ret, "a receive cannot be posted");
	}
	return 0;
}

/* ---- sending --------------------------------------------------------------------------------------- */

/*
 * Memory for a send: the ring gives it back in the order of completions. What is left at its end is too
 * short sometimes; that goes with the send that found it so.
 */
static u8 *tx_alloc(struct srpi_chan *ch, u32 len, u32 *taken)
{
	const u32 size = ch->opts.send_mem;
	u32 rounded = (len + 63) & ~63u, skip = 0;
	u8 *buf;

	if (!ch->tx_nr)
		ch->tx_head = 0;
	if (ch->tx_head + rounded > size)
		skip = size - ch->tx_head;
	if (ch->tx_nr == ch->opts.sends || ch->tx_used + skip + rounded > size)
		return NULL;
	if (skip)
		ch->tx_head = 0;
	buf = rx_buf(ch, srpi_nr_recvs(&ch->opts)) + ch->tx_head;
	ch->tx_head = (ch->tx_head + rounded) % size;
	*taken = skip + rounded;
	return buf;
}

static void tx_posted(struct srpi_chan *ch, u32 taken)
{
	ch->tx_len[(ch->tx_first + ch->tx_nr++) % ch->opts.sends] = taken;
	ch->tx_used += taken;
}

static void tx_completed(struct srpi_chan *ch)
{
	ch->tx_used -= ch->tx_len[ch->tx_first];
	ch->tx_first = (ch->tx_first + 1) % ch->opts.sends;
	ch->tx_nr--;
}

static void count_sent(struct srpi_chan *ch, const u8 *buf, u32 len)
{
	u64 tag = 0;

	if (len >= 16)
		memcpy(&tag, buf + 8, sizeof(tag));
	if (len && (buf[0] == SRP_OP_CMD || buf[0] == SRP_OP_TSK_MGMT))
		ch->stats.requests++;
	srpi_log(&ch->log, SRPI_LOG_SENT, len ? buf[0] : -1, len, tag);
}

int srpi_post_send(struct srpi_chan *ch, struct ibv_send_wr *wr)
{
	struct ibv_send_wr *bad;
	int ret;

	if (ch->tx_nr == ch->opts.sends)
		return -EAGAIN;
	wr->wr_id = IS_SEND;
	wr->next = NULL;
	ret = ibv_post_send(ch->qp, wr, &bad);
	if (ret)
		return srpi_fail(ch, -ret, "a send cannot be posted: %s", strerror(ret));
	tx_posted(ch, 0);
	return 0;
}

#define LIST_MAX	64

struct piece {
	const void	*buf;
	u32		len;
};

/* All of them by one ibv_post_send(). */
static int send_some(struct srpi_chan *ch, const struct piece *pieces, u32 nr)
{
	struct ibv_sge sge[LIST_MAX];
	struct ibv_send_wr wr[LIST_MAX], *bad;
	u32 i, taken, head = ch->tx_head;
	int ret;

	for (i = 0; i < nr; i++) {
		u8 *buf = tx_alloc(ch, pieces[i].len, &taken);

		if (!buf)
			break;
		if (pieces[i].len)
			memcpy(buf, pieces[i].buf, pieces[i].len);
		sge[i] = (struct ibv_sge) { (uintptr_t)buf, pieces[i].len, ch->mem.mr->lkey };
		wr[i] = (struct ibv_send_wr) {
			.wr_id = IS_SEND, .sg_list = &sge[i], .num_sge = pieces[i].len ? 1 : 0,
			.opcode = IBV_WR_SEND, .next = i + 1 < nr ? &wr[i + 1] : NULL,
		};
		tx_posted(ch, taken);
	}
	ret = i == nr ? -ibv_post_send(ch->qp, wr, &bad) : -EAGAIN;
	if (ret) {
		/* Nothing was posted: a full queue was excluded before. */
		while (i--) {
			ch->tx_nr--;
			ch->tx_used -= ch->tx_len[(ch->tx_first + ch->tx_nr) % ch->opts.sends];
		}
		ch->tx_head = head;
		return srpi_fail(ch, ret, "a send cannot be posted: %s", strerror(-ret));
	}
	for (i = 0; i < nr; i++)
		count_sent(ch, pieces[i].buf, pieces[i].len);
	return 0;
}

int srpi_send_list(struct srpi_chan *ch, const struct srpi_iu *const *ius, u32 nr)
{
	struct piece pieces[LIST_MAX];
	u32 i;

	if (nr > LIST_MAX)
		return -EMSGSIZE;
	for (i = 0; i < nr; i++) {
		pieces[i] = (struct piece) { ius[i]->b, ius[i]->len };
		if (ius[i]->len > sizeof(ius[i]->b) || ius[i]->len > ch->opts.send_mem)
			return -EMSGSIZE;
	}
	return send_some(ch, pieces, nr);
}

int srpi_send(struct srpi_chan *ch, const struct srpi_iu *iu)
{
	return srpi_send_list(ch, &iu, 1);
}

int srpi_send_bytes(struct srpi_chan *ch, const void *buf, u32 len)
{
	if (len > ch->opts.send_mem)
		return -EMSGSIZE;
	return send_some(ch, &(struct piece) { buf, len }, 1);
}

/* ---- receiving ------------------------------------------------------------------------------------- */

static void note_iu(struct srpi_chan *ch, const struct srpi_rx *rx)
{
	const struct srp_wire_cred_req *w = (const void *)rx->buf;

	srpi_log(&ch->log, SRPI_LOG_RECEIVED, rx->len ? w->opcode : -1, rx->len, rx->len >= 16 ? w->tag : 0);
	if (rx->len < sizeof(*w))
		return;
	/* The same place in all of these. */
	switch (w->opcode) {
	case SRP_OP_CRED_REQ:
		ch->stats.cred_reqs++;
		break;
	case SRP_OP_AER_REQ:
		ch->stats.aer_reqs++;
		break;
	case SRP_OP_RSP:
		break;
	case SRP_OP_T_LOGOUT:
		ch->stats.logout = be32toh(((const struct srp_wire_t_logout *)w)->reason);
		return;
	default:
		return;
	}
	ch->stats.deltas += (s32)be32toh(w->req_lim_delta);
}

/* Returns 1 with an IU, 0 for something else, -1 if there is nothing. */
static int poll_cq(struct srpi_chan *ch, struct srpi_rx *rx)
{
	struct ibv_wc wc;

	if (ibv_poll_cq(ch->cq, 1, &wc) != 1)
		return -1;
	if (wc.wr_id & IS_SEND)
		tx_completed(ch);
	if (wc.status != IBV_WC_SUCCESS) {
		/* Of the many that are flushed one tells enough. */
		if (wc.status != IBV_WC_WR_FLUSH_ERR || !ch->stats.failed)
			srpi_log(&ch->log, SRPI_LOG_COMPLETION, wc.status, !!(wc.wr_id & IS_SEND), 0);
		if (!ch->stats.failed)
			ch->stats.failed = wc.status;
		return 0;
	}
	if (wc.wr_id & IS_SEND)
		return 0;
	rx->buf = rx_buf(ch, wc.wr_id);
	rx->len = wc.byte_len;
	ch->held_rx = wc.wr_id;
	note_iu(ch, rx);
	return 1;
}

/* The caller has read it. */
static void release_rx(struct srpi_chan *ch)
{
	if (ch->held_rx >= 0 && ch->qp)
		post_recv(ch, ch->held_rx);
	ch->held_rx = -1;
}

int srpi_wait(struct srpi_chan *const *chs, u32 nr, int timeout_ms)
{
	struct pollfd fds[2 * SRPI_WAIT_MAX];
	bool armed_now = false;
	struct ibv_cq *cq;
	void *context;
	u32 i;

	if (nr > SRPI_WAIT_MAX)
		return -EINVAL;
	for (i = 0; i < nr; i++) {
		armed_now |= !chs[i]->armed;
		if (!chs[i]->armed)
			ibv_req_notify_cq(chs[i]->cq, 0);
		chs[i]->armed = true;
		fds[2 * i] = (struct pollfd) { .fd = chs[i]->events->fd, .events = POLLIN };
		fds[2 * i + 1] = (struct pollfd) { .fd = chs[i]->comp->fd, .events = POLLIN };
	}
	/* What came before that has no event. */
	if (armed_now)
		return 0;
	if (poll(fds, 2 * nr, timeout_ms) == 0)
		return -ETIMEDOUT;
	for (i = 0; i < nr; i++) {
		srpi_drain_events(chs[i]);
		while (!ibv_get_cq_event(chs[i]->comp, &cq, &context)) {
			ibv_ack_cq_events(cq, 1);
			chs[i]->armed = false;
		}
	}
	return 0;
}

int srpi_recv(struct srpi_chan *ch, struct srpi_rx *rx, int timeout_ms)
{
	const u64 begin = srpi_now_ns();
	bool ended = false;
	int ret, ms = -1;

	release_rx(ch);
	for (;;) {
		ret = poll_cq(ch, rx);
		if (ret > 0)
			return 0;
		if (ret == 0)
			continue;
		if (ended)
			return srpi_fail(ch, -ENOTCONN, "the connection was closed; SRP_T_LOGOUT: %s",
					 srpi_logout_str(ch->stats.logout));
		if (!timeout_ms && !ch->stats.closed)
			return -ETIMEDOUT;
		srpi_drain_events(ch);
		if (ch->stats.closed) {
			/* What came before the end may have come since. */
			ended = true;
			continue;
		}
		if (timeout_ms > 0)
			ms = timeout_ms - (int)((srpi_now_ns() - begin) / 1000000);
		if (timeout_ms > 0 && ms <= 0)
			return srpi_fail(ch, -ETIMEDOUT, "nothing came for %d ms", timeout_ms);
		srpi_wait(&ch, 1, ms);
	}
}

/* Returns whether it was a request of the target that has an answer or needs none. */
static bool answer_target(struct srpi_chan *ch, const struct srpi_rx *rx, int *ret)
{
	const struct srp_wire_short *w = (const void *)rx->buf;
	struct srp_wire_short answer = { .tag = w->tag };

	*ret = 0;
	if (rx->len < sizeof(*w))
		return false;
	switch (w->opcode) {
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
	*ret = srpi_send_bytes(ch, &answer, sizeof(answer));
	return true;
}

int srpi_recv_rsp(struct srpi_chan *ch, struct srpi_rsp *rsp, int timeout_ms)
{
	struct srpi_rx rx;
	int ret;

	do {
		ret = srpi_recv(ch, &rx, timeout_ms);
		if (ret)
			return ret;
	} while (answer_target(ch, &rx, &ret));
	ret = srpi_parse_rsp(&rx, rsp);
	if (ret)
		return srpi_fail(ch, ret, "%u bytes of opcode %02x, which are no good SRP_RSP", rx.len,
				 rx.len ? rx.buf[0] : 0);
	return 0;
}

int srpi_ask(struct srpi_chan *ch, const struct srpi_iu *iu, struct srpi_rsp *rsp, int timeout_ms)
{
	int ret = srpi_send(ch, iu);

	if (!ret)
		ret = srpi_recv_rsp(ch, rsp, timeout_ms);
	if (!ret && rsp->tag != srpi_iu_tag(iu))
		ret = srpi_fail(ch, -EPROTO, "an answer to tag %016llx instead of %016llx",
				(u64)be64toh(rsp->tag), (u64)be64toh(srpi_iu_tag(iu)));
	return ret;
}

const struct srpi_stats *srpi_stats(const struct srpi_chan *ch)
{
	return &ch->stats;
}

s64 srpi_credits(const struct srpi_chan *ch)
{
	return ch->login.limit + ch->stats.deltas - (s64)ch->stats.requests;
}
