// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Events and answers: the rings in shared memory, and the ioctl that makes the kernel look at them.
 *
 * Each counter has one writer. What is in a slot is written before the counter that hands it over
 * (release), and read after it (acquire). Nobody may sleep on an event: "asleep" is stored, then the
 * counter is read again; the kernel writes the counter, then reads "asleep"; with a full barrier
 * between both on either side one of the two sees the other.
 */
#include <errno.h>
#include <linux/io_uring.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "libtgt_priv.h"

#define ENTER_TRIES	100	/* of a millisecond each, when the kernel has no memory */
#define ALIVE_MS	1000

static uint32_t load(const __u32 *counter)
{
	return __atomic_load_n(counter, __ATOMIC_ACQUIRE);
}

static void store(__u32 *counter, uint32_t v)
{
	__atomic_store_n(counter, v, __ATOMIC_RELEASE);
}

static void pause_ms(long ms)
{
	struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	nanosleep(&t, NULL);
}

/* Until the kernel has all answers. Return: 0, -ENOMEM: it has not; -EPIPE; rings[].error is noted. */
static int enter(struct tgt *tgt, uint32_t ring)
{
	struct ring *r = &tgt->rings[ring];
	struct tgt_enter e;
	int tries = 0;

	for (;;) {
		e = (struct tgt_enter) { .ring = ring };
		if (ioctl(tgt->fd, TGT_IOC_ENTER, &e)) {
			if (errno == EINTR)
				continue;
			return tgt_fail(-EPIPE, "the kernel has ended the work with this program (%s): "
					"its log says why; then start it again", strerror(errno));
		}
		if (e.error && e.error != -ENOMEM && !r->error)
			r->error = e.error;
		if (load(&r->head->ans_cons) == r->ans_prod)
			return 0;
		/* It counts as a try only if nothing moved. */
		if (!e.consumed) {
			if (++tries == ENTER_TRIES)
				return tgt_fail(-ENOMEM, "the kernel has no memory to carry out answers: try again");
			pause_ms(1);
		}
	}
}

int tgt_submit(struct tgt *tgt, uint32_t ring)
{
	struct ring *r = &tgt->rings[ring];
	int ret = enter(tgt, ring);

	if (!ret && r->error) {
		ret = tgt_fail(r->error, "an answer on ring %u had no effect: %s", ring, strerror(-r->error));
		r->error = 0;
	}
	return ret;
}

static void prep(struct tgt *tgt, struct io_uring_sqe *sqe, uint32_t op, const void *arg, size_t len)
{
	*sqe = (struct io_uring_sqe) { .opcode = IORING_OP_URING_CMD, .fd = tgt->fd, .cmd_op = op };
	memcpy(sqe->cmd, arg, len);
}

void tgt_prep_submit(struct tgt *tgt, uint32_t ring, struct io_uring_sqe *sqe)
{
	const struct tgt_enter e = { .ring = ring };

	prep(tgt, sqe, TGT_IOC_ENTER, &e, sizeof(e));
}

void tgt_prep_answer(struct tgt *tgt, const struct tgt_answer *ans, struct io_uring_sqe *sqe)
{
	const uint64_t addr = (uintptr_t)ans;

	prep(tgt, sqe, TGT_IOC_ANSWER, &addr, sizeof(addr));
}

int tgt_submit_failed(struct tgt *tgt, uint32_t ring, int res)
{
	struct ring *r = &tgt->rings[ring];

	/* Lack of memory has lost nothing; who is dead learns it now. */
	if (res != -ENOMEM && res != -EPIPE && !r->error)
		r->error = res;
	return tgt_submit(tgt, ring);
}

int tgt_ring_fd(struct tgt *tgt, uint32_t ring)
{
	return tgt->rings[ring].eventfd;
}

/* ---- events ------------------------------------------------------------------------------------- */

static _Bool empty(const struct ring *r)
{
	return load(&r->head->ev_prod) == r->ev_cons;
}

_Bool tgt_next(struct tgt *tgt, uint32_t ring, struct tgt_event *ev)
{
	struct ring *r = &tgt->rings[ring];

	if (empty(r)) {
		/*
		 * Without a full barrier behind the store of ev_cons the flag may be seen late here. That costs
		 * a round and no event: it stays set, and tgt_sleep() looks again behind one before anybody waits.
		 */
		if (!(load(&r->head->flags) & TGT_RING_PENDING) || enter(tgt, ring) || empty(r))
			return 0;
	}
	memcpy(ev, &r->events[r->ev_cons & (r->ev_slots - 1)], sizeof(*ev));
	store(&r->head->ev_cons, ++r->ev_cons);
	return 1;
}

static _Bool fall_asleep(struct ring *r, enum tgt_asleep how)
{
	store(&r->head->asleep, how);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (empty(r) && !(load(&r->head->flags) & TGT_RING_PENDING))
		return 1;
	store(&r->head->asleep, TGT_AWAKE);
	return 0;
}

_Bool tgt_sleep(struct tgt *tgt, uint32_t ring)
{
	return fall_asleep(&tgt->rings[ring], TGT_ASLEEP);
}

_Bool tgt_sleep_sound(struct tgt *tgt, uint32_t ring)
{
	return fall_asleep(&tgt->rings[ring], TGT_ASLEEP_SOUND);
}

void tgt_awake(struct tgt *tgt, uint32_t ring)
{
	store(&tgt->rings[ring].head->asleep, TGT_AWAKE);
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

int tgt_wait(struct tgt *tgt, uint32_t ring, int timeout_ms)
{
	struct pollfd pfd = { .fd = tgt_ring_fd(tgt, ring), .events = POLLIN };
	int64_t end = now_ms() + timeout_ms, left;
	uint64_t n;
	int ret;

	for (;;) {
		ret = tgt_submit(tgt, ring);
		if (ret)
			return ret;
		if (!tgt_sleep(tgt, ring))
			return 1;
		left = timeout_ms < 0 ? ALIVE_MS : end - now_ms();
		if (left < 0)
			left = 0;
		ret = poll(&pfd, 1, left < ALIVE_MS ? left : ALIVE_MS);
		if (ret < 0)
			ret = tgt_fail(-errno, "poll: %s", strerror(errno));
		tgt_awake(tgt, ring);
		if (ret < 0)
			return ret;
		while (ret && read(pfd.fd, &n, sizeof(n)) < 0 && errno == EINTR)
			;
		if (!empty(&tgt->rings[ring]))
			return 1;
		if (timeout_ms >= 0 && now_ms() >= end)
			return 0;
	}
}

/* ---- answers ------------------------------------------------------------------------------------ */

static int put(struct tgt *tgt, uint32_t ring, const struct tgt_answer *ans)
{
	struct ring *r = &tgt->rings[ring];
	int ret;

	if (r->ans_prod - load(&r->head->ans_cons) == r->ans_slots) {
		ret = enter(tgt, ring);
		if (r->ans_prod - load(&r->head->ans_cons) == r->ans_slots)
			return ret == -ENOMEM ? -EAGAIN : ret;
	}
	memcpy(&r->answers[r->ans_prod & (r->ans_slots - 1)], ans, sizeof(*ans));
	store(&r->head->ans_prod, ++r->ans_prod);
	return 0;
}

int tgt_cmd_rsp(struct tgt *tgt, uint32_t ring, uint32_t host_no, const struct tgt_cmd_rsp *rsp)
{
	struct tgt_answer ans = { .type = TGT_CMD_RSP, .host_no = host_no, .cmd_rsp = *rsp };

	return put(tgt, ring, &ans);
}

int tgt_tsk_mgmt_rsp(struct tgt *tgt, uint32_t ring, uint32_t host_no, uint64_t tmf_id, enum tgt_tmf_result result)
{
	struct tgt_answer ans = {
		.type = TGT_TSK_MGMT_RSP,
		.host_no = host_no,
		.tsk_mgmt_rsp = { .tmf_id = tmf_id, .result = result },
	};

	return put(tgt, ring, &ans);
}
