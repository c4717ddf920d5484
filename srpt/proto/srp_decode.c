// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * What an initiator sent, checked.
 *
 * A peer may send anything. Every field is read once, nothing is read at or
 * beyond the byte count, and every sum of two peer-chosen numbers is formed in
 * 64 bits. Lengths are compared with what is left of the IU, never with a
 * tunable or with what an earlier IU left in the receive buffer.
 */
#include <linux/kernel.h>
#include <linux/minmax.h>
#include <linux/string.h>
#include <asm/byteorder.h>
#include "srp_proto.h"

#define SRP_TAGGED_LEN		((u32)sizeof(struct srp_wire_short))
#define SRP_TASK_ATTR_MASK	0x07
#define SRP_ADD_CDB_MASK	0xfc	/* the two low bits of the byte are reserved */
#define SRP_CDB_VARIABLE	0x7f

/* Entries of a table that both counts together can announce as present in the IU. */
#define SRP_MAX_LISTED		(2 * 255)
static_assert(SRP_MAX_LISTED <= SRP_MAX_DESC);
static_assert(SRP_MAX_DESC <= 0xffff);	/* srp_buf.nr_desc */

struct reason_info {
	enum srp_action		action;
	enum srp_logout_reason	logout;
	const char		*str;
};

#define FIELD(text) { .action = SRP_ACT_FIELD, .str = (text) }
#define KILL(why, text) { .action = SRP_ACT_KILL, .logout = (why), .str = (text) }

static const struct reason_info reasons[SRP_NR_REASONS] = {
	[SRP_OK] = { .action = SRP_ACT_ACCEPT, .str = "accepted" },
	[SRP_BAD_LEN] = KILL(SRP_LOGOUT_BAD_LEN, "IU too short for a tag"),
	[SRP_BAD_LEN_TAGGED] = FIELD("IU too short for its type"),
	[SRP_BAD_OPCODE] = KILL(SRP_LOGOUT_BAD_IU_TYPE, "unknown IU type"),
	[SRP_BAD_LOGIN_IN_BAND] = KILL(SRP_LOGOUT_BAD_IU_TYPE, "login on a live channel"),
	[SRP_BAD_ATTR] = FIELD("reserved task attribute"),
	[SRP_BAD_ADD_CDB] = FIELD("additional CDB beyond the IU"),
	[SRP_BAD_CDB_LEN] = FIELD("variable-length CDB longer than carried"),
	[SRP_BAD_FMT_OUT] = FIELD("reserved data-out format"),
	[SRP_BAD_FMT_IN] = FIELD("reserved data-in format"),
	[SRP_BAD_BIDI] = FIELD("bidirectional command"),
	[SRP_BAD_DESC_LEN] = FIELD("descriptor beyond the IU"),
	[SRP_BAD_TABLE_LEN] = FIELD("bad descriptor table length"),
	[SRP_BAD_TABLE_CAP] = FIELD("descriptor table too long"),
	[SRP_BAD_SUM] = FIELD("total length is not the sum of the descriptors"),
	[SRP_BAD_IMM] = FIELD("immediate data not agreed at login"),
	[SRP_BAD_IMM_LEN] = FIELD("immediate data beyond the IU"),
	[SRP_BAD_DIR] = FIELD("CDB and descriptors differ in direction"),
	[SRP_BAD_UNSOLICITED] = KILL(SRP_LOGOUT_UNSOLICITED, "response nobody asked for"),
	[SRP_BAD_CREDIT] = KILL(SRP_LOGOUT_NO_REASON, "request limit overrun"),
	[SRP_BAD_LUN] = FIELD("not a single-level LUN"),
};

/* A value that is no reason is answered as the worst one, not by a stray read. */
static const struct reason_info *reason_info(enum srp_reason reason)
{
	static const struct reason_info unknown = KILL(SRP_LOGOUT_NO_REASON, "unknown reason");

	return (unsigned int)reason < SRP_NR_REASONS ? &reasons[reason] : &unknown;
}

enum srp_action srp_reason_action(enum srp_reason reason)
{
	return reason_info(reason)->action;
}

enum srp_logout_reason srp_reason_logout(enum srp_reason reason)
{
	return reason_info(reason)->logout;
}

const char *srp_reason_str(enum srp_reason reason)
{
	return reason_info(reason)->str;
}

/* The part of an IU that has not been decoded yet; pos <= len always. */
struct rest {
	const u8	*iu;
	u32		len;
	u32		pos;
};

static bool has_bytes(const struct rest *rest, u64 size)
{
	return size <= rest->len - rest->pos;
}

/* The caller has checked has_bytes(). */
static const void *take_bytes(struct rest *rest, u32 size)
{
	const void *p = rest->iu + rest->pos;

	rest->pos += size;
	return p;
}

static enum srp_reason check_formats(u8 out, u8 in, const struct srp_iu_params *p)
{
	if (out > SRP_DESC_IMM)
		return SRP_BAD_FMT_OUT;
	if (in > SRP_DESC_INDIRECT)
		return SRP_BAD_FMT_IN;
	if (out && in)
		return SRP_BAD_BIDI;
	if (out == SRP_DESC_IMM && !p->imm_off)
		return SRP_BAD_IMM;
	return SRP_OK;
}

/* SRP r16a table 21 */
static bool known_attr(u8 attr)
{
	return attr == 0 || attr == 1 || attr == 2 || attr == 4;
}

/*
 * Whether a CDB is of variable length is the CDB's own claim, and its length
 * is another: both must fit into what the IU says it carries as CDB, or bytes
 * of the descriptors would be executed.
 */
static enum srp_reason decode_cdb(const struct srp_wire_cmd *w, struct rest *rest,
				  struct srp_cmd_req *req)
{
	u8 add_len = w->add_cdb_len & SRP_ADD_CDB_MASK;
	const u8 *cdb = rest->iu + offsetof(struct srp_wire_cmd, cdb);
	u16 cdb_len = SRP_CDB_LEN + add_len;

	if (!has_bytes(rest, add_len))
		return SRP_BAD_ADD_CDB;
	take_bytes(rest, add_len);

	if (cdb[0] == SRP_CDB_VARIABLE) {
		u16 var_len = 8 + cdb[7];

		if (var_len > cdb_len || var_len > SRP_MAX_CDB_LEN)
			return SRP_BAD_CDB_LEN;
		cdb_len = var_len;
	}
	req->cdb = cdb;
	req->cdb_len = min_t(u16, cdb_len, SRP_MAX_CDB_LEN);
	return SRP_OK;
}

static enum srp_reason decode_direct(struct rest *rest, struct srp_buf *buf)
{
	const struct srp_wire_desc *desc;

	if (!has_bytes(rest, sizeof(*desc)))
		return SRP_BAD_DESC_LEN;
	desc = take_bytes(rest, sizeof(*desc));
	buf->len = be32_to_cpu(desc->len);
	buf->nr_desc = 1;
	buf->desc = desc;
	return SRP_OK;
}

/* A sum of 65535 numbers of 32 bits fits 64 bits. */
static u64 sum_list(const struct srp_wire_desc *list, u16 nr_desc)
{
	u64 sum = 0;
	u16 i;

	for (i = 0; i < nr_desc; i++)
		sum += be32_to_cpu(list[i].len);
	return sum;
}

enum srp_reason srp_take_table(struct srp_buf *buf, const struct srp_wire_desc *list)
{
	if (sum_list(list, buf->nr_desc) != buf->len)
		return SRP_BAD_SUM;
	buf->desc = list;
	buf->table = NULL;
	return SRP_OK;
}

/*
 * The table length says how many entries there are, the count how many of them
 * are in the IU. @other is the count of the direction that has no buffer: an
 * old initiator wrote the count there, so the two are taken together (DSC-03).
 */
static enum srp_reason decode_indirect(struct rest *rest, u8 count, u8 other,
				       struct srp_buf *buf)
{
	const struct srp_wire_indirect *head;
	u32 table_len, nr_desc, listed;

	if (!has_bytes(rest, sizeof(*head)))
		return SRP_BAD_DESC_LEN;
	head = take_bytes(rest, sizeof(*head));

	table_len = be32_to_cpu(head->table.len);
	nr_desc = table_len / sizeof(struct srp_wire_desc);
	if (table_len % sizeof(struct srp_wire_desc) || count > nr_desc)
		return SRP_BAD_TABLE_LEN;
	if (nr_desc > SRP_MAX_DESC)
		return SRP_BAD_TABLE_CAP;

	listed = min_t(u32, nr_desc, count + other);
	if (!has_bytes(rest, (u64)listed * sizeof(struct srp_wire_desc)))
		return SRP_BAD_DESC_LEN;
	buf->len = be32_to_cpu(head->len);
	buf->nr_desc = nr_desc;
	if (listed < nr_desc) {
		/* What is in the IU is a copy of its beginning (DSC-17). */
		buf->table = &head->table;
		return SRP_OK;
	}
	return srp_take_table(buf, take_bytes(rest, listed * sizeof(struct srp_wire_desc)));
}

/* The data is at the agreed offset, wherever the descriptor ended. */
static enum srp_reason decode_imm(struct rest *rest, u16 imm_off, struct srp_buf *buf)
{
	const struct srp_wire_imm *desc;

	if (!has_bytes(rest, sizeof(*desc)))
		return SRP_BAD_DESC_LEN;
	desc = take_bytes(rest, sizeof(*desc));
	buf->len = be32_to_cpu(desc->len);
	if (!buf->len)
		return SRP_OK;
	if (rest->pos > imm_off || (u64)imm_off + buf->len > rest->len)
		return SRP_BAD_IMM_LEN;
	buf->imm = rest->iu + imm_off;
	return SRP_OK;
}

/*
 * Without data the CDB's word is kept: the residual of a command that came
 * without its buffer is an overflow in that direction. With data the buffer's
 * direction is kept, because a non-data CDB leaves all of it as residual. What
 * must not pass is data that flows against the CDB.
 */
static enum srp_reason settle_dir(struct srp_cmd_req *req, enum srp_dir buf_dir)
{
	bool data_cdb;

	req->cdb_dir = srp_cdb_dir(req->cdb, req->cdb_len);
	data_cdb = req->cdb_dir == SRP_DIR_IN || req->cdb_dir == SRP_DIR_OUT;

	if (!req->buf.len) {
		memset(&req->buf, 0, sizeof(req->buf));
		req->dir = data_cdb ? req->cdb_dir : SRP_DIR_NONE;
		return SRP_OK;
	}
	if (data_cdb && req->cdb_dir != buf_dir)
		return SRP_BAD_DIR;
	req->dir = buf_dir;
	return SRP_OK;
}

static enum srp_reason decode_cmd(const struct srp_wire_cmd *w, u32 len,
				  const struct srp_iu_params *p, struct srp_cmd_req *req)
{
	struct rest rest = { .iu = (const u8 *)w, .len = len, .pos = sizeof(*w) };
	u8 formats = w->buf_fmt, out = formats >> 4, in = formats & 0x0f;
	enum srp_reason reason;

	req->buf = (struct srp_buf) { };
	reason = check_formats(out, in, p);
	if (reason)
		return reason;
	memcpy(req->lun, w->lun, sizeof(req->lun));
	req->attr = w->task_attr & SRP_TASK_ATTR_MASK;
	if (!known_attr(req->attr))
		return SRP_BAD_ATTR;
	reason = decode_cdb(w, &rest, req);
	if (reason)
		return reason;

	/* At most one of the two is not 0. */
	switch (out | in) {
	case SRP_DESC_DIRECT:
		reason = decode_direct(&rest, &req->buf);
		break;
	case SRP_DESC_INDIRECT:
		reason = decode_indirect(&rest, out ? w->data_out_desc_cnt : w->data_in_desc_cnt,
					 out ? w->data_in_desc_cnt : w->data_out_desc_cnt,
					 &req->buf);
		break;
	case SRP_DESC_IMM:
		reason = decode_imm(&rest, p->imm_off, &req->buf);
		break;
	}
	if (reason)
		return reason;
	return settle_dir(req, out ? SRP_DIR_OUT : SRP_DIR_IN);
}

bool srp_tmf_known(u8 function)
{
	switch (function) {
	case SRP_TMF_ABORT_TASK:
	case SRP_TMF_ABORT_TASK_SET:
	case SRP_TMF_CLEAR_TASK_SET:
	case SRP_TMF_LUN_RESET:
	case SRP_TMF_CLEAR_ACA:
		return true;
	}
	return false;
}

/* SAM: one level, by peripheral address (LUN 256 and up have a bus number) or flat address. */
static bool single_level_lun(const u8 lun[8])
{
	u8 i;

	for (i = 2; i < 8; i++) {
		if (lun[i])
			return false;
	}
	return lun[0] >> 6 <= 1;
}

/*
 * A function that nobody knows is no error of the IU, whatever its LUN: it is
 * answered with "not supported", and that check comes first (SRP r16a 6.7).
 */
static enum srp_reason decode_tmf(const struct srp_wire_tsk_mgmt *w, struct srp_tmf_req *req)
{
	memcpy(req->lun, w->lun, sizeof(req->lun));
	req->function = w->function;
	req->task_tag = w->task_tag;
	if (srp_tmf_known(req->function) && !single_level_lun(req->lun))
		return SRP_BAD_LUN;
	return SRP_OK;
}

static bool sent_by_target(u8 opcode)
{
	switch (opcode) {
	case SRP_OP_T_LOGOUT:
	case SRP_OP_CRED_REQ:
	case SRP_OP_AER_REQ:
	case SRP_OP_LOGIN_RSP:
	case SRP_OP_RSP:
	case SRP_OP_LOGIN_REJ:
		return true;
	}
	return false;
}

enum srp_reason srp_decode_iu(const void *buf, u32 len, const struct srp_iu_params *p,
			      struct srp_iu *iu)
{
	const struct srp_wire_short *w = buf;

	/* Not all of the union is cleared: this is done for every command. */
	iu->has_tag = len >= SRP_TAGGED_LEN;
	iu->tag = iu->has_tag ? w->tag : 0;
	iu->opcode = len ? w->opcode : 0;
	if (!len)
		return SRP_BAD_LEN;

	switch (iu->opcode) {
	case SRP_OP_CMD:
		if (len >= sizeof(struct srp_wire_cmd))
			return decode_cmd(buf, len, p, &iu->cmd);
		return iu->has_tag ? SRP_BAD_LEN_TAGGED : SRP_BAD_LEN;
	case SRP_OP_TSK_MGMT:
		if (len >= sizeof(struct srp_wire_tsk_mgmt))
			return decode_tmf(buf, &iu->tmf);
		return iu->has_tag ? SRP_BAD_LEN_TAGGED : SRP_BAD_LEN;
	case SRP_OP_I_LOGOUT:
	case SRP_OP_CRED_RSP:
	case SRP_OP_AER_RSP:
		return iu->has_tag ? SRP_OK : SRP_BAD_LEN;
	case SRP_OP_LOGIN_REQ:
		return iu->has_tag ? SRP_BAD_LOGIN_IN_BAND : SRP_BAD_LEN;
	}
	/* Of a type that has a length, the length is the first thing wrong. */
	return sent_by_target(iu->opcode) && !iu->has_tag ? SRP_BAD_LEN : SRP_BAD_OPCODE;
}

static void set_login_flags(struct srp_login *login, u8 flags, u16 imm_off)
{
	login->mc_action = flags & SRP_LOGIN_MC_MASK;
	login->want_imm = flags & SRP_LOGIN_IMM;
	/* Without the flag the field is reserved (LOG-15). */
	login->imm_off = login->want_imm ? imm_off : 0;
}

static bool decode_login_ib(const struct srp_wire_login_req *w, u32 len, struct srp_login *login)
{
	if (len < sizeof(*w) || w->opcode != SRP_OP_LOGIN_REQ)
		return false;
	login->tag = w->tag;
	login->it_iu_len = be32_to_cpu(w->req_it_iu_len);
	login->buf_fmt = be16_to_cpu(w->req_buf_fmt);
	memcpy(login->i_port_id, w->initiator_port_id, sizeof(login->i_port_id));
	memcpy(login->t_port_id, w->target_port_id, sizeof(login->t_port_id));
	set_login_flags(login, w->req_flags, be16_to_cpu(w->imm_data_offset));
	return true;
}

/* The offset was added later, at the end: an old initiator does not send it. */
static bool decode_login_rdma(const struct srp_wire_login_req_rdma *w, u32 len,
			      struct srp_login *login)
{
	u16 imm_off = 0;

	if (len < SRP_LOGIN_REQ_RDMA_OLD_LEN || w->opcode != SRP_OP_LOGIN_REQ)
		return false;
	login->tag = w->tag;
	login->it_iu_len = be32_to_cpu(w->req_it_iu_len);
	login->buf_fmt = be16_to_cpu(w->req_buf_fmt);
	memcpy(login->i_port_id, w->initiator_port_id, sizeof(login->i_port_id));
	memcpy(login->t_port_id, w->target_port_id, sizeof(login->t_port_id));
	if (len >= offsetofend(struct srp_wire_login_req_rdma, imm_data_offset))
		imm_off = be16_to_cpu(w->imm_data_offset);
	set_login_flags(login, w->req_flags, imm_off);
	return true;
}

bool srp_decode_login(const void *buf, u32 len, enum srp_login_form form, struct srp_login *login)
{
	memset(login, 0, sizeof(*login));
	switch (form) {
	case SRP_LOGIN_FORM_IB:
		return decode_login_ib(buf, len, login);
	case SRP_LOGIN_FORM_RDMA:
		return decode_login_rdma(buf, len, login);
	}
	return false;
}

u32 srp_check_login(const struct srp_login *login, const struct srp_login_limits *lim)
{
	if (login->it_iu_len < SRP_MIN_IU_LEN)
		return SRP_REJ_NO_REASON;
	if (login->it_iu_len > lim->max_it_iu_len)
		return SRP_REJ_IU_TOO_LARGE;
	if (login->buf_fmt & ~SRP_LOGIN_FMT_SUPPORTED)
		return SRP_REJ_DESC_FMT;
	if (login->mc_action > SRP_LOGIN_MC_MULTI)
		return SRP_REJ_NO_REASON;
	if (memcmp(login->t_port_id + 8, lim->ioc_guid, sizeof(lim->ioc_guid)))
		return SRP_REJ_NO_NEXUS;
	return 0;
}

/*
 * The bounds are ours: behind a command with its descriptor, and small enough
 * that no buffer has to be sized by what a peer asks for (LOG-16).
 */
u16 srp_login_imm_off(const struct srp_login *login)
{
	u16 off = login->imm_off;

	if (!login->want_imm || off % 4 || off < 52 || off > 512 || off >= login->it_iu_len)
		return 0;
	return off;
}

const char *srp_login_reject_str(u32 reason)
{
	switch (reason) {
	case SRP_REJ_NO_REASON:
		return "no reason";
	case SRP_REJ_NO_RESOURCES:
		return "no resources";
	case SRP_REJ_IU_TOO_LARGE:
		return "IU length too large";
	case SRP_REJ_NO_NEXUS:
		return "no such target port";
	case SRP_REJ_DESC_FMT:
		return "unsupported descriptor format";
	case SRP_REJ_NO_MULTI:
		return "no multichannel";
	case SRP_REJ_CHANNEL_LIMIT:
		return "channel limit";
	}
	return "undefined reason";
}
