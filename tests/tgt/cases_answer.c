// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* How commands and functions end: each once, with the right tag and result. */
#include <errno.h>
#include <string.h>

#include "harness.h"

/* Commands, or their sessions, come to an end whenever the daemon closes its file. */
static void no_daemon(void)
{
	struct daemon *d = daemon_open(&(struct options) { 0 });
	struct nexus *n = login(d, 1);
	struct srpi_rsp rsp;
	int ret;

	daemon_close(d);
	send_io(n, &(struct io) { .tag = 1 });
	ret = srpi_recv_rsp(n->ch, &rsp, WAIT_MS);
	if (!ret) {
		check(rsp.status == BUSY || rsp.status == CHECK_CONDITION, "status %02xh without a daemon", rsp.status);
		check(rsp.status == BUSY || srpi_sense(&rsp) >> 16 == ABORTED_COMMAND, "sense key %x without a daemon",
		      srpi_sense(&rsp) >> 16);
	} else {
		check(ret == -ENOTCONN, "no answer without a daemon");
	}
	expect_end(n);
	check(!login_only(ID_EXT, 2, NULL), "a login without a daemon");
}

static void function_answers_have_their_tag(void)
{
	static const u64 tags[] = { 0, 0x1111222233334444ULL, ~0ULL, 1ULL << 63 };
	struct daemon *d = daemon_open(&(struct options) { 0 });
	struct nexus *n = login(d, 1);
	struct tgt_event tmf[ARRAY_SIZE(tags)];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(tags); i++)
		tmf[i] = submit_tmf(d, n, tags[i], SRP_TMF_ABORT_TASK_SET, i, 0);
	for (i = ARRAY_SIZE(tags); i-- > 0;) {
		must_answer(d, tmf_result(&tmf[i], TGT_TMF_COMPLETE));
		expect_tmf(n, tags[i], SRP_RSP_COMPLETE);
		must_reject(d, tmf_result(&tmf[i], TGT_TMF_COMPLETE), -ENOENT, "a function answered twice");
	}
	expect_idle(d, n);
}

static void one_cmd_done(void)
{
	struct daemon *d = daemon_open(&(struct options) { 0 });
	struct nexus *n = login(d, 1);
	const struct io io = { .tag = 99, .len = 512 };
	struct tgt_event req;
	int i;

	for (i = 0; i < 20; i++) {
		req = submit(d, n, &io);
		must_answer(d, read_data(d, &req, 0, 512));
		expect_status(n, 99, GOOD);
		expect_done(d, &req, TGT_DONE_OK);
		expect_nothing(d);
		must_reject(d, read_data(d, &req, 0, 512), -ENOENT, "a command answered twice");
		must_reject(d, aborted(&req), -ENOENT, "a command aborted after its end");
	}
	/* An aborted one has none. */
	req = submit(d, n, &io);
	must_answer(d, aborted(&req));
	must_reject(d, aborted(&req), -ENOENT, "a command aborted twice");
	must_reject(d, good(&req), -ENOENT, "a command answered after its abort");
	expect_idle(d, n);
}

static int expected_code(__u32 result)
{
	switch (result) {
	case TGT_TMF_COMPLETE:
	case TGT_TMF_TASK_NOT_FOUND:
	case TGT_TMF_TASK_COMPLETED:
		return SRP_RSP_COMPLETE;
	case TGT_TMF_NOT_SUPPORTED:
		return SRP_RSP_NOT_SUPPORTED;
	default:
		return SRP_RSP_FAILED;
	}
}

static void results(void)
{
	static const struct { u8 wire; __u32 function; } functions[] = {
		{ SRP_TMF_ABORT_TASK, TGT_ABORT_TASK }, { SRP_TMF_ABORT_TASK_SET, TGT_ABORT_TASK_SET },
		{ SRP_TMF_CLEAR_TASK_SET, TGT_CLEAR_TASK_SET }, { SRP_TMF_LUN_RESET, TGT_LUN_RESET },
		{ SRP_TMF_CLEAR_ACA, TGT_CLEAR_ACA },
	};
	struct daemon *d = daemon_open(&(struct options) { 0 });
	struct nexus *n = login(d, 1);
	struct tgt_event tmf;
	unsigned int i;
	__u32 result;

	for (i = 0; i < ARRAY_SIZE(functions); i++)
		for (result = 0; result <= TGT_TMF_FAILED; result++) {
			tmf = submit_tmf(d, n, i << 8 | result, functions[i].wire, 3, 0x77);
			check(tmf.tsk_mgmt_req.function == functions[i].function, "function %02xh came as %u",
			      functions[i].wire, tmf.tsk_mgmt_req.function);
			check(tmf.tsk_mgmt_req.lun[1] == 3, "the LUN is lost");
			must_answer(d, tmf_result(&tmf, result));
			expect_tmf(n, i << 8 | result, expected_code(result));
		}
	expect_idle(d, n);
}

static void cdbs(void)
{
	static const u8 lengths[] = { 16, 20, 24, 28, 32 };
	struct daemon *d = daemon_open(&(struct options) { 0 });
	struct nexus *n = login(d, 1);
	u8 cdb[36] = { 0x7f };
	struct tgt_event req;
	unsigned int i;

	fill(cdb + 8, sizeof(cdb) - 8, 3);
	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		/* Variable length: by its own account. */
		cdb[7] = lengths[i] - 8;
		req = submit(d, n, &(struct io) { .tag = i, .cdb = cdb, .cdb_len = lengths[i] });
		check(req.cmd_req.cdb_len == lengths[i], "a CDB of %u bytes came with %u", lengths[i],
		      req.cmd_req.cdb_len);
		check(!memcmp(req.cmd_req.cdb, cdb, lengths[i]), "a CDB of %u bytes has changed", lengths[i]);
		must_answer(d, good(&req));
		expect_status(n, i, GOOD);
		expect_done(d, &req, TGT_DONE_OK);
	}
	cdb[7] = sizeof(cdb) - 8;
	send_io(n, &(struct io) { .tag = 36, .cdb = cdb, .cdb_len = sizeof(cdb) });
	expect_sense_key(n, 36, ILLEGAL_REQUEST);
	expect_idle(d, n);
}

static void ids_are_used_once(void)
{
	const struct srpi_login_opts more = { .flags = SRP_LOGIN_MC_MULTI };
	struct daemon *d = daemon_open(&(struct options) { 0 });
	struct nexus *n = login_opts(d, 1, &more);
	struct srpi_chan *first = n->ch;
	struct tgt_event req, old;
	__u64 last = 0;
	int i, ret;

	for (i = 0; i < 8; i++) {
		/* The slots of a channel go with it, the nexus and its numbers stay. */
		ret = srpi_login(n->s, &more, &n->ch);
		check(!ret, "another channel: %s", strerror(-ret));
		req = submit(d, n, &(struct io) { .tag = i });
		check(req.cmd_req.cmd_id != last, "a command id is used again");
		if (i)
			must_reject(d, good(&old), -ENOENT, "a command of a channel that is gone");
		must_answer(d, good(&req));
		expect_status(n, i, GOOD);
		expect_done(d, &req, TGT_DONE_OK);
		old = req;
		last = req.cmd_req.cmd_id;
		srpi_chan_close(n->ch);
		n->ch = first;
		expect_idle(d, n);
	}
}

const struct test answer_tests[] = {
	{ "TC-05 no daemon", no_daemon },
	{ "TC-07 answers to functions have their tag", function_answers_have_their_tag },
	{ "TC-08 ids are used once, whatever channel", ids_are_used_once },
	{ "TC-17 exactly one CMD_DONE", one_cmd_done },
	{ "TC-18 results of functions", results },
	{ "TC-26 CDBs of up to 32 bytes", cdbs },
	{ }
};
