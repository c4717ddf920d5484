// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Large buffers, and many RDMAs at once (DSC-31, DSC-32). */
#include <string.h>

#include "transfer.h"

static struct cdb cdb_16(u8 opcode, u32 blocks)
{
	struct cdb cdb = { { opcode } };
	const __be32 be = htobe32(blocks);

	memcpy(cdb.b + 10, &be, sizeof(be));
	return cdb;
}

static void direct_16(struct srpi_iu *iu, u8 opcode, enum srpi_dir dir, const struct srpi_mem *mem, u32 off, u32 len)
{
	begin_cmd(iu, cdb_16(opcode, len / BLOCK), 0);
	srpi_direct(iu, dir, srpi_desc(mem, off, len));
}

#define SOME	(256u << 10)	/* at both ends of what is read */

/* A LUN may have a limit for what one command moves. */
static const u32 refused = FIELD | BAD_CDB;

static void fill_random(u8 *p, u32 len)
{
	u64 *words = (u64 *)p;

	for (len /= sizeof(*words); len--; words++)
		*words = next_random();
}

static void write_at(struct srpi_chan *ch, u32 lba, const struct srpi_mem *mem, u32 off)
{
	struct cdb cdb = CDB_WRITE(lba, SOME / BLOCK);
	struct srpi_iu iu;

	begin_cmd(&iu, cdb, 0);
	srpi_direct(&iu, SRPI_OUT, srpi_desc(mem, off, SOME));
	do_good(ch, &iu);
}

/* All of it is written if that does not take too long. Returns how much at both ends is known. */
static u32 write_known(struct srpi_chan *ch, const struct srpi_mem *from, u32 len)
{
	struct srpi_iu iu;

	if (len < 4 << 20 || conf.run_long) {
		direct_16(&iu, 0x8a, SRPI_OUT, from, 0, len);
		if (probe(ch, &iu, GOOD | refused, NULL) == GOOD)
			return len;
	}
	write_at(ch, 0, from, 0);
	write_at(ch, (len - SOME) / BLOCK, from, len - SOME);
	return SOME;
}

static void one_big(const void *arg)
{
	const u32 len = *(const u32 *)arg;
	struct srpi_mem *from = own_mem(ini, len + 8192, SRPI_ACCESS_DATA), *to = own_mem(ini, len + 8192, SRPI_ACCESS_DATA);
	struct srpi_chan *ch = shared();
	struct srpi_iu iu;
	u32 i, known;

	fill_random(from->addr, len);
	memset(to->addr, CANARY, to->len);
	known = write_known(ch, from, len);
	direct_16(&iu, 0x88, SRPI_IN, to, 4096, len);
	if (probe(ch, &iu, GOOD | refused, NULL) != GOOD)
		return;
	if (memcmp(to->addr + 4096, from->addr, known) ||
	    memcmp(to->addr + 4096 + len - known, from->addr + len - known, known))
		fail("wrong data");
	for (i = 0; i < 4096; i++)
		if (to->addr[i] != CANARY || to->addr[4096 + len + i] != CANARY)
			fail("memory around the buffer was written");
}

void large_buffers(void)
{
	static const u32 lens[] = { (1 << 20) + BLOCK, 32 << 20 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(lens); i++)
		row(one_big, &lens[i], "READ of %u bytes, one descriptor", lens[i]);
}

#define PIECES	255

/* Commands at once, each with @each bytes in each of its entries, of which @blocks are wanted. */
struct flood {
	u32	commands, each, blocks;
	bool	own_buffers;
};

static void build_flood(struct srpi_iu *iu, const struct flood *f, enum srpi_dir dir, const struct srpi_mem *mem,
			u32 at)
{
	struct srp_wire_desc list[PIECES];
	u32 i;

	for (i = 0; i < PIECES; i++)
		list[i] = srpi_desc(mem, at + 1 + i * f->each, f->each);
	begin_cmd(iu, cdb_16(dir == SRPI_OUT ? 0x8a : 0x88, f->blocks), 0);
	srpi_indirect(iu, dir, srpi_desc(&data_mem, TABLE_AT, sizeof(list)), list, PIECES, PIECES * f->each);
}

static void flood(struct srpi_chan *ch, const struct flood *f, enum srpi_dir dir, const struct srpi_mem *mem)
{
	const u32 buffer = PIECES * f->each + 64;
	static struct tasks tasks;
	struct srpi_rsp r;
	struct srpi_iu iu;
	u32 i;

	tasks.nr = tasks.left = 0;
	for (i = 0; i < f->commands && srpi_credits(ch) > 0; i++) {
		build_flood(&iu, f, dir, mem, f->own_buffers && dir == SRPI_IN ? i * buffer : 0);
		task_send(&tasks, ch, &iu);
	}
	while (tasks.left) {
		task_answer(&tasks, ch, &r);
		if (r.status)
			fail("status %02x, sense %06x", r.status, srpi_sense(&r));
		expect_length(&r, dir, PIECES * f->each, f->blocks * BLOCK);
	}
	saw("%u %s GOOD", tasks.nr, dir == SRPI_OUT ? "WRITEs" : "READs");
}

static void run_flood(const void *arg)
{
	const struct flood *f = arg;
	const u32 buffer = PIECES * f->each + 64, len = f->blocks * BLOCK;
	struct srpi_mem *to = own_mem(ini, (f->own_buffers ? f->commands : 1) * buffer + 4096, SRPI_ACCESS_DATA);
	struct srpi_mem *from = own_mem(ini, buffer + 4096, SRPI_ACCESS_DATA);
	struct srpi_chan *ch;
	u32 i;

	/* Such long IUs, many of them. */
	close_all();
	ch = login_by(ini, &(struct srpi_login_opts){ .send_mem = 640 << 10 });
	settle(ch);
	fill_random(from->addr, buffer);
	flood(ch, f, SRPI_OUT, from);
	flood(ch, f, SRPI_IN, to);
	for (i = 0; i < (f->own_buffers ? f->commands : 1); i++)
		if (memcmp(to->addr + i * buffer + 1, from->addr + 1, len))
			fail("wrong data for READ %u", i);
	tur(ch);
	expect_conserved(ch);
	close_chan(ch);
}

void many_rdmas(void)
{
	static const struct flood some = { 128, 257, 32, true }, full = { 2, 65537, 8192, false };
	static const struct flood all = { 128, 65537, 32640, false };

	row(run_flood, &some, "128 WRITEs, then READs, 16 KiB of 255 entries of 257 bytes");
	if (!conf.run_long)
		row(run_flood, &full, "2 of each, 4 MiB of 255 entries of 65537 bytes");
	else
		row(run_flood, &all, "128 of each, 255 entries of 65537 bytes");
}
