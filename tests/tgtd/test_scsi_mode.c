// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* MODE SENSE and MODE SELECT, and what the bits that can be changed do. */
#include "rig.h"

#define T(f)	cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)

#define SENSE6(flags, page, subpage)	0x1a, (flags), (page), (subpage), 255, 0
#define SENSE10(flags, page)		0x5a, (flags), (page), 0, 0, 0, 0, 0, 255, 0
#define SELECT6(len)			0x15, 0x10, 0, 0, (len), 0
#define SELECT10(len)			0x55, 0x10, 0, 0, 0, 0, 0, 0, (len), 0
#define DBD				0x08

/* Lists for MODE SELECT(6): a header, and a page as it is without anything set. */
#define CACHING(wce)	{ 0, 0, 0, 0, 0x08, 18, (wce) ? 4 : 0, [23] = 0 }
#define CONTROL(byte2, byte4, byte5) \
	{ 0, 0, 0, 0, 0x0a, 10, 0x02 | (byte2), 0x10, (byte4), (byte5), [15] = 0 }

static void sense_pages(void **state)
{
	const struct answer *answer;

	(void)state;
	answer = IN(rig.a, 255, SENSE6(0, 0x3f, 0));
	want_good(answer, 4 + 8 + 20 + 12 + 12);
	assert_memory_equal(answer->in, "\x37\0\x10\x08\0\0\1\0\0\0\x02\0" "\x08\x12\4\0", 16);
	assert_memory_equal(answer->in + 32, "\x0a\x0a\x02\x10\0\x40\0\0\0\0\0\0" "\x1c\x0a\x08\0", 16);
	want_good(IN(rig.a, 255, SENSE6(DBD, 0x3f, 0xff)), 4 + 20 + 12 + 12);
	want_good(IN(rig.a, 255, SENSE6(DBD, 0x08, 0)), 24);
	want_good(IN(rig.a, 255, SENSE6(DBD, 0x08, 0xff)), 24);
	answer = IN(rig.a, 255, SENSE10(0, 0x08));
	want_good(answer, 8 + 8 + 20);
	assert_memory_equal(answer->in, "\0\x22\0\x10\0\0\0\x08", 8);
	answer = IN(rig.a, 255, SENSE10(0x10, 0x08));
	want_good(answer, 8 + 16 + 20);
	assert_memory_equal(answer->in, "\0\x2a\0\x10\1\0\0\x10\0\0\0\0\0\0\1\0\0\0\0\0\0\0\x02\0", 24);
}

static void sense_page_control(void **state)
{
	const struct answer *answer;

	(void)state;
	answer = IN(rig.a, 255, SENSE6(DBD, 0x4a, 0));
	assert_memory_equal(answer->in + 4, "\x0a\x0a\4\0\x08\x40\0\0\0\0\0\0", 12);
	answer = IN(rig.a, 255, SENSE6(DBD, 0x5c, 0));
	assert_memory_equal(answer->in + 4, "\x1c\x0a\0\0\0\0\0\0\0\0\0\0", 12);
	answer = IN(rig.a, 255, SENSE6(DBD, 0x88, 0));
	assert_memory_equal(answer->in + 4, "\x08\x12\4\0", 4);
	want_check(IN(rig.a, 255, SENSE6(DBD, 0xc8, 0)), KEY_ILLEGAL_REQUEST, ASC_SAVING_NOT_SUPPORTED);
	want_bad_cdb(IN(rig.a, 255, SENSE6(DBD, 0x02, 0)), 2, 5);
	want_bad_cdb(IN(rig.a, 255, SENSE6(DBD, 0x0a, 1)), 3, 7);
}

static void sense_write_protect(void **state)
{
	struct scsi_lu_config config = rig_config;

	(void)state;
	config.read_only = true;
	config.write_cache = false;
	rig_replace(&config);
	assert_memory_equal(IN(rig.a, 255, SENSE6(DBD, 0x08, 0))->in, "\x17\0\x90\0\x08\x12\0\0", 8);
}

static void select_write_cache(void **state)
{
	static const uint8_t off[24] = CACHING(false), on[24] = CACHING(true);
	static const uint8_t block[512];

	(void)state;
	/* as it is */
	want_good(OUT(rig.a, on, 24, SELECT6(24)), 24);
	want_attention(rig.b, 0);
	want_good(OUT(rig.a, off, 24, SELECT6(24)), 24);
	assert_int_equal(rig.ios[0].op, SCSI_IO_FLUSH);
	want_attention(rig.a, 0);
	want_attention(rig.b, ASC_MODE_PARAMETERS_CHANGED);
	OUT(rig.a, block, 512, 0x2a, 0, 0, 0, 0, 0, 0, 0, 1, 0);
	assert_true(rig.ios[0].fua);
	assert_int_equal(IN(rig.a, 255, SENSE6(DBD, 0x08, 0))->in[6], 0);
	want_good(OUT(rig.a, on, 24, SELECT6(24)), 24);
	assert_int_equal(rig.nr_ios, 0);
	scsi_lu_reset(rig.lu);
	rig_clear_attentions();
	assert_int_equal(IN(rig.a, 255, SENSE6(DBD, 0x08, 0))->in[6], 4);
}

static void select_control(void **state)
{
	static const uint8_t swp[16] = CONTROL(0, 8, 0x40), no_tas[16] = CONTROL(0, 0, 0);
	static const uint8_t block[512];

	(void)state;
	assert_true(scsi_lu_tas(rig.lu));
	want_good(OUT(rig.a, no_tas, 16, SELECT6(16)), 16);
	assert_false(scsi_lu_tas(rig.lu));
	want_good(OUT(rig.a, swp, 16, SELECT6(16)), 16);
	assert_true(scsi_lu_tas(rig.lu));
	want_check(OUT(rig.a, block, 512, 0x2a, 0, 0, 0, 0, 0, 0, 0, 1, 0), KEY_DATA_PROTECT,
		   ASC_SOFTWARE_WRITE_PROTECTED);
	assert_int_equal(IN(rig.a, 255, SENSE6(DBD, 0x0a, 0))->in[2], 0x90);
	want_good(OUT(rig.a, no_tas, 16, SELECT6(16)), 16);
	want_good(OUT(rig.a, block, 512, 0x2a, 0, 0, 0, 0, 0, 0, 0, 1, 0), 512);
}

static void select_descriptor_sense(void **state)
{
	static const uint8_t on[16] = CONTROL(4, 0, 0x40);
	static struct answer answer;
	struct scsi_task task;

	(void)state;
	want_good(OUT(rig.a, on, 16, SELECT6(16)), 16);
	/* with information of eight bytes, and with a field pointer */
	rig_task(&task, rig.a, (const uint8_t [16]){ 0x88, 0, 1, [13] = 1 }, 16, 0, 512);
	assert_int_equal(scsi_begin(&task), SCSI_RESPOND);
	assert_int_equal(task.sense[0], 0x72);
	assert_int_equal(task.sense_len, 20);
	rig_end(&task, &answer);
	want_check(&answer, KEY_ILLEGAL_REQUEST, ASC_LBA_OUT_OF_RANGE);
	assert_true(answer.info == 1ULL << 56);
	want_bad_cdb(NONE(rig.a, 0, 0, 0x30, 0, 0, 0), 2, 5);
}

/* All or nothing: a good page does not count if the next one is bad. */
static void select_two_pages(void **state)
{
	uint8_t list[8 + 20 + 12] = { [8] = 0x08, 18, [28] = 0x0a, 10, 0x02, 0x10, 0, 0x40 };

	(void)state;
	list[28 + 9] = 1;
	want_bad_list(OUT(rig.a, list, 40, SELECT10(40)), 37, 8);
	assert_int_equal(IN(rig.a, 255, SENSE6(DBD, 0x08, 0))->in[6], 4);
	list[28 + 9] = 0;
	want_good(OUT(rig.a, list, 40, SELECT10(40)), 40);
	assert_int_equal(IN(rig.a, 255, SENSE6(DBD, 0x08, 0))->in[6], 0);
}

static void select_block_descriptor(void **state)
{
	uint8_t list[12] = { 0, 0, 0, 8, 0, 0, 1, 0, 0, 0, 2, 0 };
	uint8_t longlba[24] = { [4] = 1, [7] = 16, [14] = 1, [22] = 2 };

	(void)state;
	want_good(OUT(rig.a, list, 12, SELECT6(12)), 12);
	want_good(OUT(rig.a, longlba, 24, SELECT10(24)), 24);
	list[6] = 0;
	want_good(OUT(rig.a, list, 12, SELECT6(12)), 12);
	list[6] = 2;
	want_bad_list(OUT(rig.a, list, 12, SELECT6(12)), 4, 8);
	list[6] = 0;
	list[10] = 0x10;
	want_bad_list(OUT(rig.a, list, 12, SELECT6(12)), 8, 8);
	list[3] = 7;
	want_bad_list(OUT(rig.a, list, 12, SELECT6(12)), 3, 8);
}

static void select_errors(void **state)
{
	uint8_t list[24] = CACHING(true);

	(void)state;
	want_good(OUT(rig.a, list, 0, SELECT6(0)), 0);
	want_good(OUT(rig.a, list, 4, SELECT6(4)), 4);
	/* cut in the header, the descriptor, the head of a page, the page */
	want_check(OUT(rig.a, list, 24, SELECT6(3)), KEY_ILLEGAL_REQUEST, ASC_LIST_LENGTH_ERROR);
	want_check(OUT(rig.a, list, 24, SELECT6(5)), KEY_ILLEGAL_REQUEST, ASC_LIST_LENGTH_ERROR);
	want_check(OUT(rig.a, list, 24, SELECT6(23)), KEY_ILLEGAL_REQUEST, ASC_LIST_LENGTH_ERROR);
	want_check(OUT(rig.a, list, 20, SELECT6(24)), KEY_ILLEGAL_REQUEST, ASC_INVALID_FIELD_IN_IU);
	list[3] = 8;
	want_check(OUT(rig.a, list, 24, SELECT6(11)), KEY_ILLEGAL_REQUEST, ASC_LIST_LENGTH_ERROR);
	list[3] = 0;
	/* SP, no PF */
	want_bad_cdb(OUT(rig.a, list, 24, 0x15, 0x11, 0, 0, 24, 0), 1, 0);
	want_bad_cdb(OUT(rig.a, list, 24, 0x15, 0x00, 0, 0, 24, 0), 1, 4);
	/* a length that is not the page's, a page that there is not, a bit that stays as it is */
	list[5] = 17;
	want_bad_list(OUT(rig.a, list, 24, SELECT6(24)), 5, 8);
	list[5] = 18;
	list[4] = 0x07;
	want_bad_list(OUT(rig.a, list, 24, SELECT6(24)), 4, 8);
	list[4] = 0x08;
	list[7] = 1;
	want_bad_list(OUT(rig.a, list, 24, SELECT6(24)), 7, 8);
	/* MODE SENSE has said PS */
	list[7] = 0;
	list[4] = 0x88;
	want_good(OUT(rig.a, list, 24, SELECT6(24)), 24);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(sense_pages), T(sense_page_control), T(sense_write_protect), T(select_write_cache),
		T(select_control), T(select_descriptor_sense), T(select_two_pages), T(select_block_descriptor),
		T(select_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
