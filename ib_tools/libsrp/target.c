// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Targets in the form of ib_srp's add_target. */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <infiniband/ib.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>

#include "libsrp.h"

/* @len bytes in big-endian order from at most twice as many digits, which may have 0x in front. */
static bool parse_hex(const char *text, u8 *bytes, size_t len)
{
	size_t digits, i;

	if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X'))
		text += 2;
	digits = strspn(text, "0123456789abcdefABCDEF");
	if (!digits || text[digits] || digits > 2 * len)
		return false;
	memset(bytes, 0, len);
	for (i = 0; i < digits; i++) {
		u8 nibble = isdigit(text[i]) ? text[i] - '0' : tolower(text[i]) - 'a' + 10;
		size_t place = digits - 1 - i;

		bytes[len - 1 - place / 2] |= nibble << (place % 2 * 4);
	}
	return true;
}

/* ADDR:PORT, [ADDR]:PORT, or without the port if it is not @needed */
static bool parse_addr(const char *text, bool needed, struct sockaddr_storage *addr)
{
	struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM };
	struct addrinfo *found;
	char host[128], *port, *end;

	if (strlen(text) >= sizeof(host))
		return false;
	strcpy(host, text);
	port = strrchr(host, ':');
	if (host[0] == '[') {
		end = strchr(host, ']');
		if (!end)
			return false;
		*end = '\0';
		memmove(host, host + 1, end - host);
		port = end[1] == ':' ? end + 1 : NULL;
	} else if (port && strchr(host, ':') != port) {
		port = NULL;		/* an IPv6 address, without a port */
	}
	if (port)
		*port++ = '\0';
	if (needed && (!port || !*port))
		return false;
	if (getaddrinfo(host, port, &hints, &found))
		return false;
	memcpy(addr, found->ai_addr, found->ai_addrlen);
	freeaddrinfo(found);
	return true;
}

/* What has been read of an IB/CM target. */
struct ib_parts {
	u8	dgid[16], sgid[16], pkey[2], service_id[8];
	bool	has_dgid, has_sgid, has_pkey, has_service_id;
};

/* Returns what is wrong, or NULL. */
static const char *parse_option(const char *key, const char *value, struct srpi_target *t,
				struct ib_parts *ib)
{
	if (!strcmp(key, "id_ext"))
		return parse_hex(value, t->t_port_id, 8) ? NULL : "id_ext: up to 16 hexadecimal digits";
	if (!strcmp(key, "ioc_guid"))
		return parse_hex(value, t->t_port_id + 8, 8) ? NULL : "ioc_guid: up to 16 hexadecimal digits";
	if (!strcmp(key, "initiator_ext"))
		return parse_hex(value, t->i_port_id, 8) ? NULL : "initiator_ext: up to 16 hexadecimal digits";
	if (!strcmp(key, "dest"))
		return parse_addr(value, true, &t->dst) ? NULL : "dest: an IP address and a port, ADDR:PORT";
	if (!strcmp(key, "src"))
		return parse_addr(value, false, &t->src) ? NULL : "src: an IP address";
	if (!strcmp(key, "dgid")) {
		ib->has_dgid = parse_hex(value, ib->dgid, 16);
		return ib->has_dgid ? NULL : "dgid: 32 hexadecimal digits";
	}
	if (!strcmp(key, "sgid")) {
		ib->has_sgid = parse_hex(value, ib->sgid, 16);
		return ib->has_sgid ? NULL : "sgid: 32 hexadecimal digits";
	}
	if (!strcmp(key, "pkey")) {
		ib->has_pkey = parse_hex(value, ib->pkey, 2);
		return ib->has_pkey ? NULL : "pkey: up to 4 hexadecimal digits";
	}
	if (!strcmp(key, "service_id")) {
		ib->has_service_id = parse_hex(value, ib->service_id, 8);
		return ib->has_service_id ? NULL : "service_id: up to 16 hexadecimal digits";
	}
	return NULL;
}

static void set_ib_addr(struct srpi_target *t, const struct ib_parts *ib)
{
	struct sockaddr_ib *a = (void *)&t->dst, *src = (void *)&t->src;

	a->sib_family = AF_IB;
	memcpy(&a->sib_pkey, ib->pkey, sizeof(ib->pkey));
	memcpy(&a->sib_addr, ib->dgid, sizeof(ib->dgid));
	memcpy(&a->sib_sid, ib->service_id, sizeof(ib->service_id));
	a->sib_sid_mask = ~0ULL;
	if (!ib->has_sgid)
		return;
	src->sib_family = AF_IB;
	memcpy(&src->sib_addr, ib->sgid, sizeof(ib->sgid));
}

int srpi_parse_target(const char *text, struct srpi_target *t, const char **why)
{
	static const u8 zero[8];
	struct ib_parts ib = { 0 };
	char copy[512], *save, *key, *value;

	memset(t, 0, sizeof(*t));
	*why = "too long";
	if (strlen(text) >= sizeof(copy))
		return -EINVAL;
	strcpy(copy, text);
	for (key = strtok_r(copy, ", \n", &save); key; key = strtok_r(NULL, ", \n", &save)) {
		value = strchr(key, '=');
		*why = "options are KEY=VALUE, with commas between them";
		if (!value)
			return -EINVAL;
		*value++ = '\0';
		*why = parse_option(key, value, t, &ib);
		if (*why)
			return -EINVAL;
	}
	*why = "id_ext and ioc_guid are needed";
	if (!memcmp(t->t_port_id + 8, zero, 8))
		return -EINVAL;
	if (t->dst.ss_family)
		return 0;
	*why = "the address is missing: dest=ADDR:PORT, or dgid=, pkey= and service_id=";
	if (!ib.has_dgid || !ib.has_pkey || !ib.has_service_id)
		return -EINVAL;
	set_ib_addr(t, &ib);
	return 0;
}
