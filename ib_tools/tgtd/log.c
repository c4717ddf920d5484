// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * See log.h. Under systemd a line begins with its priority, for the journal.
 *
 * A disk that fails, or an initiator out of its mind, may cause the same message for each command.
 * So each format has its budget: what is more is counted, and told with the next that is said.
 */
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "log.h"

#define BUDGET		10	/* of one format ... */
#define WINDOW		10	/* ... in so many seconds */
#define NR_FORMATS	64

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
	const char	*fmt;
	time_t		since;
	unsigned int	said, kept_back;
} formats[NR_FORMATS];

static time_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec;
}

/* Two formats in one place share it: the last one wins. Return: whether to say it. */
static bool in_budget(const char *fmt, unsigned int *kept_back)
{
	unsigned int i = (size_t)fmt / 8 % NR_FORMATS;
	time_t t = now();

	if (formats[i].fmt != fmt || t - formats[i].since >= WINDOW) {
		*kept_back = formats[i].fmt == fmt ? formats[i].kept_back : 0;
		formats[i].fmt = fmt;
		formats[i].since = t;
		formats[i].said = formats[i].kept_back = 0;
	}
	if (formats[i].said < BUDGET) {
		formats[i].said++;
		return true;
	}
	formats[i].kept_back++;
	return false;
}

void log_message(int priority, const char *fmt, ...)
{
	char text[1024], prefix[8] = "";
	unsigned int kept_back = 0;
	va_list args;
	bool say;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (getenv("JOURNAL_STREAM"))
		snprintf(prefix, sizeof(prefix), "<%d>", priority);

	pthread_mutex_lock(&lock);
	say = in_budget(fmt, &kept_back);
	if (kept_back)
		fprintf(stderr, "%ssrp_tgtd: %u messages like the next one were left out\n", prefix, kept_back);
	if (say)
		fprintf(stderr, "%ssrp_tgtd: %s\n", prefix, text);
	pthread_mutex_unlock(&lock);
}
