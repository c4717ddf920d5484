// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * See engine.h: the loop of a thread, its messages, and its nexuses.
 *
 * A round: events of the ring, messages, commands that waited for room; then the kernel gets all I/O and answers at
 * once, by the call with which the thread goes to sleep if there is nothing else to do, and what has ended is seen.
 * It waits for all of it in its io_uring, but not for more than a second, and now and then the kernel is called without
 * answers: so it and the watchdog know that the thread lives.
 */
#include <errno.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "engine.h"
#include "log.h"

#define EVENTS_PER_ROUND	256
#ifndef ALIVE_MS	/* tests wait for ever, not to miss that something else should have come */
#define ALIVE_MS		1000
#endif
#define QUIET_ROUNDS		4
#define DRAIN_MS		100
#define DRAIN_ROUNDS		300

/* ---- messages ----------------------------------------------------------------------------------- */

static void wake(int fd)
{
	static const uint64_t one = 1;

	/* EAGAIN: it is about to wake up anyway. */
	while (write(fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

void worker_send(struct worker *w, struct msg *msg, msg_fn handle)
{
	msg->handle = handle;
	pthread_mutex_lock(&w->msg_lock);
	list_add_tail(&msg->node, &w->msgs);
	pthread_mutex_unlock(&w->msg_lock);
	wake(w->msg_fd);
}

void worker_unsend(struct worker *w, struct msg *msg)
{
	pthread_mutex_lock(&w->msg_lock);
	list_del(&msg->node);
	pthread_mutex_unlock(&w->msg_lock);
}

bool worker_handle_msgs(struct worker *w)
{
	struct list *node;
	struct msg *msg;
	bool any = false;

	for (;;) {
		pthread_mutex_lock(&w->msg_lock);
		node = list_empty(&w->msgs) ? NULL : w->msgs.next;
		if (node)
			list_del(node);
		pthread_mutex_unlock(&w->msg_lock);
		if (!node)
			return any;
		msg = container_of(node, struct msg, node);
		msg->handle(w, msg);
		any = true;
	}
}

void workers_wake(struct daemon *d)
{
	uint32_t i;

	for (i = 0; i < d->nr_workers; i++)
		wake(d->workers[i].msg_fd);
}

struct quiesce {
	struct msg	msg;
	sem_t		*done;
};

static void quiesced(struct worker *w, struct msg *msg)
{
	(void)w;
	sem_post(container_of(msg, struct quiesce, msg)->done);
}

void workers_quiesce(struct daemon *d)
{
	struct quiesce q[TGT_MAX_RINGS];
	uint32_t i, sent = 0;
	sem_t done;

	sem_init(&done, 0, 0);
	for (i = 0; i < d->nr_workers; i++) {
		if (!d->workers[i].running)
			continue;
		q[i].done = &done;
		worker_send(&d->workers[i], &q[i].msg, quiesced);
		sent++;
	}
	while (sent)
		sent -= !sem_wait(&done);
	sem_destroy(&done);
}

void worker_failed(struct worker *w)
{
	log_error("%s", tgt_error());
	__atomic_store_n(&w->d->failed, true, __ATOMIC_RELAXED);
	wake(w->d->stop_fd);
}

/* ---- nexuses ------------------------------------------------------------------------------------ */

struct nexus *worker_find_nexus(struct worker *w, uint32_t host_no)
{
	struct list *head = &w->nexuses[host_no % WORKER_BUCKETS], *node;
	struct nexus *nexus;

	list_for_each(node, head) {
		nexus = container_of(node, struct nexus, node);
		if (nexus->host_no == host_no)
			return nexus;
	}
	return NULL;
}

static void nexus_drop(struct worker *w, struct nexus *nexus)
{
	list_del(&nexus->node);
	w->leaving--;
	nexus_free(w->d, nexus);
}

void nexus_put(struct worker *w, struct nexus *nexus)
{
	if (!--nexus->users && nexus->down)
		nexus_drop(w, nexus);
}

static void host_up(struct worker *w, const struct tgt_event *ev)
{
	struct nexus *nexus = nexus_new(w->d, ev);

	if (!nexus) {
		log_error("an initiator has logged in, but there is no memory for it, or no target %u any more",
			  ev->host_up.target_id);
		return;
	}
	list_add_tail(&nexus->node, &w->nexuses[nexus->host_no % WORKER_BUCKETS]);
}

static void host_down(struct worker *w, uint32_t host_no)
{
	struct nexus *nexus = worker_find_nexus(w, host_no);

	if (!nexus)
		return;		/* host_up() could not */
	nexus->down = true;
	w->leaving++;
	nexus->users++;
	tmf_host_down(w, nexus);
	nexus_put(w, nexus);
}

/* ---- the loop ----------------------------------------------------------------------------------- */

void worker_event(struct worker *w, const struct tgt_event *ev)
{
	switch (ev->type) {
	case TGT_CMD_REQ:
		task_begin(w, ev);
		break;
	case TGT_CMD_DONE:
		task_done(w, ev);
		break;
	case TGT_TSK_MGMT_REQ:
		tmf_begin(w, ev);
		break;
	case TGT_HOST_UP:
		host_up(w, ev);
		break;
	case TGT_HOST_DOWN:
		host_down(w, ev->host_no);
		break;
	default:
		log_error("an event of the unknown type %u", ev->type);
	}
}

static void take_events(struct worker *w)
{
	struct tgt_event ev;
	unsigned int n;

	for (n = 0; n < EVENTS_PER_ROUND && tgt_next(w->d->tgt, w->nr, &ev); n++)
		worker_event(w, &ev);
}

bool worker_sent(struct worker *w, int ret)
{
	if (ret == -EAGAIN) {
		/* The kernel has no memory: there is nothing else to do anyway. */
		log_warning("%s", tgt_error());
		usleep(1000);
		return false;
	}
	if (ret)
		worker_failed(w);
	w->answered = true;
	return true;
}

/* Return: whether the kernel has all answers. @ret: of libtgt. */
static bool submitted(struct worker *w, int ret)
{
	w->answered = ret == -ENOMEM;
	w->quiet = 0;
	if (ret == -EPIPE)
		worker_failed(w);
	else if (ret)
		log_warning("%s", tgt_error());
	return !w->answered;
}

static bool submit(struct worker *w)
{
	return submitted(w, tgt_submit(w->d->tgt, w->nr));
}

void worker_submit_failed(struct worker *w, int res)
{
	submitted(w, tgt_submit_failed(w->d->tgt, w->nr, res));
}

bool worker_flush(struct worker *w)
{
	/* When nobody has to know that the kernel has them it gets them with the next call of io_uring. */
	if (w->answered && list_empty(&w->swept) && uring_submit_answers(w)) {
		w->answered = false;
		w->quiet = 0;
	}
	if (w->answered && !submit(w))
		return true;
	return tmf_tell_swept(w);
}

static bool stopped(struct worker *w)
{
	return __atomic_load_n(&w->stop, __ATOMIC_RELAXED);
}

/* Return: whether there may be more to do now. Of events and of what the io_uring does who falls asleep learns. */
static bool one_round(struct worker *w)
{
	bool more;

	take_events(w);
	more = worker_handle_msgs(w);
	more |= tasks_retry(w);
	more |= worker_flush(w);
	count(&w->counters.loops);
	return more;
}

/* Whether something waits for commands to end; here, but for order.c. */
static bool ends_matter(struct worker *w)
{
	return !list_empty(&w->waiting) || !list_empty(&w->sweeps) || w->leaving ||
	       __atomic_load_n(&w->d->dormant, __ATOMIC_RELAXED);
}

static bool fall_asleep(struct worker *w)
{
	return ends_matter(w) ? tgt_sleep(w->d->tgt, w->nr) : tgt_sleep_sound(w->d->tgt, w->nr);
}

/* New commands and functions are the next daemon's: it gets them again. */
static void take_ends(struct worker *w)
{
	struct tgt_event ev;

	while (tgt_next(w->d->tgt, w->nr, &ev))
		if (ev.type == TGT_CMD_DONE)
			task_done(w, &ev);
}

/*
 * What the backends have begun ends here; the next daemon, if there is one, gets the rest. Nor does it overtake what has
 * not ended: the backends have their locks as long as that.
 */
static void drain(struct worker *w)
{
	unsigned int before, idle = 0;

	while (w->in_flight && idle++ < DRAIN_ROUNDS) {
		before = w->in_flight;
		uring_poll(w, DRAIN_MS);
		take_ends(w);
		worker_flush(w);
		count(&w->counters.loops);
		if (w->in_flight != before)
			idle = 0;
	}
	if (w->in_flight)
		log_warning("thread %u: %u commands have not ended: a device, or an initiator, does not answer", w->nr,
			    w->in_flight);
	worker_flush(w);
	submit(w);
}

static void *loop(void *arg)
{
	struct worker *w = arg;
	int ret = uring_begin(w);
	bool asleep;

	if (ret) {
		log_error("io_uring: %s", strerror(-ret));
		worker_failed(w);
	}
	while (!stopped(w)) {
		asleep = !one_round(w) && fall_asleep(w);
		if (!uring_poll(w, asleep ? ALIVE_MS : 0) && asleep)
			w->quiet = QUIET_ROUNDS;
		if (asleep)
			tgt_awake(w->d->tgt, w->nr);
		/* Without a look at a clock, which can be slow: a round takes no longer than ALIVE_MS. */
		if (++w->quiet >= QUIET_ROUNDS)
			submit(w);
	}
	drain(w);
	return NULL;
}

/* ---- a thread's life ---------------------------------------------------------------------------- */

static void init_lists(struct worker *w)
{
	unsigned int i;

	list_init(&w->tasks);
	list_init(&w->waiting);
	list_init(&w->uring_waiting);
	list_init(&w->tmfs);
	list_init(&w->sweeps);
	list_init(&w->swept);
	list_init(&w->msgs);
	for (i = 0; i < WORKER_BUCKETS; i++) {
		list_init(&w->hash[i]);
		list_init(&w->nexuses[i]);
	}
}

int worker_init(struct worker *w, struct daemon *d, uint32_t nr, char *error)
{
	size_t len = (size_t)(d->conf->memory / d->conf->threads) << 20, lent;
	void *memory;
	int ret;

	len -= len % BUFFERS_MAX;
	lent = len / 2 - len / 2 % BUFFERS_MAX;
	w->d = d;
	w->nr = nr;
	init_lists(w);
	pthread_mutex_init(&w->msg_lock, NULL);
	w->msg_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	w->bufs = buffers_new(len);
	if (w->msg_fd < 0 || !w->bufs) {
		snprintf(error, CONFIG_ERROR_LEN, "thread %u: %s", nr, strerror(errno));
		return -errno;
	}
	ret = tgt_alloc_buf(d->tgt, len + lent, &w->buf_id, &memory);
	if (ret) {
		snprintf(error, CONFIG_ERROR_LEN, "%s; or set a smaller memory in the configuration", tgt_error());
		return ret;
	}
	w->memory = memory;
	w->lent_off = len;
	ret = tgt_lend(d->tgt, nr, w->buf_id, w->lent_off, lent);
	if (ret) {
		snprintf(error, CONFIG_ERROR_LEN, "%s", tgt_error());
		return ret;
	}
	return uring_open(w, len + lent, error);
}

int worker_start(struct worker *w)
{
	char name[16];
	int ret = pthread_create(&w->thread, NULL, loop, w);

	if (ret)
		return -ret;
	w->running = true;
	snprintf(name, sizeof(name), "tgtd/%u", w->nr);
	pthread_setname_np(w->thread, name);
	return 0;
}

void worker_stop(struct worker *w)
{
	if (!w->running)
		return;
	__atomic_store_n(&w->stop, true, __ATOMIC_RELAXED);
	wake(w->msg_fd);
	pthread_join(w->thread, NULL);
	w->running = false;
}

void worker_free(struct worker *w)
{
	unsigned int i;

	for (i = 0; i < WORKER_BUCKETS; i++)
		while (!list_empty(&w->nexuses[i]))
			nexus_drop(w, container_of(w->nexuses[i].next, struct nexus, node));
	uring_close(w);
	buffers_free(w->bufs);
	if (w->msg_fd >= 0)
		close(w->msg_fd);
	pthread_mutex_destroy(&w->msg_lock);
}
