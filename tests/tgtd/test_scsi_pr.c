// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Persistent reservations. Nexuses a and c are one initiator at two ports, b is another one. */
#include <errno.h>
#include "rig.h"

#define T(f)		cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)

#define APTPL		0x01
#define ALL_TG_PT	0x04
#define SPEC_I_PT	0x08

#define KEY_A		0xa1a2a3a4a5a6a7a8ULL
#define KEY_B		0xb1b2b3b4b5b6b7b8ULL

enum {
	REGISTER, RESERVE, RELEASE, CLEAR, PREEMPT, PREEMPT_AND_ABORT, REGISTER_AND_IGNORE,
};

static void put_be64(uint8_t *p, uint64_t v)
{
	int i;

	for (i = 7; i >= 0; i--, v >>= 8)
		p[i] = v;
}

static const struct answer *pr_out(struct scsi_nexus *nexus, uint8_t action, uint8_t type, uint64_t key,
				   uint64_t sa_key, uint8_t bits)
{
	uint8_t list[24] = { [20] = bits };

	put_be64(list, key);
	put_be64(list + 8, sa_key);
	return OUT(nexus, list, 24, 0x5f, action, type, 0, 0, 0, 0, 0, 24, 0);
}

static void do_register(struct scsi_nexus *nexus, uint64_t key)
{
	want_good(pr_out(nexus, REGISTER, 0, 0, key, 0), 24);
}

static void reserve(struct scsi_nexus *nexus, uint8_t type, uint64_t key)
{
	want_good(pr_out(nexus, RESERVE, type, key, 0, 0), 24);
}

static const struct answer *pr_in(uint8_t action)
{
	return IN(rig.b, 65535, 0x5e, action, 0, 0, 0, 0, 0, 0xff, 0xff, 0);
}

static unsigned int nr_keys(void)
{
	return scsi_get_be(pr_in(0)->in + 4, 4) / 8;
}

static uint32_t generation(void)
{
	return scsi_get_be(pr_in(0)->in, 4);
}

/* Type of the reservation; 0: there is none */
static uint8_t reserved(void)
{
	const struct answer *answer = pr_in(1);

	return answer->in_len == 24 ? answer->in[21] : 0;
}

/* ---- conflicts ------------------------------------------------------------------------------ */

enum who { HOLDER, REGISTERED, STRANGER };

/* What is allowed: to those registered with RO and AR types; to others with Write Exclusive, Exclusive Access. */
static const struct {
	const char	*name;
	uint8_t		cdb[16];
	uint8_t		len;
	bool		we, ea;
} commands[] = {
	{ "TEST UNIT READY", { 0x00 }, 6, true, true },
	{ "REQUEST SENSE", { 0x03, [4] = 18 }, 6, true, true },
	{ "READ(6)", { 0x08, [4] = 1 }, 6, true, false },
	{ "WRITE(6)", { 0x0a, [4] = 1 }, 6, false, false },
	{ "INQUIRY", { 0x12, [4] = 96 }, 6, true, true },
	{ "MODE SELECT(6)", { 0x15, 0x10 }, 6, false, false },
	{ "MODE SENSE(6)", { 0x1a, 0, 0x3f, 0, 255 }, 6, true, false },
	{ "START STOP UNIT, start", { 0x1b, [4] = 1 }, 6, true, true },
	{ "START STOP UNIT, stop", { 0x1b }, 6, false, false },
	{ "PREVENT", { 0x1e, [4] = 1 }, 6, false, false },
	{ "ALLOW", { 0x1e }, 6, true, true },
	{ "READ CAPACITY(10)", { 0x25 }, 10, true, true },
	{ "READ(10)", { 0x28, [8] = 1 }, 10, true, false },
	{ "WRITE(10)", { 0x2a, [8] = 1 }, 10, false, false },
	{ "WRITE AND VERIFY(10)", { 0x2e, [8] = 1 }, 10, false, false },
	{ "VERIFY(10)", { 0x2f, [8] = 1 }, 10, true, false },
	{ "SYNCHRONIZE CACHE(10)", { 0x35 }, 10, false, false },
	{ "WRITE SAME(10)", { 0x41, [8] = 1 }, 10, false, false },
	{ "UNMAP", { 0x42 }, 10, false, false },
	{ "MODE SELECT(10)", { 0x55, 0x10 }, 10, false, false },
	{ "MODE SENSE(10)", { 0x5a, 0, 0x3f, [8] = 255 }, 10, true, false },
	{ "READ KEYS", { 0x5e, [8] = 255 }, 10, true, true },
	{ "READ(16)", { 0x88, [13] = 1 }, 16, true, false },
	{ "COMPARE AND WRITE", { 0x89, [13] = 1 }, 16, false, false },
	{ "WRITE(16)", { 0x8a, [13] = 1 }, 16, false, false },
	{ "WRITE AND VERIFY(16)", { 0x8e, [13] = 1 }, 16, false, false },
	{ "VERIFY(16)", { 0x8f, [13] = 1 }, 16, true, false },
	{ "SYNCHRONIZE CACHE(16)", { 0x91 }, 16, false, false },
	{ "WRITE SAME(16)", { 0x93, 0x01, [13] = 1 }, 16, false, false },
	{ "READ CAPACITY(16)", { 0x9e, 0x10, [13] = 32 }, 16, true, true },
	{ "REPORT LUNS", { 0xa0, [9] = 64 }, 12, true, true },
	{ "REPORT TARGET PORT GROUPS", { 0xa3, 0x0a, [9] = 64 }, 12, true, true },
	{ "REPORT SUPPORTED OPERATION CODES", { 0xa3, 0x0c, [9] = 64 }, 12, true, false },
	{ "REPORT SUPPORTED TASK MANAGEMENT FUNCTIONS", { 0xa3, 0x0d, [9] = 64 }, 12, true, false },
	{ "READ(12)", { 0xa8, [9] = 1 }, 12, true, false },
	{ "WRITE(12)", { 0xaa, [9] = 1 }, 12, false, false },
	{ "WRITE AND VERIFY(12)", { 0xae, [9] = 1 }, 12, false, false },
	{ "VERIFY(12)", { 0xaf, [9] = 1 }, 12, true, false },
};

static void check_conflict(unsigned int row, uint8_t type, enum who who)
{
	static const uint8_t zeros[1024];
	struct scsi_nexus *nexus = who == HOLDER ? rig.a : who == REGISTERED ? rig.c : rig.b;
	bool we = type == 1 || type == 5 || type == 7;
	bool want = who == HOLDER || (who == REGISTERED && type >= 5) || (we ? commands[row].we : commands[row].ea);
	const struct answer *answer;

	memset(rig.medium, 0, sizeof(rig.medium));
	answer = rig_exec(nexus, commands[row].cdb, commands[row].len, zeros, sizeof(zeros), 4096);
	if (answer->status != (want ? SCSI_GOOD : SCSI_RESERVATION_CONFLICT))
		fail_msg("%s, type %u, who %u: status %02xh, sense %xh/%04xh", commands[row].name, type, who,
			 answer->status, answer->key, answer->asc);
}

static void conflicts(void **state)
{
	static const uint8_t types[] = { 1, 3, 5, 6, 7, 8 };
	unsigned int i, row;
	enum who who;

	(void)state;
	do_register(rig.a, KEY_A);
	do_register(rig.c, KEY_A);
	for (i = 0; i < ARRAY_LEN(types); i++) {
		reserve(rig.a, types[i], KEY_A);
		for (row = 0; row < ARRAY_LEN(commands); row++)
			for (who = HOLDER; who <= STRANGER; who++)
				check_conflict(row, types[i], who);
		want_good(pr_out(rig.a, RELEASE, types[i], KEY_A, 0, 0), 24);
		rig_clear_attentions();
	}
	/* Nothing is in the way of anybody now. */
	check_conflict(3, 0, HOLDER);
	want_good(IN(rig.b, 512, 0x28, 0, 0, 0, 0, 0, 0, 0, 1, 0), 512);
}

/* The table above has all commands that there are. */
static void conflicts_complete(void **state)
{
	unsigned int i, row;

	(void)state;
	for (i = 0; i < scsi_nr_ops; i++) {
		for (row = 0; row < ARRAY_LEN(commands) && commands[row].cdb[0] != scsi_ops[i].opcode; row++)
			;
		if (row == ARRAY_LEN(commands) && scsi_ops[i].opcode != 0x5f)
			fail_msg("%02xh", scsi_ops[i].opcode);
	}
}

/* ---- REGISTER ----------------------------------------------------------------------------------- */

static void registering(void **state)
{
	(void)state;
	/* not registered */
	want_status(pr_out(rig.a, REGISTER, 0, 1, KEY_A, 0), SCSI_RESERVATION_CONFLICT);
	want_good(pr_out(rig.a, REGISTER, 0, 0, 0, 0), 24);
	assert_int_equal(nr_keys(), 0);
	do_register(rig.a, KEY_A);
	assert_int_equal(nr_keys(), 1);
	/* registered */
	want_status(pr_out(rig.a, REGISTER, 0, 0, 5, 0), SCSI_RESERVATION_CONFLICT);
	want_good(pr_out(rig.a, REGISTER, 0, KEY_A, KEY_B, 0), 24);
	assert_true(scsi_get_be(pr_in(0)->in + 8, 8) == KEY_B);
	want_good(pr_out(rig.a, REGISTER_AND_IGNORE, 0, 99, KEY_A, 0), 24);
	assert_true(scsi_get_be(pr_in(0)->in + 8, 8) == KEY_A);
	want_good(pr_out(rig.b, REGISTER_AND_IGNORE, 0, 99, KEY_B, 0), 24);
	assert_int_equal(nr_keys(), 2);
	want_good(pr_out(rig.a, REGISTER, 0, KEY_A, 0, 0), 24);
	want_good(pr_out(rig.b, REGISTER_AND_IGNORE, 0, 0, 0, 0), 24);
	assert_int_equal(nr_keys(), 0);
	assert_int_equal(generation(), 7);
}

static void list_errors(void **state)
{
	uint8_t list[32] = { [15] = 1 };

	(void)state;
	want_check(NONE(rig.a, 0x5f, 0, 0, 0, 0, 0, 0, 0, 0, 0), KEY_ILLEGAL_REQUEST, ASC_LIST_LENGTH_ERROR);
	want_check(OUT(rig.a, list, 32, 0x5f, 0, 0, 0, 0, 0, 0, 0, 23, 0), KEY_ILLEGAL_REQUEST,
		   ASC_LIST_LENGTH_ERROR);
	want_check(OUT(rig.a, list, 32, 0x5f, 0, 0, 0, 0, 0, 0, 0, 25, 0), KEY_ILLEGAL_REQUEST,
		   ASC_LIST_LENGTH_ERROR);
	want_check(OUT(rig.a, list, 23, 0x5f, 0, 0, 0, 0, 0, 0, 0, 24, 0), KEY_ILLEGAL_REQUEST,
		   ASC_INVALID_FIELD_IN_IU);
	want_bad_cdb(pr_out(rig.a, 7, 0, 0, 0, 0), 1, 4);
	do_register(rig.a, KEY_A);
	want_bad_cdb(pr_out(rig.a, RESERVE, 0x11, KEY_A, 0, 0), 2, 7);
	want_bad_cdb(pr_out(rig.a, RESERVE, 2, KEY_A, 0, 0), 2, 3);
	want_bad_cdb(pr_out(rig.a, PREEMPT, 9, KEY_A, 0, 0), 2, 3);
}

static void all_ports(void **state)
{
	static const uint8_t port3[16] = { 0x10, [15] = 3 };
	struct scsi_nexus *late;

	(void)state;
	want_good(pr_out(rig.a, REGISTER, 0, 0, KEY_A, ALL_TG_PT), 24);
	assert_int_equal(nr_keys(), 2);
	/* the other port knows it, and so does one that appears later */
	reserve(rig.c, 3, KEY_A);
	want_status(IN(rig.a, 512, 0x28, 0, 0, 0, 0, 0, 0, 0, 1, 0), SCSI_RESERVATION_CONFLICT);
	late = scsi_nexus_new(rig.target, rig.a->i_port, port3);
	assert_int_equal(nr_keys(), 3);
	scsi_nexus_free(late);
	assert_int_equal(nr_keys(), 3);
	want_good(pr_out(rig.a, REGISTER, 0, KEY_A, 0, ALL_TG_PT), 24);
	assert_int_equal(nr_keys(), 0);
	assert_int_equal(reserved(), 0);
}

static void named_initiators(void **state)
{
	uint8_t list[24 + 4 + 48] = { [20] = SPEC_I_PT, [27] = 48, [28] = 4, [52] = 4 };

	(void)state;
	put_be64(list + 8, KEY_A);
	memcpy(list + 36, rig.b->i_port, 16);
	memset(list + 60, 0xcc, 16);
	want_good(OUT(rig.a, list, 76, 0x5f, 0, 0, 0, 0, 0, 0, 0, 76, 0), 76);
	assert_int_equal(nr_keys(), 3);
	want_good(pr_out(rig.b, RESERVE, 1, KEY_A, 0, 0), 24);
	/* registered already; not for REGISTER AND IGNORE EXISTING KEY */
	want_bad_list(OUT(rig.a, list, 76, 0x5f, 0, 0, 0, 0, 0, 0, 0, 76, 0), 20, 3);
	want_bad_list(OUT(rig.c, list, 76, 0x5f, 6, 0, 0, 0, 0, 0, 0, 76, 0), 20, 3);
	/* nothing is done if one of them is not possible */
	memcpy(list + 36, rig.a->i_port, 16);
	list[36]++;
	list[52] = 5;
	want_bad_list(OUT(rig.c, list, 76, 0x5f, 0, 0, 0, 0, 0, 0, 0, 76, 0), 52, 8);
	want_check(OUT(rig.c, list, 76, 0x5f, 0, 0, 0, 0, 0, 0, 0, 75, 0), KEY_ILLEGAL_REQUEST,
		   ASC_LIST_LENGTH_ERROR);
	want_check(OUT(rig.c, list, 76, 0x5f, 0, 0, 0, 0, 0, 0, 0, 27, 0), KEY_ILLEGAL_REQUEST,
		   ASC_LIST_LENGTH_ERROR);
	assert_int_equal(nr_keys(), 3);
}

static void too_many(void **state)
{
	static uint8_t list[24 + 4 + 300 * 24];
	unsigned int i, round;

	(void)state;
	list[20] = SPEC_I_PT | ALL_TG_PT;
	list[26] = 300 * 24 >> 8;
	list[27] = 300 * 24 & 0xff;
	put_be64(list + 8, KEY_A);
	for (round = 0; round < 2; round++) {
		for (i = 0; i < 300; i++) {
			list[28 + 24 * i] = 4;
			list[28 + 24 * i + 8] = round + 1;
			list[28 + 24 * i + 22] = i >> 8;
			list[28 + 24 * i + 23] = i;
		}
		if (!round)
			want_good(OUT(rig.a, list, sizeof(list), 0x5f, 0, 0, 0, 0, 0, 0, sizeof(list) >> 8,
				      sizeof(list) & 0xff, 0), sizeof(list));
		else
			want_check(OUT(rig.b, list, sizeof(list), 0x5f, 0, 0, 0, 0, 0, 0, sizeof(list) >> 8,
				       sizeof(list) & 0xff, 0), KEY_ILLEGAL_REQUEST, ASC_NO_REGISTRATION_RESOURCES);
		assert_int_equal(nr_keys(), 602);
	}
	want_good(pr_in(3), 8 + 602 * 48);
}

/* ---- RESERVE, RELEASE, CLEAR ------------------------------------------------------------------------ */

static void reserving(void **state)
{
	(void)state;
	want_status(pr_out(rig.a, RESERVE, 1, KEY_A, 0, 0), SCSI_RESERVATION_CONFLICT);
	do_register(rig.a, KEY_A);
	do_register(rig.b, KEY_B);
	want_status(pr_out(rig.a, RESERVE, 1, KEY_B, 0, 0), SCSI_RESERVATION_CONFLICT);
	reserve(rig.a, 1, KEY_A);
	reserve(rig.a, 1, KEY_A);
	want_status(pr_out(rig.a, RESERVE, 3, KEY_A, 0, 0), SCSI_RESERVATION_CONFLICT);
	want_status(pr_out(rig.b, RESERVE, 1, KEY_B, 0, 0), SCSI_RESERVATION_CONFLICT);
	want_check(pr_out(rig.a, RELEASE, 3, KEY_A, 0, 0), KEY_ILLEGAL_REQUEST, ASC_INVALID_RELEASE);
	/* not the holder: no error, no effect */
	want_good(pr_out(rig.b, RELEASE, 1, KEY_B, 0, 0), 24);
	assert_int_equal(reserved(), 1);
	want_good(pr_out(rig.a, RELEASE, 1, KEY_A, 0, 0), 24);
	assert_int_equal(reserved(), 0);
	want_attention(rig.b, 0);
	assert_int_equal(generation(), 2);
}

static void released_attention(void **state)
{
	uint8_t type;

	(void)state;
	do_register(rig.a, KEY_A);
	do_register(rig.b, KEY_B);
	for (type = 5; type <= 8; type++) {
		reserve(rig.a, type, KEY_A);
		want_good(pr_out(rig.a, RELEASE, type, KEY_A, 0, 0), 24);
		want_attention(rig.b, ASC_RESERVATIONS_RELEASED);
		want_attention(rig.a, 0);
		want_attention(rig.c, 0);
	}
	/* the holder goes */
	reserve(rig.a, 6, KEY_A);
	want_good(pr_out(rig.a, REGISTER, 0, KEY_A, 0, 0), 24);
	want_attention(rig.b, ASC_RESERVATIONS_RELEASED);
	assert_int_equal(reserved(), 0);
}

static void all_registrants(void **state)
{
	(void)state;
	do_register(rig.a, KEY_A);
	do_register(rig.b, KEY_B);
	reserve(rig.a, 8, KEY_A);
	reserve(rig.b, 8, KEY_B);
	assert_true(scsi_get_be(pr_in(1)->in + 8, 8) == 0);
	want_good(pr_out(rig.a, REGISTER, 0, KEY_A, 0, 0), 24);
	assert_int_equal(reserved(), 8);
	want_good(pr_out(rig.b, REGISTER, 0, KEY_B, 0, 0), 24);
	assert_int_equal(reserved(), 0);
}

static void clearing(void **state)
{
	(void)state;
	do_register(rig.a, KEY_A);
	do_register(rig.b, KEY_B);
	reserve(rig.a, 3, KEY_A);
	want_status(pr_out(rig.b, CLEAR, 0, KEY_A, 0, 0), SCSI_RESERVATION_CONFLICT);
	want_good(pr_out(rig.b, CLEAR, 0, KEY_B, 0, 0), 24);
	assert_int_equal(nr_keys(), 0);
	assert_int_equal(reserved(), 0);
	want_attention(rig.a, ASC_RESERVATIONS_PREEMPTED);
	want_attention(rig.c, 0);
	assert_int_equal(generation(), 3);
}

/* ---- PREEMPT ------------------------------------------------------------------------------------------- */

static void preempt_holder(void **state)
{
	(void)state;
	do_register(rig.a, KEY_A);
	do_register(rig.b, KEY_B);
	do_register(rig.c, KEY_A);
	reserve(rig.a, 5, KEY_A);
	want_good(pr_out(rig.b, PREEMPT, 6, KEY_B, KEY_A, 0), 24);
	assert_int_equal(reserved(), 6);
	assert_int_equal(nr_keys(), 1);
	assert_true(scsi_get_be(pr_in(1)->in + 8, 8) == KEY_B);
	want_attention(rig.a, ASC_REGISTRATIONS_PREEMPTED);
	want_attention(rig.c, ASC_REGISTRATIONS_PREEMPTED);
	want_attention(rig.b, 0);
	assert_int_equal(generation(), 4);
}

/* Others that stay are told if the type is another one. */
static void preempt_type(void **state)
{
	(void)state;
	do_register(rig.a, KEY_A);
	do_register(rig.b, KEY_B);
	do_register(rig.c, 3);
	reserve(rig.a, 5, KEY_A);
	want_good(pr_out(rig.b, PREEMPT, 5, KEY_B, KEY_A, 0), 24);
	want_attention(rig.c, 0);
	/* oneself, to change the type */
	want_good(pr_out(rig.b, PREEMPT, 3, KEY_B, KEY_B, 0), 24);
	assert_int_equal(reserved(), 3);
	assert_int_equal(nr_keys(), 2);
	want_check(READY(rig.c), KEY_UNIT_ATTENTION, ASC_RESERVATIONS_RELEASED);
}

static void preempt_registration(void **state)
{
	(void)state;
	do_register(rig.a, KEY_A);
	do_register(rig.b, KEY_B);
	do_register(rig.c, 3);
	reserve(rig.a, 1, KEY_A);
	want_good(pr_out(rig.b, PREEMPT, 3, KEY_B, 3, 0), 24);
	assert_int_equal(reserved(), 1);
	assert_int_equal(nr_keys(), 2);
	want_attention(rig.a, 0);
	want_attention(rig.c, ASC_REGISTRATIONS_PREEMPTED);
	want_status(pr_out(rig.b, PREEMPT, 3, KEY_B, 3, 0), SCSI_RESERVATION_CONFLICT);
	want_status(pr_out(rig.c, PREEMPT, 3, 3, KEY_A, 0), SCSI_RESERVATION_CONFLICT);
	want_bad_list(pr_out(rig.b, PREEMPT, 3, KEY_B, 0, 0), 8, 8);
}

static void preempt_all_registrants(void **state)
{
	(void)state;
	do_register(rig.a, KEY_A);
	do_register(rig.b, KEY_B);
	do_register(rig.c, 3);
	reserve(rig.a, 7, KEY_A);
	/* one of them; the reservation stays */
	want_good(pr_out(rig.b, PREEMPT, 3, KEY_B, 3, 0), 24);
	assert_int_equal(reserved(), 7);
	want_attention(rig.c, ASC_REGISTRATIONS_PREEMPTED);
	/* all of them */
	want_good(pr_out(rig.b, PREEMPT, 3, KEY_B, 0, 0), 24);
	assert_int_equal(reserved(), 3);
	assert_int_equal(nr_keys(), 1);
	want_attention(rig.a, ASC_REGISTRATIONS_PREEMPTED);
}

static void preempt_and_abort(void **state)
{
	static struct answer answer;
	struct scsi_task task;
	uint8_t list[24];

	(void)state;
	do_register(rig.a, KEY_A);
	do_register(rig.b, KEY_B);
	do_register(rig.c, KEY_A);
	reserve(rig.a, 1, KEY_A);
	memset(list, 0, sizeof(list));
	put_be64(list, KEY_B);
	put_be64(list + 8, KEY_A);
	rig_task(&task, rig.b, (const uint8_t [10]){ 0x5f, PREEMPT_AND_ABORT, 1, [8] = 24 }, 10, 24, 0);
	assert_int_equal(rig_drive(&task, scsi_begin(&task), list), SCSI_RESPOND);
	assert_true(task.preempts);
	assert_true(scsi_preempted(&task, rig.a));
	assert_true(scsi_preempted(&task, rig.c));
	assert_false(scsi_preempted(&task, rig.b));
	rig_end(&task, &answer);
	want_good(&answer, 24);
	assert_false(scsi_preempted(&task, rig.a));
	/* a failed one aborts nobody */
	rig_task(&task, rig.b, (const uint8_t [10]){ 0x5f, PREEMPT_AND_ABORT, 1, [8] = 24 }, 10, 24, 0);
	assert_int_equal(rig_drive(&task, scsi_begin(&task), list), SCSI_RESPOND);
	assert_false(task.preempts);
	rig_end(&task, &answer);
	want_status(&answer, SCSI_RESERVATION_CONFLICT);
}

/* ---- PERSISTENT RESERVE IN -------------------------------------------------------------------------------- */

static void reading(void **state)
{
	const struct answer *answer;

	(void)state;
	want_good(pr_in(0), 8);
	want_good(pr_in(1), 8);
	want_good(pr_in(3), 8);
	answer = pr_in(2);
	want_good(answer, 8);
	assert_memory_equal(answer->in, "\0\x08\x0d\x80\xea\x01\0\0", 8);
	want_bad_cdb(pr_in(4), 1, 4);
	do_register(rig.a, KEY_A);
	do_register(rig.c, 3);
	reserve(rig.c, 6, 3);
	answer = pr_in(1);
	want_good(answer, 24);
	assert_memory_equal(answer->in, "\0\0\0\2\0\0\0\x10\0\0\0\0\0\0\0\3\0\0\0\0\0\6\0\0", 24);
	answer = pr_in(3);
	want_good(answer, 8 + 2 * 48);
	assert_int_equal(scsi_get_be(answer->in + 4, 4), 96);
	assert_memory_equal(answer->in + 8 + 8, "\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\x18\4\0\0\0\0\0\0\0", 24);
	assert_memory_equal(answer->in + 8 + 32, rig.a->i_port, 16);
	assert_memory_equal(answer->in + 56 + 8, "\0\0\0\0\1\6\0\0\0\0\0\2\0\0\0\x18\4\0\0\0\0\0\0\0", 24);
	/* cut by the allocation length */
	answer = IN(rig.b, 100, 0x5e, 0, 0, 0, 0, 0, 0, 0, 12, 0);
	want_good(answer, 12);
	assert_int_equal(scsi_get_be(answer->in + 4, 4), 16);
}

/* ---- APTPL ---------------------------------------------------------------------------------------------------- */

static void outlives_restart(void **state)
{
	static uint8_t image[65536];
	uint8_t type;
	size_t len;

	for (type = 5; type <= 8; type++) {
		want_good(pr_out(rig.a, REGISTER, 0, 0, KEY_A, APTPL | ALL_TG_PT), 24);
		want_good(pr_out(rig.b, REGISTER, 0, 0, KEY_B, APTPL), 24);
		reserve(rig.a, type, KEY_A);
		assert_int_equal(pr_in(2)->in[3], 0x81);
		memcpy(image, rig.saved, rig.saved_len);
		len = rig.saved_len;

		/* everything else is forgotten */
		rig_teardown(state);
		rig_setup(state);
		assert_int_equal(scsi_lu_load_reservations(rig.lu, image, len), 0);
		assert_int_equal(nr_keys(), 3);
		assert_int_equal(generation(), 0);
		assert_int_equal(reserved(), type);
		want_good(pr_out(rig.a, RELEASE, type, KEY_A, 0, 0), 24);
		assert_int_equal(reserved(), 0);
		rig_clear_attentions();
		want_good(pr_out(rig.a, CLEAR, 0, KEY_A, 0, 0), 24);
		rig_clear_attentions();
	}
}

/* There never is a moment at which a logical unit is seen and its reservation is not; nor a port that it lacks. */
static void publish_reserved(void **state)
{
	static const uint8_t lun[8] = { 0, 7 }, port3[16] = { 0x10, [15] = 3 }, write_6[] = { 0x0a, 0, 0, 0, 1, 0 };
	struct answer answer;
	struct scsi_nexus *late;
	struct scsi_task task;
	struct scsi_lu *lu;

	(void)state;
	want_good(pr_out(rig.a, REGISTER, 0, 0, KEY_A, APTPL | ALL_TG_PT), 24);
	reserve(rig.a, 1, KEY_A);
	lu = scsi_lu_new(rig.target, 7, &rig_config, rig.lu->ops, &rig);
	assert_non_null(lu);
	assert_int_equal(scsi_lu_load_reservations(lu, rig.saved, rig.saved_len), 0);
	assert_int_equal(lu->pr.nr, 2);
	assert_null(scsi_lu_find(rig.target, lun));
	late = scsi_nexus_new(rig.target, rig.a->i_port, port3);
	assert_non_null(late);
	assert_int_equal(lu->pr.nr, 2);

	assert_int_equal(scsi_lu_publish(lu), 0);
	assert_int_equal(lu->pr.nr, 3);
	assert_ptr_equal(scsi_lu_find(rig.target, lun), lu);
	assert_int_equal(scsi_lu_publish(lu), -EEXIST);
	assert_int_equal(scsi_ua_take(rig.b, 7), ASC_POWER_ON_OR_RESET);
	rig_task(&task, rig.b, write_6, sizeof(write_6), RIG_BS, 0);
	memcpy(task.lun, lun, sizeof(lun));
	assert_int_equal(scsi_begin(&task), SCSI_RESPOND);
	rig_end(&task, &answer);
	want_status(&answer, SCSI_RESERVATION_CONFLICT);
	scsi_nexus_free(late);
}

/* Without the bit nothing of it is kept any more. */
static void aptpl_off(void **state)
{
	(void)state;
	do_register(rig.a, KEY_A);
	assert_int_equal(rig.saved_len, 0);
	want_good(pr_out(rig.b, REGISTER, 0, 0, KEY_B, APTPL), 24);
	assert_int_equal(rig.saved_len, 16 + 2 * 48 + 8);
	want_good(pr_out(rig.b, REGISTER, 0, KEY_B, KEY_B, 0), 24);
	assert_int_equal(rig.saved_len, 24);
	assert_int_equal(scsi_lu_load_reservations(rig.lu, rig.saved, rig.saved_len), 0);
	assert_int_equal(nr_keys(), 0);
}

static void save_fails(void **state)
{
	(void)state;
	want_good(pr_out(rig.a, REGISTER, 0, 0, KEY_A, APTPL), 24);
	rig.save_error = -EIO;
	want_check(pr_out(rig.a, RESERVE, 1, KEY_A, 0, 0), KEY_HARDWARE_ERROR, ASC_INTERNAL_TARGET_FAILURE);
	assert_int_equal(reserved(), 0);
	rig.save_error = 0;
	reserve(rig.a, 1, KEY_A);
}

static void cannot_save(void **state)
{
	static const struct scsi_lu_ops none;

	(void)state;
	rig.lu->ops = &none;
	want_bad_list(pr_out(rig.a, REGISTER, 0, 0, KEY_A, APTPL), 20, 0);
	assert_int_equal(pr_in(2)->in[2], 0x0c);
	do_register(rig.a, KEY_A);
}

/* Each byte of it matters, and so does each length. */
static void damaged_image(void **state)
{
	static uint8_t image[512];
	size_t i, len;

	(void)state;
	want_good(pr_out(rig.a, REGISTER, 0, 0, KEY_A, APTPL), 24);
	reserve(rig.a, 1, KEY_A);
	len = rig.saved_len;
	memcpy(image, rig.saved, len);
	want_good(pr_out(rig.a, CLEAR, 0, KEY_A, 0, 0), 24);
	for (i = 0; i < len; i++) {
		assert_int_equal(scsi_lu_load_reservations(rig.lu, image, i), -EINVAL);
		image[i] ^= 0x10;
		assert_int_equal(scsi_lu_load_reservations(rig.lu, image, len), -EINVAL);
		image[i] ^= 0x10;
	}
	assert_int_equal(nr_keys(), 0);
	assert_int_equal(scsi_lu_load_reservations(rig.lu, image, len + 1), -EINVAL);
	assert_int_equal(scsi_lu_load_reservations(rig.lu, image, len), 0);
	assert_int_equal(reserved(), 1);
}

/* A new nexus of the same ports is the one that is registered. */
static void outlives_nexus(void **state)
{
	uint8_t i_port[16], t_port[16];

	(void)state;
	do_register(rig.c, KEY_A);
	reserve(rig.c, 3, KEY_A);
	memcpy(i_port, rig.c->i_port, 16);
	memcpy(t_port, rig.c->port->name, 16);
	scsi_nexus_free(rig.c);
	want_status(IN(rig.b, 512, 0x28, 0, 0, 0, 0, 0, 0, 0, 1, 0), SCSI_RESERVATION_CONFLICT);
	rig.c = scsi_nexus_new(rig.target, i_port, t_port);
	want_attention(rig.c, ASC_POWER_ON_OR_RESET);
	want_good(IN(rig.c, 512, 0x28, 0, 0, 0, 0, 0, 0, 0, 1, 0), 512);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(conflicts), T(conflicts_complete), T(registering), T(list_errors), T(all_ports),
		T(named_initiators), T(too_many), T(reserving), T(released_attention), T(all_registrants),
		T(clearing), T(preempt_holder), T(preempt_type), T(preempt_registration),
		T(preempt_all_registrants), T(preempt_and_abort), T(reading), T(outlives_restart), T(aptpl_off),
		T(preempt_all_registrants), T(preempt_and_abort), T(reading), T(publish_reserved), T(aptpl_off),
		T(save_fails), T(cannot_save), T(damaged_image), T(outlives_nexus),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
