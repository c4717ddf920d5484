// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Information units: byte 0 picks the immediate data offset (0: none agreed),
 * the rest is what arrived. What is accepted is used as the driver uses it.
 */
#include "fuzz.h"
#include "srp_proto.h"

static void check_desc(const struct srp_cmd_req *req, const uint8_t *start, const uint8_t *end)
{
	const struct srp_buf *buf = &req->buf;
	u32 max = buf->len / 1000 + 1, i;
	struct srp_desc_iter it;
	struct srp_remote piece;
	u64 sum = 0, pieces = 0;

	CHECK(!buf->imm && buf->nr_desc <= SRP_MAX_DESC);
	CHECK((const uint8_t *)buf->desc >= start);
	CHECK((const uint8_t *)(buf->desc + buf->nr_desc) <= end);
	for (i = 0; i < buf->nr_desc; i++)
		sum += __builtin_bswap32(buf->desc[i].len);
	CHECK(sum == buf->len);

	sum = 0;
	srp_desc_iter_init(&it, buf, 0xffffffff);
	while (srp_desc_iter_next(&it, max, &piece)) {
		CHECK(piece.len && piece.len <= max);
		sum += piece.len;
		pieces++;
	}
	CHECK(sum == buf->len);
	CHECK(pieces <= buf->nr_desc + 1000u);
}

/* As if the table had been fetched: full of something that need not add up. */
static void check_table(const struct srp_cmd_req *req, const uint8_t *start, const uint8_t *end)
{
	struct srp_buf buf = req->buf;
	struct srp_wire_desc *list = calloc(buf.nr_desc, sizeof(*list));

	CHECK(list && !buf.imm && !buf.desc && buf.nr_desc && buf.nr_desc <= SRP_MAX_DESC);
	CHECK((const uint8_t *)buf.table >= start && (const uint8_t *)(buf.table + 1) <= end);
	CHECK(__builtin_bswap32(buf.table->len) == buf.nr_desc * sizeof(*list));
	CHECK(srp_take_table(&buf, list) == SRP_BAD_SUM);	/* as buf.len is not 0 */
	list[buf.nr_desc - 1].len = __builtin_bswap32(buf.len);
	CHECK(srp_take_table(&buf, list) == SRP_OK && buf.desc == list && !buf.table);
	free(list);
}

static void check_imm(const struct srp_cmd_req *req, const uint8_t *start, const uint8_t *end)
{
	const struct srp_buf *buf = &req->buf;

	CHECK(!buf->nr_desc && !buf->desc && buf->imm);
	CHECK(buf->imm >= start + 4 && buf->imm <= end && buf->len <= (size_t)(end - buf->imm));
	CHECK(req->dir == SRP_DIR_OUT);
	free(exact_copy(buf->imm, buf->len));	/* all of it can be read */
}

static void check_dir(const struct srp_cmd_req *req)
{
	bool data_cdb = req->cdb_dir == SRP_DIR_IN || req->cdb_dir == SRP_DIR_OUT;

	CHECK(req->cdb_dir == srp_cdb_dir(req->cdb, req->cdb_len));
	CHECK(req->dir != SRP_DIR_UNKNOWN);
	if (data_cdb)
		CHECK(req->dir == req->cdb_dir);
	else if (!req->buf.len)
		CHECK(req->dir == SRP_DIR_NONE);
	else
		CHECK(req->dir == SRP_DIR_IN || req->dir == SRP_DIR_OUT);
}

static void check_cmd(const struct srp_cmd_req *req, const uint8_t *iu, size_t len)
{
	const uint8_t *end = iu + len, *behind_cdb;
	u32 carried = 16 + (iu[31] & 0xfc);

	CHECK(len >= 32 + carried);
	behind_cdb = iu + 32 + carried;
	CHECK(req->cdb == iu + 32);
	CHECK(req->cdb_len >= 8 && req->cdb_len <= SRP_MAX_CDB_LEN && req->cdb_len <= carried);
	CHECK(iu[32] == 0x7f ? req->cdb_len == 8 + iu[39] : req->cdb_len >= 16);
	CHECK(req->attr == 0 || req->attr == 1 || req->attr == 2 || req->attr == 4);
	check_dir(req);
	if (!req->buf.len)
		CHECK(!req->buf.nr_desc && !req->buf.desc && !req->buf.imm && !req->buf.table);
	else if (iu[5] == 0x30)
		check_imm(req, behind_cdb, end);
	else if (req->buf.table)
		check_table(req, behind_cdb, end);
	else
		check_desc(req, behind_cdb, end);
}

static u32 get32(const uint8_t *p)
{
	return (u32)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3];
}

/* The length, the lengths inside and the residuals of a response agree. */
static void check_rsp(const struct srp_iu *iu, enum srp_reason reason, u32 produced, u32 max_len)
{
	uint8_t *out = malloc(max_len), sense[SRP_SENSE_FIELD_LEN];
	struct srp_rsp rsp = { .tag = iu->tag, .delta = 1 };
	u32 len, residuals;

	if (reason) {
		srp_sense_reason(sense, reason);
		rsp.status = 2;
		rsp.sense = sense;
		rsp.sense_len = sizeof(sense);
	} else if (iu->opcode == SRP_OP_TSK_MGMT) {
		rsp.has_code = true;
	} else {
		rsp.dir = iu->cmd.dir;
		rsp.offered = iu->cmd.buf.len;
		rsp.produced = produced;
	}
	len = srp_encode_rsp(out, max_len, &rsp);
	CHECK(len <= max_len);
	CHECK(len == 36 + get32(out + 28) + get32(out + 32));
	CHECK(!(out[18] & SRP_RSP_SNSVALID) == !get32(out + 28));
	CHECK(!(out[18] & SRP_RSP_RSPVALID) == !get32(out + 32));
	CHECK(!memcmp(out + 8, &iu->tag, 8));
	residuals = out[18] & 0x3c;
	CHECK(!(residuals & (residuals - 1)));
	CHECK(!residuals == !(get32(out + 20) + get32(out + 24)));
	free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct srp_iu_params p = { 0 };
	enum srp_reason reason;
	struct srp_iu iu;
	uint8_t *bytes;
	size_t len;

	if (!size)
		return 0;
	p.imm_off = data[0] ? 52 + 4 * (data[0] % 116) : 0;
	len = size - 1;
	bytes = exact_copy(data + 1, len);

	memset(&iu, 0xff, sizeof(iu));
	reason = srp_decode_iu(bytes, len, &p, &iu);
	CHECK(reason < SRP_NR_REASONS && *srp_reason_str(reason));
	CHECK(iu.has_tag == (len >= 16));
	CHECK(!len || iu.opcode == bytes[0]);
	CHECK(!iu.has_tag || !memcmp(&iu.tag, bytes + 8, 8));

	switch (srp_reason_action(reason)) {
	case SRP_ACT_ACCEPT:
		CHECK(reason == SRP_OK && iu.has_tag);
		if (iu.opcode == SRP_OP_CMD)
			check_cmd(&iu.cmd, bytes, len);
		if (iu.opcode == SRP_OP_CMD || iu.opcode == SRP_OP_TSK_MGMT)
			check_rsp(&iu, reason, data[0] * 512u, 40 + data[0]);
		break;
	case SRP_ACT_FIELD:
		CHECK(iu.has_tag);
		CHECK(iu.opcode == SRP_OP_CMD || iu.opcode == SRP_OP_TSK_MGMT);
		check_rsp(&iu, reason, 0, 40 + data[0]);
		break;
	case SRP_ACT_KILL:
		CHECK(len < 16 || (iu.opcode != SRP_OP_CMD && iu.opcode != SRP_OP_TSK_MGMT));
		break;
	}
	free(bytes);
	return 0;
}
