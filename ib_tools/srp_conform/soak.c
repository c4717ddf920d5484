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

/* What is aborted has no answer: the credits tell how many may be under way. */
static bool has_room(struct srpi_chan *ch)
{
	return srpi_credits(ch) >= srpi_chan_login(ch)->limit - 24;
}

/* One at random, of those that have room: one whose commands are being aborted holds up no other. */
static struct srpi_chan *next_channel(struct srpi_chan *const *ch)
{
	u32 first = below(NR_SOAK), i;

	for (;;) {
		for (i = 0; i < NR_SOAK; i++) {
			struct srpi_chan *next = ch[(first + i) % NR_SOAK];

			if (!has_room(next))
				drain(next, 0);
			if (has_room(next))
				return next;
		}
		drain(ch[first], 1);
	}
}

static void soak_one(struct srpi_chan *ch, u64 *recent)
{
	/* Most abort all of the LUN, so most commands are aborted. */
	static const u8 functions[] = { SRP_TMF_ABORT_TASK, SRP_TMF_ABORT_TASK, SRP_TMF_ABORT_TASK_SET,
					SRP_TMF_LUN_RESET, SRP_TMF_LUN_RESET, SRP_TMF_LUN_RESET, 0x77 };
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
	u32 i;
	long end;

	nr_functions = 0;
	nr_answers = 0;
	for (i = 0; i < NR_SOAK; i++)
		ch[i] = login(i ? SRP_LOGIN_MC_MULTI : SRP_LOGIN_MC_SINGLE);
	for (i = 0; i < rounds; i++)
		soak_one(next_channel(ch), recent);
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
