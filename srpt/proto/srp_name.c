// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Names of target ports and of initiators, as configfs directories bear them.
 *
 * One value has many spellings: upper case, leading zeros, a compressed IPv6
 * address. Names are therefore turned into values here and compared as such;
 * srp_format_name() gives the one spelling that is shown.
 */
#include <linux/errno.h>
#include <linux/string.h>
#include "srp_proto.h"

#define GUID_LEN	8
#define PORT_ID_LEN	16
#define IP4_LEN		4
#define IP6_LEN		16

/* Value of a hex digit, or -1. The NUL at the end of a name is no digit. */
static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Takes 1 to 4 hex digits; false if there is none. A fifth is left to the caller. */
static bool take_group(const char **text, u8 raw[2], unsigned int *nr_digits)
{
	const char *p = *text;
	u16 value = 0;

	while (p - *text < 4 && hex_value(*p) >= 0)
		value = value << 4 | hex_value(*p++);
	*nr_digits = p - *text;
	*text = p;
	raw[0] = value >> 8;
	raw[1] = value;
	return *nr_digits > 0;
}

static bool parse_guid(const char *p, unsigned int min_digits, u8 *raw)
{
	unsigned int i, nr_digits;

	for (i = 0; i < GUID_LEN; i += 2) {
		if (i && *p++ != ':')
			return false;
		if (!take_group(&p, raw + i, &nr_digits) || nr_digits < min_digits)
			return false;
	}
	return !*p;
}

static const char *skip_0x(const char *p)
{
	return p[0] == '0' && (p[1] == 'x' || p[1] == 'X') ? p + 2 : p;
}

/* Nothing but hex digits, 1 to 32; the value is right-aligned in @raw. */
static bool parse_hex(const char *p, u8 *raw)
{
	unsigned int i, nr_digits = 0;

	while (hex_value(p[nr_digits]) >= 0)
		nr_digits++;
	if (p[nr_digits] || !nr_digits || nr_digits > 2 * PORT_ID_LEN)
		return false;

	memset(raw, 0, PORT_ID_LEN);
	for (i = 0; i < nr_digits; i++) {
		unsigned int pos = 2 * PORT_ID_LEN - nr_digits + i;

		raw[pos / 2] |= hex_value(p[i]) << (pos % 2 ? 0 : 4);
	}
	return true;
}

/* Dotted decimal, four parts. No leading zeros: elsewhere they mean octal. */
static bool parse_ip4(const char *p, u8 *raw)
{
	unsigned int i, value, nr_digits;

	for (i = 0; i < IP4_LEN; i++) {
		if (i && *p++ != '.')
			return false;
		value = 0;
		for (nr_digits = 0; nr_digits < 3 && *p >= '0' && *p <= '9'; nr_digits++)
			value = value * 10 + (*p++ - '0');
		if (!nr_digits || value > 255 || (nr_digits > 1 && p[-(int)nr_digits] == '0'))
			return false;
		raw[i] = value;
	}
	return !*p;
}

/* Moves what was parsed behind the "::" to the end and clears the gap. */
static void open_gap(u8 *raw, unsigned int gap, unsigned int len)
{
	unsigned int tail = len - gap;

	memmove(raw + IP6_LEN - tail, raw + gap, tail);
	memset(raw + gap, 0, IP6_LEN - len);
}

/* RFC 4291 2.2: groups, one "::" for at least one group, an IPv4 address as the tail. */
static bool parse_ip6(const char *p, u8 *raw)
{
	unsigned int len = 0, nr_digits;
	int gap = -1;

	if (p[0] == ':' && p[1] == ':') {
		gap = 0;
		p += 2;
	}
	while (*p && len < IP6_LEN) {
		if (len + IP4_LEN <= IP6_LEN && parse_ip4(p, raw + len)) {
			len += IP4_LEN;
			p = "";
			break;
		}
		if (!take_group(&p, raw + len, &nr_digits))
			return false;
		len += 2;
		if (!*p)
			break;
		if (*p++ != ':')
			return false;
		if (*p == ':' && gap < 0) {
			gap = len;
			p++;
		} else if (!*p) {
			return false;
		}
	}
	if (*p)
		return false;
	if (gap < 0)
		return len == IP6_LEN;
	if (len == IP6_LEN)
		return false;
	open_gap(raw, gap, len);
	return true;
}

int srp_parse_port_name(const char *text, struct srp_name *name)
{
	const char *digits = skip_0x(text);

	memset(name, 0, sizeof(*name));
	if (parse_guid(text, 4, name->raw)) {
		name->type = SRP_NAME_GUID;
		return 0;
	}
	if (digits != text && strlen(digits) == 2 * PORT_ID_LEN && parse_hex(digits, name->raw)) {
		name->type = SRP_NAME_GID;
		return 0;
	}
	return -EINVAL;
}

/* The forms exclude each other, but a failed attempt may leave bytes behind. */
int srp_parse_acl_name(const char *text, struct srp_name *name)
{
	memset(name, 0, sizeof(*name));
	name->type = SRP_NAME_PORT_ID;
	if (parse_hex(skip_0x(text), name->raw))
		return 0;

	memset(name, 0, sizeof(*name));
	name->type = SRP_NAME_IP4;
	if (parse_ip4(text, name->raw))
		return 0;

	memset(name, 0, sizeof(*name));
	name->type = SRP_NAME_GUID;
	if (parse_guid(text, 1, name->raw))
		return 0;

	memset(name, 0, sizeof(*name));
	name->type = SRP_NAME_IP6;
	if (parse_ip6(text, name->raw))
		return 0;
	return -EINVAL;
}

static char *put_hex(char *p, const u8 *raw, unsigned int len, unsigned int group)
{
	static const char digits[] = "0123456789abcdef";
	unsigned int i;

	for (i = 0; i < len; i++) {
		if (i && group && i % group == 0)
			*p++ = ':';
		*p++ = digits[raw[i] >> 4];
		*p++ = digits[raw[i] & 0x0f];
	}
	return p;
}

static char *put_decimal(char *p, u8 value)
{
	if (value >= 100)
		*p++ = '0' + value / 100;
	if (value >= 10)
		*p++ = '0' + value / 10 % 10;
	*p++ = '0' + value % 10;
	return p;
}

static char *put_ip4(char *p, const u8 *raw)
{
	unsigned int i;

	for (i = 0; i < IP4_LEN; i++) {
		if (i)
			*p++ = '.';
		p = put_decimal(p, raw[i]);
	}
	return p;
}

int srp_format_name(char *buf, const struct srp_name *name)
{
	char *p = buf;

	switch (name->type) {
	case SRP_NAME_GUID:
		p = put_hex(p, name->raw, GUID_LEN, 2);
		break;
	case SRP_NAME_GID:
	case SRP_NAME_PORT_ID:
		*p++ = '0';
		*p++ = 'x';
		p = put_hex(p, name->raw, PORT_ID_LEN, 0);
		break;
	case SRP_NAME_IP4:
		p = put_ip4(p, name->raw);
		break;
	case SRP_NAME_IP6:
		p = put_hex(p, name->raw, IP6_LEN, 2);
		break;
	}
	*p = '\0';
	return p - buf;
}

bool srp_name_equal(const struct srp_name *a, const struct srp_name *b)
{
	return a->type == b->type && !memcmp(a->raw, b->raw, sizeof(a->raw));
}
