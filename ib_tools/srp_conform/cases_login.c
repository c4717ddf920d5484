// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Requirements of the login (LOG). */
#include <errno.h>
#include <string.h>

#include "mad.h"

static const struct srp_wire_login_rsp *wire_rsp(const struct srpi_chan *ch)
{
	return (const void *)srpi_chan_login(ch)->private_data;
}

static u32 max_of_login(u32 iu_len)
{
	struct login_pd pd = login_pd(0);
	struct srpi_chan *ch;
	u32 max = 0;

	pd_set_be32(&pd, PD_IU_LEN, iu_len);
	if (!login_raw(&pd, &ch))
		max = srpi_chan_login(ch)->max_it_iu_len;
	close_chan(ch);
	return max;
}

/* The largest IU length that a login may ask for. Some targets say it, others repeat what was asked for. */
static u32 max_iu_len(void)
{
	static u32 max;
	u32 good, bad, mid;

	if (max)
		return max;
	good = max_of_login(64);
	bad = good + 1;
	if (max_of_login(bad)) {
		for (good = bad, bad = 1u << 31; bad - good > 1;) {
			mid = good + (bad - good) / 2;
			if (max_of_login(mid))
				good = mid;
			else
				bad = mid;
		}
	}
	return max = good;
}

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

static void log_03(void)
{
	struct login_pd pd = login_pd(SRP_LOGIN_IMM);
	struct srpi_chan *ch;

	sent("IU length 8260, formats 0x0006, flags 0x80, offset 68");
	pd_set_be32(&pd, PD_IU_LEN, SRPI_IU_LEN);
	pd_set_be16(&pd, PD_FORMATS, SRP_LOGIN_FMT_SUPPORTED);
	pd_set_be16(&pd, PD_IMM_OFF, SRPI_IMM_OFF);
	ch = login_with(&pd);
	saw("%s immediate data", srpi_chan_login(ch)->imm ? "with" : "without");
	if (srpi_chan_login(ch)->max_it_iu_len < SRPI_IU_LEN)
		fail("IU length %u", srpi_chan_login(ch)->max_it_iu_len);
	settle(ch);
}

static void log_04(void)
{
	struct login_pd pd = login_pd(0);
	struct srpi_chan *ch;
	struct srpi_iu iu;

	sent("IU length 80, formats 0x0002; INQUIRY, READ CAPACITY, WRITE and READ of 1, 8 and 128 blocks");
	pd_set_be32(&pd, PD_IU_LEN, 80);
	pd_set_be16(&pd, PD_FORMATS, SRP_LOGIN_FMT_DIRECT);
	pd_set_be16(&pd, PD_IMM_OFF, 0);
	ch = login_with(&pd);
	settle(ch);
	build_in(&iu, AS_CDB(CDB_INQUIRY(36)), 0, 36);
	do_good(ch, &iu);
	build_in(&iu, AS_CDB({ { 0x25 } }), 0, 8);
	do_good(ch, &iu);
	for (u32 nr = 1; nr <= 128; nr = nr == 1 ? 8 : nr * 16) {
		lay_canary();
		fill_pattern(0, nr * BLOCK, nr);
		write_blocks(ch, nr, nr, 0);
		lay_canary();
		read_blocks(ch, nr, nr, BLOCK);
		expect_pattern(BLOCK, nr * BLOCK, nr);
		expect_canary(0, BLOCK);
		expect_canary((nr + 1) * BLOCK, BLOCK);
	}
	expect_conserved(ch);
}

/* ---- LOG-05 to LOG-07: IU length ------------------------------------------------------------------- */

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

static void log_06(void)
{
	const u32 lens[] = { max_iu_len() + 1, 0x7fffffff, 0xffffffff };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(lens); i++)
		row(bad_iu_len, &lens[i], "IU length %u", lens[i]);
}

static void log_07(void)
{
	struct login_pd pd = login_pd(0);
	u8 bytes[65536] = { 0 };
	struct srpi_iu iu;
	struct srpi_chan *ch;
	struct srpi_rsp r;
	u32 max = max_iu_len();

	sent("IU length %u, then a TEST UNIT READY padded to it", max);
	pd_set_be32(&pd, PD_IU_LEN, max);
	ch = login_with(&pd);
	settle(ch);
	build_tur(&iu);
	memcpy(bytes, iu.b, iu.len);
	if (max > sizeof(bytes) || srpi_send_bytes(ch, bytes, max))
		skip("IUs of %u bytes are too long for this program", max);
	if (wait_rsp(ch, &r, conf.timeout) != WAIT_RSP || r.tag != srpi_iu_tag(&iu))
		fail("no answer");
	expect_good(&r);
	expect_conserved(ch);
}

/* ---- LOG-08 to LOG-16: fields ---------------------------------------------------------------------- */

static void bad_formats(const void *arg)
{
	struct login_pd pd = login_pd(0);

	pd_set_be16(&pd, PD_FORMATS, *(const u16 *)arg);
	expect_refused(&pd, REJ(4));
}

static void log_08(void)
{
	static const u16 formats[] = { 0x0001, 0x0008, 0x8006, 0xffff };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(formats); i++)
		row(bad_formats, &formats[i], "formats %#06x", formats[i]);
}

static void log_09(void)
{
	struct login_pd pd = login_pd(0);

	sent("formats 0x0000, then TEST UNIT READY");
	pd_set_be16(&pd, PD_FORMATS, 0);
	settle(login_with(&pd));
}

static void bad_opcode(const void *arg)
{
	struct login_pd pd = login_pd(0);
	struct srpi_chan *ch;
	u32 reason;
	int ret;

	*pd_at(&pd, PD_OPCODE) = *(const u8 *)arg;
	if (conf.target.dst.ss_family == AF_IB) {
		expect_req_rejected(be16toh(((const struct sockaddr_ib *)&conf.target.dst)->sib_pkey), &pd);
		return;
	}
	ret = login_raw(&pd, &ch);
	if (ret != -ECONNREFUSED)
		fail("not refused: %s", ret ? srpi_error(ch) : "accepted");
	reason = srpi_chan_login(ch)->reason;
	saw(reason ? "REJ %#x" : "rejected without SRP_LOGIN_REJ", reason);
	if (reason && reason != SRP_REJ_NO_REASON)
		fail("rejected with reason %#x", reason);
	close_chan(ch);
}

static void log_10(void)
{
	static const u8 opcodes[] = { 0x01, 0x02, 0xc0, 0xff };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(opcodes); i++)
		row(bad_opcode, &opcodes[i], "opcode %02x", opcodes[i]);
}

static void log_11(void)
{
	static const u8 ib[] = { 1, 2, 3, 4, 5, 6, 7, 20, 21, 22, 23, 27, 30, 31 };
	static const u8 rdma[] = { 50, 51, 52, 53, 54, 55 };
	struct login_pd pd = login_pd(0);
	unsigned int i;

	if (pd.len == sizeof(struct srp_wire_login_req)) {
		sent("bytes 1-7, 20-23, 27, 30-31: all ones");
		for (i = 0; i < ARRAY_SIZE(ib); i++)
			pd.b[ib[i]] = 0xff;
	} else {
		sent("bytes 50-55 of the login request of RDMA/CM, which has no other reserved ones: all ones");
		for (i = 0; i < ARRAY_SIZE(rdma); i++)
			pd.b[rdma[i]] = 0xff;
	}
	settle(login_with(&pd));
}

static void other_flags(const void *arg)
{
	const u8 flags = *(const u8 *)arg;
	struct login_pd pd = login_pd(0);
	struct srpi_chan *ch;
	u8 got;

	*pd_at(&pd, PD_FLAGS) = flags;
	ch = login_with(&pd);
	got = wire_rsp(ch)->rsp_flags;
	/* Bit 4 is SOLNTSUP. */
	if (got & ~(0x10 | SRP_LOGIN_MC_MASK))
		fail("flags %02x in SRP_LOGIN_RSP", got);
	if (got & 0x10)
		saw("SOLNTSUP");
	settle(ch);
	close_chan(ch);
}

static void log_12(void)
{
	static const u8 flags[] = { 0x0c, 0x70 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(flags); i++)
		row(other_flags, &flags[i], "flags %02x", flags[i]);
}

static void bad_action(const void *arg)
{
	struct login_pd pd = login_pd(*(const u8 *)arg);

	expect_refused(&pd, REJ(0));
}

static void log_13(void)
{
	static const u8 actions[] = { 2, 3 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(actions); i++)
		row(bad_action, &actions[i], "MULTI-CHANNEL ACTION %d", actions[i]);
}

static void bad_port_id(const void *arg)
{
	struct login_pd pd = login_pd(0);

	memcpy(pd_at(&pd, PD_T_PORT_ID), arg, SRPI_PORT_ID_LEN);
	expect_refused(&pd, REJ(3));
}

static void log_14(void)
{
	const u8 *right = srpi_target(ini)->t_port_id;
	u8 id[SRPI_PORT_ID_LEN];

	memcpy(id, right, sizeof(id));
	id[15] ^= 1;
	row(bad_port_id, id, "wrong GUID");
	memcpy(id, right, sizeof(id));
	id[0] ^= 1;
	row(bad_port_id, id, "wrong extension");
	memcpy(id, right + 8, 8);
	memcpy(id + 8, right, 8);
	if (memcmp(id, right, sizeof(id)))
		row(bad_port_id, id, "halves swapped");
	else
		sent("the halves are equal, so nothing with them swapped");
}

static void log_15(void)
{
	struct login_pd pd = login_pd(0);
	struct srpi_chan *ch;

	sent("flags 0, offset 4711");
	pd_set_be16(&pd, PD_IMM_OFF, 4711);
	ch = login_with(&pd);
	if (srpi_chan_login(ch)->imm)
		fail("immediate data, which was not asked for");
	settle(ch);
}

static void bad_offset(const void *arg)
{
	struct login_pd pd = login_pd(SRP_LOGIN_IMM);
	struct srpi_chan *ch;

	pd_set_be32(&pd, PD_IU_LEN, max_iu_len());
	pd_set_be16(&pd, PD_IMM_OFF, *(const u32 *)arg);
	ch = login_with(&pd);
	if (srpi_chan_login(ch)->imm)
		fail("immediate data is granted");
	settle(ch);
	close_chan(ch);
}

static void log_16(void)
{
	const u32 offsets[] = { 0, 47, 48, 49, 50, 51, 53, max_iu_len(), max_iu_len() + 1, 65535 };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(offsets); i++)
		if (offsets[i] <= 65535)
			row(bad_offset, &offsets[i], "flags 0x80, offset %u", offsets[i]);
}

static void short_login(const void *arg)
{
	const u8 len = *(const u8 *)arg;
	struct login_pd pd = login_pd(0);
	struct srpi_login_opts opts = { .private_data = pd.b, .private_data_len = len };
	struct srpi_chan *ch;

	pd_set_be16(&pd, PD_IMM_OFF, 0);
	if (len >= sizeof(opts.tag))
		memcpy(&opts.tag, pd_at(&pd, PD_TAG), sizeof(opts.tag));
	if (len < SRP_LOGIN_REQ_RDMA_OLD_LEN) {
		/* Also the CM's zeroes behind it are a port id of nobody. */
		expect_refused_by(ini, &opts, ~0u);
		return;
	}
	if (try_login(ini, &opts, &ch))
		fail("%s", srpi_error(ch));
	saw("accepted");
	if (srpi_chan_login(ch)->imm)
		fail("immediate data, which was not asked for");
	settle(ch);
	close_chan(ch);
}

static void log_17(void)
{
	static const u8 lens[] = { 0, 10, 48, 55 };
	unsigned int i;

	if (conf.target.dst.ss_family == AF_IB)
		skip("about the login request of RDMA/CM");
	for (i = 0; i < ARRAY_SIZE(lens); i++)
		row(short_login, &lens[i], "%u bytes", lens[i]);
}

/* ---- LOG-18 to LOG-22: refused because of what there is ---------------------------------------------- */

static void log_18(void)
{
	struct login_pd pd = login_pd(0);

	sent("the port is disabled, then a login");
	hook("disable");
	expect_refused(&pd, REJ(0) | REJ(1));
	hook("enable");
	settle(login_with(&pd));
}

#define PARALLEL	16

/* All of them at once; those that are refused must say why. Returns how many were accepted. */
static u32 parallel_logins(struct srpi *const *ways, u32 nr_ways, u32 nr)
{
	const struct srpi_login_opts opts = {
		.flags = SRP_LOGIN_MC_MULTI, .tag = srpi_next_tag(), .recvs = 8, .sends = 8, .send_mem = 4096,
	};
	struct srpi_chan *ch[PARALLEL];
	u32 i, good = 0;
	int ret;

	for (i = 0; i < nr; i++)
		ch[i] = start_login(ways[i % nr_ways], &opts);
	for (i = 0; i < nr; i++) {
		ret = srpi_wait_rep(ch[i]);
		if (!ret)
			ret = srpi_establish(ch[i]);
		if (ret) {
			refusal(ch[i], ret, opts.tag);
			continue;
		}
		good++;
		saw("accepted");
		settle(ch[i]);
	}
	close_all();
	return good;
}

static void log_19(void)
{
	struct srpi *ways[4];
	u32 i, rounds = loops(1, 64);

	sent("%u times %u logins at once, by 4 initiators", rounds, PARALLEL);
	for (i = 0; i < ARRAY_SIZE(ways); i++)
		ways[i] = other_initiator(i + 1);
	while (rounds--)
		if (!parallel_logins(ways, ARRAY_SIZE(ways), PARALLEL))
			fail("none was accepted");
}

static void log_20(void)
{
	struct login_pd pd = login_pd(SRP_LOGIN_MC_MULTI);
	struct srpi_chan *ch[4];
	unsigned int i;

	sent("srp_max_channels 4, then 5 logins with MULTI");
	hook("set srp_max_channels 4");
	for (i = 0; i < ARRAY_SIZE(ch); i++)
		ch[i] = login_settled(SRP_LOGIN_MC_MULTI);
	expect_refused(&pd, REJ(6));
	for (i = 0; i < ARRAY_SIZE(ch); i++) {
		tur(ch[i]);
		expect_conserved(ch[i]);
	}
	/* One that has gone makes room. */
	close_chan(ch[3]);
	login_with(&pd);
}

/* Most of these are refused; those that are must say why. */
static void random_login(struct srpi *s)
{
	struct login_pd pd = login_pd(0);
	struct srpi_login_opts opts = { .private_data = pd.b, .private_data_len = pd.len };
	u32 i, n = 1 + below(4);
	struct srpi_chan *ch;
	int ret;

	for (i = 0; i < n; i++)
		pd.b[below(pd.len)] = next_random();
	if (!below(8))
		for (i = 0; i < pd.len; i++)
			pd.b[i] = next_random();
	*pd_at(&pd, PD_OPCODE) = SRP_OP_LOGIN_REQ;
	memcpy(&opts.tag, pd_at(&pd, PD_TAG), sizeof(opts.tag));
	ret = try_login(s, &opts, &ch);
	if (ret)
		refusal(ch, ret, opts.tag);
	else
		saw("accepted");
	close_chan(ch);
}

/* Disabled while logins are going on: each has got in, or is refused. */
static void disable_during_login(const void *arg)
{
	const struct srpi_login_opts opts = { .flags = SRP_LOGIN_MC_MULTI, .tag = srpi_next_tag() };
	struct srpi_chan *ch[8];
	unsigned int i;

	(void)arg;
	for (i = 0; i < ARRAY_SIZE(ch); i++)
		ch[i] = start_login(ini, &opts);
	hook("disable");
	for (i = 0; i < ARRAY_SIZE(ch); i++)
		if (was_accepted(ch[i], opts.tag))
			saw("accepted");
	close_all();
	hook("enable");
}

static void log_21(void)
{
	u32 i, nr = loops(20, 10000);

	sent("%u logins with random bytes", nr);
	for (i = 0; i < nr; i++)
		random_login(ini);
	if (conf.hook)
		row(disable_during_login, NULL, "8 logins, and the port is disabled meanwhile");
}

/* By random initiators; returns nothing and leaves nothing. */
static void log_22(void)
{
	u32 i, nr = loops(40, 1000000);
	struct login_pd pd = login_pd(0);
	unsigned int k;

	sent("%u logins by random initiators for another target port", nr);
	*pd_at(&pd, PD_T_PORT_ID) ^= 1;
	for (i = 0; i < nr; i++) {
		for (k = 0; k < SRPI_PORT_ID_LEN; k++)
			pd_at(&pd, PD_I_PORT_ID)[k] = next_random();
		expect_refused(&pd, REJ(3));
	}
	hook("idle 20");
}

/* ---- LOG-23, LOG-24: what the connection manager negotiates ------------------------------------------ */

#define PIECE	(1u << 20)

static void write_pieces(struct srpi_chan *ch, u32 nr)
{
	static struct tasks t;
	struct srpi_iu iu;
	u32 i;

	fill_pattern(0, PIECE, nr);
	memset(&t, 0, sizeof(t));
	for (i = 0; i < nr; i++) {
		build_out(&iu, AS_CDB(CDB_WRITE(i * (PIECE / BLOCK), PIECE / BLOCK)), 0, PIECE);
		task_send(&t, ch, &iu);
	}
	tasks_good(&t, ch);
	memset(data, 0, PIECE);
	read_blocks(ch, (nr - 1) * (PIECE / BLOCK), PIECE / BLOCK, 0);
	expect_pattern(0, PIECE, nr);
}

static void some_depth(const void *arg)
{
	const u8 depth = *(const u8 *)arg;
	struct srpi_chan *ch = login_by(ini, &(struct srpi_login_opts){ .responder_resources = depth });

	saw("initiator depth %u", srpi_chan_login(ch)->initiator_depth);
	if (srpi_chan_login(ch)->initiator_depth > depth)
		fail("initiator depth %u in the REP", srpi_chan_login(ch)->initiator_depth);
	settle(ch);
	write_pieces(ch, conf.run_long ? 64 : 6);
	expect_conserved(ch);
	close_chan(ch);
}

/* Refused, or a login that can only read. */
static void no_depth(const void *arg)
{
	const struct srpi_login_opts opts = { .no_reads = true, .tag = srpi_next_tag() };
	struct srpi_chan *ch;
	struct srpi_iu iu;
	int ret = try_login(ini, &opts, &ch);

	(void)arg;
	if (ret) {
		if (refusal(ch, ret, opts.tag))
			fail("rejected with reason %#x", srpi_chan_login(ch)->reason);
		return;
	}
	settle(ch);
	read_blocks(ch, 0, 8, 0);
	build_out(&iu, AS_CDB(CDB_WRITE(0, 8)), 0, 8 * BLOCK);
	provoke(ch, &iu, FIELD | CHECK | STATUS | BAD_CDB, NULL);
	tur(ch);
}

static void log_23(void)
{
	static const u8 depths[] = { 1, 2, 16 };
	unsigned int i;

	row(no_depth, NULL, "responder resources 0");
	for (i = 0; i < ARRAY_SIZE(depths); i++)
		row(some_depth, &depths[i], "responder resources %u, then parallel WRITEs of 1 MiB", depths[i]);
}

static void log_24(void)
{
	struct srpi_chan *ch;
	struct srpi_iu iu;
	struct srpi_rsp r;
	u32 i, good = 0;
	enum { NR = 20 };

	sent("a login without receives, %u TEST UNIT READY, and the receives half a second later", NR);
	login_settled(0);
	close_all();
	ch = login_by(ini, &(struct srpi_login_opts){ .recvs = -1 });
	for (i = 0; i < NR; i++) {
		build_tur(&iu);
		send_iu(ch, &iu);
	}
	expect_silence(ch, 500);
	if (srpi_post_recvs(ch))
		fail("%s", srpi_error(ch));
	for (i = 0; i < NR; i++) {
		if (wait_rsp(ch, &r, conf.timeout) != WAIT_RSP)
			fail("%u of %u answers", i, NR);
		good += !r.status;
	}
	/* One may be a unit attention. */
	if (good + 1 < NR)
		fail("%u of %u are GOOD", good, NR);
	expect_conserved(ch);
}

/* ---- LOG-25 to LOG-28 ------------------------------------------------------------------------------ */

static void log_25(void)
{
	struct srp_wire_login_req req = { .opcode = SRP_OP_LOGIN_REQ, .tag = srpi_next_tag() };
	struct srpi_chan *ch = login_settled(0);
	struct srpi_iu iu = { .len = sizeof(req) };

	sent("an SRP_LOGIN_REQ of 64 bytes over the channel");
	req.req_it_iu_len = htobe32(SRPI_IU_LEN);
	req.req_buf_fmt = htobe16(SRP_LOGIN_FMT_SUPPORTED);
	memcpy(req.initiator_port_id, srpi_target(ini)->i_port_id, SRPI_PORT_ID_LEN);
	memcpy(req.target_port_id, srpi_target(ini)->t_port_id, SRPI_PORT_ID_LEN);
	memcpy(iu.b, &req, sizeof(req));
	provoke(ch, &iu, KILL(SRP_LOGOUT_BAD_IU_TYPE), NULL);
}

static void log_26(void)
{
	const u32 lens[] = { 64, SRPI_IU_LEN, max_iu_len() };
	struct srpi_chan *ch;
	u32 i, got, first = 0;

	sent("IU length 64, %u, %u", lens[1], lens[2]);
	for (i = 0; i < ARRAY_SIZE(lens); i++) {
		ch = login_by(ini, &(struct srpi_login_opts){ .iu_len = lens[i] });
		got = srpi_chan_login(ch)->max_ti_iu_len;
		saw("%u", got);
		if (i && got != first)
			fail("MAXIMUM TARGET TO INITIATOR IU LENGTH is %u, then %u", first, got);
		first = got;
		close_chan(ch);
	}
}

static void log_28(void)
{
	u32 i, nr = loops(10, 100000);

	sent("%u logins and DREQs", nr);
	for (i = 0; i < nr; i++)
		close_chan(login(SRP_LOGIN_MC_SINGLE));
	hook("idle 20");
}

const struct conf_case login_cases[] = {
	{ "LOG-01", "a minimal login", "accepted; tag echoed, request limit 2 or more, both formats, result 00", log_01 },
	{ "LOG-02", "the tag is opaque", "echoed in SRP_LOGIN_RSP and in SRP_LOGIN_REJ", log_02 },
	{ "LOG-03", "the login of Linux", "accepted, with immediate data if the target has it", log_03 },
	{ "LOG-04", "a small initiator, as boot firmware is one", "accepted; all I/O by one direct descriptor works", log_04 },
	{ "LOG-05", "IU length below 64", "REJ 0x10000", log_05 },
	{ "LOG-06", "IU length too large", "REJ 0x10002", log_06 },
	{ "LOG-07", "the largest IU length", "accepted; an IU of that length is executed", log_07 },
	{ "LOG-08", "formats that are not supported", "REJ 0x10004", log_08 },
	{ "LOG-09", "no format asked for", "accepted; TEST UNIT READY works", log_09 },
	{ "LOG-10", "the opcode is checked", "REJ 0x10000, or rejected without SRP_LOGIN_REJ; never a session", log_10 },
	{ "LOG-11", "reserved bytes are ignored", "accepted", log_11 },
	{ "LOG-12", "reserved flags, and those of solicited notification", "accepted; SOLNTSUP if implemented", log_12 },
	{ "LOG-13", "reserved MULTI-CHANNEL ACTION", "REJ 0x10000", log_13 },
	{ "LOG-14", "the target port id must match", "REJ 0x10003", log_14 },
	{ "LOG-15", "offset of immediate data without the flag", "accepted, without immediate data", log_15 },
	{ "LOG-16", "bad offset of immediate data", "accepted, without immediate data", log_16 },
	{ "LOG-17", "short private data (zero padded by the CM except on iWARP)", "48 bytes and more: accepted; less: REJ",
	  log_17 },
	{ "LOG-18", "login to a disabled port", "REJ 0x10001 or 0x10000; accepted when enabled again", log_18, NEEDS_HOOK },
	{ "LOG-19", "many logins at once (allocations that fail: tests/suites/fault.sh)",
	  "accepted and usable, or rejected with a defined reason", log_19 },
	{ "LOG-20", "limit of channels", "the fifth: REJ 0x10006; the others go on", log_20, NEEDS_HOOK },
	{ "LOG-21", "the reason of a REJ is defined", "accepted, or REJ 0x10000 to 0x10006", log_21 },
	{ "LOG-22", "a refused login leaves nothing", "REJ 0x10003; nothing is left on the target", log_22, NEEDS_HOOK },
	{ "LOG-23", "RDMA READ depth is negotiated",
	  "REP: no more than offered, and no READ beyond it; 0: REJ 0x10000, or only reads", log_23 },
	{ "LOG-24", "receives are posted late", "the target tries again for ever: all is answered", log_24 },
	{ "LOG-25", "SRP_LOGIN_REQ over a channel", "SRP_T_LOGOUT 2, closed", log_25 },
	{ "LOG-26", "MAXIMUM TARGET TO INITIATOR IU LENGTH is a constant", "always the same", log_26 },
	{ "LOG-28", "logins leave nothing", "nothing is left on the target", log_28, NEEDS_HOOK },
	{ .id = NULL }
};
