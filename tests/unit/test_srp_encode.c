// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* What the target sends, byte by byte. */
#include "test.h"
#include "srp_proto.h"

#define TAG 0x8877665544332211ull

static const u8 sense_bytes[300] = { 0x72, 1, 2, 3, [17] = 17, [251] = 251, [255] = 255 };

struct rsp_case {
	const char	*name;
	struct srp_rsp	rsp;
	u32		max_len;
	/* expected */
	u32		len;
	u8		flags;
	u32		out_res;
	u32		in_res;
	u32		sense_len;
	u32		resp_len;
};

static const struct rsp_case rsp_cases[] = {
	{ "CMD-01 good, no data", { .delta = 1 }, 1024, 36 },
	{ "RES-01 B = T, in", { .dir = SRP_DIR_IN, .offered = 4096, .produced = 4096 }, 1024, 36 },
	{ "RES-01 B = T, out", { .dir = SRP_DIR_OUT, .offered = 4096, .produced = 4096 }, 1024, 36 },
	{ "RES-02 DIUNDER", { .dir = SRP_DIR_IN, .offered = 65536, .produced = 512 },
	  1024, 36, SRP_RSP_DIUNDER, 0, 65024 },
	{ "RES-04 DIOVER", { .dir = SRP_DIR_IN, .offered = 513, .produced = 4096 },
	  1024, 36, SRP_RSP_DIOVER, 0, 3583 },
	{ "RES-05 DOUNDER", { .dir = SRP_DIR_OUT, .offered = 4096, .produced = 512 },
	  1024, 36, SRP_RSP_DOUNDER, 3584, 0 },
	{ "RES-06 DOOVER and CHECK CONDITION",
	  { .dir = SRP_DIR_OUT, .offered = 512, .produced = 4096, .status = 2,
	    .sense = sense_bytes, .sense_len = 18 },
	  1024, 54, SRP_RSP_DOOVER | SRP_RSP_SNSVALID, 3584, 0, 18 },
	{ "RES-07 no buffer, read", { .dir = SRP_DIR_IN, .produced = 4096 },
	  1024, 36, SRP_RSP_DIOVER, 0, 4096 },
	{ "RES-08 buffer, no data", { .dir = SRP_DIR_OUT, .offered = 512 },
	  1024, 36, SRP_RSP_DOUNDER, 512, 0 },
	{ "RES-12 largest residual, under", { .dir = SRP_DIR_IN, .offered = 0xffffffff },
	  1024, 36, SRP_RSP_DIUNDER, 0, 0xffffffff },
	{ "RES-12 largest residual, over", { .dir = SRP_DIR_OUT, .produced = 0xffffffff },
	  1024, 36, SRP_RSP_DOOVER, 0xffffffff, 0 },
	{ "RES-12 no direction, no residual", { .offered = 512, .produced = 1 }, 1024, 36 },
	{ "RES-12 unknown direction, no residual",
	  { .dir = SRP_DIR_UNKNOWN, .offered = 512, .produced = 1 }, 1024, 36 },
	{ "CMD-08 CHECK CONDITION",
	  { .status = 2, .sense = sense_bytes, .sense_len = 18 },
	  1024, 54, SRP_RSP_SNSVALID, 0, 0, 18 },
	{ "RSP-02 sense pointer without length", { .status = 8, .sense = sense_bytes }, 1024, 36 },
	{ "RSP-03 252 bytes of sense", { .status = 2, .sense = sense_bytes, .sense_len = 252 },
	  1024, 288, SRP_RSP_SNSVALID, 0, 0, 252 },
	{ "RSP-03 more than sense can be", { .status = 2, .sense = sense_bytes, .sense_len = 300 },
	  1024, 288, SRP_RSP_SNSVALID, 0, 0, 252 },
	{ "RSP-03 cut to the buffer", { .status = 2, .sense = sense_bytes, .sense_len = 252 },
	  56, 56, SRP_RSP_SNSVALID, 0, 0, 20 },
	{ "RSP-03 cut to the smallest buffer", { .status = 2, .sense = sense_bytes, .sense_len = 18 },
	  40, 40, SRP_RSP_SNSVALID, 0, 0, 4 },
	{ "TMF-01 response data", { .has_code = true, .code = 0 },
	  40, 40, SRP_RSP_RSPVALID, .resp_len = 4 },
	{ "TMF-09 not supported", { .has_code = true, .code = 4, .delta = 2 },
	  1024, 40, SRP_RSP_RSPVALID, .resp_len = 4 },
	{ "RSP-03 response data leave no room for sense",
	  { .has_code = true, .code = 5, .sense = sense_bytes, .sense_len = 18 },
	  40, 40, SRP_RSP_RSPVALID, .resp_len = 4 },
	{ "RSP-01 response data before sense",
	  { .has_code = true, .code = 5, .sense = sense_bytes, .sense_len = 18 },
	  1024, 58, SRP_RSP_RSPVALID | SRP_RSP_SNSVALID, .sense_len = 18, .resp_len = 4 },
	{ "CRD-06 negative delta", { .delta = -3 }, 1024, 36 },
	{ "RSP-06 BUSY", { .status = 0x08 }, 1024, 36 },
	{ "RSP-06 TASK ABORTED", { .status = 0x40 }, 1024, 36 },
};

static u32 get32(const u8 *p)
{
	return (u32)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3];
}

static void one_rsp(void **state)
{
	const struct rsp_case *c = *state;
	struct srp_rsp rsp = c->rsp;
	u8 *p = malloc(c->max_len);
	u8 fixed[36] = { 0xc1 };

	rsp.tag = TAG;
	memset(p, 0xee, c->max_len);
	assert_int_equal(srp_encode_rsp(p, c->max_len, &rsp), c->len);

	memcpy(fixed + 8, &rsp.tag, 8);
	fixed[4] = (u32)rsp.delta >> 24;
	fixed[5] = (u32)rsp.delta >> 16;
	fixed[6] = (u32)rsp.delta >> 8;
	fixed[7] = (u32)rsp.delta;
	fixed[18] = c->flags;
	fixed[19] = rsp.status;
	assert_memory_equal(p, fixed, 20);
	assert_int_equal(get32(p + 20), c->out_res);
	assert_int_equal(get32(p + 24), c->in_res);
	assert_int_equal(get32(p + 28), c->sense_len);
	assert_int_equal(get32(p + 32), c->resp_len);
	if (c->resp_len) {
		assert_int_equal(get32(p + 36), rsp.code);
	}
	assert_memory_equal(p + 36 + c->resp_len, sense_bytes, c->sense_len);
	/* Nothing is written behind what is sent. */
	if (c->len < c->max_len)
		assert_int_equal(p[c->len], 0xee);
	free(p);
}

static void sense_field(void **state)
{
	static const u8 field[18] = { 0x70, 0, 5, [7] = 10, [12] = 0x0e, [13] = 0x03 };
	static const u8 cdb[18] = { 0x70, 0, 5, [7] = 10, [12] = 0x24, [13] = 0x00 };
	unsigned int reason;
	u8 sense[18];

	(void)state;
	memset(sense, 0xff, sizeof(sense));
	srp_sense_field(sense);
	assert_memory_equal(sense, field, 18);
	for (reason = 1; reason < SRP_NR_REASONS; reason++) {
		memset(sense, 0xff, sizeof(sense));
		srp_sense_reason(sense, reason);
		assert_memory_equal(sense, reason == SRP_BAD_CDB_LEN ? cdb : field, 18);
	}
}

static void cred_req(void **state)
{
	u8 want[16] = { 0x81, 0, 0, 0, 0, 0, 1, 2 }, *p = malloc(16);
	u64 tag = TAG;

	(void)state;
	memcpy(want + 8, &tag, 8);
	memset(p, 0xee, 16);
	assert_int_equal(srp_encode_cred_req(p, TAG, 0x102), 16);
	assert_memory_equal(p, want, 16);
	free(p);
}

static void t_logout(void **state)
{
	u8 want[16] = { 0x80, 0, 0, 0, 0, 0, 0, 8 }, *p = malloc(16);
	u64 tag = TAG;

	(void)state;
	memcpy(want + 8, &tag, 8);
	memset(p, 0xee, 16);
	assert_int_equal(srp_encode_t_logout(p, TAG, SRP_LOGOUT_BAD_LEN), 16);
	assert_memory_equal(p, want, 16);
	free(p);
}

static void login_rsp(void **state)
{
	struct srp_login_answer ans = {
		.tag = TAG, .delta = 0x01020304, .max_it_iu_len = 8276, .max_ti_iu_len = 1024,
		.mc_result = SRP_MC_CONTINUED,
	};
	u8 want[52] = { 0xc0, 0, 0, 0, 1, 2, 3, 4, [18] = 0x20, 0x54, [22] = 0x04, 0x00,
			0x00, 0x06, 0x02 };
	u8 *p = malloc(52);

	(void)state;
	memcpy(want + 8, &ans.tag, 8);
	memset(p, 0xee, 52);
	assert_int_equal(srp_encode_login_rsp(p, &ans), 52);
	assert_memory_equal(p, want, 52);

	ans.imm = true;
	ans.mc_result = SRP_MC_TERMINATED;
	want[26] = 0x81;
	assert_int_equal(srp_encode_login_rsp(p, &ans), 52);
	assert_memory_equal(p, want, 52);
	free(p);
}

static void login_rej(void **state)
{
	u8 want[32] = { 0xc2, 0, 0, 0, 0, 1, 0, 4, [24] = 0x00, 0x06 }, *p = malloc(32);
	u64 tag = TAG;

	(void)state;
	memcpy(want + 8, &tag, 8);
	memset(p, 0xee, 32);
	assert_int_equal(srp_encode_login_rej(p, TAG, SRP_REJ_DESC_FMT), 32);
	assert_memory_equal(p, want, 32);
	free(p);
}

int main(void)
{
	static struct CMUnitTest tests[ARRAY_SIZE(rsp_cases) + 8];
	size_t nr = 0;

	ADD_ROWS(tests, nr, rsp_cases, one_rsp);
	ADD(tests, nr, "CDB-05 sense of a refused IU", sense_field);
	ADD(tests, nr, "CRD-05 SRP_CRED_REQ", cred_req);
	ADD(tests, nr, "LGO-05 SRP_T_LOGOUT", t_logout);
	ADD(tests, nr, "LOG-01 LOG-02 LOG-12 MCH-03 SRP_LOGIN_RSP", login_rsp);
	ADD(tests, nr, "LOG-02 LOG-08 SRP_LOGIN_REJ", login_rej);
	return RUN("srp_encode", tests, nr);
}
