// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Commands that end without a word, and functions that come behind them. */
#include <errno.h>

#include "harness.h"

#define SOME	5

/* @nr commands at the daemon, of LUN 0, with tags from 100 on. */
static void submit_some(struct daemon *d, struct nexus *n, struct tgt_event *req, unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		req[i] = submit(d, n, &(struct io) { .tag = 100 + i, .len = 512, .write = i & 1 });
}

/* No responses to what was aborted; their credits come with that to the function. */
static void silent(u8 function, unsigned int nr)
{
	struct daemon *d = daemon_open(&(struct options) { 0 });
	struct nexus *n = login(d, 1);
	struct tgt_event req[SOME], tmf;
	struct srpi_rsp rsp;
	unsigned int i;

	submit_some(d, n, req, nr);
	tmf = submit_tmf(d, n, 9, function, 0, 100);
	for (i = 0; i < nr; i++)
		must_answer(d, aborted(&req[i]));
	must_answer(d, tmf_result(&tmf, TGT_TMF_COMPLETE));
	rsp = expect_tmf(n, 9, SRP_RSP_COMPLETE);
	check(rsp.delta == 1 + (int)nr, "delta %d after %u aborted commands", rsp.delta, nr);
	must_reject(d, tmf_result(&tmf, TGT_TMF_COMPLETE), -ENOENT, "a function answered twice");
	expect_idle(d, n);
}

static void abort_task(void)
{
	silent(SRP_TMF_ABORT_TASK, 1);
}

static void abort_task_set(void)
{
	silent(SRP_TMF_ABORT_TASK_SET, SOME);
}

static void clear_task_set(void)
{
	silent(SRP_TMF_CLEAR_TASK_SET, SOME);
}

static void lun_reset(void)
{
	silent(SRP_TMF_LUN_RESET, SOME);
}

static void not_found(void)
{
	struct daemon *d = daemon_open(&(struct options) { 0 });
	struct nexus *n = login(d, 1);
	struct tgt_event req = submit(d, n, &(struct io) { .tag = 1 });
	struct tgt_event tmf = submit_tmf(d, n, 9, SRP_TMF_ABORT_TASK, 0, 2);

	must_answer(d, tmf_result(&tmf, TGT_TMF_TASK_NOT_FOUND));
	expect_tmf(n, 9, SRP_RSP_COMPLETE);
	must_answer(d, good(&req));
	expect_status(n, 1, GOOD);
	expect_done(d, &req, TGT_DONE_OK);
	expect_idle(d, n);
}

/* An initiator that posts no receive: what is answered cannot complete until it does. */
static void no_abort_while_data_moves(void)
{
	struct daemon *d = daemon_open(&(struct options) { 0 });
	struct nexus *n = login_opts(d, 1, &no_receives);
	struct tgt_event req = submit(d, n, &(struct io) { .tag = 1, .len = 4096 }), tmf;

	must_answer(d, read_data(d, &req, 0, 4096));
	must_reject(d, aborted(&req), -ENOENT, "an abort between CMD_RSP and CMD_DONE");
	tmf = submit_tmf(d, n, 9, SRP_TMF_ABORT_TASK, 0, 1);
	must_reject(d, aborted(&req), -ENOENT, "an abort between CMD_RSP and CMD_DONE, by a function");
	must_answer(d, tmf_result(&tmf, TGT_TMF_TASK_COMPLETED));
	expect_nothing(d);
	check(!srpi_post_recvs(n->ch), "receives cannot be posted");
	expect_status(n, 1, GOOD);
	expect_tmf(n, 9, SRP_RSP_COMPLETE);
	expect_done(d, &req, TGT_DONE_OK);
	expect_idle(d, n);
}

/* Command and function in one work request list, many times: always seen in this order, and counted without a gap. */
static void order(void)
{
	struct daemon *d = daemon_open(&(struct options) { .slots = 4 });
	struct nexus *n = login(d, 1);
	unsigned long i, rounds = times(500);
	struct srpi_iu cmd, tmf;
	const struct srpi_iu *const both[] = { &cmd, &tmf };
	struct tgt_event req, function;
	__u64 seq = 0;
	u8 lun[8], cdb[6] = { 0 };

	srpi_lun(lun, 0);
	for (i = 0; i < rounds; i++) {
		srpi_cmd(&cmd, 2 * i, lun, cdb, sizeof(cdb));
		srpi_tmf(&tmf, 2 * i + 1, lun, SRP_TMF_ABORT_TASK, 2 * i);
		check(!srpi_send_list(n->ch, both, 2), "sending: %s", srpi_error(n->ch));
		req = expect(d, TGT_CMD_REQ);
		function = expect(d, TGT_TSK_MGMT_REQ);
		check(!i || req.cmd_req.seq == seq + 1, "a gap before a command");
		check(function.tsk_mgmt_req.seq == req.cmd_req.seq + 1, "a gap before a function");
		check(function.tsk_mgmt_req.tag == req.cmd_req.tag, "a function for another command");
		seq = function.tsk_mgmt_req.seq;
		must_answer(d, aborted(&req));
		must_answer(d, tmf_result(&function, TGT_TMF_COMPLETE));
		expect_tmf(n, 2 * i + 1, SRP_RSP_COMPLETE);
	}
	expect_idle(d, n);
}

static void two_functions_for_one_command(void)
{
	struct daemon *d = daemon_open(&(struct options) { 0 });
	struct nexus *n = login(d, 1);
	struct tgt_event req = submit(d, n, &(struct io) { .tag = 1 });
	struct tgt_event first = submit_tmf(d, n, 2, SRP_TMF_ABORT_TASK, 0, 1);
	struct tgt_event second = submit_tmf(d, n, 3, SRP_TMF_ABORT_TASK, 0, 1);

	must_answer(d, aborted(&req));
	must_answer(d, tmf_result(&second, TGT_TMF_COMPLETE));
	expect_tmf(n, 3, SRP_RSP_COMPLETE);
	must_answer(d, tmf_result(&first, TGT_TMF_COMPLETE));
	expect_tmf(n, 2, SRP_RSP_COMPLETE);
	expect_idle(d, n);
}

/* The nexus is lost: its commands and functions still have to be ended, and nothing else. */
static void host_down(void)
{
	struct daemon *d = daemon_open(&(struct options) { 0 });
	struct nexus *n = login(d, 1), *other = login(d, 2);
	struct tgt_event req = submit(d, n, &(struct io) { .tag = 1 });
	struct tgt_event second = submit(d, n, &(struct io) { .tag = 2, .len = 512 });
	struct tgt_event tmf = submit_tmf(d, n, 3, SRP_TMF_ABORT_TASK, 0, 1);
	struct tgt_event down;
	u32 host_no = n->host_no;

	logout(n);
	down = expect(d, TGT_HOST_DOWN);
	check(down.host_no == host_no, "HOST_DOWN of another nexus");
	must_answer(d, aborted(&req));
	must_answer(d, tmf_result(&tmf, TGT_TMF_COMPLETE));
	/* In any way: a response goes nowhere. */
	must_answer(d, read_data(d, &second, 0, 512));
	expect_done(d, &second, TGT_DONE_LOST);
	must_reject(d, good(&req), -ENOENT, "a command of a nexus that is gone");
	expect_idle(d, other);
}

const struct test abort_tests[] = {
	{ "TC-10 ABORT TASK", abort_task },
	{ "TC-11 ABORT TASK SET", abort_task_set },
	{ "TC-12 ABORT TASK, not found", not_found },
	{ "TC-13 CLEAR TASK SET", clear_task_set },
	{ "TC-14 LUN RESET", lun_reset },
	{ "TC-16 no abort between CMD_RSP and CMD_DONE", no_abort_while_data_moves },
	{ "TC-21 X-ORDER command and function back to back", order },
	{ "TC-24 HOST_DOWN", host_down },
	{ "TC-28 two functions for one command", two_functions_for_one_command },
	{ }
};
