/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* How cases are run: between main.c, harness.c and session.c; cases need only conform.h. */
#ifndef HARNESS_H
#define HARNESS_H

#include "conform.h"

struct json_object;

#define MAX_SEEN	12

struct seen {
	char	text[80];
	int	count;
};

/**
 * struct result - how a case ended
 * @row: the running one
 * @sent, @first_row, @last_row, @rows: what was sent
 * @why: the first failures, or why it was skipped
 * @failures: how many
 * @unusable: no good login afterwards
 * @mute: what is seen now is not the case's
 */
struct result {
	const struct conf_case	*c;
	char			row[200];
	char			sent[400];
	char			first_row[200];
	char			last_row[200];
	int			rows;
	struct seen		seen[MAX_SEEN];
	char			why[900];
	int			failures;
	bool			skipped;
	bool			unusable;
	bool			mute;
	long			ms;
};

/* Valid until the next call. */
const struct result *run_one(const struct conf_case *c);
void print_text(const struct result *r);
struct json_object *as_json(const struct result *r);

/* session.c */
/* Opens the way to the target. Returns NULL, or what is wrong. */
const char *begin_session(void);
void end_session(void);
/* What only lives as long as a case: other ways, the LUN. */
void end_session_of_case(void);
/* What happened on the channels, if the user wants to know. */
void print_logs(void);

/* tasks.c */
void free_own_mem(void);

/* A line of this program in a file of the kernel. */
void mark_file(const char *path, const char *what);

#endif
