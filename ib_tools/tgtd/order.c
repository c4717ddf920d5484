// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Task attributes: which commands of a logical unit may run (SAM-5).
 *
 *	SIMPLE		waits for older ORDERED ones, and for all with HEAD OF QUEUE
 *	ORDERED		waits for all older ones, and for all with HEAD OF QUEUE
 *	HEAD OF QUEUE	runs
 *
 * There is one task set for all nexuses (TST is 000b). Who waits is in one queue, and so in front of all that came
 * later but for HEAD OF QUEUE; it has looked at nothing yet, neither at reservations nor at unit attentions.
 *
 * A command has ended when its CMD_DONE has come, or when it was aborted without a word: then its status has left, and
 * what runs behind it is answered behind it. It is not enough that the kernel has the status: it may hold back an
 * answer with much data for want of room in the send queue, while a short one goes. One that is aborted while it waits
 * is in nobody's way any more, even if its status is still to be sent.
 *
 * As long as all are SIMPLE, order.running counts them, and that is all. Whatever else comes sets GATED in the same
 * word: from then on everybody takes the lock, until nobody waits and only SIMPLE ones run.
 */
#include "engine.h"

#define GATED	(1U << 31)

void order_init(struct order *o)
{
	pthread_mutex_init(&o->lock, NULL);
	list_init(&o->waiting);
}

void order_destroy(struct order *o)
{
	pthread_mutex_destroy(&o->lock);
}

static bool simple(const struct task *t)
{
	return t->scsi.attr != TGT_ATTR_ORDERED && t->scsi.attr != TGT_ATTR_HEAD;
}

static bool may_run_locked(const struct order *o, const struct task *t)
{
	if (o->ordered || o->heads)
		return false;
	return simple(t) || __atomic_load_n(&o->running, __ATOMIC_ACQUIRE) == GATED;
}

static void run_locked(struct order *o, struct task *t)
{
	__atomic_add_fetch(&o->running, 1, __ATOMIC_ACQ_REL);
	o->ordered |= t->scsi.attr == TGT_ATTR_ORDERED;
	o->heads += t->scsi.attr == TGT_ATTR_HEAD;
	t->runs = true;
}

static void enabled(struct worker *w, struct msg *msg)
{
	struct task *t = container_of(msg, struct task, msg);

	(void)w;
	/* Else it was aborted after the message was sent. */
	if (t->state == TASK_DORMANT)
		task_enable(t);
}

/* @self goes on by itself. */
static void advance_locked(struct order *o, const struct task *self)
{
	struct task *t;

	while (!list_empty(&o->waiting)) {
		t = container_of(o->waiting.next, struct task, wait);
		if (!may_run_locked(o, t))
			return;
		list_del(&t->wait);
		run_locked(o, t);
		if (t == self)
			continue;
		__atomic_sub_fetch(&t->w->d->dormant, 1, __ATOMIC_RELAXED);
		worker_send(t->w, &t->msg, enabled);
	}
	if (!o->ordered && !o->heads)
		__atomic_and_fetch(&o->running, ~GATED, __ATOMIC_ACQ_REL);
}

bool order_begin(struct task *t)
{
	struct order *o = &t->lu->order;
	uint32_t n = __atomic_load_n(&o->running, __ATOMIC_RELAXED);
	bool runs;

	while (simple(t) && !(n & GATED)) {
		if (__atomic_compare_exchange_n(&o->running, &n, n + 1, true, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) {
			t->runs = true;
			return true;
		}
	}
	pthread_mutex_lock(&o->lock);
	/* Before anybody is counted: who ends after that takes the lock, who has ended before is not counted. */
	__atomic_or_fetch(&o->running, GATED, __ATOMIC_ACQ_REL);
	if (t->scsi.attr == TGT_ATTR_HEAD) {
		run_locked(o, t);
	} else {
		list_add_tail(&t->wait, &o->waiting);
		advance_locked(o, t);
	}
	runs = t->runs;
	if (!runs)
		__atomic_add_fetch(&t->w->d->dormant, 1, __ATOMIC_RELAXED);
	pthread_mutex_unlock(&o->lock);
	/* Who sleeps through the end of what it waits for does so no more. */
	if (!runs)
		workers_wake(t->w->d);
	return runs;
}

void order_leave(struct task *t)
{
	struct order *o = &t->lu->order;

	pthread_mutex_lock(&o->lock);
	if (!t->runs) {
		list_del(&t->wait);
		__atomic_sub_fetch(&t->w->d->dormant, 1, __ATOMIC_RELAXED);
		advance_locked(o, NULL);
	}
	pthread_mutex_unlock(&o->lock);
}

void order_end(struct task *t)
{
	struct order *o;

	if (!t->runs)
		return;
	t->runs = false;
	o = &t->lu->order;
	if (!(__atomic_fetch_sub(&o->running, 1, __ATOMIC_ACQ_REL) & GATED))
		return;
	pthread_mutex_lock(&o->lock);
	if (t->scsi.attr == TGT_ATTR_ORDERED)
		o->ordered = false;
	o->heads -= t->scsi.attr == TGT_ATTR_HEAD;
	advance_locked(o, NULL);
	pthread_mutex_unlock(&o->lock);
}
