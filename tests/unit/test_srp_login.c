// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* The login half of srp_decode.c: both forms of the request, and what is granted. */
#include "test.h"
#include "iu.h"
#include "srp_proto.h"

#define MAX_IU 8276

struct login_desc {
	u8	opcode;
	u8	flags;
	u16	fmt;
	u16	imm_off;
	u32	iu_len;
};

static const u8 i_port[16] = "initiator port i";
static const u8 t_port[16] = "target port id..";
static const u8 t_port_guid[16] = "target port id.,";
static const u8 t_port_ext[16] = "tArget port id..";
static const u8 t_port_swapped[16] = "ort id..target p";

/* SRP r16a 6.2; reserved bytes are FFh (LOG-11). */
static void build_ib(u8 p[64], const struct login_desc *d)
{
	memset(p, 0xff, 64);
	p[0] = d->opcode;
	memcpy(p + 8, "login tg", 8);
	put32(p + 16, d->iu_len);
	put16(p + 24, d->fmt);
	p[26] = d->flags;
	put16(p + 28, d->imm_off);
	memcpy(p + 32, i_port, 16);
	memcpy(p + 48, t_port, 16);
}

static void build_rdma(u8 p[56], const struct login_desc *d)
{
	memset(p, 0xff, 56);
	memcpy(p, "login tg", 8);
	put16(p + 8, d->fmt);
	p[10] = d->flags;
	p[11] = d->opcode;
	put32(p + 12, d->iu_len);
	memcpy(p + 16, i_port, 16);
	memcpy(p + 32, t_port, 16);
	put16(p + 48, d->imm_off);
}

static bool decode_len(const struct login_desc *d, enum srp_login_form form, u32 len,
		       struct srp_login *login)
{
	struct exact e;
	u8 bytes[64 + 36];
	bool ok;

	memset(bytes, 0, sizeof(bytes));
	if (form == SRP_LOGIN_FORM_IB)
		build_ib(bytes, d);
	else
		build_rdma(bytes, d);
	e = exact_copy(bytes, len);
	ok = srp_decode_login(e.data, len, form, login);
	exact_free(&e);
	return ok;
}

static bool decode(const struct login_desc *d, enum srp_login_form form, struct srp_login *login)
{
	return decode_len(d, form, form == SRP_LOGIN_FORM_IB ? 64 : 56, login);
}

struct login_case {
	const char		*name;
	struct login_desc	d;
	u32			reject;
	u16			imm_off;	/* granted */
};

static const struct login_case login_cases[] = {
	{ "LOG-01 minimal", { .iu_len = 64, .fmt = 0x0002 } },
	{ "LOG-03 Linux defaults", { .iu_len = 8260, .fmt = 6, .flags = 0x80, .imm_off = 68 }, 0, 68 },
	{ "LOG-04 small initiator", { .iu_len = 80, .fmt = 2 } },
	{ "LOG-05 IU length 0", { .iu_len = 0 }, SRP_REJ_NO_REASON },
	{ "LOG-05 IU length 1", { .iu_len = 1 }, SRP_REJ_NO_REASON },
	{ "LOG-05 IU length 63", { .iu_len = 63 }, SRP_REJ_NO_REASON },
	{ "LOG-06 IU length max + 1", { .iu_len = MAX_IU + 1 }, SRP_REJ_IU_TOO_LARGE },
	{ "LOG-06 IU length 7FFFFFFFh", { .iu_len = 0x7fffffff }, SRP_REJ_IU_TOO_LARGE },
	{ "LOG-06 IU length FFFFFFFFh", { .iu_len = 0xffffffff }, SRP_REJ_IU_TOO_LARGE },
	{ "LOG-07 IU length exactly max", { .iu_len = MAX_IU } },
	{ "LOG-08 format 0001h", { .iu_len = 64, .fmt = 0x0001 }, SRP_REJ_DESC_FMT },
	{ "LOG-08 format 0008h", { .iu_len = 64, .fmt = 0x0008 }, SRP_REJ_DESC_FMT },
	{ "LOG-08 format 8006h", { .iu_len = 64, .fmt = 0x8006 }, SRP_REJ_DESC_FMT },
	{ "LOG-08 format FFFFh", { .iu_len = 64, .fmt = 0xffff }, SRP_REJ_DESC_FMT },
	{ "LOG-09 no format", { .iu_len = 64, .fmt = 0 } },
	{ "LOG-12 flags 0Ch", { .iu_len = 64, .flags = 0x0c } },
	{ "LOG-12 flags 70h", { .iu_len = 64, .flags = 0x70 } },
	{ "MCH-02 multi-channel action 01", { .iu_len = 64, .flags = 0x01 } },
	{ "LOG-13 multi-channel action 10", { .iu_len = 64, .flags = 0x02 }, SRP_REJ_NO_REASON },
	{ "LOG-13 multi-channel action 11", { .iu_len = 64, .flags = 0x03 }, SRP_REJ_NO_REASON },
	{ "LOG-15 offset without the flag", { .iu_len = 8260, .imm_off = 68 } },
	{ "LOG-15 offset 4711 without the flag", { .iu_len = 8260, .imm_off = 4711 } },
	{ "LOG-16 offset 0", { .iu_len = 8260, .flags = 0x80, .imm_off = 0 } },
	{ "LOG-16 offset 47", { .iu_len = 8260, .flags = 0x80, .imm_off = 47 } },
	{ "LOG-16 offset 48", { .iu_len = 8260, .flags = 0x80, .imm_off = 48 } },
	{ "LOG-16 offset 51", { .iu_len = 8260, .flags = 0x80, .imm_off = 51 } },
	{ "LOG-16 offset 52", { .iu_len = 8260, .flags = 0x80, .imm_off = 52 }, 0, 52 },
	{ "LOG-16 offset 53", { .iu_len = 8260, .flags = 0x80, .imm_off = 53 } },
	{ "LOG-16 offset 512", { .iu_len = 8260, .flags = 0x80, .imm_off = 512 }, 0, 512 },
	{ "LOG-16 offset 516", { .iu_len = 8260, .flags = 0x80, .imm_off = 516 } },
	{ "LOG-16 offset below the IU length", { .iu_len = 72, .flags = 0x80, .imm_off = 68 }, 0, 68 },
	{ "LOG-16 offset = IU length", { .iu_len = 68, .flags = 0x80, .imm_off = 68 } },
	{ "LOG-16 offset = max IU length", { .iu_len = MAX_IU, .flags = 0x80, .imm_off = MAX_IU } },
	{ "LOG-16 offset 65535", { .iu_len = 8260, .flags = 0x80, .imm_off = 65535 } },
	/* Order of the checks */
	{ "LOG-05 before LOG-08", { .iu_len = 63, .fmt = 0xffff }, SRP_REJ_NO_REASON },
	{ "LOG-06 before LOG-08", { .iu_len = MAX_IU + 1, .fmt = 0xffff }, SRP_REJ_IU_TOO_LARGE },
	{ "LOG-08 before LOG-13", { .iu_len = 64, .fmt = 0xffff, .flags = 3 }, SRP_REJ_DESC_FMT },
};

static void check_form(const struct login_case *c, enum srp_login_form form)
{
	struct srp_login_limits lim = { .max_it_iu_len = MAX_IU };
	struct srp_login login;
	u16 off;

	memcpy(lim.ioc_guid, t_port + 8, 8);
	assert_true(decode(&c->d, form, &login));
	assert_memory_equal(&login.tag, "login tg", 8);
	assert_memory_equal(login.i_port_id, i_port, 16);
	assert_memory_equal(login.t_port_id, t_port, 16);
	assert_int_equal(login.it_iu_len, c->d.iu_len);
	assert_int_equal(login.buf_fmt, c->d.fmt);
	assert_int_equal(login.mc_action, c->d.flags & 3);
	assert_int_equal(login.want_imm, !!(c->d.flags & 0x80));
	assert_int_equal(login.imm_off, c->d.flags & 0x80 ? c->d.imm_off : 0);
	assert_int_equal(srp_check_login(&login, &lim), c->reject);
	off = srp_login_imm_off(&login);
	assert_int_equal(off, c->imm_off);
}

static void one_login(void **state)
{
	check_form(*state, SRP_LOGIN_FORM_IB);
	check_form(*state, SRP_LOGIN_FORM_RDMA);
}

static void target_port(void **state)
{
	static const u8 *const ids[] = { t_port_guid, t_port_swapped };
	struct login_desc d = { .iu_len = 64 };
	struct srp_login_limits lim = { .max_it_iu_len = MAX_IU };
	struct srp_login login;
	size_t i;

	(void)state;
	assert_true(decode(&d, SRP_LOGIN_FORM_IB, &login));
	for (i = 0; i < ARRAY_SIZE(ids); i++) {
		memcpy(lim.ioc_guid, ids[i] + 8, 8);
		assert_int_equal(srp_check_login(&login, &lim), SRP_REJ_NO_NEXUS);
	}
	/* Another identifier extension is another target. */
	memcpy(lim.ioc_guid, t_port_ext + 8, 8);
	assert_int_equal(srp_check_login(&login, &lim), 0);
	/* LOG-13 before LOG-14 */
	login.mc_action = 2;
	assert_int_equal(srp_check_login(&login, &lim), SRP_REJ_NO_REASON);
}

/* LOG-10 */
static void opcodes(void **state)
{
	unsigned int opcode;

	(void)state;
	for (opcode = 0; opcode < 256; opcode++) {
		struct login_desc d = { .opcode = opcode, .iu_len = 64 };
		struct srp_login login;

		assert_int_equal(decode(&d, SRP_LOGIN_FORM_IB, &login), opcode == 0);
		assert_int_equal(decode(&d, SRP_LOGIN_FORM_RDMA, &login), opcode == 0);
	}
}

/* LOG-17, and the 92 and 56 bytes that the connection managers hand over. */
static void lengths(void **state)
{
	struct login_desc d = { .iu_len = 8260, .flags = 0x80, .imm_off = 68 };
	struct srp_login login;
	u32 len;

	(void)state;
	for (len = 0; len <= 92; len++) {
		assert_int_equal(decode_len(&d, SRP_LOGIN_FORM_IB, len, &login), len >= 64);
		assert_int_equal(decode_len(&d, SRP_LOGIN_FORM_RDMA, len, &login), len >= 48);
		if (len >= 48)
			assert_int_equal(login.imm_off, len >= 50 ? 68 : 0);
	}
}

static void unknown_form(void **state)
{
	struct login_desc d = { .iu_len = 64 };
	struct srp_login login;
	u8 bytes[64];

	(void)state;
	build_ib(bytes, &d);
	assert_false(srp_decode_login(bytes, 64, (enum srp_login_form)2, &login));
}

/* LOG-21 */
static void reject_texts(void **state)
{
	u32 i, j;

	(void)state;
	for (i = SRP_REJ_NO_REASON; i <= SRP_REJ_CHANNEL_LIMIT; i++) {
		assert_string_not_equal(srp_login_reject_str(i), srp_login_reject_str(0));
		for (j = SRP_REJ_NO_REASON; j < i; j++)
			assert_string_not_equal(srp_login_reject_str(i), srp_login_reject_str(j));
	}
	assert_string_equal(srp_login_reject_str(SRP_REJ_CHANNEL_LIMIT + 1), srp_login_reject_str(0));
}

int main(void)
{
	static struct CMUnitTest tests[ARRAY_SIZE(login_cases) + 8];
	size_t nr = 0;

	ADD_ROWS(tests, nr, login_cases, one_login);
	ADD(tests, nr, "LOG-10 every opcode", opcodes);
	ADD(tests, nr, "LOG-14 target port id", target_port);
	ADD(tests, nr, "LOG-17 every length", lengths);
	ADD(tests, nr, "neither form", unknown_form);
	ADD(tests, nr, "LOG-21 every reject reason has its text", reject_texts);
	return RUN("srp_login", tests, nr);
}
