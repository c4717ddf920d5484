// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * The commands, in the order of their codes. REPORT SUPPORTED OPERATION CODES shows this table, and what
 * is not in a usage map is refused, so that the two cannot differ.
 *
 * RESERVE and RELEASE of SPC-2 are left out on purpose: next to persistent
 * reservations they would be a second kind that the others do not know of.
 */
#include "scsi_priv.h"

/* LBAs, lengths and whole fields in usage maps. */
#define B2	0xff, 0xff
#define B4	B2, B2
#define B8	B4, B4
#define Z3	0, 0, 0
#define Z4	Z3, 0

/* The shapes of block commands; bits = of byte 1, DPO, FUA and the like. */
#define CDB6(op)	.opcode = (op), .sa = -1, .len = 6, .len_off = 4, .len_size = 1, \
			.usage = { (op), 0x1f, B2, 0xff, 0 }
#define CDB10(op, bits)	.opcode = (op), .sa = -1, .len = 10, .len_off = 7, .len_size = 2, \
			.usage = { (op), (bits), B4, 0, B2, 0 }
#define CDB12(op, bits)	.opcode = (op), .sa = -1, .len = 12, .len_off = 6, .len_size = 4, \
			.usage = { (op), (bits), B4, B4, 0, 0 }
#define CDB16(op, bits)	.opcode = (op), .sa = -1, .len = 16, .len_off = 10, .len_size = 4, \
			.usage = { (op), (bits), B8, B4, 0, 0 }

#define READS		.flags = OP_MEDIUM | OP_LBA | OP_XFER, .pr = PR_READS
#define WRITES		.flags = OP_MEDIUM | OP_LBA | OP_XFER | OP_WRITE, .pr = PR_WRITES
#define READ		READS, .begin = scsi_read_begin, .io_done = scsi_read_io
#define WRITE		WRITES, .begin = scsi_write_begin, .data = scsi_write_data, .io_done = scsi_io_good
#define VERIFY		READS, .begin = scsi_verify_begin, .data = scsi_verify_data, .io_done = scsi_verify_io
#define WRITE_VERIFY	WRITES, .begin = scsi_write_verify_begin, .data = scsi_write_data, .io_done = scsi_verify_io
#define SYNC		.flags = OP_MEDIUM | OP_LBA, .pr = PR_WRITES, \
			.begin = scsi_sync_begin, .io_done = scsi_io_good
#define SAME		.flags = OP_MEDIUM | OP_LBA | OP_WRITE, .pr = PR_WRITES, \
			.begin = scsi_same_begin, .data = scsi_same_data, .io_done = scsi_same_io

#define SENSE_FLAGS	(OP_ANY_LUN | OP_WLUN | OP_NO_UA)

/* A service action of a command; where its length is, and the bytes behind the second one. */
#define SA(op, action, size, off, width, ...) .opcode = (op), .sa = (action), .len = (size), .len_off = (off), \
			.len_size = (width), .usage = { (op), __VA_ARGS__ }
#define PR_IN(action)	SA(0x5e, action, 10, 7, 2, 0, Z4, 0, B2, 0), .fill = scsi_pr_in
#define PR_OUT(action)	SA(0x5f, action, 10, 5, 4, 0, 0xff, 0, 0, B4, 0), .list = scsi_pr_out, .max_list = 8192

const struct scsi_op scsi_ops[] = {
	/* TEST UNIT READY */
	{ .opcode = 0x00, .sa = -1, .len = 6, .flags = OP_MEDIUM | OP_WLUN, .begin = scsi_ready },
	/* REQUEST SENSE */
	{ .opcode = 0x03, .sa = -1, .len = 6, .len_off = 4, .len_size = 1, .flags = SENSE_FLAGS,
	  .fill = scsi_request_sense, .usage = { 0x03, 0x01, 0, 0, 0xff, 0 } },
	/* READ(6), WRITE(6) */
	{ CDB6(0x08), READ },
	{ CDB6(0x0a), WRITE },
	/* INQUIRY */
	{ .opcode = 0x12, .sa = -1, .len = 6, .len_off = 3, .len_size = 2, .flags = SENSE_FLAGS,
	  .fill = scsi_inquiry, .usage = { 0x12, 0x01, 0xff, B2, 0 } },
	/* MODE SELECT(6), MODE SENSE(6) */
	{ .opcode = 0x15, .sa = -1, .len = 6, .len_off = 4, .len_size = 1, .max_list = 255, .pr = PR_WRITES,
	  .list = scsi_mode_select, .io_done = scsi_io_good, .usage = { 0x15, 0x10, 0, 0, 0xff, 0 } },
	{ .opcode = 0x1a, .sa = -1, .len = 6, .len_off = 4, .len_size = 1, .pr = PR_READS,
	  .fill = scsi_mode_sense, .usage = { 0x1a, 0x08, B2, 0xff, 0 } },
	/* START STOP UNIT */
	{ .opcode = 0x1b, .sa = -1, .len = 6, .pr = PR_START, .begin = scsi_start_stop,
	  .io_done = scsi_start_stop_io, .usage = { 0x1b, 0x01, 0, 0x0f, 0xf7, 0 } },
	/* PREVENT ALLOW MEDIUM REMOVAL */
	{ .opcode = 0x1e, .sa = -1, .len = 6, .flags = OP_REMOVABLE, .pr = PR_PREVENT, .begin = scsi_prevent,
	  .usage = { 0x1e, 0, 0, 0, 0x01, 0 } },
	/* READ CAPACITY(10) */
	{ .opcode = 0x25, .sa = -1, .len = 10, .flags = OP_MEDIUM, .fill = scsi_capacity10, .usage = { 0x25 } },
	{ CDB10(0x28, 0x18), READ },
	{ CDB10(0x2a, 0x18), WRITE },
	{ CDB10(0x2e, 0x12), WRITE_VERIFY },
	{ CDB10(0x2f, 0x12), VERIFY },
	{ CDB10(0x35, 0x02), SYNC },
	{ CDB10(0x41, 0x08), SAME },
	/* UNMAP; longer lists than fit may be sent, the number of descriptors is limited */
	{ .opcode = 0x42, .sa = -1, .len = 10, .len_off = 7, .len_size = 2, .max_list = UINT16_MAX,
	  .flags = OP_MEDIUM | OP_WRITE | OP_THIN, .pr = PR_WRITES, .list = scsi_unmap_list,
	  .io_done = scsi_unmap_io, .usage = { 0x42, 0, Z4, 0, B2, 0 } },
	/* MODE SELECT(10), MODE SENSE(10) */
	{ .opcode = 0x55, .sa = -1, .len = 10, .len_off = 7, .len_size = 2, .max_list = 512, .pr = PR_WRITES,
	  .list = scsi_mode_select, .io_done = scsi_io_good, .usage = { 0x55, 0x10, Z4, 0, B2, 0 } },
	{ .opcode = 0x5a, .sa = -1, .len = 10, .len_off = 7, .len_size = 2, .pr = PR_READS,
	  .fill = scsi_mode_sense, .usage = { 0x5a, 0x18, B2, Z3, B2, 0 } },
	/* READ KEYS, READ RESERVATION, REPORT CAPABILITIES, READ FULL STATUS */
	{ PR_IN(0) }, { PR_IN(1) }, { PR_IN(2) }, { PR_IN(3) },
	/* REGISTER, RESERVE, RELEASE, CLEAR, PREEMPT, PREEMPT AND ABORT, REGISTER AND IGNORE EXISTING KEY */
	{ PR_OUT(0) }, { PR_OUT(1) }, { PR_OUT(2) }, { PR_OUT(3) },
	{ PR_OUT(4) }, { PR_OUT(5), .flags = OP_PREEMPTS }, { PR_OUT(6) },
	{ CDB16(0x88, 0x18), READ },
	/* COMPARE AND WRITE */
	{ .opcode = 0x89, .sa = -1, .len = 16, .len_off = 13, .len_size = 1,
	  .flags = OP_MEDIUM | OP_LBA | OP_WRITE, .pr = PR_WRITES, .begin = scsi_caw_begin, .data = scsi_caw_data,
	  .io_done = scsi_caw_io, .usage = { 0x89, 0x18, B8, Z3, 0xff, 0, 0 } },
	{ CDB16(0x8a, 0x18), WRITE },
	{ CDB16(0x8e, 0x12), WRITE_VERIFY },
	{ CDB16(0x8f, 0x12), VERIFY },
	{ CDB16(0x91, 0x02), SYNC },
	{ CDB16(0x93, 0x09), SAME },
	/* READ CAPACITY(16) */
	{ SA(0x9e, 0x10, 16, 10, 4, 0, Z4, Z4, B4, 0, 0), .flags = OP_MEDIUM, .fill = scsi_capacity16 },
	/* REPORT LUNS */
	{ .opcode = 0xa0, .sa = -1, .len = 12, .len_off = 6, .len_size = 4, .flags = SENSE_FLAGS,
	  .fill = scsi_report_luns, .usage = { 0xa0, 0, 0xff, Z3, B4, 0, 0 } },
	/* REPORT TARGET PORT GROUPS, REPORT SUPPORTED OPERATION CODES, REPORT SUPPORTED TASK MANAGEMENT FUNCTIONS */
	{ SA(0xa3, 0x0a, 12, 6, 4, 0xe0, Z4, B4, 0, 0), .fill = scsi_report_groups },
	{ SA(0xa3, 0x0c, 12, 6, 4, 0, 0x87, 0xff, B2, B4, 0, 0), .pr = PR_READS, .fill = scsi_report_opcodes },
	{ SA(0xa3, 0x0d, 12, 6, 4, 0, 0x80, Z3, B4, 0, 0), .pr = PR_READS, .fill = scsi_report_functions },
	{ CDB12(0xa8, 0x18), READ },
	{ CDB12(0xaa, 0x18), WRITE },
	{ CDB12(0xae, 0x12), WRITE_VERIFY },
	{ CDB12(0xaf, 0x12), VERIFY },
};

const unsigned int scsi_nr_ops = sizeof(scsi_ops) / sizeof(scsi_ops[0]);

/* Does this logical unit have it? Without one: yes. */
bool scsi_op_present(const struct scsi_op *op, const struct scsi_lu *lu)
{
	if (!lu)
		return true;
	return (!(op->flags & OP_THIN) || lu->config.thin) && (!(op->flags & OP_REMOVABLE) || lu->config.removable);
}

/* The first row that has the operation code or a higher one. */
static const struct scsi_op *first_row(uint8_t opcode)
{
	unsigned int low = 0, high = scsi_nr_ops;

	while (low < high) {
		unsigned int middle = (low + high) / 2;

		if (scsi_ops[middle].opcode < opcode)
			low = middle + 1;
		else
			high = middle;
	}
	return scsi_ops + low;
}

/**
 * scsi_op_find() - the row of a command
 * @lu: whose; may be NULL
 * @opcode: operation code
 * @sa: service action; looked at only if the command has them
 * @known: result: there is a row with this operation code
 */
const struct scsi_op *scsi_op_find(const struct scsi_lu *lu, uint8_t opcode, uint16_t sa, bool *known)
{
	const struct scsi_op *op = first_row(opcode);

	*known = false;
	for (; op < scsi_ops + scsi_nr_ops && op->opcode == opcode; op++) {
		if (!scsi_op_present(op, lu))
			continue;
		*known = true;
		if (op->sa < 0 || op->sa == sa)
			return op;
	}
	return NULL;
}
