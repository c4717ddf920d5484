// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * M: daemons that do all they can, by design or because they are broken: random and nearly good answers, slots that
 * change while the kernel reads them, impossible counters, random ioctls. They are children that are killed in the
 * end, if the kernel does not do it. Meanwhile a good daemon serves its own initiator in the same machine, whose data
 * is verified.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "harness.h"

#define HOSTILE		(ID_EXT + 1)
#define SLOTS		64u
#define SOME_IDS	32
#define LIMIT		60	/* seconds until the kernel has seen it */

/* What the hostile daemon has heard of, to be nearly right. */
struct known {
	struct tgt_event	ev[SOME_IDS];
	unsigned int		nr;
};

/* ---- the good one ----------------------------------------------------------------------------------------------- */

static struct nexus *start_good_one(void)
{
	int ready[2];

	check(!pipe(ready), "pipe");
	if (!start_child()) {
		struct daemon *d = daemon_open(&(struct options) { .timeout_ms = 5000 });

		say_ready(ready);
		daemon_serve(d);
	}
	await_ready(ready);
	return must_login(ID_EXT, 1, NULL);
}

/* Write, and read back. */
static void verify(struct nexus *n, unsigned long round)
{
	const u32 len = 512u << round % 8, tag = round % 8;

	fill(n->mem.addr, len, round);
	memset(n->mem.addr + MEM_SIZE / 2, 0, len);
	send_io(n, &(struct io) { .tag = tag, .len = len, .write = true });
	expect_status(n, tag, GOOD);
	send_io(n, &(struct io) { .tag = tag, .len = len, .off = MEM_SIZE / 2 });
	expect_status(n, tag, GOOD);
	expect_filled(n->mem.addr + MEM_SIZE / 2, len, round, "data of the good daemon");
}

/* ---- random answers --------------------------------------------------------------------------------------------- */

static __u64 random_u64(void)
{
	return (__u64)random_u32() << 32 | random_u32();
}

/* Numbers that are often of interest. */
static __u64 odd_number(void)
{
	static const __u64 odd[] = { 0, 1, 4096, MEM_SIZE - 1, MEM_SIZE, 1u << 31, ~0u, 1ULL << 32, 1ULL << 63, ~0ULL };

	return random_u32() % 2 ? odd[random_u32() % ARRAY_SIZE(odd)] : random_u64() >> random_u32() % 64;
}

static struct tgt_answer answer_to(struct daemon *d, const struct tgt_event *ev)
{
	const __u32 in = ev->cmd_req.data_in_len, out = ev->cmd_req.data_out_len;

	if (ev->type == TGT_TSK_MGMT_REQ)
		return tmf_result(ev, random_u32() % (TGT_TMF_FAILED + 1));
	if (random_u32() % 4 == 0)
		return aborted(ev);
	if (out && random_u32() % 2)
		return fetch_data(d, ev, random_u32() % MEM_SIZE, out);
	return in || out ? read_data(d, ev, random_u32() % (MEM_SIZE / 2), in + out) : good(ev);
}

/* One field of it, or some bytes. */
static void spoil(struct tgt_answer *ans)
{
	struct tgt_cmd_rsp *r = &ans->cmd_rsp;

	switch (random_u32() % 12) {
	case 0:
		ans->type = odd_number();
		break;
	case 1:
		ans->host_no = odd_number();
		break;
	case 2:
		r->cmd_id ^= 1ULL << random_u32() % 64;
		break;
	case 3:
		r->flags = odd_number();
		break;
	case 4:
		r->buf_id = odd_number();
		break;
	case 5:
		r->off = odd_number();
		break;
	case 6:
		r->len = odd_number();
		break;
	case 7:
		r->produced = odd_number();
		break;
	case 8:
		r->status = random_u32();
		break;
	case 9:
		r->sense_len = random_u32();
		break;
	default:
		((__u8 *)ans)[random_u32() % sizeof(*ans)] ^= 1u << random_u32() % 8;
		break;
	}
}

static void take_events(struct daemon *d, struct known *known)
{
	struct tgt_event ev;

	while (next_event(d, &ev, 0))
		if (ev.type == TGT_CMD_REQ || ev.type == TGT_TSK_MGMT_REQ)
			known->ev[known->nr++ % SOME_IDS] = ev;
}

static void answer_somehow(struct daemon *d, const struct known *known)
{
	struct tgt_answer ans = { 0 };

	if (known->nr)
		ans = answer_to(d, &known->ev[random_u32() % (known->nr < SOME_IDS ? known->nr : SOME_IDS)]);
	if (random_u32() % 4)
		spoil(&ans);
	answer(d, &ans);
}

/* ---- what goes on beside that ----------------------------------------------------------------------------------- */

/* Writes to slots of answers while the kernel copies them. */
static void *flip_slots(void *arg)
{
	struct daemon *d = arg;
	unsigned int seed = conf.seed;

	for (;;) {
		__u32 i = rand_r(&seed);

		volatile __u8 *slot = (void *)answer_slot(d, d->ans_prod[0] - i % 4);

		slot[i / 4 % sizeof(struct tgt_answer)] ^= 1u << i % 8;
	}
	return NULL;
}

/* Answers that are carried out while others are, by threads of io_uring, too. */
static void *enter_on(void *arg)
{
	struct daemon *d = arg;
	unsigned int seed = conf.seed;
	struct io_uring_sqe *sqe;
	struct io_uring u;

	check(!io_uring_queue_init(8, &u, 0), "no io_uring");
	for (;;) {
		unsigned int r = rand_r(&seed);

		while ((sqe = io_uring_get_sqe(&u))) {
			unsigned int flags = r & 256 ? IOSQE_ASYNC : 0;

			if (r & 512)
				prep_answer(sqe, d->fd, r % 16 ? answer_slot(d, r / 1024) : (void *)(uintptr_t)r, flags);
			else
				prep_enter(sqe, d->fd, r % 16 ? TGT_IOC_ENTER : r / 1024, r / 16 % 16 ? 0 : r / 1024, flags);
		}
		io_uring_submit_and_wait(&u, 8);
		io_uring_cq_advance(&u, io_uring_cq_ready(&u));
	}
	return NULL;
}

/* On the file that is in use; SETUP, and memory that comes and goes, included. */
static void random_ioctl(struct daemon *d)
{
	static const unsigned long cmds[] = {
		TGT_IOC_SETUP, TGT_IOC_EVENTFD, TGT_IOC_UNREG_BUF, TGT_IOC_ENTER, TGT_IOC_REG_BUF,
		TGT_IOC_LEND,
	};
	union {
		__u64			words[16];
		struct tgt_reg_buf	reg;
		struct tgt_bind		bind;
		struct tgt_lend		lend;
	} arg;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(arg.words); i++)
		arg.words[i] = odd_number();
	switch (random_u32() % 5) {
	case 0:
		/* Really there, or nearly. */
		arg.reg = (struct tgt_reg_buf) { .addr = (uintptr_t)d->mem, .len = (random_u32() % 300) << 12 };
		if (!ioctl(d->fd, TGT_IOC_REG_BUF, &arg.reg) && random_u32() % 2)
			d->buf_id = arg.reg.buf_id;
		break;
	case 1:
		arg.words[0] = d->buf_id - random_u32() % 4;
		ioctl(d->fd, TGT_IOC_UNREG_BUF, &arg);
		break;
	case 2:
		memcpy(arg.bind.fabric, "srpt", 5);
		if (random_u32() % 2)
			arg.bind.port[0] = 0;
		arg.bind.id_ext = HOSTILE + random_u32() % 3;
		arg.bind.nr_initiators %= 3;
		ioctl(d->fd, TGT_IOC_BIND, &arg);
		break;
	case 3:
		/* While commands with data come, if the daemon has not done it yet. */
		arg.lend = (struct tgt_lend) { .buf_id = d->buf_id, .off = LENT_OFF };
		arg.lend.len = random_u32() % (2 * MEM_SIZE / TGT_LENT_PAGE) * TGT_LENT_PAGE;
		ioctl(d->fd, TGT_IOC_LEND, &arg);
		break;
	default:
		ioctl(d->fd, cmds[random_u32() % ARRAY_SIZE(cmds)], &arg);
		break;
	}
}

/* Keeps the daemon busy, whatever becomes of what it sends. */
static void *ask_on(void *arg)
{
	struct nexus *n = arg;
	unsigned int seed = conf.seed;
	struct srpi_rx rx;
	u64 tag = 0;

	while (!srpi_stats(n->ch)->closed) {
		u32 r = rand_r(&seed), len = r / 8 % 4 * 4096;

		while (!srpi_recv(n->ch, &rx, 0))
			;
		if (srpi_credits(n->ch) < 4) {
			srpi_recv(n->ch, &rx, 100);
			send_tmf(n, tag++, SRP_TMF_LUN_RESET, 0, 0);
			continue;
		}
		if (r % 8)
			send_io(n, &(struct io) { .tag = tag, .len = len, .write = r & 256,
						       .imm = len == 4096 && (r & 0x300) == 0x300 });
		else
			send_tmf(n, tag, 1u << r / 8 % 4, 0, tag - r / 32 % 8);
		tag++;
	}
	return NULL;
}

static void start_thread(void *(*fn)(void *), void *arg)
{
	pthread_t thread;

	check(!pthread_create(&thread, NULL, fn, arg), "no thread");
	pthread_detach(thread);
}

static struct daemon *hostile_daemon(void)
{
	struct daemon *d = daemon_open(&(struct options) { .slots = SLOTS, .id_ext = HOSTILE, .timeout_ms = 5000,
							   .lent = conf.seed % 2 * SLOTS / 2 });
	struct nexus *n = must_login(HOSTILE, 66, NULL);

	n->careless = true;
	start_thread(ask_on, n);
	return d;
}

/* ---- cases ------------------------------------------------------------------------------------------------------ */

static void __attribute__((noreturn)) answer_badly(void)
{
	struct daemon *d = hostile_daemon();
	struct known known = { .nr = 0 };
	unsigned long i;

	start_thread(flip_slots, d);
	start_thread(enter_on, d);
	for (i = times(3000); i; i--) {
		take_events(d, &known);
		answer_somehow(d, &known);
		if (i % 16 == 0)
			random_ioctl(d);
	}
	check(known.nr > SOME_IDS, "only %u requests came to the hostile daemon", known.nr);
	_exit(0);
}

static void __attribute__((noreturn)) count_badly(void)
{
	struct daemon *d = hostile_daemon();
	struct known known = { .nr = 0 };

	for (;;) {
		take_events(d, &known);
		answer_somehow(d, &known);
		if (random_u32() % 64)
			continue;
		__atomic_store_n(random_u32() % 2 ? &d->head[0]->ans_prod : &d->head[0]->ev_cons, odd_number(),
				 __ATOMIC_RELEASE);
		enter(d);
	}
}

static void __attribute__((noreturn)) call_badly(void)
{
	unsigned long i, j;

	for (i = times(3000) / 100 + 1; i; i--) {
		struct daemon *d = daemon_open(&(struct options) { .slots = SLOTS, .id_ext = HOSTILE + i % 2 });

		for (j = 0; j < 100; j++)
			random_ioctl(d);
		daemon_close(d);
	}
	_exit(0);
}

static bool has_ended(pid_t pid)
{
	siginfo_t info = { 0 };

	check(!waitid(P_PID, pid, &info, WEXITED | WNOHANG | WNOWAIT), "waitid: %s", strerror(errno));
	return info.si_pid;
}

void be_hostile(const char *how)
{
	if (!strcmp(how, "answers"))
		answer_badly();
	if (!strcmp(how, "counters"))
		count_badly();
	if (!strcmp(how, "calls"))
		call_badly();
	fail("there is no way to be hostile by %s", how);
}

/* It has an initiator, too: verbs do not work for a child of who has used them, so it begins as a new program. */
static pid_t start_hostile(const char *how, unsigned int seed)
{
	char seed_text[16], count_text[24];
	pid_t pid = start_child();

	if (pid)
		return pid;
	snprintf(seed_text, sizeof(seed_text), "%u", seed);
	snprintf(count_text, sizeof(count_text), "%lu", conf.count);
	execl("/proc/self/exe", "tgt_contract", "--hostile", how, "--seed", seed_text, "--count", count_text,
	      conf.target, NULL);
	fail("exec: %s", strerror(errno));
}

/* Hostile children, one after another, and what the good daemon does meanwhile. */
static void beside_good_one(const char *how, unsigned int rounds, bool is_killed)
{
	struct nexus *n = start_good_one();
	unsigned long done = 0;
	unsigned int i;

	for (i = 0; i < rounds; i++) {
		const time_t begin = time(NULL);
		pid_t pid = start_hostile(how, conf.seed + i);
		int status;

		do {
			verify(n, done++);
			check(!is_killed || time(NULL) - begin < LIMIT, "the hostile daemon, seed %u, is not killed",
			      conf.seed + i);
		} while (!has_ended(pid));
		status = end_of_child(pid);
		/* A thread may have broken a rule without wanting to: that ends it, too. */
		check((WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) || (!is_killed && !status),
		      "the hostile daemon, seed %u, ended with status %#x", conf.seed + i, status);
	}
	verify(n, done);
}

static void bad_answers(void)
{
	beside_good_one("answers", 3, false);
}

static void bad_counters(void)
{
	beside_good_one("counters", 5, true);
}

static void bad_calls(void)
{
	beside_good_one("calls", 2, false);
}

const struct test hostile_tests[] = {
	{ "M-01 random answers", bad_answers },
	{ "M-02 random counters", bad_counters },
	{ "M-03 random calls", bad_calls },
	{ }
};
