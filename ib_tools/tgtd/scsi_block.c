// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * READ, WRITE, VERIFY, WRITE AND VERIFY, COMPARE AND WRITE, SYNCHRONIZE CACHE,
 * READ CAPACITY, START STOP UNIT, PREVENT ALLOW MEDIUM REMOVAL: SBC-3.
 *
 * What is compared is read in pieces into a scratch area behind the data, so a
 * command needs little more room than its data.
 */
#include "scsi_priv.h"

#define FUA		0x08
#define BYTCHK		0x02

/* Of scsi_task.phase */
enum {
	PHASE_WRITE,	/* the data goes to the medium; the command ends, or is verified */
	PHASE_VERIFY,	/* reading the medium, comparing it if data is there */
};

/* ---- READ ----------------------------------------------------------------------- */

enum scsi_step scsi_read_begin(struct scsi_task *task)
{
	uint32_t bs = task->lu->config.block_size;
	uint32_t wanted = scsi_min(scsi_byte_len(task), task->data_in_len);

	if (!wanted)
		return scsi_good(task, scsi_byte_len(task));
	/* Whole blocks, but none that nobody has room for. */
	task->need_len = (wanted + bs - 1) / bs * bs;
	return scsi_io(task, SCSI_IO_READ, scsi_byte_off(task), task->need_len, 0);
}

enum scsi_step scsi_read_io(struct scsi_task *task)
{
	task->in_len = scsi_min(scsi_byte_len(task), task->data_in_len);
	return scsi_good(task, scsi_byte_len(task));
}

/* ---- WRITE ---------------------------------------------------------------------- */

enum scsi_step scsi_write_begin(struct scsi_task *task)
{
	if (!task->blocks)
		return scsi_good(task, 0);
	task->need_len = scsi_byte_len(task);
	return scsi_fetch(task, task->need_len);
}

enum scsi_step scsi_write_data(struct scsi_task *task)
{
	enum scsi_step step = scsi_io(task, SCSI_IO_WRITE, scsi_byte_off(task), scsi_byte_len(task), 0);

	task->phase = PHASE_WRITE;
	/* WRITE(6) has no such bit, it is part of the LBA. */
	if (task->op->len > 6 && (task->cdb[1] & FUA))
		task->io.fua = true;
	return step;
}

/* ---- VERIFY, WRITE AND VERIFY ------------------------------------------------------ */

static uint32_t scratch_len(uint64_t len)
{
	return scsi_min(len, SCSI_SCRATCH_LEN);
}

/* The next piece of the range to the scratch area, which begins behind the data. */
static enum scsi_step verify_next(struct scsi_task *task)
{
	task->phase = PHASE_VERIFY;
	return scsi_io(task, SCSI_IO_READ, scsi_byte_off(task) + task->done,
		       scratch_len(scsi_byte_len(task) - task->done), task->fetch_len);
}

/**
 * compare_piece() - what was read and the data that belongs there
 * @task: whose
 *
 * Return: true if they are the same; else the task has its status, with the offset
 * of the first byte that differs in the information field.
 */
static bool compare_piece(struct scsi_task *task)
{
	const uint8_t *data = task->buf + task->done;
	const uint8_t *medium = task->buf + task->io.buf_off;
	uint64_t i;

	if (!memcmp(data, medium, task->io.len))
		return true;
	for (i = 0; data[i] == medium[i]; i++)
		;
	scsi_check_info(task, KEY_MISCOMPARE, ASC_MISCOMPARE, task->done + i);
	return false;
}

enum scsi_step scsi_verify_begin(struct scsi_task *task)
{
	if (!task->blocks)
		return scsi_good(task, 0);
	if (!(task->cdb[1] & BYTCHK)) {
		task->need_len = scratch_len(scsi_byte_len(task));
		return verify_next(task);
	}
	task->need_len = scsi_byte_len(task) + scratch_len(scsi_byte_len(task));
	return scsi_fetch(task, scsi_byte_len(task));
}

enum scsi_step scsi_verify_data(struct scsi_task *task)
{
	return verify_next(task);
}

enum scsi_step scsi_verify_io(struct scsi_task *task)
{
	if (task->phase == PHASE_WRITE)
		return verify_next(task);
	if ((task->cdb[1] & BYTCHK) && !compare_piece(task))
		return SCSI_RESPOND;
	task->done += task->io.len;
	return task->done < scsi_byte_len(task) ? verify_next(task) : scsi_good(task, task->fetch_len);
}

enum scsi_step scsi_write_verify_begin(struct scsi_task *task)
{
	if (!task->blocks)
		return scsi_good(task, 0);
	task->need_len = scsi_byte_len(task) + scratch_len(scsi_byte_len(task));
	return scsi_fetch(task, scsi_byte_len(task));
}

/* ---- COMPARE AND WRITE ---------------------------------------------------------------- */

/* Blocks: a byte in the CDB and in VPD page B0h, and twice as much data. */
uint32_t scsi_max_caw(const struct scsi_lu *lu)
{
	return scsi_min(255, lu->config.max_xfer / 2 / lu->config.block_size);
}

enum scsi_step scsi_caw_begin(struct scsi_task *task)
{
	if (task->blocks > scsi_max_caw(task->lu))
		return scsi_bad_cdb(task, task->op->len_off, 8);
	if (!task->blocks)
		return scsi_good(task, 0);
	task->need_len = 2 * scsi_byte_len(task) + scratch_len(scsi_byte_len(task));
	return scsi_fetch(task, 2 * scsi_byte_len(task));
}

/* One at a time: the first of the list has the turn. */
enum scsi_step scsi_caw_data(struct scsi_task *task)
{
	struct scsi_lu *lu = task->lu;
	struct scsi_task **p;
	bool first;

	pthread_mutex_lock(&lu->lock);
	first = !lu->turn;
	for (p = &lu->turn; *p; p = &(*p)->next)
		;
	*p = task;
	task->next = NULL;
	task->queued = true;
	pthread_mutex_unlock(&lu->lock);
	return first ? scsi_caw_turn(task) : SCSI_WAIT;
}

enum scsi_step scsi_caw_turn(struct scsi_task *task)
{
	return verify_next(task);
}

enum scsi_step scsi_caw_io(struct scsi_task *task)
{
	enum scsi_step step;

	if (task->phase == PHASE_WRITE)
		return scsi_good(task, task->fetch_len);
	if (!compare_piece(task))
		return SCSI_RESPOND;
	task->done += task->io.len;
	if (task->done < scsi_byte_len(task))
		return verify_next(task);
	step = scsi_write_data(task);
	task->io.buf_off = scsi_byte_len(task);
	return step;
}

/* The task has ended, whether it had the turn or waited for it. */
void scsi_caw_end(struct scsi_task *task)
{
	struct scsi_lu *lu = task->lu;
	struct scsi_task **p;

	pthread_mutex_lock(&lu->lock);
	for (p = &lu->turn; *p != task; p = &(*p)->next)
		;
	*p = task->next;
	task->queued = false;
	/* With the lock held: a waiting task that is just being aborted stays there until this is said. */
	if (p == &lu->turn && lu->turn)
		lu->ops->resume(lu->turn);
	pthread_mutex_unlock(&lu->lock);
}

/* ---- SYNCHRONIZE CACHE ------------------------------------------------------------------ */

/*
 * IMMED makes no difference: the status may come as late as it likes, and then it
 * says how it went.
 */
enum scsi_step scsi_sync_begin(struct scsi_task *task)
{
	return scsi_io(task, SCSI_IO_FLUSH, scsi_byte_off(task), scsi_byte_len(task), 0);
}

/* ---- READ CAPACITY ------------------------------------------------------------------------ */

enum scsi_step scsi_capacity10(struct scsi_task *task, struct scsi_out *out)
{
	scsi_put_be(out, scsi_min(scsi_lu_blocks(task->lu) - 1, UINT32_MAX), 4);
	scsi_put_be(out, task->lu->config.block_size, 4);
	return SCSI_RESPOND;
}

enum scsi_step scsi_capacity16(struct scsi_task *task, struct scsi_out *out)
{
	const struct scsi_lu_config *config = &task->lu->config;

	scsi_put_be(out, scsi_lu_blocks(task->lu) - 1, 8);
	scsi_put_be(out, config->block_size, 4);
	scsi_put_zero(out, 2);
	/* LBPME, LBPRZ */
	scsi_put_be(out, (config->thin ? 0x80 : 0) | (config->thin && config->discard_zeros ? 0x40 : 0), 1);
	scsi_put_zero(out, 17);
	return SCSI_RESPOND;
}

/* ---- START STOP UNIT, PREVENT ALLOW MEDIUM REMOVAL ---------------------------------------- */

#define START		0x01
#define LOEJ		0x02
#define NO_FLUSH	0x04

static bool removal_prevented(struct scsi_lu *lu)
{
	const struct scsi_nexus *nexus;
	bool prevented = false;

	pthread_mutex_lock(&lu->target->lock);
	for (nexus = lu->target->nexuses; nexus; nexus = nexus->next)
		prevented |= nexus->itl[lu->lun].prevents;
	pthread_mutex_unlock(&lu->target->lock);
	return prevented;
}

static void set_ejected(struct scsi_task *task, bool ejected)
{
	struct scsi_lu *lu = task->lu;
	bool loaded;

	pthread_mutex_lock(&lu->lock);
	loaded = !ejected && (lu->flags & LU_EJECTED);
	scsi_lu_set_flags(lu, LU_EJECTED, ejected ? LU_EJECTED : 0);
	pthread_mutex_unlock(&lu->lock);
	if (loaded)
		scsi_ua_others(lu, task->nexus, ASC_MEDIUM_MAY_HAVE_CHANGED);
}

/*
 * Without LOEJ nothing starts or stops: others use the logical unit too, and there
 * is nothing that could stand still. What was written gets durable, though.
 */
enum scsi_step scsi_start_stop(struct scsi_task *task)
{
	uint8_t bits = task->cdb[4];

	/* power conditions */
	if (bits & 0xf0)
		return scsi_bad_cdb(task, 4, 7);
	if ((bits & LOEJ) && !task->lu->config.removable)
		return scsi_bad_cdb(task, 4, 1);
	if (bits & START) {
		if (bits & LOEJ)
			set_ejected(task, false);
		return scsi_good(task, 0);
	}
	if ((bits & LOEJ) && removal_prevented(task->lu))
		return scsi_check(task, KEY_ILLEGAL_REQUEST, ASC_REMOVAL_PREVENTED);
	if (bits & NO_FLUSH)
		return scsi_start_stop_io(task);
	return scsi_io(task, SCSI_IO_FLUSH, 0, 0, 0);
}

enum scsi_step scsi_start_stop_io(struct scsi_task *task)
{
	if (task->cdb[4] & LOEJ)
		set_ejected(task, true);
	return scsi_good(task, 0);
}

enum scsi_step scsi_prevent(struct scsi_task *task)
{
	pthread_mutex_lock(&task->lu->target->lock);
	task->nexus->itl[task->lu->lun].prevents = task->cdb[4] & 1;
	pthread_mutex_unlock(&task->lu->target->lock);
	return scsi_good(task, 0);
}
