// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* The target for tests of the SCSI engine, see rig.h. */
#include "rig.h"

struct rig rig;

const struct scsi_lu_config rig_config = {
	.block_size = RIG_BS, .size = RIG_SIZE, .vendor = "VENDOR", .product = "PRODUCT", .serial = "serial-1",
	.opt_xfer = 32768, .max_xfer = 65536, .removable = true, .thin = true, .discard_zeros = true,
	.write_cache = true,
};

static int save(struct scsi_lu *lu, const void *data, size_t len)
{
	(void)lu;
	if (rig.save_error)
		return rig.save_error;
	assert_in_range(len, 1, sizeof(rig.saved));
	memcpy(rig.saved, data, len);
	rig.saved_len = len;
	return 0;
}

static void resume(struct scsi_task *task)
{
	rig.resumed = task;
}

static const struct scsi_lu_ops ops = { .save_reservations = save, .resume = resume };

void rig_clear_attentions(void)
{
	struct scsi_nexus *all[] = { rig.a, rig.b, rig.c };
	unsigned int i;

	for (i = 0; i < 3; i++)
		while (scsi_ua_take(all[i], RIG_LUN))
			;
}

int rig_setup_power_on(void **state)
{
	static const uint8_t one[16] = { 0xaa, [15] = 1 }, two[16] = { 0xbb, [15] = 2 };
	static const uint8_t port1[16] = { 0x10, [15] = 1 }, port2[16] = { 0x10, [15] = 2 };

	(void)state;
	memset(&rig, 0, sizeof(rig));
	rig.target = scsi_target_new();
	rig.lu = scsi_target_add(rig.target, RIG_LUN, &rig_config, &ops, &rig);
	rig.a = scsi_nexus_new(rig.target, one, port1);
	rig.b = scsi_nexus_new(rig.target, two, port1);
	rig.c = scsi_nexus_new(rig.target, one, port2);
	return !rig.lu || !rig.a || !rig.b || !rig.c;
}

int rig_setup(void **state)
{
	int ret = rig_setup_power_on(state);

	if (!ret)
		rig_clear_attentions();
	return ret;
}

int rig_teardown(void **state)
{
	(void)state;
	scsi_nexus_free(rig.a);
	scsi_nexus_free(rig.b);
	scsi_nexus_free(rig.c);
	scsi_target_free(rig.target);
	return 0;
}

void rig_replace(const struct scsi_lu_config *config)
{
	scsi_target_remove(rig.target, rig.lu);
	scsi_lu_free(rig.lu);
	rig.lu = scsi_target_add(rig.target, RIG_LUN, config, &ops, &rig);
	assert_non_null(rig.lu);
	rig_clear_attentions();
}

void rig_task(struct scsi_task *task, struct scsi_nexus *nexus, const uint8_t *cdb, uint8_t cdb_len,
	      uint32_t out_len, uint32_t in_len)
{
	*task = (struct scsi_task){
		.nexus = nexus, .lun = { 0, RIG_LUN }, .cdb_len = cdb_len,
		.data_out_len = out_len, .data_in_len = in_len,
	};
	memcpy(task->cdb, cdb, cdb_len);
}

/* ---- between the steps ---------------------------------------------------------------- */

static void provide_buf(struct scsi_task *task)
{
	uint32_t limit = (task->lu ? scsi_lu_config(task->lu)->max_xfer : 0) + SCSI_SCRATCH_LEN;

	assert_in_range(task->need_len, 0, limit);
	if (task->buf || !task->need_len)
		return;
	task->buf = malloc(task->need_len);
	assert_non_null(task->buf);
	memset(task->buf, 0xe5, task->need_len);
}

static int do_io(struct scsi_task *task)
{
	const struct scsi_io *io = &task->io;

	assert_in_range(io->off, 0, RIG_SIZE);
	assert_in_range(io->len, io->op == SCSI_IO_FLUSH ? 0 : 1, RIG_SIZE - io->off);
	if (io->op == SCSI_IO_READ || io->op == SCSI_IO_WRITE)
		assert_in_range((uint64_t)io->buf_off + io->len, 1, task->need_len);
	assert_true(io->op == SCSI_IO_ZERO || !io->unmap);
	rig.ios[rig.nr_ios++ % RIG_MAX_IOS] = *io;
	if (rig.io_error)
		return rig.io_error;

	if (io->op == SCSI_IO_READ)
		memcpy(task->buf + io->buf_off, rig.medium + io->off, io->len);
	else if (io->op == SCSI_IO_WRITE)
		memcpy(rig.medium + io->off, task->buf + io->buf_off, io->len);
	else if (io->op != SCSI_IO_FLUSH)
		memset(rig.medium + io->off, 0, io->len);
	return 0;
}

enum scsi_step rig_drive(struct scsi_task *task, enum scsi_step step, const void *out)
{
	while (step != SCSI_RESPOND && step != SCSI_WAIT) {
		provide_buf(task);
		switch (step) {
		case SCSI_FILL:
			step = scsi_fill(task);
			assert_int_equal(step, SCSI_RESPOND);
			break;
		case SCSI_FETCH:
			assert_in_range(task->fetch_len, 1, task->data_out_len);
			assert_in_range(task->fetch_len, 1, task->need_len);
			memcpy(task->buf, out, task->fetch_len);
			step = scsi_data(task);
			break;
		default:
			assert_int_equal(step, SCSI_IO);
			step = scsi_io_done(task, do_io(task));
		}
	}
	return step;
}

/* Either format. */
static void parse_sense(const struct scsi_task *task, struct answer *answer)
{
	const uint8_t *s = task->sense, *field = NULL, *d;

	if (s[0] == 0x72) {
		answer->key = s[1];
		answer->asc = scsi_get_be(s + 2, 2);
		assert_int_equal(task->sense_len, 8 + s[7]);
		for (d = s + 8; d < s + task->sense_len; d += 2 + d[1]) {
			if (d[0] == 0)
				answer->info = scsi_get_be(d + 4, 8);
			else
				field = d + 4;
			answer->has_info |= d[0] == 0;
		}
	} else {
		assert_int_equal(s[0] & 0x7f, 0x70);
		assert_int_equal(task->sense_len, 18);
		answer->key = s[2];
		answer->asc = scsi_get_be(s + 12, 2);
		answer->has_info = s[0] & 0x80;
		answer->info = scsi_get_be(s + 3, 4);
		field = s[15] & 0x80 ? s + 15 : NULL;
	}
	if (field) {
		answer->has_field = true;
		answer->bit = field[0] & 0x08 ? field[0] & 7 : 8;
		answer->field = scsi_get_be(field + 1, 2);
	}
}

void rig_end(struct scsi_task *task, struct answer *answer)
{
	assert_in_range(task->in_len, 0, task->data_in_len);
	assert_in_range(task->in_len, 0, task->need_len);
	assert_in_range(task->in_len, 0, task->produced);
	assert_in_range(task->sense_len, 0, SCSI_SENSE_LEN);
	assert_int_equal(task->status == SCSI_CHECK_CONDITION, task->sense_len != 0);
	if (task->status != SCSI_GOOD)
		assert_int_equal(task->in_len, 0);
	memset(answer, 0, offsetof(struct answer, in));
	answer->status = task->status;
	answer->in_len = task->in_len;
	answer->produced = task->produced;
	if (task->in_len)
		memcpy(answer->in, task->buf, scsi_min(task->in_len, sizeof(answer->in)));
	if (task->sense_len)
		parse_sense(task, answer);
	scsi_task_end(task);
	free(task->buf);
}

const struct answer *rig_exec(struct scsi_nexus *nexus, const uint8_t *cdb, uint8_t cdb_len, const void *out,
			      uint32_t out_len, uint32_t in_len)
{
	static struct answer answer;
	struct scsi_task task;

	rig.nr_ios = 0;
	rig_task(&task, nexus, cdb, cdb_len, out_len, in_len);
	assert_int_equal(rig_drive(&task, scsi_begin(&task), out), SCSI_RESPOND);
	rig_end(&task, &answer);
	return &answer;
}

/* ---- expectations ------------------------------------------------------------------------ */

void want_status(const struct answer *answer, uint8_t status)
{
	if (answer->status != status)
		fail_msg("status %02xh, not %02xh; sense %xh/%04xh", answer->status, status, answer->key, answer->asc);
}

void want_good(const struct answer *answer, uint32_t produced)
{
	want_status(answer, SCSI_GOOD);
	assert_int_equal(answer->produced, produced);
}

void want_check(const struct answer *answer, uint8_t key, uint16_t asc)
{
	want_status(answer, SCSI_CHECK_CONDITION);
	if (answer->key != key || answer->asc != asc)
		fail_msg("sense %xh/%04xh, not %xh/%04xh", answer->key, answer->asc, key, asc);
}

static void want_field(const struct answer *answer, uint16_t byte, uint8_t bit)
{
	assert_true(answer->has_field);
	if (answer->field != byte || answer->bit != bit)
		fail_msg("field %u.%u, not %u.%u", answer->field, answer->bit, byte, bit);
}

void want_bad_cdb(const struct answer *answer, uint16_t byte, uint8_t bit)
{
	want_check(answer, KEY_ILLEGAL_REQUEST, ASC_INVALID_FIELD_IN_CDB);
	want_field(answer, byte, bit);
}

void want_bad_list(const struct answer *answer, uint16_t byte, uint8_t bit)
{
	want_check(answer, KEY_ILLEGAL_REQUEST, ASC_INVALID_FIELD_IN_LIST);
	want_field(answer, byte, bit);
}

void want_attention(struct scsi_nexus *nexus, uint16_t asc)
{
	const struct answer *answer = READY(nexus);

	if (asc)
		want_check(answer, KEY_UNIT_ATTENTION, asc);
	else
		want_good(answer, 0);
}
