// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* The connection ends while a command is held, and the next login (TM-N). */
#include "mad.h"
#include "tm.h"

/* ---- N: the connection ends ------------------------------------------------------------------------ */

struct drop {
	const char	*name;
	const char	*point;		/* a gate, or NULL: at the back-end */
	bool		out;
	bool		tmf;
	enum ending	ending;
};

static void one_drop(const void *arg)
{
	const struct drop *d = arg;
	struct srpi_chan *ch = d->point ? begin_scratch() : begin_held();
	struct task *t;

	t = d->point ? begin_gated(ch, d->point, d->out, 64) : begin_held_task(ch, d->out, 0, NULL);
	if (d->tmf)
		send_tmf(ch, SRP_TMF_ABORT_TASK, lun, tag_of(t));
	expect_silence(ch, 50);
	end_channel(ch, d->ending);
	/* The fence of the next login waits for it. */
	if (d->point)
		open_gate(d->point);
	else
		hook("release");
	lun = conf.lun;
	ch = login_settled(SRP_LOGIN_MC_SINGLE);
	trap(t);
	end_on(ch);
}

static void tm_n(void)
{
	static const struct { const char *point; bool out; const char *name; } states[] = {
		{ "read_done", true, "WRITE with its data" },
		{ NULL, true, "WRITE at the back-end" },
		{ NULL, false, "READ at the back-end" },
		{ "respond", false, "READ that is completed" },
		{ "respond", true, "WRITE that is completed" },
	};
	unsigned int i, j;

	for (i = 0; i < ARRAY_SIZE(states); i++) {
		for (j = 0; j < 2 * NR_ENDINGS; j++) {
			struct drop d = { states[i].name, states[i].point, states[i].out, j & 1, j >> 1 };

			/* That takes long. */
			if (d.ending == BY_DISABLE && i % 2 == 0)
				continue;
			row(one_drop, &d, "%s, %s%s", d.name, d.tmf ? "ABORT TASK, " : "", ending_names[j >> 1]);
		}
	}
}

/* A WRITE of the old session is held, the new one logs in. @ms: how long it has to wait, 0 until the target gives up. */
static struct srpi_chan *relogin(long ms)
{
	struct srpi_login_opts opts = { .tag = srpi_next_tag() };
	struct srpi_chan *ch;
	const long begin = now_ms();

	if (srpi_chan_create(ini, &opts, &ch) || srpi_connect(ch, &opts))
		fail("the login cannot be sent");
	if (ms) {
		sleep_ms(ms);
		hook("release");
	}
	if (!srpi_wait_rep(ch)) {
		if (now_ms() - begin < ms)
			fail("logged in while a command of the old session was held");
		srpi_establish(ch);
		return ch;
	}
	if (ms)
		fail("%s", srpi_error(ch));
	if (srpi_chan_login(ch)->reason != SRP_REJ_NO_RESOURCES)
		fail("%s, instead of reason 0x10001", srpi_error(ch));
	saw("REJ 0x10001");
	srpi_chan_close(ch);
	return NULL;
}

static void new_data_wins(struct srpi_chan *ch)
{
	lun = conf.held_lun;
	settle(ch);
	fill_pattern(0, TASK_LEN, 99);
	write_blocks(ch, 0, TASK_LEN / BLOCK, 0);
	read_blocks(ch, 0, TASK_LEN / BLOCK, 8192);
	expect_same(0, 8192, TASK_LEN);
	saw("the new data");
}

/* A WRITE is held, and its session has ended. */
static void hold_a_write(void)
{
	struct srpi_chan *ch = begin_held();

	begin_held_task(ch, true, 0, NULL);
	expect_silence(ch, SILENCE);
	close_chan(ch);
}

static void tm_n7(void)
{
	struct srpi_chan *ch;

	sent("a WRITE is held, disconnected, login, released 2 s later, WRITE of new data");
	/* On a busy machine 2 s become more than the 5 s that a login waits. Not every target has the parameter. */
	call_hook("set relogin_timeout 60");
	hold_a_write();
	ch = relogin(2000);
	new_data_wins(ch);
	srpi_chan_close(ch);
	forget_tasks();
}

/* The CM here has sent its REQ again, as it does after some seconds, and was told to wait. Counters before: @req, @mra. */
static void expect_mra(long req, long mra)
{
	if (req < 0 || cm_counter("cm_tx_retries/req") == req)
		return;
	if (cm_counter("cm_rx_msgs/mra") == mra)
		fail("the REQ was sent again, and there was no MRA");
	saw("MRA for the repeated REQ");
}

static void tm_n8(void)
{
	const long req = cm_counter("cm_tx_retries/req"), mra = cm_counter("cm_rx_msgs/mra");
	struct srpi_chan *ch;
	long begin, waited;

	sent("a WRITE is held, disconnected, login, which gives up; released, login, WRITE of new data");
	hook("set relogin_timeout 8");
	hold_a_write();
	begin = now_ms();
	if (relogin(0))
		fail("logged in while a command of the old session was held");
	waited = now_ms() - begin;
	/* Longer than it would without the parameter; how much longer depends on the machine. */
	if (waited < 7900)
		fail("it gave up after %ld ms instead of 8 s", waited);
	expect_mra(req, mra);
	hook("release");
	ch = relogin(1);
	new_data_wins(ch);
	srpi_chan_close(ch);
	forget_tasks();
}

static void nx_06(void)
{
	struct srpi_login_opts opts = { .tag = srpi_next_tag() };
	struct srpi_chan *older, *newer;
	u32 reason;

	sent("a WRITE is held, disconnected, login, another login, released");
	hold_a_write();
	older = start_login(ini, &opts);
	/* It waits; the second one has to find it there. */
	sleep_ms(500);
	newer = start_login(ini, &(struct srpi_login_opts){ .tag = srpi_next_tag() });
	reason = refusal(older, srpi_wait_rep(older), opts.tag);
	if (reason != 1)
		fail("the older one is refused with reason 0x1000%u", reason);
	hook("release");
	if (srpi_wait_rep(newer))
		fail("the newer login: %s", srpi_error(newer));
	srpi_establish(newer);
	saw("the newer one is accepted");
	new_data_wins(newer);
	forget_tasks();
}

const struct conf_case tm_drop_cases[] = {
	{ "TM-N1", "the connection ends in each state", "no leak, no hang; the next login works", tm_n, NEEDS_HOLD | NEEDS_GATE },
	{ "TM-N7", "a login waits for the old session", "no answer while held; the new data stays", tm_n7, NEEDS_HOLD },
	{ "TM-N8", "but not for ever: the bound is set to 8 s", "REJ 0x10001 after 8 s; then the new data stays", tm_n8, NEEDS_HOLD },
	{ "NX-06", "a login that waits is overtaken by a newer one", "REJ 0x10001 for the older one; the newer one is accepted", nx_06, NEEDS_HOLD },
	{ .id = NULL }
};
