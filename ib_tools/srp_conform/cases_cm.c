// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Requirements of connection manager, port and device (CM); see also cases_ib.c. */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "mad.h"

/* ---- CM-01 to CM-05 --------------------------------------------------------------------------------- */

static void cm_01(void)
{
	struct srpi_chan *ch = login_settled(SRP_LOGIN_MC_SINGLE);

	sent("DREQ");
	srpi_disconnect(ch);
	if (!ends(ch, conf.timeout))
		fail("no DREP");
}

/* The target closes; nobody answers as long as the channel is not closed here. */
static void cm_02(void)
{
	struct srpi_chan *bystander = shared(), *ch;
	const long before = cm_counter("cm_rx_duplicates/dreq");
	struct srpi_iu iu = { .b = { 0x77 }, .len = 16 };

	sent("an unknown opcode on one of two channels; its DREQ is not answered%s", conf.run_long ? ", for ever" : "");
	ch = login_settled(SRP_LOGIN_MC_MULTI);
	send_iu(ch, &iu);
	if (!ends(ch, conf.timeout))
		fail("no DREQ");
	wait_counter("cm_rx_duplicates/dreq", before);
	tur(bystander);
	expect_conserved(bystander);
	if (!conf.run_long)
		return;
	close_chan(bystander);
	hook("idle 300");
}

/* The QP here stays: only the target keeps it from being written to. */
static void cm_03(void)
{
	struct srpi_chan *ch = login(SRP_LOGIN_MC_SINGLE);
	struct srpi_iu iu;
	struct srpi_rsp r;
	u32 i;

	sent("64 held commands, DREQ; they are released when the DREP has come");
	settle_held(ch);
	hook("hold");
	lay_canary();
	for (i = 0; i < 64; i++) {
		build_held(&iu, i);
		send_iu(ch, &iu);
	}
	expect_silence(ch, 100);
	if (rdma_disconnect(srpi_chan_cm_id(ch)))
		fail("no DREQ could be sent");
	if (!ends(ch, conf.timeout))
		fail("no DREP");
	hook("release");
	/* Its session ends when the last of them has ended. */
	settle_held(login(SRP_LOGIN_MC_SINGLE));
	if (wait_rsp(ch, &r, 0) == WAIT_RSP)
		fail("an SRP_RSP after the DREP");
	expect_canary(0, DATA_SIZE);
}

static void cm_04(void)
{
	u32 i;

	sent("8 logins and DREQs; until the target has forgotten them");
	for (i = 0; i < 8; i++)
		close_chan(login(SRP_LOGIN_MC_SINGLE));
	hook("idle 60");
}

/* Without an RTU the target repeats its REP, and the CM here answers with an MRA. */
static void cm_05(void)
{
	struct srpi_chan *bystander = shared(), *ch;
	const long before = cm_counter("cm_tx_msgs/mra");

	sent("no RTU until the target has repeated the REP and got an MRA for that");
	ch = start_login(ini, &(struct srpi_login_opts){ .flags = SRP_LOGIN_MC_MULTI });
	if (srpi_wait_rep(ch))
		fail("login: %s", srpi_error(ch));
	wait_counter("cm_tx_msgs/mra", before);
	if (srpi_establish(ch))
		fail("%s", srpi_error(ch));
	tur(ch);
	tur(bystander);
	expect_conserved(ch);
}

/* ---- CM-07 to CM-10 --------------------------------------------------------------------------------- */

/* As seen from the target it is the same whether the port is down, or the peer's QP has gone. */
static void cm_07(void)
{
	struct srpi_chan *ch = login_by(ini, &VANISHING), *other;

	sent("READs, and the QP is destroyed: nothing acknowledges the target's packets");
	settle(ch);
	other = login_settled(SRP_LOGIN_MC_MULTI);
	vanish(ch);
	if (!ends(ch, 60000))
		fail("not closed");
	tur(other);
	expect_conserved(other);
}

/* There is nothing that the target would have to send. */
static void cm_07b(void)
{
	struct srpi_chan *ch;

	sent("keepalive 1, and the QP is destroyed with nothing on its way");
	hook("set keepalive 1");
	ch = login_by(ini, &VANISHING);
	settle(ch);
	srpi_chan_kill_qp(ch);
	if (!ends(ch, 60000))
		fail("not closed");
}

static void cm_08(void)
{
	struct srpi_chan *old = login_settled(SRP_LOGIN_MC_SINGLE), *ch;

	sent("a GID comes and goes; commands on the old channel, and a new login");
	hook("gid-change");
	tur(old);
	write_blocks(old, 0, 8, 0);
	ch = login_settled(SRP_LOGIN_MC_MULTI);
	tur(ch);
	expect_conserved(old);
	expect_conserved(ch);
}

static void cm_10(void)
{
	struct sockaddr_in *dst;
	struct srpi_target target = *srpi_target(ini);
	struct srpi_chan *old = login_settled(SRP_LOGIN_MC_SINGLE), *ch;
	const struct srpi_login_opts opts = { .flags = SRP_LOGIN_MC_MULTI };
	char what[40];
	u16 port;

	sent("another port is listened at; logins at the old and at the new one");
	if (target.dst.ss_family == AF_IB)
		skip("of RDMA/CM");
	/* At the same place in IPv6. */
	dst = (void *)&target.dst;
	port = ntohs(dst->sin_port) + 1;
	dst->sin_port = htons(port);
	snprintf(what, sizeof(what), "listen %u", port);
	hook(what);
	tur(old);
	if (try_login(ini, &opts, &ch) != -ECONNREFUSED)
		fail("the old port is still listened at");
	ch = login_by(open_way(&target), &opts);
	if (srpi_chan_login(ch)->mc_result != SRP_MC_CONTINUED)
		fail("multi-channel result %d", srpi_chan_login(ch)->mc_result);
	tur(ch);
	tur(old);
	expect_conserved(old);
}

const struct conf_case cm_cases[] = {
	{ "CM-01", "DREQ of the initiator", "DREP", cm_01 },
	{ "CM-02", "the DREP is lost", "the DREQ is repeated, then freed; other channels go on", cm_02 },
	{ "CM-03", "a DREQ stops all at once", "no SRP_RSP, no RDMA after the DREP", cm_03, NEEDS_HOLD },
	{ "CM-04", "TimeWait ends", "all is freed", cm_04, NEEDS_HOOK },
	{ "CM-05", "MRA", "no harm: the login can go on", cm_05 },
	{ "CM-07", "nothing is acknowledged any more", "closed when the retries are over; other channels go on", cm_07 },
	{ "CM-07b", "an initiator that died in silence", "found by the keepalive of the target, closed", cm_07b, NEEDS_HOOK },
	{ "CM-08", "GID change", "the session goes on, new logins work", cm_08,
	  NEEDS_HOOK },
	{ "CM-09", "the HCA is unplugged", "all is closed",
	  .why = "takes the initiator's device, too: tests/suites/life.sh" },
	{ "CM-10", "another port is listened at", "old sessions go on; logins at the new port only", cm_10, NEEDS_HOOK },
	{ "CM-11", "address change of a network device", "closed or kept",
	  .why = "RDMA/CM tells it of bonding devices only, over which soft RoCE does not fail over" },
	{ .id = NULL }
};
