// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Random IUs: good ones of every kind, of which most are changed a little. */
#include <stdlib.h>
#include <string.h>

#include "conform.h"

#define BATCH		32		/* IUs that are sent at once: what is behind one that ends the channel is lost */
#define TABLE_AT	(3u << 20)	/* of the data: descriptor tables */
#define TABLE_LEN	64		/* entries */
#define AREA		(2u << 20)	/* of the data: buffers */

struct batch {
	struct srpi_iu	iu[BATCH];
	bool		answered[BATCH];
	u32		nr;
	bool		aborts;		/* some may remain without an answer */
	bool		ends;		/* something in it may end the channel although it needs no credit */
};

static struct batch batch;
static u64 logins;

/* ---- IUs ------------------------------------------------------------------------------------------- */

static void append_random_desc(struct srpi_iu *iu, u32 len)
{
	append_desc(iu, below(AREA), len);
}

/* @listed of the entries are in the IU. */
static void build_tabled(struct srpi_iu *iu, bool out, u32 entries, u32 listed)
{
	const u32 lba = below(1024), len = entries * 64 / BLOCK;
	struct srp_wire_cmd *w;

	w = begin_cmd(iu, out ? AS_CDB(CDB_WRITE(lba, len)) : AS_CDB(CDB_READ(lba, len)), out ? 0x20 : 0x02);
	*(out ? &w->data_out_desc_cnt : &w->data_in_desc_cnt) = listed;
	append_desc(iu, TABLE_AT, entries * 16);
	srpi_append_be32(iu, entries * 64);
	while (listed--)
		append_random_desc(iu, 64);
}

static void build_function(struct srpi_iu *iu)
{
	static const u8 functions[] = { 0x01, 0x02, 0x04, 0x08, 0x40, 0x20, 0x00 };

	build_tmf(iu, functions[below(sizeof(functions))], LUN_IS(lun), below(4) ? TASK : next_random());
}

static void build_imm(struct srpi_iu *iu)
{
	static const u8 bytes[8192];
	const u32 blocks = 1 + below(below(8) ? 2 : 16);

	begin_cmd(iu, AS_CDB(CDB_WRITE(below(1024), blocks)), 0);
	srpi_immediate(iu, SRPI_IMM_OFF, bytes, blocks * BLOCK);
}

/* READ(32), or nothing anybody knows */
static void build_long_cdb(struct srpi_iu *iu)
{
	struct cdb cdb = { { 0x7f, 0, 0, 0, 0, 0, 0, 24, 0, 9 }, .len = 32 };

	if (below(2))
		cdb.b[9] = next_random();
	cdb.b[31] = 1;
	begin_cmd(iu, cdb, 1);
	append_random_desc(iu, BLOCK);
}

static void build_good(struct srpi_iu *iu)
{
	const u32 lba = below(1024), blocks = below(16);

	switch (below(12)) {
	case 0:
		build_tur(iu);
		break;
	case 1:
		build_in(iu, AS_CDB(CDB_INQUIRY(255)), below(AREA), 255);
		break;
	case 2:
	case 3:
		build_in(iu, AS_CDB(CDB_READ(lba, blocks)), below(AREA), blocks * BLOCK);
		break;
	case 4:
	case 5:
		build_out(iu, AS_CDB(CDB_WRITE(lba, blocks)), below(AREA), blocks * BLOCK);
		break;
	case 6:
		build_tabled(iu, false, 16, 16);
		break;
	case 7:
		build_tabled(iu, true, 8, 8);
		break;
	case 8:
		build_tabled(iu, below(2), 8 * (1 + below(TABLE_LEN / 8)), below(9));
		break;
	case 9:
		build_imm(iu);
		break;
	case 10:
		build_long_cdb(iu);
		break;
	default:
		build_function(iu);
	}
}

static const u32 interesting[] = {
	0, 1, 15, 16, 17, 64, 511, 512, 4096, 65536, 0x7fffffff, 0x80000000, 0xfffffff0, 0xffffffff,
};

static void set_be32(struct srpi_iu *iu, u32 pos, u32 v)
{
	const __be32 be = htobe32(v);

	memcpy(iu->b + pos, &be, sizeof(be));
}

/* Where counts, formats and lengths are. */
static void change_field(struct srpi_iu *iu)
{
	static const u8 bytes[] = { 5, 6, 7, 29, 31, 39 }, lengths[] = { 60, 64, 80, 96 };

	if (below(2))
		iu->b[bytes[below(sizeof(bytes))]] = below(2) ? next_random() : 1u << below(8);
	else
		set_be32(iu, lengths[below(sizeof(lengths))], below(2) ? interesting[below(ARRAY_SIZE(interesting))] :
			 below(8192));
}

static void change_length(struct srpi_iu *iu)
{
	if (!below(8) || iu->len < 48)
		iu->len += below(64);
	else if (below(100))
		iu->len = 16 + below(iu->len - 15);
	else
		iu->len = below(16);
}

/* Most of the bytes in a descriptor are keys and addresses, which end the channel: they are seldom changed. */
static void change(struct srpi_iu *iu)
{
	u32 pos;

	switch (below(8)) {
	case 0:
		iu->b[below(48)] ^= 1 << below(8);
		break;
	case 1:
		iu->b[below(48)] = next_random();
		break;
	case 2:
		pos = below(12) * 4;
		set_be32(iu, pos, interesting[below(ARRAY_SIZE(interesting))]);
		break;
	case 3:
		iu->b[32] = next_random();
		break;
	case 4:
		change_length(iu);
		break;
	case 5:
		if (!below(32) && iu->len)
			iu->b[below(iu->len)] ^= 1 << below(8);
		break;
	default:
		change_field(iu);
	}
}

/* What would outlast the test, or take for ever, is left out; and nothing goes to other LUNs. */
static void make_harmless(struct srpi_iu *iu)
{
	/* FORMAT UNIT, RESERVE, START STOP UNIT, SANITIZE, PERSISTENT RESERVE OUT, MAINTENANCE OUT, WRITE SAME */
	static const u8 avoided[] = { 0x04, 0x16, 0x56, 0x1b, 0x48, 0x5f, 0xa4, 0x41, 0x93 };

	if (memchr(avoided, iu->b[32], sizeof(avoided)) || (iu->b[32] == 0x7f && iu->b[41] == 0x0d))
		iu->b[32] = 0x12;
	/* LIO of Linux 6.1 never runs an ORDERED command on a device on which one was aborted before. */
	if ((iu->b[29] & 7) == 2)
		iu->b[29] ^= 1;
	/* Half a MiB; but not always. */
	if (below(256))
		iu->b[39] &= 3;
	srpi_lun(iu->b + 20, lun);
	if (!below(16))
		iu->b[22 + below(6)] = next_random();
	/* Most are requests. */
	if (below(512))
		iu->b[0] = iu->b[0] & 1 ? SRP_OP_TSK_MGMT : SRP_OP_CMD;
}

static void build_random(struct srpi_iu *iu)
{
	u32 n = below(4);

	/* What a longer IU has behind what was built. */
	memset(iu->b, 0, 1024);
	build_good(iu);
	while (n--)
		change(iu);
	make_harmless(iu);
	if (iu->len > SRPI_IU_LEN)
		iu->len = SRPI_IU_LEN;
}

/* ---- sending --------------------------------------------------------------------------------------- */

static void print_batch(void)
{
	u32 i, j;

	for (i = 0; conf.verbose && i < batch.nr; i++) {
		fprintf(stderr, "  IU %u, %sanswered, %u bytes:", i, batch.answered[i] ? "" : "not ", batch.iu[i].len);
		for (j = 0; j < batch.iu[i].len; j++)
			fprintf(stderr, "%s%02x", j % 4 ? "" : " ", batch.iu[i].b[j]);
		fprintf(stderr, "\n");
	}
}

static bool is_request(const struct srpi_iu *iu)
{
	return iu->len && (iu->b[0] == SRP_OP_CMD || iu->b[0] == SRP_OP_TSK_MGMT);
}

static void make_batch(s64 credits)
{
	u32 i;

	batch.nr = credits < BATCH ? credits : BATCH;
	batch.aborts = false;
	batch.ends = false;
	for (i = 0; i < batch.nr; i++) {
		build_random(&batch.iu[i]);
		batch.aborts |= batch.iu[i].b[0] == SRP_OP_TSK_MGMT;
		batch.ends |= !is_request(&batch.iu[i]);
		batch.answered[i] = !is_request(&batch.iu[i]);
	}
}

/* Two may have got the same tag. */
static void note_answer(const struct srpi_rsp *r)
{
	u32 i;

	for (i = 0; i < batch.nr; i++)
		if (!batch.answered[i] && srpi_iu_tag(&batch.iu[i]) == r->tag)
			break;
	if (i == batch.nr)
		fail("an answer to tag %016llx, which is not due", (u64)be64toh(r->tag));
	batch.answered[i] = true;
}

/* Until all credits are back, or the channel is closed. Returns how many IUs were dealt with. */
static u32 await_batch(struct srpi_chan *ch, bool *closed)
{
	const s64 limit = srpi_chan_login(ch)->limit;
	struct srpi_rsp r;
	u32 i, nr = 0;

	*closed = false;
	while (srpi_credits(ch) < limit || batch.ends) {
		bool idle = srpi_credits(ch) >= limit;

		switch (wait_rsp(ch, &r, idle ? 300 : conf.timeout)) {
		case WAIT_RSP:
			note_answer(&r);
			nr++;
			continue;
		case WAIT_CLOSED:
			*closed = true;
			return nr + 1;
		case WAIT_TIMEOUT:
			break;
		}
		if (!idle)
			fail("neither an answer nor the end of the channel");
		break;
	}
	if (srpi_credits(ch) > limit)
		fail("%lld credits, but the limit is %lld", srpi_credits(ch), limit);
	for (i = 0; i < batch.nr && !batch.aborts; i++)
		if (!batch.answered[i])
			fail("IU %u was not answered, although its credit came back", i);
	return batch.nr;
}

static u32 run_batch(struct srpi_chan *ch, bool *closed)
{
	const struct srpi_iu *list[BATCH];
	u32 i;

	make_batch(srpi_credits(ch));
	for (i = 0; i < batch.nr; i++)
		list[i] = &batch.iu[i];
	if (srpi_send_list(ch, list, batch.nr))
		fail("%s", srpi_error(ch));
	return await_batch(ch, closed);
}

static struct srpi_chan *fuzz_login(void)
{
	struct srpi_chan *ch;

	ch = login_by(ini, &(struct srpi_login_opts){ .flags = SRP_LOGIN_IMM, .send_mem = 400 << 10 });
	logins++;
	return ch;
}

static void prepare_tables(void)
{
	struct srp_wire_desc *list = (void *)(data + TABLE_AT);
	u32 i;

	for (i = 0; i < TABLE_LEN; i++)
		list[i] = srpi_desc(&data_mem, below(AREA), 64);
}

/* What a random IU may have left: a reservation. */
static void clean_up(void)
{
	struct srpi_chan *ch = login_settled(SRP_LOGIN_MC_SINGLE);
	struct srpi_rsp r;
	struct srpi_iu iu;

	build_tmf(&iu, SRP_TMF_LUN_RESET, LUN_IS(lun), 0);
	ask(ch, &iu, &r);
	settle(ch);
	close_chan(ch);
}

static void send_all(const void *arg)
{
	const u64 nr = *(const u64 *)arg, begin = srpi_now_ns();
	struct srpi_chan *ch = NULL;
	bool closed;
	u64 done = 0;

	while (done < nr) {
		if (!ch)
			ch = fuzz_login();
		done += run_batch(ch, &closed);
		if (!closed)
			continue;
		saw("closed, SRP_T_LOGOUT: %s", srpi_logout_str(srpi_stats(ch)->logout));
		close_chan(ch);
		ch = NULL;
	}
	sent("%llu per second, %llu logins", done * 1000000000 / (srpi_now_ns() - begin), logins);
}

void run_fuzz(u64 nr)
{
	const u64 seed = random_state;

	logins = 0;
	memset(data, 0, DATA_SIZE);
	prepare_tables();
	/* With this seed and no other case the same IUs are sent again. */
	if (!row(send_all, &nr, "%llu random IUs, seed %llu", nr, seed))
		print_batch();
	close_all();
	clean_up();
}
