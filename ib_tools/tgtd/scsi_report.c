// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * TEST UNIT READY, REQUEST SENSE, REPORT LUNS, REPORT SUPPORTED OPERATION CODES,
 * REPORT SUPPORTED TASK MANAGEMENT FUNCTIONS, REPORT TARGET PORT GROUPS: SPC-4.
 */
#include "scsi_priv.h"

/* The table has seen that the medium is there. */
enum scsi_step scsi_ready(struct scsi_task *task)
{
	return scsi_good(task, 0);
}

/* ---- REQUEST SENSE ----------------------------------------------------------------- */

/* Unit attentions come first, as they would for another command. */
static struct scsi_sense current_sense(const struct scsi_task *task)
{
	struct scsi_sense sense = { .key = KEY_NO_SENSE };

	if (!task->lu) {
		if (!scsi_is_wlun(task->lun)) {
			sense.key = KEY_ILLEGAL_REQUEST;
			sense.asc = ASC_LUN_NOT_SUPPORTED;
		}
		return sense;
	}
	/* One that nobody would get to see stays. */
	if (task->need_len)
		sense.asc = scsi_ua_take(task->nexus, task->lu->lun);
	if (sense.asc) {
		sense.key = KEY_UNIT_ATTENTION;
	} else if (scsi_lu_flags(task->lu) & LU_EJECTED) {
		sense.key = KEY_NOT_READY;
		sense.asc = ASC_MEDIUM_NOT_PRESENT;
	}
	return sense;
}

enum scsi_step scsi_request_sense(struct scsi_task *task, struct scsi_out *out)
{
	struct scsi_sense sense = current_sense(task);
	uint8_t buf[SCSI_SENSE_LEN];

	scsi_put(out, buf, scsi_sense_build(buf, &sense, task->cdb[1] & 0x01));
	return SCSI_RESPOND;
}

/* ---- REPORT LUNS ------------------------------------------------------------------- */

#define FLAT_SPACE	0x4000	/* addressing method of a LUN */

/* SELECT REPORT */
enum {
	REPORT_LUS	= 0,
	REPORT_WLUNS	= 1,
	REPORT_ALL	= 2,
};

static void put_luns(struct scsi_target *target, struct scsi_out *out)
{
	unsigned int lun;

	for (lun = 0; lun < SCSI_MAX_LUNS; lun++) {
		if (!__atomic_load_n(&target->lus[lun], __ATOMIC_ACQUIRE))
			continue;
		scsi_put_be(out, lun < 256 ? lun : FLAT_SPACE | lun, 2);
		scsi_put_zero(out, 6);
	}
}

enum scsi_step scsi_report_luns(struct scsi_task *task, struct scsi_out *out)
{
	uint8_t select = task->cdb[2];

	if (select > REPORT_ALL)
		return scsi_bad_cdb(task, 2, 7);
	/* There is no use in less than one LUN. */
	if (scsi_get_be(task->cdb + 6, 4) < 16)
		return scsi_bad_cdb(task, 6, 8);
	/* Before the list is made: what changes later is told again. */
	scsi_ua_drop(task->nexus, ASC_REPORTED_LUNS_CHANGED);
	scsi_put_zero(out, 8);
	if (select != REPORT_LUS) {
		scsi_put_be(out, 0xc101, 2);
		scsi_put_zero(out, 6);
	}
	if (select != REPORT_WLUNS)
		put_luns(task->nexus->target, out);
	scsi_set_be(out, 0, out->len - 8, 4);
	return SCSI_RESPOND;
}

/* ---- REPORT SUPPORTED OPERATION CODES ------------------------------------------------ */

#define RCTD		0x80

enum {
	ALL_COMMANDS	= 0,
	ONE_OPCODE	= 1,	/* which has no service actions */
	ONE_ACTION	= 2,
	ONE_EITHER	= 3,
};

/* There is no time after which a command is not to be expected any more. */
static void put_timeouts(struct scsi_out *out)
{
	scsi_put_be(out, 10, 2);
	scsi_put_zero(out, 10);
}

static void all_commands(struct scsi_task *task, struct scsi_out *out)
{
	bool rctd = task->cdb[2] & RCTD;
	const struct scsi_op *op;

	scsi_put_zero(out, 4);
	for (op = scsi_ops; op < scsi_ops + scsi_nr_ops; op++) {
		if (!scsi_op_present(op, task->lu))
			continue;
		scsi_put_be(out, op->opcode, 1);
		scsi_put_zero(out, 1);
		scsi_put_be(out, op->sa < 0 ? 0 : op->sa, 2);
		scsi_put_zero(out, 1);
		scsi_put_be(out, (rctd ? 0x02 : 0) | (op->sa < 0 ? 0 : 0x01), 1);
		scsi_put_be(out, op->len, 2);
		if (rctd)
			put_timeouts(out);
	}
	scsi_set_be(out, 0, out->len - 4, 4);
}

static void one_command(struct scsi_task *task, struct scsi_out *out, const struct scsi_op *op)
{
	bool rctd = op && (task->cdb[2] & RCTD);
	uint8_t usage[16];

	scsi_put_zero(out, 1);
	scsi_put_be(out, (rctd ? 0x80 : 0) | (op ? 3 : 1), 1);
	scsi_put_be(out, op ? op->len : 0, 2);
	if (!op)
		return;
	memcpy(usage, op->usage, sizeof(usage));
	usage[0] = op->opcode;
	if (op->sa >= 0)
		usage[1] |= op->sa;
	scsi_put(out, usage, op->len);
	if (rctd)
		put_timeouts(out);
}

enum scsi_step scsi_report_opcodes(struct scsi_task *task, struct scsi_out *out)
{
	uint8_t options = task->cdb[2] & 0x07;
	uint16_t sa = scsi_get_be(task->cdb + 4, 2);
	const struct scsi_op *op;
	bool known, plain;

	if (options == ALL_COMMANDS) {
		all_commands(task, out);
		return SCSI_RESPOND;
	}
	if (options > ONE_EITHER)
		return scsi_bad_cdb(task, 2, 2);
	op = scsi_op_find(task->lu, task->cdb[3], sa, &known);
	plain = op && op->sa < 0;
	if ((options == ONE_OPCODE && known && !plain) || (options == ONE_ACTION && plain))
		return scsi_bad_cdb(task, 2, 2);
	if (options == ONE_EITHER && plain && sa)
		op = NULL;
	one_command(task, out, op);
	return SCSI_RESPOND;
}

/* ---- the others ----------------------------------------------------------------------- */

enum scsi_step scsi_report_functions(struct scsi_task *task, struct scsi_out *out)
{
	bool extended = task->cdb[2] & 0x80;

	/* ABORT TASK, ABORT TASK SET, CLEAR TASK SET, LOGICAL UNIT RESET */
	scsi_put_be(out, 0xd8, 1);
	scsi_put_zero(out, 2);
	scsi_put_be(out, extended ? 12 : 0, 1);
	if (extended)
		scsi_put_zero(out, 12);
	return SCSI_RESPOND;
}

static unsigned int put_ports(struct scsi_target *target, struct scsi_out *out)
{
	const struct scsi_port *port;
	unsigned int nr = 0;

	pthread_mutex_lock(&target->lock);
	for (port = target->ports; port; port = port->next) {
		if (nr == UINT8_MAX)
			break;
		scsi_put_zero(out, 2);
		scsi_put_be(out, port->id, 2);
		nr++;
	}
	pthread_mutex_unlock(&target->lock);
	return nr;
}

/* One group of all ports, active/optimized for ever. */
enum scsi_step scsi_report_groups(struct scsi_task *task, struct scsi_out *out)
{
	uint8_t format = task->cdb[1] >> 5;
	uint32_t group;

	if (format > 1)
		return scsi_bad_cdb(task, 1, 7);
	scsi_put_zero(out, 4);
	if (format == 1)
		scsi_put_be(out, 0x10000000, 4);
	group = out->len;
	scsi_put(out, (const uint8_t []){ 0x00, 0x01, 0, SCSI_PORT_GROUP, 0, 0, 0, 0 }, 8);
	scsi_set_be(out, group + 7, put_ports(task->nexus->target, out), 1);
	scsi_set_be(out, 0, out->len - 4, 4);
	return SCSI_RESPOND;
}
