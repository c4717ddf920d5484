// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Requirements of several channels of an I_T nexus (MCH). */
#include <errno.h>
#include <poll.h>
#include <string.h>

#include "mad.h"

#define RESERVATION_CONFLICT	0x18

static void expect_result(const struct srpi_chan *ch, int result)
{
	const int got = srpi_chan_login(ch)->mc_result;

	saw("result %d", got);
	if (got != result)
		fail("multi-channel result %d instead of %d", got, result);
}

/* ---- MCH-01 to MCH-04: results ---------------------------------------------------------------------- */

static void mch_01(void)
{
	struct srpi_chan *ch;

	sent("SINGLE, nothing existing");
	ch = login(SRP_LOGIN_MC_SINGLE);
	expect_result(ch, SRP_MC_NO_CHANNEL);
	settle(ch);
}

static void mch_02(void)
{
	struct srpi_chan *ch;

	sent("MULTI, nothing existing");
	ch = login(SRP_LOGIN_MC_MULTI);
	expect_result(ch, SRP_MC_NO_CHANNEL);
	settle(ch);
}

/* Written on one, read on the next. */
static void use_by_turns(struct srpi_chan *const *ch, u32 nr)
{
	u32 i;

	for (i = 0; i < 2 * nr; i++) {
		lay_canary();
		fill_pattern(0, 4096, i);
		write_blocks(ch[i % nr], 8 * i, 8, 0);
		read_blocks(ch[(i + 1) % nr], 8 * i, 8, 8192);
		expect_pattern(8192, 4096, i);
		expect_canary(4096, 4096);
		expect_canary(12288, 4096);
	}
	for (i = 0; i < nr; i++)
		expect_conserved(ch[i]);
}

static void several_channels(const void *arg)
{
	const u32 nr = *(const u32 *)arg;
	struct srpi_chan *ch[8];
	u32 i;

	for (i = 0; i < nr; i++) {
		ch[i] = login(SRP_LOGIN_MC_MULTI);
		expect_result(ch[i], i ? SRP_MC_CONTINUED : SRP_MC_NO_CHANNEL);
		settle(ch[i]);
	}
	use_by_turns(ch, nr);
	close_all();
}

static void mch_03(void)
{
	static const u32 numbers[] = { 2, 8 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(numbers); i++)
		row(several_channels, &numbers[i], "%u times MULTI, then WRITE and READ on all by turns", numbers[i]);
}

/* With reads on their way: what the target answers, it answers before its SRP_T_LOGOUT. */
static void replace_channels(const void *arg)
{
	const u32 nr = *(const u32 *)arg;
	struct srpi_chan *old[8], *ch;
	struct srpi_iu iu;
	u32 i, k;

	for (i = 0; i < nr; i++)
		old[i] = login_settled(i ? SRP_LOGIN_MC_MULTI : SRP_LOGIN_MC_SINGLE);
	for (i = 0; i < nr; i++) {
		for (k = 0; k < 8; k++) {
			build_in(&iu, AS_CDB(CDB_READ(0, 64)), 0, 64 * BLOCK);
			send_iu(old[i], &iu);
		}
	}
	ch = login(SRP_LOGIN_MC_SINGLE);
	expect_result(ch, SRP_MC_TERMINATED);
	for (i = 0; i < nr; i++)
		expect_closed(old[i], SRP_LOGOUT_RELOGIN);
	settle(ch);
	expect_conserved(ch);
	close_chan(ch);
}

static void mch_04(void)
{
	static const u32 numbers[] = { 1, 8 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(numbers); i++)
		row(replace_channels, &numbers[i], "SINGLE with %u existing", numbers[i]);
}

/* ---- MCH-05: the login fence ------------------------------------------------------------------------ */

#define FENCE_LBA	64
#define FENCE_BLOCKS	8
#define FENCE_LEN	(FENCE_BLOCKS * BLOCK)

/* Is there an answer to the login, or another event? */
static bool has_event(struct srpi_chan *ch, int ms)
{
	struct pollfd fd = { .fd = srpi_chan_cm_id(ch)->channel->fd, .events = POLLIN };

	return poll(&fd, 1, ms) == 1;
}

static struct srpi_chan *begin_held_write(void)
{
	struct srpi_chan *ch = login_settled(SRP_LOGIN_MC_SINGLE);
	struct srpi_iu iu;

	settle_held(ch);
	hook("hold");
	fill_pattern(0, FENCE_LEN, 1);
	lun = conf.held_lun;
	build_out(&iu, AS_CDB(CDB_WRITE(FENCE_LBA, FENCE_BLOCKS)), 0, FENCE_LEN);
	lun = conf.lun;
	send_iu(ch, &iu);
	expect_silence(ch, 100);
	return ch;
}

static void finish_login(struct srpi_chan *ch)
{
	if (srpi_wait_rep(ch) || srpi_establish(ch))
		fail("login: %s", srpi_error(ch));
}

static void write_b_and_read(struct srpi_chan *ch)
{
	settle_held(ch);
	lun = conf.held_lun;
	fill_pattern(FENCE_LEN, FENCE_LEN, 2);
	write_blocks(ch, FENCE_LBA, FENCE_BLOCKS, FENCE_LEN);
	read_blocks(ch, FENCE_LBA, FENCE_BLOCKS, 2 * FENCE_LEN);
	lun = conf.lun;
	expect_pattern(2 * FENCE_LEN, FENCE_LEN, 2);
}

static void fence_once(const void *arg)
{
	const bool own_dreq = *(const bool *)arg;
	struct srpi_chan *old = begin_held_write(), *ch;
	bool early;

	if (own_dreq)
		srpi_disconnect(old);
	ch = start_login(ini, NULL);
	early = has_event(ch, 300);
	hook("release");
	if (early)
		fail("an answer to the login although a command of the old session is held");
	finish_login(ch);
	if (own_dreq) {
		close_chan(old);
	} else {
		expect_result(ch, SRP_MC_TERMINATED);
		expect_closed(old, SRP_LOGOUT_RELOGIN);
	}
	write_b_and_read(ch);
	expect_conserved(ch);
	close_chan(ch);
}

void run_fence(bool own_dreq)
{
	u32 i, nr = loops(2, 10000);

	for (i = 0; i < nr; i++)
		if (!row(fence_once, &own_dreq, "WRITE of A held, %sSINGLE, WRITE of B, READ", own_dreq ? "DREQ, " : ""))
			break;
}

static void mch_05(void)
{
	run_fence(false);
}

/* NX-4: the wait is bounded, and the old channels stay terminated. */
static void mch_05b(void)
{
	const struct srpi_login_opts opts = { .tag = srpi_next_tag() };
	struct srpi_chan *old = begin_held_write(), *ch;
	int ret;

	sent("WRITE of A held until SINGLE is refused; SINGLE again, WRITE of B, READ");
	ch = start_login(ini, &opts);
	ret = srpi_wait_rep(ch);
	if (refusal(ch, ret, opts.tag) != 1)
		fail("refused with reason %#x", srpi_chan_login(ch)->reason);
	expect_closed(old, SRP_LOGOUT_RELOGIN);
	ch = start_login(ini, NULL);
	hook("release");
	finish_login(ch);
	expect_result(ch, SRP_MC_NO_CHANNEL);
	write_b_and_read(ch);
}

/* ---- MCH-06 to MCH-08: which nexus ------------------------------------------------------------------ */

static void mch_06(void)
{
	struct srpi_chan *old = login_settled(SRP_LOGIN_MC_SINGLE), *ch;

	sent("a channel, then SINGLE by the second port");
	ch = login_by(second_port(), NULL);
	expect_result(ch, SRP_MC_TERMINATED);
	expect_closed(old, SRP_LOGOUT_RELOGIN);
	settle(ch);
}

/* NX-7: with another portal group it may be refused. */
static void mch_06b(void)
{
	const struct srpi_login_opts opts = { .flags = SRP_LOGIN_MC_MULTI, .tag = srpi_next_tag() };
	struct srpi_chan *old = login_settled(SRP_LOGIN_MC_SINGLE), *ch;
	int ret;

	sent("a channel, then MULTI by the second port");
	ret = try_login(second_port(), &opts, &ch);
	if (!ret) {
		expect_result(ch, SRP_MC_CONTINUED);
		tur(ch);
	} else if (refusal(ch, ret, opts.tag) != 3) {
		fail("refused with reason %#x", srpi_chan_login(ch)->reason);
	}
	tur(old);
	expect_conserved(old);
}

static void other_nexus(const void *arg)
{
	struct login_pd pd = login_pd(SRP_LOGIN_MC_SINGLE);
	struct srpi_chan *old = shared(), *ch;

	pd_at(&pd, PD_I_PORT_ID)[*(const u8 *)arg] ^= 1;
	ch = login_with(&pd);
	expect_result(ch, SRP_MC_NO_CHANNEL);
	settle(ch);
	tur(old);
	expect_conserved(old);
	close_chan(ch);
}

static void mch_07(void)
{
	static const struct {
		u8 byte;
		const char *what;
	} rows[] = { { 0, "extension" }, { 15, "GUID" } };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		row(other_nexus, &rows[i].byte, "another %s, SINGLE", rows[i].what);
}

/* One field of a login that is refused, for whatever reason. */
struct bad_login {
	const char	*what;
	enum pd_field	field;
	u8		value;
};

static void refused_beside(const void *arg)
{
	const struct bad_login *bad = arg;
	struct srpi_chan *old = shared(), *ch;
	struct login_pd pd = login_pd(SRP_LOGIN_MC_SINGLE);
	struct srpi_iu iu;
	struct srpi_rsp r;

	*pd_at(&pd, bad->field) ^= bad->value;
	build_in(&iu, AS_CDB(CDB_READ(0, 8)), 0, 8 * BLOCK);
	send_iu(old, &iu);
	if (bad->field == PD_OPCODE && conf.target.dst.ss_family == AF_IB) {
		expect_req_rejected(be16toh(((const struct sockaddr_ib *)&conf.target.dst)->sib_pkey), &pd);
	} else {
		if (login_raw(&pd, &ch) != -ECONNREFUSED)
			fail("not refused");
		saw("refused");
		close_chan(ch);
	}
	if (wait_rsp(old, &r, conf.timeout) != WAIT_RSP)
		fail("a channel was closed");
	expect_good(&r);
	tur(old);
	expect_conserved(old);
}

/* Refused by the CM, when all else is good: the QP is one that is connected. */
static void stale_beside(const void *arg)
{
	struct srpi_chan *old = shared(), *other = login_by(other_initiator(1), NULL), *ch;
	const struct srpi_login_opts opts = { .qp_num = srpi_chan_qp(other)->qp_num };

	(void)arg;
	if (try_login(ini, &opts, &ch) != -ECONNREFUSED)
		fail("not refused");
	saw("refused");
	tur(old);
	expect_conserved(old);
}

static void mch_08(void)
{
	static const struct bad_login rows[] = {
		{ "IU length too large", PD_IU_LEN, 0x80 },
		{ "unknown format", PD_FORMATS, 0x80 },
		{ "reserved action", PD_FLAGS, 0x03 },
		{ "another target port id", PD_T_PORT_ID, 0x01 },
		{ "another opcode", PD_OPCODE, 0x02 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		row(refused_beside, &rows[i], "SINGLE with %s", rows[i].what);
	row(stale_beside, NULL, "SINGLE with the QP number of a connection");
}

/* ---- MCH-09, MCH-10: a channel's own ---------------------------------------------------------------- */

static void mch_09(void)
{
	struct srpi_chan *a = login(SRP_LOGIN_MC_SINGLE), *b = login(SRP_LOGIN_MC_MULTI);
	const u32 limit = srpi_chan_login(a)->limit;
	static struct tasks t;
	struct srpi_iu iu;
	u32 i;

	sent("as many held commands as the limit on A, then commands on B");
	if (limit > 256)
		skip("a request limit of %u", limit);
	settle_held(a);
	settle_held(b);
	hook("hold");
	memset(&t, 0, sizeof(t));
	for (i = 0; i < limit; i++) {
		build_held(&iu, i);
		task_send(&t, a, &iu);
	}
	for (i = 0; i < 16; i++) {
		tur(b);
		read_blocks(b, 0, 8, DATA_SIZE - 8 * BLOCK);
	}
	expect_conserved(b);
	expect_silence(a, 100);
	hook("release");
	tasks_good(&t, a);
	expect_conserved(a);
}

/* A's has no error, B's is unknown: the answers cannot be mistaken. */
static void mch_10(void)
{
	struct srpi_chan *a = login_settled(SRP_LOGIN_MC_SINGLE), *b = login_settled(SRP_LOGIN_MC_MULTI);
	struct srpi_iu good, bad;
	struct srpi_rsp r;
	u32 i;

	sent("32 times TEST UNIT READY on A and an unknown command on B with the same tag");
	for (i = 0; i < 32; i++) {
		build_tur(&good);
		begin_cmd(&bad, AS_CDB({ { 0xff } }), 0);
		srpi_as_cmd(&bad)->tag = srpi_as_cmd(&good)->tag;
		send_iu(i % 2 ? a : b, i % 2 ? &good : &bad);
		send_iu(i % 2 ? b : a, i % 2 ? &bad : &good);
		if (wait_rsp(a, &r, conf.timeout) != WAIT_RSP || r.tag != srpi_iu_tag(&good))
			fail("no answer on A");
		expect_good(&r);
		if (wait_rsp(b, &r, conf.timeout) != WAIT_RSP || r.tag != srpi_iu_tag(&good))
			fail("no answer on B");
		expect_sense(&r, 0x052000);
	}
	expect_conserved(a);
	expect_conserved(b);
}

/* ---- MCH-11, MCH-12: task management ---------------------------------------------------------------- */

#define NR_EACH	4

/* Until the function is answered on @ch; others may be before it. */
static void wait_function(struct srpi_chan *ch, const struct srpi_iu *tmf)
{
	struct srpi_rsp r;

	do {
		if (wait_rsp(ch, &r, conf.timeout) != WAIT_RSP)
			fail("the function is not answered");
	} while (r.tag != srpi_iu_tag(tmf));
	expect_code(&r, SRP_RSP_COMPLETE);
}

/* What was answered before the function has come. */
static void drain(struct srpi_chan *ch)
{
	struct srpi_rsp r;

	while (wait_rsp(ch, &r, 0) == WAIT_RSP)
		;
}

static void mch_11(void)
{
	struct srpi_chan *a = login(SRP_LOGIN_MC_SINGLE), *b = login(SRP_LOGIN_MC_MULTI);
	struct srpi_iu cmd, tmf;

	sent("a held WRITE on A, ABORT TASK for its tag on B");
	settle_held(a);
	settle_held(b);
	hook("hold");
	build_held(&cmd, 0);
	send_iu(a, &cmd);
	expect_silence(a, 100);
	build_tmf(&tmf, SRP_TMF_ABORT_TASK, LUN_IS(conf.held_lun), srpi_iu_tag(&cmd));
	send_iu(b, &tmf);
	expect_silence(a, 100);
	hook("release");
	wait_function(b, &tmf);
	/* Aborted: there is no answer, neither before nor now. */
	expect_silence(a, 200);
	settle_held(a);
	expect_conserved(a);
	expect_conserved(b);
}

static void manage_both(const void *arg)
{
	struct srpi_chan *a = login(SRP_LOGIN_MC_SINGLE), *b = login(SRP_LOGIN_MC_MULTI);
	struct srpi_iu iu, tmf;
	u32 i;

	settle_held(a);
	settle_held(b);
	hook("hold");
	for (i = 0; i < 2 * NR_EACH; i++) {
		build_held(&iu, i);
		send_iu(i < NR_EACH ? a : b, &iu);
	}
	expect_silence(b, 100);
	build_tmf(&tmf, *(const u8 *)arg, LUN_IS(conf.held_lun), 0);
	send_iu(a, &tmf);
	expect_silence(b, 100);
	hook("release");
	wait_function(a, &tmf);
	drain(b);
	expect_silence(a, 100);
	expect_silence(b, 100);
	settle_held(a);
	settle_held(b);
	expect_conserved(a);
	expect_conserved(b);
	close_all();
}

static void mch_12(void)
{
	static const u8 functions[] = { SRP_TMF_LUN_RESET, SRP_TMF_ABORT_TASK_SET };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(functions); i++)
		row(manage_both, &functions[i], "%u held commands each on A and B, %s on A", NR_EACH,
		    srpi_tmf_str(functions[i]));
}

/* ---- MCH-13 to MCH-15: what belongs to the nexus ----------------------------------------------------- */

/* A WRITE of nothing needs no buffer. */
static u8 write_status(struct srpi_chan *ch)
{
	struct srpi_iu iu;
	struct srpi_rsp r;

	begin_cmd(&iu, AS_CDB(CDB_WRITE(0, 0)), 0);
	ask(ch, &iu, &r);
	return r.status;
}

static void expect_reserved(struct srpi_chan *rival)
{
	const u8 status = write_status(rival);

	if (status != RESERVATION_CONFLICT)
		fail("a WRITE of another initiator: status %02x instead of RESERVATION CONFLICT", status);
}

static void do_group0(struct srpi_chan *ch, u8 opcode)
{
	struct srpi_iu iu;

	begin_cmd(&iu, AS_CDB({ { opcode } }), 0);
	do_good(ch, &iu);
}

static void reserve_6(struct srpi_chan *ch)
{
	do_group0(ch, 0x16);
}

static void release_6(struct srpi_chan *ch)
{
	do_group0(ch, 0x17);
}

/* Reservations of SPC-2 are optional. */
static bool has_reserve_6(struct srpi_chan *ch)
{
	struct srpi_iu iu;

	begin_cmd(&iu, AS_CDB({ { 0x16 } }), 0);
	if (provoke(ch, &iu, GOOD | BAD_OPCODE, NULL) != GOOD)
		return false;
	release_6(ch);
	return true;
}

#define KEY	0x636f6e66ULL

/* Whatever a test before it left. */
static void pr_reserve(struct srpi_chan *ch)
{
	pr_out(ch, &data_mem, 6, 0, 0, KEY);	/* REGISTER AND IGNORE EXISTING KEY */
	pr_out(ch, &data_mem, 1, 1, KEY, 0);	/* RESERVE, write exclusive */
}

static void pr_clear(struct srpi_chan *ch)
{
	pr_out(ch, &data_mem, 3, 0, KEY, 0);
}

struct reservation {
	const char *what;
	void (*reserve)(struct srpi_chan *ch);
	void (*release)(struct srpi_chan *ch);
};

static void share_reservation(const void *arg)
{
	const struct reservation *res = arg;
	struct srpi_chan *a = login_settled(SRP_LOGIN_MC_SINGLE), *b = login_settled(SRP_LOGIN_MC_MULTI);
	struct srpi_chan *rival = login_rival(NULL);

	res->reserve(a);
	write_blocks(b, 0, 8, 0);
	expect_reserved(rival);
	res->release(b);
	settle(rival);
	if (write_status(rival))
		fail("still reserved");
	close_all();
}

static void mch_13(void)
{
	static const struct reservation rows[] = {
		{ "PERSISTENT RESERVE OUT: REGISTER, RESERVE", pr_reserve, pr_clear },
		{ "RESERVE(6)", reserve_6, release_6 },
	};
	const unsigned int nr = has_reserve_6(shared()) ? 2 : 1;
	unsigned int i;

	for (i = 0; i < nr; i++)
		row(share_reservation, &rows[i], "%s on A, WRITE on B and by another initiator", rows[i].what);
}

static u32 unit_attention(struct srpi_chan *ch)
{
	struct srpi_iu iu;
	struct srpi_rsp r;

	build_tur(&iu);
	ask(ch, &iu, &r);
	return r.status ? srpi_sense(&r) : 0;
}

static void mch_14(void)
{
	struct srpi_chan *a = login_settled(SRP_LOGIN_MC_SINGLE), *b = login_settled(SRP_LOGIN_MC_MULTI);
	struct srpi_chan *rival = login_rival(NULL);
	struct srpi_iu tmf;
	struct srpi_rsp r;
	u32 sense;

	sent("LUN RESET by another initiator, then TEST UNIT READY on A, on B");
	build_tmf(&tmf, SRP_TMF_LUN_RESET, LUN_IS(conf.lun), 0);
	ask(rival, &tmf, &r);
	expect_code(&r, SRP_RSP_COMPLETE);
	sense = unit_attention(a);
	saw("sense %06x on A", sense);
	if (sense >> 8 != 0x0629)
		fail("no unit attention on A, sense %06x", sense);
	sense = unit_attention(b);
	if (sense)
		fail("a unit attention on B, too: %06x", sense);
}

/* A's QP does not answer any more, and the target has something to say there. */
static void mch_15(void)
{
	struct srpi_chan *a = login_by(ini, &VANISHING), *b, *rival = login_rival(NULL);
	const long end = now_ms() + 3L * conf.timeout;

	sent("RESERVE(6) on A, READs, and A's QP is destroyed; commands on B until the target has ended A");
	settle(a);
	b = login_settled(SRP_LOGIN_MC_MULTI);
	settle(rival);
	if (!has_reserve_6(rival))
		skip("the target has no RESERVE(6)");
	reserve_6(a);
	vanish(a);
	while (!srpi_stats(a)->closed) {
		struct srpi_rx rx;

		if (now_ms() > end)
			fail("A was not ended");
		tur(b);
		srpi_recv(a, &rx, 20);
	}
	expect_reserved(rival);
	close_chan(a);
	write_blocks(b, 0, 8, 0);
	expect_reserved(rival);
	expect_conserved(b);
	close_chan(b);
	while (write_status(rival) == RESERVATION_CONFLICT)
		if (now_ms() > end + conf.timeout)
			fail("the reservation outlives its last channel");
}

static void mch_16(void)
{
	struct srpi_chan *ch = login_settled(SRP_LOGIN_MC_SINGLE);
	struct login_pd pd = login_pd(SRP_LOGIN_MC_MULTI);

	sent("srp_max_channels 1, a channel, then MULTI");
	hook("set srp_max_channels 1");
	expect_refused(&pd, REJ(5));
	tur(ch);
	expect_conserved(ch);
}

const struct conf_case channel_cases[] = {
	{ "MCH-01", "the first login, SINGLE", "result 00", mch_01 },
	{ "MCH-02", "the first login, MULTI", "result 00", mch_02 },
	{ "MCH-03", "further channels", "result 10; all are usable", mch_03 },
	{ "MCH-04", "SINGLE replaces what exists", "result 01; the old: SRP_T_LOGOUT 4 as the last IU, closed", mch_04 },
	{ "MCH-05", "old commands end before the new channel can execute any", "B is read; no REP before the old command ended",
	  mch_05, NEEDS_HOLD },
	{ "MCH-05b", "the wait for old commands is bounded", "REJ 0x10001, the old channel closed with 4; then accepted",
	  mch_05b, NEEDS_HOLD },
	{ "MCH-06", "a nexus is not of a port: SINGLE by the second one", "result 01; the old: SRP_T_LOGOUT 4, closed", mch_06,
	  NEEDS_SECOND },
	{ "MCH-06b", "a further channel by the second port", "result 10, or REJ 0x10003; the first goes on", mch_06b,
	  NEEDS_SECOND },
	{ "MCH-07", "another initiator port id is another nexus", "result 00; the other goes on", mch_07 },
	{ "MCH-08", "a refused login ends nothing (late failures: tests/suites/fault.sh)", "refused; the existing channel goes on",
	  mch_08 },
	{ "MCH-09", "the request limit is of the channel", "B is not affected", mch_09, NEEDS_HOLD },
	{ "MCH-10", "an answer goes to the channel of the request", "each channel gets its own", mch_10 },
	{ "MCH-11", "ABORT TASK finds tasks of other channels", "RSP_CODE 00; no answer to the task", mch_11, NEEDS_HOLD },
	{ "MCH-12", "LUN RESET, ABORT TASK SET are for all channels", "RSP_CODE 00; no answers to tasks after it; all credits back",
	  mch_12, NEEDS_HOLD },
	{ "MCH-13", "a reservation is of the nexus", "GOOD on B; RESERVATION CONFLICT for another initiator", mch_13 },
	{ "MCH-14", "a unit attention comes once for the nexus", "on A only", mch_14 },
	{ "MCH-15", "one channel is lost", "B goes on; the reservation goes with the last channel", mch_15 },
	{ "MCH-16", "one channel by policy", "MULTI: REJ 0x10005", mch_16, NEEDS_HOOK },
	{ .id = NULL }
};
