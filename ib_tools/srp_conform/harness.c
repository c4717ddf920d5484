// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Failures, rows, results, time. */
#include <json-c/json.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "harness.h"

u64 random_state = 1;

static struct result result;
static jmp_buf *on_failure;
static jmp_buf on_skip;
static bool hooked;

/* ---- the running case ------------------------------------------------------------------------------ */

static void add_text(char *buf, size_t size, const char *text)
{
	size_t len = strlen(buf);

	snprintf(buf + len, size - len, "%s%s", len ? "; " : "", text);
}

static void note_failure(const char *text)
{
	char line[400];

	snprintf(line, sizeof(line), "%s%s%s", result.row, result.row[0] ? ": " : "", text);
	/* The first few tell what is wrong. */
	if (result.failures++ < 3)
		add_text(result.why, sizeof(result.why), line);
	if (conf.verbose)
		fprintf(stderr, "  not ok: %s\n", line);
}

void fail(const char *fmt, ...)
{
	char text[300];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	note_failure(text);
	print_logs();
	longjmp(*on_failure, 1);
}

void skip(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(result.why, sizeof(result.why), fmt, args);
	va_end(args);
	result.skipped = true;
	longjmp(on_skip, 1);
}

/* Returns whether @fn passed. */
static bool attempt(void (*fn)(const void *arg), const void *arg)
{
	jmp_buf here, *outer = on_failure;

	on_failure = &here;
	if (setjmp(here)) {
		on_failure = outer;
		close_all();
		return false;
	}
	fn(arg);
	on_failure = outer;
	return true;
}

bool row(void (*fn)(const void *arg), const void *arg, const char *fmt, ...)
{
	va_list args;
	bool good;

	va_start(args, fmt);
	vsnprintf(result.row, sizeof(result.row), fmt, args);
	va_end(args);
	if (conf.verbose)
		fprintf(stderr, "  %s\n", result.row);
	/* The first and the last say what the case is about; in between it would be too much. */
	if (!result.rows++)
		snprintf(result.first_row, sizeof(result.first_row), "%s", result.row);
	snprintf(result.last_row, sizeof(result.last_row), "%s", result.row);
	good = attempt(fn, arg);
	result.row[0] = '\0';
	return good;
}

void sent(const char *fmt, ...)
{
	char text[200];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (conf.verbose)
		fprintf(stderr, "  %s\n", text);
	add_text(result.sent, sizeof(result.sent), text);
}

void saw(const char *fmt, ...)
{
	char text[sizeof(result.seen[0].text)];
	struct seen *s = result.seen;
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (result.mute)
		return;
	while (s < result.seen + MAX_SEEN - 1 && s->count && strcmp(s->text, text))
		s++;
	if (!s->count)
		strcpy(s->text, text);
	s->count++;
}

static void run_case(const void *arg)
{
	((const struct conf_case *)arg)->run();
}

/* P5: whatever the case did, the target goes on. */
static void check_after(const void *arg)
{
	struct srpi_chan *ch = login_settled(SRP_LOGIN_MC_SINGLE);
	struct srpi_iu iu;

	(void)arg;
	build_in(&iu, AS_CDB(CDB_INQUIRY(36)), 0, 36);
	do_good(ch, &iu);
	expect_conserved(ch);
}

static void end_case(void)
{
	close_all();
	if (hooked)
		call_hook("reset");
	hooked = false;
	end_session_of_case();
}

const struct result *run_one(const struct conf_case *c)
{
	long begin = now_ms();
	bool skipped;

	memset(&result, 0, sizeof(result));
	result.c = c;
	if (!setjmp(on_skip))
		attempt(run_case, c);
	/* What the skipping left is no failure. */
	skipped = result.skipped;
	end_case();
	snprintf(result.row, sizeof(result.row), "afterwards");
	result.mute = true;
	if (!skipped && !setjmp(on_skip))
		result.unusable = !attempt(check_after, NULL);
	end_case();
	result.skipped = skipped;
	result.ms = now_ms() - begin;
	return &result;
}

/* ---- what happens on the target -------------------------------------------------------------------- */

int call_hook(const char *what)
{
	char command[500];
	int status;

	snprintf(command, sizeof(command), "%s %s", conf.hook, what);
	status = system(command);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

void hook(const char *what)
{
	int code;

	if (!conf.hook)
		skip("needs --hook, for \"%s\"", what);
	hooked = true;
	code = call_hook(what);
	if (code == HOOK_CANNOT)
		skip("the target cannot do \"%s\"", what);
	if (code)
		fail("the hook failed: %s, exit code %d", what, code);
}

void mark_file(const char *path, const char *what)
{
	FILE *file = fopen(path, "w");

	if (!file)
		return;
	fprintf(file, "srp_conform: %s\n", what);
	fclose(file);
}

void mark_trace(const char *what)
{
	if (conf.kmsg)
		mark_file("/sys/kernel/tracing/trace_marker", what);
}

/* ---- results --------------------------------------------------------------------------------------- */

static void describe_sent(const struct result *r, char *buf, size_t size)
{
	if (r->rows > 1)
		snprintf(buf, size, "%s%s%d rows, from \"%s\" to \"%s\"", r->sent, r->sent[0] ? "; " : "", r->rows,
			 r->first_row, r->last_row);
	else
		snprintf(buf, size, "%s%s%s", r->sent, r->sent[0] && r->rows ? "; " : "", r->first_row);
}

static void describe_seen(const struct result *r, char *buf, size_t size)
{
	const struct seen *s;
	char text[sizeof(s->text) + 20];

	buf[0] = '\0';
	for (s = r->seen; s < r->seen + MAX_SEEN && s->count; s++) {
		if (s->count > 1)
			snprintf(text, sizeof(text), "%s (%d times)", s->text, s->count);
		else
			snprintf(text, sizeof(text), "%s", s->text);
		add_text(buf, size, text);
	}
}

static const char *verdict(const struct result *r)
{
	return r->failures ? "not ok" : r->skipped ? "skip" : "ok";
}

void print_text(const struct result *r)
{
	char text[2000];

	printf("%s %s %s%s%s\n", verdict(r), r->c->id, r->c->rule, r->why[0] ? ": " : "", r->why);
	if (conf.verbose && !r->skipped) {
		describe_sent(r, text, sizeof(text));
		printf("    sent:     %s\n", text);
		printf("    expected: %s\n", r->c->expected);
		describe_seen(r, text, sizeof(text));
		printf("    seen:     %s\n    %ld ms\n", text, r->ms);
	}
	fflush(stdout);
}

struct json_object *as_json(const struct result *r)
{
	struct json_object *o = json_object_new_object();
	char text[2000];

	json_object_object_add(o, "id", json_object_new_string(r->c->id));
	json_object_object_add(o, "rule", json_object_new_string(r->c->rule));
	json_object_object_add(o, "result", json_object_new_string(verdict(r)));
	describe_sent(r, text, sizeof(text));
	json_object_object_add(o, "sent", json_object_new_string(text));
	json_object_object_add(o, "expected", json_object_new_string(r->c->expected));
	describe_seen(r, text, sizeof(text));
	json_object_object_add(o, "seen", json_object_new_string(text));
	json_object_object_add(o, "why", json_object_new_string(r->why));
	json_object_object_add(o, "unusable", json_object_new_boolean(r->unusable));
	json_object_object_add(o, "ms", json_object_new_int64(r->ms));
	return o;
}

/* ---- time and chance ------------------------------------------------------------------------------- */

u32 loops(u32 some, u32 all)
{
	if (conf.count)
		return conf.count;
	return conf.run_long ? all : some;
}

long now_ms(void)
{
	return srpi_now_ns() / 1000000;
}

void sleep_ms(long ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&t, NULL);
}

u64 next_random(void)
{
	u64 z = random_state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

u32 below(u32 n)
{
	return next_random() % n;
}
