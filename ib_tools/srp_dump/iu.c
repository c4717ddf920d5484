// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Information units, field by field. Every access is checked against the number of bytes that there are. */
#include <scsi/sg_lib.h>
#include <stdlib.h>
#include <string.h>
#include <sys/param.h>

#include "dump.h"
#include "srp_proto.h"

#define TEXT_LEN	256

/* Writes a field as text; returns whether it is worth a line. */
typedef bool as_text(char *text, const u8 *p, u32 len);

struct field {
	u16		off, len;
	const char	*name;
	as_text		*text;
};

/* ---- kinds of fields ------------------------------------------------------------------------------- */

static u64 number(const u8 *p, u32 len)
{
	u64 v = 0;

	while (len--)
		v = v << 8 | *p++;
	return v;
}

const char *dump_bytes(const u8 *b, u32 len)
{
	static char text[3 * 32 + 40];
	u32 i, shown = MIN(len, 32);

	text[0] = '\0';
	for (i = 0; i < shown; i++)
		sprintf(text + 3 * i, "%02x ", b[i]);
	if (shown < len)
		sprintf(text + 3 * shown, "... %u bytes", len);
	else if (shown)
		text[3 * shown - 1] = '\0';
	return text;
}

static bool as_bytes(char *text, const u8 *p, u32 len)
{
	snprintf(text, TEXT_LEN, "%s", dump_bytes(p, len));
	return true;
}

static bool as_reserved(char *text, const u8 *p, u32 len)
{
	snprintf(text, TEXT_LEN, "%s  (reserved, should be 0)", dump_bytes(p, len));
	return number(p, MIN(len, 8)) || (len > 8 && memcmp(p, p + 1, len - 1));
}

static bool as_number(char *text, const u8 *p, u32 len)
{
	snprintf(text, TEXT_LEN, "%llu", number(p, len));
	return true;
}

static bool as_signed(char *text, const u8 *p, u32 len)
{
	snprintf(text, TEXT_LEN, "%+d", (s32)number(p, len));
	return true;
}

static bool as_hex(char *text, const u8 *p, u32 len)
{
	snprintf(text, TEXT_LEN, "0x%0*llx", (int)(2 * len), number(p, len));
	return true;
}

static bool as_id(char *text, const u8 *p, u32 len)
{
	tool_hex(text, p, len);
	return true;
}

static bool as_opcode(char *text, const u8 *p, u32 len)
{
	(void)len;
	snprintf(text, TEXT_LEN, "0x%02x %s", p[0], srpi_opcode_str(p[0]));
	return true;
}

static bool as_solicited(char *text, const u8 *p, u32 len)
{
	(void)len;
	snprintf(text, TEXT_LEN, "0x%02x%s", p[0], p[0] & 1 ? " solicited notification" : "");
	return p[0];
}

static bool as_formats(char *text, const u8 *p, u32 len)
{
	const u32 v = number(p, len);

	snprintf(text, TEXT_LEN, "0x%04x%s%s%s", v, v & SRP_LOGIN_FMT_DIRECT ? " direct" : "",
		 v & SRP_LOGIN_FMT_INDIRECT ? " indirect" : "",
		 v & ~SRP_LOGIN_FMT_SUPPORTED ? " and unknown ones" : "");
	return true;
}

static bool as_login_flags(char *text, const u8 *p, u32 len)
{
	static const char *const action[] = { "SINGLE", "MULTI", "reserved action 2", "reserved action 3" };

	(void)len;
	snprintf(text, TEXT_LEN, "0x%02x %s%s", p[0], action[p[0] & SRP_LOGIN_MC_MASK],
		 p[0] & SRP_LOGIN_IMM ? ", immediate data" : "");
	return true;
}

static bool as_login_result(char *text, const u8 *p, u32 len)
{
	static const char *const result[] = {
		"no other channel", "other channels were terminated", "other channels go on", "reserved result 3",
	};

	(void)len;
	snprintf(text, TEXT_LEN, "0x%02x %s%s", p[0], result[p[0] & SRP_LOGIN_MC_MASK],
		 p[0] & SRP_LOGIN_IMM ? ", immediate data" : "");
	return true;
}

static bool as_reject(char *text, const u8 *p, u32 len)
{
	const u32 v = number(p, len);

	snprintf(text, TEXT_LEN, "0x%08x %s", v, srp_login_reject_str(v));
	return true;
}

static bool as_logout(char *text, const u8 *p, u32 len)
{
	const u32 v = number(p, len);

	snprintf(text, TEXT_LEN, "%u %s", v, v <= 0x7fffffff ? srpi_logout_str(v) : "undefined reason");
	return true;
}

static bool as_lun(char *text, const u8 *p, u32 len)
{
	char id[17];

	(void)len;
	tool_hex(id, p, 8);
	if (number(p + 2, 6) || p[0] >> 6 > 1)
		snprintf(text, TEXT_LEN, "%s  (not a single-level LUN)", id);
	else
		snprintf(text, TEXT_LEN, "%s  LUN %u%s", id, (p[0] & 0x3f) << 8 | p[1], p[0] >> 6 ? " (flat)" : "");
	return true;
}

static bool as_function(char *text, const u8 *p, u32 len)
{
	(void)len;
	snprintf(text, TEXT_LEN, "0x%02x %s", p[0], srpi_tmf_str(p[0]));
	return true;
}

static bool as_buf_formats(char *text, const u8 *p, u32 len)
{
	static const char *const name[16] = {
		"none", "direct", "indirect", "immediate", [4 ... 15] = "reserved"
	};

	(void)len;
	snprintf(text, TEXT_LEN, "0x%02x data-out %s, data-in %s", p[0], name[p[0] >> 4],
		 (p[0] & 0xf) == SRP_DESC_IMM ? "reserved" : name[p[0] & 0xf]);
	return true;
}

static bool as_attribute(char *text, const u8 *p, u32 len)
{
	static const char *const name[] = {
		"SIMPLE", "HEAD OF QUEUE", "ORDERED", "reserved", "ACA", "reserved", "reserved", "reserved",
	};

	(void)len;
	snprintf(text, TEXT_LEN, "%u %s", p[0] & 7, name[p[0] & 7]);
	return true;
}

static bool as_add_cdb(char *text, const u8 *p, u32 len)
{
	(void)len;
	snprintf(text, TEXT_LEN, "%u bytes", p[0] & ~3);
	return p[0];
}

static bool as_rsp_flags(char *text, const u8 *p, u32 len)
{
	static const char *const name[] = {
		"RSPVALID", "SNSVALID", "DOOVER", "DOUNDER", "DIOVER", "DIUNDER", "bit6?", "bit7?",
	};
	size_t pos = snprintf(text, TEXT_LEN, "0x%02x", p[0]);
	unsigned int i;

	(void)len;
	for (i = 0; i < ARRAY_SIZE(name); i++)
		if (p[0] & 1 << i)
			pos += snprintf(text + pos, TEXT_LEN - pos, " %s", name[i]);
	return true;
}

static bool as_status(char *text, const u8 *p, u32 len)
{
	(void)len;
	snprintf(text, TEXT_LEN, "0x%02x %s", p[0], srpi_status_str(p[0]));
	return true;
}

static bool as_count(char *text, const u8 *p, u32 len)
{
	return as_number(text, p, len) && number(p, len);
}

/* ---- the fixed parts ------------------------------------------------------------------------------- */

#define FIELD(type, member, name, text)	\
	{ offsetof(struct srp_wire_##type, member), sizeof_field(struct srp_wire_##type, member), name, text }

static const struct field login_req[] = {
	FIELD(login_req, opcode, "OPCODE", as_opcode),
	FIELD(login_req, rsvd1, "reserved", as_reserved),
	FIELD(login_req, tag, "TAG", as_hex),
	FIELD(login_req, req_it_iu_len, "REQUESTED MAXIMUM I->T IU LENGTH", as_number),
	FIELD(login_req, rsvd20, "reserved", as_reserved),
	FIELD(login_req, req_buf_fmt, "REQUIRED BUFFER FORMATS", as_formats),
	FIELD(login_req, req_flags, "FLAGS", as_login_flags),
	FIELD(login_req, rsvd27, "reserved", as_reserved),
	FIELD(login_req, imm_data_offset, "IMMEDIATE DATA OFFSET", as_number),
	FIELD(login_req, rsvd30, "reserved", as_reserved),
	FIELD(login_req, initiator_port_id, "INITIATOR PORT IDENTIFIER", as_id),
	FIELD(login_req, target_port_id, "TARGET PORT IDENTIFIER", as_id),
	{ 0 },
};

static const struct field login_req_rdma[] = {
	FIELD(login_req_rdma, tag, "TAG", as_hex),
	FIELD(login_req_rdma, req_buf_fmt, "REQUIRED BUFFER FORMATS", as_formats),
	FIELD(login_req_rdma, req_flags, "FLAGS", as_login_flags),
	FIELD(login_req_rdma, opcode, "OPCODE", as_opcode),
	FIELD(login_req_rdma, req_it_iu_len, "REQUESTED MAXIMUM I->T IU LENGTH", as_number),
	FIELD(login_req_rdma, initiator_port_id, "INITIATOR PORT IDENTIFIER", as_id),
	FIELD(login_req_rdma, target_port_id, "TARGET PORT IDENTIFIER", as_id),
	FIELD(login_req_rdma, imm_data_offset, "IMMEDIATE DATA OFFSET", as_number),
	FIELD(login_req_rdma, rsvd50, "reserved", as_reserved),
	{ 0 },
};

static const struct field login_rsp[] = {
	FIELD(login_rsp, opcode, "OPCODE", as_opcode),
	FIELD(login_rsp, rsvd1, "reserved", as_reserved),
	FIELD(login_rsp, req_lim_delta, "REQUEST LIMIT DELTA", as_signed),
	FIELD(login_rsp, tag, "TAG", as_hex),
	FIELD(login_rsp, max_it_iu_len, "MAXIMUM I->T IU LENGTH", as_number),
	FIELD(login_rsp, max_ti_iu_len, "MAXIMUM T->I IU LENGTH", as_number),
	FIELD(login_rsp, buf_fmt, "SUPPORTED BUFFER FORMATS", as_formats),
	FIELD(login_rsp, rsp_flags, "FLAGS", as_login_result),
	FIELD(login_rsp, rsvd27, "reserved", as_reserved),
	{ 0 },
};

static const struct field login_rej[] = {
	FIELD(login_rej, opcode, "OPCODE", as_opcode),
	FIELD(login_rej, rsvd1, "reserved", as_reserved),
	FIELD(login_rej, reason, "REASON", as_reject),
	FIELD(login_rej, tag, "TAG", as_hex),
	FIELD(login_rej, rsvd16, "reserved", as_reserved),
	FIELD(login_rej, buf_fmt, "SUPPORTED BUFFER FORMATS", as_formats),
	FIELD(login_rej, rsvd26, "reserved", as_reserved),
	{ 0 },
};

static const struct field short_iu[] = {
	FIELD(short, opcode, "OPCODE", as_opcode),
	FIELD(short, rsvd1, "reserved", as_reserved),
	FIELD(short, tag, "TAG", as_hex),
	{ 0 },
};

static const struct field t_logout[] = {
	FIELD(t_logout, opcode, "OPCODE", as_opcode),
	FIELD(t_logout, sol_not, "SOLNT", as_solicited),
	FIELD(t_logout, rsvd2, "reserved", as_reserved),
	FIELD(t_logout, reason, "REASON", as_logout),
	FIELD(t_logout, tag, "TAG", as_hex),
	{ 0 },
};

static const struct field cred_req[] = {
	FIELD(cred_req, opcode, "OPCODE", as_opcode),
	FIELD(cred_req, sol_not, "SOLNT", as_solicited),
	FIELD(cred_req, rsvd2, "reserved", as_reserved),
	FIELD(cred_req, req_lim_delta, "REQUEST LIMIT DELTA", as_signed),
	FIELD(cred_req, tag, "TAG", as_hex),
	{ 0 },
};

/* No struct of srp_wire.h: nothing here sends or reads it. */
static const struct field aer_req[] = {
	FIELD(cred_req, opcode, "OPCODE", as_opcode),
	FIELD(cred_req, sol_not, "SOLNT", as_solicited),
	FIELD(cred_req, rsvd2, "reserved", as_reserved),
	FIELD(cred_req, req_lim_delta, "REQUEST LIMIT DELTA", as_signed),
	FIELD(cred_req, tag, "TAG", as_hex),
	{ 16, 4, "reserved", as_reserved },
	{ 20, 8, "LUN", as_lun },
	{ 28, 4, "SENSE DATA LIST LENGTH", as_number },
	{ 32, 4, "reserved", as_reserved },
	{ 0 },
};

static const struct field tsk_mgmt[] = {
	FIELD(tsk_mgmt, opcode, "OPCODE", as_opcode),
	FIELD(tsk_mgmt, sol_not, "SOLNT", as_solicited),
	FIELD(tsk_mgmt, rsvd2, "reserved", as_reserved),
	FIELD(tsk_mgmt, tag, "TAG", as_hex),
	FIELD(tsk_mgmt, rsvd16, "reserved", as_reserved),
	FIELD(tsk_mgmt, lun, "LUN", as_lun),
	FIELD(tsk_mgmt, rsvd28, "reserved", as_reserved),
	FIELD(tsk_mgmt, function, "TASK MANAGEMENT FUNCTION", as_function),
	FIELD(tsk_mgmt, rsvd31, "reserved", as_reserved),
	FIELD(tsk_mgmt, task_tag, "TAG OF TASK", as_hex),
	FIELD(tsk_mgmt, rsvd40, "reserved", as_reserved),
	{ 0 },
};

static const struct field cmd[] = {
	FIELD(cmd, opcode, "OPCODE", as_opcode),
	FIELD(cmd, sol_not, "SOLNT", as_solicited),
	FIELD(cmd, rsvd2, "reserved", as_reserved),
	FIELD(cmd, buf_fmt, "BUFFER FORMATS", as_buf_formats),
	FIELD(cmd, data_out_desc_cnt, "DATA-OUT DESCRIPTOR COUNT", as_count),
	FIELD(cmd, data_in_desc_cnt, "DATA-IN DESCRIPTOR COUNT", as_count),
	FIELD(cmd, tag, "TAG", as_hex),
	FIELD(cmd, rsvd16, "reserved", as_reserved),
	FIELD(cmd, lun, "LUN", as_lun),
	FIELD(cmd, rsvd28, "reserved", as_reserved),
	FIELD(cmd, task_attr, "TASK ATTRIBUTE", as_attribute),
	FIELD(cmd, rsvd30, "reserved", as_reserved),
	FIELD(cmd, add_cdb_len, "ADDITIONAL CDB LENGTH", as_add_cdb),
	FIELD(cmd, cdb, "CDB", as_bytes),
	{ 0 },
};

static const struct field rsp[] = {
	FIELD(rsp, opcode, "OPCODE", as_opcode),
	FIELD(rsp, sol_not, "SOLNT", as_solicited),
	FIELD(rsp, rsvd2, "reserved", as_reserved),
	FIELD(rsp, req_lim_delta, "REQUEST LIMIT DELTA", as_signed),
	FIELD(rsp, tag, "TAG", as_hex),
	FIELD(rsp, rsvd16, "reserved", as_reserved),
	FIELD(rsp, flags, "FLAGS", as_rsp_flags),
	FIELD(rsp, status, "STATUS", as_status),
	FIELD(rsp, data_out_res_cnt, "DATA-OUT RESIDUAL COUNT", as_count),
	FIELD(rsp, data_in_res_cnt, "DATA-IN RESIDUAL COUNT", as_count),
	FIELD(rsp, sense_data_len, "SENSE DATA LIST LENGTH", as_number),
	FIELD(rsp, resp_data_len, "RESPONSE DATA LIST LENGTH", as_number),
	{ 0 },
};

/* Prints the fields that are there; returns where they end, or 0 if some are not there. */
static u32 dump_fields(const struct field *f, const u8 *b, u32 len)
{
	char text[TEXT_LEN];
	u32 end = 0;

	for (; f->name; f++) {
		end = f->off + f->len;
		if (end > len) {
			entry_problem("the IU ends in or before %s at offset %u", f->name, f->off);
			return 0;
		}
		if (f->text(text, b + f->off, f->len))
			entry_field(f->off, f->len, f->name, "%s", text);
	}
	return end;
}

static void dump_rest(const u8 *b, u32 len, u32 from, const char *name)
{
	if (from < len)
		entry_field(from, len - from, name, "%s", dump_bytes(b + from, len - from));
}

/* ---- commands -------------------------------------------------------------------------------------- */

/* Where the blocks of a command are in the CDB. */
static const struct {
	u8 op, lba, lba_len, count, count_len;
} block_cdbs[] = {
	{ 0x28, 2, 4, 7, 2 },  { 0x2a, 2, 4, 7, 2 },
	{ 0x2e, 2, 4, 7, 2 },  { 0x2f, 2, 4, 7, 2 },  { 0x35, 2, 4, 7, 2 },  { 0x41, 2, 4, 7, 2 },
	{ 0xa8, 2, 4, 6, 4 },  { 0xaa, 2, 4, 6, 4 },  { 0xae, 2, 4, 6, 4 },  { 0xaf, 2, 4, 6, 4 },
	{ 0x88, 2, 8, 10, 4 }, { 0x8a, 2, 8, 10, 4 }, { 0x8e, 2, 8, 10, 4 }, { 0x8f, 2, 8, 10, 4 },
	{ 0x91, 2, 8, 10, 4 }, { 0x93, 2, 8, 10, 4 }, { 0x89, 2, 8, 13, 1 },
};

/* The 16 bytes and the additional CDB; padded, because others read it. */
static void dump_cdb(const u8 *b, u32 len, u32 off)
{
	u8 cdb[16 + 256 + 16] = { 0 };
	char name[80];
	size_t i;

	memcpy(cdb, b + off, MIN(len - off, 16u + 252));
	sg_get_command_name(cdb, 0, sizeof(name), name);
	entry_field(off, 1, "  operation", "%s", name);
	if (cdb[0] == 0x12)
		entry_field(off + 1, 4, "  page, allocation length", cdb[1] & 1 ? "VPD %02xh, %u" : "none (%02xh), %u",
			    cdb[2], cdb[3] << 8 | cdb[4]);
	for (i = 0; i < ARRAY_SIZE(block_cdbs); i++) {
		if (block_cdbs[i].op != cdb[0])
			continue;
		entry_field(off + block_cdbs[i].lba, block_cdbs[i].lba_len, "  LBA", "%llu",
			    number(cdb + block_cdbs[i].lba, block_cdbs[i].lba_len));
		entry_field(off + block_cdbs[i].count, block_cdbs[i].count_len, "  blocks", "%llu",
			    number(cdb + block_cdbs[i].count, block_cdbs[i].count_len));
	}
}

static void dump_desc(const u8 *b, u32 off, const char *name)
{
	const struct srp_wire_desc *d = (const void *)(b + off);
	const struct srp_remote r = srp_desc_remote(d);

	entry_field(off, sizeof(*d), name, "address 0x%016llx key 0x%08x length %u", r.va, r.key, r.len);
}

/* Returns where the buffer ends, or 0 if it does not fit. */
static u32 dump_indirect(const u8 *b, u32 len, u32 off, u32 count)
{
	char name[32];
	u32 i;

	if (len - off < sizeof(struct srp_wire_indirect)) {
		entry_problem("the IU ends in the indirect descriptor at offset %u", off);
		return 0;
	}
	dump_desc(b, off, "  table descriptor");
	entry_field(off + 16, 4, "  total length", "%llu", number(b + off + 16, 4));
	off += sizeof(struct srp_wire_indirect);
	for (i = 0; i < count; i++, off += sizeof(struct srp_wire_desc)) {
		if (len - off < sizeof(struct srp_wire_desc)) {
			entry_problem("the IU ends after %u of %u descriptors", i, count);
			return 0;
		}
		snprintf(name, sizeof(name), "  descriptor %u", i);
		dump_desc(b, off, name);
	}
	return off;
}

static u32 dump_immediate(const u8 *b, u32 len, u32 off)
{
	const u32 data_len = len - off < 4 ? 0 : number(b + off, 4);

	if (len - off < 4) {
		entry_problem("the IU ends in the immediate data descriptor at offset %u", off);
		return 0;
	}
	entry_field(off, 4, "  immediate data length", "%u", data_len);
	if (!data_len)
		return off + 4;
	if (!conf.imm_off) {
		entry_problem("immediate data was not agreed at login: see --imm-offset");
		return 0;
	}
	if (conf.imm_off > len || data_len > len - conf.imm_off) {
		entry_problem("%u bytes of immediate data at offset %u are not in the IU", data_len, conf.imm_off);
		return 0;
	}
	entry_field(conf.imm_off, data_len, "  immediate data", "%s", dump_bytes(b + conf.imm_off, data_len));
	return conf.imm_off + data_len;
}

/* One of the two buffers; returns where it ends, or 0. */
static u32 dump_buffer(const u8 *b, u32 len, u32 off, u8 format, u8 count, const char *name)
{
	switch (format) {
	case SRP_DESC_NONE:
		return off;
	case SRP_DESC_DIRECT:
		if (len - off < sizeof(struct srp_wire_desc)) {
			entry_problem("the IU ends in the %s descriptor at offset %u", name, off);
			return 0;
		}
		dump_desc(b, off, name);
		return off + sizeof(struct srp_wire_desc);
	case SRP_DESC_INDIRECT:
		entry_field(off, 0, name, "indirect");
		return dump_indirect(b, len, off, count);
	}
	entry_problem("%s has reserved format %u", name, format);
	return 0;
}

static void dump_cmd(const u8 *b, u32 len)
{
	const struct srp_wire_cmd *w = (const void *)b;
	u32 off = dump_fields(cmd, b, len);
	u32 add;

	if (!off)
		return;
	add = w->add_cdb_len & ~3;
	dump_cdb(b, MIN(len, off + add), offsetof(struct srp_wire_cmd, cdb));
	if (add > len - off) {
		entry_problem("the IU ends in the additional CDB");
		return;
	}
	if (add)
		entry_field(off, add, "ADDITIONAL CDB", "%s", dump_bytes(b + off, add));
	off += add;
	if (w->buf_fmt >> 4 == SRP_DESC_IMM)
		off = dump_immediate(b, len, off);
	else
		off = dump_buffer(b, len, off, w->buf_fmt >> 4, w->data_out_desc_cnt, "DATA-OUT BUFFER");
	if (off)
		off = dump_buffer(b, len, off, w->buf_fmt & 0xf, w->data_in_desc_cnt, "DATA-IN BUFFER");
	if (off)
		dump_rest(b, len, off, "behind the command");
}

/* ---- responses ------------------------------------------------------------------------------------- */

/* What others read is padded. */
static void dump_sense(const u8 *b, u32 off, u32 len)
{
	u8 sense[256 + 256] = { 0 };
	struct sg_scsi_sense_hdr hdr;
	uint64_t info;

	entry_field(off, len, "SENSE DATA", "%s", dump_bytes(b + off, len));
	memcpy(sense, b + off, MIN(len, 256));
	if (!sg_scsi_normalize_sense(sense, MIN(len, 256), &hdr)) {
		entry_problem("sense data of response code %02xh", sense[0] & 0x7f);
		return;
	}
	entry_field(off, len, "  in words", "%s", tool_sense_str(hdr.sense_key, hdr.asc, hdr.ascq));
	if (hdr.response_code & 1)
		entry_field(off, 1, "  deferred", "for an earlier command");
	if (sg_get_sense_info_fld(sense, MIN(len, 256), &info))
		entry_field(off, len, "  information", "0x%llx", (u64)info);
}

static void dump_rsp(const u8 *b, u32 len)
{
	const struct srp_wire_rsp *w = (const void *)b;
	const struct srpi_rx rx = { b, len };
	u32 off = dump_fields(rsp, b, len), part;
	struct srpi_rsp checked;

	if (!off)
		return;
	part = MIN(be32toh(w->resp_data_len), len - off);
	if (part)
		entry_field(off, part, "RESPONSE DATA", "%s", dump_bytes(b + off, part));
	if (part >= SRP_RESP_DATA_LEN)
		entry_field(off + 3, 1, "  RSP_CODE", "0x%02x %s", b[off + 3], srpi_rsp_code_str(b[off + 3]));
	off += part;
	part = MIN(be32toh(w->sense_data_len), len - off);
	if (part)
		dump_sense(b, off, part);
	dump_rest(b, len, off + part, "behind the response");
	if (srpi_parse_rsp(&rx, &checked))
		entry_problem("the length is not that of its parts, or a part is there without its VALID bit, or the "
			      "bit without the part");
}

static void dump_aer(const u8 *b, u32 len)
{
	u32 off = dump_fields(aer_req, b, len), part;

	if (!off)
		return;
	part = MIN(number(b + 28, 4), len - off);
	if (part < number(b + 28, 4))
		entry_problem("the IU ends in the sense data");
	if (part)
		dump_sense(b, off, part);
	dump_rest(b, len, off + part, "behind the request");
}

/* ---- what our decoder says ------------------------------------------------------------------------- */

static void accepted_cmd(const struct srp_cmd_req *req)
{
	static const char *const dir[] = { "no data", "data-out", "data-in", "?" };

	if (req->buf.table)
		entry_verdict(true, "accepted, when the table of %u descriptors has been fetched: %s, %u bytes",
			      req->buf.nr_desc, dir[req->dir], req->buf.len);
	else if (req->buf.imm)
		entry_verdict(true, "accepted: %u bytes of immediate data", req->buf.len);
	else if (req->buf.nr_desc)
		entry_verdict(true, "accepted: %s, %u bytes in %u descriptor%s", dir[req->dir], req->buf.len,
			      req->buf.nr_desc, req->buf.nr_desc > 1 ? "s" : "");
	else
		entry_verdict(true, "accepted: no buffer%s%s", req->dir ? ", though the CDB is one for " : "",
			      req->dir ? dir[req->dir] : "");
}

static void check_request(const void *b, u32 len)
{
	const struct srp_iu_params params = { .imm_off = conf.imm_off };
	enum srp_reason reason;
	struct srp_iu iu;
	u8 sense[SRP_SENSE_FIELD_LEN];
	bool known;

	reason = srp_decode_iu(b, len, &params, &iu);
	known = reason || iu.opcode != SRP_OP_TSK_MGMT || srp_tmf_known(iu.tmf.function);
	switch (srp_reason_action(reason)) {
	case SRP_ACT_ACCEPT:
		if (iu.opcode == SRP_OP_CMD)
			accepted_cmd(&iu.cmd);
		else
			entry_verdict(true, "accepted%s", known ? "" : ", answered with RSP_CODE 04h (not supported)");
		break;
	case SRP_ACT_FIELD:
		srp_sense_reason(sense, reason);
		if (iu.opcode == SRP_OP_TSK_MGMT)
			entry_verdict(false, "refused: %s; answered with RSP_CODE 02h", srp_reason_str(reason));
		else
			entry_verdict(false, "refused: %s; answered with CHECK CONDITION, sense %02x/%02x/%02x",
				      srp_reason_str(reason), sense[2] & 0xf, sense[12], sense[13]);
		break;
	case SRP_ACT_KILL:
		entry_verdict(false, "refused: %s; SRP_T_LOGOUT with reason %u (%s), channel closed",
			      srp_reason_str(reason), srp_reason_logout(reason),
			      srpi_logout_str(srp_reason_logout(reason)));
		break;
	}
}

/* Whether the target port exists, and how long IUs may be, is for the target to say. */
static void check_login(const void *b, u32 len, enum srp_login_form form)
{
	struct srp_login_limits lim = { .max_it_iu_len = ~0 };
	struct srp_login login;
	u32 reject;

	if (!srp_decode_login(b, len, form, &login)) {
		entry_verdict(false, "refused: no SRP_LOGIN_REQ; SRP_LOGIN_REJ with reason 0x%08x", SRP_REJ_NO_REASON);
		return;
	}
	memcpy(lim.ioc_guid, login.t_port_id + 8, sizeof(lim.ioc_guid));
	reject = srp_check_login(&login, &lim);
	if (reject)
		entry_verdict(false, "refused: SRP_LOGIN_REJ with reason 0x%08x (%s)", reject,
			      srp_login_reject_str(reject));
	else if (srp_login_imm_off(&login))
		entry_verdict(true, "accepted, with immediate data at offset %u, if port, ACL and limits allow it",
			      srp_login_imm_off(&login));
	else
		entry_verdict(true, "accepted, %s immediate data, if port, ACL and limits allow it",
			      login.want_imm ? "but without the" : "without");
}

/* ---- one IU ---------------------------------------------------------------------------------------- */

/*
 * The form of RDMA/CM has no opcode in front. No request has its length: commands have 48 bytes, and 64 with a
 * descriptor; and a response of 56 bytes would have 20 bytes behind its fixed part.
 */
static bool is_rdma_login(const u8 *b, u32 len, enum dump_from from)
{
	const struct srp_wire_login_req_rdma *w = (const void *)b;

	if (from == FROM_TARGET || len != sizeof(*w) || w->opcode != SRP_OP_LOGIN_REQ)
		return false;
	return from == FROM_INITIATOR ||
	       (w->req_buf_fmt && !(be16toh(w->req_buf_fmt) & ~0xf) && be32toh(w->req_it_iu_len) < 1 << 20);
}

static void dump_by_opcode(const u8 *b, u32 len)
{
	static const struct {
		u8			opcode;
		const struct field	*fields;
	} plain[] = {
		{ SRP_OP_LOGIN_REQ, login_req }, { SRP_OP_TSK_MGMT, tsk_mgmt }, { SRP_OP_I_LOGOUT, short_iu },
		{ SRP_OP_CRED_RSP, short_iu }, { SRP_OP_AER_RSP, short_iu }, { SRP_OP_T_LOGOUT, t_logout },
		{ SRP_OP_CRED_REQ, cred_req }, { SRP_OP_LOGIN_RSP, login_rsp }, { SRP_OP_LOGIN_REJ, login_rej },
	};
	u32 i, off;

	switch (b[0]) {
	case SRP_OP_CMD:
		dump_cmd(b, len);
		return;
	case SRP_OP_RSP:
		dump_rsp(b, len);
		return;
	case SRP_OP_AER_REQ:
		dump_aer(b, len);
		return;
	}
	for (i = 0; i < ARRAY_SIZE(plain); i++) {
		if (plain[i].opcode != b[0])
			continue;
		off = dump_fields(plain[i].fields, b, len);
		if (off)
			dump_rest(b, len, off, "behind the IU");
		return;
	}
	entry_field(0, 1, "OPCODE", "0x%02x", b[0]);
	dump_rest(b, len, 1, "the rest");
	entry_problem("no IU of SRP has this opcode");
}

/* @b: aligned, and exactly @len bytes */
static void dump_copy(const char *where, const u8 *b, u32 len, enum dump_from from, enum dump_form form)
{
	const bool rdma = form == FORM_LOGIN_RDMA || (form == FORM_IU && is_rdma_login(b, len, from));
	const bool target_sent = from == FROM_TARGET || (from == FROM_ANYONE && b[0] & 0x80);
	u32 off;

	if (rdma) {
		entry_begin(where, "SRP_LOGIN_REQ (RDMA/CM)", len);
		off = dump_fields(login_req_rdma, b, len);
		if (off)
			dump_rest(b, len, off, "behind the IU");
		check_login(b, len, SRP_LOGIN_FORM_RDMA);
	} else {
		entry_begin(where, srpi_opcode_str(b[0]), len);
		dump_by_opcode(b, len);
		if (form == FORM_LOGIN_IB || (b[0] == SRP_OP_LOGIN_REQ && !target_sent))
			check_login(b, len, SRP_LOGIN_FORM_IB);
		else if (!target_sent)
			check_request(b, len);
	}
	entry_end();
}

void dump_iu(const char *where, const u8 *b, u32 len, enum dump_from from, enum dump_form form)
{
	u8 *copy;

	if (!len) {
		entry_begin(where, "nothing", 0);
		entry_problem("an IU has one byte at least");
		entry_end();
		return;
	}
	copy = malloc(len);
	if (!copy)
		abort();
	memcpy(copy, b, len);
	dump_copy(where, copy, len, from, form);
	free(copy);
}
