// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* The channels of srp_perf, and the commands on them. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

#include "perf.h"

/* A command that may be in flight; its IU is built once for a size, but for LBA and tag. */
struct slot {
	u64		begin;
	u64		lba;
	bool		busy;
	struct srpi_iu	iu;
};

/* A channel with its slots. */
struct lane {
	struct srpi_chan	*ch;
	struct slot		*slots;
	u16			*free;
	u32			nr_free;
};

static struct lane lanes[PERF_MAX_CHANNELS];
static struct srpi_chan *chans[PERF_MAX_CHANNELS];
static struct srpi_mem mem;

/* One measurement. */
static struct {
	const struct tool_disk	*disk;
	struct perf_result	*r;
	u32			blocks;		/* of a command */
	u64			places;		/* where one can go */
	u64			next;
	u64			random;
	u64			sent, flying;
	u64			begin, last;	/* last: something came */
	u64			window, window_bytes;
	int			code;
} run;

/* splitmix64 */
static u64 next_random(void)
{
	u64 z = run.random += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

/* ---- channels -------------------------------------------------------------------------------------- */

static int make_lane(struct lane *lane)
{
	lane->slots = calloc(conf.depth, sizeof(*lane->slots));
	lane->free = calloc(conf.depth, sizeof(*lane->free));
	if (!lane->slots || !lane->free)
		return tool_error(TOOL_FAILED, "out of memory: try fewer --channels, a lower --iodepth");
	return 0;
}

int perf_begin(struct srpi *s, u32 max_size)
{
	struct srpi_login_opts opts = {
		.iu_len = tool.iu_len,
		.flags = conf.immediate ? SRP_LOGIN_IMM : 0,
		/* Answers of all, and some requests of the target. */
		.recvs = MAX(256, conf.depth + 32),
		.sends = MAX(512, conf.depth + 32),
		.send_mem = (conf.depth + 32) * (tool.iu_len + 64),
	};
	const size_t len = (size_t)max_size * conf.depth * conf.channels;
	size_t pos;
	u64 word;
	u32 i;
	int ret = 0;

	for (i = 0; i < conf.channels && !ret; i++) {
		ret = tool_login(s, &opts, &chans[i]);
		lanes[i].ch = chans[i];
		if (!ret)
			ret = make_lane(&lanes[i]);
		opts.flags |= SRP_LOGIN_MC_MULTI;
	}
	if (ret)
		return ret;
	ret = srpi_mem_alloc(s, MAX(len, TOOL_MEM_LEN) + TOOL_MEM_SPARE, SRPI_ACCESS_DATA, &mem);
	if (ret)
		return tool_error(TOOL_UNREACHABLE,
				  "%zu MiB of memory cannot be registered: %s; try fewer --channels, a lower "
				  "--iodepth or --size, ulimit -l",
				  len >> 20, strerror(-ret));
	/* What is written should not compress. */
	for (pos = 0; conf.write && pos < mem.len; pos += sizeof(word)) {
		word = next_random();
		memcpy(mem.addr + pos, &word, sizeof(word));
	}
	return 0;
}

void perf_end(void)
{
	u32 i;

	for (i = 0; i < conf.channels; i++) {
		srpi_chan_close(chans[i]);
		free(lanes[i].slots);
		free(lanes[i].free);
	}
	srpi_mem_free(&mem);
}

struct srpi_chan *perf_chan(void)
{
	return chans[0];
}

const struct srpi_mem *perf_mem(void)
{
	return &mem;
}

/* ---- commands -------------------------------------------------------------------------------------- */

static void append_table(struct srpi_iu *iu, enum srpi_dir dir, size_t off, u32 size)
{
	struct srp_wire_desc list[PERF_MAX_INDIRECT];
	/* An entry has one byte at least. */
	const u32 nr = MIN(conf.indirect, size), each = size / nr;
	struct srp_wire_desc table = { .len = htobe32(nr * sizeof(list[0])) };
	u32 i;

	for (i = 0; i < nr; i++)
		list[i] = srpi_desc(&mem, off + i * each, i + 1 < nr ? each : size - i * each);
	srpi_indirect(iu, dir, table, list, nr, size);
}

static void build(struct slot *slot, size_t off, u32 size)
{
	const enum srpi_dir dir = conf.write ? SRPI_OUT : SRPI_IN;
	u8 cdb[16], lun[8];

	tool_rw_cdb(cdb, conf.cdb_len, conf.write, 0, run.blocks);
	srpi_lun(lun, tool.lun);
	srpi_cmd(&slot->iu, 0, lun, cdb, conf.cdb_len);
	if (run.r->immediate)
		srpi_immediate(&slot->iu, SRPI_IMM_OFF, mem.addr + off, size);
	else if (conf.indirect)
		append_table(&slot->iu, dir, off, size);
	else
		srpi_direct(&slot->iu, dir, srpi_desc(&mem, off, size));
}

/* Returns 0, -EAGAIN for a full send queue, or another errno. */
static int send_slot(struct lane *lane, u16 nr)
{
	struct slot *slot = &lane->slots[nr];
	struct srp_wire_cmd *w = srpi_as_cmd(&slot->iu);
	const u64 tag = htobe64((u64)(lane - lanes) << 56 | (run.sent & 0xffffffffffULL) << 16 | nr);
	int ret;

	memcpy(&w->tag, &tag, sizeof(tag));
	tool_rw_cdb(w->cdb, conf.cdb_len, conf.write, slot->lba, run.blocks);
	slot->begin = srpi_now_ns();
	ret = srpi_send(lane->ch, &slot->iu);
	if (!ret)
		run.sent++;
	return ret;
}

static bool wants_more(void)
{
	if (run.code || tool_stopped)
		return false;
	if (conf.iters)
		return run.r->iters + run.flying < conf.iters;
	return srpi_now_ns() - run.begin < conf.ns;
}

/* As many as the request limit and the depth let. Returns whether there was one. */
static bool fill(struct lane *lane)
{
	bool any = false;
	int ret;

	while (lane->nr_free && srpi_credits(lane->ch) > 0 && wants_more()) {
		const u16 nr = lane->free[lane->nr_free - 1];
		struct slot *slot = &lane->slots[nr];

		slot->lba = (conf.random ? next_random() % run.places : run.next % run.places) * run.blocks;
		ret = send_slot(lane, nr);
		if (ret == -EAGAIN)
			break;
		if (ret) {
			run.code = tool_lost(lane->ch, ret);
			break;
		}
		run.next++;
		run.flying++;
		slot->busy = true;
		lane->nr_free--;
		any = true;
	}
	return any;
}

/* ---- answers --------------------------------------------------------------------------------------- */

static bool worth_a_retry(const struct srpi_rsp *rsp)
{
	return rsp->status == 0x08 || rsp->status == 0x28 || (rsp->status == 0x02 && srpi_sense(rsp) >> 16 == 0x6);
}

static void count(const struct slot *slot, u64 now)
{
	struct perf_result *r = run.r;

	r->iters++;
	r->ns = now - run.begin;
	tool_hist_add(&r->latency, now - slot->begin);
	run.last = now;
	run.window_bytes += r->size;
	if (now - run.window >= 100000000) {
		r->peak = MAX(r->peak, run.window_bytes * 1e9 / (now - run.window));
		run.window = now;
		run.window_bytes = 0;
	}
}

static void take_answer(struct lane *lane, const struct srpi_rsp *rsp)
{
	const u16 nr = be64toh(rsp->tag);
	struct slot *slot = &lane->slots[nr % conf.depth];

	if (nr >= conf.depth || !slot->busy || rsp->tag != srpi_iu_tag(&slot->iu)) {
		run.code = tool_error(TOOL_PROTOCOL,
				      "the target broke the protocol: an answer to tag %016llx, which nothing has",
				      (u64)be64toh(rsp->tag));
		return;
	}
	if (worth_a_retry(rsp) && !tool_stopped && !run.code) {
		run.r->retries++;
		if (!send_slot(lane, nr))
			return;
	} else if (tool_good(rsp)) {
		count(slot, srpi_now_ns());
	} else if (!run.code) {
		run.code = tool_error(TOOL_FAILED, "%s(%u) of %u blocks at LBA %llu: %s", conf.write ? "WRITE" : "READ",
				      conf.cdb_len, run.blocks, slot->lba, tool_rsp_str(rsp));
	}
	slot->busy = false;
	lane->free[lane->nr_free++] = nr;
	run.flying--;
}

/* Returns whether something came, or the channel is lost. */
static bool drain(struct lane *lane)
{
	struct srpi_rsp rsp;
	bool any = false;
	int ret;

	while (!(ret = srpi_recv_rsp(lane->ch, &rsp, 0))) {
		take_answer(lane, &rsp);
		any = true;
		/* What is free is sent before more is received. */
		if (lane->nr_free > conf.depth / 2)
			return true;
	}
	if (ret == -ETIMEDOUT && !srpi_stats(lane->ch)->failed)
		return any;
	if (!run.code)
		run.code = tool_lost(lane->ch, ret);
	run.flying = 0;
	return true;
}

/* Nothing came. */
static void idle(void)
{
	const u64 silence = srpi_now_ns() - run.last;

	if (conf.events)
		srpi_wait(chans, conf.channels, 100);
	else if (silence > 100000000)
		srpi_wait(chans, conf.channels, 1);	/* sees whether the connection is still there */
	if (silence / 1000000 > (u64)tool.timeout) {
		run.code = tool_lost(chans[0], -ETIMEDOUT);
		run.flying = 0;
	}
}

/* ---- a measurement --------------------------------------------------------------------------------- */

static void prepare(const struct tool_disk *disk, u32 size)
{
	const struct srpi_login_rsp *login = srpi_chan_login(chans[0]);
	size_t off = 0;
	u32 c, d;

	run.blocks = size / disk->block_size;
	run.places = disk->blocks / run.blocks;
	run.random = srpi_now_ns();
	run.r->size = size;
	run.r->immediate = conf.immediate && conf.write && login->imm &&
			   SRPI_IMM_OFF + size <= MIN(tool.iu_len, login->max_it_iu_len);
	for (c = 0; c < conf.channels; c++) {
		for (d = 0; d < conf.depth; d++, off += size) {
			build(&lanes[c].slots[d], off, size);
			lanes[c].slots[d].busy = false;
			lanes[c].free[d] = d;
		}
		lanes[c].nr_free = conf.depth;
	}
}

int perf_run(const struct tool_disk *disk, u32 size, struct perf_result *r)
{
	bool any;
	u32 i;

	memset(&run, 0, sizeof(run));
	memset(r, 0, sizeof(*r));
	run.r = r;
	prepare(disk, size);
	run.begin = run.last = run.window = srpi_now_ns();
	do {
		any = false;
		for (i = 0; i < conf.channels; i++) {
			any |= fill(&lanes[i]);
			any |= drain(&lanes[i]);
		}
		if (!any)
			idle();
	} while (run.flying || wants_more());
	if (r->ns)
		r->peak = MAX(r->peak, (double)r->iters * size * 1e9 / r->ns);
	return run.code;
}
