// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Every spelling of a name, what it means and how it is shown. */
#include <arpa/inet.h>
#include <stdio.h>
#include "test.h"
#include "srp_proto.h"

struct name_case {
	const char		*name;	/* of the test */
	const char		*text;
	const char		*shown;	/* NULL: refused */
	enum srp_name_type	type;
};

#define PORT_ID32 "00112233445566778899aabbccddeeff"

static const struct name_case port_cases[] = {
	{ "GUID form", "0011:2233:4455:6677", "0011:2233:4455:6677", SRP_NAME_GUID },
	{ "GUID form, upper case", "FE80:00Ab:cDEF:0001", "fe80:00ab:cdef:0001", SRP_NAME_GUID },
	{ "GID form", "0x" PORT_ID32, "0x" PORT_ID32, SRP_NAME_GID },
	{ "GID form, upper case", "0XFE80000000000000505400FFFE123456",
	  "0xfe80000000000000505400fffe123456", SRP_NAME_GID },
	{ "port: empty", "", NULL },
	{ "port: GUID group too short", "0011:2233:4455:667", NULL },
	{ "port: GUID group too long", "0011:2233:4455:66778", NULL },
	{ "port: three groups", "0011:2233:4455", NULL },
	{ "port: five groups", "0011:2233:4455:6677:8899", NULL },
	{ "port: no digit", "0011:2233:4455:667g", NULL },
	{ "port: other separator", "0011-2233-4455-6677", NULL },
	{ "port: newline behind", "0011:2233:4455:6677\n", NULL },
	{ "port: GID without 0x", PORT_ID32, NULL },
	{ "port: GID of 31 digits", "0x0112233445566778899aabbccddeeff", NULL },
	{ "port: GID of 33 digits", "0x0" PORT_ID32, NULL },
	{ "port: GID with a colon", "0x0011223344556677:899aabbccddeeff", NULL },
	{ "port: only 0x", "0x", NULL },
	{ "port: IPv4", "10.9.9.1", NULL },
	{ "port: IPv6", "fe80::1", NULL },
	{ "port: as targetcli shows it", "ib." PORT_ID32, NULL },
};

static const struct name_case acl_cases[] = {
	{ "ACL-02 port id with 0x", "0x" PORT_ID32, "0x" PORT_ID32, SRP_NAME_PORT_ID },
	{ "ACL-02 port id without 0x", PORT_ID32, "0x" PORT_ID32, SRP_NAME_PORT_ID },
	{ "ACL-02 port id, upper case", "0X00112233445566778899AABBCCDDEEFF", "0x" PORT_ID32,
	  SRP_NAME_PORT_ID },
	{ "ACL-02 short port id", "1f", "0x0000000000000000000000000000001f", SRP_NAME_PORT_ID },
	{ "ACL-02 short odd port id", "0xabc", "0x00000000000000000000000000000abc",
	  SRP_NAME_PORT_ID },
	{ "ACL-02 one digit", "0", "0x00000000000000000000000000000000", SRP_NAME_PORT_ID },
	{ "ACL-02 31 digits", "0112233445566778899aabbccddeeff", "0x" PORT_ID32, SRP_NAME_PORT_ID },
	{ "ACL-02 GUID", "0011:2233:4455:6677", "0011:2233:4455:6677", SRP_NAME_GUID },
	{ "ACL-02 GUID, short groups", "1:22:333:FFFF", "0001:0022:0333:ffff", SRP_NAME_GUID },
	{ "ACL-02 IPv4", "10.9.9.1", "10.9.9.1", SRP_NAME_IP4 },
	{ "ACL-02 IPv4, all digits", "255.200.99.0", "255.200.99.0", SRP_NAME_IP4 },
	{ "ACL-02 IPv4, round digits", "100.10.109.190", "100.10.109.190", SRP_NAME_IP4 },
	{ "ACL-02 IPv6 in full", "fe80:0000:0000:0000:0202:c903:0045:6789",
	  "fe80:0000:0000:0000:0202:c903:0045:6789", SRP_NAME_IP6 },
	{ "ACL-02 IPv6 compressed", "fe80::202:C903:45:6789",
	  "fe80:0000:0000:0000:0202:c903:0045:6789", SRP_NAME_IP6 },
	{ "ACL-02 IPv6 any", "::", "0000:0000:0000:0000:0000:0000:0000:0000", SRP_NAME_IP6 },
	{ "ACL-02 IPv6 loopback", "::1", "0000:0000:0000:0000:0000:0000:0000:0001", SRP_NAME_IP6 },
	{ "ACL-02 IPv6 gap at the end", "fd00:1::", "fd00:0001:0000:0000:0000:0000:0000:0000",
	  SRP_NAME_IP6 },
	{ "ACL-02 IPv6 gap of one group at the end", "1:2:3:4:5:6:7::",
	  "0001:0002:0003:0004:0005:0006:0007:0000", SRP_NAME_IP6 },
	{ "ACL-02 IPv6 gap of one group at the start", "::2:3:4:5:6:7:8",
	  "0000:0002:0003:0004:0005:0006:0007:0008", SRP_NAME_IP6 },
	{ "ACL-02 IPv6 with an IPv4 tail", "::ffff:10.9.9.1",
	  "0000:0000:0000:0000:0000:ffff:0a09:0901", SRP_NAME_IP6 },
	{ "ACL-02 IPv6 in full with an IPv4 tail", "64:ff9b:0:0:0:0:192.0.2.33",
	  "0064:ff9b:0000:0000:0000:0000:c000:0221", SRP_NAME_IP6 },
	{ "ACL: empty", "", NULL },
	{ "ACL: only 0x", "0x", NULL },
	{ "ACL: 33 digits", "0" PORT_ID32, NULL },
	{ "ACL: no digit", "xyz", NULL },
	{ "ACL: digits and more", "12 ", NULL },
	{ "ACL: GUID of three groups", "1:2:3", NULL },
	{ "ACL: GUID of five digits", "1:2:3:12345", NULL },
	{ "ACL: GUID that ends in a colon", "1:2:3:", NULL },
	{ "ACL: IPv4 of three parts", "10.9.9", NULL },
	{ "ACL: IPv4 of five parts", "10.9.9.1.1", NULL },
	{ "ACL: IPv4 256", "10.9.9.256", NULL },
	{ "ACL: IPv4 of four digits", "10.9.9.0001", NULL },
	{ "ACL: IPv4 with a leading zero", "10.9.9.01", NULL },
	{ "ACL: IPv4 with an empty part", "10..9.1", NULL },
	{ "ACL: IPv4 with a port", "10.9.9.1:5555", NULL },
	{ "ACL: IPv6 of seven groups", "1:2:3:4:5:6:7", NULL },
	{ "ACL: IPv6 of nine groups", "1:2:3:4:5:6:7:8:9", NULL },
	{ "ACL: IPv6 with a gap of nothing", "1:2:3:4::5:6:7:8", NULL },
	{ "ACL: IPv6 with a gap of nothing at the end", "1:2:3:4:5:6:7:8::", NULL },
	{ "ACL: IPv6 with two gaps", "1::2::3", NULL },
	{ "ACL: IPv6 with three colons", "1:::2", NULL },
	{ "ACL: IPv6 only three colons", ":::", NULL },
	{ "ACL: IPv6 that starts with one colon", ":1::2", NULL },
	{ "ACL: IPv6 that ends in one colon", "1::2:", NULL },
	{ "ACL: IPv6 of eight groups that ends in a colon", "1:2:3:4:5:6:7:8:", NULL },
	{ "ACL: IPv6 with a long group", "1::12345", NULL },
	{ "ACL: IPv6 with a scope", "fe80::1%eth0", NULL },
	{ "ACL: IPv6 with a prefix length", "fe80::1/64", NULL },
	{ "ACL: IPv6 with a bad IPv4 tail", "::1.2.3.400", NULL },
	{ "ACL: IPv6 with IPv4 in the middle", "::1.2.3.4:5", NULL },
	{ "ACL: IPv6 with IPv4 at the eighth group", "1:2:3:4:5:6:7:1.2.3.4", NULL },
};

static void check_name(const struct name_case *c, int (*parse)(const char *, struct srp_name *))
{
	struct exact text = exact_copy(c->text, strlen(c->text) + 1);
	char *shown = malloc(SRP_NAME_LEN);
	struct srp_name name, again;
	int len;

	memset(&name, 0xff, sizeof(name));
	if (!c->shown) {
		assert_int_equal(parse((char *)text.data, &name), -22);
	} else {
		assert_int_equal(parse((char *)text.data, &name), 0);
		assert_int_equal(name.type, c->type);
		len = srp_format_name(shown, &name);
		assert_string_equal(shown, c->shown);
		assert_int_equal(len, strlen(c->shown));
		assert_int_equal(parse(shown, &again), 0);
		assert_true(srp_name_equal(&name, &again));
	}
	exact_free(&text);
	free(shown);
}

static void one_port(void **state)
{
	check_name(*state, srp_parse_port_name);
}

static void one_acl(void **state)
{
	check_name(*state, srp_parse_acl_name);
}

static void equal(void **state)
{
	struct srp_name a, b;

	(void)state;
	assert_int_equal(srp_parse_acl_name("fe80::1", &a), 0);
	assert_int_equal(srp_parse_acl_name("FE80:0:0:0:0:0:0:1", &b), 0);
	assert_true(srp_name_equal(&a, &b));
	assert_int_equal(srp_parse_acl_name("fe80::2", &b), 0);
	assert_false(srp_name_equal(&a, &b));

	/* Same bytes, another kind of name. */
	assert_int_equal(srp_parse_acl_name("0x" PORT_ID32, &a), 0);
	assert_int_equal(srp_parse_port_name("0x" PORT_ID32, &b), 0);
	assert_memory_equal(a.raw, b.raw, 16);
	assert_false(srp_name_equal(&a, &b));

	/* ACL-03: the same GUID, another extension. */
	assert_int_equal(srp_parse_acl_name("00000000000000010011223344556677", &a), 0);
	assert_int_equal(srp_parse_acl_name("00000000000000020011223344556677", &b), 0);
	assert_false(srp_name_equal(&a, &b));
}

/* The text is network order: what an address on the wire is compared with. */
static void raw_order(void **state)
{
	struct srp_name name;

	(void)state;
	assert_int_equal(srp_parse_acl_name("1.2.3.4", &name), 0);
	assert_memory_equal(name.raw, "\1\2\3\4\0\0\0\0\0\0\0\0\0\0\0\0", 16);
	assert_int_equal(srp_parse_acl_name("0102:0304:0506:0708", &name), 0);
	assert_memory_equal(name.raw, "\1\2\3\4\5\6\7\10\0\0\0\0\0\0\0\0", 16);
	assert_int_equal(srp_parse_acl_name("0x0102", &name), 0);
	assert_memory_equal(name.raw, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\2", 16);
	assert_int_equal(srp_parse_acl_name("1::2", &name), 0);
	assert_memory_equal(name.raw, "\0\1\0\0\0\0\0\0\0\0\0\0\0\0\0\2", 16);
}

/* Random texts of the letters that matter; the C library is the judge of addresses. */
static void against_inet_pton(void **state)
{
	static const char letters[] = "::::....0012345fF%x";
	u64 seed = 271828;
	unsigned int round, i, len;

	(void)state;
	for (round = 0; round < 300000; round++) {
		char text[48];
		u8 want[16] = { 0 };
		struct srp_name name;
		int err;

		len = next_random(&seed) % 24;
		for (i = 0; i < len; i++)
			text[i] = letters[next_random(&seed) % (sizeof(letters) - 1)];
		text[len] = '\0';
		err = srp_parse_acl_name(text, &name);
		if (inet_pton(AF_INET, text, want) == 1) {
			assert_int_equal(err, 0);
			assert_int_equal(name.type, SRP_NAME_IP4);
			assert_memory_equal(name.raw, want, 4);
		} else if (inet_pton(AF_INET6, text, want) == 1) {
			assert_int_equal(err, 0);
			assert_int_equal(name.type, SRP_NAME_IP6);
			assert_memory_equal(name.raw, want, 16);
		} else {
			assert_true(err || name.type == SRP_NAME_GUID ||
				    name.type == SRP_NAME_PORT_ID);
		}
	}
}

static void random_addresses(void **state)
{
	u64 seed = 314159;
	unsigned int round, i;

	(void)state;
	for (round = 0; round < 20000; round++) {
		u8 raw[16];
		char text[INET6_ADDRSTRLEN];
		struct srp_name name;

		for (i = 0; i < 16; i++)
			raw[i] = next_random(&seed) % 3 ? 0 : next_random(&seed);
		inet_ntop(AF_INET6, raw, text, sizeof(text));
		assert_int_equal(srp_parse_acl_name(text, &name), 0);
		assert_int_equal(name.type, SRP_NAME_IP6);
		assert_memory_equal(name.raw, raw, 16);
		inet_ntop(AF_INET, raw, text, sizeof(text));
		assert_int_equal(srp_parse_acl_name(text, &name), 0);
		assert_int_equal(name.type, SRP_NAME_IP4);
		assert_memory_equal(name.raw, raw, 4);
	}
}

static void format_of_no_type(void **state)
{
	struct srp_name name = { .type = (enum srp_name_type)99 };
	char shown[SRP_NAME_LEN] = "x";

	(void)state;
	assert_int_equal(srp_format_name(shown, &name), 0);
	assert_string_equal(shown, "");
}

int main(void)
{
	static struct CMUnitTest tests[ARRAY_SIZE(port_cases) + ARRAY_SIZE(acl_cases) + 8];
	size_t nr = 0;

	ADD_ROWS(tests, nr, port_cases, one_port);
	ADD_ROWS(tests, nr, acl_cases, one_acl);
	ADD(tests, nr, "ACL-02 ACL-03 names are compared by value", equal);
	ADD(tests, nr, "ACL-02 order of the bytes", raw_order);
	ADD(tests, nr, "ACL-02 random texts against inet_pton", against_inet_pton);
	ADD(tests, nr, "ACL-02 random addresses", random_addresses);
	ADD(tests, nr, "format of no type", format_of_no_type);
	return RUN("srp_name", tests, nr);
}
