// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Names: what can be parsed is shown in a spelling that means the same. */
#include "fuzz.h"
#include "srp_proto.h"

static void check_name(const char *text, int (*parse)(const char *, struct srp_name *))
{
	struct srp_name name, again;
	char *shown, *shown_again;
	int err, len;

	memset(&name, 0xff, sizeof(name));
	err = parse(text, &name);
	CHECK(err == 0 || err == -22);
	if (err)
		return;
	shown = malloc(SRP_NAME_LEN);
	shown_again = malloc(SRP_NAME_LEN);
	len = srp_format_name(shown, &name);
	CHECK(len > 0 && len < SRP_NAME_LEN && strlen(shown) == (size_t)len);
	CHECK(!parse(shown, &again));
	CHECK(srp_name_equal(&name, &again));
	srp_format_name(shown_again, &again);
	CHECK(!strcmp(shown, shown_again));
	free(shown);
	free(shown_again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), *exact;

	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	/* Up to the first NUL, so that the text ends where its block ends. */
	exact = (char *)exact_copy((uint8_t *)text, strlen(text) + 1);
	check_name(exact, srp_parse_port_name);
	check_name(exact, srp_parse_acl_name);
	free(exact);
	free(text);
	return 0;
}
