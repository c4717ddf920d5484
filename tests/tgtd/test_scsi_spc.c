// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* What all commands have in common, unit attentions, INQUIRY, REQUEST SENSE, and the REPORT commands. */
#include "rig.h"

#define T(f)		cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)
#define T_POWER_ON(f)	cmocka_unit_test_setup_teardown(f, rig_setup_power_on, rig_teardown)

/* A command for another LUN than that of the rig. */
static const struct answer *at_lun(const uint8_t *lun, const uint8_t *cdb, uint8_t cdb_len)
{
	static struct answer answer;
	struct scsi_task task;

	rig_task(&task, rig.a, cdb, cdb_len, 0, 4096);
	memcpy(task.lun, lun, 8);
	assert_int_equal(rig_drive(&task, scsi_begin(&task), NULL), SCSI_RESPOND);
	rig_end(&task, &answer);
	return &answer;
}

#define AT(lun, ...) \
	at_lun(lun, (const uint8_t []){ __VA_ARGS__ }, sizeof((const uint8_t []){ __VA_ARGS__ }))

static const uint8_t no_lun[8] = { 0, 9 }, well_known[8] = { 0xc1, 0x01 };

/* ---- checks of every command ------------------------------------------------------------ */

static void unknown_commands(void **state)
{
	(void)state;
	want_check(NONE(rig.a, 0xff, 0, 0, 0, 0, 0), KEY_ILLEGAL_REQUEST, ASC_INVALID_OPCODE);
	/* RESERVE(6), READ BUFFER */
	want_check(NONE(rig.a, 0x16, 0, 0, 0, 0, 0), KEY_ILLEGAL_REQUEST, ASC_INVALID_OPCODE);
	want_check(NONE(rig.a, 0x3c, 0, 0, 0, 0, 0, 0, 0, 0, 0), KEY_ILLEGAL_REQUEST, ASC_INVALID_OPCODE);
	/* an unknown service action of a known command */
	want_bad_cdb(NONE(rig.a, 0x9e, 0x1f, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), 1, 4);
}

static void reserved_bits(void **state)
{
	(void)state;
	/* NACA, and the leftmost bit of several */
	want_bad_cdb(NONE(rig.a, 0, 0, 0, 0, 0, 0x04), 5, 2);
	want_bad_cdb(NONE(rig.a, 0, 0, 0x30, 0, 0, 0), 2, 5);
	/* WRPROTECT, RDPROTECT: there is no protection information */
	want_bad_cdb(NONE(rig.a, 0x28, 0x20, 0, 0, 0, 0, 0, 0, 1, 0), 1, 5);
	/* a reserved bit above the service action */
	want_bad_cdb(NONE(rig.a, 0x9e, 0x30, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 32, 0, 0), 1, 5);
}

static void short_cdb(void **state)
{
	(void)state;
	want_check(NONE(rig.a, 0x28, 0, 0, 0, 0, 0), KEY_ILLEGAL_REQUEST, ASC_INVALID_FIELD_IN_CDB);
}

static void aca_attribute(void **state)
{
	static struct answer answer;
	struct scsi_task task;

	(void)state;
	rig_task(&task, rig.a, (const uint8_t [6]){ 0 }, 6, 0, 0);
	task.attr = TGT_ATTR_ACA;
	assert_int_equal(scsi_begin(&task), SCSI_RESPOND);
	rig_end(&task, &answer);
	want_check(&answer, KEY_ILLEGAL_REQUEST, ASC_INVALID_MESSAGE);
}

static void no_such_lun(void **state)
{
	const struct answer *answer;

	(void)state;
	want_check(AT(no_lun, 0, 0, 0, 0, 0, 0), KEY_ILLEGAL_REQUEST, ASC_LUN_NOT_SUPPORTED);
	want_check(AT(no_lun, 0xff, 0, 0, 0, 0, 0), KEY_ILLEGAL_REQUEST, ASC_LUN_NOT_SUPPORTED);
	answer = AT(no_lun, 0x12, 0, 0, 0, 96, 0);
	want_good(answer, 96);
	assert_int_equal(answer->in[0], 0x7f);
	answer = AT(no_lun, 0x03, 0, 0, 0, 18, 0);
	want_good(answer, 18);
	assert_int_equal(answer->in[2], KEY_ILLEGAL_REQUEST);
	assert_int_equal(answer->in[12], 0x25);
	answer = AT(no_lun, 0xa0, 0, 0, 0, 0, 0, 0, 0, 0, 64, 0, 0);
	want_good(answer, 16);
	assert_int_equal(answer->in[9], RIG_LUN);
}

static void well_known_lun(void **state)
{
	const struct answer *answer;

	(void)state;
	want_good(AT(well_known, 0, 0, 0, 0, 0, 0), 0);
	answer = AT(well_known, 0x12, 0, 0, 0, 96, 0);
	want_good(answer, 96);
	assert_int_equal(answer->in[0], 0x1e);
	answer = AT(well_known, 0x03, 0, 0, 0, 18, 0);
	assert_int_equal(answer->in[2], KEY_NO_SENSE);
	want_good(AT(well_known, 0xa0, 0, 0, 0, 0, 0, 0, 0, 0, 64, 0, 0), 16);
	want_check(AT(well_known, 0x25, 0, 0, 0, 0, 0, 0, 0, 0, 0), KEY_ILLEGAL_REQUEST, ASC_INVALID_OPCODE);
}

static void lun_addressing(void **state)
{
	static const struct {
		uint8_t	lun[8];
		bool	found;
	} rows[] = {
		{ { 0, RIG_LUN }, true },
		{ { 0x40, RIG_LUN }, true },
		{ { 0x41, RIG_LUN }, false },
		{ { 0x80, RIG_LUN }, false },
		{ { 0x01, RIG_LUN }, false },
		{ { 0, RIG_LUN, 0, 1 }, false },
		{ { 0, RIG_LUN + 1 }, false },
	};
	unsigned int i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(scsi_lu_find(rig.target, rows[i].lun) == rig.lu, rows[i].found);
}

/* ---- unit attentions -------------------------------------------------------------------- */

static void power_on_first(void **state)
{
	(void)state;
	/* INQUIRY and REPORT LUNS leave it in place. */
	want_good(IN(rig.a, 96, 0x12, 0, 0, 0, 96, 0), 96);
	want_good(IN(rig.a, 64, 0xa0, 0, 0, 0, 0, 0, 0, 0, 0, 64, 0, 0), 16);
	want_attention(rig.a, ASC_POWER_ON_OR_RESET);
	want_attention(rig.a, 0);
	want_attention(rig.b, ASC_POWER_ON_OR_RESET);
}

static void attention_order(void **state)
{
	(void)state;
	scsi_lu_reset(rig.lu);
	scsi_lu_resize(rig.lu, RIG_SIZE / 2);
	scsi_lu_resize(rig.lu, RIG_SIZE);
	scsi_commands_cleared(rig.lu, rig.a);
	want_attention(rig.a, ASC_BUS_DEVICE_RESET);
	want_attention(rig.a, ASC_CAPACITY_CHANGED);
	want_attention(rig.a, ASC_COMMANDS_CLEARED);
	want_attention(rig.a, 0);
	want_attention(rig.b, ASC_BUS_DEVICE_RESET);
	want_attention(rig.b, ASC_CAPACITY_CHANGED);
	want_attention(rig.b, 0);
}

/* One that there is no room for, and power on itself, replace the others. */
static void attention_overflow(void **state)
{
	uint16_t asc;

	(void)state;
	for (asc = 1; asc <= SCSI_MAX_UA; asc++)
		scsi_ua_add(rig.a, RIG_LUN, asc);
	scsi_ua_add(rig.a, RIG_LUN, 1);
	want_attention(rig.a, 1);
	scsi_ua_add(rig.a, RIG_LUN, 5);
	scsi_ua_add(rig.a, RIG_LUN, 6);
	want_attention(rig.a, ASC_POWER_ON_OR_RESET);
	want_attention(rig.a, 0);
}

static void request_sense(void **state)
{
	const struct answer *answer;

	(void)state;
	scsi_lu_reset(rig.lu);
	/* Nobody would see it. */
	want_good(IN(rig.a, 0, 0x03, 0, 0, 0, 18, 0), 18);
	answer = IN(rig.a, 18, 0x03, 0, 0, 0, 18, 0);
	want_good(answer, 18);
	assert_int_equal(answer->in[0], 0x70);
	assert_int_equal(answer->in[2], KEY_UNIT_ATTENTION);
	assert_int_equal(scsi_get_be(answer->in + 12, 2), ASC_BUS_DEVICE_RESET);
	answer = IN(rig.a, 18, 0x03, 0x01, 0, 0, 18, 0);
	want_good(answer, 8);
	assert_int_equal(answer->in[0], 0x72);
	assert_int_equal(answer->in[1], KEY_NO_SENSE);
	want_attention(rig.a, 0);
}

static void luns_changed(void **state)
{
	static const struct scsi_lu_ops none;
	struct scsi_lu *lu;

	(void)state;
	lu = scsi_target_add(rig.target, 7, &rig_config, &none, NULL);
	assert_non_null(lu);
	assert_null(scsi_target_add(rig.target, 7, &rig_config, &none, NULL));
	want_attention(rig.a, ASC_REPORTED_LUNS_CHANGED);
	/* REPORT LUNS is all that is needed. */
	want_good(IN(rig.b, 64, 0xa0, 0, 0, 0, 0, 0, 0, 0, 0, 64, 0, 0), 24);
	want_attention(rig.b, 0);
	assert_int_equal(scsi_ua_take(rig.a, 7), ASC_POWER_ON_OR_RESET);
	scsi_target_remove(rig.target, lu);
	scsi_lu_free(lu);
	want_attention(rig.b, ASC_REPORTED_LUNS_CHANGED);
}

static void bad_config(void **state)
{
	static const struct scsi_lu_ops none;
	struct scsi_lu_config config = rig_config;

	(void)state;
	assert_null(scsi_target_add(rig.target, SCSI_MAX_LUNS, &config, &none, NULL));
	config.block_size = 1024;
	assert_null(scsi_target_add(rig.target, 1, &config, &none, NULL));
	config = rig_config;
	config.size++;
	assert_null(scsi_target_add(rig.target, 1, &config, &none, NULL));
	config = rig_config;
	config.max_xfer = 4096;
	assert_null(scsi_target_add(rig.target, 1, &config, &none, NULL));
}

/* ---- INQUIRY ------------------------------------------------------------------------------ */

static void inquiry_standard(void **state)
{
	const struct answer *answer = IN(rig.a, 255, 0x12, 0, 0, 0, 255, 0);

	(void)state;
	want_good(answer, 96);
	assert_int_equal(answer->in_len, 96);
	assert_memory_equal(answer->in, "\0\x80\x06\x12\x5b\x10\x10\x02" "VENDOR  PRODUCT         1.0 ", 36);
	/* the lesser of allocation length and room */
	answer = IN(rig.a, 255, 0x12, 0, 0, 0, 5, 0);
	want_good(answer, 5);
	assert_int_equal(answer->in_len, 5);
	answer = IN(rig.a, 7, 0x12, 0, 0, 0, 36, 0);
	want_good(answer, 36);
	assert_int_equal(answer->in_len, 7);
	want_good(IN(rig.a, 7, 0x12, 0, 0, 0, 0, 0), 0);
	/* a page without EVPD, and one that there is not */
	want_bad_cdb(IN(rig.a, 255, 0x12, 0, 0x80, 0, 255, 0), 2, 7);
	want_bad_cdb(IN(rig.a, 255, 0x12, 1, 0xc0, 0, 255, 0), 2, 7);
}

static void inquiry_pages(void **state)
{
	const struct answer *answer = IN(rig.a, 255, 0x12, 1, 0, 0, 255, 0);

	(void)state;
	want_good(answer, 10);
	assert_memory_equal(answer->in, "\0\0\0\x06\0\x80\x83\xb0\xb1\xb2", 10);
	answer = IN(rig.a, 255, 0x12, 1, 0x80, 0, 255, 0);
	want_good(answer, 12);
	assert_memory_equal(answer->in, "\0\x80\0\x08serial-1", 12);
	answer = IN(rig.a, 255, 0x12, 1, 0xb1, 0, 255, 0);
	want_good(answer, 64);
}

static void inquiry_names(void **state)
{
	const struct answer *answer = IN(rig.c, 255, 0x12, 1, 0x83, 0, 255, 0);
	const uint8_t *p = answer->in + 4;

	(void)state;
	want_good(answer, 4 + 36 + 12 + 8 + 8 + 44);
	assert_int_equal(answer->in[3], answer->produced - 4);
	assert_memory_equal(p, "\x02\x01\0\x20VENDOR  PRODUCT         serial-1", 36);
	/* NAA; the value must stay what it is for ever */
	assert_memory_equal(p + 36, "\x01\x03\0\x08", 4);
	assert_int_equal(p[40] >> 4, 3);
	assert_int_equal(scsi_get_be(p + 40, 8), 3ULL << 60 | scsi_hash("serial-1", 8) >> 4);
	assert_memory_equal(p + 48, "\x41\x94\0\4\0\0\0\2" "\x41\x95\0\4\0\0\0\1", 16);
	assert_memory_equal(p + 64, "\x43\x98\0\x28" "eui.10000000000000000000000000000002", 40);
	assert_int_equal(scsi_hash("", 0), 0xcbf29ce484222325);
	assert_int_equal(scsi_hash("a", 1), 0xaf63dc4c8601ec8c);
}

static void inquiry_limits(void **state)
{
	struct scsi_lu_config config = rig_config;
	const struct answer *answer = IN(rig.a, 255, 0x12, 1, 0xb0, 0, 255, 0);

	(void)state;
	want_good(answer, 64);
	assert_memory_equal(answer->in, "\0\xb0\0\x3c\x01\x40\0\x08\0\0\0\x80\0\0\0\x40\0\0\0\0\0\x80\0\0\0\0\1\0"
			    "\0\0\0\x08\x80\0\0\0\0\0\0\0\0\x80\0\0", 44);
	answer = IN(rig.a, 255, 0x12, 1, 0xb2, 0, 255, 0);
	want_good(answer, 8);
	assert_memory_equal(answer->in, "\0\xb2\0\4\0\xe4\2\0", 8);
	config.thin = false;
	rig_replace(&config);
	answer = IN(rig.a, 255, 0x12, 1, 0xb2, 0, 255, 0);
	assert_memory_equal(answer->in, "\0\xb2\0\4\0\0\0\0", 8);
	answer = IN(rig.a, 255, 0x12, 1, 0xb0, 0, 255, 0);
	assert_int_equal(scsi_get_be(answer->in + 20, 8), 0);
}

/* ---- REPORT commands --------------------------------------------------------------------------- */

static void report_luns(void **state)
{
	const struct answer *answer;

	(void)state;
	answer = IN(rig.a, 64, 0xa0, 0, 1, 0, 0, 0, 0, 0, 0, 64, 0, 0);
	want_good(answer, 16);
	assert_memory_equal(answer->in, "\0\0\0\x08\0\0\0\0\xc1\1\0\0\0\0\0\0", 16);
	answer = IN(rig.a, 64, 0xa0, 0, 2, 0, 0, 0, 0, 0, 0, 64, 0, 0);
	want_good(answer, 24);
	assert_int_equal(answer->in[17], RIG_LUN);
	want_bad_cdb(IN(rig.a, 64, 0xa0, 0, 3, 0, 0, 0, 0, 0, 0, 64, 0, 0), 2, 7);
	want_bad_cdb(IN(rig.a, 64, 0xa0, 0, 0, 0, 0, 0, 0, 0, 0, 15, 0, 0), 6, 8);
}

/* What it says is what the table does. */
static void report_all_commands(void **state)
{
	const struct answer *answer = IN(rig.a, 65536, 0xa3, 0x0c, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0);
	unsigned int i;

	(void)state;
	want_good(answer, 4 + 8 * scsi_nr_ops);
	assert_int_equal(scsi_get_be(answer->in, 4), 8 * scsi_nr_ops);
	for (i = 0; i < scsi_nr_ops; i++) {
		const uint8_t *p = answer->in + 4 + 8 * i;
		const struct scsi_op *op = &scsi_ops[i];

		assert_int_equal(p[0], op->opcode);
		assert_int_equal(p[5], op->sa >= 0);
		assert_int_equal(scsi_get_be(p + 2, 2), op->sa < 0 ? 0 : op->sa);
		assert_int_equal(scsi_get_be(p + 6, 2), op->len);
	}
	answer = IN(rig.a, 65536, 0xa3, 0x0c, 0x80, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0);
	want_good(answer, 4 + 20 * scsi_nr_ops);
	assert_int_equal(answer->in[4 + 5] & 0x02, 0x02);
}

static void table_is_sound(void **state)
{
	unsigned int i, b;

	(void)state;
	for (i = 0; i < scsi_nr_ops; i++) {
		const struct scsi_op *op = &scsi_ops[i];
		bool known;

		if (i)
			assert_true(op[-1].opcode < op->opcode || (op[-1].opcode == op->opcode && op[-1].sa < op->sa));
		assert_ptr_equal(scsi_op_find(rig.lu, op->opcode, op->sa, &known), op);
		assert_int_equal(!!op->fill + !!op->list + !!op->begin, 1);
		assert_true(op->usage[0] == op->opcode || !op->opcode);
		assert_int_equal(op->usage[op->len - 1], 0);
		assert_true(op->len == 6 || op->len == 10 || op->len == 12 || op->len == 16);
		for (b = 0; b < op->len_size; b++)
			assert_int_equal(op->usage[op->len_off + b], 0xff);
		for (b = op->len; b < sizeof(op->usage); b++)
			assert_int_equal(op->usage[b], 0);
	}
}

static const struct answer *one_command(uint8_t options, uint8_t opcode, uint8_t sa)
{
	return IN(rig.a, 64, 0xa3, 0x0c, options, opcode, 0, sa, 0, 0, 0, 64, 0, 0);
}

static void report_one_command(void **state)
{
	struct scsi_lu_config config = rig_config;
	const struct answer *answer;

	(void)state;
	answer = one_command(1, 0x28, 0);
	want_good(answer, 14);
	assert_memory_equal(answer->in, "\0\3\0\x0a\x28\x18\xff\xff\xff\xff\0\xff\xff\0", 14);
	answer = one_command(0x81, 0x28, 0);
	want_good(answer, 26);
	assert_int_equal(answer->in[1], 0x83);
	answer = one_command(2, 0x9e, 0x10);
	want_good(answer, 20);
	assert_int_equal(answer->in[5], 0x10);
	/* those that there are not */
	answer = one_command(1, 0xff, 0);
	want_good(answer, 4);
	assert_int_equal(answer->in[1], 1);
	answer = one_command(2, 0x9e, 0x11);
	want_good(answer, 4);
	assert_int_equal(answer->in[1], 1);
	want_good(one_command(3, 0x28, 0), 14);
	want_good(one_command(3, 0x28, 1), 4);
	want_good(one_command(3, 0x9e, 0x10), 20);
	want_bad_cdb(one_command(1, 0x9e, 0x10), 2, 2);
	want_bad_cdb(one_command(2, 0x28, 0), 2, 2);
	want_bad_cdb(one_command(4, 0x28, 0), 2, 2);
	config.thin = false;
	config.removable = false;
	rig_replace(&config);
	want_good(one_command(1, 0x42, 0), 4);
	want_good(one_command(1, 0x1e, 0), 4);
	want_check(NONE(rig.a, 0x42, 0, 0, 0, 0, 0, 0, 0, 0, 0), KEY_ILLEGAL_REQUEST, ASC_INVALID_OPCODE);
}

static void report_functions(void **state)
{
	const struct answer *answer = IN(rig.a, 64, 0xa3, 0x0d, 0, 0, 0, 0, 0, 0, 0, 64, 0, 0);

	(void)state;
	want_good(answer, 4);
	assert_memory_equal(answer->in, "\xd8\0\0\0", 4);
	want_good(IN(rig.a, 64, 0xa3, 0x0d, 0x80, 0, 0, 0, 0, 0, 0, 64, 0, 0), 16);
}

static void report_groups(void **state)
{
	const struct answer *answer = IN(rig.a, 64, 0xa3, 0x0a, 0, 0, 0, 0, 0, 0, 0, 64, 0, 0);

	(void)state;
	want_good(answer, 20);
	assert_memory_equal(answer->in, "\0\0\0\x10" "\0\1\0\1\0\0\0\2" "\0\0\0\2" "\0\0\0\1", 20);
	answer = IN(rig.a, 64, 0xa3, 0x2a, 0, 0, 0, 0, 0, 0, 0, 64, 0, 0);
	want_good(answer, 24);
	assert_memory_equal(answer->in, "\0\0\0\x14\x10\0\0\0" "\0\1\0\1", 12);
	want_bad_cdb(IN(rig.a, 64, 0xa3, 0x4a, 0, 0, 0, 0, 0, 0, 0, 64, 0, 0), 1, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(unknown_commands), T(reserved_bits), T(short_cdb), T(aca_attribute), T(no_such_lun),
		T(well_known_lun), T(lun_addressing), T_POWER_ON(power_on_first), T(attention_order),
		T(attention_overflow), T(request_sense), T(luns_changed), T(bad_config), T(inquiry_standard),
		T(inquiry_pages), T(inquiry_names), T(inquiry_limits), T(report_luns), T(report_all_commands),
		T(table_is_sound), T(report_one_command), T(report_functions), T(report_groups),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
