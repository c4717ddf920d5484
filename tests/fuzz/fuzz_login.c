// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Login requests: byte 0 picks the form, the rest is the private data of the connection. */
#include "fuzz.h"
#include "srp_proto.h"

#define MAX_IU 8276

static void check_accept(const struct srp_login *login)
{
	u16 off = srp_login_imm_off(login);
	struct srp_login_answer ans = {
		.tag = login->tag, .delta = 64, .max_it_iu_len = login->it_iu_len,
		.max_ti_iu_len = 1024, .mc_result = SRP_MC_NO_CHANNEL, .imm = off,
	};
	uint8_t *out = malloc(52);

	CHECK(login->it_iu_len >= SRP_MIN_IU_LEN && login->it_iu_len <= MAX_IU);
	CHECK(!(login->buf_fmt & ~6) && login->mc_action <= 1);
	CHECK(!off || (off % 4 == 0 && off >= 52 && off <= 512 && off < login->it_iu_len));
	CHECK(!off || (login->want_imm && off == login->imm_off));
	CHECK(srp_encode_login_rsp(out, &ans) == 52);
	CHECK(!memcmp(out + 8, &login->tag, 8));
	CHECK(!(out[26] & 0x80) == !off);
	free(out);
}

static void check_reject(const struct srp_login *login, u32 reason)
{
	uint8_t *out = malloc(32);

	CHECK(reason >= SRP_REJ_NO_REASON && reason <= SRP_REJ_CHANNEL_LIMIT);
	CHECK(*srp_login_reject_str(reason));
	CHECK(srp_encode_login_rej(out, login->tag, reason) == 32);
	CHECK(!memcmp(out + 8, &login->tag, 8));
	free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct srp_login_limits lim = { .max_it_iu_len = MAX_IU };
	enum srp_login_form form;
	struct srp_login login;
	uint8_t *bytes;
	u32 reason;

	if (!size)
		return 0;
	form = data[0] & 1 ? SRP_LOGIN_FORM_RDMA : SRP_LOGIN_FORM_IB;
	bytes = exact_copy(data + 1, size - 1);
	memset(&login, 0xff, sizeof(login));
	if (srp_decode_login(bytes, size - 1, form, &login)) {
		CHECK(size - 1 >= (form == SRP_LOGIN_FORM_IB ? 64 : 48));
		CHECK(login.want_imm || !login.imm_off);
		/* Byte 0 also picks whether the target port is the right one. */
		if (!(data[0] & 2))
			memcpy(lim.ioc_guid, login.t_port_id + 8, 8);
		reason = srp_check_login(&login, &lim);
		if (reason)
			check_reject(&login, reason);
		else
			check_accept(&login);
	}
	free(bytes);
	return 0;
}
