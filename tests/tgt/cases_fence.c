// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * TC-30: whatever the daemon says, an initiator is told of a function when the commands that it covers have ended.
 *
 * What is held shows as "waits for commands that it covers". Functions of a nexus are also held by ib_srpt, so the
 * fence of scsi_tgt is seen best with commands of another one.
 */
#include <errno.h>

#include "harness.h"

#define HELD	"waits for commands that it covers"

static void expect_silence(struct nexus *n)
{
	struct srpi_rx rx;

	check(shown(HELD), "the answer to a function is not held");
	check(srpi_recv(n->ch, &rx, 0) == -ETIMEDOUT, "something was sent before a command ended");
}

/* The daemon says that it has carried out @function, and then ends the command of @owner. */
static void held(u8 function, __u32 result, int code, bool by_abort, bool of_other)
{
	struct daemon *d = daemon_open(&(struct options) { 0 });
	struct nexus *n = login(d, 1), *other = login(d, 2);
	struct nexus *owner = of_other ? other : n;
	struct tgt_event req = submit(d, owner, &(struct io) { .tag = 1, .len = 512 });
	struct tgt_event tmf = submit_tmf(d, n, 2, function, 0, 1);

	must_answer(d, tmf_result(&tmf, result));
	expect_silence(n);
	/* What came later, or is of another LUN, is not covered. */
	expect_idle(d, n);
	if (by_abort) {
		must_answer(d, aborted(&req));
	} else {
		must_answer(d, read_data(d, &req, 0, 512));
		expect_done(d, &req, TGT_DONE_OK);
		expect_status(owner, 1, GOOD);
	}
	expect_tmf(n, 2, code);
	expect_idle(d, other);
	logout(n);
	logout(other);
	daemon_close(d);
}

static void until_answered(void)
{
	held(SRP_TMF_ABORT_TASK, TGT_TMF_COMPLETE, SRP_RSP_COMPLETE, false, false);
	held(SRP_TMF_ABORT_TASK_SET, TGT_TMF_COMPLETE, SRP_RSP_COMPLETE, false, false);
}

static void until_aborted(void)
{
	held(SRP_TMF_ABORT_TASK, TGT_TMF_TASK_NOT_FOUND, SRP_RSP_COMPLETE, true, false);
	held(SRP_TMF_ABORT_TASK, TGT_TMF_TASK_COMPLETED, SRP_RSP_COMPLETE, true, false);
	held(SRP_TMF_CLEAR_TASK_SET, TGT_TMF_COMPLETE, SRP_RSP_COMPLETE, true, false);
}

static void over_two_nexuses(void)
{
	held(SRP_TMF_LUN_RESET, TGT_TMF_COMPLETE, SRP_RSP_COMPLETE, false, true);
	held(SRP_TMF_LUN_RESET, TGT_TMF_COMPLETE, SRP_RSP_COMPLETE, true, true);
	held(SRP_TMF_CLEAR_TASK_SET, TGT_TMF_COMPLETE, SRP_RSP_COMPLETE, true, true);
}

/* Linux takes any answer to ABORT TASK for success. */
static void refused_abort_task(void)
{
	held(SRP_TMF_ABORT_TASK, TGT_TMF_FAILED, SRP_RSP_FAILED, false, false);
	held(SRP_TMF_ABORT_TASK, TGT_TMF_NOT_SUPPORTED, SRP_RSP_NOT_SUPPORTED, true, false);
}

/* Not held: it does not cover the command, or was refused. */
static void not_held(u8 function, u16 lun, __u32 result, int code, bool of_other)
{
	struct daemon *d = daemon_open(&(struct options) { 0 });
	struct nexus *n = login(d, 1), *other = login(d, 2);
	struct nexus *owner = of_other ? other : n;
	struct tgt_event req = submit(d, owner, &(struct io) { .tag = 1 });
	struct tgt_event tmf = submit_tmf(d, n, 2, function, lun, 3);

	must_answer(d, tmf_result(&tmf, result));
	expect_tmf(n, 2, code);
	must_answer(d, good(&req));
	expect_status(owner, 1, GOOD);
	expect_done(d, &req, TGT_DONE_OK);
	logout(n);
	logout(other);
	daemon_close(d);
}

static void refused(void)
{
	not_held(SRP_TMF_LUN_RESET, 0, TGT_TMF_FAILED, SRP_RSP_FAILED, false);
	not_held(SRP_TMF_LUN_RESET, 0, TGT_TMF_REJECTED, SRP_RSP_FAILED, true);
	not_held(SRP_TMF_ABORT_TASK_SET, 0, TGT_TMF_LUN_NOT_FOUND, SRP_RSP_FAILED, false);
	not_held(SRP_TMF_CLEAR_ACA, 0, TGT_TMF_NOT_SUPPORTED, SRP_RSP_NOT_SUPPORTED, false);
	not_held(SRP_TMF_CLEAR_ACA, 0, TGT_TMF_COMPLETE, SRP_RSP_COMPLETE, true);
}

static void scope(void)
{
	not_held(SRP_TMF_LUN_RESET, 1, TGT_TMF_COMPLETE, SRP_RSP_COMPLETE, false);
	not_held(SRP_TMF_CLEAR_TASK_SET, 1, TGT_TMF_COMPLETE, SRP_RSP_COMPLETE, true);
	not_held(SRP_TMF_ABORT_TASK, 0, TGT_TMF_TASK_NOT_FOUND, SRP_RSP_COMPLETE, false);
	not_held(SRP_TMF_ABORT_TASK_SET, 0, TGT_TMF_COMPLETE, SRP_RSP_COMPLETE, true);
}

/* Data moves: the daemon must not abort the command, and the function waits for CMD_DONE. */
static void while_data_moves(void)
{
	struct daemon *d = daemon_open(&(struct options) { 0 });
	struct nexus *n = login(d, 1), *slow = login_opts(d, 2, &no_receives);
	struct tgt_event req = submit(d, slow, &(struct io) { .tag = 1, .len = 4096 });
	struct tgt_event tmf;

	must_answer(d, read_data(d, &req, 0, 4096));
	tmf = submit_tmf(d, n, 2, SRP_TMF_LUN_RESET, 0, 0);
	must_answer(d, tmf_result(&tmf, TGT_TMF_COMPLETE));
	expect_silence(n);
	check(!srpi_post_recvs(slow->ch), "receives cannot be posted");
	expect_status(slow, 1, GOOD);
	expect_tmf(n, 2, SRP_RSP_COMPLETE);
	expect_done(d, &req, TGT_DONE_OK);
	expect_idle(d, slow);
}

/* The initiator of the command goes, the one that waits for the function stays; and the other way round. */
static void nexus_lost(bool of_function)
{
	struct daemon *d = daemon_open(&(struct options) { 0 });
	struct nexus *n = login(d, 1), *other = login(d, 2);
	struct tgt_event req = submit(d, other, &(struct io) { .tag = 1 });
	struct tgt_event tmf = submit_tmf(d, n, 2, SRP_TMF_LUN_RESET, 0, 0);

	must_answer(d, tmf_result(&tmf, TGT_TMF_COMPLETE));
	expect_silence(n);
	logout(of_function ? n : other);
	expect(d, TGT_HOST_DOWN);
	must_answer(d, aborted(&req));
	if (!of_function)
		expect_tmf(n, 2, SRP_RSP_COMPLETE);
	expect_idle(d, of_function ? other : n);
}

static void nexus_of_the_command(void)
{
	nexus_lost(false);
}

static void nexus_of_the_function(void)
{
	nexus_lost(true);
}

const struct test fence_tests[] = {
	{ "TC-29 scope: LUN, tag, nexus", scope },
	{ "TC-30 held until the command is answered", until_answered },
	{ "TC-30 held until the command is aborted", until_aborted },
	{ "TC-30 held for commands of another nexus", over_two_nexuses },
	{ "TC-30 held while data moves", while_data_moves },
	{ "TC-30 refusals are not held", refused },
	{ "TC-30 but that of ABORT TASK is", refused_abort_task },
	{ "TC-30 the nexus of the command is lost", nexus_of_the_command },
	{ "TC-30 the nexus of the function is lost", nexus_of_the_function },
	{ }
};
