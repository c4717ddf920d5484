// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * WRITE SAME and UNMAP: SBC-3.
 *
 * WRITE SAME with a block of zeros, or without a block (NDOB), is one I/O. Any
 * other block is repeated in the buffer as often as there is room for, and the
 * buffer is written as often as it takes.
 */
#include "scsi_priv.h"

#define NDOB		0x01
#define UNMAP		0x08
#define SAME_BUF_LEN	(1U << 20)

static enum scsi_step same_zero(struct scsi_task *task)
{
	enum scsi_step step = scsi_io(task, SCSI_IO_ZERO, scsi_byte_off(task), scsi_byte_len(task), 0);

	task->io.unmap = task->cdb[1] & UNMAP;
	task->done = scsi_byte_len(task);
	return step;
}

enum scsi_step scsi_same_begin(struct scsi_task *task)
{
	const struct scsi_lu_config *config = &task->lu->config;
	uint32_t len;

	if ((task->cdb[1] & UNMAP) && !config->thin)
		return scsi_bad_cdb(task, 1, 3);
	/* WSNZ of VPD page B0h: no blocks does not mean all of them. */
	if (!task->blocks || task->blocks > SCSI_MAX_SAME)
		return scsi_bad_cdb(task, task->op->len_off, 8);
	/* The bit is reserved in WRITE SAME(10), and has been looked at there. */
	if (task->cdb[1] & NDOB)
		return same_zero(task);
	len = scsi_min(config->max_xfer, SAME_BUF_LEN);
	task->need_len = scsi_min(scsi_byte_len(task), len - len % config->block_size);
	return scsi_fetch(task, config->block_size);
}

static enum scsi_step same_next(struct scsi_task *task)
{
	return scsi_io(task, SCSI_IO_WRITE, scsi_byte_off(task) + task->done,
		       scsi_min(scsi_byte_len(task) - task->done, task->need_len), 0);
}

enum scsi_step scsi_same_data(struct scsi_task *task)
{
	uint32_t bs = task->lu->config.block_size;
	uint32_t off;

	/* All bytes are as the first one, which is 0. */
	if (!task->buf[0] && !memcmp(task->buf, task->buf + 1, bs - 1))
		return same_zero(task);
	for (off = bs; off < task->need_len; off += bs)
		memcpy(task->buf + off, task->buf, bs);
	return same_next(task);
}

enum scsi_step scsi_same_io(struct scsi_task *task)
{
	if (task->io.op == SCSI_IO_WRITE)
		task->done += task->io.len;
	return task->done < scsi_byte_len(task) ? same_next(task) : scsi_good(task, task->fetch_len);
}

/* ---- UNMAP ------------------------------------------------------------------------ */

#define HEADER_LEN	8
#define DESC_LEN	16

/* The list has whole descriptors, each inside of the medium, all together not too long. */
static bool unmap_valid(struct scsi_task *task, const uint8_t *list, uint32_t len)
{
	uint64_t sum = 0;
	uint32_t off;

	if (len > HEADER_LEN + SCSI_MAX_UNMAP_DESC * DESC_LEN) {
		scsi_bad_list(task, 2, 8);
		return false;
	}
	for (off = HEADER_LEN; off < len; off += DESC_LEN) {
		uint64_t lba = scsi_get_be(list + off, 8);
		uint64_t blocks = scsi_get_be(list + off + 8, 4);

		if (!scsi_range_valid(task, lba, blocks))
			return false;
		sum += blocks;
		if (sum > SCSI_MAX_SAME) {
			scsi_bad_list(task, off + 8, 8);
			return false;
		}
	}
	return true;
}

/* task->blocks descriptors in all, task->done of them done. */
static enum scsi_step unmap_next(struct scsi_task *task)
{
	uint32_t bs = task->lu->config.block_size;

	while (task->done < task->blocks) {
		const uint8_t *desc = task->buf + HEADER_LEN + task->done++ * DESC_LEN;
		uint64_t blocks = scsi_get_be(desc + 8, 4);

		if (blocks)
			return scsi_io(task, SCSI_IO_DISCARD, scsi_get_be(desc, 8) * bs, blocks * bs, 0);
	}
	return scsi_good(task, task->fetch_len);
}

enum scsi_step scsi_unmap_list(struct scsi_task *task, const uint8_t *list, uint32_t len)
{
	uint32_t descs;

	if (!len)
		return scsi_good(task, 0);
	if (len < HEADER_LEN)
		return scsi_check(task, KEY_ILLEGAL_REQUEST, ASC_LIST_LENGTH_ERROR);
	/* An incomplete descriptor at the end is ignored, as is what is not part of the list. */
	descs = scsi_min(scsi_get_be(list + 2, 2), len - HEADER_LEN) / DESC_LEN;
	if (!unmap_valid(task, list, HEADER_LEN + descs * DESC_LEN))
		return SCSI_RESPOND;
	task->blocks = descs;
	return unmap_next(task);
}

enum scsi_step scsi_unmap_io(struct scsi_task *task)
{
	return unmap_next(task);
}
