/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The threads that serve commands: one per ring pair, with its own io_uring and its own memory for data.
 *
 * A task, a function and a nexus belong to the thread of the ring that they came on; nobody else touches
 * them. Threads ask each other with messages.
 */
#ifndef TGTD_ENGINE_H
#define TGTD_ENGINE_H

#include "buffers.h"
#include "target.h"

#define WORKER_BUCKETS	1024

struct msg;

/** msg_fn - in the thread that the message was sent to */
typedef void (*msg_fn)(struct worker *w, struct msg *msg);

/* A message is a member of what it is about; it is in one queue at most. */
struct msg {
	struct list	node;
	msg_fn		handle;
};

/* Written by the worker, read by the status. */
struct counters {
	uint64_t	commands;
	uint64_t	buffer_waits;
	uint64_t	aborted;
	uint64_t	functions;
	uint64_t	io_errors;
	uint64_t	loops;		/* sign of life */
};

/**
 * struct worker - a thread
 * @nr: of its ring pair
 * @tasks: all
 * @arrivals: tasks that ever came
 * @hash: the same by host and command id
 * @nexuses: by host
 * @waiting: tasks that wait for a buffer: FIFO
 * @uring_waiting: tasks that wait for room in the io_uring
 * @tmfs: functions that came on this ring
 * @sweeps: struct sweep, tasks that a function covers have not ended
 * @swept: those that have, to be told when the answers are with the kernel
 * @preempt_bits: of nexus.preempted, those that a sweep has
 * @lent_off: of what is lent to the ring in @memory, behind @bufs
 * @fixed: the memory is known to the io_uring as buffer 0
 * @leaving: nexuses that are down, and still have tasks or functions
 * @in_flight: tasks that the io_uring has
 * @answered: there are answers that the kernel was not told of, nor will be by a request of the io_uring
 * @quiet: rounds since it was told of something
 * @events_armed: the eventfd of the ring is polled
 * @msgs_armed: that of the messages is
 * @msg_lock: protects @msgs and @stop
 */
struct worker {
	struct daemon	*d;
	uint32_t	nr;
	pthread_t	thread;
	bool		running;
	struct list	tasks;
	uint64_t	arrivals;
	struct list	hash[WORKER_BUCKETS];
	struct list	nexuses[WORKER_BUCKETS];
	struct list	waiting;
	struct list	uring_waiting;
	struct list	tmfs;
	struct list	sweeps;
	struct list	swept;
	uint64_t	preempt_bits;
	uint8_t		*memory;
	uint32_t	buf_id;
	struct buffers	*bufs;
	size_t		lent_off;
	struct io_uring	uring;
	bool		uring_open;
	bool		fixed;
	unsigned int	leaving;
	unsigned int	in_flight;
	bool		answered;
	unsigned int	quiet;
	bool		events_armed;
	bool		msgs_armed;
	pthread_mutex_t	msg_lock;
	struct list	msgs;
	int		msg_fd;
	bool		stop;
	struct counters	counters;
};

/* Who has to act on a task. */
enum task_state {
	TASK_NEW,
	TASK_DORMANT,		/* others of its logical unit, see order.c */
	TASK_WAIT_BUFFER,
	TASK_WAIT_URING,
	TASK_WAIT_TURN,		/* SCSI_WAIT */
	TASK_FETCH,		/* the kernel: DATA_ONLY */
	TASK_IO,		/* the io_uring */
	TASK_PREEMPT,		/* tasks that it has preempted */
	TASK_RESPONDED,		/* the kernel: status */
	TASK_ENDED,		/* answered, but its preempting is not over */
};

enum task_abort {
	ABORT_NONE,
	ABORT_TOLD,	/* with status TASK ABORTED */
	ABORT_SILENT,
};

/**
 * struct task - a command
 * @arrival: worker.arrivals when it came
 * @wait: in worker.waiting or worker.uring_waiting; or in order.waiting, where other threads take it out
 * @step: to go on with after that
 * @abort: it is to end so
 * @held: it stays until task_release(), ended or not
 * @left_engine: scsi_task_end() was called
 * @has_buf: there is a chunk at @buf_off
 * @lent: 1 + the page of lent memory where its data begin; 0: they have to be fetched
 * @fetching: the kernel fetches them: no answer before CMD_DONE
 * @fetch_result: enum tgt_done, when it has
 * @linked: the io_uring has @answer, too: success has no completion, but CMD_DONE
 * @runs: it is counted in order.running; as long as it is TASK_DORMANT under order.lock
 * @answer: of type TGT_CMD_RSP: what to say if the next request of the I/O succeeds; else there is none
 * @msg: its turn has come
 */
struct task {
	struct scsi_task	scsi;
	struct worker		*w;
	struct nexus		*nexus;
	struct lu		*lu;
	uint64_t		cmd_id;
	uint64_t		tag;
	uint64_t		arrival;
	struct list		node;
	struct list		hash;
	struct list		wait;
	enum task_state		state;
	enum task_abort		abort;
	enum scsi_step		step;
	bool			held;
	bool			left_engine;
	bool			has_buf;
	bool			linked;
	bool			fetching;
	bool			runs;
	uint32_t		lent;
	uint32_t		fetch_result;
	uint32_t		buf_off;
	struct io		io;
	struct tgt_answer	answer;
	struct msg		msg;
};

static inline void count(uint64_t *counter)
{
	__atomic_store_n(counter, *counter + 1, __ATOMIC_RELAXED);
}

/* ---- engine.c: the loop ------------------------------------------------------------------------- */

int worker_init(struct worker *w, struct daemon *d, uint32_t nr, char *error);
int worker_start(struct worker *w);
/** worker_stop() - when its I/O has ended */
void worker_stop(struct worker *w);
/** worker_free() - when there are no tasks and functions in any thread */
void worker_free(struct worker *w);

/** worker_event() - handle what came on the ring */
void worker_event(struct worker *w, const struct tgt_event *ev);
/**
 * worker_flush() - let the kernel have the answers, then tell of the functions that they complete
 * @w: this thread
 *
 * Return: whether there may be more to do now.
 */
bool worker_flush(struct worker *w);
/** worker_submit_failed() - uring_submit_answers() has not had its effect. @res: why */
void worker_submit_failed(struct worker *w, int res);
/** worker_sent() - with what libtgt said of an answer. Return: false: send it again, as it must not get lost */
bool worker_sent(struct worker *w, int ret);
/** worker_failed() - the daemon cannot go on */
void worker_failed(struct worker *w);

/** worker_send() - let another thread handle a message, or this one later */
void worker_send(struct worker *w, struct msg *msg, msg_fn handle);
/** worker_unsend() - of one's own queue: it is not handled */
void worker_unsend(struct worker *w, struct msg *msg);
bool worker_handle_msgs(struct worker *w);
/** workers_wake() - let each thread look at the events that it need not wake up for */
void workers_wake(struct daemon *d);
/** workers_quiesce() - when it returns each thread has ended what it did when it was called */
void workers_quiesce(struct daemon *d);

struct nexus *worker_find_nexus(struct worker *w, uint32_t host_no);
/** nexus_put() - a task or a function of it has ended */
void nexus_put(struct worker *w, struct nexus *nexus);

/* ---- uring.c: I/O ------------------------------------------------------------------------------- */

int uring_open(struct worker *w, size_t len, char *error);	/* @len: of its memory */
void uring_close(struct worker *w);
/** uring_begin() - the calling thread is the one that uses it. Return: 0 or an error. */
int uring_begin(struct worker *w);
/** uring_io() - begin an I/O, or go on with it. Return: false: no room now */
bool uring_io(struct worker *w, struct task *t);
/** uring_cancel() - if it can be; it ends in any case */
void uring_cancel(struct worker *w, struct task *t);
/** uring_submit_answers() - let the kernel have the answers with the next uring_poll(). Return: false: no room */
bool uring_submit_answers(struct worker *w);
/** uring_poll() - handle what has ended; wait if @timeout_ms is not 0. Return: whether there was something */
bool uring_poll(struct worker *w, unsigned int timeout_ms);

/* ---- task.c: the walk of a command -------------------------------------------------------------- */

/** task_begin() - CMD_REQ */
void task_begin(struct worker *w, const struct tgt_event *ev);
/** task_enable() - its first step: nothing it has to wait for is in front of it */
void task_enable(struct task *t);
void task_done(struct worker *w, const struct tgt_event *ev);
void task_io_ended(struct task *t);
void task_go(struct task *t, enum scsi_step step);
void task_abort(struct task *t, enum task_abort how);
/** task_free_all() - when all threads have ended and there is no function */
void task_free_all(struct worker *w);
/** task_io() - the next request of an I/O, when there is room */
void task_io(struct task *t);
/** task_link() - the io_uring has, or no longer has, the answer, too */
void task_link(struct task *t, bool linked);
/** task_release() - nobody looks at task.scsi any more */
void task_release(struct task *t);
/** tasks_retry() - those that wait, as long as there is room. Return: whether one went on */
bool tasks_retry(struct worker *w);
void task_resume(struct scsi_task *scsi);	/* scsi_lu_ops.resume */

/* ---- order.c: task attributes ------------------------------------------------------------------- */

void order_init(struct order *o);
void order_destroy(struct order *o);
/** order_begin() - a command with a logical unit has come. Return: whether it runs; else task_enable() comes later */
bool order_begin(struct task *t);
/** order_leave() - one that is TASK_DORMANT waits no longer; order_end() follows */
void order_leave(struct task *t);
/** order_end() - it has ended */
void order_end(struct task *t);

/* ---- tmf.c: task management --------------------------------------------------------------------- */

void tmf_begin(struct worker *w, const struct tgt_event *ev);
/**
 * tmf_preempt() - the data of a task that may preempt is there
 * @t: with scsi.may_preempt
 *
 * Does scsi_data(), aborts what it has preempted, then goes on with @t. Return: false: no memory, and nothing was done.
 */
bool tmf_preempt(struct task *t);
/** tmf_task_ended() - for those that wait for it */
void tmf_task_ended(struct worker *w, const struct task *t);
/** tmf_tell_swept() - after the kernel was told: what is complete. Return: whether there was something */
bool tmf_tell_swept(struct worker *w);
/** tmf_free_all() - when all threads have ended */
void tmf_free_all(struct worker *w);
void tmf_host_down(struct worker *w, struct nexus *nexus);

#endif /* TGTD_ENGINE_H */
