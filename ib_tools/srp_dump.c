// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* srp_dump: information units of SRP, field by field. See srp_dump(1). */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "srp_dump/dump.h"

struct dump_conf conf = { .imm_off = SRPI_IMM_OFF };

static enum { HEX, BINARY, CAPTURE } input;
static const char *file_name;

/* What was seen. */
static u64 nr_entries;
static bool problems;

/* ---- output ---------------------------------------------------------------------------------------- */

/* With --json: all entries, and of the current one itself, its fields and its problems. */
static struct {
	struct json_object *all, *entry, *fields, *problems;
} json;

void entry_begin(const char *where, const char *type, u32 len)
{
	nr_entries++;
	if (!conf.json) {
		printf("%s%s: %s, %u bytes\n", nr_entries > 1 ? "\n" : "", where, type, len);
		return;
	}
	json.entry = json_object_new_object();
	json.fields = json_object_new_array();
	json.problems = json_object_new_array();
	tool_add_text(json.entry, "where", where);
	tool_add_text(json.entry, "type", type);
	tool_add_int(json.entry, "length", len);
}

/* For one argument list that is used once; what is too long is cut. */
#define FORMAT(text, fmt)					\
	do {							\
		va_list args;					\
								\
		va_start(args, fmt);				\
		vsnprintf(text, sizeof(text), fmt, args);	\
		va_end(args);					\
	} while (0)

void entry_field(u32 off, u32 len, const char *name, const char *fmt, ...)
{
	struct json_object *o;
	char text[320];

	FORMAT(text, fmt);
	if (!conf.json) {
		printf("%6u  %-34s %s\n", off, name, text);
		return;
	}
	o = json_object_new_object();
	tool_add_int(o, "offset", off);
	tool_add_int(o, "length", len);
	tool_add_text(o, "name", name + strspn(name, " "));
	tool_add_text(o, "value", text);
	json_object_array_add(json.fields, o);
}

void entry_problem(const char *fmt, ...)
{
	char text[320];

	FORMAT(text, fmt);
	problems = true;
	if (conf.json)
		json_object_array_add(json.problems, json_object_new_string(text));
	else
		printf("    !!  %s\n", text);
}

void entry_verdict(bool accepted, const char *fmt, ...)
{
	char text[320];

	FORMAT(text, fmt);
	problems |= !accepted;
	if (!conf.json) {
		printf("    =>  %s\n", text);
		return;
	}
	json_object_object_add(json.entry, "accepted", json_object_new_boolean(accepted));
	tool_add_text(json.entry, "verdict", text);
}

void entry_end(void)
{
	if (!conf.json)
		return;
	json_object_object_add(json.entry, "fields", json.fields);
	json_object_object_add(json.entry, "problems", json.problems);
	json_object_array_add(json.all, json.entry);
}

void input_problem(const char *where, const char *fmt, ...)
{
	char text[320];

	FORMAT(text, fmt);
	problems = true;
	fflush(stdout);
	fprintf(stderr, "srp_dump: %s: %s\n", where, text);
}

/* ---- options --------------------------------------------------------------------------------------- */

enum { OPT_IMM = 0x100, OPT_FROM };

static const struct argp_option options[] = {
	{ "binary", 'b', NULL, 0, "the input is the bytes of one IU", 0 },
	{ "pcap", 'p', NULL, 0, "the input is a capture of tcpdump or ibdump", 0 },
	{ "lines", '1', NULL, 0, "each line is an IU, not each paragraph", 0 },
	{ "imm-offset", OPT_IMM, "N", 0, "offset of immediate data by the login, default 68; 0: none was agreed", 0 },
	{ "from", OPT_FROM, "WHO", 0, "who sent it: initiator or target, default: told by the IU", 0 },
	{ "json", 'j', NULL, 0, "JSON instead of text", 0 },
	{ NULL, 0, NULL, 0, NULL, 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case 'b':
		input = BINARY;
		break;
	case 'p':
		input = CAPTURE;
		break;
	case '1':
		conf.lines = true;
		break;
	case OPT_IMM:
		conf.imm_off = tool_number(arg, 0, 0xffff, state);
		break;
	case OPT_FROM:
		if (strcmp(arg, "initiator") && strcmp(arg, "target"))
			argp_error(state, "--from is initiator or target");
		conf.from = arg[0] == 'i' ? FROM_INITIATOR : FROM_TARGET;
		break;
	case 'j':
		conf.json = true;
		break;
	case ARGP_KEY_ARG:
		if (file_name)
			argp_error(state, "only one FILE");
		file_name = arg;
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

/* ---- the program ----------------------------------------------------------------------------------- */

static int read_all(FILE *file)
{
	const char *name = file_name ? file_name : "input";
	int ret = TOOL_OK;

	switch (input) {
	case HEX:
		read_hex(file, name);
		break;
	case BINARY:
		read_binary(file, name);
		break;
	case CAPTURE:
		return read_capture(file, name);
	}
	if (ferror(file)) {
		input_problem(name, "%s", strerror(errno));
		ret = TOOL_USAGE;
	}
	fclose(file);
	return ret;
}

int main(int argc, char **argv)
{
	static const struct argp argp = {
		options,
		parse,
		"[FILE]",
		"Prints information units of SRP field by field, and what ib_srpt would say to them. FILE (or the "
		"standard input) has them in hexadecimal, with or without blanks and offsets, as xxd, hexdump -C, od "
		"and "
		"tcpdump -X print them.\v"
		"Exit codes: 0 all of them are well formed, 1 some are not, 2 bad usage, or the file cannot be read.",
		NULL,
		NULL,
		NULL,
	};
	FILE *file;
	int ret;

	argp_err_exit_status = TOOL_USAGE;
	if (argp_parse(&argp, argc, argv, 0, NULL, NULL))
		return TOOL_USAGE;
	file = file_name && strcmp(file_name, "-") ? fopen(file_name, "r") : stdin;
	if (!file) {
		fprintf(stderr, "srp_dump: %s: %s\n", file_name, strerror(errno));
		return TOOL_USAGE;
	}
	json.all = json_object_new_array();
	ret = read_all(file);
	if (conf.json)
		puts(json_object_to_json_string_ext(json.all,
						    JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(json.all);
	if (!ret && !nr_entries && !problems)
		input_problem(file_name ? file_name : "input", "there is no IU");
	return ret ? ret : problems;
}
