// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * The io_uring of a thread: I/O of backends, answers for the kernel, and the two eventfds that wake the thread. So
 * there is one place where it waits.
 *
 * What is known to end a command with GOOD if it succeeds has the answer linked behind it, and neither has a
 * completion then: the thread need not run before there is something new to do.
 *
 * A cancelled request has a completion like any other; that of the cancelling is of no interest, as the
 * request may have ended before.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "engine.h"
#include "log.h"

#define ENTRIES		512

/*
 * One thread uses it, which then runs what the kernel has to do for completions when it asks for them, and is not
 * interrupted for that. The ring begins to live in that thread.
 */
#define FLAGS	(IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_R_DISABLED)

/* What a completion is of; else the address of a task. */
enum {
	OF_EVENTS = 1,
	OF_MSGS = 2,
	OF_CANCEL = 3,
	OF_SUBMIT = 4,
};
#define ANSWER_OF	1u	/* in such an address: of the answer linked behind its I/O */

int uring_open(struct worker *w, size_t len, char *error)
{
	struct iovec memory = { w->memory, len };
	int ret = io_uring_queue_init(ENTRIES, &w->uring, FLAGS);

	if (ret) {
		snprintf(error, CONFIG_ERROR_LEN, "io_uring: %s%s", strerror(-ret),
			 ret == -ENOSYS || ret == -EPERM ? ": enable it (kernel.io_uring_disabled)" : "");
		return ret;
	}
	w->uring_open = true;
	ret = io_uring_register_buffers(&w->uring, &memory, 1);
	w->fixed = !ret;
	if (ret)
		log_notice("the memory for data is not registered for I/O (%s), which then takes longer: raise "
			   "LimitMEMLOCK", strerror(-ret));
	return 0;
}

int uring_begin(struct worker *w)
{
	/* liburing 2.3 forgets to export io_uring_enable_rings(). */
	return syscall(__NR_io_uring_register, w->uring.ring_fd, IORING_REGISTER_ENABLE_RINGS, NULL, 0) ? -errno : 0;
}

void uring_close(struct worker *w)
{
	if (w->uring_open)
		io_uring_queue_exit(&w->uring);
	w->uring_open = false;
}

static bool has_room(struct worker *w, unsigned int n)
{
	if (io_uring_sq_space_left(&w->uring) < n)
		io_uring_submit(&w->uring);
	return io_uring_sq_space_left(&w->uring) >= n;
}

static struct io_uring_sqe *get_sqe(struct worker *w)
{
	return has_room(w, 1) ? io_uring_get_sqe(&w->uring) : NULL;
}

static void link_answer(struct worker *w, struct task *t, struct io_uring_sqe *sqe)
{
	io_uring_sqe_set_flags(sqe, IOSQE_IO_LINK | IOSQE_CQE_SKIP_SUCCESS);
	sqe = io_uring_get_sqe(&w->uring);
	tgt_prep_answer(w->d->tgt, &t->answer, sqe);
	io_uring_sqe_set_flags(sqe, IOSQE_CQE_SKIP_SUCCESS);
	io_uring_sqe_set_data64(sqe, (uintptr_t)t | ANSWER_OF);
	task_link(t, true);
}

bool uring_io(struct worker *w, struct task *t)
{
	struct io_uring_sqe *sqe;

	/* A link ends with what is submitted at once. */
	if (!has_room(w, 2))
		return false;
	sqe = io_uring_get_sqe(&w->uring);
	t->io.be->ops->prep(t->io.be, &t->io, sqe);
	io_uring_sqe_set_data(sqe, t);
	w->in_flight++;
	if (t->answer.type == TGT_CMD_RSP)
		link_answer(w, t, sqe);
	return true;
}

void uring_cancel(struct worker *w, struct task *t)
{
	struct io_uring_sqe *sqe = get_sqe(w);

	/* Without room it is not cancelled, and is waited for as well. */
	if (!sqe)
		return;
	io_uring_prep_cancel64(sqe, (uintptr_t)t, 0);
	io_uring_sqe_set_data64(sqe, OF_CANCEL);
}

bool uring_submit_answers(struct worker *w)
{
	struct io_uring_sqe *sqe = get_sqe(w);

	if (!sqe)
		return false;
	tgt_prep_submit(w->d->tgt, w->nr, sqe);
	io_uring_sqe_set_flags(sqe, IOSQE_CQE_SKIP_SUCCESS);
	io_uring_sqe_set_data64(sqe, OF_SUBMIT);
	return true;
}

/* Each signal completes it once more; so the eventfd need not be read, and what is armed stays so. */
static void arm(struct worker *w, bool *armed, int fd, uint64_t what)
{
	struct io_uring_sqe *sqe;

	if (*armed)
		return;
	sqe = get_sqe(w);
	if (!sqe)
		return;
	io_uring_prep_poll_multishot(sqe, fd, POLLIN);
	io_uring_sqe_set_data64(sqe, what);
	*armed = true;
}

/* @answer: the I/O has succeeded, but not the answer behind it. Else that has not been tried. */
static void io_completed(struct worker *w, struct task *t, bool answer, int res)
{
	w->in_flight--;
	if (t->linked)
		task_link(t, false);
	/* Of further requests nothing is foreseen. */
	t->answer.type = TGT_NO_ANSWER;
	if (answer || t->io.be->ops->complete(t->io.be, &t->io, res)) {
		task_io_ended(t);
	} else if (t->io.stop) {
		t->io.error = -ECANCELED;
		task_io_ended(t);
	} else {
		task_io(t);
	}
}

static void completed(struct worker *w, uint64_t what, int res, bool more)
{
	switch (what) {
	case OF_EVENTS:
		w->events_armed = more;
		break;
	case OF_MSGS:
		w->msgs_armed = more;
		break;
	case OF_CANCEL:
		break;
	case OF_SUBMIT:
		worker_submit_failed(w, res);
		break;
	default:
		io_completed(w, (struct task *)(uintptr_t)(what & ~(uint64_t)ANSWER_OF), what & ANSWER_OF, res);
	}
}

bool uring_poll(struct worker *w, unsigned int timeout_ms)
{
	struct __kernel_timespec ts = { .tv_sec = timeout_ms / 1000, .tv_nsec = timeout_ms % 1000 * 1000000 };
	struct io_uring_cqe *cqe;
	bool any = false;
	uint64_t what;
	int ret = 0, res;
	bool more;

	if (timeout_ms) {
		arm(w, &w->events_armed, tgt_ring_fd(w->d->tgt, w->nr), OF_EVENTS);
		arm(w, &w->msgs_armed, w->msg_fd, OF_MSGS);
		ret = io_uring_submit_and_wait_timeout(&w->uring, &cqe, 1, &ts, NULL);
	} else if (io_uring_sq_ready(&w->uring)) {
		/* What ends on the spot is there with the same call: DEFER_TASKRUN leaves it to who asks for events. */
		ret = io_uring_submit_and_get_events(&w->uring);
	}
	if (ret < 0 && ret != -ETIME && ret != -EINTR && ret != -EAGAIN && ret != -EBUSY)
		log_error("io_uring: %s", strerror(-ret));
	while (!io_uring_peek_cqe(&w->uring, &cqe)) {
		what = cqe->user_data;
		res = cqe->res;
		more = cqe->flags & IORING_CQE_F_MORE;
		io_uring_cqe_seen(&w->uring, cqe);
		completed(w, what, res, more);
		any = true;
	}
	return any;
}
