// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Commands that read and write the medium, and what may be in their way. */
#include <errno.h>
#include "rig.h"

#define T(f)		cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)
#define LEN(blocks)	((blocks) * RIG_BS)

static uint8_t data[LEN(200)];

/* Every byte of the medium and of the data is another one, nearly. */
static void fill(void)
{
	unsigned int i;

	for (i = 0; i < RIG_SIZE; i++)
		rig.medium[i] = i * 7 + (i >> 8) + 1;
	for (i = 0; i < sizeof(data); i++)
		data[i] = i * 3 + (i >> 9) + 5;
}

static void same_as_medium(unsigned int lba, const void *bytes, unsigned int len)
{
	assert_memory_equal(rig.medium + LEN(lba), bytes, len);
}

/* ---- READ ------------------------------------------------------------------------------ */

static void read_sizes(void **state)
{
	const struct answer *answer;

	(void)state;
	fill();
	answer = IN(rig.a, 65536, 0x08, 0, 0, 3, 2, 0);
	want_good(answer, LEN(2));
	same_as_medium(3, answer->in, LEN(2));
	answer = IN(rig.a, 65536, 0x28, 0x18, 0, 0, 0, 4, 0, 0, 3, 0);
	want_good(answer, LEN(3));
	same_as_medium(4, answer->in, LEN(3));
	answer = IN(rig.a, 65536, 0xa8, 0, 0, 0, 0, 255, 0, 0, 0, 1, 0, 0);
	want_good(answer, LEN(1));
	same_as_medium(255, answer->in, LEN(1));
	answer = IN(rig.a, 65536, 0x88, 0, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 128, 0, 0);
	want_good(answer, LEN(128));
	same_as_medium(5, answer->in, LEN(128));
	assert_int_equal(rig.nr_ios, 1);
	assert_false(rig.ios[0].fua);
}

/* READ(6) of 0 blocks means 256, which is more than a transfer may have here. */
static void read6_zero(void **state)
{
	(void)state;
	want_bad_cdb(IN(rig.a, 65536, 0x08, 0, 0, 0, 0, 0), 4, 8);
}

static void read_residuals(void **state)
{
	const struct answer *answer;

	(void)state;
	fill();
	/* less room than data: only the blocks that are needed are read */
	answer = IN(rig.a, 700, 0x28, 0, 0, 0, 0, 4, 0, 0, 3, 0);
	want_good(answer, LEN(3));
	assert_int_equal(answer->in_len, 700);
	assert_int_equal(rig.ios[0].len, LEN(2));
	same_as_medium(4, answer->in, 700);
	want_good(IN(rig.a, 0, 0x28, 0, 0, 0, 0, 4, 0, 0, 3, 0), LEN(3));
	want_good(IN(rig.a, 100, 0x28, 0, 0, 0, 0, 4, 0, 0, 0, 0), 0);
	assert_int_equal(rig.nr_ios, 0);
}

static void read_range(void **state)
{
	const struct answer *answer;

	(void)state;
	answer = IN(rig.a, 65536, 0x28, 0, 0, 0, 0, 255, 0, 0, 2, 0);
	want_check(answer, KEY_ILLEGAL_REQUEST, ASC_LBA_OUT_OF_RANGE);
	assert_true(answer->has_info);
	assert_int_equal(answer->info, 256);
	answer = IN(rig.a, 65536, 0x28, 0, 0, 0, 2, 0, 0, 0, 0, 0);
	want_check(answer, KEY_ILLEGAL_REQUEST, ASC_LBA_OUT_OF_RANGE);
	assert_int_equal(answer->info, 512);
	/* too much for four bytes of information, and for a sum of 64 bits */
	answer = IN(rig.a, 65536, 0x88, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 2, 0, 0);
	want_check(answer, KEY_ILLEGAL_REQUEST, ASC_LBA_OUT_OF_RANGE);
	assert_false(answer->has_info);
	want_bad_cdb(IN(rig.a, 65536, 0x28, 0, 0, 0, 0, 0, 0, 0, 129, 0), 7, 8);
	want_bad_cdb(IN(rig.a, 65536, 0x88, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0, 0), 10, 8);
}

static void io_errors(void **state)
{
	static const struct {
		int		error;
		bool		write;
		uint8_t		key;
		uint16_t	asc;
	} rows[] = {
		{ -EIO, false, KEY_MEDIUM_ERROR, ASC_UNRECOVERED_READ_ERROR },
		{ -EIO, true, KEY_MEDIUM_ERROR, ASC_WRITE_ERROR },
		{ -ENOSPC, true, KEY_DATA_PROTECT, ASC_SPACE_ALLOCATION_FAILED },
		{ -EROFS, true, KEY_DATA_PROTECT, ASC_WRITE_PROTECTED },
	};
	const struct answer *answer;
	unsigned int i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		rig.io_error = rows[i].error;
		if (rows[i].write)
			answer = OUT(rig.a, data, 512, 0x2a, 0, 0, 0, 0, 9, 0, 0, 1, 0);
		else
			answer = IN(rig.a, 512, 0x28, 0, 0, 0, 0, 9, 0, 0, 1, 0);
		want_check(answer, rows[i].key, rows[i].asc);
		if (rows[i].key == KEY_MEDIUM_ERROR)
			assert_int_equal(answer->info, 9);
		assert_int_equal(answer->produced, rows[i].write ? 512 : 0);
	}
	rig.io_error = -EAGAIN;
	want_status(IN(rig.a, 512, 0x28, 0, 0, 0, 0, 9, 0, 0, 1, 0), SCSI_BUSY);
	rig.io_error = -EIO;
	want_check(NONE(rig.a, 0x35, 0, 0, 0, 0, 0, 0, 0, 0, 0), KEY_MEDIUM_ERROR, ASC_WRITE_ERROR);
}

/* ---- WRITE ----------------------------------------------------------------------------- */

static void write_sizes(void **state)
{
	(void)state;
	fill();
	want_good(OUT(rig.a, data, LEN(2), 0x0a, 0, 0, 3, 2, 0), LEN(2));
	same_as_medium(3, data, LEN(2));
	want_good(OUT(rig.a, data, LEN(2), 0x2a, 0, 0, 0, 0, 8, 0, 0, 2, 0), LEN(2));
	same_as_medium(8, data, LEN(2));
	want_good(OUT(rig.a, data, LEN(2), 0xaa, 0, 0, 0, 0, 18, 0, 0, 0, 2, 0, 0), LEN(2));
	same_as_medium(18, data, LEN(2));
	/* more is offered than is wanted */
	want_good(OUT(rig.a, data, LEN(4), 0x8a, 0, 0, 0, 0, 0, 0, 0, 0, 28, 0, 0, 0, 2, 0, 0), LEN(2));
	same_as_medium(28, data, LEN(2));
	want_good(OUT(rig.a, data, LEN(1), 0x2a, 0, 0, 0, 0, 8, 0, 0, 0, 0), 0);
	assert_int_equal(rig.nr_ios, 0);
}

static void write_too_little(void **state)
{
	(void)state;
	want_check(OUT(rig.a, data, LEN(2) - 1, 0x2a, 0, 0, 0, 0, 8, 0, 0, 2, 0), KEY_ILLEGAL_REQUEST,
		   ASC_INVALID_FIELD_IN_IU);
	assert_int_equal(rig.nr_ios, 0);
}

static void write_durable(void **state)
{
	struct scsi_lu_config config = rig_config;

	(void)state;
	OUT(rig.a, data, LEN(1), 0x2a, 0x00, 0, 0, 0, 8, 0, 0, 1, 0);
	assert_false(rig.ios[0].fua);
	OUT(rig.a, data, LEN(1), 0x2a, 0x08, 0, 0, 0, 8, 0, 0, 1, 0);
	assert_true(rig.ios[0].fua);
	/* In WRITE(6) that bit is of the LBA, and here out of range. */
	want_check(OUT(rig.a, data, LEN(1), 0x0a, 0x08, 0, 0, 1, 0), KEY_ILLEGAL_REQUEST, ASC_LBA_OUT_OF_RANGE);
	config.write_cache = false;
	rig_replace(&config);
	OUT(rig.a, data, LEN(1), 0x2a, 0x00, 0, 0, 0, 8, 0, 0, 1, 0);
	assert_true(rig.ios[0].fua);
}

static void write_protect(void **state)
{
	struct scsi_lu_config config = rig_config;

	(void)state;
	config.read_only = true;
	rig_replace(&config);
	want_check(OUT(rig.a, data, LEN(1), 0x2a, 0, 0, 0, 0, 8, 0, 0, 1, 0), KEY_DATA_PROTECT, ASC_WRITE_PROTECTED);
	want_check(NONE(rig.a, 0x93, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0), KEY_DATA_PROTECT,
		   ASC_WRITE_PROTECTED);
	want_check(NONE(rig.a, 0x42, 0, 0, 0, 0, 0, 0, 0, 0, 0), KEY_DATA_PROTECT, ASC_WRITE_PROTECTED);
	want_good(IN(rig.a, 512, 0x28, 0, 0, 0, 0, 8, 0, 0, 1, 0), 512);
}

/* ---- VERIFY, WRITE AND VERIFY -------------------------------------------------------------- */

static void verify(void **state)
{
	const struct answer *answer;

	(void)state;
	fill();
	want_good(NONE(rig.a, 0x2f, 0, 0, 0, 0, 0, 0, 0, 128, 0), 0);
	assert_int_equal(rig.ios[0].len, LEN(128));
	memcpy(data, rig.medium + LEN(3), LEN(2));
	want_good(OUT(rig.a, data, LEN(2), 0x2f, 0x02, 0, 0, 0, 3, 0, 0, 2, 0), LEN(2));
	data[700] ^= 1;
	answer = OUT(rig.a, data, LEN(2), 0x8f, 0x02, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 2, 0, 0);
	want_check(answer, KEY_MISCOMPARE, ASC_MISCOMPARE);
	assert_int_equal(answer->info, 700);
	want_bad_cdb(OUT(rig.a, data, LEN(2), 0xaf, 0x04, 0, 0, 0, 3, 0, 0, 0, 2, 0, 0), 1, 2);
	want_check(OUT(rig.a, data, 100, 0x2f, 0x02, 0, 0, 0, 3, 0, 0, 2, 0), KEY_ILLEGAL_REQUEST,
		   ASC_INVALID_FIELD_IN_IU);
	want_good(OUT(rig.a, data, 100, 0x2f, 0x02, 0, 0, 0, 3, 0, 0, 0, 0), 0);
}

/* More than fits in the scratch area. */
static void verify_long(void **state)
{
	struct scsi_lu_config config = rig_config;
	const struct answer *answer;

	(void)state;
	config.max_xfer = 1 << 20;
	rig_replace(&config);
	fill();
	memcpy(data, rig.medium, sizeof(data));
	want_good(OUT(rig.a, data, LEN(200), 0x2f, 0x02, 0, 0, 0, 0, 0, 0, 200, 0), LEN(200));
	assert_int_equal(rig.nr_ios, 2);
	data[LEN(190)] ^= 1;
	answer = OUT(rig.a, data, LEN(200), 0x2f, 0x02, 0, 0, 0, 0, 0, 0, 200, 0);
	want_check(answer, KEY_MISCOMPARE, ASC_MISCOMPARE);
	assert_int_equal(answer->info, LEN(190));
}

static void write_and_verify(void **state)
{
	(void)state;
	fill();
	want_good(OUT(rig.a, data, LEN(2), 0x2e, 0, 0, 0, 0, 3, 0, 0, 2, 0), LEN(2));
	same_as_medium(3, data, LEN(2));
	assert_int_equal(rig.nr_ios, 2);
	assert_int_equal(rig.ios[1].op, SCSI_IO_READ);
	want_good(OUT(rig.a, data, LEN(2), 0x8e, 0x02, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 2, 0, 0), LEN(2));
	same_as_medium(9, data, LEN(2));
	want_good(OUT(rig.a, data, LEN(1), 0xae, 0x12, 0, 0, 0, 19, 0, 0, 0, 1, 0, 0), LEN(1));
	same_as_medium(19, data, LEN(1));
}

/* ---- COMPARE AND WRITE ------------------------------------------------------------------------ */

#define CAW(lba, blocks)	0x89, 0, 0, 0, 0, 0, 0, 0, 0, (lba), 0, 0, 0, (blocks), 0, 0

static void compare_and_write(void **state)
{
	const struct answer *answer;

	(void)state;
	fill();
	memcpy(data, rig.medium + LEN(3), LEN(2));
	data[LEN(2)] = ~data[0];
	want_good(OUT(rig.a, data, LEN(4), CAW(3, 2)), LEN(4));
	same_as_medium(3, data + LEN(2), LEN(2));
	answer = OUT(rig.a, data, LEN(4), CAW(3, 2));
	want_check(answer, KEY_MISCOMPARE, ASC_MISCOMPARE);
	assert_true(answer->has_info);
	assert_int_equal(answer->info, 0);
	memcpy(data, rig.medium + LEN(3), LEN(2));
	data[LEN(1) + 9]++;
	answer = OUT(rig.a, data, LEN(4), CAW(3, 2));
	assert_int_equal(answer->info, LEN(1) + 9);
	same_as_medium(3, data + LEN(2), LEN(2));

	want_good(OUT(rig.a, data, LEN(4), CAW(3, 0)), 0);
	want_bad_cdb(OUT(rig.a, data, LEN(130), CAW(3, 65)), 13, 8);
	want_check(OUT(rig.a, data, LEN(4), CAW(255, 2)), KEY_ILLEGAL_REQUEST, ASC_LBA_OUT_OF_RANGE);
	want_check(OUT(rig.a, data, LEN(3), CAW(3, 2)), KEY_ILLEGAL_REQUEST, ASC_INVALID_FIELD_IN_IU);
}

static void begin_caw(struct scsi_task *task, enum scsi_step want)
{
	static const uint8_t cdb[] = { CAW(3, 1) };

	rig_task(task, rig.a, cdb, sizeof(cdb), LEN(2), 0);
	assert_int_equal(rig_drive(task, scsi_begin(task), data), want);
}

/* One at a time; those that wait get their turn in order, the aborted ones do not. */
static void compare_and_write_turns(void **state)
{
	static struct answer answer;
	struct scsi_task first, aborted, second, third;

	(void)state;
	fill();
	memcpy(data, rig.medium + LEN(3), LEN(1));
	begin_caw(&first, SCSI_RESPOND);
	begin_caw(&aborted, SCSI_WAIT);
	begin_caw(&second, SCSI_WAIT);
	begin_caw(&third, SCSI_WAIT);
	scsi_task_end(&aborted);
	free(aborted.buf);
	assert_null(rig.resumed);
	rig_end(&first, &answer);
	want_good(&answer, LEN(2));
	assert_ptr_equal(rig.resumed, &second);
	/* Its medium is no longer what it was. */
	assert_int_equal(rig_drive(&second, scsi_resume(&second), data), SCSI_RESPOND);
	rig_end(&second, &answer);
	want_check(&answer, KEY_MISCOMPARE, ASC_MISCOMPARE);
	assert_ptr_equal(rig.resumed, &third);
	/* aborted though it has the turn: the next one begins at once */
	scsi_task_end(&third);
	free(third.buf);
	begin_caw(&first, SCSI_RESPOND);
	rig_end(&first, &answer);
}

/* ---- SYNCHRONIZE CACHE, READ CAPACITY ------------------------------------------------------------- */

static void synchronize_cache(void **state)
{
	(void)state;
	want_good(NONE(rig.a, 0x35, 0, 0, 0, 0, 0, 0, 0, 0, 0), 0);
	assert_int_equal(rig.nr_ios, 1);
	assert_int_equal(rig.ios[0].op, SCSI_IO_FLUSH);
	want_good(NONE(rig.a, 0x91, 2, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 4, 0, 0), 0);
	assert_int_equal(rig.ios[0].off, LEN(8));
	assert_int_equal(rig.ios[0].len, LEN(4));
	want_check(NONE(rig.a, 0x35, 0, 0, 0, 0, 255, 0, 0, 2, 0), KEY_ILLEGAL_REQUEST, ASC_LBA_OUT_OF_RANGE);
}

static void read_capacity(void **state)
{
	const struct answer *answer = IN(rig.a, 8, 0x25, 0, 0, 0, 0, 0, 0, 0, 0, 0);

	(void)state;
	want_good(answer, 8);
	assert_memory_equal(answer->in, "\0\0\0\xff\0\0\x02\0", 8);
	want_bad_cdb(IN(rig.a, 8, 0x25, 0, 0, 0, 0, 1, 0, 0, 0, 0), 5, 0);
	answer = IN(rig.a, 32, 0x9e, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 32, 0, 0);
	want_good(answer, 32);
	assert_memory_equal(answer->in, "\0\0\0\0\0\0\0\xff\0\0\x02\0\0\0\xc0\0", 16);
	scsi_lu_resize(rig.lu, 0x300000000000);
	rig_clear_attentions();
	answer = IN(rig.a, 8, 0x25, 0, 0, 0, 0, 0, 0, 0, 0, 0);
	assert_memory_equal(answer->in, "\xff\xff\xff\xff\0\0\x02\0", 8);
}

/* ---- WRITE SAME, UNMAP ------------------------------------------------------------------------------ */

static void write_same(void **state)
{
	unsigned int i;

	(void)state;
	fill();
	want_good(OUT(rig.a, data, 512, 0x41, 0, 0, 0, 0, 2, 0, 0, 200, 0), 512);
	assert_int_equal(rig.nr_ios, 2);
	for (i = 2; i < 202; i++)
		same_as_medium(i, data, 512);
	assert_int_not_equal(memcmp(rig.medium + LEN(202), data, 512), 0);
	/* not a block of zeros: UNMAP changes nothing */
	want_good(OUT(rig.a, data, 512, 0x93, 8, 0, 0, 0, 0, 0, 0, 0, 220, 0, 0, 0, 1, 0, 0), 512);
	assert_int_equal(rig.ios[0].op, SCSI_IO_WRITE);
	memset(data, 0, 512);
	want_good(OUT(rig.a, data, 512, 0x93, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 200, 0, 0), 512);
	assert_int_equal(rig.nr_ios, 1);
	assert_int_equal(rig.ios[0].op, SCSI_IO_ZERO);
	assert_false(rig.ios[0].unmap);
	same_as_medium(201, data, 512);
	want_good(OUT(rig.a, data, 512, 0x41, 8, 0, 0, 0, 2, 0, 0, 1, 0), 512);
	assert_true(rig.ios[0].unmap);
}

static void write_same_errors(void **state)
{
	struct scsi_lu_config config = rig_config;

	(void)state;
	want_good(NONE(rig.a, 0x93, 9, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0), 0);
	assert_int_equal(rig.ios[0].op, SCSI_IO_ZERO);
	/* no blocks, ANCHOR, NDOB in WRITE SAME(10), out of range, too little data */
	want_bad_cdb(OUT(rig.a, data, 512, 0x41, 0, 0, 0, 0, 2, 0, 0, 0, 0), 7, 8);
	want_bad_cdb(OUT(rig.a, data, 512, 0x41, 0x18, 0, 0, 0, 2, 0, 0, 1, 0), 1, 4);
	want_bad_cdb(OUT(rig.a, data, 512, 0x41, 0x01, 0, 0, 0, 2, 0, 0, 1, 0), 1, 0);
	want_check(OUT(rig.a, data, 512, 0x41, 0, 0, 0, 0, 2, 0, 0, 255, 0), KEY_ILLEGAL_REQUEST,
		   ASC_LBA_OUT_OF_RANGE);
	want_check(OUT(rig.a, data, 511, 0x41, 0, 0, 0, 0, 2, 0, 0, 1, 0), KEY_ILLEGAL_REQUEST,
		   ASC_INVALID_FIELD_IN_IU);
	config.thin = false;
	rig_replace(&config);
	want_bad_cdb(OUT(rig.a, data, 512, 0x41, 0x08, 0, 0, 0, 2, 0, 0, 1, 0), 1, 3);
}

#define UNMAP(len)	0x42, 0, 0, 0, 0, 0, 0, (len) >> 8, (len) & 0xff, 0

static void unmap(void **state)
{
	uint8_t list[8 + 3 * 16] = { 0, 54, 0, 48, [15] = 4, [19] = 2, [31] = 7, [47] = 255, [51] = 1 };

	(void)state;
	fill();
	want_good(OUT(rig.a, list, sizeof(list), UNMAP(56)), 56);
	assert_int_equal(rig.nr_ios, 2);
	assert_int_equal(rig.ios[0].op, SCSI_IO_DISCARD);
	assert_int_equal(rig.ios[0].off, LEN(4));
	assert_int_equal(rig.ios[0].len, LEN(2));
	assert_int_equal(rig.ios[1].off, LEN(255));
	want_good(NONE(rig.a, UNMAP(0)), 0);
	want_check(OUT(rig.a, list, sizeof(list), UNMAP(7)), KEY_ILLEGAL_REQUEST, ASC_LIST_LENGTH_ERROR);
	want_check(OUT(rig.a, list, 20, UNMAP(56)), KEY_ILLEGAL_REQUEST, ASC_INVALID_FIELD_IN_IU);
	/* one bad descriptor, and nothing is done */
	list[51] = 2;
	want_check(OUT(rig.a, list, sizeof(list), UNMAP(56)), KEY_ILLEGAL_REQUEST, ASC_LBA_OUT_OF_RANGE);
	assert_int_equal(rig.nr_ios, 0);
	/* less than it says, the rest does not count */
	want_good(OUT(rig.a, list, sizeof(list), UNMAP(41)), 41);
	want_bad_cdb(OUT(rig.a, list, sizeof(list), 0x42, 1, 0, 0, 0, 0, 0, 0, 24, 0), 1, 0);
}

static void unmap_too_much(void **state)
{
	static uint8_t list[8 + 257 * 16];

	(void)state;
	list[2] = 257 * 16 >> 8;
	list[3] = 257 * 16 & 0xff;
	want_bad_list(OUT(rig.a, list, sizeof(list), UNMAP(8 + 257 * 16)), 2, 8);
	scsi_lu_resize(rig.lu, 0x300000000000);
	rig_clear_attentions();
	list[17] = 0x80;
	list[19 + 16] = 1;
	want_bad_list(OUT(rig.a, list, sizeof(list), UNMAP(8 + 32)), 32, 8);
}

/* ---- removable media --------------------------------------------------------------------------------- */

#define LOAD	0x03
#define EJECT	0x02

static void eject(void **state)
{
	(void)state;
	want_good(NONE(rig.a, 0x1b, 0, 0, 0, EJECT, 0), 0);
	assert_int_equal(rig.ios[0].op, SCSI_IO_FLUSH);
	want_check(READY(rig.b), KEY_NOT_READY, ASC_MEDIUM_NOT_PRESENT);
	want_check(IN(rig.a, 512, 0x28, 0, 0, 0, 0, 9, 0, 0, 1, 0), KEY_NOT_READY, ASC_MEDIUM_NOT_PRESENT);
	want_good(IN(rig.a, 96, 0x12, 0, 0, 0, 96, 0), 96);
	assert_int_equal(IN(rig.a, 18, 0x03, 0, 0, 0, 18, 0)->in[12], 0x3a);
	want_good(NONE(rig.a, 0x1b, 0, 0, 0, LOAD, 0), 0);
	want_attention(rig.a, 0);
	want_attention(rig.b, ASC_MEDIUM_MAY_HAVE_CHANGED);
}

static void prevented(void **state)
{
	(void)state;
	want_good(NONE(rig.b, 0x1e, 0, 0, 0, 1, 0), 0);
	want_check(NONE(rig.a, 0x1b, 0, 0, 0, EJECT, 0), KEY_ILLEGAL_REQUEST, ASC_REMOVAL_PREVENTED);
	want_good(NONE(rig.b, 0x1e, 0, 0, 0, 0, 0), 0);
	want_good(NONE(rig.a, 0x1b, 0, 0, 0, EJECT | 0x04, 0), 0);
	assert_int_equal(rig.nr_ios, 0);
	want_good(NONE(rig.a, 0x1b, 0, 0, 0, LOAD, 0), 0);
	/* a reset forgets it */
	want_good(NONE(rig.a, 0x1e, 0, 0, 0, 1, 0), 0);
	scsi_lu_reset(rig.lu);
	rig_clear_attentions();
	want_good(NONE(rig.a, 0x1b, 0, 0, 0, EJECT, 0), 0);
}

static void start_stop(void **state)
{
	struct scsi_lu_config config = rig_config;

	(void)state;
	want_good(NONE(rig.a, 0x1b, 1, 0, 0, 0, 0), 0);
	assert_int_equal(rig.nr_ios, 1);
	want_good(READY(rig.a), 0);
	want_good(NONE(rig.a, 0x1b, 0, 0, 0, 1, 0), 0);
	want_bad_cdb(NONE(rig.a, 0x1b, 0, 0, 0, 0x30, 0), 4, 7);
	config.removable = false;
	rig_replace(&config);
	want_bad_cdb(NONE(rig.a, 0x1b, 0, 0, 0, EJECT, 0), 4, 1);
	want_check(NONE(rig.a, 0x1e, 0, 0, 0, 1, 0), KEY_ILLEGAL_REQUEST, ASC_INVALID_OPCODE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(read_sizes), T(read6_zero), T(read_residuals), T(read_range), T(io_errors), T(write_sizes),
		T(write_too_little), T(write_durable), T(write_protect), T(verify), T(verify_long),
		T(write_and_verify), T(compare_and_write), T(compare_and_write_turns), T(synchronize_cache),
		T(read_capacity), T(write_same), T(write_same_errors), T(unmap), T(unmap_too_much), T(eject),
		T(prevented), T(start_stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
