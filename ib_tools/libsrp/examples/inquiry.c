// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * The smallest use of libsrp: log in, INQUIRY, print who answers.
 *
 *	inquiry id_ext=...,ioc_guid=...,dest=192.0.2.10:5555 [LUN]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libsrp.h>

static int inquiry(struct srpi *s, struct srpi_chan *ch, u16 lun_nr)
{
	static const u8 cdb[] = { 0x12, 0, 0, 0, 36, 0 };
	struct srpi_mem mem;
	struct srpi_rsp rsp;
	struct srpi_iu iu;
	u8 lun[8];
	int ret;

	ret = srpi_mem_alloc(s, 4096, SRPI_ACCESS_DATA, &mem);
	if (ret)
		return ret;
	srpi_lun(lun, lun_nr);
	srpi_cmd(&iu, srpi_next_tag(), lun, cdb, sizeof(cdb));
	srpi_direct(&iu, SRPI_IN, srpi_desc(&mem, 0, 36));
	ret = srpi_ask(ch, &iu, &rsp, 5000);
	if (ret)
		fprintf(stderr, "INQUIRY: %s\n", srpi_error(ch));
	else if (rsp.status)
		fprintf(stderr, "INQUIRY: %s\n", srpi_status_str(rsp.status));
	else
		printf("%.8s %.16s %.4s\n", mem.addr + 8, mem.addr + 16, mem.addr + 32);
	srpi_mem_free(&mem);
	return ret;
}

int main(int argc, char **argv)
{
	struct srpi_target target;
	struct srpi_chan *ch;
	const char *why;
	struct srpi *s;
	int ret;

	if (argc < 2 || srpi_parse_target(argv[1], &target, &why)) {
		fprintf(stderr, "usage: inquiry TARGET [LUN]; %s\n", argc < 2 ? "no target" : why);
		return 2;
	}
	s = srpi_open(&target, 0, &ret);
	if (!s) {
		fprintf(stderr, "no way to the target: %s\n", strerror(-ret));
		return 1;
	}
	ret = srpi_login(s, NULL, &ch);
	if (ret)
		fprintf(stderr, "no login: %s\n", ch ? srpi_error(ch) : strerror(-ret));
	else
		ret = inquiry(s, ch, argc > 2 ? atoi(argv[2]) : 0);
	srpi_close(s);
	return ret ? 1 : 0;
}
