// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* srp_conform: does an SRP target what it must? See srp_conform(1). */
#include <argp.h>
#include <arpa/inet.h>
#include <ctype.h>
#include <infiniband/ib.h>
#include <json-c/json.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "harness.h"

struct conf conf = { .held_lun = -1, .read_only_lun = -1, .timeout = 10000 };

/* CMD-06 before what aborts commands: on a device where LIO of Linux 6.1 has done that it never runs an ORDERED one. */
static const struct conf_case *const files[] = {
	login_cases, cmd_cases, channel_cases, race_cases, iu_cases, cdb_cases, desc_cases, imm_cases, length_cases, rdma_cases,
	lun_cases, credit_cases, tmf_cases, rsp_cases, logout_cases, access_cases, cm_cases, dm_cases, ib_cases, tm_queue_cases,
	tm_cases, tm_drop_cases,
};

/* ---- options --------------------------------------------------------------------------------------- */

static const struct argp_option options[] = {
	{ "lun", 'l', "N", 0, "scratch LUN, which is OVERWRITTEN: 512-byte blocks, 64 MiB or more (needed)", 0 },
	{ "held-lun", 'H', "N", 0, "LUN on a device that the hook can hold", 0 },
	{ "read-only-lun", 'r', "N", 0, "LUN that this initiator may not write", 0 },
	{ "hook", 'k', "PROGRAM", 0, "program that does something on the target's side", 0 },
	{ "second", '2', "TARGET", 0, "the same target by another port", 0 },
	{ "stranger", 's', "ADDR", 0, "local address, or GID, from which no login is allowed", 0 },
	{ "pkey", 'p', "HEX", 0, "P_Key of another partition that has both ends", 0 },
	{ "timeout", 't', "MS", 0, "to wait for anything, default 10000", 0 },
	{ "long", 'L', NULL, 0, "also what takes hours", 0 },
	{ "count", 'n', "N", 0, "how often to repeat what is repeated: random IUs, logins, ...", 0 },
	{ "seed", 'S', "N", 0, "of everything random, default: the time", 0 },
	{ "json", 'j', "FILE", 0, "also write the results there, - for standard output instead of text", 0 },
	{ "except", 'e', "ID", 0, "not this requirement or section; may be said again", 0 },
	{ "stop", 'x', NULL, 0, "end where the target cannot be used any more", 0 },
	{ "kmsg", 'm', NULL, 0, "mark each requirement in the kernel log and trace of this machine", 0 },
	{ "list", 'i', NULL, 0, "list the requirements and end", 0 },
	{ "verbose", 'v', NULL, 0, "each row, and what happened on the channels of a bad one", 0 },
	{ NULL, 0, NULL, 0, NULL, 0 },
};

static const char *json_file;
static bool list_only, stop_unusable;
static char **patterns;
static int nr_patterns;
#define MAX_EXCEPT	64
static char *excepted[MAX_EXCEPT];
static int nr_excepted;

/* A section, LOG; or an id, LOG-05, with LOG-05b */
static bool matches(const char *id, const char *pattern)
{
	size_t len = strlen(pattern);

	return !strncmp(id, pattern, len) && (!id[len] || id[len] == '-' || islower(id[len]));
}

static bool is_known(const char *pattern)
{
	const struct conf_case *c;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(files); i++)
		for (c = files[i]; c->id; c++)
			if (matches(c->id, pattern))
				return true;
	return false;
}

static void check_patterns(char **list, int nr, struct argp_state *state)
{
	int i;

	for (i = 0; i < nr; i++)
		if (!is_known(list[i]))
			argp_error(state, "there is no requirement '%s', --list names them", list[i]);
}

static int number(const char *text, struct argp_state *state)
{
	char *end;
	long n = strtol(text, &end, 0);

	if (*end || !*text || n < 0 || n > 1 << 24)
		argp_error(state, "'%s' is no number", text);
	return n;
}

static u16 pkey(const char *text, struct argp_state *state)
{
	char *end;
	unsigned long v = strtoul(text, &end, 16);

	if (*end || !(v & 0x7fff) || v > 0xffff)
		argp_error(state, "'%s' is no P_Key", text);
	return v;
}

static void target(const char *text, struct srpi_target *t, struct argp_state *state)
{
	const char *why;

	if (srpi_parse_target(text, t, &why))
		argp_error(state, "target '%s': %s", text, why);
}

static void source(const char *text, struct argp_state *state)
{
	struct addrinfo hints = { .ai_flags = AI_NUMERICHOST }, *found;

	if (getaddrinfo(text, NULL, &hints, &found))
		argp_error(state, "'%s' is no IP address", text);
	memcpy(&conf.stranger, found->ai_addr, found->ai_addrlen);
	freeaddrinfo(found);
}

/* A GID is written like an address. */
static void check_stranger(struct argp_state *state)
{
	const struct sockaddr_in6 in6 = *(const struct sockaddr_in6 *)&conf.stranger;
	struct sockaddr_ib *ib = (void *)&conf.stranger;

	if (!conf.stranger.ss_family || conf.target.dst.ss_family != AF_IB)
		return;
	if (in6.sin6_family != AF_INET6)
		argp_error(state, "for this target --stranger is a GID");
	memset(&conf.stranger, 0, sizeof(conf.stranger));
	ib->sib_family = AF_IB;
	memcpy(&ib->sib_addr, &in6.sin6_addr, sizeof(ib->sib_addr));
}

/* What an option without an argument sets, or NULL. */
static bool *flag(int key)
{
	switch (key) {
	case 'L':
		return &conf.run_long;
	case 'x':
		return &stop_unusable;
	case 'm':
		return &conf.kmsg;
	case 'i':
		return &list_only;
	case 'v':
		return &conf.verbose;
	}
	return NULL;
}

static void check_options(struct argp_state *state)
{
	check_patterns(patterns, nr_patterns, state);
	check_patterns(excepted, nr_excepted, state);
	if (!list_only && !conf.target.dst.ss_family)
		argp_error(state, "which target? id_ext=...,ioc_guid=...,dest=ADDR:PORT");
	check_stranger(state);
	if (!list_only && conf.lun < 0)
		argp_error(state, "which LUN may be overwritten? Say --lun");
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	if (flag(key)) {
		*flag(key) = true;
		return 0;
	}
	switch (key) {
	case 'l':
		conf.lun = number(arg, state);
		break;
	case 'H':
		conf.held_lun = number(arg, state);
		break;
	case 'r':
		conf.read_only_lun = number(arg, state);
		break;
	case 'k':
		conf.hook = arg;
		break;
	case '2':
		target(arg, &conf.second, state);
		conf.has_second = true;
		break;
	case 's':
		source(arg, state);
		break;
	case 'p':
		conf.pkey = pkey(arg, state);
		break;
	case 't':
		conf.timeout = number(arg, state);
		break;
	case 'n':
		conf.count = number(arg, state);
		break;
	case 'S':
		random_state = strtoull(arg, NULL, 0);
		break;
	case 'j':
		json_file = arg;
		break;
	case 'e':
		if (nr_excepted == MAX_EXCEPT)
			argp_error(state, "too many exceptions");
		excepted[nr_excepted++] = arg;
		break;
	case ARGP_KEY_ARGS:
		if (!list_only)
			target(state->argv[state->next++], &conf.target, state);
		patterns = state->argv + state->next;
		nr_patterns = state->argc - state->next;
		break;
	case ARGP_KEY_END:
		check_options(state);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

/* ---- which cases ----------------------------------------------------------------------------------- */

static bool wanted(const struct conf_case *c)
{
	bool found = !nr_patterns;
	int i;

	for (i = 0; i < nr_patterns; i++)
		found |= matches(c->id, patterns[i]);
	for (i = 0; i < nr_excepted; i++)
		found &= !matches(c->id, excepted[i]);
	return found;
}

/* tests/conform/report knows this text. */
#define NEEDS_IB_TEXT	"needs a target that is reached by IB/CM"

/* Why it cannot be run here, or NULL. */
static const char *missing(const struct conf_case *c)
{
	if (!c->run)
		return c->why;
	if (c->needs & NEEDS_IB && conf.target.dst.ss_family != AF_IB)
		return NEEDS_IB_TEXT;
	if (c->needs & NEEDS_HOLD && (conf.held_lun < 0 || !conf.hook))
		return "needs --held-lun and --hook";
	if (c->needs & NEEDS_HOOK && !conf.hook)
		return "needs --hook";
	if (c->needs & NEEDS_SECOND && !conf.has_second)
		return "needs --second";
	if (c->needs & NEEDS_STRANGER && !conf.stranger.ss_family)
		return "needs --stranger";
	if (c->needs & NEEDS_READONLY && conf.read_only_lun < 0)
		return "needs --read-only-lun";
	if (c->needs & NEEDS_LONG && !conf.run_long)
		return "takes long: --long";
	return NULL;
}

static const struct result *run_or_skip(const struct conf_case *c)
{
	static struct result skipped;
	const char *why = missing(c);

	if (!why)
		return run_one(c);
	memset(&skipped, 0, sizeof(skipped));
	skipped.c = c;
	skipped.skipped = true;
	snprintf(skipped.why, sizeof(skipped.why), "%s", why);
	return &skipped;
}

static int counts[3];	/* passed, failed, skipped */

static int write_json(struct json_object *array)
{
	const int flags = JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE;

	if (!json_file || list_only)
		return 0;
	if (!strcmp(json_file, "-")) {
		puts(json_object_to_json_string_ext(array, flags));
		return 0;
	}
	if (json_object_to_file_ext(json_file, array, flags)) {
		fprintf(stderr, "srp_conform: cannot write %s: %s\n", json_file, json_util_get_last_err());
		return -1;
	}
	return 0;
}

/* Returns whether to go on. */
static bool run_and_report(const struct conf_case *c, struct json_object *array)
{
	const bool text = !json_file || strcmp(json_file, "-");
	const struct result *r;

	if (conf.kmsg) {
		mark_file("/dev/kmsg", c->id);
		mark_trace(c->id);
	}
	r = run_or_skip(c);
	counts[r->failures ? 1 : r->skipped ? 2 : 0]++;
	json_object_array_add(array, as_json(r));
	if (!text)
		return !r->unusable || !stop_unusable;
	print_text(r);
	/* After each: the next may take this machine with it. */
	return !write_json(array) && (!r->unusable || !stop_unusable);
}

static void run_all(struct json_object *array)
{
	const struct conf_case *c;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(files); i++) {
		for (c = files[i]; c->id; c++) {
			if (!wanted(c))
				continue;
			if (list_only)
				printf("%-8s %s\n", c->id, c->rule);
			else if (!run_and_report(c, array))
				return;
		}
	}
}

const char *argp_program_version = "srp_conform " SRP_TOOLS_VERSION;

int main(int argc, char **argv)
{
	static const struct argp argp = {
		options, parse, "TARGET [ID...]\n--list [ID...]",
		"Tests the requirements of SRP by id against the target TARGET, which is given as to ib_srp: "
		"id_ext=...,ioc_guid=...,dest=ADDR:PORT, or ...,dgid=...,pkey=...,service_id=... An ID may also be a section: LOG.\v"
		"Exit codes: 0 all passed, 1 some failed, 2 bad usage, 3 the target cannot be reached.",
		NULL, NULL, NULL,
	};
	struct json_object *array = json_object_new_array();
	const char *why;

	conf.lun = -1;
	random_state = time(NULL);
	setvbuf(stdout, NULL, _IOLBF, 0);
	argp_err_exit_status = 2;
	if (argp_parse(&argp, argc, argv, 0, NULL, NULL))
		return 2;
	if (!list_only) {
		fprintf(stderr, "seed %llu\n", random_state);
		why = begin_session();
		if (why) {
			fprintf(stderr, "srp_conform: no way to the target: %s\n", why);
			return 3;
		}
	}
	run_all(array);
	if (!list_only) {
		if (!json_file || strcmp(json_file, "-"))
			printf("%d passed, %d failed, %d skipped\n", counts[0], counts[1], counts[2]);
		end_session();
	}
	if (write_json(array))
		return 1;
	json_object_put(array);
	return counts[1] ? 1 : 0;
}
