// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * A million commands of random bytes, in a sequence that is always the same. What has to
 * hold for each of them is in the rig; the sanitizers see the rest.
 *
 * Most commands are like real ones: an operation code of the table, bits of its usage map,
 * small numbers. Some end early, as aborted ones, and some COMPARE AND WRITEs stay, so that
 * others have to wait.
 */
#include "rig.h"

#define NR_TASKS	1000000
#define NR_HELD		4

static uint64_t seed = 0x123456789abcdef;

static uint32_t rnd(uint32_t limit)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (seed >> 16) % limit;
}

static void random_bytes(uint8_t *p, uint32_t len)
{
	while (len--) {
		uint32_t kind = rnd(4);

		*p++ = kind < 2 ? 0 : kind == 2 ? rnd(8) : rnd(256);
	}
}

static void random_cdb(uint8_t *cdb)
{
	const struct scsi_op *op = &scsi_ops[rnd(scsi_nr_ops)];
	unsigned int i;

	random_bytes(cdb, TGT_CDB_LEN);
	if (!rnd(8)) {
		memset(cdb, 0, TGT_CDB_LEN);
		cdb[0] = 0x89;
		cdb[9] = rnd(RIG_BLOCKS);
		cdb[13] = rnd(3);
		return;
	}
	if (!rnd(16)) {
		cdb[0] = rnd(256);
		return;
	}
	for (i = 0; i < op->len; i++)
		cdb[i] &= op->usage[i];
	cdb[0] = op->opcode;
	if (op->sa >= 0)
		cdb[1] = (cdb[1] & 0xe0) | op->sa;
	/* High bytes of LBAs and lengths spoil too much. */
	if (op->len >= 10 && rnd(8))
		memset(cdb + 2, 0, op->len == 16 ? 7 : 3);
	if (op->len >= 12 && rnd(8))
		memset(cdb + (op->len == 12 ? 6 : 10), 0, 2);
	/* Mostly loads the medium, or too little would be done with it. */
	if (op->opcode == 0x1b && rnd(8))
		cdb[4] = 0x03;
	if (!rnd(64))
		cdb[1 + rnd(15)] ^= 1 << rnd(8);
}

static struct scsi_nexus *random_nexus(void)
{
	struct scsi_nexus *all[] = { rig.a, rig.b, rig.c };

	return all[rnd(3)];
}

/* Things that happen between commands. */
static void disturb(void)
{
	switch (rnd(6)) {
	case 0:
		scsi_lu_reset(rig.lu);
		break;
	case 1:
		scsi_commands_cleared(rig.lu, random_nexus());
		break;
	case 2:
		scsi_lu_resize(rig.lu, RIG_SIZE - rnd(16) * RIG_BS);
		break;
	case 3:
		rig.io_error = rnd(2) ? 0 : -5;
		break;
	case 4:
		rig.save_error = rnd(4) ? 0 : -28;
		break;
	case 5:
		scsi_lu_load_reservations(rig.lu, rig.saved, rig.saved_len);
		break;
	}
}

struct held {
	struct scsi_task	task;
	uint8_t			out[131072];
};

static struct held held[NR_HELD];
static struct answer answer;
static unsigned int resumed;

static void end(struct held *h)
{
	if (rig.resumed == &h->task)
		rig.resumed = NULL;
	scsi_task_end(&h->task);
	free(h->task.buf);
	h->task.nexus = NULL;
}

static void begin(struct held *h)
{
	static const uint8_t luns[][8] = { { 0, 6 }, { 0xc1, 1 }, { 0x40, RIG_LUN }, { 0x80, 1 } };
	struct scsi_task *task = &h->task;
	uint8_t cdb[TGT_CDB_LEN];
	uint32_t out_len = rnd(4) ? rnd(2048) : rnd(sizeof(h->out));
	enum scsi_step step;

	random_cdb(cdb);
	random_bytes(h->out, scsi_min(out_len, 512));
	rig_task(task, random_nexus(), cdb, rnd(64) ? 16 : rnd(33), out_len, rnd(4) ? rnd(4096) : rnd(70000));
	if (!rnd(16))
		memcpy(task->lun, luns[rnd(4)], 8);
	task->attr = rnd(64) ? TGT_ATTR_SIMPLE : TGT_ATTR_ACA;
	rig.nr_ios = 0;
	step = scsi_begin(task);
	if (!rnd(32)) {
		end(h);
		return;
	}
	/* The response of one that has the turn may take its time. */
	if (rig_drive(task, step, h->out) == SCSI_RESPOND && !(task->queued && rnd(2))) {
		rig_end(task, &answer);
		task->nexus = NULL;
	}
}

/* One that waits, has waited, or lets others wait. */
static void end_held(struct held *h)
{
	struct scsi_task *task = &h->task;

	if (rig.resumed == task && rnd(4)) {
		rig.resumed = NULL;
		resumed++;
		assert_int_equal(rig_drive(task, scsi_resume(task), h->out), SCSI_RESPOND);
	}
	end(h);
}

static void million(void **state)
{
	unsigned int i, good = 0;

	(void)state;
	for (i = 0; i < NR_TASKS; i++) {
		struct held *h = &held[rnd(NR_HELD)];

		if (!rnd(256))
			disturb();
		if (h->task.nexus)
			end_held(h);
		begin(h);
		good += answer.status == SCSI_GOOD;
	}
	for (i = 0; i < NR_HELD; i++)
		if (held[i].task.nexus)
			end_held(&held[i]);
	/* It was not the same refusal a million times. */
	assert_in_range(good, NR_TASKS / 10, NR_TASKS);
	assert_in_range(resumed, 10, NR_TASKS);
}

/* What is loaded may be anything. */
static void images(void **state)
{
	uint8_t image[16 + 3 * 48 + 8];
	unsigned int i;
	uint64_t sum;

	(void)state;
	for (i = 0; i < 100000; i++) {
		random_bytes(image, sizeof(image));
		memcpy(image, "\x53\x52\x50\x54\xad\x50\x52\x01\0\0\0", 11);
		image[11] = rnd(10);
		memcpy(image + 12, "\0\0\0\3", 4);
		sum = scsi_hash(image, sizeof(image) - 8) + !rnd(8);
		sum = __builtin_bswap64(sum);
		memcpy(image + sizeof(image) - 8, &sum, 8);
		scsi_lu_load_reservations(rig.lu, image, sizeof(image) - !rnd(8));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(million, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(images, rig_setup, rig_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
