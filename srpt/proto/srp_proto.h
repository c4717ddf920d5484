/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The pure half of the target: no allocation, no lock, no I/O. The same .c
 * files are compiled into the module and, over the shim headers in
 * include/shim, into the unit tests, the fuzzers and the tools.
 *
 * Nothing outside this directory reads wire bytes. A decoder gets (pointer,
 * byte count), looks at nothing beyond the count, and returns either a checked
 * value in host order or the reason of refusal.
 */
#ifndef SRP_PROTO_H
#define SRP_PROTO_H

#ifdef __KERNEL__
#include <asm/byteorder.h>
#include <linux/types.h>
#endif
#include "../../include/srp_wire.h"

/* ---- srp_reason: why an IU was refused, and what follows from it ------ */

/* What the driver does with a refused IU (docs/protocol.md, "outcomes"). */
enum srp_action {
	SRP_ACT_ACCEPT,
	SRP_ACT_FIELD,		/* CHECK CONDITION 05h/0Eh/03h, or RSP_CODE 02h for a TMF */
	SRP_ACT_KILL,		/* the framing cannot be trusted: close the channel */
};

enum srp_reason {
	SRP_OK = 0,
	SRP_BAD_LEN,		/* shorter than opcode and tag */
	SRP_BAD_LEN_TAGGED,	/* command or TMF with a readable tag but not its fixed part */
	SRP_BAD_OPCODE,		/* unknown, or one only a target sends */
	SRP_BAD_LOGIN_IN_BAND,	/* SRP_LOGIN_REQ on a live channel */
	SRP_BAD_ATTR,		/* reserved task attribute */
	SRP_BAD_ADD_CDB,	/* additional CDB beyond the IU */
	SRP_BAD_CDB_LEN,	/* variable-length CDB longer than what is carried */
	SRP_BAD_FMT_OUT,	/* reserved data-out format */
	SRP_BAD_FMT_IN,		/* reserved data-in format, immediate included */
	SRP_BAD_BIDI,		/* both directions */
	SRP_BAD_DESC_LEN,	/* descriptor, header or list beyond the IU */
	SRP_BAD_TABLE_LEN,	/* table length no multiple of 16, or below the list in the IU */
	SRP_BAD_TABLE_CAP,	/* more entries than SRP_MAX_DESC */
	SRP_BAD_SUM,		/* total length differs from the sum of the entries, or overflows */
	SRP_BAD_IMM,		/* immediate data not agreed at login */
	SRP_BAD_IMM_LEN,	/* immediate data beyond the IU, or overlapping the descriptor */
	SRP_BAD_DIR,		/* direction of CDB and descriptors disagree */
	SRP_BAD_UNSOLICITED,	/* a response nobody asked for (never from the decoder) */
	SRP_BAD_CREDIT,		/* the request limit is overrun (never from the decoder) */
	SRP_BAD_LUN,		/* TMF: not a single-level LUN */
	SRP_NR_REASONS
};

/* srp_reason_action() - what the driver must do. */
enum srp_action srp_reason_action(enum srp_reason reason);
/* srp_reason_logout() - the SRP_T_LOGOUT reason of a SRP_ACT_KILL. */
enum srp_logout_reason srp_reason_logout(enum srp_reason reason);
/* srp_reason_str() - a short text for logs and traces, never NULL. */
const char *srp_reason_str(enum srp_reason reason);

/* ---- srp_decode.c: information units ---------------------------------- */

#define SRP_MAX_CDB_LEN		260	/* SPC: the longest variable-length CDB */
#define SRP_MAX_DESC		4096	/* memory descriptors of one command */

/* What the two sides agreed upon at login and the decoder must know. */
struct srp_iu_params {
	u16	imm_off;	/* offset of immediate data in the IU, 0: not agreed */
};

enum srp_dir {
	SRP_DIR_NONE,
	SRP_DIR_OUT,		/* initiator to target: RDMA READ, immediate data */
	SRP_DIR_IN,		/* target to initiator: RDMA WRITE */
	SRP_DIR_UNKNOWN,	/* srp_cdb_dir() only: vendor specific or unlisted */
};

/**
 * struct srp_buf - the data buffer of a command, checked
 * @len:	bytes the initiator offers (B); 0 means no buffer
 * @nr_desc:	entries at @desc; may include entries of length 0
 * @desc:	memory descriptors, in the IU; alignment 1
 * @imm:	immediate data, in the IU, @len bytes; NULL unless immediate
 * @table:	where the initiator keeps the @nr_desc entries, if they are not all
 *		in the IU, else NULL. Then @desc is NULL until srp_take_table()
 *
 * The pointers are into the IU and live as long as the receive buffer does.
 * The sum of the entry lengths equals @len, once there is @desc.
 */
struct srp_buf {
	u32				len;
	u16				nr_desc;
	const struct srp_wire_desc	*desc;
	const u8			*imm;
	const struct srp_wire_desc	*table;
};

/**
 * struct srp_cmd_req - a decoded SRP_CMD
 * @lun:	as in the IU
 * @attr:	0 SIMPLE, 1 HEAD OF QUEUE, 2 ORDERED, 4 ACA
 * @dir:	direction of @buf, for the transfer and the residuals; without a
 *		buffer what the CDB says. Never SRP_DIR_UNKNOWN
 * @cdb_dir:	what the CDB says: srp_cdb_dir(). Where it is SRP_DIR_NONE and @buf
 *		is not empty, nothing is transferred and @buf is all residual
 * @cdb:	@cdb_len bytes; contiguous: byte 32 of the IU onwards
 * @cdb_len:	16 + additional CDB, at most SRP_MAX_CDB_LEN; for a variable-length
 *		CDB 8 + cdb[7], which may be as little as 8
 * @buf:	the initiator's buffer for @dir
 */
struct srp_cmd_req {
	u8		lun[8];
	u8		attr;
	enum srp_dir	dir;
	enum srp_dir	cdb_dir;
	const u8	*cdb;
	u16		cdb_len;
	struct srp_buf	buf;
};

/**
 * struct srp_tmf_req - a decoded SRP_TSK_MGMT
 * @lun:	as in the IU; also set if the refusal is SRP_BAD_LUN, like the rest
 * @function:	enum srp_tmf, or a value that is none: the driver answers 04h
 * @task_tag:	tag of the task to abort
 */
struct srp_tmf_req {
	u8	lun[8];
	u8	function;
	u64	task_tag;
};

/* Is it an enum srp_tmf? */
bool srp_tmf_known(u8 function);

/**
 * struct srp_iu - a received IU
 * @opcode:	type; valid if the IU has at least one byte
 * @has_tag:	@tag is valid (16 bytes or more arrived)
 */
struct srp_iu {
	u8	opcode;
	bool	has_tag;
	u64	tag;
	union {
		struct srp_cmd_req	cmd;
		struct srp_tmf_req	tmf;
	};
};

/**
 * srp_decode_iu() - decode and check what an initiator sent on a channel
 * @buf: the IU; at least 8-byte aligned
 * @len: bytes received
 * @p: what was agreed at login
 * @iu: result; opcode, has_tag and tag are set as far as @len allows even on
 *	refusal, the rest only if the IU is accepted
 *
 * SRP_I_LOGOUT, SRP_CRED_RSP and SRP_AER_RSP are only checked for their length.
 *
 * Return: SRP_OK, or the first reason of refusal in the order of the IU.
 */
enum srp_reason srp_decode_iu(const void *buf, u32 len, const struct srp_iu_params *p,
			      struct srp_iu *iu);

/* ---- srp_cdb.c: what a CDB says about its data ------------------------- */

/**
 * srp_cdb_dir() - transfer direction of a CDB
 * @cdb: at least 16 bytes, or as long as cdb[7] says for operation code 7Fh
 * @cdb_len: bytes at @cdb
 *
 * Knows the commands of SPC-4, SBC-3, SSC, SMC and MMC in common use, with
 * service actions. Commands whose length field is 0 keep their direction.
 * Operation codes that move data in opposite directions, or only in one of two
 * command sets, are unknown: the device type is not known here.
 *
 * Return: SRP_DIR_NONE, _OUT, _IN, or _UNKNOWN.
 */
enum srp_dir srp_cdb_dir(const u8 *cdb, u16 cdb_len);

/**
 * srp_cdb_blocks() - how many blocks a READ, WRITE or VERIFY moves
 * @cdb: as for srp_cdb_dir()
 * @cdb_len: bytes at @cdb
 *
 * Return: the transfer length in blocks of the commands that have 32 bits for
 * it, so that it can be multiplied in 64; 0 for all other commands.
 */
u64 srp_cdb_blocks(const u8 *cdb, u16 cdb_len);

/* ---- login --------------------------------------------------------------- */

/**
 * struct srp_login - a decoded SRP_LOGIN_REQ of either connection manager
 * @imm_off: requested immediate data offset; 0 if not requested
 * @mc_action: multi-channel action, 0..3
 */
struct srp_login {
	u64	tag;
	u32	it_iu_len;
	u16	buf_fmt;
	u16	imm_off;
	u8	mc_action;
	bool	want_imm;
	u8	i_port_id[16];
	u8	t_port_id[16];
};

/* Private data of an IB/CM REQ (srp_wire_login_req) or RDMA/CM connect request. */
enum srp_login_form { SRP_LOGIN_FORM_IB, SRP_LOGIN_FORM_RDMA };

/* Login requests shorter than this form allows, or with another opcode, return false. */
bool srp_decode_login(const void *buf, u32 len, enum srp_login_form form, struct srp_login *login);

struct srp_login_limits {
	u32	max_it_iu_len;		/* srp_max_req_size */
	u8	ioc_guid[8];		/* the second half of the target port id */
};

/**
 * srp_check_login() - the rules of SRP r16a 6.2 that need no state
 * Return: 0, or an enum srp_login_reject.
 *
 * Order: IU length below 64 (NO_REASON), above the limit (IU_TOO_LARGE), descriptor
 * formats (DESC_FMT), reserved multi-channel action (NO_REASON), ioc_guid (NO_NEXUS).
 * Which targets there are, by id_ext, is not known here.
 */
u32 srp_check_login(const struct srp_login *login, const struct srp_login_limits *lim);

/**
 * srp_login_imm_off() - the immediate data offset to grant
 * Return: the requested offset if it is a multiple of 4 in 52..512 and below the
 * I->T IU length, else 0: no immediate data.
 */
u16 srp_login_imm_off(const struct srp_login *login);

/* A text for an enum srp_login_reject, never NULL. */
const char *srp_login_reject_str(u32 reason);

/* ---- srp_encode.c -------------------------------------------------------- */

#define SRP_MAX_SENSE_LEN	252
#define SRP_SENSE_FIELD_LEN	18

/**
 * struct srp_rsp - what an SRP_RSP says
 * @delta: request limit delta
 * @dir, @offered, @produced: residuals: bytes offered by the initiator (B) and
 *	bytes the command transfers or would transfer (T); nothing if @dir is NONE
 * @has_code: response data is present (task management)
 * @sense, @sense_len: sense data; truncated to what fits
 */
struct srp_rsp {
	u64			tag;
	s32			delta;
	u8			status;
	enum srp_dir		dir;
	u32			offered;
	u32			produced;
	bool			has_code;
	u8			code;
	const u8		*sense;
	u16			sense_len;
};

/* srp_encode_rsp() - returns the length, at most @max_len (40 or more). */
u32 srp_encode_rsp(void *buf, u32 max_len, const struct srp_rsp *rsp);
/* srp_sense_field() - fixed format 05h/0Eh/03h INVALID FIELD IN COMMAND INFORMATION UNIT. */
void srp_sense_field(u8 sense[SRP_SENSE_FIELD_LEN]);
/* srp_sense_reason() - the same, but 05h/24h/00h INVALID FIELD IN CDB if that was the reason. */
void srp_sense_reason(u8 sense[SRP_SENSE_FIELD_LEN], enum srp_reason reason);
u32 srp_encode_cred_req(void *buf, u64 tag, s32 delta);
u32 srp_encode_t_logout(void *buf, u64 tag, enum srp_logout_reason reason);

struct srp_login_answer {
	u64			tag;
	s32			delta;
	u32			max_it_iu_len;
	u32			max_ti_iu_len;
	enum srp_mc_result	mc_result;
	bool			imm;
};

u32 srp_encode_login_rsp(void *buf, const struct srp_login_answer *ans);
u32 srp_encode_login_rej(void *buf, u64 tag, u32 reason);

/* ---- srp_desc.c: remote memory ------------------------------------------- */

/* One piece of the initiator's memory. */
struct srp_remote {
	u64	va;
	u32	key;
	u32	len;
};

/**
 * srp_take_table() - check a descriptor table that was fetched
 * @buf: with a table that is not in the IU; gets @list as its descriptors
 * @list: buf->nr_desc entries, which the initiator cannot change any more; must
 *	live as long as @buf
 *
 * Return: SRP_OK, or SRP_BAD_SUM.
 */
enum srp_reason srp_take_table(struct srp_buf *buf, const struct srp_wire_desc *list);

static inline struct srp_remote srp_desc_remote(const struct srp_wire_desc *desc)
{
	/* An address that wraps is the HCA's to refuse (DSC-28). */
	return (struct srp_remote) {
		.va	= be64_to_cpu(desc->va),
		.key	= be32_to_cpu(desc->key),
		.len	= be32_to_cpu(desc->len),
	};
}

/**
 * struct srp_desc_iter - walk the remote memory of a command
 *
 * Yields pieces that never cross an entry of the descriptor list, skips entries
 * of length 0, and stops after @left bytes.
 */
struct srp_desc_iter {
	const struct srp_wire_desc	*desc;
	u16				nr_desc;
	u32				off;	/* in the current entry */
	u32				left;	/* bytes still to yield */
};

/* @len is clipped to buf->len. */
void srp_desc_iter_init(struct srp_desc_iter *it, const struct srp_buf *buf, u32 len);
/* Next piece of at most @max bytes (@max > 0); false at the end. */
bool srp_desc_iter_next(struct srp_desc_iter *it, u32 max, struct srp_remote *piece);

/* ---- srp_credit.c: the request limit ------------------------------------- */

#include <linux/atomic.h>

/**
 * struct srp_credit - request-limit ledger of one channel
 * @word: low half: credits the initiator holds; high half: credits owed to it
 *	because a request ended without a response
 * @limit: what was granted at login
 *
 * Invariant: held + owed + requests in progress = limit.
 */
struct srp_credit {
	atomic64_t	word;
	u32		limit;
};

void srp_credit_init(struct srp_credit *c, u32 limit);
/* A request arrived. false: the initiator overran its limit; nothing changed. */
bool srp_credit_use(struct srp_credit *c);
/* A request ended without a response. */
void srp_credit_owe(struct srp_credit *c);
/* A response is about to be posted: its delta = 1 + owed. */
s32 srp_credit_take(struct srp_credit *c);
/* Delta for an SRP_CRED_REQ: all owed, if nothing is in progress or half the limit is owed,
 * else 0.
 */
s32 srp_credit_take_stranded(struct srp_credit *c);
/* Would srp_credit_take_stranded() take something? */
bool srp_credit_is_stranded(const struct srp_credit *c);
/* What was taken could not be sent: it is owed again. */
void srp_credit_undo(struct srp_credit *c, s32 delta);
u32 srp_credit_held(const struct srp_credit *c);
u32 srp_credit_owed(const struct srp_credit *c);
/* Requests that have arrived and are not answered. */
u32 srp_credit_in_progress(const struct srp_credit *c);

/* ---- srp_name.c: names in configfs --------------------------------------- */

enum srp_name_type {
	SRP_NAME_GUID,		/* xxxx:xxxx:xxxx:xxxx */
	SRP_NAME_GID,		/* port: 0x + 32 hex digits */
	SRP_NAME_PORT_ID,	/* ACL: up to 32 hex digits, with or without 0x */
	SRP_NAME_IP4,
	SRP_NAME_IP6,
};

/* @raw: 8 (GUID), 16 (GID, PORT_ID, IP6) or 4 (IP4) bytes in network order; rest 0. */
struct srp_name {
	enum srp_name_type	type;
	u8			raw[16];
};

#define SRP_NAME_LEN	40	/* longest text form with its NUL */

/* Parse the name of a target port: SRP_NAME_GUID or SRP_NAME_GID, with all their digits.
 * Either case of hex digits. Return: 0 or -EINVAL.
 */
int srp_parse_port_name(const char *text, struct srp_name *name);
/* Parse the name of an ACL: any type but SRP_NAME_GID. Short port ids and GUID groups are
 * padded on the left. Either case of hex digits. Return: 0 or -EINVAL.
 */
int srp_parse_acl_name(const char *text, struct srp_name *name);
/* Canonical lower-case text, NUL terminated; buf holds SRP_NAME_LEN. A port id has 0x and all
 * its digits, an IPv6 address all its groups. Return: length.
 */
int srp_format_name(char *buf, const struct srp_name *name);
bool srp_name_equal(const struct srp_name *a, const struct srp_name *b);

/* ---- srp_dm.c: Device Management ----------------------------------------- */

struct srp_dm_params {
	u64	ioc_guid;
	u64	service_id;
	const u64 *id_ext;		/* of the targets */
	u32	nr_targets;		/* if there are any slot 1 is listed */
	u32	vendor_id;		/* 24 bits */
	u32	device_id;
	u16	device_version;
	u16	change_id;
	u16	send_queue_depth;
	u8	rdma_read_depth;
	u32	send_size;
	u32	rdma_size;
};

#define SRP_DM_MAX_TARGETS	255	/* service entries of a controller */

/**
 * srp_dm_reply() - answer a Device Management MAD
 * @data: SRP_DM_DATA_LEN bytes of the reply; zeroed first
 *
 * Return: the MAD status in host order (enum srp_dm_status).
 */
u16 srp_dm_reply(u8 *data, u8 method, u16 attr_id, u32 attr_mod, const struct srp_dm_params *p);

#endif /* SRP_PROTO_H */
