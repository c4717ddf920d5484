// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Requirements of logouts (LGO). */
#include <string.h>

#include "conform.h"

#define LOGOUT_LBA	300

static void send_short(struct srpi_chan *ch, u8 opcode)
{
	struct srpi_iu iu;

	srpi_short(&iu, opcode, srpi_next_tag());
	send_iu(ch, &iu);
}

/* Closed by the target without an answer to anything. */
static void expect_closed_unanswered(struct srpi_chan *ch)
{
	struct srpi_rsp r;

	if (wait_rsp(ch, &r, conf.timeout) == WAIT_RSP)
		fail("an SRP_RSP, status %02x", r.status);
	expect_closed(ch, ANY_LOGOUT);
}

static void lgo_01(void)
{
	struct srpi_chan *ch = login_settled(SRP_LOGIN_MC_SINGLE);

	sent("SRP_I_LOGOUT");
	send_short(ch, SRP_OP_I_LOGOUT);
	expect_closed_unanswered(ch);
	ch = login(SRP_LOGIN_MC_MULTI);
	if (srpi_chan_login(ch)->mc_result != SRP_MC_NO_CHANNEL)
		fail("the old session still is there");
}

/* With @nr held commands, reads and writes by turns: nothing comes of them when they are released. */
static void logout_over_held(struct srpi_chan *ch, u32 nr)
{
	struct srpi_iu iu;
	u32 i;

	settle_held(ch);
	hook("hold");
	lay_canary();
	for (i = 0; i < nr; i++) {
		build_held(&iu, i);
		send_iu(ch, &iu);
	}
	expect_silence(ch, 100);
	send_short(ch, SRP_OP_I_LOGOUT);
	expect_closed_unanswered(ch);
	hook("release");
	settle_held(login(SRP_LOGIN_MC_SINGLE));
	expect_canary(0, DATA_SIZE);
}

static void lgo_03(void)
{
	sent("64 held commands, SRP_I_LOGOUT; then they are released");
	logout_over_held(login(SRP_LOGIN_MC_SINGLE), 64);
}

static void lgo_04(void)
{
	struct srpi_chan *ch = login(SRP_LOGIN_MC_SINGLE);

	sent("as many held commands as the limit, SRP_I_LOGOUT");
	if (srpi_chan_login(ch)->limit > 256)
		skip("a request limit of %d", srpi_chan_login(ch)->limit);
	logout_over_held(ch, srpi_chan_login(ch)->limit);
}

static void lgo_05(void)
{
	struct srpi_chan *a = login_settled(SRP_LOGIN_MC_SINGLE), *b = login_settled(SRP_LOGIN_MC_MULTI);

	sent("two channels, then the port is disabled");
	hook("disable");
	expect_closed(a, SRP_LOGOUT_NO_REASON);
	expect_closed(b, SRP_LOGOUT_NO_REASON);
	hook("enable");
}

/* Waits for the SRP_T_LOGOUT. */
static void wait_logout(struct srpi_chan *ch)
{
	const long end = now_ms() + conf.timeout;
	struct srpi_rx rx;

	while (srpi_stats(ch)->logout < 0) {
		if (srpi_recv(ch, &rx, 20) && (srpi_stats(ch)->closed || now_ms() > end))
			fail("no SRP_T_LOGOUT");
	}
}

static void build_write(struct srpi_iu *iu, u64 seed)
{
	fill_pattern(0, BLOCK, seed);
	build_out(iu, AS_CDB(CDB_WRITE(LOGOUT_LBA, 1)), 0, BLOCK);
}

/* What the channel sends is not executed any more; the new channel sees that. */
static void expect_not_executed(struct srpi_chan *old)
{
	struct srpi_chan *ch;
	struct srpi_rsp r;

	/* It may be closed: nobody answers. */
	if (wait_rsp(old, &r, 200) == WAIT_RSP)
		fail("an SRP_RSP behind the SRP_T_LOGOUT, status %02x", r.status);
	ch = login_settled(SRP_LOGIN_MC_SINGLE);
	expect_blocks(ch, LOGOUT_LBA, 1, 1);
	expect_conserved(ch);
	close_chan(ch);
}

static struct srpi_chan *begin_logged_out(void)
{
	struct srpi_chan *ch = login_settled(SRP_LOGIN_MC_SINGLE);

	mark_blocks(ch, LOGOUT_LBA, 1, 1);
	send_short(ch, 0x77);
	wait_logout(ch);
	return ch;
}

/* The DREQ is not answered either, as nobody closes the channel. */
static void lgo_06(void)
{
	struct srpi_chan *old = begin_logged_out();
	const long end = now_ms() + conf.timeout;
	struct srpi_iu iu;
	struct srpi_rx rx;

	sent("an unknown opcode; SRP_T_LOGOUT and DREQ are ignored; WRITEs go on%s", conf.run_long ? ", for minutes" : "");
	while (!srpi_stats(old)->closed) {
		if (now_ms() > end)
			fail("no DREQ");
		srpi_recv(old, &rx, 20);
	}
	build_write(&iu, 2);
	send_iu(old, &iu);
	expect_not_executed(old);
	if (conf.run_long)
		hook("idle 200");
}

static void lgo_07(void)
{
	struct srpi_chan *old = begin_logged_out();
	struct srpi_iu iu;
	u32 i;

	sent("an unknown opcode, and after the SRP_T_LOGOUT 16 WRITEs");
	for (i = 0; i < 16; i++) {
		build_write(&iu, 2);
		if (srpi_send(old, &iu))
			break;
	}
	expect_not_executed(old);
}

const struct conf_case logout_cases[] = {
	{ "LGO-01", "SRP_I_LOGOUT", "no answer, closed; the session is gone", lgo_01 },
	{ "LGO-03", "SRP_I_LOGOUT with commands in flight", "no SRP_RSP, closed; no RDMA afterwards", lgo_03, NEEDS_HOLD },
	{ "LGO-04", "SRP_I_LOGOUT with the request limit exhausted", "no SRP_RSP, closed", lgo_04, NEEDS_HOLD },
	{ "LGO-05", "the administrator closes", "SRP_T_LOGOUT 0, then DREQ (whose private data RDMA/CM does not show)", lgo_05,
	  NEEDS_HOOK },
	{ "LGO-06", "SRP_T_LOGOUT and DREQ are ignored", "nothing more is executed; another login works", lgo_06 },
	{ "LGO-07", "commands after SRP_T_LOGOUT", "neither answered nor executed", lgo_07 },
	{ .id = NULL }
};
