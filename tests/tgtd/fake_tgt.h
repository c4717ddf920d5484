/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * A kernel for tests of the daemon: libtgt without /dev/tgt.
 *
 * It knows each command and function, and fails the test when an answer is not allowed: for what is not
 * the daemon's, of a function whose commands have not ended, or of a command whose turn it is not. Either the daemon's threads do not run: the
 * test gives them events, and lets them do what they have to with settle(). Or, with fake_threads, they
 * do: then events are queued, and each CMD_DONE comes by itself.
 *
 * A test includes it once: it is a program of its own.
 */
#ifndef FAKE_TGT_H
#define FAKE_TGT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "engine.h"

#define FAKE_MAX	16384
#define FAKE_RINGS	2

/* A configuration from a text; NULL, and @error, if it is refused. */
static __attribute__((unused)) struct config *try_load(const char *text, char *error)
{
	char path[] = "/tmp/test_daemon.XXXXXX";
	int fd = mkstemp(path);
	struct config *c;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	error[0] = 0;
	c = config_load(path, error);
	unlink(path);
	return c;
}

static __attribute__((unused)) struct config *load(const char *text)
{
	char error[CONFIG_ERROR_LEN];
	struct config *c = try_load(text, error);

	if (!c)
		fail_msg("%s", error);
	return c;
}

enum fake_state {
	AT_DAEMON,
	FETCHING,
	RESPONDED,
	ENDED,
};

struct fake_cmd {
	uint32_t	ring, host_no, lun;
	uint64_t	tag;
	uint8_t		attr;
	bool		fetched;	/* its data were */
	enum fake_state	state;
	bool		aborted;	/* by TGT_RSP_ABORTED */
	bool		known;		/* ... and by the kernel */
	uint8_t		status;
	uint32_t	len;
};

struct fake_tmf {
	uint32_t	ring, host_no, lun, function;
	uint64_t	tag;
	uint64_t	nr_before;	/* commands that came before */
	bool		answered;
	uint32_t	result;
};

/* A command's id is its index, and so is that of a function. */
static struct fake_cmd cmds[FAKE_MAX];
static uint64_t nr_cmds;
static uint64_t fake_oldest;	/* of those that have not ended */
static struct fake_tmf tmfs[FAKE_MAX];
static uint64_t nr_tmfs;

/**
 * struct fake_ring - events on their way
 * @prod: written, and @cons: read
 * @sound: asleep, and the end of a command does not wake it
 */
struct fake_ring {
	struct tgt_event	ev[4 * FAKE_MAX];
	uint64_t		prod, cons;
	bool			asleep, sound;
	int			fd;
};

static bool fake_threads;
static bool fake_hold;		/* with threads: commands end when the test says so */
static pthread_mutex_t fake_lock = PTHREAD_MUTEX_INITIALIZER;	/* protects all of it, with fake_threads */
static struct fake_ring fake_rings[FAKE_RINGS] = { { .fd = -1 }, { .fd = -1 } };

static void fake_put_locked(uint32_t ring, const struct tgt_event *ev, bool news)
{
	static const uint64_t one = 1;
	struct fake_ring *r = &fake_rings[ring];

	r->ev[r->prod++ % (4 * FAKE_MAX)] = *ev;
	if (r->asleep && (news || !r->sound))
		assert_int_equal(write(r->fd, &one, sizeof(one)), sizeof(one));
}

static void fake_queue_locked(uint32_t ring, const struct tgt_event *ev)
{
	fake_put_locked(ring, ev, true);
}

static void fake_done_locked(uint64_t id)
{
	struct tgt_event ev = { .type = TGT_CMD_DONE, .host_no = cmds[id].host_no };

	cmds[id].state = cmds[id].state == FETCHING ? AT_DAEMON : ENDED;
	ev.cmd_done.cmd_id = id;
	ev.cmd_done.ended = cmds[id].state == ENDED;
	fake_put_locked(cmds[id].ring, &ev, cmds[id].state != ENDED);
}

static bool fake_covers(const struct fake_tmf *f, const struct fake_cmd *c)
{
	bool own = f->host_no == c->host_no;

	if (f->lun != c->lun)
		return false;
	switch (f->function) {
	case TGT_ABORT_TASK:
		return own && c->tag == f->tag;
	case TGT_ABORT_TASK_SET:
		return own;
	case TGT_CLEAR_TASK_SET:
	case TGT_LUN_RESET:
		return true;
	}
	return false;
}

/* ---- libtgt ------------------------------------------------------------------------------------- */

int tgt_open(const struct tgt_options *opt, struct tgt **tgt)
{
	(void)opt;
	*tgt = NULL;
	return 0;
}

void tgt_close(struct tgt *tgt)
{
	(void)tgt;
}

const char *tgt_error(void)
{
	return "fake";
}

/* The last initiator of the last target that was bound. */
static char fake_bound[TGT_NAME_LEN];

int tgt_bind(struct tgt *tgt, const char *port, uint64_t id_ext, const char *const *initiators, uint32_t nr,
	     uint32_t *target_id)
{
	(void)tgt, (void)port;
	snprintf(fake_bound, sizeof(fake_bound), "%s", nr ? initiators[nr - 1] : "");
	if (nr && !strcmp(initiators[0], "nonsense"))
		return -EINVAL;
	*target_id = id_ext;
	return 0;
}

int tgt_unbind(struct tgt *tgt, uint32_t target_id)
{
	(void)tgt, (void)target_id;
	return 0;
}

static void *fake_memory[TGT_MAX_RINGS];
static uint32_t nr_memory;

int tgt_alloc_buf(struct tgt *tgt, size_t len, uint32_t *buf_id, void **addr)
{
	(void)tgt;
	*buf_id = nr_memory;
	*addr = fake_memory[nr_memory++] = aligned_alloc(4096, len);
	return *addr ? 0 : -1;
}

int tgt_free_buf(struct tgt *tgt, uint32_t buf_id)
{
	(void)tgt, (void)buf_id;
	return 0;
}

/* What is lent to each ring, where in it the data of the next command are, and whether they are there yet. */
static uint8_t *fake_lent[FAKE_RINGS];
static uint32_t fake_page;
static bool fake_ahead;

int tgt_lend(struct tgt *tgt, uint32_t ring, uint32_t buf_id, uint64_t off, uint64_t len)
{
	(void)tgt, (void)len;
	fake_lent[ring] = (uint8_t *)fake_memory[buf_id] + off;
	return 0;
}

int tgt_ring_fd(struct tgt *tgt, uint32_t ring)
{
	struct fake_ring *r = &fake_rings[ring];

	(void)tgt;
	if (r->fd < 0)
		r->fd = eventfd(0, EFD_NONBLOCK);
	return r->fd;
}

_Bool tgt_next(struct tgt *tgt, uint32_t ring, struct tgt_event *ev)
{
	struct fake_ring *r = &fake_rings[ring];
	bool any;

	(void)tgt;
	pthread_mutex_lock(&fake_lock);
	any = r->cons != r->prod;
	if (any)
		*ev = r->ev[r->cons++ % (4 * FAKE_MAX)];
	pthread_mutex_unlock(&fake_lock);
	return any;
}

static _Bool fake_sleep(struct tgt *tgt, uint32_t ring, bool sound)
{
	struct fake_ring *r = &fake_rings[ring];

	tgt_ring_fd(tgt, ring);
	pthread_mutex_lock(&fake_lock);
	r->asleep = r->cons == r->prod;
	r->sound = sound;
	pthread_mutex_unlock(&fake_lock);
	return r->asleep;
}

_Bool tgt_sleep(struct tgt *tgt, uint32_t ring)
{
	return fake_sleep(tgt, ring, false);
}

_Bool tgt_sleep_sound(struct tgt *tgt, uint32_t ring)
{
	return fake_sleep(tgt, ring, true);
}

void tgt_awake(struct tgt *tgt, uint32_t ring)
{
	struct fake_ring *r = &fake_rings[ring];
	uint64_t n;

	(void)tgt;
	pthread_mutex_lock(&fake_lock);
	r->asleep = false;
	while (read(r->fd, &n, sizeof(n)) > 0)
		;
	pthread_mutex_unlock(&fake_lock);
}

/*
 * An older command that has not ended; one that was aborted while it waited is in nobody's way. Between rings the
 * threads decide who is older.
 */
static bool fake_in_the_way(const struct fake_cmd *older, const struct fake_cmd *c)
{
	if (older->lun != c->lun || older->state == ENDED || (fake_threads && older->ring != c->ring))
		return false;
	if (older->state == RESPONDED && older->status == 0x40)
		return false;
	return c->attr == TGT_ATTR_ORDERED || older->attr != TGT_ATTR_SIMPLE;
}

/* It does something: that must be its right. */
static void fake_check_order_locked(uint64_t id)
{
	uint64_t i;

	while (fake_oldest < nr_cmds && cmds[fake_oldest].state == ENDED)
		fake_oldest++;
	if (cmds[id].attr == TGT_ATTR_HEAD)
		return;
	for (i = fake_oldest; i < id; i++)
		if (fake_in_the_way(&cmds[i], &cmds[id]))
			fail_msg("command %llu is behind %llu", (unsigned long long)id, (unsigned long long)i);
}

static void fake_cmd_rsp_locked(uint32_t ring, uint32_t host_no, const struct tgt_cmd_rsp *rsp)
{
	struct fake_cmd *c = &cmds[rsp->cmd_id];

	assert_true(rsp->cmd_id < nr_cmds);
	assert_int_equal(c->ring, ring);
	assert_int_equal(c->host_no, host_no);
	assert_int_equal(c->state, AT_DAEMON);
	c->len = rsp->len;
	if (!(rsp->flags & TGT_RSP_ABORTED) && !rsp->status)
		fake_check_order_locked(rsp->cmd_id);
	if (rsp->flags & TGT_RSP_ABORTED) {
		c->state = ENDED;
		c->aborted = true;
		return;
	}
	if (rsp->flags & TGT_RSP_DATA_ONLY) {
		assert_true(rsp->len > 0);
		c->state = FETCHING;
		c->fetched = true;
	} else {
		c->state = RESPONDED;
		c->status = rsp->status;
	}
	if (fake_threads && !(fake_hold && c->state == RESPONDED))
		fake_done_locked(rsp->cmd_id);
}

int tgt_cmd_rsp(struct tgt *tgt, uint32_t ring, uint32_t host_no, const struct tgt_cmd_rsp *rsp)
{
	(void)tgt;
	pthread_mutex_lock(&fake_lock);
	fake_cmd_rsp_locked(ring, host_no, rsp);
	pthread_mutex_unlock(&fake_lock);
	return 0;
}

/* A command of another ring may be on its way yet when its thread learns of the function: that one is not covered. */
static void fake_tmf_rsp_locked(struct fake_tmf *f, uint32_t ring, uint32_t host_no, enum tgt_tmf_result result)
{
	uint64_t i;

	assert_int_equal(f->ring, ring);
	assert_int_equal(f->host_no, host_no);
	assert_false(f->answered);
	f->answered = true;
	f->result = result;
	if (result == TGT_TMF_LUN_NOT_FOUND)
		return;
	for (i = 0; i < f->nr_before; i++)
		if (fake_covers(f, &cmds[i]) && (!fake_threads || cmds[i].ring == ring)) {
			assert_int_equal(cmds[i].state, ENDED);
			/* Answers on one ring keep their order. */
			assert_true(!cmds[i].aborted || cmds[i].known || cmds[i].ring == ring);
		}
}

int tgt_tsk_mgmt_rsp(struct tgt *tgt, uint32_t ring, uint32_t host_no, uint64_t tmf_id, enum tgt_tmf_result result)
{
	(void)tgt;
	pthread_mutex_lock(&fake_lock);
	assert_true(tmf_id < nr_tmfs);
	fake_tmf_rsp_locked(&tmfs[tmf_id], ring, host_no, result);
	pthread_mutex_unlock(&fake_lock);
	return 0;
}

static void fake_submit_locked(uint32_t ring)
{
	uint64_t i;

	for (i = 0; i < nr_cmds; i++)
		if (cmds[i].ring == ring && cmds[i].aborted)
			cmds[i].known = true;
}

int tgt_submit(struct tgt *tgt, uint32_t ring)
{
	(void)tgt;
	pthread_mutex_lock(&fake_lock);
	fake_submit_locked(ring);
	pthread_mutex_unlock(&fake_lock);
	return 0;
}

static struct daemon fake_d;

/* ---- requests of io_uring ------------------------------------------------------------------------ */

/*
 * They write what is to be done to a pipe. What comes out of it was carried out by the io_uring: an answer, or, with
 * its ring as host_no and type 0, tgt_submit(). Or they fail, without effect; that is known too late for an answer that
 * was withdrawn, whose completion is done by fake_withdrawn().
 */
static int fake_pipe[2];
static bool fake_submit_fails, fake_answer_fails;
static int fake_submit_res;
static struct tgt_answer fake_submits[FAKE_RINGS] = { { .host_no = 0 }, { .host_no = 1 } };

static void fake_prep(struct io_uring_sqe *sqe, const struct tgt_answer *what, bool fails)
{
	if (fails)
		io_uring_prep_close(sqe, -1);
	else
		io_uring_prep_write(sqe, fake_pipe[1], what, sizeof(*what), -1);
}

void tgt_prep_submit(struct tgt *tgt, uint32_t ring, struct io_uring_sqe *sqe)
{
	(void)tgt;
	fake_prep(sqe, &fake_submits[ring], fake_submit_fails);
}

void tgt_prep_answer(struct tgt *tgt, const struct tgt_answer *ans, struct io_uring_sqe *sqe)
{
	(void)tgt;
	fake_prep(sqe, ans, fake_answer_fails);
}

struct fake_msg {
	struct msg	msg;
	uint64_t	cmd_id;
};

static void fake_withdrawn(struct worker *w, struct msg *msg)
{
	struct fake_msg *m = container_of(msg, struct fake_msg, msg);
	struct list *node;
	struct task *t;

	list_for_each(node, &w->tasks) {
		t = container_of(node, struct task, node);
		if (t->cmd_id == m->cmd_id) {
			assert_true(t->linked);
			task_link(t, false);
			w->in_flight--;
			task_io_ended(t);
			break;
		}
	}
	free(m);
}

static void fake_carry_out(const struct tgt_answer *ans)
{
	struct fake_msg *m;

	if (ans->type == TGT_NO_ANSWER) {
		m = calloc(1, sizeof(*m));
		m->cmd_id = ans->cmd_rsp.cmd_id;
		worker_send(&fake_d.workers[cmds[m->cmd_id].ring], &m->msg, fake_withdrawn);
		return;
	}
	pthread_mutex_lock(&fake_lock);
	if (ans->type == TGT_CMD_RSP)
		fake_cmd_rsp_locked(cmds[ans->cmd_rsp.cmd_id].ring, ans->host_no, &ans->cmd_rsp);
	else
		fake_submit_locked(ans->host_no);
	pthread_mutex_unlock(&fake_lock);
}

static void *fake_kernel(void *arg)
{
	struct tgt_answer ans;

	(void)arg;
	while (read(fake_pipe[0], &ans, sizeof(ans)) == sizeof(ans))
		fake_carry_out(&ans);
	return NULL;
}

/* Without threads. Return: whether there was something. */
static __attribute__((unused)) bool fake_drain(void)
{
	struct pollfd p = { .fd = fake_pipe[0], .events = POLLIN };
	struct tgt_answer ans;
	bool any = false;

	while (poll(&p, 1, 0) == 1) {
		assert_int_equal(read(fake_pipe[0], &ans, sizeof(ans)), sizeof(ans));
		fake_carry_out(&ans);
		any = true;
	}
	return any;
}

int tgt_submit_failed(struct tgt *tgt, uint32_t ring, int res)
{
	fake_submit_res = res;
	return tgt_submit(tgt, ring);
}

/* ---- the test's side ---------------------------------------------------------------------------- */

static pthread_t fake_thread;

/* Two threads at work. */
static __attribute__((unused)) void start_threads(struct config *conf, char *error)
{
	uint32_t i;

	fake_threads = true;
	nr_memory = 0;
	assert_int_equal(pipe(fake_pipe), 0);
	assert_int_equal(pthread_create(&fake_thread, NULL, fake_kernel, NULL), 0);
	fake_d = (struct daemon) { .conf = conf, .nr_workers = 2 };
	pthread_mutex_init(&fake_d.lock, NULL);
	list_init(&fake_d.targets);
	list_init(&fake_d.leaving);
	fake_d.workers = calloc(2, sizeof(fake_d.workers[0]));
	assert_non_null(fake_d.workers);
	for (i = 0; i < 2; i++)
		assert_int_equal(worker_init(&fake_d.workers[i], &fake_d, i, error), 0);
	for (i = 0; i < 2; i++)
		assert_int_equal(worker_start(&fake_d.workers[i]), 0);
	assert_int_equal(daemon_apply(&fake_d, conf, error), 0);
}

/* Nothing may be left. */
static __attribute__((unused)) void stop_threads(void)
{
	uint32_t i;

	for (i = 0; i < 2; i++)
		worker_stop(&fake_d.workers[i]);
	for (i = 0; i < 2; i++) {
		assert_true(list_empty(&fake_d.workers[i].tasks));
		assert_true(list_empty(&fake_d.workers[i].tmfs));
		assert_int_equal(buffers_used(fake_d.workers[i].bufs), 0);
		worker_free(&fake_d.workers[i]);
		free(fake_memory[i]);
	}
	free(fake_d.workers);
	close(fake_pipe[1]);
	pthread_join(fake_thread, NULL);
	close(fake_pipe[0]);
	daemon_free_targets(&fake_d);
	assert_true(list_empty(&fake_d.targets));
}

/* Until nobody has anything to do. */
static __attribute__((unused)) void settle(void)
{
	bool any = true;
	uint32_t i;

	while (any) {
		any = false;
		for (i = 0; i < fake_d.nr_workers; i++) {
			struct worker *w = &fake_d.workers[i];

			any |= worker_handle_msgs(w);
			any |= uring_poll(w, 0);
			any |= tasks_retry(w);
			any |= worker_flush(w);
			/* Who falls asleep does that. */
			any |= uring_poll(w, 0);
			any |= fake_drain();
		}
	}
}

static __attribute__((unused)) void give(uint32_t ring, const struct tgt_event *ev)
{
	if (!fake_threads) {
		worker_event(&fake_d.workers[ring], ev);
		return;
	}
	pthread_mutex_lock(&fake_lock);
	fake_queue_locked(ring, ev);
	pthread_mutex_unlock(&fake_lock);
}

static __attribute__((unused)) void host_up(uint32_t ring, uint32_t host_no, uint32_t target_id)
{
	struct tgt_event ev = { .type = TGT_HOST_UP, .host_no = host_no };

	ev.host_up.target_id = target_id;
	memset(ev.host_up.i_port_id, host_no, 16);
	give(ring, &ev);
}

static __attribute__((unused)) void host_down(uint32_t ring, uint32_t host_no)
{
	struct tgt_event ev = { .type = TGT_HOST_DOWN, .host_no = host_no };

	give(ring, &ev);
}

/* Return: its id. */
static __attribute__((unused)) uint64_t send_attr(uint32_t ring, uint32_t host_no, uint32_t lun, uint64_t tag,
						  uint8_t attr, const uint8_t *cdb, uint32_t out, uint32_t in)
{
	struct tgt_event ev = { .type = TGT_CMD_REQ, .host_no = host_no };
	uint64_t id;

	pthread_mutex_lock(&fake_lock);
	id = nr_cmds++;
	assert_true(nr_cmds <= FAKE_MAX);
	cmds[id] = (struct fake_cmd) { .ring = ring, .host_no = host_no, .lun = lun, .tag = tag, .attr = attr };
	if (fake_ahead)
		cmds[id].state = FETCHING;
	pthread_mutex_unlock(&fake_lock);
	ev.cmd_req = (struct tgt_cmd_req) {
		.cmd_id = id, .tag = tag, .lun = { 0, lun }, .data_out_len = out, .data_in_len = in, .cdb_len = 16,
		.attr = attr, .lent = fake_page, .flags = fake_ahead ? TGT_REQ_FETCHING : 0,
	};
	fake_page = 0;
	fake_ahead = false;
	memcpy(ev.cmd_req.cdb, cdb, 16);
	give(ring, &ev);
	return id;
}

static __attribute__((unused)) uint64_t send_cmd(uint32_t ring, uint32_t host_no, uint32_t lun, uint64_t tag,
						 const uint8_t *cdb, uint32_t out, uint32_t in)
{
	return send_attr(ring, host_no, lun, tag, TGT_ATTR_SIMPLE, cdb, out, in);
}

static __attribute__((unused)) void cmd_done(uint64_t id, uint32_t result)
{
	struct tgt_event ev = { .type = TGT_CMD_DONE, .host_no = cmds[id].host_no };

	assert_true(cmds[id].state == FETCHING || cmds[id].state == RESPONDED);
	cmds[id].state = cmds[id].state == FETCHING ? AT_DAEMON : ENDED;
	ev.cmd_done = (struct tgt_cmd_done) { .cmd_id = id, .result = result, .ended = cmds[id].state == ENDED };
	give(cmds[id].ring, &ev);
}

static __attribute__((unused)) uint64_t send_tmf(uint32_t ring, uint32_t host_no, uint32_t lun, uint32_t function,
						 uint64_t tag)
{
	struct tgt_event ev = { .type = TGT_TSK_MGMT_REQ, .host_no = host_no };
	uint64_t id;

	pthread_mutex_lock(&fake_lock);
	id = nr_tmfs++;
	assert_true(nr_tmfs <= FAKE_MAX);
	tmfs[id] = (struct fake_tmf) {
		.ring = ring, .host_no = host_no, .lun = lun, .function = function, .tag = tag, .nr_before = nr_cmds,
	};
	pthread_mutex_unlock(&fake_lock);
	ev.tsk_mgmt_req = (struct tgt_tsk_mgmt_req) {
		.tmf_id = id, .tag = tag, .lun = { 0, lun }, .function = function,
	};
	give(ring, &ev);
	return id;
}

#endif /* FAKE_TGT_H */
