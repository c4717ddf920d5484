// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * The walk of a command: from CMD_REQ through the steps of the SCSI engine to CMD_DONE.
 *
 *	CMD_REQ -> its turn -> scsi_begin_lu() -> buffer -> FETCH, IO, ... -> CMD_RSP with status -> CMD_DONE
 *
 * A write has its data in lent memory, if there was room, and then neither a buffer nor an answer that fetches them. It has
 * come with them, or they are on their way: then FETCH comes before all else, and the kernel has it till then.
 *
 * When GOOD is sure to follow an I/O that succeeds, the answer is linked behind it, see uring.c: then CMD_DONE comes next.
 *
 * A command that is to be aborted ends where it is if nobody but us has it. The kernel has it in
 * FETCH and RESPONDED, the io_uring in IO: then it ends when they are through with it, and one that was
 * RESPONDED is not aborted at all.
 *
 * No room in the memory for data is no reason to fail: who finds none waits, and who comes later
 * waits behind, so that a long transfer is not overtaken for ever.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine.h"
#include "log.h"

#define STATUS_BUSY		0x08
#define STATUS_TASK_ABORTED	0x40

static struct list *bucket(struct worker *w, uint32_t host_no, uint64_t cmd_id)
{
	return &w->hash[(cmd_id ^ host_no * 0x9e3779b1u) % WORKER_BUCKETS];
}

static struct task *find(struct worker *w, uint32_t host_no, uint64_t cmd_id)
{
	struct list *head = bucket(w, host_no, cmd_id), *node;
	struct task *t;

	list_for_each(node, head) {
		t = container_of(node, struct task, hash);
		if (t->cmd_id == cmd_id && t->nexus->host_no == host_no)
			return t;
	}
	return NULL;
}

static void send_rsp(struct worker *w, uint32_t host_no, const struct tgt_cmd_rsp *rsp)
{
	while (!worker_sent(w, tgt_cmd_rsp(w->d->tgt, w->nr, host_no, rsp)))
		;
}

/* There is no task for it. */
static void refuse(struct worker *w, uint32_t host_no, uint64_t cmd_id)
{
	struct tgt_cmd_rsp rsp = { .cmd_id = cmd_id, .status = STATUS_BUSY };

	send_rsp(w, host_no, &rsp);
}

/* ---- the end ------------------------------------------------------------------------------------ */

static void task_free(struct task *t)
{
	struct worker *w = t->w;
	struct nexus *nexus = t->nexus;

	list_del(&t->node);
	if (t->lu)
		lu_put(t->lu);
	free(t);
	nexus_put(w, nexus);
}

static void leave_engine(struct task *t)
{
	if (t->held || t->left_engine)
		return;
	t->left_engine = true;
	scsi_task_end(&t->scsi);
}

void task_release(struct task *t)
{
	t->held = false;
	leave_engine(t);
	if (t->state == TASK_ENDED)
		task_free(t);
}

/* The kernel has forgotten it. */
static void end(struct task *t)
{
	struct worker *w = t->w;

	leave_engine(t);
	worker_unsend(w, &t->msg);
	list_del(&t->hash);
	order_end(t);
	if (t->has_buf)
		buffers_put(w->bufs, t->buf_off);
	t->has_buf = false;
	tmf_task_ended(w, t);
	t->state = TASK_ENDED;
	if (!t->held)
		task_free(t);
}

static void end_aborted(struct task *t)
{
	struct tgt_cmd_rsp rsp = { .cmd_id = t->cmd_id };

	count(&t->w->counters.aborted);
	if (t->abort == ABORT_TOLD) {
		rsp.status = STATUS_TASK_ABORTED;
		send_rsp(t->w, t->nexus->host_no, &rsp);
		leave_engine(t);
		t->state = TASK_RESPONDED;
		return;
	}
	rsp.flags = TGT_RSP_ABORTED;
	send_rsp(t->w, t->nexus->host_no, &rsp);
	end(t);
}

void task_abort(struct task *t, enum task_abort how)
{
	if (t->state == TASK_RESPONDED || t->state == TASK_ENDED)
		return;
	/* Its own initiator does not want to hear of it, whoever else has aborted it. */
	if (t->abort != ABORT_SILENT)
		t->abort = how;
	switch (t->state) {
	case TASK_DORMANT:
		order_leave(t);
		if (t->fetching)
			t->state = TASK_FETCH;
		else
			end_aborted(t);
		break;
	case TASK_WAIT_BUFFER:
	case TASK_WAIT_URING:
		list_del(&t->wait);
		end_aborted(t);
		break;
	case TASK_WAIT_TURN:
	case TASK_PREEMPT:	/* two that preempt each other must not wait for each other */
		end_aborted(t);
		break;
	case TASK_IO:
		t->io.stop = true;
		/* In case it cannot be cancelled */
		__atomic_store_n(&t->answer.type, TGT_NO_ANSWER, __ATOMIC_RELAXED);
		uring_cancel(t->w, t);
		break;
	default:
		break;
	}
}

void task_free_all(struct worker *w)
{
	struct task *t;

	while (!list_empty(&w->tasks)) {
		t = container_of(w->tasks.next, struct task, node);
		t->held = false;
		leave_engine(t);
		list_del(&t->wait);
		worker_unsend(w, &t->msg);
		list_del(&t->hash);
		task_free(t);
	}
}

/* ---- steps -------------------------------------------------------------------------------------- */

static void fetch(struct task *t)
{
	struct tgt_cmd_rsp rsp = {
		.cmd_id = t->cmd_id,
		.flags = TGT_RSP_DATA_ONLY,
		.buf_id = t->w->buf_id,
		.off = t->buf_off,
		.len = t->scsi.fetch_len,
	};

	t->state = TASK_FETCH;
	send_rsp(t->w, t->nexus->host_no, &rsp);
}

static struct tgt_cmd_rsp status_of(const struct task *t)
{
	const struct scsi_task *s = &t->scsi;
	struct tgt_cmd_rsp rsp = {
		.cmd_id = t->cmd_id,
		.buf_id = t->w->buf_id,
		.off = t->buf_off,
		.len = s->in_len,
		.produced = s->produced,
		.status = s->status,
		.sense_len = s->sense_len,
	};

	memcpy(rsp.sense, s->sense, s->sense_len);
	return rsp;
}

static void respond(struct task *t)
{
	struct tgt_cmd_rsp rsp = status_of(t);

	t->state = TASK_RESPONDED;
	send_rsp(t->w, t->nexus->host_no, &rsp);
	leave_engine(t);
}

static void wait_for(struct task *t, enum task_state state, enum scsi_step step)
{
	t->state = state;
	t->step = step;
	if (state == TASK_WAIT_URING) {
		list_add_tail(&t->wait, &t->w->uring_waiting);
	} else {
		list_add_tail(&t->wait, &t->w->waiting);
		count(&t->w->counters.buffer_waits);
	}
}

static void count_bytes(struct task *t, uint64_t n)
{
	struct lu_counters *c = &t->lu->counters;

	if (t->io.op == SCSI_IO_READ)
		__atomic_add_fetch(&c->read_bytes, n, __ATOMIC_RELAXED);
	else if (t->io.op == SCSI_IO_WRITE)
		__atomic_add_fetch(&c->written_bytes, n, __ATOMIC_RELAXED);
}

/* With an answer behind it an I/O is counted in advance: nobody looks when it has succeeded. */
void task_link(struct task *t, bool linked)
{
	t->linked = linked;
	count_bytes(t, linked ? t->io.len : -t->io.len);
}

static void note_io(struct task *t)
{
	if (t->io.error && t->io.error != -ECANCELED) {
		count(&t->w->counters.io_errors);
		log_error("LUN %u of target %s: I/O at byte %llu: %s", t->lu->conf->lun,
			  t->lu->target->conf->id_ext_text, (unsigned long long)t->io.off, strerror(-t->io.error));
	} else {
		count_bytes(t, t->io.len);
	}
}

/* The next request of an I/O. */
void task_io(struct task *t)
{
	t->state = TASK_IO;
	if (!uring_io(t->w, t))
		wait_for(t, TASK_WAIT_URING, SCSI_IO);
}

/* Return: true: it has ended already. */
static bool do_io(struct task *t)
{
	const struct scsi_io *io = &t->scsi.io;

	t->io = (struct io) {
		.be = t->lu->be,
		.op = io->op,
		.off = io->off,
		.len = io->len,
		.fua = io->fua,
		.unmap = io->unmap,
		.buf = t->scsi.buf + io->buf_off,
		.fixed = t->w->fixed,
	};
	if (t->io.be->ops->run) {
		t->io.be->ops->run(t->io.be, &t->io);
		note_io(t);
		return true;
	}
	if (scsi_io_foreseen(&t->scsi)) {
		t->answer.type = TGT_CMD_RSP;
		t->answer.host_no = t->nexus->host_no;
		t->answer.cmd_rsp = status_of(t);
	}
	task_io(t);
	return false;
}

/* The initiator may try again. */
static void busy(struct task *t)
{
	t->scsi.status = STATUS_BUSY;
	respond(t);
}

static void have_data(struct task *t)
{
	if (!t->scsi.may_preempt)
		task_go(t, scsi_data(&t->scsi));
	else if (!tmf_preempt(t))
		busy(t);
}

/* What it needs is there. */
static void run(struct task *t, enum scsi_step step)
{
	for (;;) {
		switch (step) {
		case SCSI_FETCH:
			if (t->lent)
				have_data(t);
			else
				fetch(t);
			return;
		case SCSI_FILL:
			step = scsi_fill(&t->scsi);
			break;
		case SCSI_IO:
			if (!do_io(t))
				return;
			step = scsi_io_done(&t->scsi, t->io.error);
			break;
		case SCSI_WAIT:
			t->state = TASK_WAIT_TURN;
			return;
		case SCSI_RESPOND:
			respond(t);
			return;
		}
	}
}

static bool get_buffer(struct task *t)
{
	if (!buffers_get(t->w->bufs, t->scsi.need_len, &t->buf_off))
		return false;
	t->has_buf = true;
	t->scsi.buf = t->w->memory + t->buf_off;
	return true;
}

/* They stay there, unless it needs more room: then they are fetched as if they had not come. */
static void use_lent(struct task *t)
{
	uint32_t pages = (t->scsi.data_out_len + TGT_LENT_PAGE - 1) / TGT_LENT_PAGE;

	if (t->scsi.need_len > pages * TGT_LENT_PAGE)
		t->lent = 0;
	else
		t->scsi.buf = t->w->memory + t->w->lent_off + (size_t)(t->lent - 1) * TGT_LENT_PAGE;
}

static bool needs_buffer(const struct task *t, enum scsi_step step)
{
	return t->scsi.need_len && !t->scsi.buf &&
	       (step == SCSI_FETCH || step == SCSI_FILL || step == SCSI_IO);
}

/* Go on with a step, when there is a buffer. */
void task_go(struct task *t, enum scsi_step step)
{
	if (step == SCSI_FETCH && t->lent)
		use_lent(t);
	if (needs_buffer(t, step) && (!list_empty(&t->w->waiting) || !get_buffer(t)))
		wait_for(t, TASK_WAIT_BUFFER, step);
	else
		run(t, step);
}

bool tasks_retry(struct worker *w)
{
	bool moved = false;
	struct task *t;

	while (!list_empty(&w->uring_waiting)) {
		t = container_of(w->uring_waiting.next, struct task, wait);
		if (!uring_io(w, t))
			break;
		list_del(&t->wait);
		t->state = TASK_IO;
		moved = true;
	}
	while (!list_empty(&w->waiting)) {
		t = container_of(w->waiting.next, struct task, wait);
		if (!get_buffer(t))
			break;
		list_del(&t->wait);
		run(t, t->step);
		moved = true;
	}
	return moved;
}

/* ---- what makes it go on ------------------------------------------------------------------------ */

static struct task *new_task(struct worker *w, struct nexus *nexus, const struct tgt_cmd_req *req)
{
	struct task *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->w = w;
	t->nexus = nexus;
	t->cmd_id = req->cmd_id;
	t->tag = req->tag;
	t->arrival = ++w->arrivals;
	t->lent = req->lent;
	t->fetching = req->flags & TGT_REQ_FETCHING;
	t->scsi.nexus = nexus->scsi;
	memcpy(t->scsi.lun, req->lun, sizeof(t->scsi.lun));
	memcpy(t->scsi.cdb, req->cdb, sizeof(t->scsi.cdb));
	t->scsi.cdb_len = req->cdb_len;
	t->scsi.attr = req->attr;
	t->scsi.data_out_len = req->data_out_len;
	t->scsi.data_in_len = req->data_in_len;
	list_init(&t->wait);
	list_init(&t->msg.node);
	list_add_tail(&t->node, &w->tasks);
	list_add_tail(&t->hash, bucket(w, nexus->host_no, t->cmd_id));
	nexus->users++;
	return t;
}

/* Return: true: it need not go on. */
static bool fetch_failed(struct task *t, uint32_t result)
{
	t->state = TASK_NEW;
	if (t->abort == ABORT_NONE && result == TGT_DONE_LOST)
		t->abort = ABORT_SILENT;	/* nobody is there to hear of it */
	if (t->abort != ABORT_NONE)
		end_aborted(t);
	else if (result != TGT_DONE_OK)
		busy(t);	/* a function that aborts it may follow, or the kernel was short of memory */
	else
		return false;
	return true;
}

void task_enable(struct task *t)
{
	if (t->fetching)
		t->state = TASK_FETCH;
	else if (!fetch_failed(t, t->fetch_result))
		task_go(t, scsi_begin_lu(&t->scsi, t->lu ? t->lu->scsi : NULL));
}

void task_begin(struct worker *w, const struct tgt_event *ev)
{
	struct nexus *nexus = worker_find_nexus(w, ev->host_no);
	struct task *t = nexus ? new_task(w, nexus, &ev->cmd_req) : NULL;
	struct scsi_lu *scsi;

	count(&w->counters.commands);
	if (!t) {
		/* Else when its data are there, see task_done(). */
		if (!(ev->cmd_req.flags & TGT_REQ_FETCHING))
			refuse(w, ev->host_no, ev->cmd_req.cmd_id);
		return;
	}
	scsi = scsi_lu_find(nexus->target->scsi, t->scsi.lun);
	if (scsi) {
		t->lu = scsi_lu_priv(scsi);
		lu_get(t->lu);
		__atomic_add_fetch(&t->lu->counters.commands, 1, __ATOMIC_RELAXED);
	}
	if (!t->lu || order_begin(t))
		task_enable(t);
	else
		t->state = TASK_DORMANT;
}

static void fetched(struct task *t, uint32_t result)
{
	if (!fetch_failed(t, result))
		have_data(t);
}

/* One whose turn has not come goes on when it has. */
static void fetched_ahead(struct task *t, uint32_t result)
{
	t->fetching = false;
	t->fetch_result = result;
	if (t->state == TASK_FETCH)
		task_enable(t);
}

/* The I/O has succeeded, and so has the answer: who wanted to abort it was too late. */
static void end_linked(struct task *t)
{
	t->w->in_flight--;
	t->w->quiet = 0;
	t->abort = ABORT_NONE;
	end(t);
}

void task_done(struct worker *w, const struct tgt_event *ev)
{
	struct task *t = find(w, ev->host_no, ev->cmd_done.cmd_id);

	if (!t) {
		if (!ev->cmd_done.ended)
			refuse(w, ev->host_no, ev->cmd_done.cmd_id);
		return;
	}
	if (t->fetching)
		fetched_ahead(t, ev->cmd_done.result);
	else if (t->state == TASK_FETCH)
		fetched(t, ev->cmd_done.result);
	else if (t->state == TASK_RESPONDED)
		end(t);
	else if (t->linked)
		end_linked(t);
	else
		log_error("the kernel is done with a command that it did not have");
}

void task_io_ended(struct task *t)
{
	note_io(t);
	t->state = TASK_NEW;
	if (t->abort != ABORT_NONE)
		end_aborted(t);
	else
		task_go(t, scsi_io_done(&t->scsi, t->io.error));
}

static void resumed(struct worker *w, struct msg *msg)
{
	struct task *t = container_of(msg, struct task, msg);

	(void)w;
	if (t->state == TASK_WAIT_TURN)
		task_go(t, scsi_resume(&t->scsi));
}

/*
 * In any thread, under the lock of the logical unit that scsi_task_end() takes too: so t is there, and
 * end() finds the message in the queue.
 */
void task_resume(struct scsi_task *scsi)
{
	struct task *t = container_of(scsi, struct task, scsi);

	worker_send(t->w, &t->msg, resumed);
}
