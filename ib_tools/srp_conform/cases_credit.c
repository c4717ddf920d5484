// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Requirements of the request limit (CRD). */
#include <errno.h>
#include <string.h>

#include "conform.h"

static struct tasks tasks;

static void begin_tasks(void)
{
	memset(&tasks, 0, sizeof(tasks));
}

/* A channel whose whole limit can be on its way. */
static struct srpi_chan *login_for(u32 more, u32 *limit)
{
	const struct srpi_login_opts opts = { .sends = 2048, .recvs = 1400 };
	struct srpi_chan *ch = login_by(ini, &opts);

	*limit = srpi_chan_login(ch)->limit;
	if (*limit + more > MAX_TASKS)
		skip("the request limit is %u", *limit);
	return ch;
}

/* Commands that wait at the back-end; none may be answered. */
static void hold_tasks(struct srpi_chan *ch, u32 nr)
{
	struct srpi_iu iu;
	u32 i;

	settle_held(ch);
	hook("hold");
	begin_tasks();
	for (i = 0; i < nr; i++) {
		build_held(&iu, i);
		task_send(&tasks, ch, &iu);
	}
	expect_silence(ch, 300);
}

/* It is answered while the others are not: all before it were received. */
static void answered_at_once(struct srpi_chan *ch, const struct srpi_iu *iu, struct srpi_rsp *r)
{
	u32 nr = task_send(&tasks, ch, iu);

	if (task_answer(&tasks, ch, r) != nr)
		fail("an answer to a command that is held");
}

/* ---- CRD-01, CRD-04: the whole limit ------------------------------------------------------------------ */

static void all_held(const void *arg)
{
	struct srpi_chan *ch;
	u32 limit;

	(void)arg;
	ch = login_for(0, &limit);
	hold_tasks(ch, limit);
	saw("request limit %u", limit);
	hook("release");
	tasks_good(&tasks, ch);
	expect_conserved(ch);
}

static void last_is_not_held(const void *arg)
{
	struct srpi_chan *ch;
	struct srpi_rsp r;
	struct srpi_iu iu;
	u32 limit;

	(void)arg;
	ch = login_for(0, &limit);
	hold_tasks(ch, limit - 1);
	build_tur(&iu);
	answered_at_once(ch, &iu, &r);
	expect_good(&r);
	hook("release");
	tasks_good(&tasks, ch);
	expect_conserved(ch);
}

static void crd_01(void)
{
	row(all_held, NULL, "as many commands as the limit, all held");
	row(last_is_not_held, NULL, "as many commands as the limit, all held but the last");
}

static void crd_04(void)
{
	struct srpi_chan *ch;
	struct srpi_rsp r;
	struct srpi_iu iu;
	u32 limit;

	sent("one command less than the limit, all held, and an ABORT TASK");
	ch = login_for(0, &limit);
	hold_tasks(ch, limit - 1);
	build_tmf(&iu, SRP_TMF_ABORT_TASK, LUN_IS(conf.held_lun), TASK);
	answered_at_once(ch, &iu, &r);
	expect_code(&r, SRP_RSP_COMPLETE);
	hook("release");
	tasks_good(&tasks, ch);
	expect_conserved(ch);
}

/* ---- CRD-02: conservation ------------------------------------------------------------------------------- */

/* As many as there are credits, at random times fewer. */
static void mixed(const void *arg)
{
	const u32 nr = *(const u32 *)arg;
	struct srpi_chan *ch = login_settled(SRP_LOGIN_MC_SINGLE);
	struct srpi_rsp r;
	struct srpi_iu iu;
	u32 i, max = 0;

	begin_tasks();
	for (i = 0; i < nr; i++) {
		if (i % 32 == 0)
			max = 1 + below(srpi_chan_login(ch)->limit);
		while (tasks.left >= max || srpi_credits(ch) < 1)
			task_answer(&tasks, ch, &r);
		/* The numbers of the old ones may be used again. */
		if (!tasks.left)
			tasks.nr = 0;
		if (tasks.nr == MAX_TASKS) {
			max = 1;
			continue;
		}
		build_any(&iu);
		task_send(&tasks, ch, &iu);
	}
	while (tasks.left)
		task_answer(&tasks, ch, &r);
	expect_conserved(ch);
	tur(ch);
	expect_conserved(ch);
}

#define NR_ABORTED	12

/* A function for each of them. */
static void aborted_one_by_one(const void *arg)
{
	struct srpi_chan *ch = login_settled(SRP_LOGIN_MC_SINGLE);
	struct srpi_iu iu;
	u32 i, answered;

	(void)arg;
	hold_tasks(ch, NR_ABORTED);
	for (i = 0; i < NR_ABORTED; i++) {
		build_tmf(&iu, SRP_TMF_ABORT_TASK, LUN_IS(conf.held_lun), tasks.task[i].tag);
		task_send(&tasks, ch, &iu);
	}
	expect_silence(ch, 300);
	hook("release");
	answered = tasks_end(&tasks, ch, 0);
	if (answered < NR_ABORTED)
		fail("%u functions, but only %u answers", NR_ABORTED, answered);
	saw("%u of %u commands were answered", answered - NR_ABORTED, NR_ABORTED);
	tur(ch);
	expect_conserved(ch);
}

static void crd_02(void)
{
	const u32 nr = loops(200, 100000);

	row(mixed, &nr, "%u requests, good and bad, as many at once as the limit allows", nr);
	if (conf.held_lun >= 0 && conf.hook)
		row(aborted_one_by_one, NULL, "%u commands and an ABORT TASK for each", NR_ABORTED);
}

/* ---- CRD-03: overrun ------------------------------------------------------------------------------------ */

/* To a disk that is held, so that the limit is used up for certain. */
static void overrun(const void *arg)
{
	const u32 more = *(const u32 *)arg;
	enum wait_result result;
	struct srpi_chan *ch;
	struct srpi_rsp r;
	struct srpi_iu iu;
	u32 limit, i;

	ch = login_for(more, &limit);
	hold_tasks(ch, limit);
	for (i = 0; i < more; i++) {
		build_tur(&iu);
		task_send(&tasks, ch, &iu);
	}
	while ((result = wait_rsp(ch, &r, 2000)) == WAIT_RSP) {
		saw("status %02x", r.status);
		if (r.status != 0x08 && r.status != 0x28)
			fail("a command beyond the limit: status %02x", r.status);
	}
	if (result == WAIT_CLOSED) {
		saw("closed, logout reason %d", srpi_stats(ch)->logout);
		if (srpi_stats(ch)->logout != SRP_LOGOUT_NO_REASON)
			fail("closed with logout reason %d", srpi_stats(ch)->logout);
	} else {
		saw("silence");
	}
	close_chan(ch);
	hook("release");
	tur(login_settled(SRP_LOGIN_MC_SINGLE));
}

/* The target may be quick enough not to notice; then all are answered. */
static void flood(const void *arg)
{
	const u32 len = *(const u32 *)arg;
	enum wait_result result;
	struct srpi_chan *ch;
	struct srpi_rsp r;
	struct srpi_iu iu;
	u32 limit, nr, i;

	ch = login_for(0, &limit);
	settle(ch);
	nr = 3 * limit > 1024 ? 1024 : 3 * limit;
	for (i = 0; i < nr; i++) {
		build_out(&iu, AS_CDB(CDB_WRITE(0, len / BLOCK)), 0, len);
		send_iu(ch, &iu);
	}
	while (nr && (result = wait_rsp(ch, &r, conf.timeout)) != WAIT_CLOSED) {
		if (result == WAIT_TIMEOUT)
			fail("%u are neither answered, nor is the channel closed", nr);
		nr--;
	}
	if (nr && srpi_stats(ch)->logout != SRP_LOGOUT_NO_REASON)
		fail("closed with logout reason %d", srpi_stats(ch)->logout);
	if (!nr)
		expect_conserved(ch);
	saw(nr ? "closed" : "all were answered");
	close_chan(ch);
	tur(login_settled(SRP_LOGIN_MC_SINGLE));
}

static void crd_03(void)
{
	static const u32 more[] = { 1, 1000 }, lens[] = { 512, 65536 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(more); i++)
		row(overrun, &more[i], "the limit and %u more, with all held", more[i]);
	for (i = 0; i < ARRAY_SIZE(lens); i++)
		row(flood, &lens[i], "three times the limit at once, WRITEs of %u bytes", lens[i]);
}

/* ---- CRD-05: credits of aborted tasks --------------------------------------------------------------------- */

/* All of them by one LUN RESET, by channel @by. */
static void reset_all(struct srpi_chan *ch, struct srpi_chan *by)
{
	struct tasks *t = &tasks;
	static struct tasks resets;
	struct srpi_rsp r;
	struct srpi_iu iu;

	memset(&resets, 0, sizeof(resets));
	if (by != ch)
		t = &resets;
	build_tmf(&iu, SRP_TMF_LUN_RESET, LUN_IS(conf.held_lun), 0);
	/* Those that have not got as far as the disk may be aborted before it is released. */
	task_send(t, by, &iu);
	sleep_ms(300);
	hook("release");
	do {
		task_answer(t, by, &r);
	} while (r.tag != srpi_iu_tag(&iu));
	expect_code(&r, SRP_RSP_COMPLETE);
}

static void next_carries(const void *arg)
{
	struct srpi_chan *ch = login_settled(SRP_LOGIN_MC_SINGLE);

	hold_tasks(ch, *(const u32 *)arg);
	reset_all(ch, ch);
	tur(ch);
	expect_conserved(ch);
	saw("%llu SRP_CRED_REQs", srpi_stats(ch)->cred_reqs);
}

/* Nothing else happens on the channel. */
static void none_carries(const void *arg)
{
	struct srpi_chan *ch = login_settled(SRP_LOGIN_MC_SINGLE), *by = login(SRP_LOGIN_MC_MULTI);

	tur(by);
	hold_tasks(ch, *(const u32 *)arg);
	reset_all(ch, by);
	tasks_end(&tasks, ch, 0);
	if (!srpi_stats(ch)->cred_reqs)
		saw("no SRP_CRED_REQ");
	else
		saw("%llu SRP_CRED_REQs", srpi_stats(ch)->cred_reqs);
	settle_held(by);
	tur(ch);
	expect_conserved(ch);
	expect_conserved(by);
}

static void crd_05(void)
{
	static const u32 nr[] = { 8, 100 };
	unsigned int i;

	row(next_carries, &nr[1], "%u commands, LUN RESET, then TEST UNIT READY", nr[1]);
	for (i = 0; i < ARRAY_SIZE(nr); i++)
		row(none_carries, &nr[i], "%u commands, LUN RESET on another channel", nr[i]);
}

/* ---- CRD-07: one at a time -------------------------------------------------------------------------------- */

/* The next SRP_CRED_REQ, not answered; returns its tag, or 0 with *@came false. */
static u64 next_cred_req(struct srpi_chan *ch, int ms, bool *came)
{
	const struct srp_wire_cred_req *w;
	struct srpi_rx rx;
	int ret = srpi_recv(ch, &rx, ms);

	*came = !ret;
	if (ret == -ETIMEDOUT)
		return 0;
	if (ret)
		fail("%s", srpi_error(ch));
	w = (const void *)rx.buf;
	if (rx.len != sizeof(*w) || w->opcode != SRP_OP_CRED_REQ)
		fail("%u bytes of opcode %02x instead of an SRP_CRED_REQ", rx.len, rx.len ? rx.buf[0] : 0);
	if ((s32)be32toh(w->req_lim_delta) <= 0 || w->sol_not || w->rsvd2[0] || w->rsvd2[1])
		fail("SRP_CRED_REQ: delta %d, or reserved bytes are not zero", (s32)be32toh(w->req_lim_delta));
	return w->tag;
}

static void answer_cred_req(struct srpi_chan *ch, u64 tag)
{
	struct srpi_iu iu;

	srpi_short(&iu, SRP_OP_CRED_RSP, tag);
	send_iu(ch, &iu);
}

#define NR_STRANDED	20

/* Channel @ch is owed the credits of commands that were aborted by channel @by. */
static void strand(struct srpi_chan *ch, struct srpi_chan *by, u32 first)
{
	struct srpi_iu iu;
	u32 i;

	lun = conf.held_lun;
	settle(by);
	lun = conf.lun;
	hook("hold");
	for (i = 0; i < NR_STRANDED; i++) {
		build_held(&iu, first + i);
		send_iu(ch, &iu);
	}
	reset_all(ch, by);
}

static void one_cred_req(const void *arg)
{
	struct srpi_chan *ch = login_settled(SRP_LOGIN_MC_SINGLE), *by = login(SRP_LOGIN_MC_MULTI);
	const bool wrong = *(const bool *)arg;
	u64 tag, second;
	bool came;

	settle_held(ch);
	tur(by);
	strand(ch, by, 0);
	tag = next_cred_req(ch, conf.timeout, &came);
	if (!came)
		fail("no SRP_CRED_REQ, although %u commands were aborted", NR_STRANDED);
	if (wrong) {
		answer_cred_req(ch, ~tag);
		expect_closed(ch, SRP_LOGOUT_UNSOLICITED);
		settle_held(by);
		return;
	}
	strand(ch, by, NR_STRANDED);
	next_cred_req(ch, 300, &came);
	if (came)
		fail("a second SRP_CRED_REQ, although the first is not answered");
	answer_cred_req(ch, tag);
	second = next_cred_req(ch, conf.timeout, &came);
	if (!came)
		fail("no second SRP_CRED_REQ after the first was answered");
	answer_cred_req(ch, second);
	saw("the second after the answer to the first");
	expect_conserved(ch);
	settle_held(by);
	tur(ch);
	expect_conserved(ch);
}

static void crd_07(void)
{
	row(one_cred_req, (bool[]){ false }, "twice %u aborted commands; SRP_CRED_REQ is answered late", NR_STRANDED);
	row(one_cred_req, (bool[]){ true }, "SRP_CRED_REQ is answered with another tag");
}

/* ---- CRD-08: what needs no credit --------------------------------------------------------------------------- */

struct extra {
	u8	opcode;
	int	logout;
};

/* The end of the channel shows that it was received. */
static void one_extra(const void *arg)
{
	const struct extra *e = arg;
	struct srpi_chan *ch;
	struct srpi_iu iu;
	u32 limit;

	ch = login_for(0, &limit);
	hold_tasks(ch, limit);
	srpi_short(&iu, e->opcode, srpi_next_tag());
	send_iu(ch, &iu);
	expect_closed(ch, e->logout);
	hook("release");
}

static void crd_08(void)
{
	static const struct extra e[] = {
		{ SRP_OP_I_LOGOUT, NO_LOGOUT }, { SRP_OP_CRED_RSP, SRP_LOGOUT_UNSOLICITED },
		{ SRP_OP_AER_RSP, SRP_LOGOUT_UNSOLICITED },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(e); i++)
		row(one_extra, &e[i], "the limit, all held, then %s", srpi_opcode_str(e[i].opcode));
}

const struct conf_case credit_cases[] = {
	{ "CRD-01", "the limit can be used in full", "none is refused, all are received and answered", crd_01, NEEDS_HOLD },
	{ "CRD-02", "conservation", "the deltas are as many as the requests", crd_02 },
	{ "CRD-03", "overrun", "KILL 0, or BUSY, TASK SET FULL, or not received", crd_03, NEEDS_HOLD },
	{ "CRD-04", "a function with the last credit", "accepted and answered", crd_04, NEEDS_HOLD },
	{ "CRD-05", "credits of aborted commands", "come with the next answer, or by SRP_CRED_REQ", crd_05, NEEDS_HOLD },
	{ "CRD-06", "the delta is signed", "a target may lower the limit", .why =
	  "no target has to lower its limit, and nothing makes it do so; deltas are counted with their sign" },
	{ "CRD-07", "one unanswered SRP_CRED_REQ at most", "the second waits for the answer; its tag must match", crd_07,
	  NEEDS_HOLD },
	{ "CRD-08", "what needs no credit is always received", "it has its effect with the limit used up", crd_08, NEEDS_HOLD },
	{ .id = NULL }
};
