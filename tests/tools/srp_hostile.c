// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * An SRP initiator that does what no initiator should do, over the RDMA CM.
 *
 *	srp_hostile ADDR PORT GUID TEST...
 *
 * GUID is the target's srpt_service_guid in hexadecimal. The tests are listed at the end of this file; some take
 * arguments, which follow their name after colons: channels:8, fuzz:10:4711. Each begins without a channel.
 *
 * All commands go to LUN 1, which has to be a disk of 512-byte blocks, of 1 MiB at least, and which is overwritten.
 * LUN 0 is left alone, so that others can do I/O there and see that they are not disturbed.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hostile.h"

#define NO_LUN		77	/* there is none of this number */

static struct chan *shared;	/* by the rows of a test */

static struct chan *shared_chan(void)
{
	if (!shared || !shared->used || shared->closed)
		shared = login_settled(SRP_LOGIN_MC_SINGLE);
	return shared;
}

/* The end of the channel that a complete IU of this type causes; ANY_LOGOUT if it causes none. */
static int logout_of(u8 opcode)
{
	switch (opcode) {
	case SRP_OP_LOGIN_REQ:
		return SRP_LOGOUT_BAD_IU_TYPE;
	case SRP_OP_CRED_RSP:	/* as nobody has asked */
	case SRP_OP_AER_RSP:
		return SRP_LOGOUT_UNSOLICITED;
	case SRP_OP_I_LOGOUT:
		return NO_LOGOUT;
	default:
		return ANY_LOGOUT;
	}
}

static void one_length(u8 opcode, u32 len)
{
	struct chan *ch = shared_chan();
	struct rsp r;
	struct iu iu;

	if (opcode == SRP_OP_TSK_MGMT)
		build_tmf(&iu, SRP_TMF_LUN_RESET, (u64)LUN << 48, 0);
	else
		build_tur(&iu);
	iu.b[0] = opcode;
	iu.len = len;

	if (len < 16 || logout_of(opcode) != ANY_LOGOUT) {
		send_iu(ch, &iu);
		expect_closed(ch, len < 16 ? SRP_LOGOUT_BAD_LEN : logout_of(opcode));
		return;
	}
	switch (opcode) {
	case SRP_OP_CMD:
		ask(ch, &iu, &r);
		expect_sense(&r, 0x050e03);
		break;
	case SRP_OP_TSK_MGMT:
		ask(ch, &iu, &r);
		if (!(as_rsp(&r)->flags & SRP_RSP_RSPVALID) || as_rsp(&r)->data[3] != SRP_RSP_FIELDS_INVALID)
			fail("flags %02x, response code %02x", as_rsp(&r)->flags, as_rsp(&r)->data[3]);
		break;
	}
	/* Nothing was reset: there is no unit attention. */
	tur(ch);
	expect_conserved(ch);
}

static const u8 known_opcodes[] = {
	SRP_OP_LOGIN_REQ, SRP_OP_TSK_MGMT, SRP_OP_CMD, SRP_OP_I_LOGOUT, SRP_OP_CRED_RSP, SRP_OP_AER_RSP,
};

static void run_length(const void *arg)
{
	const u32 *row = arg;

	printf("opcode %02x, %u bytes\n", row[0], row[1]);
	one_length(row[0], row[1]);
}

static bool wants_all(char **args)
{
	return args[0] && !strcmp(args[0], "all");
}

static bool test_lengths(char **args)
{
	unsigned int i;
	bool good = true;
	u32 row[2];

	for (i = 0; i < ARRAY_SIZE(known_opcodes); i++) {
		row[0] = known_opcodes[i];
		for (row[1] = i ? 1 : 0; row[1] < 48; row[1]++) {
			/* Each of these takes a login. */
			if (!wants_all(args) && row[1] > 1 && row[1] < 15)
				continue;
			/* These are just a little too long. */
			if (row[1] > 17 && row[1] < 47 && logout_of(row[0]) != ANY_LOGOUT)
				continue;
			good &= attempt(run_length, row);
		}
	}
	return good;
}

static void run_opcode(const void *arg)
{
	struct chan *ch = login(SRP_LOGIN_MC_SINGLE);
	struct iu iu;

	build_tur(&iu);
	iu.b[0] = *(const u8 *)arg;
	iu.len = 64;
	printf("opcode %02x\n", iu.b[0]);
	post_bytes(ch, iu.b, iu.len);
	expect_closed(ch, SRP_LOGOUT_BAD_IU_TYPE);
}

static bool test_opcodes(char **args)
{
	int i, step = wants_all(args) ? 1 : 15;
	bool good = true;

	for (i = 0; i < 256; i += step) {
		u8 opcode = i;

		if (!memchr(known_opcodes, opcode, sizeof(known_opcodes)))
			good &= attempt(run_opcode, &opcode);
	}
	good &= attempt(run_length, (u32[]){ SRP_OP_CMD, 16 });
	return good;
}

enum body { BODY_NONE, BODY_DIRECT, BODY_TABLE, BODY_IMM };

struct field {
	const char	*name;
	struct cdb	cdb;
	u8		fmt;		/* byte 5 */
	u8		out_cnt, in_cnt;
	u8		attr;
	u8		add;		/* byte 31 */
	u8		add_bytes;	/* of them in the IU */
	enum body	body;
	u32		table_len;
	u32		total;		/* of direct, table and immediate data */
	u32		entry_len;
	u8		nr_entries;	/* in the IU */
	u16		imm_bytes;	/* in the IU */
	u16		cut;		/* the IU ends here */
	bool		imm;		/* immediate data is agreed */
	bool		other_sense;	/* 05/24/00 */
	bool		good_too;	/* may be executed */
};

#define READ1	.cdb = { CDB_READ(0, 1) }
#define WRITE1	.cdb = { CDB_WRITE(0, 1) }
#define VAR(n)	.cdb = { { 0x7f, 0, 0, 0, 0, 0, 0, (n), 0, 9 } }
#define DIN	.fmt = 0x01, .body = BODY_DIRECT
#define DOUT	.fmt = 0x10, .body = BODY_DIRECT
#define IIN	.fmt = 0x02, .body = BODY_TABLE
#define IOUT	.fmt = 0x20, .body = BODY_TABLE

static const struct field fields[] = {
	{ "table of 1 byte", READ1, IIN, .in_cnt = 0, .table_len = 1, .total = 512, .entry_len = 512, .nr_entries = 1 },
	{ "table of 15 bytes", READ1, IIN, .in_cnt = 1, .table_len = 15, .total = 512, .entry_len = 512, .nr_entries = 1 },
	{ "table of 17 bytes", READ1, IIN, .in_cnt = 1, .table_len = 17, .total = 512, .entry_len = 512, .nr_entries = 1 },
	{ "table of 17 bytes, out", WRITE1, IOUT, .out_cnt = 1, .table_len = 17, .total = 512, .entry_len = 512,
	  .nr_entries = 1 },
	{ "table of 2^32 - 1 bytes", READ1, IIN, .in_cnt = 1, .table_len = 0xffffffff, .total = 512, .entry_len = 512,
	  .nr_entries = 1 },
	{ "table of 2^32 - 16 bytes", READ1, IIN, .in_cnt = 1, .table_len = 0xfffffff0, .total = 512, .entry_len = 512,
	  .nr_entries = 1 },
	{ "table of 256 MiB", READ1, IIN, .in_cnt = 1, .table_len = 0x10000000, .total = 512, .entry_len = 512,
	  .nr_entries = 1 },
	{ "table shorter than the count", READ1, IIN, .in_cnt = 4, .table_len = 16, .total = 512, .entry_len = 512,
	  .nr_entries = 4 },
	{ "count beyond the IU", READ1, IIN, .in_cnt = 255, .table_len = 4080, .total = 1024, .entry_len = 512,
	  .nr_entries = 2 },
	{ "count beyond the IU, out", WRITE1, IOUT, .out_cnt = 255, .table_len = 4080, .total = 1024, .entry_len = 512,
	  .nr_entries = 2 },
	{ "last entry cut", READ1, IIN, .in_cnt = 2, .table_len = 32, .total = 1024, .entry_len = 512, .nr_entries = 2,
	  .cut = 48 + 20 + 31 },
	{ "total above the sum", READ1, IIN, .in_cnt = 2, .table_len = 32, .total = 1025, .entry_len = 512, .nr_entries = 2 },
	{ "total below the sum", WRITE1, IOUT, .out_cnt = 2, .table_len = 32, .total = 512, .entry_len = 512, .nr_entries = 2 },
	{ "total with an empty table", READ1, IIN, .total = 512 },
	{ "total with an empty table, out", WRITE1, IOUT, .total = 512 },
	{ "sum of 2^32", READ1, IIN, .in_cnt = 2, .table_len = 32, .total = 0, .entry_len = 0x80000000, .nr_entries = 2 },
	{ "sum of 2^32 + 2^28", WRITE1, IOUT, .out_cnt = 17, .table_len = 272, .total = 0x10000000,
	  .entry_len = 0x10000000, .nr_entries = 17 },
	{ "direct, 2^31 bytes", READ1, DIN, .total = 0x80000000, .good_too = true },
	{ "direct, 2^32 - 1 bytes", READ1, DIN, .total = 0xffffffff, .good_too = true },
	{ "data-in format 3", READ1, .fmt = 0x03, .body = BODY_DIRECT, .total = 512 },
	{ "data-in format 3, agreed", READ1, .fmt = 0x03, .body = BODY_IMM, .total = 512, .imm_bytes = 512, .imm = true },
	{ "bidirectional 1/1", READ1, .fmt = 0x11, .body = BODY_DIRECT, .total = 512 },
	{ "bidirectional 1/2", READ1, .fmt = 0x12, .body = BODY_DIRECT, .total = 512 },
	{ "bidirectional 2/1", WRITE1, .fmt = 0x21, .body = BODY_TABLE, .out_cnt = 1, .table_len = 16, .total = 512,
	  .entry_len = 512, .nr_entries = 1 },
	{ "bidirectional 2/2", WRITE1, .fmt = 0x22, .body = BODY_TABLE, .out_cnt = 1, .table_len = 16, .total = 512,
	  .entry_len = 512, .nr_entries = 1 },
	{ "bidirectional 3/1", WRITE1, .fmt = 0x31, .body = BODY_IMM, .total = 512, .imm_bytes = 512, .imm = true },
	{ "bidirectional 3/2", WRITE1, .fmt = 0x32, .body = BODY_IMM, .total = 512, .imm_bytes = 512, .imm = true },
	{ "immediate data, not agreed", WRITE1, .fmt = 0x30, .body = BODY_IMM, .total = 512, .imm_bytes = 512 },
	{ "immediate data, none there", WRITE1, .fmt = 0x30, .body = BODY_IMM, .total = 512, .imm = true },
	{ "immediate data beyond the IU", WRITE1, .fmt = 0x30, .body = BODY_IMM, .total = 512, .imm_bytes = 511, .imm = true },
	{ "immediate data of 2^32 - 1 bytes", WRITE1, .fmt = 0x30, .body = BODY_IMM, .total = 0xffffffff, .imm_bytes = 512,
	  .imm = true },
	{ "immediate data, offset and length overflow", WRITE1, .fmt = 0x30, .body = BODY_IMM, .total = -IMM_OFF,
	  .imm_bytes = 512, .imm = true },
	{ "immediate descriptor cut", WRITE1, .fmt = 0x30, .body = BODY_IMM, .total = 512, .cut = 51, .imm = true },
	{ "immediate descriptor behind the data", WRITE1, .fmt = 0x30, .add = 0x80, .add_bytes = 0x80, .body = BODY_IMM,
	  .total = 4, .imm = true },
	{ "additional CDB beyond the IU", .cdb = { CDB_TUR }, .add = 0xfc },
	{ "additional CDB cut", .cdb = { CDB_TUR }, .add = 0x20, .add_bytes = 31 },
	{ "additional CDB, then no room for the descriptor", READ1, .fmt = 0x01, .add = 0x10, .add_bytes = 0x10 },
	{ "CDB longer than carried", VAR(24), DIN, .total = 512, .other_sense = true },
	{ "CDB much longer than carried", VAR(252), DIN, .total = 512, .other_sense = true },
	{ "CDB longer than carried, with additional CDB", VAR(0x1c), .add = 0x10, .add_bytes = 0x10, .other_sense = true },
	{ "CDB of 261 bytes", VAR(253), .add = 0xfc, .add_bytes = 0xfc, .other_sense = true },
	{ "CDB of 263 bytes", VAR(255), .add = 0xfc, .add_bytes = 0xfc, .other_sense = true },
	{ "READ with data-out", READ1, DOUT, .total = 512 },
	{ "READ with data-out table", READ1, IOUT, .out_cnt = 1, .table_len = 16, .total = 512, .entry_len = 512,
	  .nr_entries = 1 },
	{ "READ with immediate data", READ1, .fmt = 0x30, .body = BODY_IMM, .total = 512, .imm_bytes = 512, .imm = true },
	{ "INQUIRY with data-out", .cdb = { CDB_INQUIRY(36) }, DOUT, .total = 512 },
	{ "WRITE with data-in", WRITE1, DIN, .total = 512 },
	{ "WRITE with data-in table", WRITE1, IIN, .in_cnt = 1, .table_len = 16, .total = 512, .entry_len = 512,
	  .nr_entries = 1 },
	{ "task attribute 3", READ1, DIN, .total = 512, .attr = 3 },
	{ "task attribute 5", READ1, DIN, .total = 512, .attr = 5 },
	{ "task attribute 6", WRITE1, DOUT, .total = 512, .attr = 6 },
	{ "task attribute 7", .cdb = { CDB_TUR }, .attr = 7 },
};

static void build_field(struct iu *iu, const struct field *f)
{
	static const u8 zero[TX_SIZE];
	struct srp_wire_cmd *w = begin_cmd(iu, f->cdb, f->fmt);
	u32 i;

	w->data_out_desc_cnt = f->out_cnt;
	w->data_in_desc_cnt = f->in_cnt;
	w->task_attr = f->attr;
	w->add_cdb_len = f->add;
	append(iu, zero, f->add_bytes);
	switch (f->body) {
	case BODY_NONE:
		break;
	case BODY_DIRECT:
		append_desc(iu, 0, f->total);
		break;
	case BODY_TABLE:
		append_desc(iu, 0, f->table_len);
		append_be32(iu, f->total);
		for (i = 0; i < f->nr_entries; i++)
			append_desc(iu, i * BLOCK, f->entry_len);
		break;
	case BODY_IMM:
		append_be32(iu, f->total);
		if (f->imm_bytes && iu->len < IMM_OFF)
			append(iu, zero, IMM_OFF - iu->len);
		append(iu, zero, f->imm_bytes);
		break;
	}
	if (f->cut)
		iu->len = f->cut;
}

static struct chan *field_chans[2];	/* [1]: with immediate data */

static struct chan *field_chan(bool imm)
{
	struct chan *ch = field_chans[imm];

	if (!ch || !ch->used || ch->closed) {
		ch = login_settled(SRP_LOGIN_MC_MULTI | (imm ? SRP_LOGIN_IMM : 0));
		field_chans[imm] = ch;
	}
	if (ch->imm != imm)
		fail("immediate data %sagreed", ch->imm ? "" : "not ");
	return ch;
}

static void run_field(const void *arg)
{
	const struct field *f = arg;
	struct chan *ch;
	struct iu iu;
	struct rsp r;

	printf("%s\n", f->name);
	ch = field_chan(f->imm);
	build_field(&iu, f);
	lay_canary();
	ask(ch, &iu, &r);
	if (!f->good_too || as_rsp(&r)->status) {
		expect_sense(&r, f->other_sense ? 0x052400 : 0x050e03);
		expect_canary(0, 4096);
	} else {
		expect_canary(BLOCK, 4096);
	}
	tur(ch);
	expect_conserved(ch);
}

static bool test_fields(char **args)
{
	struct field f;
	bool good = true;
	unsigned int i;

	(void)args;
	for (i = 0; i < ARRAY_SIZE(fields); i++)
		good &= attempt(run_field, &fields[i]);
	for (i = 4; i < 16; i++) {
		f = (struct field){ "reserved data-in format", READ1, .fmt = i, .body = BODY_DIRECT, .total = 512 };
		good &= attempt(run_field, &f);
		f = (struct field){ "reserved data-out format", WRITE1, .fmt = i << 4, .body = BODY_DIRECT, .total = 512 };
		good &= attempt(run_field, &f);
	}
	for (i = 0; i < 16; i++) {
		f = (struct field){ "direct descriptor cut", READ1, DIN, .total = 512, .cut = 48 + i };
		good &= attempt(run_field, &f);
	}
	for (i = 0; i < 20; i++) {
		f = (struct field){ "table header cut", WRITE1, IOUT, .out_cnt = 1, .table_len = 16, .total = 512,
				    .cut = 48 + i };
		good &= attempt(run_field, &f);
	}
	return good;
}

struct tmf {
	u8	function;
	u64	lun;
	int	code, other;	/* either will do */
};

static const struct tmf tmfs[] = {
	{ 0x01, LUN_IS(LUN), 0x00, 0x00 },
	{ 0x08, LUN_IS(LUN), 0x00, 0x00 },
	{ 0x02, LUN_IS(LUN), 0x00, 0x04 },
	{ 0x04, LUN_IS(LUN), 0x00, 0x04 },
	{ 0x40, LUN_IS(LUN), 0x00, 0x04 },
	/* unknown function */
	{ 0x00, LUN_IS(LUN), 0x04, 0x04 },
	{ 0x03, LUN_IS(LUN), 0x04, 0x04 },
	{ 0x10, LUN_IS(LUN), 0x04, 0x04 },
	{ 0x20, LUN_IS(LUN), 0x04, 0x04 },
	{ 0x80, LUN_IS(LUN), 0x04, 0x04 },
	{ 0xff, LUN_IS(LUN), 0x04, 0x04 },
	{ 0xff, LUN_IS(NO_LUN), 0x04, 0x04 },
	{ 0xff, 0xc000000000000001ULL, 0x04, 0x04 },
	/* no such LUN; a function that is not supported may say so */
	{ 0x08, LUN_IS(NO_LUN), 0x05, 0x05 },
	{ 0x01, LUN_IS(NO_LUN), 0x05, 0x05 },
	{ 0x02, LUN_IS(NO_LUN), 0x05, 0x04 },
	{ 0x04, LUN_IS(NO_LUN), 0x05, 0x04 },
	{ 0x40, LUN_IS(NO_LUN), 0x05, 0x04 },
	/* malformed LUN: a second level, addressing methods 2 and 3 */
	{ 0x08, LUN_IS(LUN) | 1ULL << 32, 0x02, 0x02 },
	{ 0x08, LUN_IS(LUN) | 1, 0x02, 0x02 },
	{ 0x01, 0x8001000000000000ULL, 0x02, 0x02 },
	{ 0x08, 0xc001000000000000ULL, 0x02, 0x02 },
};

static void run_tmf(const void *arg)
{
	const struct tmf *t = arg;
	const struct srp_wire_rsp *w;
	struct chan *ch;
	struct iu iu;
	struct rsp r;

	printf("function %02x, LUN %016llx\n", t->function, t->lun);
	ch = shared_chan();
	build_tmf(&iu, t->function, t->lun, TASK);
	ask(ch, &iu, &r);
	w = as_rsp(&r);
	if (r.len != 40 || w->flags != SRP_RSP_RSPVALID || w->status || w->data_in_res_cnt || w->data_out_res_cnt)
		fail("%u bytes, flags %02x, status %02x", r.len, w->flags, w->status);
	if (w->data[3] != t->code && w->data[3] != t->other)
		fail("response code %02x", w->data[3]);
	settle(ch);
	expect_conserved(ch);
}

static bool test_tmf(char **args)
{
	bool good = true;
	unsigned int i;

	(void)args;
	for (i = 0; i < ARRAY_SIZE(tmfs); i++)
		good &= attempt(run_tmf, &tmfs[i]);
	return good;
}

static const struct {
	const char	*name;
	bool		(*run)(char **args);
} tests[] = {
	{ "lengths", test_lengths },		/* :all */
	{ "opcodes", test_opcodes },		/* :all */
	{ "fields", test_fields },
	{ "tables", test_tables },
	{ "tmf", test_tmf },
	{ "channels", test_channels },		/* :N */
	{ "credits", test_credits },
	{ "overrun", test_overrun },		/* :LUN, of a disk that is held */
	{ "residuals", test_residuals },
	{ "completions", test_completions },
	{ "silence", test_silence },		/* needs a target with a keepalive */
	{ "disconnect", test_disconnect },	/* :TIMES */
	{ "logins", test_logins },
	{ "aborts", test_aborts },		/* :LUN:DEVICE, of a device-mapper disk that is not held */
	{ "takeover", test_takeover },		/* likewise */
	{ "wronglun", test_wronglun },		/* likewise */
	{ "stranded", test_stranded },		/* likewise */
	{ "fuzz", test_fuzz },			/* :SECONDS:SEED */
};

/* @spec: NAME[:ARG[:ARG]] */
static bool run_test(char *spec)
{
	const char *name = strtok(spec, ":");
	char *args[3];
	unsigned int i;
	bool good;

	for (i = 0; i < ARRAY_SIZE(args); i++)
		args[i] = strtok(NULL, ":");
	for (i = 0; i < ARRAY_SIZE(tests); i++) {
		if (strcmp(tests[i].name, name))
			continue;
		good = tests[i].run(args);
		close_all();
		printf("%s %s\n", good ? "ok" : "not ok", name);
		return good;
	}
	printf("not ok %s: no such test\n", name);
	return false;
}

int main(int argc, char **argv)
{
	bool good = true;
	int i;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc < 5 || inet_pton(AF_INET, argv[1], &target.sin_addr) != 1) {
		fprintf(stderr, "usage: srp_hostile ADDR PORT GUID TEST...\n");
		return 2;
	}
	target.sin_family = AF_INET;
	target.sin_port = htons(atoi(argv[2]));
	guid = strtoull(argv[3], NULL, 16);
	for (i = 4; i < argc; i++)
		good &= run_test(argv[i]);
	return good ? 0 : 1;
}
