// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Fuzzing: valid IUs, with a few bytes changed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "hostile.h"

static void build_seed(struct iu *iu)
{
	u32 lba = below(1024), i;
	static const u8 functions[] = { 0x01, 0x02, 0x04, 0x08, 0x40 };

	switch (below(7)) {
	case 0:
		build_tur(iu);
		break;
	case 1:
		build_in(iu, (struct cdb){ CDB_INQUIRY(255) }, 0, 255);
		break;
	case 2:
		build_in(iu, (struct cdb){ CDB_READ(lba, 8) }, 0, 4096);
		break;
	case 3:
		build_out(iu, (struct cdb){ CDB_WRITE(lba, 8) }, 0, 4096);
		break;
	case 4:
		begin_cmd(iu, (struct cdb){ CDB_READ(lba, 8) }, 0x02)->data_in_desc_cnt = 8;
		append_desc(iu, 65536, 8 * 16);
		append_be32(iu, 4096);
		for (i = 0; i < 8; i++)
			append_desc(iu, i * 1024, 512);
		break;
	case 5:
		begin_cmd(iu, (struct cdb){ CDB_WRITE(lba, 1) }, 0x30);
		append_be32(iu, 512);
		iu->len = IMM_OFF + 512;
		break;
	default:
		build_tmf(iu, functions[below(sizeof(functions))], LUN_IS(LUN), TASK);
	}
}

static void mutate(struct iu *iu)
{
	static const u32 interesting[] = { 0, 1, 15, 16, 17, 511, 512, 0x7fffffff, 0x80000000, 0xfffffff0, 0xffffffff };
	u32 n = 1 + below(4), pos, v;

	while (n--) {
		pos = below(iu->len ? iu->len : 1);
		switch (below(6)) {
		case 0:
			iu->b[pos] ^= 1 << below(8);
			break;
		case 1:
			iu->b[pos] = next_random();
			break;
		case 2:
			v = htobe32(interesting[below(ARRAY_SIZE(interesting))]);
			memcpy(iu->b + (pos & ~3), &v, 4);
			break;
		case 3:
			/* where the counts, formats and lengths are */
			iu->b[(const u8[]){ 5, 6, 7, 29, 31, 39 }[below(6)]] = next_random();
			break;
		case 4:
			iu->b[32] = next_random();
			break;
		default:
			iu->len = below(8) ? iu->len + below(64) : below(iu->len + 1);
			if (iu->len > sizeof(iu->b))
				iu->len = sizeof(iu->b);
		}
	}
	/* Most are requests; and none goes to the disk of others. */
	if (below(64))
		iu->b[0] = iu->b[0] & 1 ? SRP_OP_TSK_MGMT : SRP_OP_CMD;
	if (!(iu->b[20] & 0x3f) && !iu->b[21])
		iu->b[21] = LUN;
}

static void print_iu(const struct iu *iu)
{
	u32 i;

	printf("IU of %u bytes:", iu->len);
	for (i = 0; i < iu->len; i++)
		printf("%s%02x", i % 4 ? "" : " ", iu->b[i]);
	printf("\n");
}

/* One IU at a time. Returns whether the channel is still there. */
static bool fuzz_one(struct chan *ch, const struct iu *iu)
{
	struct rsp r;
	struct iu probe;

	send_iu(ch, iu);
	if (iu->len < 1 || (iu->b[0] != SRP_OP_CMD && iu->b[0] != SRP_OP_TSK_MGMT)) {
		build_tur(&probe);
		send_iu(ch, &probe);
	}
	switch (wait_rsp(ch, &r, TIMEOUT)) {
	case WAIT_RSP:
		check_rsp(ch, &r);
		expect_conserved(ch);
		return true;
	case WAIT_CLOSED:
		close_chan(ch);
		return false;
	case WAIT_TIMEOUT:
		break;
	}
	print_iu(iu);
	fail("neither an answer nor the end of the channel");
}

static void run_fuzz(const void *arg)
{
	const long end = now_ms() + 1000L * *(const int *)arg;
	long count = 0, logins = 0;
	struct chan *ch = NULL;
	struct iu iu;

	while (now_ms() < end) {
		if (!ch) {
			ch = login(SRP_LOGIN_MC_SINGLE | SRP_LOGIN_IMM);
			logins++;
		}
		build_seed(&iu);
		mutate(&iu);
		count++;
		if (!fuzz_one(ch, &iu))
			ch = NULL;
	}
	printf("%ld IUs, %ld logins\n", count, logins);
}

bool test_fuzz(char **args)
{
	int seconds = args[0] ? atoi(args[0]) : 10;

	random_state = args[0] && args[1] ? strtoull(args[1], NULL, 0) : (u64)time(NULL);
	printf("seed %llu\n", random_state);
	return attempt(run_fuzz, &seconds);
}
