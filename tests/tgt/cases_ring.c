// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* X-RINGFULL: rings that are too short, so that events have to wait. None may be lost, or change places. */
#include <errno.h>
#include <unistd.h>

#include "harness.h"

#define HOSTS		3
#define COMMANDS	20u
#define LOGINS		6

static bool full(void *arg)
{
	struct daemon *d = arg;

	return __atomic_load_n(&d->head[d->ring]->ev_prod, __ATOMIC_ACQUIRE) - d->ev_cons[d->ring] == d->setup.ev_slots;
}

/* What has come from a nexus. */
struct seen {
	unsigned int	commands, dones, functions;
};

/* Answer one event. Tags are numbers from 0 on, so the order shows. */
static void take_one(struct daemon *d, struct nexus *const *n, struct seen *seen)
{
	struct tgt_event ev = expect(d, ANY_EVENT);
	unsigned int i;

	for (i = 0; i < HOSTS && n[i]->host_no != ev.host_no; i++)
		;
	check(i < HOSTS, "an event of nobody");
	switch (ev.type) {
	case TGT_CMD_REQ:
		check(ev.cmd_req.tag == seen[i].commands++, "commands are out of order");
		must_answer(d, good(&ev));
		break;
	case TGT_CMD_DONE:
		seen[i].dones++;
		break;
	case TGT_TSK_MGMT_REQ:
		check(seen[i].commands == COMMANDS, "a function overtakes %u commands", COMMANDS - seen[i].commands);
		seen[i].functions++;
		must_answer(d, tmf_result(&ev, TGT_TMF_COMPLETE));
		break;
	default:
		fail("event %u", ev.type);
	}
}

static void nothing_lost(void)
{
	struct daemon *d = daemon_open(&(struct options) { .slots = 2 });
	struct nexus *n[HOSTS];
	struct seen seen[HOSTS] = { 0 };
	unsigned int i, j;

	for (i = 0; i < HOSTS; i++)
		n[i] = login(d, i);
	for (j = 0; j < COMMANDS; j++)
		for (i = 0; i < HOSTS; i++)
			send_io(n[i], &(struct io) { .tag = j });
	for (i = 0; i < HOSTS; i++)
		send_tmf(n[i], COMMANDS, SRP_TMF_ABORT_TASK, 0, ~0ULL);
	for (i = 0; i < HOSTS * (2 * COMMANDS + 1); i++)
		take_one(d, n, seen);
	for (i = 0; i < HOSTS; i++) {
		check(seen[i].commands == COMMANDS && seen[i].dones == COMMANDS && seen[i].functions == 1,
		      "host %u: %u commands, %u of them done, %u functions", i, seen[i].commands, seen[i].dones,
		      seen[i].functions);
		/* Its answer may overtake no response of a command before it. */
		for (j = 0; j < COMMANDS; j++)
			expect_status(n[i], j, GOOD);
		expect_tmf(n[i], COMMANDS, SRP_RSP_COMPLETE);
	}
	expect_nothing(d);
	check(!is_pending(d), "something waits for room");
	for (i = 0; i < HOSTS; i++)
		expect_idle(d, n[i]);
}

/* A CMD_DONE that waits for room finds it when the next request comes. */
static void done_with_next(bool function)
{
	struct daemon *d = daemon_open(&(struct options) { .slots = 2 });
	struct nexus *n = login(d, 1);
	struct tgt_event a, b, c, next;
	int i;

	for (i = 0; i < 10; i++) {
		a = submit(d, n, &(struct io) { .tag = 1 });
		send_io(n, &(struct io) { .tag = 2 });
		send_io(n, &(struct io) { .tag = 3 });
		wait_until(full, d, "a full ring");
		must_answer(d, good(&a));
		expect_status(n, 1, GOOD);
		wait_until(is_pending, d, "an event that waits");
		/* Room, without a word to the kernel. */
		b = expect(d, TGT_CMD_REQ);
		c = expect(d, TGT_CMD_REQ);
		if (function)
			send_tmf(n, 4, SRP_TMF_ABORT_TASK, 0, 99);
		else
			send_io(n, &(struct io) { .tag = 4 });
		expect_done(d, &a, TGT_DONE_OK);
		next = expect(d, function ? TGT_TSK_MGMT_REQ : TGT_CMD_REQ);
		must_answer(d, aborted(&b));
		must_answer(d, aborted(&c));
		must_answer(d, function ? tmf_result(&next, TGT_TMF_COMPLETE) : good(&next));
		expect_rsp(n, 4);
		if (!function)
			expect_done(d, &next, TGT_DONE_OK);
		expect_nothing(d);
	}
	expect_idle(d, n);
	logout(n);
	expect(d, TGT_HOST_DOWN);
}

static void done_with_next_command(void)
{
	done_with_next(false);
}

static void done_with_next_function(void)
{
	done_with_next(true);
}

static void flag(void)
{
	struct daemon *d = daemon_open(&(struct options) { .slots = 1 });
	struct nexus *n = login(d, 1);
	struct tgt_event a, b;

	check(!is_pending(d), "something waits for room");
	send_io(n, &(struct io) { .tag = 1 });
	send_io(n, &(struct io) { .tag = 2 });
	wait_until(is_pending, d, "an event that waits");
	a = expect(d, TGT_CMD_REQ);
	check(!enter(d), "TGT_IOC_ENTER");
	b = expect(d, TGT_CMD_REQ);
	check(!enter(d), "TGT_IOC_ENTER");
	check(!is_pending(d), "something waits for room");
	must_answer(d, aborted(&a));
	must_answer(d, aborted(&b));
	expect_idle(d, n);
}

static void wait_asleep(struct daemon *d, const char *what)
{
	wait_until(signalled, d, what);
	fall_asleep(d, TGT_AWAKE);
}

/* The end of a command wakes nobody up who sleeps sound; what follows it does, even if there is no room for it. */
static void sound_sleep(void)
{
	struct daemon *d = daemon_open(&(struct options) { .slots = 1 });
	struct nexus *n = login(d, 1);
	struct tgt_event req;

	fall_asleep(d, TGT_AWAKE);
	req = submit(d, n, &(struct io) { .tag = 1 });
	check(!signalled(d), "a signal for a daemon that is awake");
	fall_asleep(d, TGT_ASLEEP);
	must_answer(d, good(&req));
	wait_asleep(d, "a signal for CMD_DONE");
	expect_done(d, &req, TGT_DONE_OK);

	fall_asleep(d, TGT_ASLEEP_SOUND);
	send_io(n, &(struct io) { .tag = 2 });
	wait_asleep(d, "a signal for CMD_REQ");
	req = expect(d, TGT_CMD_REQ);
	fall_asleep(d, TGT_ASLEEP_SOUND);
	must_answer(d, good(&req));
	wait_until(has_event, d, "CMD_DONE");
	check(!signalled(d), "a signal for CMD_DONE");
	send_io(n, &(struct io) { .tag = 3 });
	wait_asleep(d, "a signal for a request without room");
	expect_done(d, &req, TGT_DONE_OK);
	req = expect(d, TGT_CMD_REQ);
	must_answer(d, aborted(&req));
	expect_status(n, 1, GOOD);
	expect_status(n, 2, GOOD);
	expect_idle(d, n);
}

/* The data of a command is news: its daemon goes on with it. */
static void sleep_until_data(void)
{
	const struct io io = { .tag = 1, .write = true, .len = 4096 };
	struct daemon *d = daemon_open(&(struct options) { });
	struct nexus *n = login(d, 1);
	struct tgt_event req = submit(d, n, &io);

	fall_asleep(d, TGT_ASLEEP_SOUND);
	must_answer(d, fetch_data(d, &req, 0, 4096));
	wait_asleep(d, "a signal for the data");
	expect_done(d, &req, TGT_DONE_OK);
	must_answer(d, good(&req));
	expect_status(n, 1, GOOD);
	expect_done(d, &req, TGT_DONE_OK);
	expect_idle(d, n);
}

static void hosts_come_and_go(void)
{
	struct daemon *d = daemon_open(&(struct options) { .slots = 1 });
	struct nexus *n[LOGINS];
	u32 up[LOGINS], nr_up = 0, nr_down = 0, i;
	struct tgt_event ev;

	/* A login does not wait for the daemon. */
	for (i = 0; i < LOGINS; i++)
		n[i] = must_login(ID_EXT, i, NULL);
	for (i = 0; i < LOGINS; i++)
		logout(n[i]);
	while (nr_down < LOGINS) {
		ev = expect(d, ANY_EVENT);
		for (i = 0; i < nr_up && up[i] != ev.host_no; i++)
			;
		if (ev.type == TGT_HOST_UP) {
			check(i == nr_up && nr_up < LOGINS, "HOST_UP twice");
			up[nr_up++] = ev.host_no;
		} else {
			check(ev.type == TGT_HOST_DOWN, "event %u", ev.type);
			check(i < nr_up, "HOST_DOWN without HOST_UP, or twice");
			up[i] = 0;
			nr_down++;
		}
	}
	check(nr_up == LOGINS, "%u of %u HOST_UPs", nr_up, LOGINS);
	expect_nothing(d);
}

static void one_ring_per_host(void)
{
	struct daemon *d = daemon_open(&(struct options) { .rings = 2, .slots = 4 });
	struct nexus *n[4];
	__u32 i;

	for (i = 0; i < 4; i++) {
		d->ring = i % 2;
		n[i] = login(d, i);
	}
	for (i = 0; i < 8; i++) {
		d->ring = i % 2;
		expect_idle(d, n[i % 4]);
	}
}

/* More answers than slots, by several calls. */
static void answers_wrap(void)
{
	struct daemon *d = daemon_open(&(struct options) { .slots = 2 });
	struct nexus *n = login(d, 1);
	struct tgt_answer bad = { .type = TGT_CMD_RSP };
	int i;

	for (i = 0; i < 100; i++) {
		put_answer(d, &bad);
		put_answer(d, &bad);
		check(!enter(d), "TGT_IOC_ENTER");
		check(d->last.consumed == 2 && d->last.rejected == 2, "%u taken, %u rejected", d->last.consumed,
		      d->last.rejected);
		check(d->head[0]->ans_cons == d->ans_prod[0], "the count of answers is wrong");
	}
	check(!enter(d) && !d->last.consumed, "%u answers taken of none", d->last.consumed);
	expect_idle(d, n);
}

const struct test ring_tests[] = {
	{ "X-RINGFULL nothing is lost", nothing_lost },
	{ "X-RINGFULL CMD_DONE and the next command", done_with_next_command },
	{ "X-RINGFULL CMD_DONE and the next function", done_with_next_function },
	{ "X-RINGFULL the flag", flag },
	{ "X-RINGFULL hosts come and go", hosts_come_and_go },
	{ "X-SLEEP who is woken up, and what for", sound_sleep },
	{ "X-SLEEP until the data is there", sleep_until_data },
	{ "X-RINGS a host keeps to its ring", one_ring_per_host },
	{ "X-RINGS answers", answers_wrap },
	{ }
};
