// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Requirements of races of logins and connections (RAC). */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "conform.h"

/* ---- what several use ------------------------------------------------------------------------------- */

/* A channel that has its REP and has not sent the RTU. */
static struct srpi_chan *half_login(void)
{
	struct srpi_chan *ch = start_login(ini, NULL);

	if (srpi_wait_rep(ch))
		fail("login: %s", srpi_error(ch));
	return ch;
}

void expect_gone(void)
{
	const long end = now_ms() + conf.timeout;
	struct srpi_chan *ch;
	int result;

	do {
		ch = login(SRP_LOGIN_MC_MULTI);
		result = srpi_chan_login(ch)->mc_result;
		settle(ch);
		close_chan(ch);
	} while (result != SRP_MC_NO_CHANNEL && now_ms() < end);
	if (result != SRP_MC_NO_CHANNEL)
		fail("the old session still is there");
}

static void wait_end(struct srpi_chan *ch)
{
	if (!ends(ch, conf.timeout))
		fail("the connection does not end");
}

/* ---- RAC-01 to RAC-05: between REP and RTU ----------------------------------------------------------- */

#define ORDER_LBA	200

/* Ordered writes to one block: the last one stays. */
static void build_ordered(struct srpi_iu *iu, u32 i)
{
	fill_pattern(i * BLOCK, BLOCK, i);
	build_out(iu, AS_CDB(CDB_WRITE(ORDER_LBA, 1)), i * BLOCK, BLOCK);
	srpi_as_cmd(iu)->task_attr = 2;
}

/* Answered in the order in which they were sent. The first may find a unit attention of the new session. */
static void expect_ordered(struct srpi_chan *ch, const u64 *tags, u32 nr)
{
	struct srpi_rsp r;
	u32 i;

	for (i = 0; i < nr; i++) {
		if (wait_rsp(ch, &r, conf.timeout) != WAIT_RSP)
			fail("%u of %u are answered", i, nr);
		if (r.tag != tags[i])
			fail("answer %u is to another command", i);
		if (r.status && (i || srpi_sense(&r) >> 16 != 6))
			fail("status %02x, sense %06x", r.status, srpi_sense(&r));
	}
	expect_conserved(ch);
}

static void early_ius(const void *arg)
{
	struct srpi_chan *ch = half_login();
	const u32 limit = srpi_chan_login(ch)->limit, nr = *(const u32 *)arg ? *(const u32 *)arg : limit;
	struct srpi_iu iu;
	u64 tags[256] = { 0 };
	u32 i;

	if (nr > ARRAY_SIZE(tags) || nr > limit)
		skip("a request limit of %u", limit);
	for (i = 0; i < nr; i++) {
		build_ordered(&iu, i);
		tags[i] = srpi_iu_tag(&iu);
		send_iu(ch, &iu);
	}
	sleep_ms(500);
	if (srpi_establish(ch))
		fail("%s", srpi_error(ch));
	expect_ordered(ch, tags, nr);
	settle(ch);
	if (nr > 1) {
		read_blocks(ch, ORDER_LBA, 1, DATA_SIZE - BLOCK);
		expect_same((nr - 1) * BLOCK, DATA_SIZE - BLOCK, BLOCK);
	}
	close_chan(ch);
}

static void rac_01(void)
{
	static const u32 numbers[] = { 1, 16, 0 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(numbers); i++)
		row(early_ius, &numbers[i], "%u ORDERED WRITEs (0: as the limit), RTU half a second later", numbers[i]);
}

static void rac_02(void)
{
	struct srpi_chan *ch = half_login();

	sent("commands, and never the RTU");
	settle(ch);
	fill_pattern(0, 8 * BLOCK, 2);
	write_blocks(ch, 0, 8, 0);
	read_blocks(ch, 0, 8, 8 * BLOCK);
	expect_same(0, 8 * BLOCK, 8 * BLOCK);
	expect_conserved(ch);
}

/* It must not be in the way of anybody. */
static void rac_03(void)
{
	struct srpi_chan *half = half_login(), *ch;

	sent("a REP without an answer, then SINGLE");
	ch = login_settled(SRP_LOGIN_MC_SINGLE);
	wait_end(half);
	tur(ch);
	expect_conserved(ch);
}

static void rac_03b(void)
{
	sent("a REP without an answer, for ever");
	half_login();
	/* The MRA of Linux makes each of the 16 tries last 70 s. */
	hook("idle 1500");
}

/* A REP that is out is not waited for. */
static void rac_03c(void)
{
	struct srpi_chan *half = half_login();

	sent("a REP without an answer, then SINGLE; until the target has forgotten both");
	login_settled(SRP_LOGIN_MC_SINGLE);
	wait_end(half);
	close_all();
	hook("idle 30");
}

static void rac_04(void)
{
	sent("REJ instead of RTU");
	if (srpi_reject(half_login()))
		fail("no REJ could be sent");
	expect_gone();
}

static void dreq_at_once(const void *arg)
{
	struct srpi_chan *ch = half_login();

	if (*(const bool *)arg && srpi_establish(ch))
		fail("%s", srpi_error(ch));
	srpi_disconnect(ch);
	close_chan(ch);
	expect_gone();
}

static void rac_05(void)
{
	static const bool no, yes = true;

	row(dreq_at_once, &no, "disconnected instead of RTU");
	row(dreq_at_once, &yes, "RTU and DREQ at once");
}

/* ---- RAC-06, RAC-07: the end in the middle of I/O ------------------------------------------------------ */

#define IO_LEN	4096

/* Reads and writes by turns, as many as the limit allows, up to 128. */
static void start_io(struct srpi_chan *ch)
{
	const u32 limit = srpi_chan_login(ch)->limit, nr = limit < 128 ? limit : 128;
	struct srpi_iu iu;
	u32 i;

	for (i = 0; i < nr; i++) {
		if (i % 2)
			build_in(&iu, AS_CDB(CDB_READ(8 * i, 8)), IO_LEN * i, IO_LEN);
		else
			build_out(&iu, AS_CDB(CDB_WRITE(8 * i, 8)), IO_LEN * i, IO_LEN);
		send_iu(ch, &iu);
	}
}

static void dreq_under_io(void)
{
	struct srpi_chan *ch = login_settled(SRP_LOGIN_MC_SINGLE);

	start_io(ch);
	if (below(4))
		sleep_ms(below(30));
	srpi_disconnect(ch);
	wait_end(ch);
	close_chan(ch);
	/* Nothing may come any more. */
	lay_canary();
	expect_gone();
	expect_canary(0, DATA_SIZE);
}

static void rac_06(void)
{
	u32 i, nr = loops(3, 100000);

	sent("%u times 64 READs and 64 WRITEs, then a DREQ after 0 to 30 ms", nr);
	for (i = 0; i < nr; i++)
		dreq_under_io();
}

#define FD_OF_VICTIM	"SRP_CONFORM_FD"

/* In the other process. Tells that commands are on their way. */
static void __attribute__((noreturn)) io_until_killed(int fd)
{
	struct srpi_chan *ch = login_settled(SRP_LOGIN_MC_SINGLE);
	struct srpi_rsp r;

	start_io(ch);
	if (write(fd, "", 1) != 1)
		_exit(1);
	for (;;) {
		while (srpi_stats(ch)->deltas < (s64)srpi_stats(ch)->requests)
			if (wait_rsp(ch, &r, conf.timeout) != WAIT_RSP)
				_exit(1);
		start_io(ch);
	}
}

/* This program once more, as a fork would share the RDMA device with it: called as this one was, for this case only. */
static void __attribute__((noreturn)) become_victim(int fd)
{
	static char line[8192];
	char *argv[100], number[20], *p = line;
	size_t len = 0;
	int argc = 0;
	FILE *file = fopen("/proc/self/cmdline", "r");

	if (file)
		len = fread(line, 1, sizeof(line) - 1, file);
	while (p < line + len && argc < 97) {
		argv[argc++] = p;
		p += strlen(p) + 1;
		/* What follows the target are ids. */
		if (argc > 1 && argv[argc - 1][0] != '-' && strstr(argv[argc - 1], "ioc_guid=") &&
		    strcmp(argv[argc - 2], "--second") && strcmp(argv[argc - 2], "-2"))
			break;
	}
	argv[argc++] = "RAC-07";
	argv[argc] = NULL;
	snprintf(number, sizeof(number), "%d", fd);
	setenv(FD_OF_VICTIM, number, 1);
	if (freopen("/dev/null", "w", stdout) && freopen("/dev/null", "w", stderr))
		execv("/proc/self/exe", argv);
	_exit(1);
}

static void kill_under_io(void)
{
	int fds[2];
	ssize_t ready;
	char byte;
	pid_t pid;

	if (pipe(fds))
		fail("no pipe");
	fflush(NULL);
	pid = fork();
	if (!pid)
		become_victim(fds[1]);
	close(fds[1]);
	ready = pid < 0 ? -1 : read(fds[0], &byte, 1);
	close(fds[0]);
	sleep_ms(below(30));
	if (pid > 0) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	if (ready != 1)
		fail("the process could do no I/O");
	expect_gone();
}

static void rac_07(void)
{
	const char *fd = getenv(FD_OF_VICTIM);
	u32 i, nr = loops(2, 1000);

	if (fd)
		io_until_killed(atoi(fd));
	sent("%u times a process with READs and WRITEs on their way, then SIGKILL", nr);
	for (i = 0; i < nr; i++)
		kill_under_io();
}

/* ---- RAC-08, RAC-09: logins against something --------------------------------------------------------- */

/* Returns whether the channel is a live one: TEST UNIT READY is answered. */
static bool is_live(struct srpi_chan *ch)
{
	struct srpi_iu iu;
	struct srpi_rsp r;

	build_tur(&iu);
	if (srpi_send(ch, &iu))
		return false;
	switch (wait_rsp(ch, &r, conf.timeout)) {
	case WAIT_RSP:
		return true;
	case WAIT_TIMEOUT:
		fail("a channel is neither live nor closed");
	case WAIT_CLOSED:
		break;
	}
	return false;
}

static void two_logins(void)
{
	const struct srpi_login_opts opts = { .tag = srpi_next_tag() };
	struct srpi_chan *ch[2] = { start_login(ini, &opts), start_login(ini, &opts) };
	bool accepted[2];
	u32 i, live = 0;

	for (i = 0; i < 2; i++)
		accepted[i] = was_accepted(ch[i], opts.tag);
	for (i = 0; i < 2; i++)
		live += accepted[i] && !srpi_stats(ch[i])->closed && is_live(ch[i]);
	saw("%u live", live);
	if (live != 1)
		fail("%u channels are live", live);
	close_all();
}

static void rac_08(void)
{
	u32 i, nr = loops(10, 10000);

	sent("%u times two SINGLE logins at once", nr);
	for (i = 0; i < nr; i++)
		two_logins();
}

/* Each has got in, and is closed then, or is refused. */
static void logins_against(struct srpi *s, const char *what)
{
	const struct srpi_login_opts opts = { .flags = SRP_LOGIN_MC_MULTI, .tag = srpi_next_tag() };
	struct srpi_chan *ch[4];
	u32 i;

	for (i = 0; i < ARRAY_SIZE(ch); i++)
		ch[i] = start_login(s, &opts);
	sleep_ms(below(200));
	hook(what);
	for (i = 0; i < ARRAY_SIZE(ch); i++) {
		if (!was_accepted(ch[i], opts.tag))
			continue;
		wait_end(ch[i]);
		saw("accepted, then closed");
	}
	close_all();
}

static void against_disable(const void *arg)
{
	u32 i, nr = loops(2, 1000);

	(void)arg;
	for (i = 0; i < nr; i++) {
		logins_against(ini, "disable");
		hook("enable");
	}
	hook("idle 25");
}

static void against_acl(const void *arg)
{
	struct srpi_target target = *srpi_target(ini);
	char allow[60], forbid[60], name[40] = "0x";
	u32 i, nr = loops(2, 1000);
	struct srpi *s;

	(void)arg;
	target.src = conf.stranger;
	target.i_port_id[0] ^= 1;
	for (i = 0; i < SRPI_PORT_ID_LEN; i++)
		sprintf(name + 2 + 2 * i, "%02x", target.i_port_id[i]);
	snprintf(allow, sizeof(allow), "allow %s", name);
	snprintf(forbid, sizeof(forbid), "forbid %s", name);
	s = open_way(&target);
	for (i = 0; i < nr; i++) {
		hook(allow);
		logins_against(s, forbid);
	}
	hook("idle 25");
}

static void rac_09(void)
{
	row(against_disable, NULL, "4 logins, and the port is disabled meanwhile");
	if (conf.stranger.ss_family)
		row(against_acl, NULL, "4 logins, and the ACL is removed meanwhile");
}

/* ---- RAC-10 to RAC-14 ------------------------------------------------------------------------------ */

static void rac_10(void)
{
	struct srpi_chan *old = login_settled(SRP_LOGIN_MC_SINGLE), *ch;
	const struct srpi_login_opts opts = { .qp_num = srpi_chan_qp(old)->qp_num };
	const struct srpi_login_rsp *rsp;

	sent("a QP is destroyed without a DREQ, then a REQ with its number, then another one");
	srpi_chan_kill_qp(old);
	if (try_login(ini, &opts, &ch) != -ECONNREFUSED)
		fail("the REQ with the old number was not rejected");
	rsp = srpi_chan_login(ch);
	saw("CM REJ %d", rsp->cm_status);
	if (rsp->cm_status != 10 && !rsp->reason)
		fail("rejected with CM reason %d", rsp->cm_status);
	wait_end(old);
	close_all();
	expect_gone();
}

static void rac_11(void)
{
	run_fence(true);
}

/* One transition: what is sent is executed once, and there is one session. */
static void rtu_and_iu(void)
{
	struct srpi_chan *ch = half_login();
	struct srpi_iu iu;
	u64 tags[8];
	u32 i;

	for (i = 0; i < ARRAY_SIZE(tags); i++) {
		build_ordered(&iu, i);
		tags[i] = srpi_iu_tag(&iu);
		send_iu(ch, &iu);
		if (i == ARRAY_SIZE(tags) / 2 && srpi_establish(ch))
			fail("%s", srpi_error(ch));
	}
	expect_ordered(ch, tags, ARRAY_SIZE(tags));
	close_chan(ch);
}

static void rtu_and_dreq(void)
{
	struct srpi_chan *ch = half_login();
	struct srpi_iu iu;

	build_tur(&iu);
	send_iu(ch, &iu);
	srpi_establish(ch);
	srpi_disconnect(ch);
	close_chan(ch);
}

static void rac_13(void)
{
	u32 i, nr = loops(5, 10000);

	sent("%u times IUs and the RTU at once; IU, RTU and DREQ at once", nr);
	for (i = 0; i < nr; i++) {
		rtu_and_iu();
		rtu_and_dreq();
	}
	expect_gone();
}

static void functions_and_dreq(void)
{
	static const u8 functions[] = { SRP_TMF_ABORT_TASK, SRP_TMF_LUN_RESET, SRP_TMF_ABORT_TASK_SET };
	struct srpi_chan *ch = login(SRP_LOGIN_MC_SINGLE);
	struct srpi_iu iu;
	u32 i;

	for (i = 0; i < 16; i++) {
		build_in(&iu, AS_CDB(CDB_READ(0, 64)), 0, 64 * BLOCK);
		send_iu(ch, &iu);
		build_tmf(&iu, functions[below(ARRAY_SIZE(functions))], LUN_IS(conf.lun), srpi_iu_tag(&iu));
		send_iu(ch, &iu);
	}
	/* The QP stays, so that both are on their way at once. */
	sleep_ms(below(10));
	rdma_disconnect(srpi_chan_cm_id(ch));
	wait_end(ch);
	close_chan(ch);
}

static void rac_14(void)
{
	u32 i, nr = loops(8, 10000);

	sent("%u times 16 READs and 16 functions, and a DREQ", nr);
	for (i = 0; i < nr; i++)
		functions_and_dreq();
	expect_gone();
}

const struct conf_case race_cases[] = {
	{ "RAC-01", "IUs before the RTU are kept and executed", "all answered, in order", rac_01 },
	{ "RAC-02", "the RTU is lost: the first IU establishes the connection", "works", rac_02 },
	{ "RAC-03", "the REP is never answered", "another login replaces it", rac_03 },
	{ "RAC-03b", "the REP is never answered, and nothing else happens", "freed after the retries of the CM", rac_03b,
	  NEEDS_HOOK | NEEDS_LONG },
	{ "RAC-03c", "the REP is not answered when the session is replaced", "freed at once", rac_03c, NEEDS_HOOK },
	{ "RAC-04", "the REP is rejected", "the session is freed", rac_04 },
	{ "RAC-05", "DREQ instead of RTU (Linux sends a REJ for it)", "the session is freed", rac_05 },
	{ "RAC-06", "DREQ with commands in flight", "DREP; no RDMA afterwards; freed", rac_06 },
	{ "RAC-07", "death of the process", "freed", rac_07 },
	{ "RAC-08", "two SINGLE logins at once", "exactly one is live at the end", rac_08 },
	{ "RAC-09", "login against port disable and ACL removal (module, device: tests/suites/life.sh)",
	  "REJ with a defined reason, or closed; nothing is left", rac_09, NEEDS_HOOK },
	{ "RAC-10", "stale connection", "CM REJ 10; the old session ends, the next login is the first", rac_10 },
	{ "RAC-11", "login right after one's own DREQ", "B is read; no REP before the old command ended", rac_11, NEEDS_HOLD },
	{ "RAC-13", "events at once: RTU and first IU; RTU and DREQ", "each command answered once; then freed", rac_13 },
	{ "RAC-14", "task management while disconnecting", "disconnected and freed", rac_14 },
	{ .id = NULL }
};
