// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * srp_tgtd: an SRP target in user space. What is needed for SCSI is in scsi.h, the threads that serve commands
 * are in engine.h, targets and their logical units in target.h.
 *
 * The main thread starts all of that, then waits for signals, for who asks for the status, and for the watchdog.
 */
#include <argp.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "engine.h"
#include "log.h"
#include "notify.h"
#include "status.h"
#include "status_socket.h"

#define CONFIG_FILE	"/etc/srp_tgtd.conf"
#define TURN_MS		1000
#define REAP_MS		100	/* when something leaves */

/* ---- options ------------------------------------------------------------------------------------ */

const char *argp_program_version = "ib_srpt tools " SRP_TOOLS_VERSION;

enum { OPT_CHECK = 0x100, OPT_STATUS };

static struct {
	const char	*arg;
	int		action;
} conf;

static const struct argp_option options[] = {
	{ "check", OPT_CHECK, NULL, 0, "only check FILE", 0 },
	{ "status", OPT_STATUS, NULL, 0, "ask the daemon at SOCKET what it does, as JSON", 0 },
	{ NULL, 0, NULL, 0, NULL, 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case OPT_CHECK:
	case OPT_STATUS:
		if (conf.action)
			argp_error(state, "either --check or --status");
		conf.action = key;
		break;
	case ARGP_KEY_ARG:
		if (conf.arg)
			argp_error(state, "only one file or socket");
		conf.arg = arg;
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static const struct argp argp = {
	options, parse, "[FILE]\n--check [FILE]\n--status [SOCKET]",
	"An SRP target in user space.\v"
	"FILE is " CONFIG_FILE ", SOCKET " STATUS_SOCKET ", if not given. SIGHUP: read FILE again. See srp_tgtd(8).",
	NULL, NULL, NULL,
};

/* ---- running ------------------------------------------------------------------------------------ */

/**
 * struct server - the main thread
 * @ended: SIGTERM came
 * @reload: SIGHUP came
 * @loops: of each worker, when WATCHDOG=1 was sent
 */
struct server {
	struct daemon	d;
	const char	*path;
	int		signal_fd;
	int		status_fd;
	bool		ended;
	bool		reload;
	unsigned int	watchdog_ms;
	int64_t		watchdog_at;
	uint64_t	loops[TGT_MAX_RINGS];
};

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

static void take_signals(struct server *s)
{
	struct signalfd_siginfo info;

	while (read(s->signal_fd, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGHUP)
			s->reload = true;
		else
			s->ended = true;
	}
}

/* A thread that does nothing for so long hangs, and with it its initiators. */
static void feed_watchdog(struct server *s)
{
	uint64_t loops;
	uint32_t i;

	if (!s->watchdog_ms || now_ms() < s->watchdog_at)
		return;
	s->watchdog_at = now_ms() + s->watchdog_ms;
	for (i = 0; i < s->d.nr_workers; i++) {
		loops = __atomic_load_n(&s->d.workers[i].counters.loops, __ATOMIC_RELAXED);
		if (loops == s->loops[i]) {
			log_error("thread %u hangs", i);
			return;
		}
		s->loops[i] = loops;
	}
	notify("WATCHDOG=1");
}

static void turn(struct server *s, int timeout_ms)
{
	struct pollfd fds[] = {
		{ .fd = s->signal_fd, .events = POLLIN },
		{ .fd = s->d.stop_fd, .events = POLLIN },
		{ .fd = s->status_fd, .events = POLLIN },
	};

	if (poll(fds, 3, timeout_ms) > 0) {
		take_signals(s);
		if (fds[2].revents)
			status_answer(s->status_fd, &s->d);
	}
	if (__atomic_load_n(&s->d.failed, __ATOMIC_RELAXED))
		s->ended = true;
	feed_watchdog(s);
}

/* Before it serves anything, the daemon waits as long as it takes. */
static bool go_on_waiting(struct daemon *d)
{
	struct server *s = container_of(d, struct server, d);

	turn(s, REAP_MS);
	return !s->ended;
}

static void warn_of_daemon_settings(const struct config *was, const struct config *now)
{
	if (was->threads != now->threads || was->memory != now->memory || was->recovery_ms != now->recovery_ms ||
	    was->timeout_ms != now->timeout_ms || strcmp(was->state_dir, now->state_dir) ||
	    strcmp(was->socket, now->socket))
		log_warning("what has changed in the group daemon takes effect when srp_tgtd is started again");
}

static void reload(struct server *s)
{
	char error[CONFIG_ERROR_LEN];
	struct config *now;

	s->reload = false;
	notify_reloading();
	now = config_load(s->path, error);
	if (!now || daemon_apply(&s->d, now, error)) {
		log_error("%s%s%s; nothing has changed", now ? s->path : "", now ? ": " : "", error);
		memcpy(s->d.reload_error, error, sizeof(error));
		notify("READY=1\nSTATUS=the configuration was not reloaded: %.400s", error);
	} else {
		warn_of_daemon_settings(s->d.conf, now);
		log_notice("the configuration was reloaded");
		s->d.reload_error[0] = '\0';
		notify("READY=1\nSTATUS=serving %u targets", s->d.nr_served);
	}
	s->d.reloads++;
	config_free(now);
}

static int serve(struct server *s)
{
	char error[CONFIG_ERROR_LEN];
	bool left = false;
	int ret;

	s->d.waiting = go_on_waiting;
	ret = daemon_apply(&s->d, s->d.conf, error);
	s->d.waiting = NULL;
	if (s->ended && ret == -EINTR)
		return 0;
	if (ret) {
		log_error("%s: %s", s->path, error);
		return 1;
	}
	notify("READY=1\nSTATUS=serving %u targets", s->d.nr_served);
	while (!s->ended) {
		turn(s, left ? REAP_MS : TURN_MS);
		if (s->reload && !s->ended)
			reload(s);
		left = daemon_reap(&s->d);
	}
	notify("STOPPING=1");
	return s->d.failed ? 1 : 0;
}

/* ---- the beginning and the end ------------------------------------------------------------------ */

static int start_workers(struct daemon *d)
{
	char error[CONFIG_ERROR_LEN];
	uint32_t i;
	int ret;

	d->workers = calloc(d->conf->threads, sizeof(d->workers[0]));
	if (!d->workers) {
		log_error("no memory");
		return -ENOMEM;
	}
	for (i = 0; i < d->conf->threads; i++) {
		d->nr_workers = i + 1;
		ret = worker_init(&d->workers[i], d, i, error);
		if (ret) {
			log_error("%s", error);
			return ret;
		}
	}
	for (i = 0; i < d->nr_workers; i++) {
		ret = worker_start(&d->workers[i]);
		if (ret) {
			log_error("thread %u: %s", i, strerror(-ret));
			return ret;
		}
	}
	return 0;
}

/* First what the threads have begun ends, then nobody owns anything any more. */
static void stop_workers(struct daemon *d)
{
	uint32_t i;

	for (i = 0; i < d->nr_workers; i++)
		worker_stop(&d->workers[i]);
	for (i = 0; i < d->nr_workers; i++)
		tmf_free_all(&d->workers[i]);
	for (i = 0; i < d->nr_workers; i++)
		task_free_all(&d->workers[i]);
	for (i = 0; i < d->nr_workers; i++)
		worker_free(&d->workers[i]);
	free(d->workers);
}

static int open_tgt(struct daemon *d)
{
	struct tgt_options opt = {
		.nr_rings = d->conf->threads,
		.timeout_ms = d->conf->timeout_ms,
		.recovery_ms = d->conf->recovery_ms,
	};
	int ret = tgt_open(&opt, &d->tgt);

	if (ret)
		log_error("%s", tgt_error());
	return ret;
}

static int open_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int open_all(struct server *s)
{
	struct daemon *d = &s->d;

	umask(077);
	s->signal_fd = open_signals();
	d->stop_fd = eventfd(0, EFD_CLOEXEC);
	if (s->signal_fd < 0 || d->stop_fd < 0) {
		log_error("signals: %s", strerror(errno));
		return -errno;
	}
	if (mkdir(d->conf->state_dir, 0700) && errno != EEXIST) {
		log_error("%s: %s: make it, or set another state_dir", d->conf->state_dir, strerror(errno));
		return -errno;
	}
	s->status_fd = status_open(d->conf->socket);
	if (s->status_fd < 0)
		return s->status_fd;
	s->watchdog_ms = notify_watchdog_ms();
	if (open_tgt(d))
		return -ENODEV;
	return start_workers(d);
}

static void close_all(struct server *s)
{
	struct daemon *d = &s->d;

	stop_workers(d);
	daemon_free_targets(d);
	tgt_close(d->tgt);
	if (s->status_fd >= 0) {
		unlink(d->conf->socket);
		close(s->status_fd);
	}
	close(d->stop_fd);
	close(s->signal_fd);
	pthread_mutex_destroy(&d->lock);
	config_free(d->conf);
}

static int run(const char *path, struct config *config)
{
	static struct server s = { .signal_fd = -1, .status_fd = -1, .d.stop_fd = -1 };
	int code;

	s.path = path;
	s.d.conf = config;
	pthread_mutex_init(&s.d.lock, NULL);
	list_init(&s.d.targets);
	list_init(&s.d.leaving);
	code = open_all(&s) ? 1 : serve(&s);
	close_all(&s);
	return code;
}

int main(int argc, char **argv)
{
	char error[CONFIG_ERROR_LEN];
	struct config *config;

	argp_parse(&argp, argc, argv, 0, NULL, NULL);
	if (conf.action == OPT_STATUS)
		return status_print(conf.arg ? conf.arg : STATUS_SOCKET);
	if (!conf.arg)
		conf.arg = CONFIG_FILE;
	config = config_load(conf.arg, error);
	if (!config) {
		log_error("%s", error);
		return 2;
	}
	if (conf.action == OPT_CHECK) {
		config_free(config);
		return 0;
	}
	return run(conf.arg, config);
}
