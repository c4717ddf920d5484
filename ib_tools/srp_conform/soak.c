// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Requests and functions at random on many channels: in the end all credits are back. */
#include "conform.h"

#define NR_SOAK		8

static u32 nr_functions, nr_answers;

static void drain(struct srpi_chan *ch, long ms)
{
	struct srpi_rsp r;
	enum wait_result result;

	while ((result = wait_rsp(ch, &r, ms)) == WAIT_RSP)
		nr_answers++;
	if (result == WAIT_CLOSED)
		fail("a channel was closed");
}

static void soak_one(struct srpi_chan *ch, u64 *recent)
{
	static const u8 functions[] = { SRP_TMF_ABORT_TASK, SRP_TMF_ABORT_TASK, SRP_TMF_ABORT_TASK, SRP_TMF_ABORT_TASK_SET,
					SRP_TMF_LUN_RESET, 0x77 };
	const u32 lba = below(64) * 8, off = below(64) * 4096;
	struct srpi_iu iu;

	switch (below(8)) {
	case 0:
		nr_functions++;
		build_tmf(&iu, functions[below(ARRAY_SIZE(functions))], LUN_IS(conf.lun), recent[below(8)]);
		break;
	case 1:
		build_tur(&iu);
		break;
	case 2: case 3: case 4:
		build_out(&iu, AS_CDB(CDB_WRITE(lba, 8)), off, 4096);
		break;
	default:
		build_in(&iu, AS_CDB(CDB_READ(lba, 8)), off, 4096);
	}
	recent[below(8)] = srpi_iu_tag(&iu);
	send_iu(ch, &iu);
}

void soak_credits(void)
{
	const u32 rounds = loops(2000, 200000);
	struct srpi_chan *ch[NR_SOAK];
	u64 recent[8] = { 0 };
	const long begin = now_ms();
	u32 i, n;
	long end;

	nr_functions = 0;
	nr_answers = 0;
	for (i = 0; i < NR_SOAK; i++)
		ch[i] = login(i ? SRP_LOGIN_MC_MULTI : SRP_LOGIN_MC_SINGLE);
	for (i = 0; i < rounds; i++) {
		n = below(NR_SOAK);
		/* What is aborted has no answer: the credits tell how many may be under way. */
		while (srpi_credits(ch[n]) < srpi_chan_login(ch[n])->limit - 24)
			drain(ch[n], 1);
		soak_one(ch[n], recent);
	}
	end = now_ms() + conf.timeout;
	for (i = 0; i < NR_SOAK; i++) {
		while (srpi_stats(ch[i])->deltas != (s64)srpi_stats(ch[i])->requests && now_ms() < end)
			drain(ch[i], 10);
		expect_conserved(ch[i]);
	}
	sent("%u requests on %d channels at random in %ld s, %u of them functions; %u commands were aborted", rounds, NR_SOAK,
	     (now_ms() - begin) / 1000, nr_functions, rounds - nr_answers);
	saw("credits conserved on %d channels", NR_SOAK);
}
