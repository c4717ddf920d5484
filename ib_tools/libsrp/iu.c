// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Building IUs, and reading SRP_RSP. */
#include <errno.h>
#include <string.h>

#include "libsrp.h"

u64 srpi_next_tag(void)
{
	static u64 n;

	/* An odd factor visits all numbers before it comes back to 0. */
	return 0x9d39247e33776d41ULL * __atomic_add_fetch(&n, 1, __ATOMIC_RELAXED);
}

u64 srpi_iu_tag(const struct srpi_iu *iu)
{
	u64 tag;

	memcpy(&tag, iu->b + 8, sizeof(tag));
	return tag;
}

void srpi_lun(u8 lun[8], u16 nr)
{
	memset(lun, 0, 8);
	lun[0] = nr < 256 ? 0 : 0x40 | (nr >> 8 & 0x3f);
	lun[1] = nr;
}

/* The fixed part of an IU, zero but for the opcode and the tag. */
static void begin(struct srpi_iu *iu, u8 opcode, u64 tag, u32 len)
{
	memset(iu->b, 0, len);
	iu->b[0] = opcode;
	memcpy(iu->b + 8, &tag, sizeof(tag));
	iu->len = len;
}

void srpi_append(struct srpi_iu *iu, const void *p, size_t len)
{
	if (iu->len <= sizeof(iu->b) && len <= sizeof(iu->b) - iu->len)
		memcpy(iu->b + iu->len, p, len);
	iu->len += len;
}

void srpi_append_be32(struct srpi_iu *iu, u32 v)
{
	__be32 be = htobe32(v);

	srpi_append(iu, &be, sizeof(be));
}

void srpi_cmd(struct srpi_iu *iu, u64 tag, const u8 lun[8], const void *cdb, size_t cdb_len)
{
	static const u8 pad[4];
	struct srp_wire_cmd *w = srpi_as_cmd(iu);
	size_t add = cdb_len > SRP_CDB_LEN ? cdb_len - SRP_CDB_LEN : 0;

	begin(iu, SRP_OP_CMD, tag, sizeof(*w));
	memcpy(w->lun, lun, sizeof(w->lun));
	memcpy(w->cdb, cdb, cdb_len - add);
	if (!add)
		return;
	w->add_cdb_len = (add + 3) & ~3;
	srpi_append(iu, (const u8 *)cdb + SRP_CDB_LEN, add);
	srpi_append(iu, pad, -add & 3);
}

static void set_format(struct srpi_iu *iu, enum srpi_dir dir, u8 format)
{
	srpi_as_cmd(iu)->buf_fmt |= dir == SRPI_OUT ? format << 4 : format;
}

void srpi_direct(struct srpi_iu *iu, enum srpi_dir dir, struct srp_wire_desc desc)
{
	set_format(iu, dir, SRP_DESC_DIRECT);
	srpi_append(iu, &desc, sizeof(desc));
}

void srpi_indirect(struct srpi_iu *iu, enum srpi_dir dir, struct srp_wire_desc table,
		   const struct srp_wire_desc *list, u32 nr, u32 total)
{
	set_format(iu, dir, SRP_DESC_INDIRECT);
	if (dir == SRPI_OUT)
		srpi_as_cmd(iu)->data_out_desc_cnt = nr;
	else
		srpi_as_cmd(iu)->data_in_desc_cnt = nr;
	srpi_append(iu, &table, sizeof(table));
	srpi_append_be32(iu, total);
	srpi_append(iu, list, nr * sizeof(*list));
}

void srpi_immediate(struct srpi_iu *iu, u32 off, const void *data, u32 len)
{
	set_format(iu, SRPI_OUT, SRP_DESC_IMM);
	srpi_append_be32(iu, len);
	if (iu->len < off && off <= sizeof(iu->b)) {
		memset(iu->b + iu->len, 0, off - iu->len);
		iu->len = off;
	}
	srpi_append(iu, data, len);
}

void srpi_tmf(struct srpi_iu *iu, u64 tag, const u8 lun[8], u8 function, u64 task_tag)
{
	struct srp_wire_tsk_mgmt *w = (struct srp_wire_tsk_mgmt *)iu->b;

	begin(iu, SRP_OP_TSK_MGMT, tag, sizeof(*w));
	memcpy(w->lun, lun, sizeof(w->lun));
	w->function = function;
	w->task_tag = task_tag;
}

void srpi_short(struct srpi_iu *iu, u8 opcode, u64 tag)
{
	begin(iu, opcode, tag, sizeof(struct srp_wire_short));
}

struct srp_wire_desc srpi_desc(const struct srpi_mem *mem, size_t off, u32 len)
{
	return (struct srp_wire_desc) {
		.va = htobe64((uintptr_t)mem->addr + off),
		.key = htobe32(mem->mr ? mem->mr->rkey : 0),
		.len = htobe32(len),
	};
}

int srpi_parse_rsp(const struct srpi_rx *rx, struct srpi_rsp *rsp)
{
	const struct srp_wire_rsp *w = (const void *)rx->buf;
	u32 response;

	memset(rsp, 0, sizeof(*rsp));
	rsp->iu = *rx;
	rsp->code = -1;
	if (rx->len < sizeof(*w) || w->opcode != SRP_OP_RSP)
		return -EPROTO;
	rsp->tag = w->tag;
	rsp->delta = (s32)be32toh(w->req_lim_delta);
	rsp->status = w->status;
	rsp->flags = w->flags;
	rsp->out_res = be32toh(w->data_out_res_cnt);
	rsp->in_res = be32toh(w->data_in_res_cnt);
	rsp->sense_len = be32toh(w->sense_data_len);
	response = be32toh(w->resp_data_len);
	if (rx->len != sizeof(*w) + (u64)rsp->sense_len + response ||
	    !(w->flags & SRP_RSP_SNSVALID) != !rsp->sense_len || !(w->flags & SRP_RSP_RSPVALID) != !response ||
	    (response && response < SRP_RESP_DATA_LEN))
		return -EPROTO;
	if (response)
		rsp->code = w->data[3];
	rsp->sense = w->data + response;
	return 0;
}

u32 srpi_sense(const struct srpi_rsp *rsp)
{
	const u8 *s = rsp->sense;

	if (rsp->sense_len >= 14 && (s[0] & 0x7e) == 0x70)
		return (s[2] & 0xf) << 16 | s[12] << 8 | s[13];
	if (rsp->sense_len >= 4 && (s[0] & 0x7e) == 0x72)
		return (s[1] & 0xf) << 16 | s[2] << 8 | s[3];
	return 0;
}
