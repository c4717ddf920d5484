// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * What all commands have in common: the checks before anything is done, in the
 * order that SAM-5 wants where it wants one, and the way from step to step.
 */
#include <errno.h>
#include "scsi_priv.h"

static struct scsi_itl *task_itl(const struct scsi_task *task)
{
	return &task->nexus->itl[task->lu->lun];
}

/* ---- checks; false: the task has its status ---------------------------------------- */

static bool check_opcode(struct scsi_task *task)
{
	bool known;

	task->op = scsi_op_find(task->lu, task->cdb[0], task->cdb[1] & 0x1f, &known);
	if (!task->lu && !(task->op && (task->op->flags & OP_ANY_LUN)) && !scsi_is_wlun(task->lun)) {
		scsi_check(task, KEY_ILLEGAL_REQUEST, ASC_LUN_NOT_SUPPORTED);
		return false;
	}
	if (known && !task->op) {
		scsi_bad_cdb(task, 1, 4);
		return false;
	}
	if (!task->op || (!task->lu && !(task->op->flags & (OP_ANY_LUN | OP_WLUN)))) {
		scsi_check(task, KEY_ILLEGAL_REQUEST, ASC_INVALID_OPCODE);
		return false;
	}
	if (task->cdb_len < task->op->len) {
		scsi_check(task, KEY_ILLEGAL_REQUEST, ASC_INVALID_FIELD_IN_CDB);
		return false;
	}
	return true;
}

static bool check_attention(struct scsi_task *task)
{
	uint16_t asc;

	/* There never is an ACA condition that such a command could be for. */
	if (task->attr == TGT_ATTR_ACA) {
		scsi_check(task, KEY_ILLEGAL_REQUEST, ASC_INVALID_MESSAGE);
		return false;
	}
	if (!task->lu || (task->op->flags & OP_NO_UA) || !__atomic_load_n(&task_itl(task)->nr_ua, __ATOMIC_ACQUIRE))
		return true;
	asc = scsi_ua_take(task->nexus, task->lu->lun);
	if (!asc)
		return true;
	scsi_check(task, KEY_UNIT_ATTENTION, asc);
	return false;
}

/* Bits without a meaning are zero; NACA in the CONTROL byte is one of them. */
static bool check_reserved(struct scsi_task *task)
{
	unsigned int i;

	for (i = 1; i < task->op->len; i++) {
		uint8_t bad = task->cdb[i] & ~task->op->usage[i];

		if (i == 1 && task->op->sa >= 0)
			bad &= ~0x1f;
		if (!bad)
			continue;
		/* the leftmost of them */
		scsi_bad_cdb(task, i, 31 - __builtin_clz(bad));
		return false;
	}
	return true;
}

static bool check_medium(struct scsi_task *task)
{
	uint32_t flags;

	if (!task->lu)
		return true;
	flags = scsi_lu_flags(task->lu);
	if ((task->op->flags & OP_MEDIUM) && (flags & LU_EJECTED)) {
		scsi_check(task, KEY_NOT_READY, ASC_MEDIUM_NOT_PRESENT);
		return false;
	}
	if (!(task->op->flags & OP_WRITE))
		return true;
	if (task->lu->config.read_only) {
		scsi_check(task, KEY_DATA_PROTECT, ASC_WRITE_PROTECTED);
		return false;
	}
	if (flags & LU_SWP) {
		scsi_check(task, KEY_DATA_PROTECT, ASC_SOFTWARE_WRITE_PROTECTED);
		return false;
	}
	return true;
}

static void parse_range(struct scsi_task *task)
{
	const struct scsi_op *op = task->op;
	const uint8_t *cdb = task->cdb;

	task->blocks = scsi_get_be(cdb + op->len_off, op->len_size);
	if (op->len == 16) {
		task->lba = scsi_get_be(cdb + 2, 8);
	} else if (op->len > 6) {
		task->lba = scsi_get_be(cdb + 2, 4);
	} else {
		task->lba = scsi_get_be(cdb + 1, 3) & 0x1fffff;
		if (!task->blocks)
			task->blocks = 256;
	}
}

bool scsi_range_valid(struct scsi_task *task, uint64_t lba, uint64_t blocks)
{
	uint64_t capacity = scsi_lu_blocks(task->lu);

	if (lba <= capacity && blocks <= capacity - lba)
		return true;
	scsi_check_info(task, KEY_ILLEGAL_REQUEST, ASC_LBA_OUT_OF_RANGE, lba > capacity ? lba : capacity);
	return false;
}

static bool check_range(struct scsi_task *task)
{
	const struct scsi_op *op = task->op;

	if (!(op->flags & OP_LBA))
		return true;
	parse_range(task);
	if ((op->flags & OP_XFER) && task->blocks > task->lu->config.max_xfer / task->lu->config.block_size) {
		scsi_bad_cdb(task, op->len_off, 8);
		return false;
	}
	return scsi_range_valid(task, task->lba, task->blocks);
}

static bool check_conflict(struct scsi_task *task)
{
	if (!task->lu || !(scsi_lu_flags(task->lu) & LU_RESERVED) || !scsi_pr_conflict(task))
		return true;
	scsi_status(task, SCSI_RESERVATION_CONFLICT);
	return false;
}

/* ---- steps ---------------------------------------------------------------------------- */

/* Allocation length, or parameter list length. */
static uint32_t length_field(const struct scsi_task *task)
{
	if (!task->op->len_size)
		return UINT32_MAX;
	return scsi_get_be(task->cdb + task->op->len_off, task->op->len_size);
}

/**
 * scsi_fetch() - the command wants data-out
 * @task: whose need_len is said already
 * @len: bytes, not 0
 */
enum scsi_step scsi_fetch(struct scsi_task *task, uint32_t len)
{
	if (len > task->data_out_len) {
		scsi_check(task, KEY_ILLEGAL_REQUEST, ASC_INVALID_FIELD_IN_IU);
		/* The residual count tells how much more it would be. */
		task->produced = len;
		return SCSI_RESPOND;
	}
	task->fetch_len = len;
	return SCSI_FETCH;
}

static enum scsi_step begin_list(struct scsi_task *task)
{
	uint32_t len = length_field(task);

	if (!len)
		return task->op->list(task, NULL, 0);
	if (len > task->op->max_list)
		return scsi_check(task, KEY_ILLEGAL_REQUEST, ASC_LIST_LENGTH_ERROR);
	task->need_len = len;
	task->may_preempt = task->op->flags & OP_PREEMPTS;
	return scsi_fetch(task, len);
}

enum scsi_step scsi_fill(struct scsi_task *task)
{
	struct scsi_out out = { .buf = task->buf, .cap = task->need_len };
	enum scsi_step step = task->op->fill(task, &out);

	if (task->status == SCSI_GOOD) {
		task->produced = scsi_min(out.len, length_field(task));
		task->in_len = scsi_min(task->produced, task->need_len);
	}
	return step;
}

enum scsi_step scsi_begin(struct scsi_task *task)
{
	return scsi_begin_lu(task, scsi_lu_find(task->nexus->target, task->lun));
}

enum scsi_step scsi_begin_lu(struct scsi_task *task, struct scsi_lu *lu)
{
	const struct scsi_op *op;

	task->lu = lu;
	if (!check_opcode(task) || !check_attention(task) || !check_conflict(task) || !check_reserved(task) ||
	    !check_medium(task) || !check_range(task))
		return SCSI_RESPOND;

	op = task->op;
	if (op->list)
		return begin_list(task);
	if (!op->fill)
		return op->begin(task);
	task->need_len = scsi_min(scsi_min(length_field(task), task->data_in_len), SCSI_SCRATCH_LEN);
	return task->need_len ? SCSI_FILL : scsi_fill(task);
}

enum scsi_step scsi_data(struct scsi_task *task)
{
	if (task->op->list)
		return task->op->list(task, task->buf, task->fetch_len);
	return task->op->data(task);
}

/**
 * scsi_io() - carry out an I/O
 * @task: whose
 * @op: what
 * @off: in bytes
 * @len: in bytes
 * @buf_off: READ and WRITE: of the data
 */
enum scsi_step scsi_io(struct scsi_task *task, enum scsi_io_op op, uint64_t off, uint64_t len, uint32_t buf_off)
{
	bool changes = op != SCSI_IO_READ && op != SCSI_IO_FLUSH;

	task->io = (struct scsi_io){
		.op = op, .off = off, .len = len, .buf_off = buf_off,
		.fua = changes && !(scsi_lu_flags(task->lu) & LU_WCE),
	};
	return SCSI_IO;
}

/* io_done() of a command that has nothing else to do. */
enum scsi_step scsi_io_good(struct scsi_task *task)
{
	return scsi_good(task, task->fetch_len);
}

static enum scsi_step io_error(struct scsi_task *task, int error)
{
	uint64_t lba = task->io.off / task->lu->config.block_size;

	switch (error) {
	case -ENOMEM:
	case -EAGAIN:
		return scsi_status(task, SCSI_BUSY);
	case -ENOSPC:
	case -EDQUOT:
		return scsi_check(task, KEY_DATA_PROTECT, ASC_SPACE_ALLOCATION_FAILED);
	case -EROFS:
	case -EPERM:
		return scsi_check(task, KEY_DATA_PROTECT, ASC_WRITE_PROTECTED);
	}
	if (task->io.op == SCSI_IO_READ)
		return scsi_check_info(task, KEY_MEDIUM_ERROR, ASC_UNRECOVERED_READ_ERROR, lba);
	if (task->io.op == SCSI_IO_FLUSH)
		return scsi_check(task, KEY_MEDIUM_ERROR, ASC_WRITE_ERROR);
	return scsi_check_info(task, KEY_MEDIUM_ERROR, ASC_WRITE_ERROR, lba);
}

enum scsi_step scsi_io_done(struct scsi_task *task, int error)
{
	return error ? io_error(task, error) : task->op->io_done(task);
}

bool scsi_io_foreseen(struct scsi_task *task)
{
	/* These look at nothing but the task, and the rest is to come after other I/O. */
	if (task->op->io_done != scsi_read_io && task->op->io_done != scsi_io_good)
		return false;
	task->op->io_done(task);
	return true;
}

enum scsi_step scsi_resume(struct scsi_task *task)
{
	return scsi_caw_turn(task);
}

void scsi_task_end(struct scsi_task *task)
{
	if (task->queued)
		scsi_caw_end(task);
	if (task->preempts)
		scsi_preempt_end(task);
}
