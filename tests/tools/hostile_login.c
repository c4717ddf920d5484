// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Tests of logins, and of what waits for commands that the back-end keeps: task management, and the next login. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hostile.h"

/* ---- logins ---------------------------------------------------------------------------------------- */

static void expect_refused(const char *what, const struct srp_wire_login_req_rdma *req, u8 depth, u32 reason)
{
	u32 got;

	printf("%s\n", what);
	got = login_refused(req, depth);
	if (got != reason)
		fail("reason %x instead of %x", got, reason);
}

static void run_refused(const void *arg)
{
	struct srp_wire_login_req_rdma req;

	(void)arg;
	req = login_req(0);
	req.req_it_iu_len = htobe32(1 << 20);
	expect_refused("IU length of 1 MiB", &req, 4, SRP_REJ_IU_TOO_LARGE);
	req.req_it_iu_len = htobe32(0xffffffff);
	expect_refused("IU length of 4 GiB", &req, 4, SRP_REJ_IU_TOO_LARGE);
	req.req_it_iu_len = htobe32(SRP_MIN_IU_LEN - 1);
	expect_refused("IU length of 63", &req, 4, SRP_REJ_NO_REASON);
	req = login_req(0);
	req.target_port_id[0] ^= 1;
	expect_refused("another id_ext", &req, 4, SRP_REJ_NO_NEXUS);
	req = login_req(0);
	req.target_port_id[15] ^= 1;
	expect_refused("another ioc_guid", &req, 4, SRP_REJ_NO_NEXUS);
	req = login_req(0);
	req.req_buf_fmt = htobe16(0x0008);
	expect_refused("a descriptor format nobody knows", &req, 4, SRP_REJ_DESC_FMT);
	req = login_req(0);
	req.opcode = SRP_OP_CMD;
	expect_refused("not a login", &req, 4, SRP_REJ_NO_REASON);
	memset(&req, 0xff, sizeof(req));
	expect_refused("all ones", &req, 4, SRP_REJ_NO_REASON);
	req = login_req(0);
	expect_refused("no RDMA READ served", &req, 0, SRP_REJ_NO_REASON);
}

/* None of these disturbs the session that is there. */
static void run_refused_beside(const void *arg)
{
	struct chan *ch = login_settled(SRP_LOGIN_MC_SINGLE);
	struct srp_wire_login_req_rdma req = login_req(SRP_LOGIN_MC_SINGLE);

	(void)arg;
	req.req_it_iu_len = htobe32(1 << 20);
	expect_refused("IU length of 1 MiB, beside a session", &req, 4, SRP_REJ_IU_TOO_LARGE);
	tur(ch);
	expect_conserved(ch);
}

static void run_accepted(const void *arg)
{
	struct srp_wire_login_req_rdma req = login_req(0);
	struct chan *ch;

	(void)arg;
	printf("the request of initiators before immediate data\n");
	req.imm_data_offset = 0;
	ch = login_with(&req, SRP_LOGIN_REQ_RDMA_OLD_LEN);
	if (ch->imm)
		fail("immediate data that nobody asked for");
	settle(ch);
	close_chan(ch);

	printf("immediate data\n");
	ch = login(SRP_LOGIN_IMM);
	if (!ch->imm)
		fail("no immediate data");
	settle(ch);
	close_chan(ch);

	printf("a further channel of nothing\n");
	ch = login(SRP_LOGIN_MC_MULTI);
	if (ch->mc_result != SRP_MC_NO_CHANNEL)
		fail("result %d", ch->mc_result);
	settle(ch);
}

bool test_logins(char **args)
{
	bool good = attempt(run_refused, NULL);

	(void)args;
	good &= attempt(run_refused_beside, NULL);
	good &= attempt(run_accepted, NULL);
	return good;
}

/* ---- commands that are held ------------------------------------------------------------------------ */

struct held {
	u8		lun;
	const char	*device;
};

static void run_command(const char *fmt, const char *device)
{
	char command[100];

	snprintf(command, sizeof(command), fmt, device);
	if (system(command))
		fail("'%s' failed", command);
}

static void hold(const struct held *held)
{
	run_command("dmsetup suspend --noflush --nolockfs %s", held->device);
}

#define NR_HELD	6

/* Reads and writes by turns, to the disk that is held. */
static void send_held(struct chan *ch, const struct held *held, u64 *tags)
{
	struct iu iu;
	int i;

	lun = held->lun;
	for (i = 0; i < NR_HELD; i++) {
		if (i % 2)
			build_in(&iu, (struct cdb){ CDB_READ(8 * i, 8) }, i * 4096, 4096);
		else
			build_out(&iu, (struct cdb){ CDB_WRITE(8 * i, 8) }, i * 4096, 4096);
		tags[i] = iu_tag(&iu);
		send_iu(ch, &iu);
	}
	lun = LUN;
}

/* Logged in, with commands that are held: they are not answered. */
static struct chan *begin_held(const struct held *held, u64 *tags)
{
	struct chan *ch = login_settled(SRP_LOGIN_MC_SINGLE);
	struct rsp r;

	lun = held->lun;
	settle(ch);
	lun = LUN;
	hold(held);
	send_held(ch, held, tags);
	if (wait_rsp(ch, &r, 300) != WAIT_TIMEOUT)
		fail("an answer, or the end, although the commands are held");
	return ch;
}

/* Nothing may be said of it before what it manages has ended. */
static u64 send_tmf(struct chan *ch, u8 function, u8 on_lun, u64 task_tag)
{
	struct iu iu;
	struct rsp r;

	build_tmf(&iu, function, LUN_IS(on_lun), task_tag);
	send_iu(ch, &iu);
	if (wait_rsp(ch, &r, 300) != WAIT_TIMEOUT)
		fail("function %02x: an answer, or the end, although the commands are held", function);
	/* Other LUNs do not wait. */
	tur(ch);
	return iu_tag(&iu);
}

/* A task is aborted when it has ended; it is not answered, and its credit is not lost. */
static void run_aborts(const void *arg)
{
	const struct held *held = arg;
	u64 tags[NR_HELD], abort, reset;
	bool aborted = false, done = false;
	struct chan *ch;
	struct iu iu;
	struct rsp r;
	int i;

	ch = begin_held(held, tags);
	abort = send_tmf(ch, SRP_TMF_ABORT_TASK, held->lun, tags[0]);
	reset = send_tmf(ch, SRP_TMF_LUN_RESET, held->lun, 0);
	run_command("dmsetup resume %s", held->device);
	while (!aborted || !done) {
		if (wait_rsp(ch, &r, TIMEOUT) != WAIT_RSP)
			fail("ABORT TASK %sanswered, LUN RESET %sanswered", aborted ? "" : "not ", done ? "" : "not ");
		check_rsp(ch, &r);
		aborted |= as_rsp(&r)->tag == abort;
		done |= as_rsp(&r)->tag == reset;
		if ((as_rsp(&r)->tag == abort || as_rsp(&r)->tag == reset) &&
		    (r.len != 40 || as_rsp(&r)->data[3] != SRP_RSP_COMPLETE))
			fail("response code %02x", as_rsp(&r)->data[3]);
		/* The others may end before the reset, which waits for the abort, has come to them; but not after it. */
		for (i = 0; i < NR_HELD; i++) {
			if (as_rsp(&r)->tag == tags[i] && (done || i == 0))
				fail("command %d is answered, although it was aborted", i);
		}
	}
	/* The credits of the aborted commands come with this. */
	build_tur(&iu);
	send_iu(ch, &iu);
	if (wait_rsp(ch, &r, TIMEOUT) != WAIT_RSP || as_rsp(&r)->tag != iu_tag(&iu))
		fail("no answer, or another one, after the aborts");
	check_rsp(ch, &r);
	expect_conserved(ch);
}

/* An ABORT TASK that names the wrong LUN aborts nothing, and even this is not said before the command has ended. */
static void run_wrong_lun(const void *arg)
{
	const struct held *held = arg;
	u64 tags[NR_HELD], abort;
	struct chan *ch = begin_held(held, tags);
	bool ended = false;
	struct rsp r;
	struct iu iu;
	int i;

	abort = send_tmf(ch, SRP_TMF_ABORT_TASK, LUN, tags[0]);
	/* A function that waits is no task, although it has a tag: there is nothing to abort, and nothing to wait for. */
	build_tmf(&iu, SRP_TMF_ABORT_TASK, LUN_IS(held->lun), abort);
	ask(ch, &iu, &r);
	if (r.len != 40 || as_rsp(&r)->data[3] != SRP_RSP_COMPLETE)
		fail("response code %02x for the tag of a function", as_rsp(&r)->data[3]);
	run_command("dmsetup resume %s", held->device);
	for (i = 0; i < NR_HELD + 1; i++) {
		if (wait_rsp(ch, &r, TIMEOUT) != WAIT_RSP)
			fail("%d of %d are answered", i, NR_HELD + 1);
		check_rsp(ch, &r);
		if (as_rsp(&r)->tag == tags[0]) {
			expect_good(&r);
			ended = true;
		}
		if (as_rsp(&r)->tag != abort)
			continue;
		if (r.len != 40 || as_rsp(&r)->data[3] != SRP_RSP_FIELDS_INVALID)
			fail("response code %02x", as_rsp(&r)->data[3]);
		if (!ended)
			fail("answered before the command");
	}
	expect_conserved(ch);
}

#define NR_STRANDED	100	/* most of the request limit */

/* Credits of aborted commands come back although no response carries them, and before the last one has ended. */
static void run_stranded(const void *arg)
{
	const struct held *held = arg;
	struct chan *ch = begin_held(held, (u64[NR_HELD]){});
	struct iu iu;
	struct rsp r;
	u64 reset;
	int i;

	lun = held->lun;
	for (i = NR_HELD; i < NR_STRANDED; i++) {
		build_in(&iu, (struct cdb){ CDB_READ(8 * i, 8) }, i * 4096, 4096);
		send_iu(ch, &iu);
	}
	lun = LUN;
	reset = send_tmf(ch, SRP_TMF_LUN_RESET, held->lun, 0);
	run_command("dmsetup resume %s", held->device);
	do {
		if (wait_rsp(ch, &r, TIMEOUT) != WAIT_RSP)
			fail("LUN RESET not answered");
		check_rsp(ch, &r);
	} while (as_rsp(&r)->tag != reset);
	if (!ch->cred_reqs)
		fail("no SRP_CRED_REQ");
	tur(ch);
	expect_conserved(ch);
}

/* Only when the last command of the old session has ended is there a new one. */
static void run_takeover(const void *arg)
{
	const struct held *held = arg;
	struct chan *old, *ch;
	u64 tags[NR_HELD];
	long begin;

	old = begin_held(held, tags);
	begin = now_ms();
	run_command("(sleep 1; dmsetup resume %s) &", held->device);
	ch = login(SRP_LOGIN_MC_SINGLE);
	if (now_ms() - begin < 1000)
		fail("logged in although commands of the old session were held");
	if (ch->mc_result != SRP_MC_TERMINATED)
		fail("result %d", ch->mc_result);
	expect_closed(old, SRP_LOGOUT_RELOGIN);
	settle(ch);
	lun = held->lun;
	settle(ch);
	lun = LUN;
}

static void release(const void *arg)
{
	run_command("dmsetup resume %s", ((const struct held *)arg)->device);
}

static bool run_held(void (*fn)(const void *), char **args)
{
	struct held held = { .device = args[1] };
	bool good;

	if (!args[0] || !args[1]) {
		printf("which LUN and device?\n");
		return false;
	}
	held.lun = atoi(args[0]);
	good = attempt(fn, &held);
	lun = LUN;
	/* Nobody shall wait for it. */
	return attempt(release, &held) && good;
}

bool test_aborts(char **args)
{
	return run_held(run_aborts, args);
}

bool test_wronglun(char **args)
{
	return run_held(run_wrong_lun, args);
}

bool test_stranded(char **args)
{
	return run_held(run_stranded, args);
}

bool test_takeover(char **args)
{
	return run_held(run_takeover, args);
}
