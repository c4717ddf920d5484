// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Requirements of SRP_RSP (RSP). Those of every SRP_RSP are checked by wait_rsp(), with every case. */
#include <string.h>

#include "conform.h"

#define AT		(1u << 20)
#define PAST_END	CDB_READ(0xfffffff0u, 1)

static struct tasks tasks;

/* ---- RSP-01, RSP-02: form ------------------------------------------------------------------------------- */

/* Each kind of answer that can be had without help. */
enum kind { KIND_GOOD, KIND_UNDER, KIND_OVER, KIND_SENSE, KIND_FIELD, KIND_NO_LUN, KIND_TMF, KIND_TMF_REFUSED, NR_KINDS };

static const char *const kinds[NR_KINDS] = {
	"GOOD", "data-in underflow", "data-out overflow", "CHECK CONDITION", "a bad field", "no such LUN", "a function",
	"an unknown function",
};

static void build_kind(struct srpi_iu *iu, enum kind kind)
{
	switch (kind) {
	case KIND_UNDER:
		build_in(iu, AS_CDB(CDB_INQUIRY(36)), AT, 4096);
		break;
	case KIND_OVER:
		build_out(iu, AS_CDB(CDB_WRITE(0, 8)), AT, BLOCK);
		break;
	case KIND_SENSE:
		build_in(iu, AS_CDB(PAST_END), AT, BLOCK);
		break;
	case KIND_FIELD:
		build_out(iu, AS_CDB(CDB_READ(0, 1)), AT, BLOCK);
		break;
	case KIND_NO_LUN:
		build_tur(iu);
		srpi_as_cmd(iu)->lun[7] = 1;
		break;
	case KIND_TMF:
		build_tmf(iu, SRP_TMF_ABORT_TASK, LUN_IS(conf.lun), TASK);
		break;
	case KIND_TMF_REFUSED:
		build_tmf(iu, 0xff, LUN_IS(conf.lun), TASK);
		break;
	default:
		build_tur(iu);
	}
}

static void one_form(const void *arg)
{
	struct srpi_chan *ch = shared();
	const struct srp_wire_rsp *w;
	struct srpi_rsp r;
	struct srpi_iu iu;
	u32 sense, response;

	build_kind(&iu, *(const enum kind *)arg);
	provoke(ch, &iu, GOOD | FIELD | BAD_CDB | BAD_OPCODE | CHECK, &r);
	w = (const void *)r.iu.buf;
	sense = be32toh(w->sense_data_len);
	response = be32toh(w->resp_data_len);
	if (r.iu.len != 36 + response + sense || r.iu.len > srpi_chan_login(ch)->max_ti_iu_len)
		fail("%u bytes, with %u of response and %u of sense data", r.iu.len, response, sense);
	if (!(w->flags & SRP_RSP_SNSVALID) != !sense || !(w->flags & SRP_RSP_RSPVALID) != !response)
		fail("flags %02x, with %u bytes of response and %u of sense data", w->flags, response, sense);
	if (iu.b[0] == SRP_OP_TSK_MGMT && (response != 4 || w->status))
		fail("the answer to a function: %u bytes of response data, status %02x", response, w->status);
	saw("%u + %u + %u bytes", 36, response, sense);
	expect_conserved(ch);
}

static void each_kind(void)
{
	enum kind kind;

	for (kind = 0; kind < NR_KINDS; kind++)
		row(one_form, &kind, "what is answered with %s", kinds[kind]);
}

static void rsp_02(void)
{
	check_reserved = true;
	each_kind();
}

/* ---- RSP-03: sense data that does not fit ----------------------------------------------------------------- */

/* CHECK CONDITION in no more than @size bytes, and with what fits of the sense data. */
static void expect_sense_in(struct srpi_chan *ch, u32 size, const u8 *whole, u32 whole_len)
{
	struct srpi_rsp r;
	struct srpi_iu iu;

	build_in(&iu, AS_CDB(PAST_END), AT, BLOCK);
	ask(ch, &iu, &r);
	if (r.status != 0x02 || r.iu.len > size)
		fail("%u bytes instead of %u, status %02x", r.iu.len, size, r.status);
	saw("%u bytes of sense data", r.sense_len);
	if (whole && (r.sense_len != (whole_len < size - 36 ? whole_len : size - 36) || memcmp(r.sense, whole, r.sense_len)))
		fail("%u bytes of %u of sense data in %u, or wrong ones", r.sense_len, whole_len, size);
	expect_conserved(ch);
}

static void rsp_03(void)
{
	struct srpi_chan *ch = shared();

	sent("READ beyond the end");
	expect_sense_in(ch, srpi_chan_login(ch)->max_ti_iu_len, NULL, 0);
}

struct room {
	u32		size;
	const u8	*whole;
	u32		whole_len;
};

static void little_room(const void *arg)
{
	const struct room *room = arg;
	struct srpi_chan *ch;
	char what[40];

	snprintf(what, sizeof(what), "set srp_max_rsp_size %u", room->size);
	hook(what);
	ch = login(SRP_LOGIN_MC_SINGLE);
	expect_sense_in(ch, room->size, room->whole, room->whole_len);
	close_chan(ch);
}

static void rsp_03b(void)
{
	static const u32 sizes[] = { 40, 54, 131 };
	struct srpi_rsp r;
	struct srpi_iu iu;
	u8 whole[1024];
	unsigned int i;
	u32 len;

	build_in(&iu, AS_CDB(PAST_END), AT, BLOCK);
	ask(shared(), &iu, &r);
	len = r.sense_len;
	memcpy(whole, r.sense, len);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		const struct room room = { sizes[i], whole, len };

		row(little_room, &room, "READ beyond the end, with %u bytes for an answer", sizes[i]);
	}
}

/* ---- RSP-04: data before status ----------------------------------------------------------------------------- */

#define KNOWN		256	/* blocks */

static void rsp_04(void)
{
	const u32 times = loops(120, 1000000);
	struct srpi_chan *ch = shared();
	u32 i, lba, nr, pad;
	struct srpi_iu iu;

	sent("%u READs, the buffer looked at with the answer", times);
	fill_pattern(0, KNOWN * BLOCK, next_random());
	write_blocks(ch, 0, KNOWN, 0);
	for (i = 0; i < times; i++) {
		lba = below(KNOWN);
		nr = 1 + below(KNOWN - lba < 64 ? KNOWN - lba : 64);
		pad = 4 * below(1024);
		memset(data + AT, CANARY, nr * BLOCK + 8192);
		build_in(&iu, AS_CDB(CDB_READ(lba, nr)), AT + pad, nr * BLOCK);
		do_good(ch, &iu);
		expect_same(AT + pad, lba * BLOCK, nr * BLOCK);
		expect_canary(AT + pad + nr * BLOCK, 4096);
	}
	expect_conserved(ch);
}

/* ---- RSP-05: one answer to each request ----------------------------------------------------------------------- */

/* As many at once as the limit allows, until @nr are answered. */
static void soak(struct srpi_chan *ch, u32 nr)
{
	struct srpi_rsp r;
	struct srpi_iu iu;

	memset(&tasks, 0, sizeof(tasks));
	while (nr || tasks.left) {
		if (nr && tasks.nr < MAX_TASKS && srpi_credits(ch) > 0) {
			build_any(&iu);
			task_send(&tasks, ch, &iu);
			nr--;
			continue;
		}
		task_answer(&tasks, ch, &r);
		if (!tasks.left)
			tasks.nr = 0;
	}
	/* And none is answered twice. */
	expect_silence(ch, 100);
	tur(ch);
	expect_conserved(ch);
}

static u32 soak_length(void)
{
	return loops(250, 1000000);
}

static void rsp_05(void)
{
	sent("%u requests, good and bad, as many at once as the limit allows", soak_length());
	soak(shared(), soak_length());
}

static void rsp_05b(void)
{
	sent("%u requests, good and bad, with the shortest send queue of the target", soak_length());
	hook("set srp_sq_size 4");
	soak(login_settled(SRP_LOGIN_MC_SINGLE), soak_length());
}

/* ---- RSP-06: other statuses ------------------------------------------------------------------------------------ */

static void conflict(const void *arg)
{
	struct srpi_chan *ch = shared(), *rival = login_rival(NULL);
	struct srpi_rsp r;
	struct srpi_iu iu;

	(void)arg;
	begin_cmd(&iu, (struct cdb){ { 0x16 } }, 0);	/* RESERVE(6) */
	if (provoke(rival, &iu, GOOD | BAD_OPCODE, NULL) != GOOD)
		skip("the target has no RESERVE(6)");
	build_in(&iu, AS_CDB(CDB_READ(0, 1)), AT, BLOCK);
	provoke(ch, &iu, STATUS, &r);
	if (r.status != 0x18 || r.sense_len)
		fail("status %02x", r.status);
	expect_residual(&r, r.flags & SRP_RSP_DIUNDER, r.flags & SRP_RSP_DIUNDER ? BLOCK : 0);
	begin_cmd(&iu, (struct cdb){ { 0x17 } }, 0);	/* RELEASE(6) */
	do_good(rival, &iu);
	tur(ch);
	expect_conserved(ch);
}

static void rsp_06(void)
{
	row(conflict, NULL, "READ from a LUN that another initiator has reserved");
}

#define NR_HELD		6

/* Whether tasks that others abort are answered is the target's choice: TAS in the control mode page. */
static void rsp_06b(void)
{
	struct srpi_chan *ch, *rival = login_rival(NULL);
	struct srpi_rsp r;
	struct srpi_iu iu;
	u32 i, aborted;

	sent("%u commands that are held, LUN RESET by another initiator", NR_HELD);
	ch = login_settled(SRP_LOGIN_MC_SINGLE);
	settle_held(ch);
	hook("hold");
	memset(&tasks, 0, sizeof(tasks));
	for (i = 0; i < NR_HELD; i++) {
		build_held(&iu, i);
		task_send(&tasks, ch, &iu);
	}
	expect_silence(ch, 200);
	build_tmf(&iu, SRP_TMF_LUN_RESET, LUN_IS(conf.held_lun), 0);
	send_iu(rival, &iu);
	expect_silence(ch, 300);
	hook("release");
	aborted = tasks_end(&tasks, ch, 0x40);
	saw("%u of %u end with TASK ABORTED", aborted, NR_HELD);
	if (wait_rsp(rival, &r, conf.timeout) != WAIT_RSP)
		fail("LUN RESET is not answered");
	expect_code(&r, SRP_RSP_COMPLETE);
	settle_held(ch);
	expect_conserved(ch);
}

const struct conf_case rsp_cases[] = {
	{ "RSP-01", "length of an SRP_RSP", "36 and response and sense data, no more than the login said", each_kind },
	{ "RSP-02", "parts that are not valid", "have no length; reserved bytes are 0", rsp_02 },
	{ "RSP-03", "sense data", "in no more bytes than the login said", rsp_03 },
	{ "RSP-03b", "sense data that does not fit", "is cut; its length is what was sent", rsp_03b, NEEDS_HOOK },
	{ "RSP-04", "data before status", "with the answer all data is there", rsp_04 },
	{ "RSP-05", "one answer to each request", "none is missing, none comes twice", rsp_05 },
	{ "RSP-05b", "one answer to each request, short send queue", "none is missing, none comes twice", rsp_05b, NEEDS_HOOK },
	{ "RSP-06", "RESERVATION CONFLICT", "passed through", rsp_06 },
	{ "RSP-06b", "TASK ABORTED", "passed through, if the target has TAS set", rsp_06b, NEEDS_HOLD },
	{ "RSP-06c", "BUSY, TASK SET FULL", "passed through", .why = "nothing makes a target answer so" },
	{ .id = NULL }
};
