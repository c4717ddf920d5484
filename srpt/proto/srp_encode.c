// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * What the target sends.
 *
 * Every IU starts from zeros, so that no reserved byte carries memory of an
 * earlier one. SOLNT bits stay 0: the login response does not offer them.
 */
#include <linux/build_bug.h>
#include <linux/minmax.h>
#include <linux/string.h>
#include <asm/byteorder.h>
#include "srp_proto.h"

#define SENSE_FIXED_CURRENT	0x70
#define SENSE_ILLEGAL_REQUEST	0x05

struct residual {
	u8	over;
	u8	under;
};

/* One direction has one residual: over, under or none (RES-12). */
static void set_residual(struct srp_wire_rsp *w, const struct srp_rsp *rsp)
{
	static const struct residual out = { SRP_RSP_DOOVER, SRP_RSP_DOUNDER };
	static const struct residual in = { SRP_RSP_DIOVER, SRP_RSP_DIUNDER };
	const struct residual *flags = rsp->dir == SRP_DIR_OUT ? &out : &in;
	u32 count;

	if (rsp->dir != SRP_DIR_OUT && rsp->dir != SRP_DIR_IN)
		return;
	if (rsp->offered > rsp->produced) {
		w->flags |= flags->under;
		count = rsp->offered - rsp->produced;
	} else if (rsp->offered < rsp->produced) {
		w->flags |= flags->over;
		count = rsp->produced - rsp->offered;
	} else {
		return;
	}
	if (rsp->dir == SRP_DIR_OUT)
		w->data_out_res_cnt = cpu_to_be32(count);
	else
		w->data_in_res_cnt = cpu_to_be32(count);
}

/*
 * Initiators take both lengths at their word without looking at the valid
 * bits, so a length is 0 unless its bit is set (RSP-02), and sense data that
 * does not fit is cut, not announced (RSP-03).
 */
u32 srp_encode_rsp(void *buf, u32 max_len, const struct srp_rsp *rsp)
{
	struct srp_wire_rsp *w = buf;
	u32 len = sizeof(*w), sense_len;

	memset(w, 0, sizeof(*w));
	w->opcode = SRP_OP_RSP;
	w->req_lim_delta = cpu_to_be32(rsp->delta);
	w->tag = rsp->tag;
	w->status = rsp->status;
	set_residual(w, rsp);

	if (rsp->has_code) {
		u8 data[SRP_RESP_DATA_LEN] = { 0, 0, 0, rsp->code };

		w->flags |= SRP_RSP_RSPVALID;
		w->resp_data_len = cpu_to_be32(sizeof(data));
		memcpy((u8 *)buf + len, data, sizeof(data));
		len += sizeof(data);
	}

	sense_len = min3((u32)rsp->sense_len, (u32)SRP_MAX_SENSE_LEN, max_len - len);
	if (sense_len) {
		w->flags |= SRP_RSP_SNSVALID;
		w->sense_data_len = cpu_to_be32(sense_len);
		memcpy((u8 *)buf + len, rsp->sense, sense_len);
		len += sense_len;
	}
	return len;
}

static void set_sense(u8 *sense, u8 asc, u8 ascq)
{
	memset(sense, 0, SRP_SENSE_FIELD_LEN);
	sense[0] = SENSE_FIXED_CURRENT;
	sense[2] = SENSE_ILLEGAL_REQUEST;
	sense[7] = SRP_SENSE_FIELD_LEN - 8;	/* bytes that follow this one */
	sense[12] = asc;
	sense[13] = ascq;
}

void srp_sense_field(u8 sense[SRP_SENSE_FIELD_LEN])
{
	set_sense(sense, 0x0e, 0x03);
}

void srp_sense_reason(u8 sense[SRP_SENSE_FIELD_LEN], enum srp_reason reason)
{
	if (reason == SRP_BAD_CDB_LEN)
		set_sense(sense, 0x24, 0x00);
	else
		srp_sense_field(sense);
}

u32 srp_encode_cred_req(void *buf, u64 tag, s32 delta)
{
	struct srp_wire_cred_req *w = buf;

	memset(w, 0, sizeof(*w));
	w->opcode = SRP_OP_CRED_REQ;
	w->req_lim_delta = cpu_to_be32(delta);
	w->tag = tag;
	return sizeof(*w);
}

u32 srp_encode_t_logout(void *buf, u64 tag, enum srp_logout_reason reason)
{
	struct srp_wire_t_logout *w = buf;

	memset(w, 0, sizeof(*w));
	w->opcode = SRP_OP_T_LOGOUT;
	w->reason = cpu_to_be32(reason);
	w->tag = tag;
	return sizeof(*w);
}

u32 srp_encode_login_rsp(void *buf, const struct srp_login_answer *ans)
{
	struct srp_wire_login_rsp *w = buf;

	memset(w, 0, sizeof(*w));
	w->opcode = SRP_OP_LOGIN_RSP;
	w->req_lim_delta = cpu_to_be32(ans->delta);
	w->tag = ans->tag;
	w->max_it_iu_len = cpu_to_be32(ans->max_it_iu_len);
	w->max_ti_iu_len = cpu_to_be32(ans->max_ti_iu_len);
	w->buf_fmt = cpu_to_be16(SRP_LOGIN_FMT_SUPPORTED);
	w->rsp_flags = ans->mc_result | (ans->imm ? SRP_LOGIN_IMM : 0);
	return sizeof(*w);
}

u32 srp_encode_login_rej(void *buf, u64 tag, u32 reason)
{
	struct srp_wire_login_rej *w = buf;

	memset(w, 0, sizeof(*w));
	w->opcode = SRP_OP_LOGIN_REJ;
	w->reason = cpu_to_be32(reason);
	w->tag = tag;
	w->buf_fmt = cpu_to_be16(SRP_LOGIN_FMT_SUPPORTED);
	return sizeof(*w);
}
