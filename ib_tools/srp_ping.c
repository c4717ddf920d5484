// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* srp_ping: does an SRP target answer, who is it, and how long does it take? See srp_ping(1). */
#include <errno.h>
#include <math.h>
#include <string.h>
#include <sys/param.h>

#include "tool.h"

static struct {
	u64	count;		/* 0: for ever */
	u64	interval;	/* ns */
	u32	size;
	bool	quiet;
} conf = { .interval = 1000000000 };

static struct {
	u64		sent, answered, bad, late;
	struct tool_hist rtt;
	struct json_object *replies;
} seen;

struct command {
	const char	*name;
	u8		cdb[16];
	u8		cdb_len;
};

/* ---- options --------------------------------------------------------------------------------------- */

static const struct argp_option options[] = {
	{ "count", 'c', "N", 0, "commands to send, default: until it is interrupted", 0 },
	{ "interval", 'i', "SECONDS", 0, "from one to the next, default 1; 0: as soon as there is an answer", 0 },
	{ "size", 's', "BYTES", 0, "READ that much from the beginning of the LUN, instead of TEST UNIT READY", 0 },
	{ "quiet", 'q', NULL, 0, "only print who answers, and the summary", 0 },
	{ NULL, 0, NULL, 0, NULL, 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case 'c':
		conf.count = tool_number(arg, 1, ~0ULL >> 1, state);
		break;
	case 'i':
		conf.interval = tool_seconds(arg, state) * 1e9;
		break;
	case 's':
		conf.size = tool_number(arg, 1, 16 << 20, state);
		break;
	case 'q':
		conf.quiet = true;
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

/* ---- who it is ------------------------------------------------------------------------------------- */

static void print_disk(const struct tool_disk *d)
{
	if (!d->vendor[0] && !d->product[0])
		return;
	printf("  LUN %u: %s %s %s%s%s%s%s\n", tool.lun, d->vendor, d->product, d->revision,
	       d->serial[0] ? ", serial " : "", d->serial, d->designator[0] ? ", " : "", d->designator);
}

static void add_disk(const struct tool_disk *disk)
{
	struct json_object *o = json_object_new_object();

	tool_add_disk(o, disk);
	json_object_object_add(tool_json, "disk", o);
}

/* Returns an exit code; a LUN that does not answer well is for the commands that follow to tell. */
static int introduce(struct srpi_chan *ch, const struct srpi_mem *mem, struct tool_disk *disk)
{
	static const u8 test_unit_ready[6] = { 0 };
	struct json_object *o = json_object_new_object();
	const char *why = NULL;
	struct srpi_rsp rsp;
	char id[33];
	int ret;

	tool_add_login(o, ch);
	json_object_object_add(tool_json, "session", o);
	if (!tool.json)
		printf("SRP ping of %s over %s, initiator port id %s\n  %s\n", tool.where, tool_port(ch),
		       tool_hex(id, tool.target.i_port_id, SRPI_PORT_ID_LEN), tool_granted(ch));
	ret = tool_identify(ch, mem, disk, &why);
	if (ret)
		return tool_lost(ch, ret);
	if (why)
		tool_error(TOOL_FAILED, "INQUIRY of LUN %u: %s", tool.lun, why);
	/* That the LUN is new to us is no error. */
	ret = tool_command(ch, test_unit_ready, sizeof(test_unit_ready), NULL, 0, &rsp);
	if (ret)
		return tool_lost(ch, ret);
	if (!tool.json)
		print_disk(disk);
	return 0;
}

/* What is asked again and again; returns an exit code. */
static int choose_command(struct srpi_chan *ch, const struct srpi_mem *mem, struct tool_disk *disk, struct command *cmd)
{
	const char *why = NULL;
	u32 blocks;
	int ret;

	*cmd = (struct command) { .name = "TEST UNIT READY", .cdb_len = 6 };
	if (!conf.size)
		return 0;
	ret = tool_capacity(ch, mem, disk, &why);
	if (ret)
		return tool_lost(ch, ret);
	if (why || !disk->block_size)
		return tool_error(TOOL_FAILED, "READ CAPACITY of LUN %u: %s", tool.lun, why ? why : "no block size");
	if (conf.size % disk->block_size || conf.size / disk->block_size > disk->blocks)
		return tool_error(TOOL_USAGE,
				  "--size must be a multiple of %u, and not more than the LUN has: %llu blocks",
				  disk->block_size, disk->blocks);
	blocks = conf.size / disk->block_size;
	cmd->cdb_len = blocks > 0xffff ? 16 : 10;
	cmd->name = blocks > 0xffff ? "READ(16)" : "READ(10)";
	tool_rw_cdb(cmd->cdb, cmd->cdb_len, false, 0, blocks);
	return 0;
}

/* ---- the pings ------------------------------------------------------------------------------------- */

/*
 * Takes what comes until @end, or until the answer to @tag if that is not 0: then 1. Returns 0 at the end, also when
 * the user has had enough; or a negative errno.
 */
static int wait_until(struct srpi_chan *ch, u64 tag, u64 end, struct srpi_rsp *rsp)
{
	u64 now = srpi_now_ns();
	int ret;

	do {
		/* A signal does not end the wait. */
		const int slice = now < end ? MIN(100, (end - now + 999999) / 1000000) : 0;

		ret = srpi_recv_rsp(ch, rsp, slice);
		if (!ret && rsp->tag == tag)
			return 1;
		if (!ret)
			seen.late++;
		else if (ret != -ETIMEDOUT)
			return ret;
		now = srpi_now_ns();
	} while (now < end && !tool_stopped);
	return 0;
}

static void report(const struct command *cmd, u64 seq, double ms, const char *what)
{
	struct json_object *o;

	if (conf.quiet)
		return;
	if (!tool.json) {
		printf("%s: seq=%llu ", cmd->name, seq);
		if (ms >= 0)
			printf("time=%.3f ms%s", ms, what ? " " : "");
		printf("%s\n", what ? what : "");
		return;
	}
	o = json_object_new_object();
	tool_add_int(o, "seq", seq);
	if (ms >= 0)
		tool_add_double(o, "time_ms", ms);
	tool_add_text(o, "result", what ? what : "GOOD");
	json_object_array_add(seen.replies, o);
}

static int ping(struct srpi_chan *ch, const struct command *cmd, const struct srpi_mem *mem, u64 seq)
{
	struct srpi_rsp rsp;
	struct srpi_iu iu;
	u8 lun[8];
	u64 begin;
	int ret;

	seen.sent++;
	if (srpi_credits(ch) <= 0) {
		report(cmd, seq, -1, "not sent: the request limit is used up by commands without an answer");
		ret = wait_until(ch, 0, srpi_now_ns() + tool.timeout * 1000000ULL, &rsp);
		return MIN(ret, 0);
	}
	srpi_lun(lun, tool.lun);
	srpi_cmd(&iu, srpi_next_tag(), lun, cmd->cdb, cmd->cdb_len);
	if (conf.size)
		srpi_direct(&iu, SRPI_IN, srpi_desc(mem, 0, conf.size));
	begin = srpi_now_ns();
	ret = srpi_send(ch, &iu);
	if (!ret)
		ret = wait_until(ch, srpi_iu_tag(&iu), begin + tool.timeout * 1000000ULL, &rsp);
	if (ret < 0)
		return ret;
	if (!ret && tool_stopped) {
		seen.sent--;
	} else if (!ret) {
		report(cmd, seq, -1, "no answer");
	} else {
		const u64 ns = srpi_now_ns() - begin;

		seen.answered++;
		seen.bad += !tool_good(&rsp);
		tool_hist_add(&seen.rtt, ns);
		report(cmd, seq, ns / 1e6, tool_good(&rsp) ? NULL : tool_rsp_str(&rsp));
	}
	return 0;
}

/* Returns an exit code. */
static int ping_all(struct srpi_chan *ch, const struct command *cmd, const struct srpi_mem *mem)
{
	const u64 begin = srpi_now_ns();
	struct srpi_rsp rsp;
	int ret = 0;
	u64 seq;

	for (seq = 1; !tool_stopped && (!conf.count || seq <= conf.count); seq++) {
		/* Credits, and the end of the session, may come at any time. */
		if (seq > 1 && conf.interval)
			ret = wait_until(ch, 0, begin + (seq - 1) * conf.interval, &rsp);
		if (ret >= 0 && !tool_stopped)
			ret = ping(ch, cmd, mem, seq);
		if (ret < 0)
			return tool_lost(ch, ret);
	}
	return seen.answered == seen.sent && !seen.bad ? TOOL_OK : TOOL_FAILED;
}

static void summary(u64 ns)
{
	const struct tool_hist *h = &seen.rtt;
	const double lost = seen.sent ? 100.0 * (seen.sent - seen.answered) / seen.sent : 0;
	struct json_object *o;

	if (!tool.json) {
		printf("--- %s ---\n%llu commands, %llu answered, %llu with an error, %.4g%% lost, time %.0f ms\n",
		       tool.where, seen.sent, seen.answered, seen.bad, lost, ns / 1e6);
		if (seen.late)
			printf("%llu answers came too late\n", seen.late);
		if (h->nr)
			printf("rtt min/avg/max/mdev = %.3f/%.3f/%.3f/%.3f ms\n", h->min / 1e6, h->mean / 1e6,
			       h->max / 1e6, tool_hist_stdev(h) / 1e6);
		return;
	}
	o = json_object_new_object();
	tool_add_int(o, "sent", seen.sent);
	tool_add_int(o, "answered", seen.answered);
	tool_add_int(o, "errors", seen.bad);
	tool_add_int(o, "late", seen.late);
	tool_add_double(o, "min_ms", h->min / 1e6);
	tool_add_double(o, "avg_ms", h->mean / 1e6);
	tool_add_double(o, "max_ms", h->max / 1e6);
	tool_add_double(o, "mdev_ms", tool_hist_stdev(h) / 1e6);
	json_object_object_add(tool_json, "replies", seen.replies);
	json_object_object_add(tool_json, "summary", o);
}

static int run(struct srpi *s)
{
	/* Asked for so as to see whether the target has it. */
	const struct srpi_login_opts opts = { .flags = SRP_LOGIN_IMM, .iu_len = tool.iu_len };
	struct tool_disk disk = { 0 };
	struct srpi_mem mem = { 0 };
	struct srpi_chan *ch;
	struct command cmd;
	u64 begin;
	int ret;

	seen.replies = json_object_new_array();
	ret = tool_login(s, &opts, &ch);
	if (ret)
		return ret;
	ret = srpi_mem_alloc(s, MAX(conf.size, TOOL_MEM_LEN) + TOOL_MEM_SPARE, SRPI_ACCESS_DATA, &mem);
	if (ret)
		return tool_error(TOOL_UNREACHABLE, "memory cannot be registered: %s", strerror(-ret));
	ret = introduce(ch, &mem, &disk);
	if (!ret)
		ret = choose_command(ch, &mem, &disk, &cmd);
	add_disk(&disk);
	if (!ret) {
		begin = srpi_now_ns();
		ret = ping_all(ch, &cmd, &mem);
		summary(srpi_now_ns() - begin);
	}
	/* Not before: something may still be on its way there. */
	srpi_chan_close(ch);
	srpi_mem_free(&mem);
	return ret;
}

int main(int argc, char **argv)
{
	static const struct argp argp = {
		options, parse, "TARGET",
		"Logs in to an SRP target, says who answers, and measures how long commands take. TARGET is as for "
		"ib_srp: id_ext=...,ioc_guid=...,dest=ADDR:PORT.\v"
		"Exit codes: 0 all commands were answered, 1 some were not, or with an error, 2 bad usage, 3 the "
		"target cannot be reached, 4 it rejected the login, 5 it broke the protocol.",
		tool_children, NULL, NULL,
	};

	return tool_main("srp_ping", &argp, argc, argv, run);
}
