// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* U: answers by a request of io_uring, which is carried out by the thread that asks for it, or by one of io_uring. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "harness.h"

#define LEN	4096u

static void begin(struct io_uring *u)
{
	int ret = io_uring_queue_init(8, u, 0);

	if (ret == -ENOSYS || ret == -EPERM)
		skip("there is no io_uring: %s", strerror(-ret));
	check(!ret, "io_uring_queue_init: %s", strerror(-ret));
}

/* Return: the result. @flags: of the SQE. */
static int enter_by(struct io_uring *u, int fd, __u32 op, __u32 ring, unsigned int flags)
{
	struct io_uring_cqe *cqe;
	int ret;

	prep_enter(io_uring_get_sqe(u), fd, op, ring, flags);
	ret = io_uring_submit_and_wait(u, 1);
	check(ret == 1, "io_uring_submit_and_wait: %d", ret);
	check(!io_uring_peek_cqe(u, &cqe), "no completion");
	ret = cqe->res;
	io_uring_cqe_seen(u, cqe);
	return ret;
}

/* Behind an I/O that succeeds or not. Return: the result of the answer. */
static int answer_by(struct io_uring *u, int fd, const struct tgt_answer *ans, bool succeeds, unsigned int flags)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(u);
	struct io_uring_cqe *cqe[2];
	int ret;

	if (succeeds)
		io_uring_prep_nop(sqe);
	else
		io_uring_prep_close(sqe, -1);
	io_uring_sqe_set_flags(sqe, IOSQE_IO_LINK);
	io_uring_sqe_set_data64(sqe, 0);
	sqe = io_uring_get_sqe(u);
	prep_answer(sqe, fd, ans, flags);
	io_uring_sqe_set_data64(sqe, 1);
	ret = io_uring_submit_and_wait(u, 2);
	check(ret == 2, "io_uring_submit_and_wait: %d", ret);
	check(io_uring_peek_batch_cqe(u, cqe, 2) == 2, "no completions");
	ret = cqe[cqe[1]->user_data]->res;
	io_uring_cq_advance(u, 2);
	return ret;
}

static void answers(void)
{
	static const unsigned int how[] = { 0, IOSQE_ASYNC };
	struct daemon *d = daemon_open(&(struct options) { 0 });
	struct nexus *n = login(d, 1);
	struct tgt_event req[2];
	struct tgt_answer ans[2];
	struct io_uring u;
	unsigned int i;

	begin(&u);
	for (i = 0; i < ARRAY_SIZE(how); i++) {
		req[0] = submit(d, n, &(struct io) { .tag = 1, .len = LEN });
		req[1] = submit(d, n, &(struct io) { .tag = 2 });
		fill(d->mem, LEN, i);
		ans[0] = read_data(d, &req[0], 0, LEN);
		ans[1] = good(&req[1]);
		put_answer(d, &ans[0]);
		put_answer(d, &ans[1]);
		check(!enter_by(&u, d->fd, TGT_IOC_ENTER, 0, how[i]), "the result is not 0");
		expect_status(n, 1, GOOD);
		expect_status(n, 2, GOOD);
		expect_filled(n->mem.addr, LEN, i, "data-in");
		expect_done(d, &req[0], TGT_DONE_OK);
		expect_done(d, &req[1], TGT_DONE_OK);
	}
	io_uring_queue_exit(&u);
	expect_idle(d, n);
}

/* What is wrong with the first answer that had no effect; those around it have theirs. */
static void bad_answer(void)
{
	struct daemon *d = daemon_open(&(struct options) { 0 });
	struct nexus *n = login(d, 1);
	struct tgt_event req[2];
	struct tgt_answer ans[3];
	struct io_uring u;
	unsigned int i;

	begin(&u);
	req[0] = submit(d, n, &(struct io) { .tag = 1 });
	req[1] = submit(d, n, &(struct io) { .tag = 2 });
	ans[0] = good(&req[1]);
	ans[1] = good(&req[0]);
	ans[1].cmd_rsp.cmd_id++;
	ans[2] = good(&req[0]);
	for (i = 0; i < ARRAY_SIZE(ans); i++)
		put_answer(d, &ans[i]);
	check(enter_by(&u, d->fd, TGT_IOC_ENTER, 0, 0) == -ENOENT, "an answer to nobody");
	expect_status(n, 2, GOOD);
	expect_status(n, 1, GOOD);
	expect_done(d, &req[1], TGT_DONE_OK);
	expect_done(d, &req[0], TGT_DONE_OK);
	io_uring_queue_exit(&u);
	expect_idle(d, n);
}

static void linked(void)
{
	static const unsigned int how[] = { 0, IOSQE_ASYNC };
	struct daemon *d = daemon_open(&(struct options) { 0 });
	struct nexus *n = login(d, 1);
	struct tgt_event req;
	struct tgt_answer ans;
	struct io_uring u;
	unsigned int i;

	begin(&u);
	for (i = 0; i < ARRAY_SIZE(how); i++) {
		req = submit(d, n, &(struct io) { .tag = 1, .len = LEN });
		fill(d->mem, LEN, i);
		ans = read_data(d, &req, 0, LEN);
		check(answer_by(&u, d->fd, &ans, false, how[i]) == -ECANCELED, "the I/O had failed");
		expect_nothing(d);
		check(!answer_by(&u, d->fd, &ans, true, how[i]), "the I/O had succeeded");
		expect_status(n, 1, GOOD);
		expect_filled(n->mem.addr, LEN, i, "data-in");
		expect_done(d, &req, TGT_DONE_OK);
		check(answer_by(&u, d->fd, &ans, true, how[i]) == -ENOENT, "twice");
	}
	io_uring_queue_exit(&u);
	expect_idle(d, n);
}

static void bad_linked(void)
{
	struct daemon *d = daemon_open(&(struct options) { 0 });
	struct nexus *n = login(d, 1);
	struct tgt_event req = submit(d, n, &(struct io) { .tag = 1, .len = LEN });
	struct tgt_answer ans = read_data(d, &req, 1ull << 40, LEN), no_tmf = { .type = TGT_TSK_MGMT_RSP };
	struct io_uring u;

	begin(&u);
	check(answer_by(&u, d->fd, NULL, true, 0) == -EFAULT, "no memory");
	check(answer_by(&u, d->fd, (void *)-4096, true, IOSQE_ASYNC) == -EFAULT, "memory of the kernel");
	check(answer_by(&u, d->fd, &ans, true, 0) == -ERANGE, "outside of the buffer");
	ans.type = 99;
	check(answer_by(&u, d->fd, &ans, true, 0) == -EINVAL, "no such type");
	ans.type = TGT_NO_ANSWER;
	check(answer_by(&u, d->fd, &ans, true, 0) == -ECANCELED, "withdrawn");
	no_tmf.host_no = ans.host_no;
	check(answer_by(&u, d->fd, &no_tmf, true, 0) == -ENOENT, "no such function");
	expect_nothing(d);
	ans = read_data(d, &req, 0, LEN);
	check(!answer_by(&u, d->fd, &ans, true, 0), "the right one");
	expect_status(n, 1, GOOD);
	expect_done(d, &req, TGT_DONE_OK);
	io_uring_queue_exit(&u);
	expect_idle(d, n);
}

static void bad_requests(void)
{
	struct daemon *d = daemon_open(&(struct options) { 0 });
	struct nexus *n = login(d, 1);
	struct io_uring u;
	struct tgt_answer ans = { .type = TGT_CMD_RSP };
	int fd = dup(d->fd);
	pid_t pid;

	begin(&u);
	check(enter_by(&u, fd, TGT_IOC_ENTER, 1, 0) == -EINVAL, "no such ring");
	check(enter_by(&u, fd, TGT_IOC_ENTER, ~0u, IOSQE_ASYNC) == -EINVAL, "no such ring");
	check(enter_by(&u, fd, TGT_IOC_SETUP, 0, 0) == -ENOTTY, "SETUP");
	check(enter_by(&u, fd, TGT_IOC_UNREG_BUF, d->buf_id, 0) == -ENOTTY, "UNREG_BUF");
	check(enter_by(&u, fd, 0, 0, 0) == -ENOTTY, "0");
	io_uring_queue_exit(&u);
	pid = start_child();
	if (!pid) {
		begin(&u);
		check(enter_by(&u, fd, TGT_IOC_ENTER, 0, 0) == -EPERM, "by another process");
		check(enter_by(&u, fd, TGT_IOC_ENTER, 0, IOSQE_ASYNC) == -EPERM, "by a thread of another process");
		check(answer_by(&u, fd, &ans, true, 0) == -EPERM, "an answer by another process");
		_exit(0);
	}
	check(!end_of_child(pid), "see above");
	close(fd);
	expect_idle(d, n);
}

static void not_set_up(void)
{
	struct daemon *d = daemon_setup(&(struct options) { 0 });
	struct tgt_answer ans = { .type = TGT_CMD_RSP };
	int fd = open("/dev/tgt", O_RDWR | O_CLOEXEC);
	struct io_uring u;

	check(fd >= 0, "/dev/tgt: %s", strerror(errno));
	begin(&u);
	check(enter_by(&u, fd, TGT_IOC_ENTER, 0, 0) == -EINVAL, "without rings");
	check(answer_by(&u, fd, &ans, true, 0) == -ENOENT, "an answer without rings");
	check(!enter_by(&u, d->fd, TGT_IOC_ENTER, 0, 0), "without target");
	io_uring_queue_exit(&u);
	close(fd);
}

const struct test uring_tests[] = {
	{ "U-01 answers", answers },
	{ "U-02 a bad answer", bad_answer },
	{ "U-03 bad requests", bad_requests },
	{ "U-04 before there are rings, or a target", not_set_up },
	{ "U-05 an answer behind an I/O", linked },
	{ "U-06 such an answer is bad", bad_linked },
	{ }
};
