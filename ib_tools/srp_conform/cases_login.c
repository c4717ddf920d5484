// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Requirements of the login (LOG). */
#include <string.h>

#include "conform.h"

/* ---- LOG-01 to LOG-04: good ones ------------------------------------------------------------------- */

static void log_01(void)
{
	const struct srpi_login_rsp *rsp;
	struct login_pd pd = login_pd(0);
	struct srpi_chan *ch;

	sent("IU length 64, formats 0x0002, flags 0");
	pd_set_be32(&pd, PD_IU_LEN, 64);
	pd_set_be16(&pd, PD_FORMATS, SRP_LOGIN_FMT_DIRECT);
	pd_set_be16(&pd, PD_IMM_OFF, 0);
	ch = login_with(&pd);
	rsp = srpi_chan_login(ch);
	if (memcmp(&rsp->tag, pd_at(&pd, PD_TAG), sizeof(rsp->tag)))
		fail("another tag");
	if (rsp->limit < 2 || rsp->max_it_iu_len < 64 || rsp->max_ti_iu_len < 56)
		fail("request limit %d, IU lengths %u and %u", rsp->limit, rsp->max_it_iu_len, rsp->max_ti_iu_len);
	if (rsp->formats != SRP_LOGIN_FMT_SUPPORTED || rsp->mc_result || rsp->imm)
		fail("formats %#x, multi-channel result %d, immediate data %d", rsp->formats, rsp->mc_result, rsp->imm);
	settle(ch);
}

static void one_tag(const void *arg)
{
	struct login_pd pd = login_pd(0);
	struct srpi_chan *ch;

	memcpy(pd_at(&pd, PD_TAG), arg, 8);
	ch = login_with(&pd);
	if (srpi_chan_login(ch)->tag != *(const u64 *)arg)
		fail("another tag in SRP_LOGIN_RSP");
	close_chan(ch);
	pd_set_be32(&pd, PD_IU_LEN, 0xffffffff);
	expect_refused(&pd, REJ(2));
}

static void log_02(void)
{
	u64 tags[] = { 0, ~0ULL, next_random() };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(tags); i++)
		row(one_tag, &tags[i], "tag %016llx", tags[i]);
}

static void bad_iu_len(const void *arg)
{
	const u32 *len = arg;
	struct login_pd pd = login_pd(0);

	pd_set_be32(&pd, PD_IU_LEN, *len);
	expect_refused(&pd, *len < 64 ? REJ(0) : REJ(2));
}

static void log_05(void)
{
	static const u32 lens[] = { 0, 1, 63 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(lens); i++)
		row(bad_iu_len, &lens[i], "IU length %u", lens[i]);
}

const struct conf_case login_cases[] = {
	{ "LOG-01", "a minimal login", "accepted; tag echoed, request limit 2 or more, both formats, result 00", log_01 },
	{ "LOG-02", "the tag is opaque", "echoed in SRP_LOGIN_RSP and in SRP_LOGIN_REJ", log_02 },
	{ "LOG-05", "IU length below 64", "REJ 0x10000", log_05 },
	{ .id = NULL }
};
