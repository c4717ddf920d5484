// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Device Management replies, by offset of the attribute tables. */
#include "test.h"
#include "iu.h"
#include "srp_proto.h"

#define GET 1
#define SET 2

static const u64 id_ext[] = {
	0xf1f2f3f4f5f6f70a, 0x00000000000000ff, 0x0123456789abcdef, 0, 0xffffffffffffffff, 5,
};

static const struct srp_dm_params params = {
	.ioc_guid = 0x0102030405060708, .id_ext = id_ext, .nr_targets = 1,
	.service_id = 0x1112131415161718,
	.vendor_id = 0x0002c9, .device_id = 0x1003, .device_version = 0x0a0b, .change_id = 0x0c0d,
	.send_queue_depth = 4095, .rdma_read_depth = 4, .send_size = 8276, .rdma_size = 65536,
};

struct dm_case {
	const char	*name;
	u8		method;
	u16		attr_id;
	u32		attr_mod;
	u16		want;		/* with the target present */
	u16		want_absent;
};

static const struct dm_case dm_cases[] = {
	{ "DM-01 ClassPortInfo", GET, 0x01, 0, 0, 0 },
	{ "DM-02 IOUnitInfo", GET, 0x10, 0, 0, 0 },
	{ "DM-03 IOControllerProfile", GET, 0x11, 1, 0, 0x100 },
	{ "DM-04 slot 0", GET, 0x11, 0, 0x1c, 0x1c },
	{ "DM-04 slot 17", GET, 0x11, 17, 0x1c, 0x1c },
	{ "DM-04 slot 255", GET, 0x11, 255, 0x1c, 0x1c },
	{ "DM-04 slot 257: no wrap at 8 bits", GET, 0x11, 257, 0x1c, 0x1c },
	{ "DM-04 slot 10001h: no wrap at 16 bits", GET, 0x11, 0x10001, 0x1c, 0x1c },
	{ "DM-05 slot 2", GET, 0x11, 2, 0x100, 0x100 },
	{ "DM-05 slot 16", GET, 0x11, 16, 0x100, 0x100 },
	{ "DM-06 ServiceEntries 0..0", GET, 0x12, 0x00010000, 0, 0x200 },
	{ "DM-07 first above last", GET, 0x12, 0x00010001, 0x1c, 0x1c },
	{ "DM-07 last above count - 1", GET, 0x12, 0x00010100, 0x200, 0x200 },
	{ "DM-07 1..1", GET, 0x12, 0x00010101, 0x200, 0x200 },
	{ "DM-07 four entries", GET, 0x12, 0x00010300, 0x200, 0x200 },
	{ "DM-07 five entries", GET, 0x12, 0x00010400, 0x1c, 0x1c },
	{ "DM-07 255..255", GET, 0x12, 0x0001ffff, 0x200, 0x200 },
	{ "DM-07 slot 2", GET, 0x12, 0x00020000, 0x200, 0x200 },
	{ "DM-07 slot 0", GET, 0x12, 0x00000000, 0x1c, 0x1c },
	{ "DM-07 slot 17", GET, 0x12, 0x00110000, 0x1c, 0x1c },
	{ "DM-07 slot 257: no wrap", GET, 0x12, 0x01010000, 0x1c, 0x1c },
	{ "DM-08 unknown attribute", GET, 0x02, 0, 0x0c, 0x0c },
	{ "DM-08 unknown attribute 0", GET, 0x00, 0, 0x0c, 0x0c },
	{ "DM-08 unknown attribute FFFFh", GET, 0xffff, 0, 0x0c, 0x0c },
	{ "DM-09 Set ClassPortInfo", SET, 0x01, 0, 0x0c, 0x0c },
	{ "DM-08 Set IOUnitInfo", SET, 0x10, 0, 0x0c, 0x0c },
	{ "DM-08 Trap", 5, 0x01, 0, 0x08, 0x08 },
	{ "DM-08 method 0", 0, 0x10, 0, 0x08, 0x08 },
	{ "DM-08 GetResp", 0x81, 0x10, 0, 0x08, 0x08 },
};

static u16 reply(u8 **data, const struct dm_case *c, bool present)
{
	struct srp_dm_params p = params;

	p.nr_targets = present;
	*data = malloc(192);
	memset(*data, 0xee, 192);
	return srp_dm_reply(*data, c->method, c->attr_id, c->attr_mod, &p);
}

/* A refusal carries no data, whatever the request had there. */
static void one_status(void **state)
{
	static const u8 zeros[192];
	const struct dm_case *c = *state;
	u8 *data;

	assert_int_equal(reply(&data, c, true), c->want);
	if (c->want)
		assert_memory_equal(data, zeros, 192);
	else
		assert_memory_not_equal(data, zeros, 192);
	free(data);
	assert_int_equal(reply(&data, c, false), c->want_absent);
	if (c->want_absent)
		assert_memory_equal(data, zeros, 192);
	free(data);
}

static void check_data(u16 attr_id, u32 attr_mod, bool present, const u8 *want)
{
	struct dm_case c = { .method = GET, .attr_id = attr_id, .attr_mod = attr_mod };
	u8 *data;

	assert_int_equal(reply(&data, &c, present), 0);
	assert_memory_equal(data, want, 192);
	free(data);
}

static void class_port_info(void **state)
{
	static const u8 want[192] = { 1, 1, [7] = 20 };

	(void)state;
	check_data(0x01, 0, true, want);
}

static void iou_info(void **state)
{
	static const u8 with[192] = { 0x0c, 0x0d, 16, 0, 0x10 };
	static const u8 without[192] = { 0x0c, 0x0d, 16, 0, 0 };

	(void)state;
	check_data(0x10, 0, true, with);
	check_data(0x10, 0, false, without);
}

static void ioc_profile(void **state)
{
	u8 want[192] = { 0 };

	(void)state;
	put64(want, 0x0102030405060708);
	put32(want + 8, 0x0002c900);
	put32(want + 12, 0x1003);
	put16(want + 16, 0x0a0b);
	put32(want + 20, 0x0002c900);
	put16(want + 28, 0x0100);
	put16(want + 30, 0x609e);
	put16(want + 32, 0x0108);
	put16(want + 34, 0x0001);
	put16(want + 40, 4095);
	want[43] = 4;
	put32(want + 44, 8276);
	put32(want + 48, 65536);
	want[52] = 0x2b;
	want[54] = 1;
	memcpy(want + 64, "Linux SRP target", 16);
	check_data(0x11, 1, true, want);
}

static void svc_entries(void **state)
{
	u8 want[192] = { 0 };

	(void)state;
	memcpy(want, "SRP.T10:f1f2f3f4f5f6f70a", 24);
	put64(want + 40, 0x1112131415161718);
	check_data(0x12, 0x00010000, true, want);
}

/* Six targets: entries 2 to 5 in one MAD, and none behind the last. */
static void many_targets(void **state)
{
	static const char *const names[] = {
		"SRP.T10:0123456789abcdef", "SRP.T10:0000000000000000", "SRP.T10:ffffffffffffffff", "SRP.T10:0000000000000005",
	};
	struct srp_dm_params p = params;
	u8 data[192], want[192] = { 0 };
	int i;

	(void)state;
	p.nr_targets = ARRAY_SIZE(id_ext);
	for (i = 0; i < 4; i++) {
		memcpy(want + 48 * i, names[i], 24);
		put64(want + 48 * i + 40, 0x1112131415161718);
	}
	assert_int_equal(srp_dm_reply(data, GET, 0x12, 0x00010502, &p), 0);
	assert_memory_equal(data, want, 192);
	assert_int_equal(srp_dm_reply(data, GET, 0x12, 0x00010603, &p), 0x200);
	assert_int_equal(srp_dm_reply(data, GET, 0x11, 1, &p), 0);
	assert_int_equal(data[54], 6);
}

int main(void)
{
	static struct CMUnitTest tests[ARRAY_SIZE(dm_cases) + 5];
	size_t nr = 0;

	ADD_ROWS(tests, nr, dm_cases, one_status);
	ADD(tests, nr, "DM-01 ClassPortInfo, all bytes", class_port_info);
	ADD(tests, nr, "DM-02 DM-12 IOUnitInfo, all bytes", iou_info);
	ADD(tests, nr, "DM-03 DM-11 INI-35 IOControllerProfile, all bytes", ioc_profile);
	ADD(tests, nr, "DM-06 DM-11 INI-35 ServiceEntries, all bytes", svc_entries);
	ADD(tests, nr, "DM-06 six targets", many_targets);
	return RUN("srp_dm", tests, nr);
}
