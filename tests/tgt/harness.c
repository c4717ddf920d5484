// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * tgt_contract: does the kernel keep what scsi_tgt_if.h promises to daemons, and protect itself from them?
 *
 *	tgt_contract [--count N] [--seed N] [--file PATH] ioc_guid=...,dest=ADDR:PORT [CASE...]
 *
 * CASE is the beginning of the names of some cases. A line for each: "ok", "not ok" or "skip", and how many of each.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "harness.h"

#define TARGETS		"/sys/kernel/debug/scsi_tgt/targets"
#define SESSIONS	"/sys/kernel/debug/ib_srpt/sessions"
#define MAX_CHILDREN	256
#define PAUSE_MS	10

enum outcome { PASSED, FAILED, SKIPPED, NR_OUTCOMES };

struct conf conf = { .seed = 1 };
static jmp_buf end_of_case;
static char reason[512];
static bool in_child;
/* Those of the case; each begins a process group, so that its children are found. */
static struct {
	pid_t	pid;
	bool	ended;
} children[MAX_CHILDREN];
/* What a case has left would only confuse the next ones. */
static bool left_over;
static char *unwanted[9];	/* beginnings of names; ends with NULL */
static long module_refs;

/* ---- the end of a case ------------------------------------------------------------------------------------------ */

static void __attribute__((noreturn)) leave(enum outcome outcome)
{
	if (in_child) {
		fprintf(stderr, "child: %s\n", reason);
		_exit(1);
	}
	longjmp(end_of_case, outcome);
}

void fail(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(reason, sizeof(reason), fmt, args);
	va_end(args);
	leave(FAILED);
}

void skip(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(reason, sizeof(reason), fmt, args);
	va_end(args);
	leave(SKIPPED);
}

/* ---- odds and ends ---------------------------------------------------------------------------------------------- */

unsigned long times(unsigned long few)
{
	return conf.count ? conf.count : few;
}

unsigned int random_u32(void)
{
	/* Two of 16 bits each: the lower ones of the generator are good enough for that. */
	return (unsigned int)random() << 16 ^ random();
}

/* Return: bytes, with a 0 behind them. */
static size_t read_file(const char *path, char *buf, size_t size)
{
	FILE *file = fopen(path, "r");
	size_t n;

	check(file, "%s: %s", path, strerror(errno));
	n = fread(buf, 1, size - 1, file);
	fclose(file);
	buf[n] = '\0';
	return n;
}

static bool shown_in(const char *path, const char *text)
{
	static char buf[65536];

	read_file(path, buf, sizeof(buf));
	return strstr(buf, text);
}

bool shown(const char *text)
{
	return shown_in(TARGETS, text);
}

void wait_until(bool (*is_so)(void *arg), void *arg, const char *what)
{
	const struct timespec pause = { .tv_nsec = PAUSE_MS * 1000000 };
	int i;

	for (i = 0; i < WAIT_MS / PAUSE_MS; i++) {
		if (is_so(arg))
			return;
		nanosleep(&pause, NULL);
	}
	fail("in vain waited for %s", what);
}

/* Of scsi_tgt: by fabrics and open files. */
static long refs_of_module(void)
{
	static char buf[65536];
	char *line;

	read_file("/proc/modules", buf, sizeof(buf));
	for (line = strtok(buf, "\n"); line; line = strtok(NULL, "\n")) {
		long refs;

		if (sscanf(line, "scsi_tgt %*s %ld", &refs) == 1)
			return refs;
	}
	fail("scsi_tgt is not loaded");
}

static void count_refs(void)
{
	module_refs = refs_of_module();
}

/* For who reads the kernel's log. */
static void mark_log(const char *name)
{
	int fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	dprintf(fd, "tgt_contract: %s\n", name);
	close(fd);
}

/* ---- children --------------------------------------------------------------------------------------------------- */

pid_t start_child(void)
{
	unsigned int i;
	pid_t pid;

	for (i = 0; i < MAX_CHILDREN && children[i].pid; i++)
		;
	check(i < MAX_CHILDREN, "too many children");
	fflush(NULL);
	pid = fork();
	check(pid >= 0, "fork: %s", strerror(errno));
	if (!pid) {
		in_child = true;
		memset(children, 0, sizeof(children));
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		setpgid(0, 0);
		forget_in_child();
		return 0;
	}
	/* Whoever comes first. */
	setpgid(pid, pid);
	children[i].pid = pid;
	return pid;
}

int end_of_child(pid_t pid)
{
	unsigned int i;
	int status;

	while (waitpid(pid, &status, 0) < 0)
		check(errno == EINTR, "waitpid: %s", strerror(errno));
	for (i = 0; i < MAX_CHILDREN; i++)
		if (children[i].pid == pid)
			children[i].ended = true;
	return status;
}

void kill_child(pid_t pid)
{
	kill(pid, SIGKILL);
	end_of_child(pid);
}

void say_ready(const int ready[2])
{
	check(write(ready[1], "", 1) == 1, "write");
}

/* Without a write end here a child that dies ends the wait, too. */
void await_ready(const int ready[2])
{
	char c;

	close(ready[1]);
	check(read(ready[0], &c, 1) == 1, "the child has not begun");
	close(ready[0]);
}

/* ---- running ---------------------------------------------------------------------------------------------------- */

static bool nothing_left(void *arg)
{
	(void)arg;
	return !shown("daemon ") && !shown("target ") && !shown_in(SESSIONS, " core tgt") &&
	       refs_of_module() == module_refs;
}

static void clean_up(void)
{
	unsigned int i;

	for (i = 0; i < MAX_CHILDREN && children[i].pid; i++) {
		kill(-children[i].pid, SIGKILL);
		if (!children[i].ended)
			end_of_child(children[i].pid);
	}
	memset(children, 0, sizeof(children));
	close_nexuses();
	close_daemons();
	wait_until(nothing_left, NULL, "the end of all daemons, targets and sessions");
}

/* Return: how it ended; why is in reason. */
static enum outcome guarded(void (*fn)(void))
{
	switch (setjmp(end_of_case)) {
	case 0:
		fn();
		return PASSED;
	case FAILED:
		return FAILED;
	default:
		return SKIPPED;
	}
}

static enum outcome run_one(const struct test *t)
{
	char first[sizeof(reason)];
	enum outcome outcome;

	reason[0] = '\0';
	if (left_over) {
		strcpy(reason, "an earlier case has left something");
		return SKIPPED;
	}
	mark_log(t->name);
	srandom(conf.seed);
	outcome = guarded(t->run);
	/* Whatever went wrong first is what matters. */
	strcpy(first, reason);
	left_over = guarded(clean_up);
	if (left_over && outcome != FAILED)
		return FAILED;
	strcpy(reason, first);
	return outcome;
}

static bool begins_with_one_of(const char *name, char **beginnings)
{
	for (; *beginnings; beginnings++)
		if (!strncmp(name, *beginnings, strlen(*beginnings)))
			return true;
	return false;
}

static bool is_wanted(const char *name, char **wanted)
{
	return (!*wanted || begins_with_one_of(name, wanted)) && !begins_with_one_of(name, unwanted);
}

static void run_all(const struct test *tests, char **wanted, unsigned int *counts)
{
	static const char *const words[] = { "ok", "not ok", "skip" };
	enum outcome outcome;

	for (; tests->name; tests++) {
		if (!is_wanted(tests->name, wanted))
			continue;
		outcome = run_one(tests);
		counts[outcome]++;
		printf("%s %s%s%s\n", words[outcome], tests->name, outcome ? ": " : "", outcome ? reason : "");
		fflush(stdout);
	}
}

static int usage(void)
{
	fprintf(stderr, "usage: tgt_contract [--count N] [--seed N] [--file PATH] [--except CASE]... "
		"ioc_guid=HEX,dest=ADDR:PORT [CASE...]\n");
	return 2;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "count", required_argument, NULL, 'c' },
		{ "except", required_argument, NULL, 'e' },
		{ "file", required_argument, NULL, 'f' },
		{ "hostile", required_argument, NULL, 'h' },	/* only for this program itself */
		{ "seed", required_argument, NULL, 's' },
		{ }
	};
	static const struct test *const all[] = {
		tag_tests, answer_tests, bad_answer_tests, abort_tests, fence_tests, data_tests, lent_tests,
		ring_tests, uring_tests, memory_tests, crash_tests, file_tests, hostile_tests,
	};
	unsigned int counts[NR_OUTCOMES] = { 0 }, nr_unwanted = 0, i;
	const char *hostile = NULL;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'c')
			conf.count = strtoul(optarg, NULL, 0);
		else if (c == 'e' && nr_unwanted < ARRAY_SIZE(unwanted) - 1)
			unwanted[nr_unwanted++] = optarg;
		else if (c == 'f')
			conf.file = optarg;
		else if (c == 'h')
			hostile = optarg;
		else if (c == 's')
			conf.seed = strtoul(optarg, NULL, 0);
		else
			return usage();
	}
	if (optind == argc)
		return usage();
	conf.target = argv[optind++];
	signal(SIGPIPE, SIG_IGN);
	if (hostile) {
		in_child = true;
		srandom(conf.seed);
		be_hostile(hostile);
	}
	if (guarded(count_refs)) {
		fprintf(stderr, "tgt_contract: %s\n", reason);
		return 1;
	}
	for (i = 0; i < ARRAY_SIZE(all); i++)
		run_all(all[i], argv + optind, counts);
	printf("%u passed, %u failed, %u skipped\n", counts[PASSED], counts[FAILED], counts[SKIPPED]);
	return counts[FAILED] ? 1 : 0;
}
