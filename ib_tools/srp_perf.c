// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* srp_perf: how fast is an SRP target? See srp_perf(1). */
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

#include "srp_perf/perf.h"

#define MIB	(1024.0 * 1024)
#define ALL_MIN	512
#define ALL_MAX	(1u << 20)
#define ALL_NR	12

struct perf_conf conf = { .channels = 1, .depth = 16 };

static u32 size = 4096;
static bool all_sizes, may_overwrite, cdb16;
static const char *op = "randread";

/* ---- options --------------------------------------------------------------------------------------- */

enum { OPT_OVERWRITE = 0x200, OPT_CDB16 };

static const struct argp_option options[] = {
	{ "op", 'o', "OP", 0, "read, write, randread or randwrite, default randread", 0 },
	{ "size", 's', "BYTES", 0, "of each command, default 4k", 0 },
	{ "all", 'a', NULL, 0, "all sizes from 512 bytes to 1 MiB", 0 },
	{ "iodepth", 't', "N", 0, "commands in flight on each channel, default 16", 0 },
	{ "channels", 'q', "N", 0, "channels of the session, default 1", 0 },
	{ "iters", 'n', "N", 0, "commands for each size, default 5000", 0 },
	{ "time", 'D', "SECONDS", 0, "for each size, instead of --iters", 0 },
	{ "immediate", 'm', NULL, 0, "small writes carry their data in the command", 0 },
	{ "indirect", 'I', "N", 0, "N memory descriptors for each command, instead of one", 0 },
	{ "cdb16", OPT_CDB16, NULL, 0, "READ(16) and WRITE(16) also where the commands of 10 bytes will do", 0 },
	{ "events", 'e', NULL, 0, "sleep until something comes, instead of polling", 0 },
	{ "i-overwrite-lun", OPT_OVERWRITE, NULL, 0, "writes are meant: all data of the LUN may be lost", 0 },
	{ NULL, 0, NULL, 0, NULL, 0 },
};

static void check_op(const char *text, struct argp_state *state)
{
	op = text;
	conf.random = !strncmp(text, "rand", 4);
	text += conf.random ? 4 : 0;
	conf.write = !strcmp(text, "write");
	if (!conf.write && strcmp(text, "read"))
		argp_error(state, "--op is read, write, randread or randwrite");
}

static void check_all(struct argp_state *state)
{
	if (conf.write && !may_overwrite)
		argp_error(state, "writes destroy what is on LUN %u: if that is meant, say --i-overwrite-lun",
			   tool.lun);
	if (conf.immediate && !conf.write)
		argp_error(state, "--immediate is for writes");
	if (conf.immediate && conf.indirect)
		argp_error(state, "--immediate or --indirect, not both");
	if (conf.iters && conf.ns)
		argp_error(state, "--iters or --time, not both");
	if (!conf.iters && !conf.ns)
		conf.iters = 5000;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case 'o':
		op = arg;
		break;
	case 's':
		size = tool_number(arg, 1, PERF_MAX_SIZE, state);
		break;
	case 'a':
		all_sizes = true;
		break;
	case 't':
		conf.depth = tool_number(arg, 1, PERF_MAX_DEPTH, state);
		break;
	case 'q':
		conf.channels = tool_number(arg, 1, PERF_MAX_CHANNELS, state);
		break;
	case 'n':
		conf.iters = tool_number(arg, 1, 1ULL << 40, state);
		break;
	case 'D':
		conf.ns = MAX(1, tool_seconds(arg, state) * 1e9);
		break;
	case 'm':
		conf.immediate = true;
		break;
	case 'I':
		conf.indirect = tool_number(arg, 1, PERF_MAX_INDIRECT, state);
		break;
	case 'e':
		conf.events = true;
		break;
	case OPT_CDB16:
		cdb16 = true;
		break;
	case OPT_OVERWRITE:
		may_overwrite = true;
		break;
	case ARGP_KEY_END:
		check_op(op, state);
		check_all(state);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

/* ---- what is printed ------------------------------------------------------------------------------- */

#define RULE	"---------------------------------------------------------------------------------------\n"
#define BW_HEAD	" #bytes     #iterations    BW peak[MB/sec]    BW average[MB/sec]   MsgRate[Mpps]   IOPS\n"
#define LAT_HEAD \
	" #bytes #iterations    t_min[usec]    t_max[usec]  t_typical[usec]    t_avg[usec]    t_stdev[usec]   " \
	"99% percentile[usec]   99.9% percentile[usec]\n"

static void print_head(const struct tool_disk *d)
{
	char id[33];

	printf(RULE "                    SRP %s%s Test\n", conf.random ? "random " : "", conf.write ? "WRITE" : "READ");
	printf(" Target          : %s over %s\n", tool.where, tool_port(perf_chan()));
	printf(" Initiator       : %s\n", tool_hex(id, tool.target.i_port_id, SRPI_PORT_ID_LEN));
	printf(" LUN             : %u, %s %s, %llu blocks of %u bytes\n", tool.lun, d->vendor, d->product, d->blocks,
	       d->block_size);
	printf(" Login           : %s\n", tool_granted(perf_chan()));
	printf(" Channels        : %-4u            Depth : %u each\n", conf.channels, conf.depth);
	printf(" Command         : %s(%u), ", conf.write ? "WRITE" : "READ", conf.cdb_len);
	if (conf.immediate)
		printf("immediate data where it fits\n");
	else if (conf.indirect)
		printf("%u indirect descriptors\n", conf.indirect);
	else
		printf("direct descriptor\n");
	printf(" CQ Moderation   : %s\n", conf.events ? "events" : "busy polling");
	fputs(RULE BW_HEAD, stdout);
}

static double seconds(const struct perf_result *r)
{
	return r->ns ? r->ns / 1e9 : 1;
}

static void print_bandwidth(const struct perf_result *r)
{
	const double rate = r->iters / seconds(r);

	printf(" %-7u    %-10llu       %-7.2f            %-7.2f              %-7.6f        %.0f\n", r->size, r->iters,
	       r->peak / MIB, rate * r->size / MIB, rate / 1e6, rate);
	if (r->retries)
		printf("   %llu commands were sent again, after BUSY, TASK SET FULL or UNIT ATTENTION\n", r->retries);
}

static void print_latency(const struct perf_result *r)
{
	const struct tool_hist *h = &r->latency;

	printf(" %-7u %-10llu     %-7.2f        %-7.2f      %-7.2f          %-7.2f        %-7.2f         "
	       "%-7.2f                %-7.2f\n",
	       r->size, h->nr, h->min / 1e3, h->max / 1e3, tool_hist_percentile(h, 50) / 1e3, h->mean / 1e3,
	       tool_hist_stdev(h) / 1e3, tool_hist_percentile(h, 99) / 1e3, tool_hist_percentile(h, 99.9) / 1e3);
}

static struct json_object *result_json(const struct perf_result *r)
{
	static const struct { const char *key; double p; } percentiles[] = {
		{ "p50", 50 }, { "p90", 90 }, { "p99", 99 }, { "p99.9", 99.9 }, { "p99.99", 99.99 },
	};
	struct json_object *o = json_object_new_object(), *l = json_object_new_object();
	const struct tool_hist *h = &r->latency;
	unsigned int i;

	tool_add_int(o, "bytes", r->size);
	tool_add_int(o, "iterations", r->iters);
	tool_add_int(o, "retries", r->retries);
	json_object_object_add(o, "immediate", json_object_new_boolean(r->immediate));
	tool_add_double(o, "seconds", r->ns / 1e9);
	tool_add_double(o, "iops", r->iters / seconds(r));
	tool_add_double(o, "bytes_per_second", r->iters / seconds(r) * r->size);
	tool_add_double(o, "peak_bytes_per_second", r->peak);
	tool_add_double(l, "min", h->min / 1e3);
	tool_add_double(l, "max", h->max / 1e3);
	tool_add_double(l, "avg", h->mean / 1e3);
	tool_add_double(l, "stdev", tool_hist_stdev(h) / 1e3);
	for (i = 0; i < ARRAY_SIZE(percentiles); i++)
		tool_add_double(l, percentiles[i].key, tool_hist_percentile(h, percentiles[i].p) / 1e3);
	json_object_object_add(o, "latency_us", l);
	return o;
}

static void add_conf(void)
{
	struct json_object *o = json_object_new_object();

	tool_add_text(o, "op", op);
	tool_add_int(o, "channels", conf.channels);
	tool_add_int(o, "iodepth", conf.depth);
	tool_add_int(o, "indirect", conf.indirect);
	tool_add_int(o, "cdb", conf.cdb_len);
	json_object_object_add(o, "events", json_object_new_boolean(conf.events));
	json_object_object_add(tool_json, "test", o);
}

/* ---- what is measured ------------------------------------------------------------------------------ */

/* What the LUN cannot do, in words; NULL if it can. */
static const char *unfit(const struct tool_disk *d, u32 bytes)
{
	static char text[128];

	if (bytes % d->block_size)
		snprintf(text, sizeof(text), "%u bytes are no multiple of the block size %u", bytes, d->block_size);
	else if (bytes / d->block_size > d->blocks)
		snprintf(text, sizeof(text), "%u bytes are more than LUN %u has", bytes, tool.lun);
	else if (d->max_blocks && bytes / d->block_size > d->max_blocks)
		snprintf(text, sizeof(text), "%u bytes are more than LUN %u takes at once: %u blocks of %u bytes",
			 bytes, tool.lun, d->max_blocks, d->block_size);
	else
		return NULL;
	return text;
}

static void note_unfit(const char *why)
{
	if (!tool.json)
		printf(" (%s)\n", why);
}

/* All the sizes; what was measured before a failure is reported. Returns an exit code. */
static int measure(const struct tool_disk *disk)
{
	static struct perf_result results[ALL_NR];
	const u32 from = all_sizes ? ALL_MIN : size, to = all_sizes ? ALL_MAX : size;
	struct json_object *array = json_object_new_array();
	u32 bytes, nr = 0, i;
	int ret = 0;

	for (bytes = from; bytes <= to && !ret && !tool_stopped; bytes *= 2) {
		if (all_sizes && unfit(disk, bytes)) {
			note_unfit(unfit(disk, bytes));
			continue;
		}
		ret = perf_run(disk, bytes, &results[nr]);
		if (!results[nr].iters)
			continue;
		if (!tool.json)
			print_bandwidth(&results[nr]);
		json_object_array_add(array, result_json(&results[nr++]));
	}
	json_object_object_add(tool_json, "results", array);
	if (tool.json || !nr)
		return ret;
	fputs(RULE LAT_HEAD, stdout);
	for (i = 0; i < nr; i++)
		print_latency(&results[i]);
	fputs(RULE, stdout);
	return ret;
}

/* Who is there, and can it do that? Returns an exit code. */
static int look(struct tool_disk *disk)
{
	const char *why = NULL;
	struct json_object *o;
	int ret;

	ret = tool_identify(perf_chan(), perf_mem(), disk, &why);
	if (!ret && !why)
		ret = tool_capacity(perf_chan(), perf_mem(), disk, &why);
	if (ret)
		return tool_lost(perf_chan(), ret);
	if (why)
		return tool_error(TOOL_FAILED, "LUN %u: %s", tool.lun, why);
	if (!disk->block_size)
		return tool_error(TOOL_FAILED, "LUN %u is no disk: its block size is 0", tool.lun);
	o = json_object_new_object();
	tool_add_login(o, perf_chan());
	json_object_object_add(tool_json, "session", o);
	o = json_object_new_object();
	tool_add_disk(o, disk);
	json_object_object_add(tool_json, "disk", o);
	if (!all_sizes && unfit(disk, size))
		return tool_error(TOOL_USAGE, "%s", unfit(disk, size));
	conf.cdb_len =
		cdb16 || disk->blocks >> 32 || (all_sizes ? ALL_MAX : size) / disk->block_size > 0xffff ? 16 : 10;
	add_conf();
	return 0;
}

static int look_and_measure(void)
{
	const struct srpi_login_rsp *login;
	struct tool_disk disk = { 0 };
	int ret;

	ret = look(&disk);
	if (ret)
		return ret;
	login = srpi_chan_login(perf_chan());
	if (conf.immediate && !login->imm)
		return tool_error(TOOL_FAILED, "the target takes no immediate data: leave out --immediate");
	if (conf.indirect && 68 + conf.indirect * sizeof(struct srp_wire_desc) > MIN(login->max_it_iu_len, tool.iu_len))
		return tool_error(TOOL_USAGE, "%u descriptors do not fit into an IU of %u bytes", conf.indirect,
				  MIN(login->max_it_iu_len, tool.iu_len));
	if (conf.depth > (u32)login->limit)
		fprintf(stderr, "srp_perf: the request limit is %d: no more than that will be in flight on a channel\n",
			login->limit);
	if (!tool.json)
		print_head(&disk);
	return measure(&disk);
}

static int run(struct srpi *s)
{
	int ret = perf_begin(s, all_sizes ? ALL_MAX : size);

	if (!ret)
		ret = look_and_measure();
	perf_end();
	return ret;
}

int main(int argc, char **argv)
{
	static const struct argp argp = {
		options, parse, "TARGET",
		"Measures how fast an SRP target reads and writes. TARGET is as for ib_srp: "
		"id_ext=...,ioc_guid=...,dest=ADDR:PORT.\v"
		"Exit codes: 0 all went well, 1 a command failed or was not answered, 2 bad usage, 3 the target cannot "
		"be reached, 4 it rejected the login, 5 it broke the protocol.",
		tool_children, NULL, NULL,
	};

	return tool_main("srp_perf", &argp, argc, argv, run);
}
