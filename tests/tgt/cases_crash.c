// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * The daemon, a child, is killed at each stage of what it does. Without a recovery time commands and the session
 * end; with one the session stays, and the next daemon gets what the last one had not begun.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "harness.h"

#define RECOVERY_MS	600000	/* longer than any case */
#define LEN		4096u

static const struct options no_recovery, recovery = { .recovery_ms = RECOVERY_MS };

static void crash(struct daemon *d)
{
	kill_child(d->pid);
	daemon_close(d);
}

/* The next daemon: it finds the nexuses that are there. */
static struct daemon *successor(struct nexus *n)
{
	struct daemon *d = daemon_open(&recovery);
	struct tgt_event ev = expect(d, TGT_HOST_UP);

	check(ev.host_no == n->host_no, "HOST_UP of another nexus");
	check(!memcmp(ev.host_up.i_port_id, srpi_target(n->s)->i_port_id, 16), "HOST_UP: another initiator port");
	return d;
}

static struct tgt_event expect_again(struct daemon *d, struct nexus *n, const struct io *io,
				     const struct tgt_event *before)
{
	struct tgt_event ev = expect_cmd(d, n, io);

	check(ev.cmd_req.cmd_id != before->cmd_req.cmd_id, "a command comes again with its old id");
	return ev;
}

static void finish(struct daemon *d, struct nexus *n, const struct io *io, const struct tgt_event *req)
{
	fill(d->mem, LEN, io->tag);
	must_answer(d, io->len ? read_data(d, req, 0, io->len) : good(req));
	expect_status(n, io->tag, GOOD);
	if (io->len && !io->write)
		expect_filled(n->mem.addr + io->off, io->len, io->tag, "data-in");
	expect_done(d, req, TGT_DONE_OK);
}

/* ---- without recovery ------------------------------------------------------------------------------------------- */

static void idle(void)
{
	struct daemon *d = daemon_fork(&no_recovery);
	struct nexus *n = login(d, 1);

	crash(d);
	expect_end(n);
	check(!login_only(ID_EXT, 2, NULL), "a login without a daemon");
}

static void at_daemon(void)
{
	struct daemon *d = daemon_fork(&no_recovery);
	struct nexus *n = login(d, 1);

	submit(d, n, &(struct io) { .tag = 0, .len = LEN });
	submit(d, n, &(struct io) { .tag = 1, .len = LEN, .write = true });
	crash(d);
	expect_aborted(n, 2);
	expect_end(n);
}

/* The ring is full: nobody has seen the command. */
static void queued(void)
{
	struct daemon *d = daemon_fork(&(struct options) { .slots = 1 });
	struct nexus *n = login(d, 1);
	int i;

	for (i = 0; i < 4; i++)
		send_io(n, &(struct io) { .tag = i });
	await_in_progress(4);
	expect(d, TGT_CMD_REQ);
	crash(d);
	expect_aborted(n, 4);
	expect_end(n);
}

static void moving(void)
{
	struct daemon *d = daemon_fork(&no_recovery);
	struct nexus *n = login_opts(d, 1, &no_receives);
	struct tgt_event req = submit(d, n, &(struct io) { .tag = 1, .len = LEN });

	must_answer(d, read_data(d, &req, 0, LEN));
	crash(d);
	srpi_post_recvs(n->ch);
	/* The response may come or not, as the session ends. */
	expect_end(n);
}

static void between_stages(void)
{
	struct daemon *d = daemon_fork(&no_recovery);
	struct nexus *n = login(d, 1);
	struct tgt_event req = submit(d, n, &(struct io) { .tag = 1, .len = LEN, .write = true });

	must_answer(d, fetch_data(d, &req, 0, LEN));
	expect_done(d, &req, TGT_DONE_OK);
	crash(d);
	expect_sense_key(n, 1, ABORTED_COMMAND);
	expect_end(n);
}

static void function_pending(void)
{
	struct daemon *d = daemon_fork(&no_recovery);
	struct nexus *n = login(d, 1);

	submit(d, n, &(struct io) { .tag = 1 });
	submit_tmf(d, n, 2, SRP_TMF_ABORT_TASK, 0, 1);
	crash(d);
	expect_tmf(n, 2, SRP_RSP_COMPLETE);
	expect_end(n);
}

/* ---- with recovery ---------------------------------------------------------------------------------------------- */

static void idle_kept(void)
{
	struct daemon *d = daemon_fork(&recovery);
	struct nexus *n = login(d, 1);

	crash(d);
	d = successor(n);
	expect_idle(d, n);
}

static void at_daemon_again(void)
{
	static const struct io ios[] = {
		{ .tag = 1, .len = LEN }, { .tag = 2, .len = LEN, .off = LEN, .write = true },
		{ .tag = 3, .len = 512 }, { .tag = 4 },
	};
	struct daemon *d = daemon_fork(&recovery);
	struct nexus *n = login(d, 1);
	struct tgt_event req[ARRAY_SIZE(ios)];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ios); i++)
		req[i] = submit(d, n, &ios[i]);
	crash(d);
	d = successor(n);
	for (i = 0; i < ARRAY_SIZE(ios); i++) {
		struct tgt_event again = expect_again(d, n, &ios[i], &req[i]);

		must_reject(d, good(&req[i]), -ENOENT, "the id that the last daemon had");
		check(again.cmd_req.seq == req[i].cmd_req.seq, "another seq");
		check(again.cmd_req.data_out_len == req[i].cmd_req.data_out_len &&
		      again.cmd_req.data_in_len == req[i].cmd_req.data_in_len &&
		      !memcmp(again.cmd_req.cdb, req[i].cmd_req.cdb, TGT_CDB_LEN), "it has changed");
		req[i] = again;
	}
	for (i = 0; i < ARRAY_SIZE(ios); i++)
		finish(d, n, &ios[i], &req[i]);
	expect_idle(d, n);
}

/* Some delivered, some not: the next one gets all of them in order, and those that come meanwhile behind. */
static void queued_again(void)
{
	struct daemon *d = daemon_fork(&(struct options) { .slots = 2, .recovery_ms = RECOVERY_MS });
	struct nexus *n = login(d, 1);
	struct io io = { 0 };
	struct tgt_event req;

	for (; io.tag < 8; io.tag++)
		send_io(n, &io);
	expect(d, TGT_CMD_REQ);
	expect(d, TGT_CMD_REQ);
	crash(d);
	for (; io.tag < 12; io.tag++)
		send_io(n, &io);
	d = successor(n);
	for (io.tag = 0; io.tag < 12; io.tag++) {
		req = expect_cmd(d, n, &io);
		check(req.cmd_req.seq == io.tag + 1, "seq %llu", (unsigned long long)req.cmd_req.seq);
		must_answer(d, aborted(&req));
	}
	expect_idle(d, n);
}

/* What moves goes on to its end, in the memory of a process that is no more; the next daemon hears nothing of it. */
static void moving_on(void)
{
	struct daemon *d = daemon_fork(&recovery);
	struct nexus *n = login_opts(d, 1, &no_receives);
	struct tgt_event req = submit(d, n, &(struct io) { .tag = 1, .len = LEN });

	fill(d->mem, LEN, 5);
	must_answer(d, read_data(d, &req, 0, LEN));
	crash(d);
	d = successor(n);
	expect_nothing(d);
	check(!srpi_post_recvs(n->ch), "receives cannot be posted");
	expect_status(n, 1, GOOD);
	expect_filled(n->mem.addr, LEN, 5, "data-in");
	expect_idle(d, n);
}

/* Who has fetched data may have written some of it. */
static void staged_ends(void)
{
	const struct io fresh = { .tag = 2, .len = LEN, .off = LEN };
	struct daemon *d = daemon_fork(&recovery);
	struct nexus *n = login(d, 1);
	struct tgt_event staged = submit(d, n, &(struct io) { .tag = 1, .len = LEN, .write = true });
	struct tgt_event req = submit(d, n, &fresh);

	must_answer(d, fetch_data(d, &staged, 0, LEN));
	expect_done(d, &staged, TGT_DONE_OK);
	crash(d);
	expect_sense_key(n, 1, ABORTED_COMMAND);
	d = successor(n);
	req = expect_again(d, n, &fresh, &req);
	finish(d, n, &fresh, &req);
	expect_idle(d, n);
}

/* So may who has got the data with the command; what it did not get comes again, with its data. */
static void immediate(void)
{
	const struct io delivered = { .tag = 1, .len = 512, .write = true, .imm = true };
	const struct io queued = { .tag = 2, .len = 512, .off = LEN, .write = true, .imm = true }, empty = { .tag = 3 };
	struct daemon *d = daemon_fork(&(struct options) { .slots = 1, .lent = 4, .recovery_ms = RECOVERY_MS });
	struct nexus *n = login(d, 1);
	struct tgt_event req;

	fill(n->mem.addr + LEN, 512, 2);
	req = submit(d, n, &delivered);
	check(req.cmd_req.lent == 1, "page %u", req.cmd_req.lent);
	/* The first one fills the ring. */
	send_io(n, &empty);
	send_io(n, &queued);
	crash(d);
	expect_sense_key(n, 1, ABORTED_COMMAND);
	d = daemon_open(&(struct options) { .lent = 4, .recovery_ms = RECOVERY_MS });
	expect(d, TGT_HOST_UP);
	req = expect_cmd(d, n, &empty);
	must_answer(d, aborted(&req));
	req = expect_cmd(d, n, &queued);
	check(req.cmd_req.lent == 1, "page %u of the next daemon", req.cmd_req.lent);
	expect_filled(d->mem + LENT_OFF, 512, 2, "data in lent memory");
	must_answer(d, aborted(&req));
	expect_idle(d, n);
}

/* So may, for all that is known, who will get them; they are still fetched. */
static void ahead(void)
{
	struct daemon *d = daemon_fork(&(struct options) { .lent = 1, .recovery_ms = RECOVERY_MS });
	struct nexus *n = login_opts(d, 1, &no_receives);
	struct tgt_event req = submit(d, n, &(struct io) { .tag = 1, .len = LEN });

	must_answer(d, read_data(d, &req, 0, LEN));
	req = submit(d, n, &(struct io) { .tag = 2, .len = 512, .off = LEN, .write = true });
	check(req.cmd_req.flags == TGT_REQ_FETCHING, "flags %#x", req.cmd_req.flags);
	crash(d);
	d = successor(n);
	expect_nothing(d);
	check(!srpi_post_recvs(n->ch), "receives cannot be posted");
	expect_status(n, 1, GOOD);
	expect_sense_key(n, 2, ABORTED_COMMAND);
	expect_idle(d, n);
}

/* The kernel carries out what the daemon had not: the command of @tag 1 is covered, 2 is not. */
static void function_carried_out(bool before_crash, u8 function)
{
	const struct io victim = { .tag = 1 }, other = { .tag = 2, .lun = 1 };
	struct daemon *d = daemon_fork(&recovery);
	struct nexus *n = login(d, 1);
	struct tgt_event req;

	submit(d, n, &victim);
	submit(d, n, &other);
	if (before_crash)
		submit_tmf(d, n, 3, function, 0, 1);
	crash(d);
	if (!before_crash)
		send_tmf(n, 3, function, 0, 1);
	check(expect_tmf(n, 3, SRP_RSP_COMPLETE).delta == 2, "a credit is lost");
	d = successor(n);
	req = expect_cmd(d, n, &other);
	finish(d, n, &other, &req);
	expect_idle(d, n);
	logout(n);
	expect(d, TGT_HOST_DOWN);
	/* So that no target of this one is in recovery when the next one binds. */
	must_unbind(d);
	daemon_close(d);
}

static void all_carried_out(bool before_crash)
{
	function_carried_out(before_crash, SRP_TMF_ABORT_TASK);
	function_carried_out(before_crash, SRP_TMF_ABORT_TASK_SET);
	function_carried_out(before_crash, SRP_TMF_CLEAR_TASK_SET);
	function_carried_out(before_crash, SRP_TMF_LUN_RESET);
}

static void function_pending_kept(void)
{
	all_carried_out(true);
}

static void function_during_recovery(void)
{
	all_carried_out(false);
}

/* A logout reaches the target some time after it. @arg: the number of the host */
static bool has_left(void *arg)
{
	char line[40];

	snprintf(line, sizeof(line), "host %u initiator", *(u32 *)arg);
	return !shown(line);
}

static void in_recovery(void)
{
	const struct io early = { .tag = 1 }, late = { .tag = 2, .len = LEN };
	struct daemon *d = daemon_fork(&recovery);
	struct nexus *n = login(d, 1), *newcomer, *leaver = login(d, 3);
	struct tgt_event req, second;
	u32 left = leaver->host_no;

	submit(d, leaver, &early);
	crash(d);
	send_io(n, &early);
	send_io(n, &late);
	/* Nobody is asked about logins. */
	newcomer = must_login(ID_EXT, 2, NULL);
	logout(leaver);
	wait_until(has_left, &left, "the end of the session that logged out");
	await_in_progress(2);
	d = successor(n);
	req = expect_cmd(d, n, &early);
	second = expect_cmd(d, n, &late);
	newcomer->host_no = expect(d, TGT_HOST_UP).host_no;
	finish(d, n, &early, &req);
	finish(d, n, &late, &second);
	expect_idle(d, newcomer);
	expect_idle(d, n);
}

/* ---- time ------------------------------------------------------------------------------------------------------- */

static void time_over(void)
{
	struct daemon *d = daemon_fork(&(struct options) { .recovery_ms = 300 });
	struct nexus *n = login(d, 1);

	submit(d, n, &(struct io) { .tag = 1 });
	crash(d);
	expect_sense_key(n, 1, ABORTED_COMMAND);
	expect_end(n);
	check(!login_only(ID_EXT, 2, NULL), "a login without a daemon");
}

static void expect_killed(struct daemon *d)
{
	int status = end_of_child(d->pid);

	check(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "not killed, but status %#x", status);
	daemon_close(d);
}

static void stopped(void)
{
	struct daemon *d = daemon_fork(&(struct options) { .timeout_ms = 500, .recovery_ms = RECOVERY_MS });
	struct nexus *n = login(d, 1);
	const struct io io = { .tag = 1, .len = LEN };
	struct tgt_event req;

	kill(d->pid, SIGSTOP);
	send_io(n, &io);
	expect_killed(d);
	d = successor(n);
	req = expect_cmd(d, n, &io);
	finish(d, n, &io, &req);
	expect_idle(d, n);
}

/* It shows signs of life, but does not end what it has of a nexus that is gone. */
static void host_down_ignored(void)
{
	struct daemon *d = daemon_fork(&(struct options) { .timeout_ms = 500, .recovery_ms = RECOVERY_MS });
	struct nexus *n = login(d, 1), *other = login(d, 2);
	struct tgt_event req = submit(d, n, &(struct io) { .tag = 1 });

	logout(n);
	expect_killed(d);
	d = successor(other);
	must_reject(d, good(&req), -ENOENT, "a command of a nexus that is gone");
	expect_idle(d, other);
}

/* Nothing to do is no reason to be killed, however long it takes. */
static void idle_is_fine(void)
{
	struct daemon *d = daemon_fork(&(struct options) { .timeout_ms = 1000 });
	struct nexus *n = login(d, 1);

	kill(d->pid, SIGSTOP);
	check(srpi_recv(n->ch, &(struct srpi_rx) { 0 }, 3000) == -ETIMEDOUT, "something has come");
	kill(d->pid, SIGCONT);
	expect_idle(d, n);
}

/* ---- at any time ------------------------------------------------------------------------------------------------ */

static pid_t start_server(void)
{
	pid_t pid = start_child();

	if (!pid)
		daemon_serve(daemon_open(&(struct options) { .slots = 4, .recovery_ms = RECOVERY_MS }));
	return pid;
}

#define IN_FLIGHT	8

/* Commands are answered once, by whatever daemon; @left of them are in flight now. */
static void take_some(struct nexus *n, u32 *in_flight, unsigned int left)
{
	struct srpi_rsp rsp;

	while (__builtin_popcount(*in_flight) > (int)left) {
		int ret = srpi_recv_rsp(n->ch, &rsp, WAIT_MS);

		check(!ret, "no response: %s", srpi_error(n->ch));
		check(rsp.tag < IN_FLIGHT && *in_flight & 1u << rsp.tag, "a response twice");
		check(rsp.status == GOOD ||
		      (rsp.status == CHECK_CONDITION && srpi_sense(&rsp) >> 16 == ABORTED_COMMAND),
		      "status %02xh, sense %06x", rsp.status, srpi_sense(&rsp));
		*in_flight &= ~(1u << rsp.tag);
	}
}

static bool served(void *arg)
{
	(void)arg;
	return shown(": daemon ");
}

static void at_random(void)
{
	unsigned long round, rounds = times(20);
	struct nexus *n = NULL;
	u32 in_flight = 0, tag, i;
	pid_t pid;

	for (round = 0; round < rounds; round++) {
		pid = start_server();
		if (!n) {
			wait_until(served, NULL, "the target");
			n = must_login(ID_EXT, 1, NULL);
		}
		for (i = random_u32() % 32; i; i--) {
			take_some(n, &in_flight, IN_FLIGHT - 1);
			tag = __builtin_ctz(~in_flight);
			send_io(n, &(struct io) {
				.tag = tag, .len = 512 << i % 8, .off = tag << 16, .write = i & 1,
			});
			in_flight |= 1u << tag;
		}
		take_some(n, &in_flight, random_u32() % (IN_FLIGHT + 1));
		kill_child(pid);
	}
	start_server();
	take_some(n, &in_flight, 0);
}

const struct test crash_tests[] = {
	{ "C-01 idle", idle },
	{ "C-02 a command at the daemon", at_daemon },
	{ "C-03 commands that wait for room", queued },
	{ "C-04 data moves", moving },
	{ "C-05 between two stages", between_stages },
	{ "C-06 a function pending", function_pending },
	{ "C-11 idle, recovery", idle_kept },
	{ "C-12 commands at the daemon, recovery", at_daemon_again },
	{ "C-13 commands that wait for room, recovery", queued_again },
	{ "C-14 data moves, recovery", moving_on },
	{ "C-15 between two stages, recovery", staged_ends },
	{ "C-IMM the daemon dies with data that came with a command", immediate },
	{ "C-AHEAD the daemon dies before data that are fetched ahead", ahead },
	{ "C-16 a function pending, recovery", function_pending_kept },
	{ "C-17 commands and logins during recovery", in_recovery },
	{ "C-18 TC-20 functions during recovery", function_during_recovery },
	{ "C-20 the recovery time is over", time_over },
	{ "C-21 a daemon that is stopped", stopped },
	{ "C-22 a daemon that ignores HOST_DOWN", host_down_ignored },
	{ "C-23 a daemon that has nothing to do", idle_is_fine },
	{ "C-30 at any time", at_random },
	{ }
};
