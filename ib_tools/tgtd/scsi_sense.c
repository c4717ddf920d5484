// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * How commands end: GOOD, another status, or CHECK CONDITION with sense data in
 * the format that D_SENSE asks for; and the writer of data-in.
 *
 * The writer counts what does not fit, so that a command says how long its data
 * is, whatever the allocation length was, and never looks at it itself.
 */
#include "scsi_priv.h"

static void put_be(uint8_t *p, uint64_t value, uint32_t len)
{
	while (len--)
		*p++ = value >> 8 * len;
}

/* Information and sense key specific bytes in descriptors. */
static uint32_t build_descriptors(uint8_t *buf, const struct scsi_sense *sense)
{
	uint32_t len = 8;

	buf[0] = 0x72;
	buf[1] = sense->key;
	put_be(buf + 2, sense->asc, 2);
	if (sense->has_info) {
		buf[len + 1] = 0x0a;
		buf[len + 2] = 0x80;
		put_be(buf + len + 4, sense->info, 8);
		len += 12;
	}
	if (sense->has_field) {
		buf[len] = 0x02;
		buf[len + 1] = 0x06;
		memcpy(buf + len + 4, sense->field, sizeof(sense->field));
		len += 8;
	}
	buf[7] = len - 8;
	return len;
}

/* buf has SCSI_SENSE_LEN bytes. Return: those of the sense data */
uint32_t scsi_sense_build(uint8_t *buf, const struct scsi_sense *sense, bool descriptor)
{
	memset(buf, 0, SCSI_SENSE_LEN);
	if (descriptor)
		return build_descriptors(buf, sense);

	buf[0] = 0x70;
	buf[2] = sense->key;
	buf[7] = 10;
	put_be(buf + 12, sense->asc, 2);
	/* What does not fit in four bytes is not valid there. */
	if (sense->has_info && sense->info <= UINT32_MAX) {
		buf[0] |= 0x80;
		put_be(buf + 3, sense->info, 4);
	}
	if (sense->has_field)
		memcpy(buf + 15, sense->field, sizeof(sense->field));
	return 18;
}

enum scsi_step scsi_status(struct scsi_task *task, uint8_t status)
{
	task->status = status;
	task->in_len = 0;
	/* Data-out that was fetched has been transferred, even if in vain. */
	task->produced = task->fetch_len;
	return SCSI_RESPOND;
}

enum scsi_step scsi_good(struct scsi_task *task, uint32_t produced)
{
	task->status = SCSI_GOOD;
	task->produced = produced;
	return SCSI_RESPOND;
}

static enum scsi_step check(struct scsi_task *task, const struct scsi_sense *sense)
{
	bool descriptor = task->lu && (scsi_lu_flags(task->lu) & LU_D_SENSE);

	task->sense_len = scsi_sense_build(task->sense, sense, descriptor);
	return scsi_status(task, SCSI_CHECK_CONDITION);
}

enum scsi_step scsi_check(struct scsi_task *task, uint8_t key, uint16_t asc)
{
	return check(task, &(struct scsi_sense){ .key = key, .asc = asc });
}

enum scsi_step scsi_check_info(struct scsi_task *task, uint8_t key, uint16_t asc, uint64_t info)
{
	return check(task, &(struct scsi_sense){ .key = key, .asc = asc, .has_info = true, .info = info });
}

/* SKSV, C/D if it is the CDB, BPV and the bit pointer if there is a bit; the field pointer. */
static enum scsi_step bad_field(struct scsi_task *task, uint16_t asc, uint8_t flags, uint16_t byte, uint8_t bit)
{
	struct scsi_sense sense = { .key = KEY_ILLEGAL_REQUEST, .asc = asc, .has_field = true };

	sense.field[0] = 0x80 | flags | (bit < 8 ? 0x08 | bit : 0);
	put_be(sense.field + 1, byte, 2);
	return check(task, &sense);
}

enum scsi_step scsi_bad_cdb(struct scsi_task *task, uint16_t byte, uint8_t bit)
{
	return bad_field(task, ASC_INVALID_FIELD_IN_CDB, 0x40, byte, bit);
}

enum scsi_step scsi_bad_list(struct scsi_task *task, uint16_t byte, uint8_t bit)
{
	return bad_field(task, ASC_INVALID_FIELD_IN_LIST, 0, byte, bit);
}

/* ---- the writer ---------------------------------------------------------------- */

static void put_byte(struct scsi_out *out, uint8_t byte)
{
	if (out->len < out->cap)
		out->buf[out->len] = byte;
	out->len++;
}

void scsi_put(struct scsi_out *out, const void *data, uint32_t len)
{
	const uint8_t *p = data;

	while (len--)
		put_byte(out, *p++);
}

void scsi_put_be(struct scsi_out *out, uint64_t value, uint32_t len)
{
	while (len--)
		put_byte(out, value >> 8 * len);
}

void scsi_put_zero(struct scsi_out *out, uint32_t len)
{
	while (len--)
		put_byte(out, 0);
}

/* Left-aligned ASCII, filled up with spaces. */
void scsi_put_text(struct scsi_out *out, const char *text, uint32_t len)
{
	while (len--)
		put_byte(out, *text ? *text++ : ' ');
}

/* Write again what was written, e.g. a length that was not known then. */
void scsi_set_be(struct scsi_out *out, uint32_t off, uint64_t value, uint32_t len)
{
	for (; len--; off++)
		if (off < out->cap)
			out->buf[off] = value >> 8 * len;
}
