// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* U: TGT_IOC_ENTER as a request of io_uring: by the thread that asks for it, and by one of io_uring. */
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

static void bad_requests(void)
{
	struct daemon *d = daemon_open(&(struct options) { 0 });
	struct nexus *n = login(d, 1);
	struct io_uring u;
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
		_exit(0);
	}
	check(!end_of_child(pid), "see above");
	close(fd);
	expect_idle(d, n);
}

static void not_set_up(void)
{
	struct daemon *d = daemon_setup(&(struct options) { 0 });
	int fd = open("/dev/tgt", O_RDWR | O_CLOEXEC);
	struct io_uring u;

	check(fd >= 0, "/dev/tgt: %s", strerror(errno));
	begin(&u);
	check(enter_by(&u, fd, TGT_IOC_ENTER, 0, 0) == -EINVAL, "without rings");
	check(!enter_by(&u, d->fd, TGT_IOC_ENTER, 0, 0), "without target");
	io_uring_queue_exit(&u);
	close(fd);
}

const struct test uring_tests[] = {
	{ "U-01 answers", answers },
	{ "U-02 a bad answer", bad_answer },
	{ "U-03 bad requests", bad_requests },
	{ "U-04 before there are rings, or a target", not_set_up },
	{ }
};
