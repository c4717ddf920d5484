// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Task management functions (SAM-5), and PREEMPT AND ABORT.
 *
 * A function covers commands of the threads' tasks: those of its own nexus, or of all nexuses of the logical unit.
 * In each thread that may have some there is a sweep: it counts the commands covered that came before it,
 * aborts them, and has swept when the last has ended, in whatever way. The function is complete when all
 * sweeps are, and the kernel was told of the commands before.
 *
 * What a sweep covers does not change as long as a command lives. So nothing is kept per command, and
 * any number of functions may wait for one.
 *
 * The task of a PREEMPT AND ABORT says which nexuses it has preempted; the sweep marks them with a bit of its
 * own, as another one may preempt them later. The task is kept until all sweeps are over, even if it is
 * aborted itself meanwhile.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine.h"
#include "log.h"

#define PREEMPT_AND_ABORT 0	/* besides enum tgt_function */

struct tmf;

/**
 * struct sweep - what a function covers in one thread
 * @node: in worker.sweeps, then in worker.swept
 * @w: the thread
 * @upto: only tasks that came before are covered: worker.arrivals
 * @bit: PREEMPT AND ABORT: of nexus.preempted
 * @waiting: of those, how many have not ended
 * @aborted: at least one was aborted
 * @completed: at least one ended by itself
 */
struct sweep {
	struct msg	msg;
	struct list	node;
	struct tmf	*tmf;
	struct worker	*w;
	uint64_t	upto;
	uint64_t	bit;
	unsigned int	waiting;
	bool		aborted;
	bool		completed;
};

/**
 * struct tmf - a function under way
 * @node: in worker.tmfs
 * @w: the thread that it belongs to
 * @nexus: from whom
 * @lu: NULL: there is no such LUN
 * @owner: PREEMPT AND ABORT: the task, and its next step
 * @told: tasks of other nexuses end in status TASK ABORTED
 * @open: of @nr_sweeps, those that are not over
 */
struct tmf {
	struct list	node;
	struct worker	*w;
	struct nexus	*nexus;
	struct lu	*lu;
	uint32_t	function;
	uint64_t	tmf_id;
	uint64_t	tag;
	uint8_t		lun[8];
	struct task	*owner;
	enum scsi_step	step;
	bool		told;
	uint32_t	open;
	uint32_t	nr_sweeps;
	struct sweep	sweeps[];
};

static bool covers(const struct sweep *s, const struct task *t)
{
	const struct tmf *tmf = s->tmf;
	bool own = t->nexus == tmf->nexus && !memcmp(t->scsi.lun, tmf->lun, sizeof(tmf->lun));

	if (t->arrival > s->upto || t->state == TASK_ENDED)
		return false;
	switch (tmf->function) {
	case TGT_ABORT_TASK:
		return own && t->tag == tmf->tag;
	case TGT_ABORT_TASK_SET:
		return own;
	case PREEMPT_AND_ABORT:
		return t->lu == tmf->lu && t != tmf->owner && t->nexus->preempted & s->bit;
	default:
		return tmf->lu && t->lu == tmf->lu;
	}
}

/* Return: false: so many are under way that there is no bit left. */
static bool mark_preempted(struct worker *w, struct sweep *s)
{
	const struct task *owner = s->tmf->owner;
	struct nexus *nexus;
	struct list *node;
	unsigned int i;

	s->bit = ~w->preempt_bits & (w->preempt_bits + 1);
	if (!s->bit)
		return false;
	w->preempt_bits |= s->bit;
	for (i = 0; i < WORKER_BUCKETS; i++) {
		list_for_each(node, &w->nexuses[i]) {
			nexus = container_of(node, struct nexus, node);
			nexus->preempted &= ~s->bit;
			if (nexus->target == owner->nexus->target && scsi_preempted(&owner->scsi, nexus->scsi))
				nexus->preempted |= s->bit;
		}
	}
	return true;
}

static void sweep_put(struct sweep *s)
{
	if (--s->waiting)
		return;
	s->w->preempt_bits &= ~s->bit;
	list_del(&s->node);
	list_add_tail(&s->node, &s->w->swept);
}

void tmf_task_ended(struct worker *w, const struct task *t)
{
	struct list *node, *after;
	struct sweep *s;

	list_for_each_safe(node, after, &w->sweeps) {
		s = container_of(node, struct sweep, node);
		if (!covers(s, t))
			continue;
		if (t->abort == ABORT_NONE)
			s->completed = true;
		else
			s->aborted = true;
		sweep_put(s);
	}
}

static void abort_one(struct sweep *s, struct task *t)
{
	const struct tmf *tmf = s->tmf;
	bool foreign = t->nexus != tmf->nexus;

	if (foreign && !tmf->told && tmf->function == TGT_CLEAR_TASK_SET && t->nexus->cleared_by != s &&
	    t->state != TASK_RESPONDED) {
		t->nexus->cleared_by = s;
		scsi_commands_cleared(t->lu->scsi, t->nexus->scsi);
	}
	task_abort(t, foreign && tmf->told ? ABORT_TOLD : ABORT_SILENT);
}

/* In the thread that it is about. Its own share of @waiting keeps it until all were looked at. */
static void sweep(struct worker *w, struct msg *msg)
{
	struct sweep *s = container_of(msg, struct sweep, msg);
	struct list *node, *after;
	struct task *t;

	if (s->tmf->function == PREEMPT_AND_ABORT && !mark_preempted(w, s)) {
		worker_send(w, msg, sweep);
		return;
	}
	s->upto = w->arrivals;
	s->waiting = 1;
	list_for_each(node, &w->tasks)
		s->waiting += covers(s, container_of(node, struct task, node));
	list_add_tail(&s->node, &w->sweeps);
	list_for_each_safe(node, after, &w->tasks) {
		t = container_of(node, struct task, node);
		if (covers(s, t))
			abort_one(s, t);
	}
	sweep_put(s);
}

/* ---- the end of a function ---------------------------------------------------------------------- */

static void send_rsp(struct worker *w, uint32_t host_no, uint64_t tmf_id, enum tgt_tmf_result result)
{
	while (!worker_sent(w, tgt_tsk_mgmt_rsp(w->d->tgt, w->nr, host_no, tmf_id, result)))
		;
}

static enum tgt_tmf_result result_of(const struct tmf *tmf)
{
	const struct sweep *s = &tmf->sweeps[0];

	if (tmf->function != TGT_ABORT_TASK)
		return TGT_TMF_COMPLETE;
	if (s->aborted)
		return TGT_TMF_COMPLETE;
	if (s->completed)
		return TGT_TMF_TASK_COMPLETED;
	return tmf->lu ? TGT_TMF_TASK_NOT_FOUND : TGT_TMF_LUN_NOT_FOUND;
}

static void finish_preempt(struct tmf *tmf)
{
	struct task *t = tmf->owner;

	if (t->state != TASK_PREEMPT) {
		task_release(t);
		return;
	}
	t->held = false;
	t->state = TASK_NEW;
	task_go(t, tmf->step);
}

static void tmf_free(struct tmf *tmf)
{
	list_del(&tmf->node);
	if (tmf->lu)
		lu_put(tmf->lu);
	nexus_put(tmf->w, tmf->nexus);
	free(tmf);
}

void tmf_free_all(struct worker *w)
{
	struct tmf *tmf;
	uint32_t i;

	while (!list_empty(&w->tmfs)) {
		tmf = container_of(w->tmfs.next, struct tmf, node);
		for (i = 0; i < tmf->nr_sweeps; i++) {
			list_del(&tmf->sweeps[i].node);
			list_del(&tmf->sweeps[i].msg.node);
		}
		tmf_free(tmf);
	}
}

static void finish(struct tmf *tmf)
{
	struct worker *w = tmf->w;

	if (tmf->function == PREEMPT_AND_ABORT) {
		finish_preempt(tmf);
	} else {
		if (tmf->function == TGT_LUN_RESET)
			scsi_lu_reset(tmf->lu->scsi);
		send_rsp(w, tmf->nexus->host_no, tmf->tmf_id, result_of(tmf));
	}
	tmf_free(tmf);
}

/* In the thread of the function. */
static void swept(struct worker *w, struct msg *msg)
{
	struct sweep *s = container_of(msg, struct sweep, msg);

	(void)w;
	if (!--s->tmf->open)
		finish(s->tmf);
}

bool tmf_tell_swept(struct worker *w)
{
	bool any = !list_empty(&w->swept);
	struct sweep *s;

	while (!list_empty(&w->swept)) {
		s = container_of(w->swept.next, struct sweep, node);
		list_del(&s->node);
		if (s->tmf->w == w)
			swept(w, &s->msg);
		else
			worker_send(s->tmf->w, &s->msg, swept);
	}
	return any;
}

/* ---- the beginning ------------------------------------------------------------------------------ */

static struct tmf *new_tmf(struct worker *w, struct nexus *nexus, struct lu *lu, uint32_t function)
{
	bool all = function != TGT_ABORT_TASK && function != TGT_ABORT_TASK_SET;
	uint32_t i, nr = all ? w->d->nr_workers : 1;
	struct tmf *tmf = calloc(1, sizeof(*tmf) + nr * sizeof(tmf->sweeps[0]));

	if (!tmf)
		return NULL;
	tmf->w = w;
	tmf->nexus = nexus;
	tmf->lu = lu;
	tmf->function = function;
	tmf->told = lu && scsi_lu_tas(lu->scsi);
	tmf->open = tmf->nr_sweeps = nr;
	for (i = 0; i < nr; i++) {
		tmf->sweeps[i].tmf = tmf;
		tmf->sweeps[i].w = all ? &w->d->workers[i] : w;
		list_init(&tmf->sweeps[i].node);
		list_init(&tmf->sweeps[i].msg.node);
	}
	list_add_tail(&tmf->node, &w->tmfs);
	nexus->users++;
	if (lu)
		lu_get(lu);
	return tmf;
}

/* Commands that this thread learns of later are not covered, so its own sweep is at once. */
static void start(struct tmf *tmf)
{
	struct sweep *s;
	uint32_t i;

	for (i = 0; i < tmf->nr_sweeps; i++) {
		s = &tmf->sweeps[i];
		if (s->w == tmf->w)
			sweep(s->w, &s->msg);
		else
			worker_send(s->w, &s->msg, sweep);
	}
}

/* What can be said without a look at commands. Return: TGT_TMF_COMPLETE: begin it. */
static enum tgt_tmf_result check(const struct tgt_tsk_mgmt_req *req, const struct lu *lu)
{
	switch (req->function) {
	case TGT_ABORT_TASK:
		return TGT_TMF_COMPLETE;	/* of a logical unit that was removed, too */
	case TGT_ABORT_TASK_SET:
	case TGT_CLEAR_TASK_SET:
	case TGT_LUN_RESET:
		return lu ? TGT_TMF_COMPLETE : TGT_TMF_LUN_NOT_FOUND;
	default:
		return TGT_TMF_NOT_SUPPORTED;
	}
}

void tmf_begin(struct worker *w, const struct tgt_event *ev)
{
	const struct tgt_tsk_mgmt_req *req = &ev->tsk_mgmt_req;
	struct nexus *nexus = worker_find_nexus(w, ev->host_no);
	enum tgt_tmf_result result = TGT_TMF_FAILED;
	struct tmf *tmf = NULL;
	struct scsi_lu *scsi;
	struct lu *lu;

	count(&w->counters.functions);
	if (nexus) {
		scsi = scsi_lu_find(nexus->target->scsi, req->lun);
		lu = scsi ? scsi_lu_priv(scsi) : NULL;
		result = check(req, lu);
		if (result == TGT_TMF_COMPLETE)
			tmf = new_tmf(w, nexus, lu, req->function);
	}
	if (!tmf) {
		send_rsp(w, ev->host_no, req->tmf_id, result == TGT_TMF_COMPLETE ? TGT_TMF_FAILED : result);
		return;
	}
	tmf->tmf_id = req->tmf_id;
	tmf->tag = req->tag;
	memcpy(tmf->lun, req->lun, sizeof(tmf->lun));
	start(tmf);
}

bool tmf_preempt(struct task *t)
{
	struct tmf *tmf = new_tmf(t->w, t->nexus, t->lu, PREEMPT_AND_ABORT);
	enum scsi_step step;

	if (!tmf)
		return false;
	step = scsi_data(&t->scsi);
	if (!t->scsi.preempts) {
		tmf_free(tmf);
		task_go(t, step);
		return true;
	}
	tmf->owner = t;
	tmf->step = step;
	t->state = TASK_PREEMPT;
	t->held = true;
	start(tmf);
	return true;
}

void tmf_host_down(struct worker *w, struct nexus *nexus)
{
	struct list *node, *after;
	struct task *t;

	list_for_each_safe(node, after, &w->tasks) {
		t = container_of(node, struct task, node);
		if (t->nexus == nexus)
			task_abort(t, ABORT_SILENT);
	}
}
