/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * What the files of srp_hostile share: the tests that are not in srp_hostile.c, for its table.
 * @args are those of the test, NULL where there is none; a test returns whether it passed.
 */
#ifndef HOSTILE_H
#define HOSTILE_H

#include "ini.h"

#define LUN_IS(n)	((u64)(n) << 48)
#define TASK		0xfedcba9876543210ULL	/* a tag that is in no command */

/* hostile_io.c */
bool test_channels(char **args);
bool test_credits(char **args);
bool test_overrun(char **args);
bool test_residuals(char **args);
bool test_completions(char **args);
bool test_silence(char **args);
bool test_disconnect(char **args);

/* hostile_login.c */
bool test_logins(char **args);
bool test_aborts(char **args);
bool test_takeover(char **args);
bool test_wronglun(char **args);
bool test_stranded(char **args);

bool test_tables(char **args);

/* hostile_fuzz.c */
bool test_fuzz(char **args);

#endif
