// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* The file: who may use it, what may be bound, and counters that cannot be. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"

#define STACK	65536

/* ---- before it is set up ---------------------------------------------------------------------------------------- */

static void expect_setup(struct tgt_setup setup, int error, const char *what)
{
	int fd = open("/dev/tgt", O_RDWR | O_CLOEXEC), ret;

	check(fd >= 0, "/dev/tgt: %s", strerror(errno));
	ret = ioctl(fd, TGT_IOC_SETUP, &setup) ? -errno : 0;
	close(fd);
	check(ret == error, "%s: %s", what, ret ? strerror(-ret) : "taken");
}

#define SETUP(change) do { \
	struct tgt_setup s = { .version = TGT_ABI_VERSION, .nr_rings = 1, .ev_slots = 16, .ans_slots = 16 }; \
	\
	change; \
	expect_setup(s, -EINVAL, #change); \
} while (0)

static void setups(void)
{
	struct daemon *d;
	struct tgt_setup again;
	int fd;

	SETUP(s.version++);
	SETUP(s.version = 0);
	SETUP(s.features = 1);
	SETUP(s.reserved = 1);
	SETUP(s.nr_rings = 0);
	SETUP(s.nr_rings = TGT_MAX_RINGS + 1);
	SETUP(s.ev_slots = 0);
	SETUP(s.ev_slots = 3);
	SETUP(s.ev_slots = 2 * TGT_MAX_SLOTS);
	SETUP(s.ans_slots = 0);
	SETUP(s.ans_slots = 1u << 31);
	d = daemon_setup(&(struct options) { 0 });
	again = d->setup;
	check(ioctl(d->fd, TGT_IOC_SETUP, &again) && errno == EBUSY, "set up twice");

	fd = open("/dev/tgt", O_RDWR | O_CLOEXEC);
	check(fd >= 0, "/dev/tgt: %s", strerror(errno));
	check(ioctl(fd, TGT_IOC_ENTER, &(struct tgt_enter) { 0 }) && errno == EINVAL, "ENTER before SETUP");
	check(ioctl(fd, TGT_IOC_BIND, &(struct tgt_bind) { .fabric = "srpt" }) && errno == EINVAL, "BIND before SETUP");
	check(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED, "mmap() before SETUP");
	check(ioctl(fd, _IO('t', 99)) && errno == ENOTTY, "an unknown ioctl");
	close(fd);
}

static void bad_arguments(void)
{
	struct daemon *d = daemon_setup(&(struct options) { 0 });
	struct tgt_enter e = { .ring = 1 };
	struct tgt_eventfd efd = { .ring = 0, .fd = d->fd };
	__u64 size = d->setup.ring_size;

	check(ioctl(d->fd, TGT_IOC_ENTER, &e) && errno == EINVAL, "ENTER of a ring that is not there");
	check(ioctl(d->fd, TGT_IOC_EVENTFD, &efd) && errno == EINVAL, "no eventfd");
	check(ioctl(d->fd, TGT_IOC_ENTER, (void *)16) && errno == EFAULT, "no memory");
	check(mmap(NULL, size, PROT_READ, MAP_SHARED, d->fd, size) == MAP_FAILED, "a ring that is not there");
	check(mmap(NULL, size + 4096, PROT_READ, MAP_SHARED, d->fd, 0) == MAP_FAILED, "more than a ring");
	if (size > 4096)
		check(mmap(NULL, size - 4096, PROT_READ, MAP_SHARED, d->fd, 4096) == MAP_FAILED, "a part of a ring");
}

/* ---- bind and unbind -------------------------------------------------------------------------------------------- */

#define BIND(error, change) do { \
	struct tgt_bind b = { .fabric = "srpt", .id_ext = ID_EXT }; \
	int ret; \
	\
	change; \
	ret = ioctl(d->fd, TGT_IOC_BIND, &b) ? -errno : 0; \
	check(ret == (error), "%s: %s", #change, ret ? strerror(-ret) : "taken"); \
} while (0)

static void bad_binds(void)
{
	struct daemon *d = daemon_setup(&(struct options) { 0 });
	static char names[2][TGT_NAME_LEN] = { "10.0.0.1", "a name" };

	BIND(-ENODEV, strcpy(b.fabric, "other"));
	BIND(-ENODEV, b.fabric[0] = 0);
	BIND(-EINVAL, memset(b.fabric, 'x', sizeof(b.fabric)));
	BIND(-EINVAL, strcpy(b.port, "no port"));
	BIND(-EINVAL, memset(b.port, '1', sizeof(b.port)));
	BIND(-EFAULT, b.nr_initiators = 1; b.initiators = 16);
	BIND(-E2BIG, b.nr_initiators = ~0u);
	BIND(-EINVAL, b.nr_initiators = 2; b.initiators = (uintptr_t)names);
	check(!shown("id_ext"), "something is bound");
}

static void bound_twice(void)
{
	struct daemon *d = daemon_open(&(struct options) { 0 }), *other = daemon_setup(&(struct options) { 0 });
	struct nexus *n = login(d, 1);

	check(daemon_bind(other, ID_EXT) == -EADDRINUSE, "two daemons bind a target");
	check(!daemon_bind(other, ID_EXT + 1), "another target");
	expect_idle(d, n);
	daemon_close(d);
	expect_end(n);
	check(!daemon_bind(other, ID_EXT), "a target that is free again");
}

static void unbind(void)
{
	struct daemon *d = daemon_open(&(struct options) { 0 });
	struct nexus *n = login(d, 1), *other;
	__u32 first = d->target_id, wrong = 99;
	struct tgt_event req;

	check(ioctl(d->fd, TGT_IOC_UNBIND, &wrong) && errno == ENOENT, "unbound what is not bound");
	check(!daemon_bind(d, ID_EXT + 1), "a second target");
	other = must_login(ID_EXT + 1, 2, NULL);
	other->host_no = expect(d, TGT_HOST_UP).host_no;
	req = submit(d, n, &(struct io) { .tag = 1 });
	check(!ioctl(d->fd, TGT_IOC_UNBIND, &first), "TGT_IOC_UNBIND: %s", strerror(errno));
	expect_end(n);
	check(expect(d, TGT_HOST_DOWN).host_no == n->host_no, "another host is down");
	check(!login_only(ID_EXT, 3, NULL), "a login to a target that is not bound");
	expect_idle(d, other);
	check(ioctl(d->fd, TGT_IOC_UNBIND, &first) && errno == ENOENT, "unbound twice");
	/* The command is the daemon's until it ends it. */
	must_answer(d, aborted(&req));
	/* And again, at once. */
	check(!daemon_bind(d, ID_EXT), "bound again");
	n = login(d, 1);
	expect_idle(d, n);
}

static void only_some_initiators(void)
{
	static const char names[2][TGT_NAME_LEN] = { "10.9.0.77", "10.9.0.78" };
	struct tgt_bind bind = {
		.fabric = "srpt", .id_ext = ID_EXT, .initiators = (uintptr_t)names, .nr_initiators = 2,
	};
	struct daemon *d = daemon_setup(&(struct options) { 0 });

	check(!ioctl(d->fd, TGT_IOC_BIND, &bind), "TGT_IOC_BIND: %s", strerror(errno));
	d->target_id = bind.target_id;
	check(!login_only(ID_EXT, 1, NULL), "a login of somebody else");
	expect_nothing(d);
}

/* ---- in other hands --------------------------------------------------------------------------------------------- */

static void use_file_of_parent(int fd, const struct tgt_setup *setup)
{
	struct tgt_enter e = { 0 };
	struct tgt_setup s = *setup;

	check(ioctl(fd, TGT_IOC_ENTER, &e) && errno == EPERM, "ENTER by another process");
	check(ioctl(fd, TGT_IOC_SETUP, &s) && errno == EPERM, "SETUP by another process");
	check(mmap(NULL, setup->ring_size, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED && errno == EPERM,
	      "mmap() by another process");
	_exit(0);
}

static void inherited(void)
{
	struct daemon *d = daemon_open(&(struct options) { 0 });
	struct nexus *n = login(d, 1);
	int fd = dup(d->fd);
	pid_t pid = start_child();

	if (!pid)
		use_file_of_parent(fd, &d->setup);
	check(!end_of_child(pid), "see above");
	close(fd);
	/* Whose end is not that of the daemon. */
	expect_idle(d, n);
}

/* Keeps all files of its parent open until the parent of that lets it go. */
static int keep_open(void *arg)
{
	char c;

	/* The write end is open here, too: it is a byte that ends the wait. */
	return read(*(int *)arg, &c, 1) == 1 ? 0 : 1;
}

/* A daemon whose file somebody else has, too. @shared: even the table of files. */
static pid_t start_lender(const struct options *opt, const int *until, const int *ready, bool shared)
{
	pid_t pid = start_child();
	struct daemon *d;
	char *stack;

	if (pid)
		return pid;
	d = daemon_open(opt);
	stack = malloc(STACK);
	check(stack, "no memory");
	check(clone(keep_open, stack + STACK, SIGCHLD | (shared ? CLONE_FILES : 0), (void *)until) > 0, "clone: %s",
	      strerror(errno));
	say_ready(ready);
	for (;;) {
		pause();
		enter(d);
	}
}

static bool is_dead(void *arg)
{
	(void)arg;
	return shown(", dead");
}

/* A nexus of a daemon that is killed while somebody else has its file. */
static struct nexus *orphaned(const struct options *opt, int *until, bool shared)
{
	struct nexus *n;
	int ready[2], i;
	pid_t pid;

	check(!pipe(ready) && !pipe(until), "pipe");
	pid = start_lender(opt, until, ready, shared);
	await_ready(ready);
	n = must_login(ID_EXT, 1, NULL);
	for (i = 0; i < 4; i++)
		send_io(n, &(struct io) { .tag = i });
	await_in_progress(4);
	kill_child(pid);
	wait_until(is_dead, NULL, "the death of the daemon");
	return n;
}

static void let_go(int *until)
{
	check(write(until[1], "", 1) == 1, "write");
	close(until[0]);
	close(until[1]);
}

static void owner_dies(void)
{
	const struct options opt = { .timeout_ms = 400 };
	int until[2], shared;

	for (shared = 0; shared < 2; shared++) {
		struct nexus *n = orphaned(&opt, until, shared);

		expect_aborted(n, 4);
		expect_end(n);
		logout(n);
		let_go(until);
	}
}

/* The ring of the last daemon was full, and is still there: that of the next one fills and empties as any. */
static void successor_of_full_ring(void)
{
	const struct options old = { .slots = 1, .recovery_ms = 600000 };
	int until[2], i;
	struct nexus *n = orphaned(&old, until, false);
	struct daemon *d = daemon_open(&(struct options) { .slots = 1 });
	struct tgt_event req;

	n->host_no = expect(d, TGT_HOST_UP).host_no;
	for (i = 0; i < 4; i++) {
		req = expect(d, TGT_CMD_REQ);
		check(req.cmd_req.tag == (__u64)i, "out of order");
		must_answer(d, aborted(&req));
	}
	expect_idle(d, n);
	let_go(until);
	expect_idle(d, n);
}

/* ---- counters that cannot be ------------------------------------------------------------------------------------ */

static void __attribute__((noreturn)) play(struct daemon *d, int how, __u32 value)
{
	__u32 *counter = how ? &d->head[0]->ans_prod : &d->head[0]->ev_cons;

	__atomic_store_n(counter, *counter + value, __ATOMIC_RELEASE);
	enter(d);
	for (;;)
		pause();
}

static void expect_killed(int how, __u32 value)
{
	int ready[2], status;
	struct nexus *n;
	pid_t pid;

	check(!pipe(ready), "pipe");
	pid = start_child();
	if (!pid) {
		struct daemon *d = daemon_open(&(struct options) { .slots = 16 });

		say_ready(ready);
		expect(d, TGT_HOST_UP);
		/* Not before the initiator knows that it is logged in */
		if (how)
			expect(d, TGT_CMD_REQ);
		play(d, how, value);
	}
	await_ready(ready);
	n = must_login(ID_EXT, 1, NULL);
	/* It is when the kernel looks at the counter of events that it sees what is wrong with it. */
	send_io(n, &(struct io) { .tag = 1 });
	status = end_of_child(pid);
	check(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "counter + %u: not killed, but status %#x", value,
	      status);
	expect_end(n);
	logout(n);
}

static void impossible_counters(void)
{
	static const __u32 values[] = { 2, 17, 1u << 31, -100u };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(values); i++) {
		expect_killed(0, values[i]);
		if (values[i] > 16)
			expect_killed(1, values[i]);
	}
}

const struct test file_tests[] = {
	{ "F-01 SETUP", setups },
	{ "F-02 bad arguments", bad_arguments },
	{ "F-03 BIND", bad_binds },
	{ "F-04 bound by two daemons", bound_twice },
	{ "F-05 UNBIND", unbind },
	{ "F-06 only some initiators", only_some_initiators },
	{ "F-07 another process has the file", inherited },
	{ "F-08 the owner dies, another process has the file", owner_dies },
	{ "F-09 the same, and its ring was full", successor_of_full_ring },
	{ "F-10 counters that cannot be", impossible_counters },
	{ }
};
