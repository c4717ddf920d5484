// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * The daemon's side, on the bare interface: nothing here checks what the kernel should.
 *
 * A daemon that is to die is a child. It carries out one request at a time, that comes over a socket, and in
 * between tells the kernel that it is alive. Its memory for data is shared, so that the case sees it.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness.h"

#define MAX_DAEMONS	8
#define ALIVE_MS	100
#define LATER		1	/* of struct request: no TGT_IOC_ENTER */

/* From and to a child. */
struct request {
	enum { NEXT_EVENT, ANSWER, BIND } what;
	__u32			ring;
	int			arg;
	__u64			id_ext;
	struct tgt_answer	ans;
};

struct reply {
	int			ret;
	struct tgt_event	ev;
	struct tgt_enter	last;
};

static struct daemon *daemons[MAX_DAEMONS];

static struct daemon *new_daemon(void)
{
	unsigned int i;

	for (i = 0; i < MAX_DAEMONS && daemons[i]; i++)
		;
	check(i < MAX_DAEMONS, "too many daemons");
	daemons[i] = calloc(1, sizeof(*daemons[i]));
	check(daemons[i], "no memory");
	daemons[i]->fd = -1;
	daemons[i]->sock = -1;
	return daemons[i];
}

static void *shared_memory(void)
{
	void *mem = mmap(NULL, MEM_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	check(mem != MAP_FAILED, "mmap: %s", strerror(errno));
	return mem;
}

/* ---- opening and closing ---------------------------------------------------------------------------------------- */

static void open_ring(struct daemon *d, __u32 i)
{
	struct tgt_eventfd e = { .ring = i };
	void *p = mmap(NULL, d->setup.ring_size, PROT_READ | PROT_WRITE, MAP_SHARED, d->fd, i * d->setup.ring_size);

	check(p != MAP_FAILED, "ring %u: %s", i, strerror(errno));
	d->head[i] = p;
	d->efd[i] = e.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	check(e.fd >= 0, "eventfd: %s", strerror(errno));
	check(!ioctl(d->fd, TGT_IOC_EVENTFD, &e), "TGT_IOC_EVENTFD: %s", strerror(errno));
}

static void set_up(struct daemon *d, const struct options *opt)
{
	__u32 slots = opt->slots ? opt->slots : 256, i;

	d->setup = (struct tgt_setup) {
		.version = TGT_ABI_VERSION, .nr_rings = opt->rings ? opt->rings : 1,
		.ev_slots = slots, .ans_slots = slots,
		.timeout_ms = opt->timeout_ms, .recovery_ms = opt->recovery_ms,
	};
	d->fd = open("/dev/tgt", O_RDWR | O_CLOEXEC);
	check(d->fd >= 0, "/dev/tgt: %s", strerror(errno));
	check(!ioctl(d->fd, TGT_IOC_SETUP, &d->setup), "TGT_IOC_SETUP: %s", strerror(errno));
	for (i = 0; i < d->setup.nr_rings; i++)
		open_ring(d, i);
}

struct daemon *daemon_setup(const struct options *opt)
{
	struct daemon *d = new_daemon();

	set_up(d, opt);
	return d;
}

int daemon_bind(struct daemon *d, __u64 id_ext)
{
	struct tgt_bind bind = { .fabric = "srpt", .id_ext = id_ext };

	if (ioctl(d->fd, TGT_IOC_BIND, &bind))
		return -errno;
	d->target_id = bind.target_id;
	return 0;
}

void must_unbind(struct daemon *d)
{
	check(!ioctl(d->fd, TGT_IOC_UNBIND, &d->target_id), "TGT_IOC_UNBIND: %s", strerror(errno));
}

int reg_buf(struct daemon *d, void *addr, __u64 len, __u32 *id)
{
	struct tgt_reg_buf reg = { .addr = (uintptr_t)addr, .len = len };

	if (ioctl(d->fd, TGT_IOC_REG_BUF, &reg))
		return -errno;
	*id = reg.buf_id;
	return 0;
}

int unreg_buf(struct daemon *d, __u32 id)
{
	return ioctl(d->fd, TGT_IOC_UNREG_BUF, &id) ? -errno : 0;
}

int lend(struct daemon *d, const struct tgt_lend *lent)
{
	return ioctl(d->fd, TGT_IOC_LEND, lent) ? -errno : 0;
}

/* Memory and target, for one that is set up. */
static void serve(struct daemon *d, const struct options *opt)
{
	int ret = reg_buf(d, d->mem, MEM_SIZE, &d->buf_id);

	check(!ret, "TGT_IOC_REG_BUF: %s", strerror(-ret));
	if (opt->lent)
		ret = lend(d, &(struct tgt_lend) { .buf_id = d->buf_id, .off = LENT_OFF,
						   .len = opt->lent * TGT_LENT_PAGE });
	check(!ret, "TGT_IOC_LEND: %s", strerror(-ret));
	if (opt->unbound)
		return;
	ret = daemon_bind(d, opt->id_ext ? opt->id_ext : ID_EXT);
	check(!ret, "TGT_IOC_BIND: %s", strerror(-ret));
}

struct daemon *daemon_open(const struct options *opt)
{
	struct daemon *d = daemon_setup(opt);

	d->mem = shared_memory();
	serve(d, opt);
	return d;
}

static void forget_files(struct daemon *d)
{
	unsigned int i;

	for (i = 0; i < MAX_RINGS; i++)
		if (d->head[i]) {
			munmap(d->head[i], d->setup.ring_size);
			close(d->efd[i]);
		}
	if (d->fd >= 0)
		close(d->fd);
	if (d->sock >= 0)
		close(d->sock);
}

void daemon_close(struct daemon *d)
{
	unsigned int i;

	forget_files(d);
	if (d->mem)
		munmap(d->mem, MEM_SIZE);
	for (i = 0; i < MAX_DAEMONS; i++)
		if (daemons[i] == d)
			daemons[i] = NULL;
	free(d);
}

void close_daemons(void)
{
	unsigned int i;

	for (i = 0; i < MAX_DAEMONS; i++)
		if (daemons[i])
			daemon_close(daemons[i]);
	if (shown("waits for a daemon")) {
		struct daemon *d = daemon_setup(&(struct options) { 0 });

		/* So that nobody waits for the end of a recovery time. */
		check(!daemon_bind(d, ID_EXT), "a target that was left cannot be bound");
		must_unbind(d);
		daemon_close(d);
	}
}

/* A child does not keep the files of its parent's daemons open. */
void forget_in_child(void)
{
	unsigned int i;

	for (i = 0; i < MAX_DAEMONS; i++)
		if (daemons[i]) {
			forget_files(daemons[i]);
			daemons[i] = NULL;
		}
}

/* ---- in a child ------------------------------------------------------------------------------------------------- */

static void carry_out(struct daemon *d, const struct request *req, struct reply *reply)
{
	d->ring = req->ring;
	switch (req->what) {
	case NEXT_EVENT:
		reply->ret = next_event(d, &reply->ev, req->arg);
		break;
	case ANSWER:
		if (req->arg == LATER)
			put_answer(d, &req->ans);
		else
			reply->ret = answer(d, &req->ans);
		break;
	case BIND:
		reply->ret = daemon_bind(d, req->id_ext);
		break;
	}
	reply->last = d->last;
}

static void __attribute__((noreturn)) child_loop(struct daemon *d)
{
	struct pollfd pfd = { .fd = d->sock, .events = POLLIN };

	for (;;) {
		struct request req;
		struct reply reply = { 0 };

		if (poll(&pfd, 1, ALIVE_MS) <= 0) {
			enter(d);
			continue;
		}
		if (recv(d->sock, &req, sizeof(req), 0) != sizeof(req))
			_exit(0);
		carry_out(d, &req, &reply);
		if (send(d->sock, &reply, sizeof(reply), 0) != sizeof(reply))
			_exit(0);
	}
}

static struct reply ask(struct daemon *d, const struct request *req)
{
	struct reply reply = { 0 };

	check(send(d->sock, req, sizeof(*req), 0) == sizeof(*req), "the daemon is gone");
	check(recv(d->sock, &reply, sizeof(reply), 0) == sizeof(reply), "the daemon has died");
	d->last = reply.last;
	return reply;
}

struct daemon *daemon_fork(const struct options *opt)
{
	void *mem = shared_memory();
	struct reply reply;
	struct daemon *d;
	int socks[2];
	pid_t pid;

	check(!socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, socks), "socketpair: %s", strerror(errno));
	pid = start_child();
	d = new_daemon();
	d->mem = mem;
	d->pid = pid;
	d->sock = socks[!pid];
	close(socks[!!pid]);
	if (!pid) {
		set_up(d, opt);
		serve(d, opt);
		reply = (struct reply) { .ev.host_no = d->buf_id };
		send(d->sock, &reply, sizeof(reply), 0);
		child_loop(d);
	}
	check(recv(d->sock, &reply, sizeof(reply), 0) == sizeof(reply), "the daemon has not begun");
	d->buf_id = reply.ev.host_no;
	return d;
}

/* ---- events ----------------------------------------------------------------------------------------------------- */

struct tgt_event *event_slot(struct daemon *d, __u32 i)
{
	return (void *)d->head[d->ring] + d->setup.ev_off + (i & (d->setup.ev_slots - 1)) * sizeof(struct tgt_event);
}

struct tgt_answer *answer_slot(struct daemon *d, __u32 i)
{
	return (void *)d->head[d->ring] + d->setup.ans_off + (i & (d->setup.ans_slots - 1)) * sizeof(struct tgt_answer);
}

int enter(struct daemon *d)
{
	d->last = (struct tgt_enter) { .ring = d->ring };
	return ioctl(d->fd, TGT_IOC_ENTER, &d->last) ? -errno : 0;
}

void prep_enter(struct io_uring_sqe *sqe, int fd, __u32 op, __u32 ring, unsigned int flags)
{
	const struct tgt_enter e = { .ring = ring };

	io_uring_prep_rw(IORING_OP_URING_CMD, sqe, fd, NULL, 0, 0);
	sqe->cmd_op = op;
	sqe->flags = flags;
	memcpy(sqe->cmd, &e, sizeof(e));
}

void prep_answer(struct io_uring_sqe *sqe, int fd, const struct tgt_answer *ans, unsigned int flags)
{
	const __u64 addr = (uintptr_t)ans;

	prep_enter(sqe, fd, TGT_IOC_ANSWER, 0, flags);
	memcpy(sqe->cmd, &addr, sizeof(addr));
}

bool has_event(void *daemon)
{
	struct daemon *d = daemon;

	return __atomic_load_n(&d->head[d->ring]->ev_prod, __ATOMIC_ACQUIRE) != d->ev_cons[d->ring];
}

/* By the eventfd, as a daemon does that has nothing else to do. */
static void wait_for_event(struct daemon *d, int timeout_ms)
{
	struct pollfd pfd = { .fd = d->efd[d->ring], .events = POLLIN };
	__u32 *asleep = &d->head[d->ring]->asleep;
	__u64 n;

	__atomic_store_n(asleep, 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (!has_event(d))
		poll(&pfd, 1, timeout_ms);
	__atomic_store_n(asleep, 0, __ATOMIC_RELAXED);
	if (read(d->efd[d->ring], &n, sizeof(n)) < 0)
		return;		/* nothing was signalled */
}

bool next_event(struct daemon *d, struct tgt_event *ev, int timeout_ms)
{
	struct request req = { .what = NEXT_EVENT, .ring = d->ring, .arg = timeout_ms };
	struct tgt_ring *head = d->head[d->ring];
	struct reply reply;

	if (d->pid) {
		reply = ask(d, &req);
		*ev = reply.ev;
		return reply.ret;
	}
	if (!has_event(d) && __atomic_load_n(&head->flags, __ATOMIC_ACQUIRE) & TGT_RING_PENDING)
		enter(d);
	if (!has_event(d))
		wait_for_event(d, timeout_ms);
	if (!has_event(d))
		return false;
	*ev = *event_slot(d, d->ev_cons[d->ring]);
	__atomic_store_n(&head->ev_cons, ++d->ev_cons[d->ring], __ATOMIC_RELEASE);
	return true;
}

bool is_pending(void *arg)
{
	struct daemon *d = arg;

	return __atomic_load_n(&d->head[d->ring]->flags, __ATOMIC_ACQUIRE) & TGT_RING_PENDING;
}

/* Forgets earlier signals. */
void fall_asleep(struct daemon *d, enum tgt_asleep how)
{
	__u64 n;

	__atomic_store_n(&d->head[d->ring]->asleep, how, __ATOMIC_SEQ_CST);
	if (read(d->efd[d->ring], &n, sizeof(n)) < 0)
		check(errno == EAGAIN, "the eventfd cannot be read");
}

bool signalled(void *arg)
{
	struct daemon *d = arg;
	__u64 n;

	return read(d->efd[d->ring], &n, sizeof(n)) == sizeof(n);
}

static const char *event_name(__u32 type)
{
	switch (type) {
	case TGT_CMD_REQ:
		return "CMD_REQ";
	case TGT_CMD_DONE:
		return "CMD_DONE";
	case TGT_TSK_MGMT_REQ:
		return "TSK_MGMT_REQ";
	case TGT_HOST_UP:
		return "HOST_UP";
	case TGT_HOST_DOWN:
		return "HOST_DOWN";
	default:
		return "an unknown event";
	}
}

/* What is behind the fields of an event is zero, and not what the kernel had there. */
static void check_padding(const struct tgt_event *ev)
{
	static const __u8 zeros[sizeof(ev->pad)];
	size_t used = 0;

	switch (ev->type) {
	case TGT_CMD_REQ:
		used = sizeof(ev->cmd_req);
		break;
	case TGT_CMD_DONE:
		used = sizeof(ev->cmd_done);
		break;
	case TGT_TSK_MGMT_REQ:
		used = sizeof(ev->tsk_mgmt_req);
		break;
	case TGT_HOST_UP:
		used = sizeof(ev->host_up);
		break;
	}
	check(!memcmp(ev->pad + used, zeros, sizeof(zeros) - used), "%s: not zero behind the fields",
	      event_name(ev->type));
}

struct tgt_event expect(struct daemon *d, __u32 type)
{
	struct tgt_event ev;

	check(next_event(d, &ev, WAIT_MS), "no event, instead of %s", event_name(type));
	check(type == ANY_EVENT || ev.type == type, "%s instead of %s", event_name(ev.type), event_name(type));
	check_padding(&ev);
	return ev;
}

void expect_nothing(struct daemon *d)
{
	struct tgt_event ev;

	if (next_event(d, &ev, 0))
		fail("%s, instead of nothing", event_name(ev.type));
}

bool expect_done(struct daemon *d, const struct tgt_event *req, __u32 result)
{
	struct tgt_event ev = expect(d, TGT_CMD_DONE);

	check(ev.host_no == req->host_no && ev.cmd_done.cmd_id == req->cmd_req.cmd_id, "CMD_DONE of another command");
	check(ev.cmd_done.result == result, "CMD_DONE says %u instead of %u", ev.cmd_done.result, result);
	check(ev.cmd_done.ended <= 1, "CMD_DONE: ended %u", ev.cmd_done.ended);
	return ev.cmd_done.ended;
}

/* ---- answers ---------------------------------------------------------------------------------------------------- */

void put_answer(struct daemon *d, const struct tgt_answer *ans)
{
	const struct request req = { .what = ANSWER, .ring = d->ring, .arg = LATER, .ans = *ans };

	if (d->pid) {
		ask(d, &req);
		return;
	}
	*answer_slot(d, d->ans_prod[d->ring]) = *ans;
	__atomic_store_n(&d->head[d->ring]->ans_prod, ++d->ans_prod[d->ring], __ATOMIC_RELEASE);
}

int answer(struct daemon *d, const struct tgt_answer *ans)
{
	const struct request req = { .what = ANSWER, .ring = d->ring, .ans = *ans };
	int ret;

	if (d->pid)
		return ask(d, &req).ret;
	put_answer(d, ans);
	do {
		ret = enter(d);
	} while (!ret && d->last.error == -ENOMEM && !d->last.consumed);
	return ret ? ret : d->last.error;
}

static struct tgt_answer cmd_rsp(const struct tgt_event *req)
{
	return (struct tgt_answer) {
		.type = TGT_CMD_RSP, .host_no = req->host_no, .cmd_rsp.cmd_id = req->cmd_req.cmd_id,
	};
}

struct tgt_answer good(const struct tgt_event *req)
{
	return cmd_rsp(req);
}

static struct tgt_answer with_buffer(const struct daemon *d, const struct tgt_event *req, __u64 off, __u32 len)
{
	struct tgt_answer ans = cmd_rsp(req);

	ans.cmd_rsp.buf_id = d->buf_id;
	ans.cmd_rsp.off = off;
	ans.cmd_rsp.len = len;
	return ans;
}

struct tgt_answer read_data(const struct daemon *d, const struct tgt_event *req, __u64 off, __u32 len)
{
	struct tgt_answer ans = with_buffer(d, req, off, len);

	ans.cmd_rsp.produced = len;
	return ans;
}

struct tgt_answer write_data(const struct daemon *d, const struct tgt_event *req, __u64 off, __u32 len)
{
	return read_data(d, req, off, len);
}

struct tgt_answer fetch_data(const struct daemon *d, const struct tgt_event *req, __u64 off, __u32 len)
{
	struct tgt_answer ans = with_buffer(d, req, off, len);

	ans.cmd_rsp.flags = TGT_RSP_DATA_ONLY;
	return ans;
}

struct tgt_answer aborted(const struct tgt_event *req)
{
	struct tgt_answer ans = cmd_rsp(req);

	ans.cmd_rsp.flags = TGT_RSP_ABORTED;
	return ans;
}

struct tgt_answer tmf_result(const struct tgt_event *req, __u32 result)
{
	return (struct tgt_answer) {
		.type = TGT_TSK_MGMT_RSP, .host_no = req->host_no,
		.tsk_mgmt_rsp = { .tmf_id = req->tsk_mgmt_req.tmf_id, .result = result },
	};
}

void must_answer(struct daemon *d, struct tgt_answer ans)
{
	int ret = answer(d, &ans);

	check(!ret, "an answer had no effect: %s", strerror(-ret));
	check(d->last.consumed == 1 && !d->last.rejected, "of 1 good answer %u were taken, %u rejected",
	      d->last.consumed, d->last.rejected);
}

void must_reject(struct daemon *d, struct tgt_answer ans, int error, const char *what)
{
	int ret = answer(d, &ans);

	check(ret == error, "%s: %s instead of %s", what, ret ? strerror(-ret) : "taken", strerror(-error));
	check(d->last.consumed == 1 && d->last.rejected == 1, "%s: %u taken, %u rejected", what, d->last.consumed,
	      d->last.rejected);
}

/* ---- a whole daemon --------------------------------------------------------------------------------------------- */

#define MAX_STAGED	256

/* Writes whose data is being fetched. */
static struct tgt_event staged[MAX_STAGED];

static struct tgt_event *find_staged(__u32 host_no, __u64 cmd_id)
{
	unsigned int i;

	for (i = 0; i < MAX_STAGED; i++)
		if (staged[i].host_no == host_no && staged[i].cmd_req.cmd_id == cmd_id)
			return &staged[i];
	return NULL;
}

/* Data of a command is where its tag says. Half of the writes have two stages. */
static void serve_command(struct daemon *d, const struct tgt_event *req)
{
	__u32 len = req->cmd_req.data_in_len + req->cmd_req.data_out_len;
	struct tgt_answer ans = read_data(d, req, (req->cmd_req.tag & 7) << 16, len);
	struct tgt_event *free_slot = find_staged(0, 0);

	if (req->cmd_req.data_out_len && req->cmd_req.seq & 1 && free_slot) {
		*free_slot = *req;
		ans = fetch_data(d, req, ans.cmd_rsp.off, len);
	}
	answer(d, &ans);
}

static void serve_done(struct daemon *d, const struct tgt_event *ev)
{
	struct tgt_event *req = find_staged(ev->host_no, ev->cmd_done.cmd_id);
	struct tgt_answer ans;

	if (!req)
		return;
	ans = ev->cmd_done.result == TGT_DONE_OK ? good(req) : aborted(req);
	if (ev->cmd_done.result == TGT_DONE_OK)
		ans.cmd_rsp.produced = req->cmd_req.data_out_len;
	*req = (struct tgt_event) { 0 };
	answer(d, &ans);
}

void daemon_serve(struct daemon *d)
{
	struct tgt_event ev;
	struct tgt_answer ans;

	for (;;) {
		if (!next_event(d, &ev, ALIVE_MS)) {
			enter(d);
			continue;
		}
		switch (ev.type) {
		case TGT_CMD_REQ:
			serve_command(d, &ev);
			break;
		case TGT_CMD_DONE:
			serve_done(d, &ev);
			break;
		case TGT_TSK_MGMT_REQ:
			ans = tmf_result(&ev, TGT_TMF_COMPLETE);
			answer(d, &ans);
			break;
		}
	}
}
