/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Wire formats of SRP r16a (T10/1415-D), of immediate data and the RDMA/CM
 * login as the Linux initiator defines them, and of the Device Management
 * attributes an SRP target answers (IBA annex A; SRP r16a annex B).
 *
 * All multi-byte fields are big-endian. Tags are opaque: eight bytes that are
 * echoed as they came, so they are a plain u64 that nobody swaps or compares
 * by magnitude.
 */
#ifndef SRP_WIRE_H
#define SRP_WIRE_H

#ifdef __KERNEL__
#include <linux/build_bug.h>
#include <linux/stddef.h>
#include <linux/types.h>
#else
#include "srp_user.h"
#endif

/* Information unit type codes, SRP r16a table 8: bit 7 = sent by the target. */
enum srp_opcode {
	SRP_OP_LOGIN_REQ	= 0x00,
	SRP_OP_TSK_MGMT		= 0x01,
	SRP_OP_CMD		= 0x02,
	SRP_OP_I_LOGOUT		= 0x03,
	SRP_OP_CRED_RSP		= 0x41,
	SRP_OP_AER_RSP		= 0x42,
	SRP_OP_T_LOGOUT		= 0x80,
	SRP_OP_CRED_REQ		= 0x81,
	SRP_OP_AER_REQ		= 0x82,
	SRP_OP_LOGIN_RSP	= 0xc0,
	SRP_OP_RSP		= 0xc1,
	SRP_OP_LOGIN_REJ	= 0xc2,
};

/* Data buffer descriptor formats: login bits and SRP_CMD nibbles. */
#define SRP_LOGIN_FMT_DIRECT		0x0002
#define SRP_LOGIN_FMT_INDIRECT		0x0004
#define SRP_LOGIN_FMT_SUPPORTED		(SRP_LOGIN_FMT_DIRECT | SRP_LOGIN_FMT_INDIRECT)

enum srp_desc_fmt {
	SRP_DESC_NONE		= 0,
	SRP_DESC_DIRECT		= 1,
	SRP_DESC_INDIRECT	= 2,
	SRP_DESC_IMM		= 3,	/* Linux, data-out only */
};

/* SRP_LOGIN_REQ byte 26 and SRP_LOGIN_RSP byte 26. */
#define SRP_LOGIN_MC_MASK		0x03
#define SRP_LOGIN_MC_SINGLE		0x00
#define SRP_LOGIN_MC_MULTI		0x01
#define SRP_LOGIN_IMM			0x80	/* Linux */

enum srp_mc_result {
	SRP_MC_NO_CHANNEL	= 0x00,
	SRP_MC_TERMINATED	= 0x01,
	SRP_MC_CONTINUED	= 0x02,
};

/* SRP_LOGIN_REJ reasons, SRP r16a 6.4. No other value is defined. */
enum srp_login_reject {
	SRP_REJ_NO_REASON	= 0x00010000,
	SRP_REJ_NO_RESOURCES	= 0x00010001,
	SRP_REJ_IU_TOO_LARGE	= 0x00010002,
	SRP_REJ_NO_NEXUS	= 0x00010003,
	SRP_REJ_DESC_FMT	= 0x00010004,
	SRP_REJ_NO_MULTI	= 0x00010005,
	SRP_REJ_CHANNEL_LIMIT	= 0x00010006,
};

/* SRP_T_LOGOUT reasons, SRP r16a table 16; 5 and 9 differ between headers and are not used. */
enum srp_logout_reason {
	SRP_LOGOUT_NO_REASON	= 0,
	SRP_LOGOUT_INACTIVE	= 1,
	SRP_LOGOUT_BAD_IU_TYPE	= 2,
	SRP_LOGOUT_UNSOLICITED	= 3,
	SRP_LOGOUT_RELOGIN	= 4,
	SRP_LOGOUT_OUT_FMT	= 6,
	SRP_LOGOUT_IN_FMT	= 7,
	SRP_LOGOUT_BAD_LEN	= 8,
};

/* Task management functions, SRP r16a table 18. */
enum srp_tmf {
	SRP_TMF_ABORT_TASK	= 0x01,
	SRP_TMF_ABORT_TASK_SET	= 0x02,
	SRP_TMF_CLEAR_TASK_SET	= 0x04,
	SRP_TMF_LUN_RESET	= 0x08,
	SRP_TMF_CLEAR_ACA	= 0x40,
};

/* Response codes, SRP r16a table 24. */
enum srp_rsp_code {
	SRP_RSP_COMPLETE	= 0x00,
	SRP_RSP_FIELDS_INVALID	= 0x02,
	SRP_RSP_NOT_SUPPORTED	= 0x04,
	SRP_RSP_FAILED		= 0x05,
};

/* SRP_RSP byte 18. */
#define SRP_RSP_RSPVALID		0x01
#define SRP_RSP_SNSVALID		0x02
#define SRP_RSP_DOOVER			0x04
#define SRP_RSP_DOUNDER			0x08
#define SRP_RSP_DIOVER			0x10
#define SRP_RSP_DIUNDER			0x20

#define SRP_MIN_IU_LEN			64	/* minimum of the I->T length */
#define SRP_CDB_LEN			16
#define SRP_RESP_DATA_LEN		4

struct srp_wire_login_req {
	u8	opcode;
	u8	rsvd1[7];
	u64	tag;
	__be32	req_it_iu_len;
	u8	rsvd20[4];
	__be16	req_buf_fmt;
	u8	req_flags;
	u8	rsvd27;
	__be16	imm_data_offset;	/* Linux, if SRP_LOGIN_IMM */
	u8	rsvd30[2];
	u8	initiator_port_id[16];
	u8	target_port_id[16];
} __packed;

/* The login that fits the private data RDMA/CM leaves (Linux). */
struct srp_wire_login_req_rdma {
	u64	tag;
	__be16	req_buf_fmt;
	u8	req_flags;
	u8	opcode;
	__be32	req_it_iu_len;
	u8	initiator_port_id[16];
	u8	target_port_id[16];
	__be16	imm_data_offset;	/* absent before Linux 5.0 */
	u8	rsvd50[6];
} __packed;

#define SRP_LOGIN_REQ_RDMA_OLD_LEN	48

struct srp_wire_login_rsp {
	u8	opcode;
	u8	rsvd1[3];
	__be32	req_lim_delta;
	u64	tag;
	__be32	max_it_iu_len;
	__be32	max_ti_iu_len;
	__be16	buf_fmt;
	u8	rsp_flags;
	u8	rsvd27[25];
} __packed;

struct srp_wire_login_rej {
	u8	opcode;
	u8	rsvd1[3];
	__be32	reason;
	u64	tag;
	u8	rsvd16[8];
	__be16	buf_fmt;
	u8	rsvd26[6];
} __packed;

/* SRP_I_LOGOUT, SRP_CRED_RSP, SRP_AER_RSP: opcode and tag. */
struct srp_wire_short {
	u8	opcode;
	u8	rsvd1[7];
	u64	tag;
} __packed;

struct srp_wire_t_logout {
	u8	opcode;
	u8	sol_not;
	u8	rsvd2[2];
	__be32	reason;
	u64	tag;
} __packed;

struct srp_wire_cred_req {
	u8	opcode;
	u8	sol_not;
	u8	rsvd2[2];
	__be32	req_lim_delta;
	u64	tag;
} __packed;

struct srp_wire_tsk_mgmt {
	u8	opcode;
	u8	sol_not;
	u8	rsvd2[6];
	u64	tag;
	u8	rsvd16[4];
	u8	lun[8];
	u8	rsvd28[2];
	u8	function;
	u8	rsvd31;
	u64	task_tag;
	u8	rsvd40[8];
} __packed;

/* Memory descriptor; inside an IU only 4-byte aligned. */
struct srp_wire_desc {
	__be64	va;
	__be32	key;
	__be32	len;
} __packed;

struct srp_wire_indirect {
	struct srp_wire_desc	table;
	__be32			len;
	struct srp_wire_desc	list[];
} __packed;

struct srp_wire_imm {
	__be32	len;
} __packed;

struct srp_wire_cmd {
	u8	opcode;
	u8	sol_not;
	u8	rsvd2[3];
	u8	buf_fmt;		/* 7-4 data-out, 3-0 data-in */
	u8	data_out_desc_cnt;
	u8	data_in_desc_cnt;
	u64	tag;
	u8	rsvd16[4];
	u8	lun[8];
	u8	rsvd28;
	u8	task_attr;		/* 2-0 */
	u8	rsvd30;
	u8	add_cdb_len;		/* & ~3 = bytes */
	u8	cdb[SRP_CDB_LEN];
	u8	add_data[];		/* additional CDB, descriptors */
} __packed;

struct srp_wire_rsp {
	u8	opcode;
	u8	sol_not;
	u8	rsvd2[2];
	__be32	req_lim_delta;
	u64	tag;
	u8	rsvd16[2];
	u8	flags;
	u8	status;
	__be32	data_out_res_cnt;
	__be32	data_in_res_cnt;
	__be32	sense_data_len;
	__be32	resp_data_len;
	u8	data[];			/* response data, then sense data */
} __packed;

static_assert(sizeof(struct srp_wire_login_req) == 64);
static_assert(offsetof(struct srp_wire_login_req, req_flags) == 26);
static_assert(offsetof(struct srp_wire_login_req, initiator_port_id) == 32);
static_assert(sizeof(struct srp_wire_login_req_rdma) == 56);
static_assert(offsetof(struct srp_wire_login_req_rdma, imm_data_offset) == 48);
static_assert(sizeof(struct srp_wire_login_rsp) == 52);
static_assert(offsetof(struct srp_wire_login_rsp, rsp_flags) == 26);
static_assert(sizeof(struct srp_wire_login_rej) == 32);
static_assert(offsetof(struct srp_wire_login_rej, buf_fmt) == 24);
static_assert(sizeof(struct srp_wire_short) == 16);
static_assert(sizeof(struct srp_wire_t_logout) == 16);
static_assert(sizeof(struct srp_wire_cred_req) == 16);
static_assert(sizeof(struct srp_wire_tsk_mgmt) == 48);
static_assert(offsetof(struct srp_wire_tsk_mgmt, lun) == 20);
static_assert(offsetof(struct srp_wire_tsk_mgmt, task_tag) == 32);
static_assert(sizeof(struct srp_wire_desc) == 16);
static_assert(sizeof(struct srp_wire_indirect) == 20);
static_assert(sizeof(struct srp_wire_imm) == 4);
static_assert(sizeof(struct srp_wire_cmd) == 48);
static_assert(offsetof(struct srp_wire_cmd, lun) == 20);
static_assert(offsetof(struct srp_wire_cmd, cdb) == 32);
static_assert(sizeof(struct srp_wire_rsp) == 36);
static_assert(offsetof(struct srp_wire_rsp, flags) == 18);

/*
 * Device Management: the attribute area of the MAD. Only the attributes an
 * I/O controller of SRP answers.
 */
enum srp_dm_attr {
	SRP_DM_CLASS_PORT_INFO	= 0x0001,
	SRP_DM_IOU_INFO		= 0x0010,
	SRP_DM_IOC_PROFILE	= 0x0011,
	SRP_DM_SVC_ENTRIES	= 0x0012,
};

enum srp_dm_status {
	SRP_DM_OK		= 0x0000,
	SRP_DM_BAD_METHOD	= 0x0008,
	SRP_DM_BAD_METHOD_ATTR	= 0x000c,
	SRP_DM_BAD_FIELD	= 0x001c,
	SRP_DM_NO_IOC		= 0x0100,
	SRP_DM_NO_SVC_ENTRIES	= 0x0200,
};

#define SRP_DM_DATA_LEN			192
#define SRP_DM_MAX_CONTROLLERS		16
#define SRP_DM_METHOD_GET		0x01
#define SRP_DM_METHOD_SET		0x02

struct srp_wire_dm_class_port_info {
	u8	base_version;
	u8	class_version;
	__be16	cap_mask;
	u8	rsvd4[3];
	u8	resp_time_value;	/* low 5 bits */
	u8	rsvd8[64];		/* redirection and trap fields: all 0 */
} __packed;

struct srp_wire_dm_iou_info {
	__be16	change_id;
	u8	max_controllers;
	u8	diag_flags;
	u8	controller_list[128];	/* slot 1 = high nibble of byte 0 */
} __packed;

struct srp_wire_dm_ioc_profile {
	__be64	guid;
	__be32	vendor_id;		/* upper 24 bits */
	__be32	device_id;
	__be16	device_version;
	u8	rsvd18[2];
	__be32	subsys_vendor_id;	/* upper 24 bits */
	__be32	subsys_device_id;
	__be16	io_class;
	__be16	io_subclass;
	__be16	protocol;
	__be16	protocol_version;
	__be16	service_conn;
	__be16	initiators_supported;
	__be16	send_queue_depth;
	u8	rsvd42;
	u8	rdma_read_depth;
	__be32	send_size;
	__be32	rdma_size;
	u8	op_cap_mask;
	u8	svc_cap_mask;
	u8	num_svc_entries;
	u8	rsvd55[9];
	u8	id_string[64];
} __packed;

struct srp_wire_dm_svc_entry {
	u8	name[40];
	__be64	id;
} __packed;

struct srp_wire_dm_svc_entries {
	struct srp_wire_dm_svc_entry	entry[4];
} __packed;

static_assert(sizeof(struct srp_wire_dm_class_port_info) == 72);
static_assert(sizeof(struct srp_wire_dm_iou_info) == 132);
static_assert(sizeof(struct srp_wire_dm_ioc_profile) == 128);
static_assert(offsetof(struct srp_wire_dm_ioc_profile, io_class) == 28);
static_assert(offsetof(struct srp_wire_dm_ioc_profile, send_size) == 44);
static_assert(offsetof(struct srp_wire_dm_ioc_profile, id_string) == 64);
static_assert(sizeof(struct srp_wire_dm_svc_entries) == SRP_DM_DATA_LEN);

#endif /* SRP_WIRE_H */
